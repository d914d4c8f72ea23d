//! Who waits for whose signature: the endpoint and the commands, over real HTTP and as a person types them.

use std::path::Path;

use chrono::TimeDelta;
use onlycar::dev::mifiel::Draft;
use onlycar::ground::clock::Clock;
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;
use uuid::Uuid;

use crate::access::rig::SECRET;
use crate::counter::{ADMIN, SUPABASE, token};
use crate::support::TestApp;
use crate::support::mifiel;
use crate::support::program::{Ended, onlycar, run};
use crate::support::signing::Signing;

async fn open() -> Signing {
    let supabase = [("SUPABASE_URL", SUPABASE), ("SUPABASE_JWT_SECRET", SECRET)];
    Signing::with(TestApp::with(&supabase).await).await
}

async fn get(signing: &Signing, role: Option<&str>, query: &str) -> (u16, Value) {
    let app = &signing.app;
    let mut request = app.client.get(format!("{}/api/admin/contracts{query}", app.url));
    if let Some(role) = role {
        request = request.bearer_auth(token(app, role, ADMIN));
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// A contract with a document in this state; its id is easy to tell.
async fn put(signing: &Signing, n: u128, contract: &str, document: Option<(&str, Option<i64>)>) {
    let app = &signing.app;
    let insert = "insert into contratos_b2b (id, cliente_id, tipo, estado)
                  select $1, cliente_id, 'servicio_unico', $2 from contratos_b2b limit 1";
    let insert = sqlx::query(insert).bind(Uuid::from_u128(n)).bind(contract);
    insert.execute(&app.pool).await.unwrap();
    let Some((state, days)) = document else { return };
    let insert = "insert into contratos_firmados (contrato_id, mifiel_document_id, estado, creado_en, enviado_en, vence_en,
                      firmado_en, url_pdf, sha256_pdf)
                  values ($1, $1::text || random()::text, $2, $3, $3, $4, $3, 'a', 'b')";
    let insert = sqlx::query(insert)
        .bind(Uuid::from_u128(n))
        .bind(state)
        .bind(app.now())
        .bind(days.map(|days| app.now() + TimeDelta::days(days)));
    insert.execute(&app.pool).await.unwrap();
}

async fn filled() -> Signing {
    let signing = open().await;
    put(&signing, 1, "activo", Some(("firmado", Some(1)))).await;
    put(&signing, 2, "pendiente_firma", Some(("pendiente", Some(9)))).await;
    put(&signing, 3, "pendiente_firma", Some(("pendiente", Some(-2)))).await;
    put(&signing, 4, "pendiente_firma", None).await;
    put(&signing, 5, "activo", Some(("pendiente", Some(4)))).await;
    put(&signing, 6, "rechazado", Some(("rechazado", Some(3)))).await;
    put(&signing, 8, "pendiente_firma", Some(("pendiente", None))).await;
    put(&signing, 7, "pendiente_firma", Some(("pendiente", Some(9)))).await;
    signing
        .run("delete from contratos_b2b where stripe_subscription_id is not null")
        .await;
    signing
}

fn numbers(page: &Value) -> Vec<u128> {
    let ids = page["contracts"].as_array().unwrap().iter();
    ids.map(|it| it["id"].as_str().unwrap().parse::<Uuid>().unwrap().as_u128())
        .collect()
}

#[tokio::test]
async fn what_expires_first_is_on_top_page_by_page() {
    let signing = filled().await;
    let order = [3, 5, 2, 7, 1, 4, 6, 8];
    let (status, whole) = get(&signing, Some("admin"), "").await;
    assert_eq!(status, 200, "{whole}");
    assert_eq!(numbers(&whole), order);
    assert_eq!(whole["next"], Value::Null);
    let mut seen = Vec::new();
    let mut query = "?limit=3".to_owned();
    loop {
        let (_, page) = get(&signing, Some("admin"), &query).await;
        assert!(numbers(&page).len() <= 3);
        seen.extend(numbers(&page));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=3&cursor={next}");
    }
    assert_eq!(seen, order);
    signing.app.finish().await;
}

#[tokio::test]
async fn a_contract_is_told_with_its_newest_document() {
    let signing = open().await;
    let first = signing.send().await;
    signing.decline(&first).await;
    signing.app.advance(TimeDelta::hours(1));
    let second = signing.send().await;
    let (_, page) = get(&signing, Some("admin"), "?estado=pendiente_firma").await;
    let contract = &page["contracts"][0];
    assert_eq!(contract["id"], json!(signing.story.contract));
    assert_eq!(contract["client"]["name"], "Ana López");
    assert_eq!(contract["kind"], "suscripcion");
    assert_eq!(contract["state"], "pendiente_firma");
    assert_eq!(
        contract["document"],
        json!({
            "id": second.row,
            "state": "pendiente",
            "mifiel_document_id": second.id,
            "created_at": "2026-11-22T19:00:00Z",
            "sent_at": "2026-11-22T19:00:00Z",
            "expires_at": "2026-12-07T19:00:00Z",
            "signed_at": null,
            "declined_at": null,
        })
    );
    let text = page.to_string();
    assert!(!text.contains("ana@example.com"), "who signs is not told: {text}");
    signing.app.finish().await;
}

#[tokio::test]
async fn filters_choose_and_wrong_ones_are_told_all_at_once() {
    let signing = filled().await;
    for (query, expected) in [
        ("?estado=pendiente_firma", vec![3, 2, 7, 4, 8]),
        ("?documento=pendiente", vec![3, 5, 2, 7, 8]),
        ("?estado=activo&documento=pendiente", vec![5]),
        ("?documento=firmado", vec![1]),
        ("?estado=moroso", vec![]),
    ] {
        let (status, page) = get(&signing, Some("admin"), query).await;
        assert_eq!((status, numbers(&page)), (200, expected), "{query}");
    }
    let (status, wrong) = get(
        &signing,
        Some("admin"),
        "?estado=a&documento=b&limit=201&cursor=%20",
    )
    .await;
    assert_eq!(status, 422);
    let errors = wrong["errors"].as_array().unwrap().iter();
    let fields: Vec<&str> = errors.map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["estado", "documento", "limit", "cursor"]);
    for (role, status) in [(None, 401), (Some("operador"), 403), (Some("cliente"), 403)] {
        assert_eq!(get(&signing, role, "").await.0, status, "{role:?}");
    }
    signing.app.finish().await;
}

