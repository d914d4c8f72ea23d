//! The address in the log, over real HTTP: the peer's, or the one that the last trusted proxy saw.

use serde_json::json;
use uuid::Uuid;

use crate::access::rig::SECRET;
use crate::counter::{SUPABASE, token};
use crate::support::{Story, TestApp};

async fn app(file: Option<&str>) -> TestApp {
    let mut app = TestApp::configured(
        &[("SUPABASE_URL", SUPABASE), ("SUPABASE_JWT_SECRET", SECRET)],
        file,
    )
    .await;
    app.work();
    app
}

/// Somebody new is refused; the address that the log has of them.
async fn seen(app: &TestApp, lines: &[&str]) -> String {
    let user = Uuid::new_v4();
    let mut request = app.client.get(format!("{}/api/services", app.url));
    for line in lines {
        request = request.header("x-forwarded-for", *line);
    }
    let answer = request
        .bearer_auth(token(app, "cliente", user))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 403);
    let sql = "select host(ip) from logs_auditoria where actor = $1";
    sqlx::query_scalar(sql)
        .bind(format!("cliente:{user}"))
        .fetch_one(&app.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn without_trusted_proxies_nobody_is_believed() {
    let app = app(None).await;
    for lines in [
        &[][..],
        &["203.0.113.9"],
        &["203.0.113.9, 127.0.0.1"],
        &["2001:db8::7", "1.2.3.4"],
    ] {
        assert_eq!(seen(&app, lines).await, "127.0.0.1", "{lines:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_last_hop_that_is_no_trusted_proxy_counts() {
    let app = app(Some("http.trusted_proxies = [\"127.0.0.0/8\"]")).await;
    for (lines, address) in [
        (&[][..], "127.0.0.1"),
        (&["203.0.113.9"], "203.0.113.9"),
        // What the client wrote itself stands before what the proxy saw.
        (&["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
        (&["127.0.0.9, 203.0.113.9"], "203.0.113.9"),
        (&["1.2.3.4", "203.0.113.9"], "203.0.113.9"),
        (&["203.0.113.9, 127.0.0.5"], "203.0.113.9"),
        (&["2001:db8::7"], "2001:db8::7"),
        (&["1.2.3.4", "[2001:db8::7]:4711"], "2001:db8::7"),
        (&["203.0.113.9, unknown"], "127.0.0.1"),
    ] {
        assert_eq!(seen(&app, lines).await, address, "{lines:?}");
    }
    // What a person changes, and what follows from it in the same transaction.
    let story = Story::create(&app.pool).await;
    let confirm = format!(
        "{}/api/services/{}/confirm-payment-presencial",
        app.url, story.service
    );
    let body = json!({ "payment_method": "01", "payment_received": true, "requires_invoice": false });
    let request = app.client.post(confirm).header("x-forwarded-for", "198.51.100.4");
    let request = request
        .bearer_auth(token(&app, "admin", Uuid::from_u128(3)))
        .json(&body);
    assert_eq!(request.send().await.unwrap().status(), 200);
    app.drain().await;
    let from: Vec<(String, Option<String>)> =
        sqlx::query_as("select accion, host(ip) from logs_auditoria where actor like 'admin:%' order by id")
            .fetch_all(&app.pool)
            .await
            .unwrap();
    assert!(
        from.iter()
            .any(|(action, _)| action == "servicio.pagado_presencial"),
        "{from:?}"
    );
    assert!(
        from.iter().all(|(_, ip)| ip.as_deref() == Some("198.51.100.4")),
        "{from:?}"
    );
    // With the addresses in it the chain holds.
    app.finish().await;
}
