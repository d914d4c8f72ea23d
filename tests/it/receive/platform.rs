//! What is not a webhook: unknown addresses, health, metrics, documentation.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Executor;

use super::told;
use crate::support::{Story, TestApp};

async fn get(app: &TestApp, path: &str) -> reqwest::Response {
    app.client.get(format!("{}{path}", app.url)).send().await.unwrap()
}

#[tokio::test]
async fn the_webhook_address_takes_post_only() {
    let app = TestApp::start().await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
        let request = app
            .client
            .request(method, format!("{}/api/webhooks/stripe", app.url));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 405);
        assert_eq!(answer.headers()["allow"], "POST");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_unknown_address_is_a_problem_in_spanish() {
    let app = TestApp::start().await;
    for path in [
        "/",
        "/api",
        "/api/webhooks",
        "/api/webhooks/stripe/",
        "/api/webhooks/nobody",
        "/.env",
        "/%00",
    ] {
        for method in [Method::GET, Method::POST] {
            let request = app.client.request(method.clone(), format!("{}{path}", app.url));
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 404, "{method} {path}");
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
            let problem: Value = answer.json().await.unwrap();
            let expected = json!({
                "status": 404, "code": "no-encontrado",
                "detail": "Esta dirección no existe. Las que existen están en /docs.",
            });
            assert_eq!(problem, expected, "{method} {path}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn liveness_and_readiness() {
    let mut app = TestApp::without_workers(&[]).await;
    assert_eq!(told(get(&app, "/healthz").await).await, (200, "ok".to_owned()));
    let ready: Value = get(&app, "/readyz").await.json().await.unwrap();
    assert_eq!(ready, json!({ "waiting": 0, "oldest_seconds": 0 }));
    let story = Story::create(&app.pool).await;
    app.send(&story.event("payment_intent.succeeded", app.now()))
        .await;
    app.advance(chrono::TimeDelta::seconds(90));
    let ready: Value = get(&app, "/readyz").await.json().await.unwrap();
    assert_eq!(ready, json!({ "waiting": 1, "oldest_seconds": 90 }));
    app.work();
    app.drain().await;
    let ready: Value = get(&app, "/readyz").await.json().await.unwrap();
    assert_eq!(ready["waiting"], 0);
    app.finish().await;
}

#[tokio::test]
async fn a_database_with_pending_migrations_is_not_ready() {
    let app = TestApp::start().await;
    app.pool.execute("delete from _sqlx_migrations").await.unwrap();
    let answer = get(&app, "/readyz").await;
    assert_eq!(answer.status(), 503);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "faltan-migraciones");
    assert!(
        problem["detail"].as_str().unwrap().contains("onlycar migrate"),
        "{problem}"
    );
    assert_eq!(
        get(&app, "/healthz").await.status(),
        200,
        "restarting it would not help"
    );
    app.finish().await;
}

#[tokio::test]
async fn metrics_are_text_for_prometheus() {
    let app = TestApp::start().await;
    let answer = get(&app, "/metrics").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4");
    app.finish().await;
}

#[tokio::test]
async fn the_interface_is_documented() {
    let app = TestApp::start().await;
    let document: Value = get(&app, "/api/openapi.json").await.json().await.unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    let answers = &document["paths"]["/api/webhooks/stripe"]["post"]["responses"];
    for status in ["200", "400", "413", "429", "503"] {
        assert!(answers[status]["description"].is_string(), "{status}: {answers}");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert!(document["paths"][path]["get"].is_object(), "{path}");
    }
    let docs = get(&app, "/docs").await;
    let place = docs
        .headers()
        .get("location")
        .map_or("/docs", |place| place.to_str().unwrap())
        .to_owned();
    let (status, page) = told(get(&app, &place).await).await;
    assert_eq!(status, 200);
    assert!(page.contains("swagger-ui"), "{page}");
    app.finish().await;
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let app = TestApp::start().await;
    let (one, two) = (get(&app, "/healthz").await, get(&app, "/healthz").await);
    assert_ne!(one.headers()["x-request-id"], two.headers()["x-request-id"]);
    let request = app
        .client
        .get(format!("{}/healthz", app.url))
        .header("x-request-id", "from-the-edge");
    assert_eq!(
        request.send().await.unwrap().headers()["x-request-id"],
        "from-the-edge"
    );
    app.finish().await;
}
