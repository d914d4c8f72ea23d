//! Who may ask: what api-auth's clients sign, and what a server with that gem refuses.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use md5::{Digest, Md5};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Form, ID, NOON, Office, SECRET, authorization, noon};

const FILE: &str = "/api/v1/documents/29f3cb01-744d-4eae-8718-213aec8a1678/file_signed";
/// The hash of nothing.
const EMPTY: &str = "1B2M2Y8AsgTpgAmY7PhCfg==";

fn date(text: &str) -> DateTime<Utc> {
    chrono::NaiveDateTime::parse_from_str(text, "%a, %d %b %Y %H:%M:%S GMT")
        .unwrap()
        .and_utc()
}

/// Sends it as it is; the status.
async fn ask(office: &Office, [method, kind, hash, uri, date]: [&str; 5], told: &str, body: &str) -> u16 {
    let mut request = office.request(method.parse().unwrap(), uri);
    for (name, value) in [("content-type", kind), ("content-md5", hash), ("date", date)] {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    let request = request.header("authorization", told).body(body.to_owned());
    request.send().await.unwrap().status().as_u16()
}

/// Those of the vendor's vectors that name an address; the others are checked where the signature is made.
#[tokio::test]
async fn the_vendors_signatures_open_the_door() {
    let time = "Tue, 30 May 2017 03:51:43 GMT";
    for (secret, parts, signature, status) in [
        (
            "app-secret",
            [
                "POST",
                "application/json",
                "",
                "/api/v1/documents",
                "Fri, 01 Jan 2016 00:00:00 GMT",
            ],
            "Qr94Z4Nvp0p5G1CsR5LpQDaTQXM=",
            422,
        ),
        (
            "secret_key",
            ["GET", "application/json", "", FILE, time],
            "wJl5ADjMIWhshtJFS8tsKrHUl3s=",
            404,
        ),
        (
            "secret_key",
            ["GET", "", EMPTY, FILE, time],
            "GTE1qt3TVi5hsF3daat8siXJxTE=",
            404,
        ),
    ] {
        let office = Office::of(secret, date(parts[4])).await;
        let told = format!("APIAuth {ID}:{signature}");
        assert_eq!(ask(&office, parts, &told, "").await, status, "{parts:?}");
        assert_eq!(authorization(secret, parts), told);
        let other = format!("APIAuth {ID}:{}", STANDARD.encode([7; 20]));
        assert_eq!(ask(&office, parts, &other, "").await, 401);
    }
}

#[tokio::test]
async fn each_part_is_signed() {
    let office = Office::new().await;
    let right = ["GET", "application/json", "", "/api/v1/documents?page=1", NOON];
    let told = authorization(SECRET, right);
    assert_eq!(ask(&office, right, &told, "").await, 200);
    for (place, other) in [
        (0, "DELETE"),
        (1, "text/json"),
        (2, EMPTY),
        (3, "/api/v1/documents?page=2"),
        (3, "/api/v1/documents"),
        (4, "Sun, 22 Nov 2026 18:00:01 GMT"),
    ] {
        let mut parts = right;
        parts[place] = other;
        assert_eq!(ask(&office, parts, &told, "").await, 401, "{other}");
    }
    for told in [
        String::new(),
        "APIAuth".to_owned(),
        format!("APIAuth {ID}"),
        format!("APIAuth {ID}:no base64!"),
        authorization("another secret", right),
        authorization(SECRET, right).replace(ID, "another-id"),
        format!("Basic {}", STANDARD.encode(format!("{ID}:{SECRET}"))),
    ] {
        assert_eq!(ask(&office, right, &told, "").await, 401, "{told}");
    }
}

#[tokio::test]
async fn a_date_is_good_for_a_quarter_of_an_hour() {
    let office = Office::new().await;
    for (seconds, status) in [(-901, 401), (-900, 200), (0, 200), (900, 200), (901, 401)] {
        let date = noon() + chrono::TimeDelta::seconds(seconds);
        let date = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let parts = ["GET", "", "", "/api/v1/documents", &date];
        let told = authorization(SECRET, parts);
        assert_eq!(ask(&office, parts, &told, "").await, status, "{seconds}");
    }
    let parts = ["GET", "", "", "/api/v1/documents", "2026-11-22T18:00:00Z"];
    assert_eq!(ask(&office, parts, &authorization(SECRET, parts), "").await, 401);
}

#[tokio::test]
async fn mifiels_clock_may_be_wrong_and_says_so() {
    let office = Office::new().await;
    assert_eq!(office.get("/documents").await.headers()["date"], NOON);
    office.mifiel.set_clock_off(chrono::TimeDelta::seconds(1_200));
    let answer = office.get("/documents").await;
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()["date"], "Sun, 22 Nov 2026 18:20:00 GMT");
    let told: Value = answer.json().await.unwrap();
    assert_eq!(told, json!({ "status": "fail", "errors": ["Unauthorized"] }));
    office
        .sim(Method::PUT, "habits", &json!({ "clock_off_seconds": -60 }))
        .await;
    assert_eq!(office.get("/documents").await.status(), 200);
}

/// The vendor's clients for Python send one; those for Node and Java leave it empty.
#[tokio::test]
async fn a_hash_is_checked_where_there_is_one() {
    let office = Office::new().await;
    let form = Form::of(b"%PDF-1.7", &[("signatories[0][email]", "ana@example.com")]);
    let body = String::from_utf8(form.0).unwrap();
    let kind = Form::kind();
    let right = STANDARD.encode(Md5::digest(&body));
    for (hash, status) in [("", 201), (right.as_str(), 201), (EMPTY, 401)] {
        let parts = ["POST", &kind, hash, "/api/v1/documents", NOON];
        let told = authorization(SECRET, parts);
        assert_eq!(ask(&office, parts, &told, &body).await, status, "{hash}");
    }
}
