//! Limits by address and by user: every URL has one, the wait that is told is true, honest callers and providers are
//! never refused for what others do, and Redis only adds the other replicas.

mod here;
mod shared;
mod storm;

use reqwest::header::AUTHORIZATION;
use reqwest::{Method, Response};
use serde_json::Value;
use uuid::Uuid;

use crate::access::rig::SECRET;
use crate::counter::{SUPABASE, token};
use crate::support::TestApp;

/// Two at once by address, and one by user; nothing comes back while a test runs.
const TIGHT: &str = "[http]\ntrusted_proxies = ['127.0.0.1/32']\n
[redis]\nanswer_ms = 10000\nconnect_ms = 10000\nrest_ms = 20\nlook_ms = 20\n
[limits]\ntell_after = 5\n
webhooks.address = { per_minute = 1, burst = 2 }\ntokens.address = { per_minute = 1, burst = 2 }
public.address = { per_minute = 1, burst = 2 }\nreads.address = { per_minute = 1, burst = 2 }
reads.user = { per_minute = 1, burst = 1 }\nwrites.address = { per_minute = 1, burst = 2 }
writes.user = { per_minute = 1, burst = 1 }\nlinks.address = { per_minute = 1, burst = 2 }
links.user = { per_minute = 1, burst = 1 }\nadmin.address = { per_minute = 1, burst = 2 }
admin.user = { per_minute = 1, burst = 1 }\n";

/// The program with these settings behind a proxy that says where requests come from.
async fn app(more: &[(&str, &str)], file: &str) -> TestApp {
    let supabase = [("SUPABASE_URL", SUPABASE), ("SUPABASE_JWT_SECRET", SECRET)];
    TestApp::configured(&[&supabase[..], more].concat(), Some(file)).await
}

/// Calls from an address, with a token or without.
async fn call(app: &TestApp, method: Method, path: &str, from: &str, token: Option<&str>) -> Response {
    let request = app.client.request(method, format!("{}{path}", app.url));
    let request = request.header("x-forwarded-for", from);
    let request = token.into_iter().fold(request, |it, token| {
        it.header(AUTHORIZATION, format!("Bearer {token}"))
    });
    request.send().await.unwrap()
}

async fn get(app: &TestApp, path: &str, from: &str, token: Option<&str>) -> u16 {
    call(app, Method::GET, path, from, token).await.status().as_u16()
}

fn operator(app: &TestApp, user: u128) -> String {
    token(app, "operador", Uuid::from_u128(user))
}

/// What the answer over a limit says, and for how many seconds.
async fn refused(answer: Response) -> i64 {
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let seconds = answer.headers()["retry-after"].to_str().unwrap().to_owned();
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "demasiadas-peticiones");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("Espera {seconds} segundo")), "{detail}");
    seconds.parse().unwrap()
}
