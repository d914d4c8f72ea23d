//! The adapter, unchanged, against the simulator and against Cloudflare's own runtime (workerd): the same questions, the same
//! ends. Where workerd is not installed the test says so and passes, unless `ONLYCAR_REQUIRE_WORKERD=1` asks for it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use chrono::{DateTime, TimeDelta, Utc};
use onlycar::edge::cloudflare::{ApiError, CloudflareApi, Pair, Statement};
use onlycar::edge::metadata::{self, Told};
use onlycar::ground::clock::Clock;
use onlycar::ground::config::{Cloudflare, File};
use reqwest::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::support::cloudflare::{self as account, DATABASE, NAMESPACE, TOKEN};
use crate::support::npm;

/// Whom the same is asked.
struct Peer {
    /// `http://host:port`
    origin: String,
    now: DateTime<Utc>,
    /// The one that the simulator goes by.
    clock: Option<Clock>,
}

impl Peer {
    fn api(&self, token: &str) -> CloudflareApi {
        let settings = Cloudflare {
            account_id: "account".to_owned(),
            api_token: token.into(),
            d1_database_id: Some(DATABASE.to_owned()),
            kv_namespace_id: Some(NAMESPACE.to_owned()),
        };
        let mut file = File::embedded().cloudflare;
        file.api_base = format!("{}/client/v4", self.origin).parse().unwrap();
        CloudflareApi::new(&settings, &file).unwrap()
    }

    async fn tell(&self, told: &[Told]) {
        let statements = metadata::upsert(told, self.now);
        self.api(TOKEN).query(DATABASE, &statements).await.unwrap();
    }

    async fn rows(&self) -> Vec<Value> {
        let sql = "select *, typeof(version) as version_is from cache_metadata order by id";
        let mut answer = self
            .api(TOKEN)
            .query(DATABASE, &[statement(sql, &[])])
            .await
            .unwrap();
        answer.pop().unwrap()
    }

    async fn value(&self, key: &str) -> (StatusCode, String) {
        let url = format!(
            "{}/client/v4/accounts/account/storage/kv/namespaces/{NAMESPACE}/values/{key}",
            self.origin
        );
        let client = onlycar::tools::outbound::client().unwrap();
        let answer = client.get(url).bearer_auth(TOKEN).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }
}

fn statement(sql: &'static str, params: &[&str]) -> Statement {
    let params = params.iter().map(ToString::to_string).collect();
    Statement { sql, params }
}

fn told(id: u128, version: i64, columns: Option<Value>) -> Told {
    let columns: Option<Map<String, Value>> = columns.map(|columns| columns.as_object().unwrap().clone());
    Told {
        resource: "facturas",
        id: Uuid::from_u128(id),
        version,
        columns,
    }
}

fn pair(key: &str, value: &str, expiration_ttl: u64) -> Pair {
    Pair {
        key: key.to_owned(),
        value: value.to_owned(),
        expiration_ttl,
    }
}

/// All that the program relies on.
async fn conforms(peer: &Peer) {
    d1(peer).await;
    d1_refuses(peer).await;
    kv(peer).await;
}

