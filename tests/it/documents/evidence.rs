//! Bundles of evidence: what is in one, that it is checked without us, and that every change of it is named.

use std::path::Path;

use onlycar::documents::evidence::{Checked, NoBundle, check};
use onlycar::ground::clock::Clock;
use onlycar::tools::signing::{PublicKey, Signer};
use serde_json::{Value, json};
use uuid::Uuid;

use super::bundle::{Bundle, Files, MANIFEST};
use super::scene::{ADMIN, command, stamped};
use crate::access::rig::SECRET;
use crate::counter::{SUPABASE, token};
use crate::support::app::settings;
use crate::support::program::{onlycar, run};
use crate::support::signing::Signing;
use crate::support::{Story, TestApp};

pub fn checked(path: &Path, key: Option<PublicKey>) -> Result<Checked, NoBundle> {
    check(path, key, 4 * 1024 * 1024)
}

/// What the command says.
async fn verify(path: &Path, key: Option<PublicKey>) -> (Option<i32>, Value) {
    let mut arguments = vec![
        "evidence".to_owned(),
        "verify".to_owned(),
        path.display().to_string(),
        "--json".to_owned(),
    ];
    arguments.extend(key.map(|key| format!("--key={key}")));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // Nothing of the house is named to it.
    let ended = run(onlycar(&arguments)).await;
    assert_eq!(ended.err, "", "{ended:?}");
    (ended.code, serde_json::from_str(&ended.out).unwrap())
}

async fn open() -> TestApp {
    let app = TestApp::with(&[("SUPABASE_URL", SUPABASE), ("SUPABASE_JWT_SECRET", SECRET)]).await;
    app.advance(Clock::system().now() - app.now());
    app
}

#[tokio::test]
async fn a_bundle_tells_the_whole_way_of_an_invoice() {
    let app = open().await;
    let (row, uuid) = stamped(&app).await;
    let url = format!("{}/api/documents/facturas/{uuid}/url?format=xml", app.url);
    let link = app
        .client
        .get(url)
        .bearer_auth(token(&app, "admin", ADMIN))
        .send()
        .await
        .unwrap();
    assert_eq!(link.status(), 200);

    let bundle = Bundle::of(&app, uuid).await;
    let manifest = bundle.manifest();
    assert_eq!(manifest["format"], "onlycar-evidencia-1");
    assert_eq!(manifest["documento"]["id"], row.to_string());
    assert_eq!(manifest["documento"]["columnas"]["monto_total"], "1500.000000");
    let event = &manifest["eventos"][0];
    assert_eq!(manifest["eventos"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&event["provider"], &event["trust"]),
        (&json!("gigstack"), &json!("hmac"))
    );
    let payload: String = app
        .one("select encode(payload_sha256, 'hex') from webhooks.events where provider = 'gigstack'")
        .await;
    assert_eq!(event["payload_sha256"], payload);
    let jobs = manifest["trabajos"].as_array().unwrap();
    assert!(
        jobs.iter().any(|job| job["kind"] == "guardar_factura"),
        "{jobs:?}"
    );
    let actions: Vec<&str> = manifest["bitacora"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["accion"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "factura.emitida",
            "documento.guardado",
            "documento.guardado",
            "notificacion.no_enviada",
            "documento.enlace",
            "evidencia.exportada"
        ]
    );
    let link = &manifest["bitacora"][4];
    assert_eq!(
        (&link["actor"], &link["ip"]),
        (&json!(format!("admin:{ADMIN}")), &json!("127.0.0.1/32"))
    );
    for entry in manifest["archivos"].as_array().unwrap().iter().skip(1) {
        let object = &entry["objeto"];
        let (head, bytes) = app.bucket.read(object["clave"].as_str().unwrap()).await;
        assert_eq!(
            (&object["etag"], &object["de"]),
            (&json!(head.etag), &json!("127.0.0.1"))
        );
        assert_eq!(entry["bytes"], bytes.len());
        let files = bundle.files();
        let (_, carried) = files
            .iter()
            .find(|(name, _)| entry["nombre"] == name.as_str())
            .unwrap();
        assert_eq!(*carried, bytes);
    }
    let text = manifest.to_string();
    for personal in ["Ana López", "example.com", "XIA190128J61"] {
        assert!(!text.contains(personal), "{personal}");
    }
    let (code, told) = verify(&bundle.path, Some(bundle.key)).await;
    assert_eq!((code, &told["verdict"]), (Some(0), &json!("fits")), "{told}");
    assert_eq!((&told["key_pinned"], &told["notes"]), (&json!(true), &json!([])));
    let (code, told) = verify(&bundle.path, None).await;
    assert_eq!((code, &told["key_pinned"]), (Some(0), &json!(false)));
    app.finish().await;
}

