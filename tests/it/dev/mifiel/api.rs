//! Documents, as a client of the API makes and reads them.

use onlycar::dev::mifiel::Draft;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Form, Office, closed, draft};

const FIELDS: [(&str, &str); 12] = [
    ("signatories[0][name]", "Ana Ñuño"),
    ("signatories[0][email]", "ana@example.com"),
    ("signatories[0][tax_id]", "XOJI740919U48"),
    ("signatories[1][name]", "Beto"),
    ("signatories[1][email]", "beto@example.com"),
    ("signatories[1][allowed_signature_methods]", "FEA"),
    ("external_id", "our id"),
    ("callback_url", "https://onlycar.example/hook?token=a"),
    ("sign_callback_url", "https://onlycar.example/hook?token=b"),
    ("days_to_expire", "10"),
    ("remind_every", "2"),
    ("send_mail", "false"),
];

#[tokio::test]
async fn a_form_becomes_a_document() {
    let office = Office::new().await;
    // The boundary's beginning, lines and zeros are in the file as well.
    let file = [
        b"%PDF-1.7\r\n--onlycar--\r\n\r\n\0\xff".as_slice(),
        &vec![0; 3_000_000],
    ]
    .concat();
    let (status, made) = office.upload(&Form::of(&file, &FIELDS)).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap();
    assert_eq!(office.json(&format!("/documents/{id}")).await, made);
    for (field, expected) in [
        ("file_file_name", json!("contrato.pdf")),
        ("name", json!("contrato")),
        ("original_hash", json!(hex::encode(Sha256::digest(&file)))),
        ("signed", json!(false)),
        ("signed_by_all", json!(false)),
        ("signed_at", json!(null)),
        ("status", json!([0, "No Firmado"])),
        ("created_at", json!("2026-11-22T18:00:00.000Z")),
        ("expires_at", json!("2026-12-02T18:00:00.000Z")),
        ("external_id", json!("our id")),
        ("callback_url", json!("https://onlycar.example/hook?token=a")),
        ("sign_callback_url", json!("https://onlycar.example/hook?token=b")),
        ("remind_every", json!(2)),
        ("send_mail", json!(false)),
        ("file", json!(format!("/api/v1/documents/{id}/file"))),
        ("file_signed", json!(null)),
    ] {
        assert_eq!(made[field], expected, "{field}");
    }
    assert_eq!(made["signers"][0]["name"], "Ana Ñuño");
    assert_eq!(made["signers"][0]["tax_id"], "XOJI740919U48");
    assert_eq!(made["signers"][1]["email"], "beto@example.com");
    assert!(made["signers"][1]["widget_id"].is_string());
    let kept = office.get(&format!("/documents/{id}/file")).await;
    assert_eq!(kept.headers()["content-type"], "application/pdf");
    assert_eq!(kept.bytes().await.unwrap(), file);
}

#[tokio::test]
async fn what_cannot_be_signed_is_refused_in_mifiels_words() {
    let office = Office::new().await;
    let to = ("signatories[0][email]", "ana@example.com");
    let pdf = b"%PDF-1.7".as_slice();
    for (file, fields, told) in [
        (b"".as_slice(), vec![to], "file is missing"),
        (b"PK\x03\x04", vec![to], "file is no PDF"),
        (pdf, vec![], "signatories is missing"),
        (
            pdf,
            vec![("signatories[0][email]", "ana")],
            "signatories email is not right",
        ),
        (
            pdf,
            vec![("signatories[1][email]", "ana@example.com")],
            "signatories[1][email] is not right",
        ),
        (
            pdf,
            vec![to, ("callback_url", "onlycar")],
            "callback_url is not right",
        ),
        (
            pdf,
            vec![to, ("days_to_expire", "0")],
            "days_to_expire is not right",
        ),
        (
            pdf,
            vec![to, ("days_to_expire", "ten")],
            "days_to_expire is not right",
        ),
    ] {
        let (status, answer) = office.upload(&Form::of(file, &fields)).await;
        assert_eq!((status, &answer["status"]), (422, &json!("fail")), "{told}");
        assert_eq!(answer["errors"], json!([told]));
    }
    let whole = Form::of(pdf, &[to]);
    for cut in [&whole.0[..20], &whole.0[..whole.0.len() - 30], b"{}"] {
        assert_eq!(office.upload(&Form(cut.to_vec())).await.0, 422);
    }
    assert!(office.mifiel.documents().is_empty());
    assert_eq!(office.get("/documents/of-nobody").await.status(), 404);
    assert_eq!(office.get("/nothing").await.status(), 404);
}

