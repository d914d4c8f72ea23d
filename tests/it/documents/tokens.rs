//! Every fault of a token, at every address that asks for one.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::scene::ADMIN;
use crate::access::rig::{Draft, RSA_PUBLIC, SECRET, Signer};
use crate::access::supabase::Supabase;
use crate::support::TestApp;

/// Addresses that anybody may call, or that a cookie opens; the OpenAPI document says of every other one that it asks for a
/// token.
const OPEN: [&str; 7] = [
    "delete /panel/session",
    "get /healthz",
    "get /metrics",
    "get /readyz",
    "post /api/webhooks/gigstack/{aviso}",
    "post /api/webhooks/mifiel",
    "post /api/webhooks/stripe",
];

/// Method and path of every operation, and whether it asks for a token.
async fn operations(app: &TestApp) -> Vec<(String, String, bool)> {
    let document = app.client.get(format!("{}/api/openapi.json", app.url));
    let document: Value = document.send().await.unwrap().json().await.unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let secured = operation["security"] == json!([{ "supabase": [] }]);
            operations.push((method.clone(), path.clone(), secured));
        }
    }
    operations
}

/// A path with something in every place.
fn filled(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment {
        "{tipo}" => "facturas".to_owned(),
        it if it.starts_with('{') => ADMIN.to_string(),
        it => it.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

/// `Authorization` headers that let nobody in, with the code that each is told.
fn faults(
    app: &TestApp,
    issuer: &str,
    rsa: &Signer,
    ec: &Signer,
) -> Vec<(&'static str, Option<String>, &'static str)> {
    const BAD: &str = "token-no-valido";
    let now = app.now();
    let good = Draft {
        header: json!({ "typ": "JWT" }),
        claims: json!({
            "iss": issuer, "aud": "authenticated", "sub": ADMIN, "app_metadata": { "role": "admin" },
            "exp": (now + TimeDelta::hours(1)).timestamp(),
        }),
    };
    let named = |kid: &str| good.clone().header(json!({ "kid": kid }));
    let claims = |changes: Value| named("rsa").claims(changes).sign(rsa);
    let public = |bytes: &[u8]| named("rsa").sign(&Signer::Hmac(bytes.to_vec()));
    let tampered = {
        let token = named("rsa").sign(rsa);
        let other = named("rsa")
            .claims(json!({ "sub": Value::from("0".repeat(36)) }))
            .sign(rsa);
        let (head, signature) = token.rsplit_once('.').unwrap();
        let payload = other.split('.').nth(1).unwrap();
        format!("{}.{payload}.{signature}", head.split('.').next().unwrap())
    };
    let modulus = rsa.jwk("rsa")["n"].as_str().unwrap().to_owned();
    let bearer = |token: String| Some(format!("Bearer {token}"));
    vec![
        ("no token", None, "falta-token"),
        ("another scheme", Some("Basic YTpi".to_owned()), "falta-token"),
        ("an empty one", Some("Bearer ".to_owned()), "falta-token"),
        (
            "expired",
            bearer(claims(
                json!({ "exp": (now - TimeDelta::minutes(1)).timestamp() }),
            )),
            "token-vencido",
        ),
        ("no end", bearer(claims(json!({ "exp": null }))), BAD),
        (
            "not yet",
            bearer(claims(json!({ "nbf": (now + TimeDelta::hours(1)).timestamp() }))),
            BAD,
        ),
        (
            "wrong issuer",
            bearer(claims(json!({ "iss": "https://other.supabase.co/auth/v1" }))),
            BAD,
        ),
        ("wrong audience", bearer(claims(json!({ "aud": "anon" }))), BAD),
        ("nobody", bearer(claims(json!({ "sub": null }))), BAD),
        ("alg none", bearer(named("rsa").sign(&Signer::Nothing)), BAD),
        (
            "alg None",
            bearer(
                named("rsa")
                    .header(json!({ "alg": "None" }))
                    .sign(&Signer::Nothing),
            ),
            BAD,
        ),
        (
            "HS256 with the public PEM",
            bearer(public(RSA_PUBLIC.as_bytes())),
            BAD,
        ),
        ("HS256 with the modulus", bearer(public(modulus.as_bytes())), BAD),
        (
            "HS256 named RS256",
            bearer(
                named("rsa")
                    .header(json!({ "alg": "RS256" }))
                    .sign(&Signer::secret()),
            ),
            BAD,
        ),
        (
            "RS256 named HS256",
            bearer(named("rsa").header(json!({ "alg": "HS256" })).sign(rsa)),
            BAD,
        ),
        (
            "another key of ours",
            bearer(named("rsa").header(json!({ "alg": "ES256" })).sign(ec)),
            BAD,
        ),
        ("unknown kid", bearer(named("nobody's").sign(rsa)), BAD),
        ("no kid", bearer(good.clone().sign(rsa)), BAD),
        (
            "another secret",
            bearer(named("x").sign(&Signer::Hmac(b"another secret of enough bytes!!".to_vec()))),
            BAD,
        ),
        ("tampered", bearer(tampered), BAD),
        ("garbage", bearer("garbage".to_owned()), BAD),
        ("dots", bearer("..".to_owned()), BAD),
        ("too long", bearer("a".repeat(20_000)), BAD),
    ]
}

#[tokio::test]
async fn every_fault_of_a_token_at_every_address() {
    let (rsa, ec) = (Signer::rsa(), Signer::ec());
    let supabase = Supabase::start(&[rsa.jwk("rsa"), ec.jwk("ec")]).await;
    let project = [
        ("SUPABASE_URL", supabase.url.as_str()),
        ("SUPABASE_JWT_SECRET", SECRET),
    ];
    let off = ["tokens", "links", "reads", "writes", "admin", "public"];
    let off = off.map(|group| format!("limits.{group}.off = true\n")).concat();
    let app = TestApp::configured(&project, Some(&off)).await;
    let operations = operations(&app).await;
    let mut open: Vec<String> = operations
        .iter()
        .filter(|(.., secured)| !secured)
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    open.sort();
    assert_eq!(open, OPEN, "an address that asks for no token");

    let issuer = format!("{}/auth/v1", supabase.url);
    let faults = faults(&app, &issuer, &rsa, &ec);
    let mut cells = 0;
    for (name, header, code) in &faults {
        let mut bodies = Vec::new();
        for (method, path, _) in operations.iter().filter(|(.., secured)| *secured) {
            let method = method.to_uppercase().parse().unwrap();
            let mut request = app.client.request(method, format!("{}{}", app.url, filled(path)));
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 401, "{name} at {path}");
            assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{name} at {path}");
            bodies.push(answer.text().await.unwrap());
            cells += 1;
        }
        assert!(bodies[0].contains(code), "{name}: {}", bodies[0]);
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{name}: {bodies:?}");
    }
    println!(
        "{cells} cells: {} faults of a token at {} addresses",
        faults.len(),
        cells / faults.len()
    );
    assert_eq!(
        app.audit().await,
        [],
        "nobody came in, so nothing is written down"
    );
    app.finish().await;
}
