//! What a browser is told of every answer, and who may read it.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::get;
use onlycar::ground::config::{File, Http};
use onlycar::tools::layers;
use onlycar::tools::traces::Traces;
use reqwest::Method;
use serde_json::Value;
use tower::ServiceExt;

use crate::support::TestApp;

const EVERYWHERE: [(&str, &str); 7] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    ("cache-control", "no-store"),
];

/// Every header is there once, and the policy lets nothing in that is not ours.
fn is_guarded(what: &str, headers: &HeaderMap) {
    let values = |name: &str| -> Vec<String> {
        let all = headers.get_all(name).iter();
        all.map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    for (name, value) in EVERYWHERE {
        assert_eq!(values(name), [value], "{what}: {name}");
    }
    let policies = values("content-security-policy");
    let [policy] = policies.as_slice() else {
        panic!("{what}: {policies:?}");
    };
    for needed in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(needed), "{what}: {policy}");
    }
    let scripts = policy
        .split(';')
        .find(|part| part.trim().starts_with("script-src"));
    assert!(
        scripts.is_none_or(|part| part.trim() == "script-src 'self'"),
        "{what}: {policy}"
    );
    for loose in ["*", "http:", "https:", "unsafe-eval"] {
        assert!(!policy.contains(loose), "{what}: {policy}");
    }
    let page = values("content-type")
        .iter()
        .any(|kind| kind.starts_with("text/html"));
    let docs = what.contains("/docs") || what.contains("/api/openapi.json");
    assert_eq!(policy.contains("'unsafe-inline'"), docs, "{what}: {policy}");
    assert_eq!(policy.contains("'self'"), page || docs, "{what}: {policy}");
    for telling in ["server", "x-powered-by", "set-cookie"] {
        assert!(values(telling).is_empty(), "{what}: {telling}");
    }
}