#[tokio::test]
async fn a_bundle_of_a_contract_has_what_was_sent_and_what_was_signed() {
    let signing = Signing::with(open().await).await;
    let sent = signing.send().await;
    signing.sign(&sent).await;
    let bundle = Bundle::of(&signing.app, signing.story.contract).await;
    let names: Vec<String> = bundle.files().into_iter().map(|(name, _)| name).collect();
    let archivos = |ending: &str| names.iter().filter(|name| name.ends_with(ending)).count();
    assert_eq!(
        (names.len(), archivos(".pdf"), archivos(".original.pdf")),
        (7, 2, 1),
        "{names:?}"
    );
    let checked = checked(&bundle.path, Some(bundle.key)).unwrap();
    assert_eq!(checked.faults, [""; 0]);
    assert_eq!(
        checked.notes, [""; 0],
        "the log tells of every file, the evidence too"
    );
    let events = checked.manifest.eventos.len();
    assert!(events >= 1, "Mifiel's event is named");
    assert!(!bundle.manifest().to_string().contains("ana@example.com"));
    signing.app.finish().await;
}

/// A change of a bundle, and what of it is told.
type Change = (&'static str, fn(&mut Files), &'static str);

fn named<'a>(files: &'a mut Files, ending: &str) -> &'a mut Vec<u8> {
    let file = files.iter_mut().find(|(name, _)| name.ends_with(ending));
    &mut file.unwrap().1
}

fn in_manifest(files: &mut Files, change: fn(&mut Value)) {
    let bytes = named(files, MANIFEST);
    let mut manifest: Value = serde_json::from_slice(bytes).unwrap();
    change(&mut manifest);
    *bytes = serde_json::to_vec_pretty(&manifest).unwrap();
}

const CHANGES: [Change; 9] = [
    (
        "a byte of a file",
        |files| named(files, ".pdf")[100] ^= 1,
        ".pdf was changed: its SHA-256 is",
    ),
    (
        "a file cut short",
        |files| named(files, ".xml").truncate(100),
        ".xml has 100 bytes, and",
    ),
    (
        "a file removed",
        |files| files.retain(|(name, _)| !name.contains(".pdf")),
        ".pdf is missing",
    ),
    (
        "a file added",
        |files| files.push(("archivos/otro.pdf".to_owned(), vec![1])),
        "archivos/otro.pdf is in the bundle, and evidencia.json does not name it",
    ),
    (
        "a word of the instructions",
        |files| named(files, "LEEME.txt")[0] = b'e',
        "LEEME.txt was changed",
    ),
    (
        "a space in the manifest",
        |files| named(files, MANIFEST).push(b' '),
        "the signature is not over this evidencia.json",
    ),
    (
        "who had it",
        |files| in_manifest(files, |it| it["bitacora"][0]["actor"] = "nadie".into()),
        "of the audit log is not what was sealed",
    ),
    (
        "no signature",
        |files| files.retain(|(name, _)| name != "firma.json"),
        "nobody signed it",
    ),
    (
        "a signature of something else",
        |files| *named(files, "firma.json") = b"{}".to_vec(),
        "firma.json cannot be read",
    ),
];

/// A change that somebody signed who has the key.
type Forgery = (&'static str, fn(&mut Value), &'static str);

const FORGERIES: [Forgery; 8] = [
    (
        "another total",
        |it| it["documento"]["columnas"]["monto_total"] = "1.00".into(),
        "the XML says 1500.00 for monto_total, and 1.00 is recorded",
    ),
    (
        "another UUID",
        |it| it["documento"]["columnas"]["uuid_sat"] = Uuid::nil().to_string().into(),
        "for uuid_sat, and 00000000-0000-0000-0000-000000000000 is recorded",
    ),
    (
        "another stamp",
        |it| it["documento"]["columnas"]["sello_sat"] = "AAAA".into(),
        "for sello_sat, and AAAA is recorded",
    ),
    (
        "another digest in the row",
        |it| it["documento"]["columnas"]["sha256_pdf"] = "0".into(),
        "is not the pdf that the row recorded",
    ),
    (
        "a row of another document",
        |it| it["bitacora"][1]["recurso_id"] = Uuid::nil().to_string().into(),
        "of the audit log is about something else",
    ),
    (
        "rows in another order",
        |it| it["bitacora"].as_array_mut().unwrap().reverse(),
        "of the audit log is not in its place",
    ),
    (
        "a file that the row tells of left out",
        |it| {
            it["archivos"]
                .as_array_mut()
                .unwrap()
                .retain(|entry| entry["objeto"]["archivo"] != "pdf");
        },
        "the row tells of a file pdf that is not in the bundle",
    ),
    (
        "an end before the rows",
        |it| it["cabeza"]["last_id"] = 0.into(),
        "the audit log ends otherwise than the bundle says",
    ),
];

