//! The panel's sessions: opened by an admin's token, known by a cookie alone, over at once.

use axum::Router;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use onlycar::access::session::{Sessions, SignedIn};
use onlycar::ground::config;
use reqwest::header::{COOKIE, HeaderValue, ORIGIN, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use super::rig::SECRET;
use crate::counter::{ADMIN, SUPABASE, token};
use crate::support::TestApp;

const PATH: &str = "/panel/session";

async fn app(more: &[(&str, &str)]) -> TestApp {
    let supabase = [("SUPABASE_URL", SUPABASE), ("SUPABASE_JWT_SECRET", SECRET)];
    TestApp::with(&[&supabase[..], more].concat()).await
}

/// Where the program thinks that its pages are.
const OURS: &str = "https://onlycar.example";

async fn open(app: &TestApp, role: &str) -> Response {
    let request = app.client.post(format!("{}{PATH}", app.url));
    request.bearer_auth(token(app, role, ADMIN)).send().await.unwrap()
}

/// Name and value of the cookie that was set, and its attributes.
fn cookie(answer: &Response) -> (String, String) {
    let header = answer.headers()[SET_COOKIE].to_str().unwrap();
    let (pair, attributes) = header.split_once("; ").unwrap();
    (pair.to_owned(), attributes.to_owned())
}

/// Signed in; the cookie to send.
async fn signed_in(app: &TestApp) -> String {
    let answer = open(app, "admin").await;
    assert_eq!(answer.status(), 204);
    cookie(&answer).0
}

fn leaving(app: &TestApp, cookie: &str) -> RequestBuilder {
    let request = app.client.request(Method::DELETE, format!("{}{PATH}", app.url));
    request.header(COOKIE, cookie)
}

/// Status and code of the answer to signing out from a page of ours.
async fn leave(app: &TestApp, cookie: &str) -> (u16, String) {
    told(leaving(app, cookie).header(ORIGIN, OURS).send().await.unwrap()).await
}

async fn told(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    if status == 204 {
        return (status, String::new());
    }
    let problem: Value = answer.json().await.unwrap();
    (status, problem["code"].as_str().unwrap().to_owned())
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn an_admin_signs_in_and_out() {
    let app = app(&[("PUBLIC_URL", OURS)]).await;
    let answer = open(&app, "admin").await;
    assert_eq!(answer.status(), 204);
    let (pair, attributes) = cookie(&answer);
    assert_eq!(
        attributes,
        "Max-Age=43200; Path=/; HttpOnly; SameSite=Strict; Secure"
    );
    let secret = pair.strip_prefix("__Host-onlycar_sesion=").unwrap();
    assert_eq!(secret.len(), 43, "256 bits");

    // The database cannot tell the secret.
    let row: String = app.one("select to_jsonb(s)::text from access.sessions s").await;
    assert!(!row.contains(secret), "{row}");
    let bytes = URL_SAFE_NO_PAD.decode(secret).unwrap();
    let digest = hex::encode(Sha256::digest(bytes));
    assert!(row.contains(&digest), "{row}");

    let answer = leaving(&app, &pair).header(ORIGIN, OURS).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    let cleared = "__Host-onlycar_sesion=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict; Secure";
    assert_eq!(answer.headers()[SET_COOKIE], cleared);
    assert_eq!(leave(&app, &pair).await, is(401, "sesion-vencida"));

    let name = digest[..16].to_owned();
    let actor = format!("admin:{ADMIN}");
    assert_eq!(
        app.audit().await,
        [
            (actor.clone(), "sesion.iniciada".to_owned(), name.clone()),
            (actor, "sesion.terminada".to_owned(), name)
        ]
    );
    app.finish().await;
}

#[tokio::test]
async fn only_an_admins_token_opens_one_and_only_the_cookie_is_one() {
    let app = app(&[("PUBLIC_URL", OURS)]).await;
    for role in ["operador", "cliente"] {
        assert_eq!(
            told(open(&app, role).await).await,
            is(403, "sin-permiso"),
            "{role}"
        );
    }
    let pair = signed_in(&app).await;
    let (name, secret) = pair.split_once('=').unwrap();
    let other = format!("{name}={}", "A".repeat(43));
    for (cookies, expected) in [
        (String::new(), is(401, "falta-sesion")),
        (format!("other={secret}"), is(401, "falta-sesion")),
        (format!("onlycar_sesion={secret}"), is(401, "falta-sesion")),
        (format!("{name}="), is(401, "falta-sesion")),
        (format!("{pair}A"), is(401, "falta-sesion")),
        // Of two nobody knows which is ours.
        (format!("{other}; {pair}"), is(401, "falta-sesion")),
        (other.clone(), is(401, "sesion-vencida")),
    ] {
        assert_eq!(leave(&app, &cookies).await, expected, "{cookies}");
    }
    let with_token = leaving(&app, "").header(ORIGIN, OURS);
    let with_token = with_token.bearer_auth(token(&app, "admin", ADMIN));
    assert_eq!(
        told(with_token.send().await.unwrap()).await,
        is(401, "falta-sesion")
    );
    // And nobody signs in by the cookie where a token is asked for.
    let list = app.client.get(format!("{}/api/services", app.url));
    let answer = list.header(COOKIE, &pair).send().await.unwrap();
    assert_eq!(told(answer).await, is(401, "falta-token"));
    assert_eq!(leave(&app, &format!("a=b; {pair} ;c=d")).await, is(204, ""));
    app.finish().await;
}

#[tokio::test]
async fn pages_of_others_do_nothing_in_a_session() {
    let app = app(&[("PUBLIC_URL", OURS)]).await;
    let pair = signed_in(&app).await;
    let ask = |headers: &[(&'static str, &'static str)]| {
        let request = leaving(&app, &pair);
        let request = headers.iter().fold(request, |it, (name, value)| {
            it.header(*name, HeaderValue::from_static(value))
        });
        async move { told(request.send().await.unwrap()).await }
    };
    for headers in [
        &[][..],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://onlycar.example")],
        &[("origin", "https://onlycar.example.evil.example")],
        &[("origin", OURS), ("origin", "https://evil.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", OURS)],
        &[("sec-fetch-site", "none")],
        &[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://evil.example"),
        ],
    ] {
        assert_eq!(ask(headers).await, is(403, "otro-origen"), "{headers:?}");
    }
    let ours = [("sec-fetch-site", "same-origin"), ("origin", OURS)];
    assert_eq!(ask(&ours).await, is(204, ""));
    app.finish().await;
}

/// A page of the panel, at an address of its own.
async fn page(app: &TestApp) -> String {
    let settings = config::File::embedded().access;
    let sessions = Sessions::new(&app.engine, &settings, &OURS.parse().unwrap());
    let page = get(|it: SignedIn| async move { it.admin.actor().to_string() });
    let router = Router::new().route("/page", page).with_state(sessions);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/page", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn a_session_ends_when_it_is_old_idle_or_revoked() {
    let app = app(&[("PUBLIC_URL", OURS)]).await;
    let page = page(&app).await;
    let look = async |pair: &str| {
        let answer = app.client.get(&page).header(COOKIE, pair).send().await.unwrap();
        answer.status().as_u16()
    };
    let idle = signed_in(&app).await;
    app.advance(TimeDelta::minutes(119));
    assert_eq!(look(&idle).await, 200, "just before");
    app.advance(TimeDelta::minutes(119));
    assert_eq!(look(&idle).await, 200, "it was in use");
    app.advance(TimeDelta::minutes(120));
    assert_eq!(look(&idle).await, 401);

    let used = signed_in(&app).await;
    assert_eq!(
        app.one::<i64>("select count(*) from access.sessions").await,
        1,
        "the other is swept"
    );
    for _ in 0..7 {
        app.advance(TimeDelta::minutes(100));
        assert_eq!(look(&used).await, 200);
    }
    app.advance(TimeDelta::minutes(20));
    assert_eq!(look(&used).await, 401, "after twelve hours, however busy it was");

    let revoked = signed_in(&app).await;
    assert_eq!(look(&revoked).await, 200);
    sqlx::query("delete from access.sessions")
        .execute(&app.pool)
        .await
        .unwrap();
    assert_eq!(look(&revoked).await, 401);
    app.finish().await;
}

#[tokio::test]
async fn without_encryption_the_cookie_says_so_by_its_name() {
    let app = app(&[]).await;
    let answer = open(&app, "admin").await;
    let (pair, attributes) = cookie(&answer);
    assert!(pair.starts_with("onlycar_sesion="), "{pair}");
    assert_eq!(attributes, "Max-Age=43200; Path=/; HttpOnly; SameSite=Strict");
    app.finish().await;
}