/// Every address there is: what is documented, the pages, the documentation, and what is nowhere.
fn addresses() -> Vec<String> {
    let document = serde_json::to_value(onlycar::routes::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().keys().map(|path| {
        let id = "019ab800-0000-7000-8000-000000000001";
        path.replace("{id}", id).replace("{aviso}", "cfdi-created")
    });
    let more = [
        "/docs",
        "/docs/",
        "/docs/index.html",
        "/docs/swagger-ui-bundle.js",
        "/docs/none",
        "/api/openapi.json",
        "/documentos/contratos/x",
        "/nowhere",
        "/%00",
    ];
    paths.chain(more.map(str::to_owned)).collect()
}

#[tokio::test]
async fn every_answer_tells_a_browser_what_it_may_do() {
    let app = TestApp::start().await;
    // A redirect is an answer too.
    let client = reqwest::Client::builder();
    let client = client
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for path in addresses() {
        for method in [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::OPTIONS,
            Method::DELETE,
            Method::TRACE,
        ] {
            let request = client.request(method.clone(), format!("{}{path}", app.url));
            let answer = request
                .header("origin", "https://evil.example")
                .send()
                .await
                .unwrap();
            let what = format!("{method} {path}");
            if method == Method::HEAD && answer.status() == 405 {
                continue; // without a body it has no kind
            }
            is_guarded(&what, answer.headers());
            seen.insert(answer.status().as_u16());
            // No CORS by default: not for this origin and not for everybody.
            assert_eq!(
                answer.headers().get("access-control-allow-origin"),
                None,
                "{what}"
            );
            assert_eq!(answer.headers().get("strict-transport-security"), None, "{what}");
        }
    }
    let body = vec![b' '; 1024 * 1024 + 1];
    let answer = app.post("t=1,v1=00", body).await;
    seen.insert(answer.status().as_u16());
    is_guarded("too large", answer.headers());
    for status in [200, 303, 400, 401, 404, 405, 413] {
        assert!(seen.contains(&status), "{status} was not among {seen:?}");
    }
    app.finish().await;
}

/// The layers around routes that fail.
async fn around_failures(http: &Http, public_url: &str, request: Request<Body>) -> axum::response::Response {
    let panics = || async {
        let nothing: Vec<&str> = Vec::new();
        nothing[1]
    };
    let stalls = || async {
        std::future::pending::<()>().await;
        "never"
    };
    let page = || async { axum::response::Html("<p>fine</p>") };
    let routes = Router::new()
        .route("/panics", get(panics))
        .route("/stalls", get(stalls))
        .route("/page", get(page));
    let around = layers::around(routes, http, &public_url.parse().unwrap(), &Traces::default());
    around.oneshot(request).await.unwrap()
}

fn ask(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_panic_and_a_timeout_are_guarded_as_well() {
    let mut http = File::embedded().http;
    http.request_timeout_seconds = 0;
    for (path, status) in [
        ("/panics", StatusCode::INTERNAL_SERVER_ERROR),
        ("/stalls", StatusCode::REQUEST_TIMEOUT),
        ("/page", StatusCode::OK),
    ] {
        let answer = around_failures(&http, "http://127.0.0.1:8080", ask(path));
        let answer = tokio::time::timeout(Duration::from_secs(20), answer)
            .await
            .unwrap();
        assert_eq!(answer.status(), status);
        is_guarded(path, answer.headers());
    }
}

#[tokio::test]
async fn only_an_address_with_tls_asks_browsers_for_tls() {
    let http = File::embedded().http;
    for (public_url, expected) in [
        ("https://onlycar.example", Some("max-age=31536000")),
        ("http://127.0.0.1:8080", None),
    ] {
        let answer = around_failures(&http, public_url, ask("/page")).await;
        let told = answer.headers().get("strict-transport-security");
        assert_eq!(told.map(|value| value.to_str().unwrap()), expected);
    }
}

#[tokio::test]
async fn only_an_origin_that_the_settings_name_reads_answers() {
    let file = "http.allowed_origins = [\"https://app.onlycar.example\"]";
    let http = File::layered(Some(file)).unwrap().http;
    for (origin, allowed) in [
        ("https://app.onlycar.example", true),
        ("https://app.onlycar.example.evil.example", false),
        ("http://app.onlycar.example", false),
        ("https://onlycar.example", false),
        ("null", false),
    ] {
        let request = Request::get("/page").header("origin", origin);
        let answer = around_failures(
            &http,
            "https://onlycar.example",
            request.body(Body::empty()).unwrap(),
        )
        .await;
        let told = answer.headers().get("access-control-allow-origin");
        assert_eq!(
            told.map(|value| value.to_str().unwrap()),
            allowed.then_some(origin)
        );
        // No session of a browser ever goes with it.
        assert_eq!(answer.headers().get("access-control-allow-credentials"), None);
        is_guarded(origin, answer.headers());
    }
    let preflight = Request::options("/page")
        .header("origin", "https://app.onlycar.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let answer = around_failures(
        &http,
        "https://onlycar.example",
        preflight.body(Body::empty()).unwrap(),
    )
    .await;
    let told = |name: &str| answer.headers()[name].to_str().unwrap().to_lowercase();
    assert_eq!(told("access-control-allow-methods"), "get,post");
    assert_eq!(told("access-control-allow-headers"), "authorization,content-type");
    for wrong in [
        "\"*\"",
        "\"http://app.onlycar.example\"",
        "\"https://app.onlycar.example/panel\"",
    ] {
        let error = File::layered(Some(&format!("http.allowed_origins = [{wrong}]"))).unwrap_err();
        assert!(
            error.contains("http.allowed_origins") && error.contains("is no origin"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn what_is_documented_has_no_address_of_another_origin() {
    let app = TestApp::start().await;
    let page = app.client.get(format!("{}/docs/", app.url)).send().await.unwrap();
    let page = page.text().await.unwrap();
    // Under its policy, what is written into the page would not run.
    for piece in page.split("<script").skip(1) {
        let (attributes, text) = piece.split_once('>').unwrap();
        assert!(attributes.contains("src=\"./"), "{attributes}");
        assert!(text.trim_start().starts_with("</script"), "{text}");
    }
    assert!(
        !page.contains("<style") && !page.contains("http:") && !page.contains("https:"),
        "{page}"
    );
    let Value::Object(_) = serde_json::to_value(onlycar::routes::openapi()).unwrap() else {
        panic!("no document");
    };
    app.finish().await;
}