#[tokio::test]
async fn every_change_is_named() {
    let app = open().await;
    let (row, _) = stamped(&app).await;
    let bundle = Bundle::of(&app, row).await;
    assert_eq!(
        checked(&bundle.write(&bundle.files()), Some(bundle.key))
            .unwrap()
            .faults,
        [""; 0]
    );
    for (name, change, told) in CHANGES {
        let mut files = bundle.files();
        change(&mut files);
        let faults = checked(&bundle.write(&files), Some(bundle.key)).unwrap().faults;
        assert!(
            faults.iter().any(|fault| fault.contains(told)),
            "{name}: {faults:?}"
        );
    }
    for (name, change, told) in FORGERIES {
        let mut manifest = bundle.manifest();
        change(&mut manifest);
        let path = bundle.write(&bundle.signed(&manifest, &bundle.signer));
        let (code, said) = verify(&path, Some(bundle.key)).await;
        let faults = said["faults"].to_string();
        assert_eq!(code, Some(1), "{name}");
        assert!(faults.contains(told), "{name}: {faults}");
        assert!(!faults.contains("signature"), "{name}: {faults}");
    }
    // Somebody else signed it: without a pinned key it only shows that nothing changed since.
    let other = [(
        "AUDIT_SIGNING_KEY",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    )];
    let other = Signer::of(&settings(&app.database_url, &other, &[], None)).unwrap();
    let path = bundle.write(&bundle.signed(&bundle.manifest(), &other));
    assert_eq!(checked(&path, None).unwrap().faults, [""; 0]);
    let faults = checked(&path, Some(bundle.key)).unwrap().faults;
    assert!(
        faults.len() == 1 && faults[0].contains("it is signed with another key"),
        "{faults:?}"
    );
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_exported_leaves_no_file() {
    let app = open().await;
    let (row, uuid) = stamped(&app).await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.zip");
    let out = out.to_str().unwrap();
    let id = row.to_string();
    let export = ["evidence", "export", &id, "--out", out];
    let nobody = command(
        &app,
        &["evidence", "export", &Uuid::nil().to_string(), "--out", out],
    )
    .await;
    assert_eq!(nobody.code, Some(1));
    assert!(
        nobody.err.contains("no document has the id") && nobody.err.contains("hint:"),
        "{nobody:?}"
    );

    let key = format!("facturas/{}/{uuid}.pdf", app.now().format("%Y"));
    let put = app
        .bucket
        .raw()
        .put_object()
        .bucket(crate::support::bucket::BUCKET)
        .key(&key);
    put.body(bytes::Bytes::from_static(b"other").into())
        .send()
        .await
        .unwrap();
    let altered = command(&app, &export).await;
    assert_eq!(altered.code, Some(1));
    assert!(altered.err.contains("is not what was stored"), "{altered:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    std::fs::write(out, "mine").unwrap();
    let taken = command(&app, &export).await;
    assert_eq!(taken.code, Some(2), "{taken:?}");
    assert_eq!(std::fs::read_to_string(out).unwrap(), "mine");
    app.finish().await;
}

#[tokio::test]
async fn a_contract_with_several_documents_is_asked_for_by_one() {
    let app = open().await;
    let story = Story::create(&app.pool).await;
    for _ in 0..2 {
        let insert = "insert into contratos_firmados (contrato_id, estado) values ($1, 'rechazado')";
        sqlx::query(insert)
            .bind(story.contract)
            .execute(&app.pool)
            .await
            .unwrap();
    }
    let ended = command(&app, &["evidence", "export", &story.contract.to_string()]).await;
    assert_eq!(ended.code, Some(2));
    assert_eq!(
        ended.err.matches("contratos_firmados rechazado").count(),
        2,
        "{ended:?}"
    );
    app.finish().await;
}
