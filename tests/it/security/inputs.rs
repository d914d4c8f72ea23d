//! What is in a text stays a text: no header, no markup, no SQL, no archive.

use onlycar::dev::stripe;
use reqwest::StatusCode;

use crate::support::{Story, TestApp};

#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    let app = TestApp::start().await;
    // `{}` as gzip: signed as it is, and no event as it is.
    let gzip: &[u8] = &[
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0,
    ];
    let signature = stripe::sign("whsec_of_the_tests", app.now(), gzip);
    let request = app.client.post(format!("{}/api/webhooks/stripe", app.url));
    let request = request
        .header("stripe-signature", signature)
        .header("content-encoding", "gzip");
    let answer = request.body(gzip).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        answer.text().await.unwrap(),
        "Webhook Error: the body is not UTF-8"
    );
    assert_eq!(app.one::<i64>("select count(*) from webhooks.events").await, 0);
    app.finish().await;
}

async fn with_client(name: &str, email: &str) -> TestApp {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let update = sqlx::query("update clientes set nombre = $1, email = $2");
    update.bind(name).bind(email).execute(&app.pool).await.unwrap();
    let event = story.event("payment_intent.payment_failed", app.now());
    app.handle(&event).await;
    app
}

#[tokio::test]
async fn a_subject_or_recipient_of_two_lines_makes_no_header() {
    let app = with_client("Ana\r\nBcc: evil@example.com\r\n\r\nHola", "ana@example.com").await;
    let mails = app.mails(1).await;
    let raw = String::from_utf8_lossy(&mails[0].raw).into_owned();
    let headers = raw.split("\r\n\r\n").next().unwrap();
    assert!(!headers.to_lowercase().contains("bcc:"), "{headers}");
    app.finish().await;
    for email in [
        "ana@example.com\r\nBcc: evil@example.com",
        "a@example.com, b@example.com",
        "<>",
    ] {
        let app = with_client("Ana", email).await;
        let why: String = app
            .one("select last_error from engine.jobs where kind = 'notificar'")
            .await;
        assert_eq!(why, "the address of the recipient is not a mail address");
        app.finish().await;
    }
}

#[tokio::test]
async fn texts_of_mails_are_escaped() {
    let app = with_client("<script>alert('a')</script>", "ana@example.com").await;
    let mails = app.mails(1).await;
    let html = mails[0].html.as_deref().unwrap();
    assert!(!html.contains("<script"), "{html}");
    assert!(
        html.contains("script&#62;") || html.contains("script&gt;"),
        "{html}"
    );
    app.finish().await;
}

#[tokio::test]
async fn texts_that_are_sql_stay_texts() {
    let app = TestApp::start().await;
    let mut story = Story::create(&app.pool).await;
    let text = "a'); drop table clientes; --@example.com";
    story.sample.email = text.to_owned();
    let mut event = story.event("customer.created", app.now());
    event["data"]["object"]["metadata"] = serde_json::json!({ "cliente_id": "' or '1'='1" });
    app.handle(&event).await;
    assert_eq!(
        app.one::<String>("select email from stripe.customers").await,
        text
    );
    assert_eq!(app.one::<i64>("select count(*) from clientes").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn every_table_in_public_has_row_level_security_and_no_policy_for_others() {
    let app = TestApp::start().await;
    let open: Vec<String> = app
        .one(
            "select coalesce(array_agg(relname::text), '{}') from pg_class
             where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relrowsecurity",
        )
        .await;
    assert_eq!(open, [""; 0]);
    // The role of the service, where there is one, and nobody else.
    let others = "select count(*) from pg_policy cross join unnest(polroles) as allowed
                  left join pg_roles on pg_roles.oid = allowed where rolname is distinct from 'onlycar_service'";
    assert_eq!(app.one::<i64>(others).await, 0);
    app.finish().await;
}

/// A cell that begins with `=` would be run by whoever opens it: the API has no cells, and those of the panel are guarded.
#[test]
fn no_answer_is_a_spreadsheet() {
    let document = serde_json::to_string(&onlycar::routes::openapi()).unwrap();
    assert!(!document.contains("text/csv") && !document.contains("spreadsheet"));
}