/// The command beside the running program, with all of its environment or only its database.
async fn command(signing: &Signing, arguments: &[&str], whole: bool) -> Ended {
    let app = &signing.app;
    let mut command = onlycar(&[&["contracts"], arguments].concat());
    command.env(
        "DATABASE_URL",
        app.pool.connect_options().to_url_lossy().to_string(),
    );
    if whole {
        command.envs(mifiel::variables(&app.mifiel, &app.url));
        command.envs(app.bucket.variables());
    }
    run(command).await
}

#[tokio::test]
async fn the_command_lists_them_for_people_and_programs() {
    let signing = filled().await;
    let told = command(&signing, &["list", "--waiting"], false).await;
    assert_eq!(told.code, Some(0), "{told:?}");
    let lines: Vec<&str> = told.out.lines().collect();
    assert_eq!(lines.len(), 6, "{told:?}");
    assert!(lines[0].contains(&Uuid::from_u128(3).to_string()), "{told:?}");
    assert!(lines[0].contains("Ana López"), "{told:?}");
    assert!(told.out.contains("waits for signatures since"), "{told:?}");
    assert_eq!(lines[5], "5 contracts");
    let cut = command(&signing, &["list", "--limit", "2"], false).await;
    assert!(
        cut.out.ends_with("2 contracts; there are more: --limit\n"),
        "{cut:?}"
    );
    let json = command(&signing, &["list", "--state", "rechazado", "--json"], false).await;
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json[0]["document"]["state"], "rechazado");
    let unknown = command(&signing, &["list", "--state", "odd"], false).await;
    assert_eq!(unknown.code, Some(2));
    signing.app.finish().await;
}

/// What is typed to send the story's contract.
fn typed<'a>(contract: &'a str, pdf: &'a str, signers: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["send", "--contract", contract, "--pdf", pdf];
    words.extend(signers.iter().flat_map(|signer| ["--signer", *signer]));
    words
}

