//! The simulator of Mifiel, as a client of its API, a signer and a receiver of its webhooks meet it.

mod api;
mod auth;
mod faults;
mod files;
mod page;
mod subscriptions;
mod webhooks;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use onlycar::dev::mifiel::{Account, Document, Draft, Mifiel, Party};
use onlycar::ground::clock::Clock;
use onlycar::tools::outbound;
use reqwest::{Method, RequestBuilder, Response};
use ring::hmac;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::support::doors::{Doors, Letter};

const ID: &str = "app-id";
const SECRET: &str = "app-secret";
const NOON: &str = "Sun, 22 Nov 2026 18:00:00 GMT";

fn noon() -> DateTime<Utc> {
    "2026-11-22T18:00:00Z".parse().unwrap()
}

/// What api-auth's clients send, written again from its description.
fn authorization(secret: &str, [method, kind, hash, uri, date]: [&str; 5]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    let text = format!("{method},{kind},{hash},{uri},{date}");
    let signature = STANDARD.encode(hmac::sign(&key, text.as_bytes()));
    format!("APIAuth {ID}:{signature}")
}

/// An account and a client of it.
struct Office {
    mifiel: Mifiel,
    client: reqwest::Client,
}

impl Office {
    async fn new() -> Self {
        Self::of(SECRET, noon()).await
    }

    async fn of(secret: &str, now: DateTime<Utc>) -> Self {
        let mifiel = Mifiel::new(Account::new(ID, secret), Clock::manual(now)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        tokio::spawn(mifiel.clone().serve(listener, std::future::pending()));
        let client = outbound::client().unwrap();
        Self { mifiel, client }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.mifiel.url()))
    }

    /// As the vendor's clients for Node and Java: an empty hash, and a type also on GET.
    fn asking(&self, method: Method, path: &str, kind: &str) -> RequestBuilder {
        let path = format!("/api/v1{path}");
        let signature = authorization(SECRET, [method.as_str(), kind, "", &path, NOON]);
        self.request(method, &path)
            .header("content-type", kind)
            .header("content-md5", "")
            .header("date", NOON)
            .header("authorization", signature)
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.asking(Method::GET, path, "application/json");
        request.send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    /// Status, and the answer or nothing.
    async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.asking(method, path, "application/json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    async fn upload(&self, form: &Form) -> (u16, Value) {
        let request = self.asking(Method::POST, "/documents", &Form::kind());
        let answer = request.body(form.0.clone()).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Tells the simulator what happens, as another process does.
    async fn sim(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = self.request(method, &format!("/_sim/{path}"));
        let answer = request.json(body).send().await.unwrap();
        let (good, text) = (answer.status().is_success(), answer.text().await.unwrap());
        assert!(good, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }
}

/// A form with files, as bytes (RFC 7578).
struct Form(Vec<u8>);

impl Form {
    const BOUNDARY: &str = "onlycar--boundary";

    fn kind() -> String {
        format!("multipart/form-data; boundary={}", Self::BOUNDARY)
    }

    fn of(file: &[u8], fields: &[(&str, &str)]) -> Self {
        let mut form = Self(Vec::new());
        form.part("name=\"file\"; filename=\"contrato.pdf\"", file);
        for (name, value) in fields {
            form.part(&format!("name=\"{name}\""), value.as_bytes());
        }
        form.0.extend(format!("--{}--\r\n", Self::BOUNDARY).into_bytes());
        form
    }

    fn part(&mut self, about: &str, content: &[u8]) {
        let head = format!(
            "--{}\r\nContent-Disposition: form-data; {about}\r\nContent-Type: any/thing\r\n\r\n",
            Self::BOUNDARY
        );
        self.0.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
}

/// A contract between two.
fn draft() -> Draft {
    let party = |name: &str, email: &str| Party {
        name: name.to_owned(),
        email: email.to_owned(),
        tax_id: Some("XOJI740919U48".to_owned()),
    };
    Draft {
        signers: vec![
            party("Ana & <Co>", "ana@example.com"),
            party("Beto", "beto@example.com"),
        ],
        ..Draft::of("our id")
    }
}

/// A document that everybody signed.
fn closed(mifiel: &Mifiel) -> Document {
    let id = mifiel.create(draft()).id;
    mifiel.sign_all(&id).unwrap()
}
