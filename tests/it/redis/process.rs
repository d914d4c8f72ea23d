//! The program as a process of its own: encryption, passwords, metrics, and what its log tells.

use std::path::Path;
use std::process::Stdio;

use onlycar::dev::stripe;
use onlycar::ground::clock::Clock;
use onlycar::tools::outbound;
use tokio::process::Command;

use super::{DUPLICATE, NEW, PATIENT};
use crate::receive::unhandled;
use crate::support::app::SECRET;
use crate::support::database;
use crate::support::program::{Running, free_port, onlycar, run};
use crate::support::redis::RedisServer;
use crate::support::wait::until;

struct Served {
    running: Running,
    url: String,
    _folder: tempfile::TempDir,
}

impl Served {
    async fn start(redis_url: &str, more: &[(&str, &Path)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("settings.toml");
        std::fs::write(&settings, PATIENT).unwrap();
        let port = free_port();
        let mut command = onlycar(&["serve", "--config", settings.to_str().unwrap()]);
        command
            .env("DATABASE_URL", database::fresh().await)
            .env("STRIPE_WEBHOOK_SECRET", SECRET)
            .env("BIND_ADDR", format!("127.0.0.1:{port}"))
            .env("REDIS_URL", redis_url)
            .env("RUST_LOG", "trace")
            .envs(more.iter().copied());
        let running = Running::start(command);
        running.err.wait_for("\"ready\"").await;
        Self {
            running,
            url: format!("http://127.0.0.1:{port}"),
            _folder: folder,
        }
    }

    async fn send(&self, id: &str) -> String {
        let (client, body) = (outbound::client().unwrap(), unhandled(id));
        let signature = stripe::sign(SECRET, Clock::system().now(), &body);
        let request = client.post(format!("{}/api/webhooks/stripe", self.url));
        let request = request.header("stripe-signature", signature).body(body);
        request.send().await.unwrap().text().await.unwrap()
    }

    async fn metric(&self, name: &str) -> Option<f64> {
        let client = outbound::client().unwrap();
        let answer = client.get(format!("{}/metrics", self.url)).send().await.unwrap();
        let text = answer.text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().parse().unwrap())
    }

    async fn until_metric(&self, name: &str, value: f64) {
        until(&format!("{name} is {value}"), async || {
            self.metric(name).await == Some(value)
        })
        .await;
    }
}

#[tokio::test]
async fn a_password_opens_it_and_the_metrics_tell_of_its_use() {
    let Some(redis) = RedisServer::start_with(&["--requirepass", "aguja"]).await else {
        return;
    };
    let mut served = Served::start(&redis.url(), &[]).await;
    served.until_metric("redis_connected", 1.0).await;
    assert_eq!(served.send("1").await, NEW);
    served
        .until_metric(r#"webhooks_recent_noted_total{outcome="kept"}"#, 1.0)
        .await;
    assert_eq!(served.send("1").await, DUPLICATE);
    let asked = |outcome| format!("webhooks_recent_asked_total{{outcome=\"{outcome}\"}}");
    assert_eq!(served.metric(&asked("miss")).await, Some(1.0));
    assert_eq!(served.metric(&asked("hit")).await, Some(1.0));
    assert_eq!(served.running.stop().await, Some(0));
    assert!(!served.running.err.text().contains("aguja"));
}

/// A server can repeat in its refusal what it was sent; our log repeats none of it.
#[tokio::test]
async fn a_refused_password_stops_nothing_and_is_not_told() {
    let Some(redis) = RedisServer::start_with(&["--requirepass", "right"]).await else {
        return;
    };
    let addresses = [
        format!("redis://:aguja@127.0.0.1:{}", redis.port),
        format!("redis://nombre:aguja@127.0.0.1:{}/3", redis.port),
        format!("rediss://:aguja@127.0.0.1:{}", redis.port),
        format!("redis://:aguja@127.0.0.1:{}", free_port()),
        "redis://:aguja@redis.invalid".to_owned(),
    ];
    for address in addresses {
        let mut served = Served::start(&address, &[]).await;
        served
            .running
            .err
            .wait_for("Redis is left alone for a while")
            .await;
        assert_eq!([served.send("1").await, served.send("1").await], [NEW, DUPLICATE]);
        assert_eq!(served.metric("redis_connected").await, Some(0.0), "{address}");
        assert_eq!(served.running.stop().await, Some(0));
        let log = served.running.err.text();
        assert!(!log.contains("aguja"), "{log}");
        assert_eq!(log.matches("Redis is left alone for a while").count(), 1, "{log}");
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_read_stops_the_start() {
    let mut command = onlycar(&["serve"]);
    command
        .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
        .env("STRIPE_WEBHOOK_SECRET", SECRET)
        .env("REDIS_URL", "aguja.redis.example:6379");
    let ended = run(command).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("REDIS_URL is not an address"), "{}", ended.err);
    assert!(!ended.err.contains("aguja"), "{}", ended.err);
}

#[tokio::test]
async fn an_encrypted_connection_works_and_its_certificate_is_checked() {
    let Some(mut redis) = RedisServer::stopped() else {
        return;
    };
    let folder = redis.folder.path().to_owned();
    certificates(&folder).await;
    let port = free_port();
    redis.more(&["--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
    redis.more(&["--tls-cert-file", "server.pem", "--tls-key-file", "server.key"]);
    redis.run().await;
    let url = format!("rediss://localhost:{port}");

    let ca = folder.join("ca.pem");
    let mut served = Served::start(&url, &[("SSL_CERT_FILE", &ca)]).await;
    served.until_metric("redis_connected", 1.0).await;
    assert_eq!(served.send("1").await, NEW);
    served
        .until_metric(r#"webhooks_recent_noted_total{outcome="kept"}"#, 1.0)
        .await;
    assert_eq!(redis.ask::<i64>(&["DBSIZE"]).await, 1);
    assert_eq!(served.running.stop().await, Some(0));

    let stranger = folder.join("stranger.pem");
    let mut served = Served::start(&url, &[("SSL_CERT_FILE", &stranger)]).await;
    served.running.err.wait_for("invalid peer certificate").await;
    assert_eq!(served.metric("redis_connected").await, Some(0.0));
    assert_eq!(served.running.stop().await, Some(0));
}

/// Two authorities, and a certificate for `localhost` by the first.
async fn certificates(folder: &Path) {
    let made = |name: &str, more: &[&str]| {
        let (key, file) = (format!("{name}.key"), format!("{name}.pem"));
        let mut command = Command::new("openssl");
        command
            .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(' '))
            .args(["-subj", &format!("/CN={name}"), "-keyout", &key, "-out", &file])
            .args(more)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        run(command)
    };
    let leaf =
        "-CA ca.pem -CAkey ca.key -addext subjectAltName=DNS:localhost -addext basicConstraints=CA:FALSE";
    let leaf: Vec<&str> = leaf.split(' ').collect();
    for (name, more) in [("ca", &[][..]), ("stranger", &[]), ("server", &leaf)] {
        let ended = made(name, more).await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
    }
}