fn write(folder: &Path, bytes: &[u8]) -> String {
    let path = folder.join("contrato.pdf");
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

const ANA: &str = "Ana López <ana@example.com>";

#[tokio::test]
async fn the_command_sends_a_contract_and_refuses_a_second_one() {
    let signing = open().await;
    let folder = tempfile::tempdir().unwrap();
    let pdf = write(folder.path(), &Draft::default().file);
    let contract = signing.story.contract.to_string();
    let ingrid = "Ingrid Xodar <ingrid@example.com> xoji740919u48";
    let mut words = typed(&contract, &pdf, &[ANA, ingrid]);
    words.push("--json");
    let sent = command(&signing, &words, true).await;
    assert_eq!(sent.code, Some(0), "{sent:?}");
    let told: Value = serde_json::from_str(&sent.out).unwrap();
    assert_eq!(told["contract_id"], contract);
    // The command has the clock of this machine.
    let app = &signing.app;
    app.advance((Clock::system().now() - app.now()).max(TimeDelta::zero()) + TimeDelta::seconds(1));
    app.drain().await;
    let document = &app.mifiel.documents()[0];
    assert_eq!(
        document.draft.external_id.as_deref(),
        told["document_id"].as_str()
    );
    let signers: Vec<_> = document.draft.signers.iter().collect();
    assert_eq!(
        (signers[0].name.as_str(), signers[0].tax_id.as_deref()),
        ("Ana López", None)
    );
    assert_eq!(signers[1].tax_id.as_deref(), Some("XOJI740919U48"));
    let actors: Vec<String> =
        sqlx::query_scalar("select actor from logs_auditoria where accion = 'contrato.por_enviar'")
            .fetch_all(&app.pool)
            .await
            .unwrap();
    assert!(
        actors.len() == 1 && actors[0].starts_with("consola:"),
        "{actors:?}"
    );

    let again = command(&signing, &typed(&contract, &pdf, &[ANA]), true).await;
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.err.contains("the contract was not sent: "), "{again:?}");
    assert!(again.err.contains("espera firmas"), "{again:?}");
    let nobody = command(&signing, &typed(&Uuid::nil().to_string(), &pdf, &[ANA]), true).await;
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    signing.app.finish().await;
}

#[tokio::test]
async fn the_command_says_what_is_wrong_with_an_order() {
    let signing = open().await;
    let folder = tempfile::tempdir().unwrap();
    let pdf = write(folder.path(), &Draft::default().file);
    let contract = signing.story.contract.to_string();
    let page = folder.path().join("page.html");
    std::fs::write(&page, "<html>").unwrap();
    let page = page.to_str().unwrap();
    for (words, whole, code, told) in [
        (typed(&contract, &pdf, &[]), true, 2, "--signer"),
        (
            typed(&contract, &pdf, &["ana@example.com"]),
            true,
            2,
            "hint: \"Ana López",
        ),
        (
            typed(&contract, &pdf, &["Ana <ana>"]),
            true,
            2,
            "signers[0].email",
        ),
        (
            typed(&contract, &pdf, &["Ana <ana@example.com> XOJI"]),
            true,
            2,
            "signers[0].tax_id",
        ),
        (typed("7", &pdf, &[ANA]), true, 2, "--contract"),
        (typed(&contract, page, &[ANA]), true, 2, "no es un PDF"),
        (
            typed(&contract, "none.pdf", &[ANA]),
            true,
            1,
            "none.pdf cannot be read",
        ),
        (
            typed(&contract, &pdf, &[ANA]),
            false,
            2,
            "Mifiel is not configured",
        ),
    ] {
        let ended = command(&signing, &words, whole).await;
        assert_eq!(ended.code, Some(code), "{words:?}: {ended:?}");
        assert!(ended.err.contains(told), "{words:?}: {ended:?}");
    }
    assert_eq!(
        signing
            .app
            .one::<i64>("select count(*) from contratos_firmados")
            .await,
        0
    );
    assert!(signing.app.bucket.keys().await.is_empty());
    signing.app.finish().await;
}