async fn d1(peer: &Peer) {
    let then = peer.now.timestamp_micros();
    let odd = "A'\"\\ñ\u{1f600}; drop table cache_metadata; --";
    let valid =
        json!({ "estado": "vigente", "serie": odd, "tiene_pdf": true, "tiene_xml": false, "folio": null });
    peer.tell(&[
        told(1, then, Some(valid)),
        told(2, then, Some(json!({ "estado": "vigente" }))),
    ])
    .await;
    let rows = peer.rows().await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["serie"], odd);
    assert_eq!(
        (&rows[0]["version"], &rows[0]["version_is"]),
        (&json!(then), &json!("integer"))
    );
    assert_eq!(
        (&rows[0]["tiene_pdf"], &rows[0]["tiene_xml"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(rows[0]["folio"], Value::Null);

    // The newer stays, whatever comes later; the same again is no change.
    peer.tell(&[told(1, then + 2, Some(json!({ "estado": "cancelada" })))])
        .await;
    peer.tell(&[told(
        1,
        then + 1,
        Some(json!({ "estado": "vigente", "serie": "B" })),
    )])
    .await;
    peer.tell(&[told(1, then + 2, Some(json!({ "estado": "cancelada" })))])
        .await;
    let rows = peer.rows().await;
    assert_eq!(
        (&rows[0]["estado"], &rows[0]["serie"]),
        (&json!("cancelada"), &json!(null))
    );

    // Removed: empty at once, gone a day later.
    peer.tell(&[told(2, then + 3, None)]).await;
    peer.tell(&[told(2, then, Some(json!({ "estado": "vigente" })))])
        .await;
    let counted = peer.api(TOKEN).query(DATABASE, &metadata::count()).await.unwrap();
    assert_eq!(counted[1], [json!({ "recurso": "facturas", "documents": 1 })]);
    assert_eq!(peer.rows().await.len(), 2);
    let later = Peer {
        origin: peer.origin.clone(),
        now: peer.now + TimeDelta::days(2),
        clock: None,
    };
    later.tell(&[]).await;
    assert_eq!(peer.rows().await.len(), 1);

    // As many as go in one request.
    let many: Vec<Told> = (10..510)
        .map(|id| {
            told(
                id,
                then,
                Some(json!({ "estado": "vigente", "serie": "A", "folio": id.to_string() })),
            )
        })
        .collect();
    peer.tell(&many).await;
    assert_eq!(peer.rows().await.len(), 501);
}

async fn d1_refuses(peer: &Peer) {
    let secret = "selectx 'a secret'";
    for wrong in [
        statement(secret, &[]),
        statement("select ?1, ?2", &["one"]),
        statement("select * from nowhere", &[]),
    ] {
        let error = peer.api(TOKEN).query(DATABASE, &[wrong]).await.unwrap_err();
        assert!(matches!(error, ApiError::Refused(_)), "{error}");
        assert!(
            error.to_string().contains("7500") && !error.to_string().contains("secret"),
            "{error}"
        );
    }
    // Together or not at all.
    let half = [
        statement("delete from cache_metadata", &[]),
        statement("selectx", &[]),
    ];
    peer.api(TOKEN).query(DATABASE, &half).await.unwrap_err();
    assert_eq!(peer.rows().await.len(), 501);
    let error = peer
        .api("another")
        .query(DATABASE, &metadata::count())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("CLOUDFLARE_API_TOKEN"), "{error}");
    assert!(!error.to_string().contains("another"), "{error}");
}

async fn kv(peer: &Peer) {
    let api = peer.api(TOKEN);
    let key = "bloqueado:ip:2001:db8::7";
    let pairs = [pair(key, r#"{"hasta":1}"#, 60), pair("sesion:ab", "{}", 3_600)];
    assert_eq!(api.put(NAMESPACE, &pairs).await.unwrap(), [""; 0]);
    let escaped = key.replace(':', "%3A");
    assert_eq!(
        peer.value(&escaped).await,
        (StatusCode::OK, r#"{"hasta":1}"#.to_owned())
    );
    // A key takes one write a second.
    if let Some(clock) = &peer.clock {
        clock.advance(TimeDelta::seconds(1));
    }
    let gone = ["sesion:ab".to_owned(), "never:was".to_owned()];
    assert_eq!(api.delete(NAMESPACE, &gone).await.unwrap(), [""; 0]);
    assert_eq!(peer.value("sesion%3Aab").await.0, StatusCode::NOT_FOUND);
    let short = api.put(NAMESPACE, &[pair("short", "{}", 59)]).await.unwrap_err();
    assert!(matches!(short, ApiError::Refused(_)), "{short}");
    let long = api
        .put(NAMESPACE, &[pair(&"k".repeat(513), "{}", 60)])
        .await
        .unwrap_err();
    assert!(matches!(long, ApiError::Refused(_)), "{long}");
}

#[tokio::test]
async fn the_simulator_does() {
    let now = "2026-11-22T18:00:00Z".parse().unwrap();
    let clock = Clock::manual(now);
    let cloudflare = account::named("account", &clock).await;
    let (origin, clock) = (cloudflare.url(), Some(clock));
    conforms(&Peer { origin, now, clock }).await;
}

#[tokio::test]
async fn cloudflares_own_runtime_does() {
    let Some(workerd) = Workerd::start() else { return };
    let now = "2026-11-22T18:00:00Z".parse().unwrap();
    let (origin, clock) = (workerd.origin.clone(), None);
    conforms(&Peer { origin, now, clock }).await;
}

/// It ends with its standard input, however this process does.
struct Workerd {
    child: Child,
    origin: String,
}

impl Workerd {
    fn start() -> Option<Self> {
        let folder = npm::folder();
        let node = Command::new("node").arg("--version").output();
        if !(node.is_ok_and(|node| node.status.success()) && folder.join("node_modules/miniflare").is_dir()) {
            let required = std::env::var_os("ONLYCAR_REQUIRE_WORKERD").is_some_and(|value| value == "1");
            assert!(!required, "workerd is not installed in {}", folder.display());
            println!("not tested: Cloudflare's workerd is not installed (.ci/run shows how)");
            return None;
        }
        let serve = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/workerd/serve.mjs");
        let mut child = Command::new("node")
            .arg(serve)
            .arg(&folder)
            .arg(TOKEN)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut origin = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        lines.read_line(&mut origin).unwrap();
        let origin = origin.trim().to_owned();
        assert!(origin.starts_with("http://127.0.0.1:"), "{origin}");
        Some(Self { child, origin })
    }
}

impl Drop for Workerd {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