#[tokio::test]
async fn a_signed_document_says_so_everywhere() {
    let office = Office::new().await;
    let id = office.mifiel.create(draft()).id;
    let path = format!("/documents/{id}");
    office.mifiel.sign(&id, "beto@example.com").unwrap();
    let half = office.json(&path).await;
    assert_eq!(half["signed_by_all"], false);
    assert_eq!(half["already_signed"][0]["email"], "beto@example.com");
    assert_eq!(half["has_not_signed"][0]["email"], "ana@example.com");
    assert_eq!(half["signatures"][0]["signature"], Value::Null);
    assert!(
        office.mifiel.sign(&id, "beto@example.com").is_err(),
        "once is enough"
    );
    assert!(office.mifiel.sign(&id, "carla@example.com").is_err());
    let signer = half["signers"][0]["id"].as_str().unwrap();
    office.mifiel.sign(&id, signer).unwrap();
    let whole = office.json(&path).await;
    assert_eq!(whole["signed"], true);
    assert_eq!(whole["signed_by_all"], true);
    assert_eq!(whole["signed_at"], "2026-11-22T18:00:00.000Z");
    assert_eq!(whole["status"], json!([1, "Firmado"]));
    assert_eq!(whole["state"], "completed");
    assert_eq!(
        whole["file_signed"],
        format!("/api/v1/documents/{id}/file_signed")
    );
    for signature in whole["signatures"].as_array().unwrap() {
        assert_eq!(signature["signature"].as_str().unwrap().len(), 512);
    }
    assert!(office.mifiel.sign_all(&id).is_err());
    assert!(office.mifiel.reject(&id, signer, "tarde").is_err());
}

#[tokio::test]
async fn a_rejection_shows_nowhere_and_is_not_the_end() {
    let office = Office::new().await;
    let id = office.mifiel.create(draft()).id;
    let path = format!("/documents/{id}");
    let before = office.json(&path).await;
    office.mifiel.reject(&id, "ana@example.com", "dudas").unwrap();
    assert_eq!(office.json(&path).await, before);
    let known = office.mifiel.document(&id).unwrap();
    assert_eq!(known.signers[0].rejected.as_ref().unwrap().1, "dudas");
    let known = office.mifiel.sign_all(&id).unwrap();
    assert!(known.signers[0].rejected.is_none());
    assert_eq!(office.json(&path).await["signed_by_all"], true);
}

#[tokio::test]
async fn the_list_has_pages_and_forgets_what_is_deleted() {
    let office = Office::new().await;
    let ids: Vec<String> = (0..30)
        .map(|_| office.mifiel.create(Draft::default()).id)
        .collect();
    let of = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        list.map(|document| document["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let newest: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(of(&office.json("/documents").await), newest[..25]);
    assert_eq!(of(&office.json("/documents?page=2").await), newest[25..]);
    assert_eq!(
        of(&office.json("/documents?page=3&per_page=7").await),
        newest[14..21]
    );
    assert_eq!(office.get("/documents?page=0").await.status(), 422);

    let path = format!("/documents/{}", ids[29]);
    assert_eq!(office.ask(Method::DELETE, &path, &json!({})).await.0, 204);
    assert_eq!(office.ask(Method::DELETE, &path, &json!({})).await.0, 404);
    assert_eq!(office.get(&path).await.status(), 404);
    assert_eq!(of(&office.json("/documents?per_page=1").await), newest[1..2]);
    assert!(office.mifiel.document(&ids[29]).unwrap().deleted_at.is_some());
    let signed = closed(&office.mifiel).id;
    let path = format!("/documents/{signed}");
    assert_eq!(office.ask(Method::DELETE, &path, &json!({})).await.0, 422);
}

#[tokio::test]
async fn a_document_may_change_its_addresses() {
    let office = Office::new().await;
    let id = office.mifiel.create(draft()).id;
    let path = format!("/documents/{id}");
    let change = json!({ "callback_url": "https://onlycar.example/new" });
    let (status, changed) = office.ask(Method::PUT, &path, &change).await;
    assert_eq!(status, 200);
    assert_eq!(changed["callback_url"], "https://onlycar.example/new");
    assert_eq!(changed["external_id"], "our id", "the rest stays");
    assert_eq!(office.json(&path).await, changed);
    assert_eq!(office.ask(Method::PUT, &path, &json!("no object")).await.0, 422);
}

#[tokio::test]
async fn what_expired_can_be_signed_no_more() {
    let office = Office::new().await;
    let id = office.mifiel.create(draft()).id;
    office.mifiel.expire(&id).unwrap();
    let told = office.json(&format!("/documents/{id}")).await;
    assert_eq!(told["state"], "expired");
    assert_eq!(told["expires_at"], "2026-11-22T18:00:00.000Z");
    assert!(office.mifiel.sign_all(&id).is_err());
    assert!(office.mifiel.reject(&id, "ana@example.com", "tarde").is_err());
}
