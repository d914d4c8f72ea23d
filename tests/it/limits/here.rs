//! One replica by itself.

use chrono::TimeDelta;
use onlycar::routes;
use onlycar::tools::limits::{Client, Group};
use reqwest::Method;
use tokio::sync::broadcast::error::TryRecvError;

use super::{TIGHT, app, call, get, operator, refused};
use crate::counter::token;

const PLATFORM: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Every documented URL that is neither the platform's nor a webhook, and whether it asks for somebody.
fn documented() -> Vec<(Method, String, bool)> {
    let document = serde_json::to_value(routes::openapi()).unwrap();
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        if PLATFORM.contains(&path.as_str()) || path.starts_with("/api/webhooks/") {
            continue;
        }
        for (method, operation) in operations.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else {
                continue;
            };
            let path = path.replace("{id}", "00000000-0000-0000-0000-000000000009");
            found.push((method, path, operation["security"].is_array()));
        }
    }
    found
}

#[tokio::test]
async fn every_url_has_a_limit_by_address_and_every_one_with_users_a_limit_by_user() {
    let app = app(&[], TIGHT).await;
    let mut urls = documented();
    assert!(urls.iter().filter(|(.., secured)| *secured).count() >= 5);
    for path in [
        "/docs",
        "/docs/swagger-ui.css",
        "/api/openapi.json",
        "/nowhere",
        "/documentos/contratos/00000000-0000-0000-0000-000000000009",
    ] {
        urls.push((Method::GET, path.to_owned(), false));
    }
    for (n, (method, path, secured)) in urls.into_iter().enumerate() {
        let from = |m: u32| format!("203.{m}.113.{n}");
        let ask = |from: String, token: Option<String>| {
            let (app, method, path) = (&app, method.clone(), &path);
            async move { call(app, method, path, &from, token.as_deref()).await }
        };
        for _ in 0..2 {
            assert_ne!(ask(from(0), None).await.status(), 429, "{method} {path}");
        }
        refused(ask(from(0), None).await).await;
        if secured {
            let user = token(&app, "admin", uuid::Uuid::from_u128(100 + n as u128));
            let first = ask(from(1), Some(user.clone())).await;
            assert_ne!(first.status(), 429, "{method} {path}");
            assert_ne!(first.status(), 401, "{method} {path}");
            refused(ask(from(2), Some(user)).await).await;
        }
    }
    for path in PLATFORM {
        for _ in 0..10 {
            assert_eq!(get(&app, path, "203.0.113.200", None).await, 200, "{path}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn waiting_as_long_as_told_is_enough_and_less_is_not() {
    let file =
        "[limits.reads]\naddress = { per_minute = 70, burst = 9 }\nuser = { per_minute = 7, burst = 3 }\n";
    let app = app(&[], file).await;
    let token = operator(&app, 1);
    let ask = || call(&app, Method::GET, "/api/services", "", Some(&token));
    for _ in 0..3 {
        assert_eq!(ask().await.status(), 200);
    }
    app.advance(TimeDelta::milliseconds(1_300));
    let seconds = refused(ask().await).await;
    assert_eq!(seconds, 8, "a seventh of a minute less what passed, rounded up");
    app.advance(TimeDelta::seconds(seconds - 1));
    assert_eq!(refused(ask().await).await, 1);
    app.advance(TimeDelta::seconds(1));
    assert_eq!(ask().await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn a_user_is_limited_alone_and_from_everywhere() {
    let app = app(&[], TIGHT).await;
    let (one, other) = (operator(&app, 1), operator(&app, 2));
    let path = "/api/services";
    assert_eq!(get(&app, path, "203.0.113.1", Some(&one)).await, 200);
    assert_eq!(get(&app, path, "203.0.113.2", Some(&one)).await, 429);
    assert_eq!(get(&app, path, "203.0.113.2", Some(&other)).await, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_network_of_ipv6_is_one_client() {
    let app = app(&[], TIGHT).await;
    for (from, status) in [
        ("2001:db8::1", 404),
        ("2001:db8::2:3:4:5", 404),
        ("2001:db8::ffff:ffff:ffff:ffff", 429),
        ("2001:db8:0:1::1", 404),
        ("203.0.113.1", 404),
        ("::ffff:203.0.113.1", 404),
        ("203.0.113.1", 429),
    ] {
        assert_eq!(get(&app, "/nowhere", from, None).await, status, "{from}");
    }
    app.finish().await;
}

#[tokio::test]
async fn whoever_guesses_tokens_is_stopped_and_nobody_beside_them() {
    let file = "[http]\ntrusted_proxies = ['127.0.0.1/32']\n
                [limits.tokens]\naddress = { per_minute = 30, burst = 30 }\n";
    let app = app(&[], file).await;
    let (good, from) = (operator(&app, 1), "203.0.113.1");
    let forged = good.replace('.', "A.");
    let path = "/api/services";
    for _ in 0..30 {
        assert_eq!(get(&app, path, from, Some(&forged)).await, 401);
    }
    let answer = call(&app, Method::GET, path, from, Some(&forged)).await;
    assert_eq!(refused(answer).await, 2);
    assert_eq!(
        get(&app, path, from, Some(&good)).await,
        200,
        "behind the same address"
    );
    assert_eq!(
        get(&app, path, from, None).await,
        401,
        "who has none guesses nothing"
    );
    assert_eq!(get(&app, path, "203.0.113.2", Some(&forged)).await, 401);
    app.advance(TimeDelta::days(31));
    for _ in 0..40 {
        assert_eq!(
            get(&app, path, from, Some(&good)).await,
            401,
            "it is old, and was good"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn who_goes_on_over_a_limit_is_told_once_a_minute() {
    let app = app(&[], TIGHT).await;
    let mut blocked = app.limits.blocked();
    let flood = async || {
        for _ in 0..20 {
            get(&app, "/nowhere", "203.0.113.1", None).await;
        }
    };
    flood().await;
    let told = blocked.try_recv().unwrap();
    assert_eq!(told.client, Client::Address("203.0.113.1".parse().unwrap()));
    assert_eq!(told.group, Group::Public);
    assert_eq!(told.until, app.now() + TimeDelta::seconds(300));
    flood().await;
    assert_eq!(blocked.try_recv(), Err(TryRecvError::Empty), "once");
    app.advance(TimeDelta::seconds(60));
    flood().await;
    assert!(blocked.try_recv().is_ok(), "it goes on");
    for _ in 0..20 {
        let request = app.client.post(format!("{}/api/webhooks/stripe", app.url));
        request
            .header("x-forwarded-for", "203.0.113.9")
            .send()
            .await
            .unwrap();
    }
    assert_eq!(
        blocked.try_recv(),
        Err(TryRecvError::Empty),
        "a provider may stand there"
    );
    app.finish().await;
}

#[tokio::test]
async fn what_is_off_has_no_limit() {
    let app = app(
        &[],
        &format!("{TIGHT}\n[limits.reads]\noff = true\n")
            .replace("reads.address", "#")
            .replace("reads.user", "#"),
    )
    .await;
    let token = operator(&app, 1);
    for _ in 0..10 {
        assert_eq!(get(&app, "/api/services", "203.0.113.1", Some(&token)).await, 200);
    }
    app.finish().await;
}
