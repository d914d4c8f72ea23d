//! The simulator of Gigstack, as a client of its API and a receiver of its webhooks meet it.

mod api;
mod documents;
mod faults;
mod files;
mod portal;
mod webhooks;

use chrono::{DateTime, Utc};
use onlycar::dev::gigstack::{Account, Gigstack, key};
use onlycar::ground::clock::Clock;
use onlycar::ground::config::Issuer;
use onlycar::tools::outbound;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::doors::{Doors, Letter};

/// As `openssl rand` makes one.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

fn noon() -> DateTime<Utc> {
    at("2026-11-22T18:00:00Z")
}

fn account() -> Account {
    let issuer = Issuer {
        rfc: "EKU9003173C9".to_owned(),
        name: "ESCUELA KEMPER URGATE".to_owned(),
        regime: "612".to_owned(),
        postal_code: "88000".to_owned(),
    };
    Account::new(&key(false), issuer)
}

/// A team and a client of it.
struct Team {
    gigstack: Gigstack,
    client: reqwest::Client,
}

impl Team {
    async fn new() -> Self {
        Self::of(account(), noon()).await
    }

    async fn of(account: Account, now: DateTime<Utc>) -> Self {
        let gigstack = Gigstack::new(account, Clock::manual(now)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        tokio::spawn(gigstack.clone().serve(listener, std::future::pending()));
        let client = outbound::client().unwrap();
        Self { gigstack, client }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.gigstack.url());
        self.client.request(method, url)
    }

    fn asking(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(key(false))
    }

    async fn get(&self, path: &str) -> Response {
        self.asking(Method::GET, path).send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.asking(Method::POST, path).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Tells the simulator what happens, as another process does.
    async fn sim(&self, method: Method, path: &str, body: &Value) -> Response {
        let request = self.request(method, &format!("/_sim/{path}"));
        let answer = request.json(body).send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{path}: {}",
            answer.text().await.unwrap()
        );
        answer
    }
}

/// A service that was paid at the counter, as our client tells it.
fn sale() -> Value {
    json!({
        "idempotency_key": "autofactura:1",
        "external_id": "0197a000-0000-7000-8000-000000000001",
        "currency": "MXN",
        "payment_form": "01",
        "items": [{
            "id": "0197a000-0000-7000-8000-000000000001",
            "description": "Cambio de aceite", "quantity": 1, "unit_price": 1500, "total": 1500.00,
        }],
        "client": { "email": "ana@example.com" },
        "metadata": { "servicio_id": "0197a000-0000-7000-8000-000000000001" },
    })
}

/// What the public bought in October.
fn month(key: &str) -> Value {
    json!({
        "idempotency_key": key,
        "global": { "periodicity": "04", "month": "10", "year": 2026 },
        "payment_form": "01",
        "currency": "MXN",
        "items": [
            { "id": "F-1", "description": "Lavado", "total": "350.00" },
            { "id": "F-2", "description": "Venta", "total": 99.99 },
            { "id": "F-3", "description": "Venta", "total": 0.07 },
        ],
        "metadata": { "periodo": "2026-10" },
    })
}
