//! `onlycar serve`, as the platform starts and stops it.

use onlycar::dev::stripe;
use onlycar::ground::clock::Clock;
use onlycar::tools::outbound;
use reqwest::Response;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tokio::process::Command;

use crate::support::database;
use crate::support::program::{Running, free_port, onlycar, run};
use crate::support::wire::{Wire, head};

const SECRET: &str = "whsec_aguja";

struct Served {
    running: Running,
    url: String,
}

fn serve(arguments: &[&str], database_url: &str, port: u16) -> Command {
    let mut command = onlycar(&[&["serve"], arguments].concat());
    command
        .env("DATABASE_URL", database_url)
        .env("STRIPE_WEBHOOK_SECRET", SECRET)
        .env("BIND_ADDR", format!("127.0.0.1:{port}"));
    command
}

impl Served {
    /// Starts it and returns when it answers.
    async fn start(arguments: &[&str], database_url: &str) -> Self {
        let port = free_port();
        let running = Running::start(serve(arguments, database_url, port));
        running.err.wait_for("\"ready\"").await;
        let served = Self {
            running,
            url: format!("http://127.0.0.1:{port}"),
        };
        assert_eq!(served.get("/healthz").await.status(), 200);
        served
    }

    async fn get(&self, path: &str) -> Response {
        outbound::client()
            .unwrap()
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap()
    }

    async fn post(&self, secret: &str, body: &[u8]) -> Response {
        let request = outbound::client()
            .unwrap()
            .post(format!("{}/api/webhooks/stripe", self.url));
        let signature = stripe::sign(secret, Clock::system().now(), body);
        request
            .header("stripe-signature", signature)
            .body(body.to_vec())
            .send()
            .await
            .unwrap()
    }
}

fn plan(id: &str) -> Vec<u8> {
    format!(r#"{{"id":"evt_{id}","object":"event","type":"plan.created"}}"#).into_bytes()
}

async fn states(database_url: &str) -> Vec<(String, String)> {
    let mut connection = PgConnection::connect(database_url).await.unwrap();
    let all = sqlx::query_as("select event_id, state from webhooks.events order by event_id");
    all.fetch_all(&mut connection).await.unwrap()
}

fn password(database_url: &str) -> &str {
    let (user, _) = database_url.split_once('@').unwrap();
    user.rsplit_once(':').unwrap().1
}

#[tokio::test]
async fn an_empty_secret_stops_the_start_with_exit_code_2() {
    for secret in ["", "  ", "whsec_a,"] {
        let mut command = serve(&[], "postgres://onlycar@127.0.0.1:1/onlycar", 1);
        command.env("STRIPE_WEBHOOK_SECRET", secret);
        let ended = run(command).await;
        assert_eq!(
            (ended.code, ended.out.as_str(), ended.err.as_str()),
            (
                Some(2),
                "",
                "error: the configuration has 1 problem; nothing was started\n  \
                 - STRIPE_WEBHOOK_SECRET is empty or blank\n\
                 hint: .env.example lists every variable, config/default.toml every key\n"
            )
        );
    }
}

#[tokio::test]
async fn a_wrong_configuration_is_exit_code_2() {
    let ended = run(onlycar(&["serve"])).await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("2 problems") && ended.err.contains("- DATABASE_URL is missing"),
        "{}",
        ended.err
    );

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    let file = path.to_str().unwrap();
    let database = "postgres://onlycar@127.0.0.1:1/onlycar";
    let ended = run(serve(&["--config", file], database, 1)).await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains(&format!("{file} cannot be read")),
        "{}",
        ended.err
    );
    std::fs::write(&path, "[worker]\nconcurency = 4\n").unwrap();
    let ended = run(serve(&["--config", file], database, 1)).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("concurency"), "{}", ended.err);
    for wrong in [&["--no-worker", "--no-http"][..], &["--colour"], &["extra"]] {
        assert_eq!(run(serve(wrong, database, 1)).await.code, Some(2), "{wrong:?}");
    }
}

/// How many there are.
fn migrations() -> usize {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn pending_migrations_stop_the_start_unless_it_may_apply_them() {
    let database_url = database::empty().await;
    let ended = run(serve(&[], &database_url, free_port())).await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.contains(&format!(
            "the database lacks {} migrations: 0001_heart",
            migrations()
        )),
        "{}",
        ended.err
    );
    assert!(
        ended
            .err
            .contains("hint: run `onlycar migrate` once, or start with --migrate"),
        "{}",
        ended.err
    );

    let mut served = Served::start(&["--migrate"], &database_url).await;
    let ready = served.get("/readyz").await;
    assert_eq!(ready.status(), 200);
    assert_eq!(served.running.stop().await, Some(0));

    let mut again = Served::start(&[], &database_url).await;
    assert_eq!(again.get("/readyz").await.status(), 200);
    assert_eq!(again.running.stop().await, Some(0));
}

#[tokio::test]
async fn migrate_is_done_once() {
    let database_url = database::empty().await;
    let applied = format!("{} migrations applied\n", migrations());
    for told in [applied.as_str(), "the database is up to date\n"] {
        let mut command = onlycar(&["migrate"]);
        command.env("DATABASE_URL", &database_url);
        let ended = run(command).await;
        assert_eq!((ended.code, ended.out.as_str()), (Some(0), told), "{}", ended.err);
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_told_without_its_password() {
    let here = database::fresh().await;
    let (host, wrong) = (here.rsplit_once('@').unwrap().1, "postgres://onlycar:aguja@");
    for url in [
        "postgres://onlycar:aguja@127.0.0.1:1/onlycar".to_owned(),
        "postgres://onlycar:aguja@127.0.0.1:port/onlycar".to_owned(),
        format!("{wrong}{host}"),
        format!("{here}_that_is_not_there").replace("prueba_", "prueba_aguja_"),
    ] {
        for command in [serve(&[], &url, 1), {
            let mut migrate = onlycar(&["migrate"]);
            migrate.env("DATABASE_URL", &url);
            migrate
        }] {
            let ended = run(command).await;
            assert_eq!(ended.code, Some(1), "{url}: {}", ended.err);
            assert!(ended.err.contains("\nhint: "), "{url}: {}", ended.err);
            assert!(
                !ended.err.contains(":aguja@") && !ended.err.contains("\"aguja\""),
                "{url}: {}",
                ended.err
            );
            assert!(!ended.err.contains(password(&here)), "{}", ended.err);
        }
    }
}

#[tokio::test]
async fn an_address_in_use_is_told_with_a_hint() {
    let database_url = database::fresh().await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let ended = run(serve(&[], &database_url, port)).await;
    assert_eq!(ended.code, Some(1));
    let told = format!("cannot listen on 127.0.0.1:{port}");
    assert!(
        ended.err.contains(&told) && ended.err.contains("choose another BIND_ADDR"),
        "{}",
        ended.err
    );
}

#[tokio::test]
async fn the_log_tells_of_a_forgery_and_no_secret() {
    let database_url = database::fresh().await;
    let mut served = Served::start(&[], &database_url).await;
    assert_eq!(served.post("whsec_forged", &plan("1")).await.status(), 400);
    assert_eq!(served.post(SECRET, &plan("2")).await.status(), 200);
    let metrics = served.get("/metrics").await.text().await.unwrap();
    for line in [
        r#"webhooks_received_total{provider="stripe",answer="mismatch"} 1"#,
        r#"webhooks_received_total{provider="stripe",answer="received"} 1"#,
    ] {
        assert!(metrics.lines().any(|it| it == line), "{metrics}");
    }
    assert_eq!(served.running.stop().await, Some(0));
    let log = served.running.err.text();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let told: Vec<_> = lines.iter().filter(|line| line["target"] == "security").collect();
    assert_eq!(told.len(), 1, "{log}");
    assert_eq!(
        (&told[0]["level"], &told[0]["code"], &told[0]["provider"]),
        (&"WARN".into(), &"mismatch".into(), &"stripe".into())
    );
    assert!(
        told[0]["reason"]
            .as_str()
            .unwrap()
            .starts_with("no signature matches"),
        "{log}"
    );
    for secret in ["aguja", "whsec_", password(&database_url), "v1="] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let database_url = database::fresh().await;
    let mut served = Served::start(&[], &database_url).await;
    let body = plan("1");
    let length = format!("content-length: {}", body.len());
    let signature = format!(
        "stripe-signature: {}",
        stripe::sign(SECRET, Clock::system().now(), &body)
    );
    let mut wire = Wire::open(&served.url).await;
    wire.send(head(&[
        length.as_bytes(),
        signature.as_bytes(),
        b"expect: 100-continue",
    ]))
    .await;
    assert_eq!(wire.reply().await.unwrap().status, 100);
    served.running.signal(rustix::process::Signal::TERM);
    served.running.err.wait_for("stopping").await;
    wire.send(&body).await;
    assert_eq!(wire.reply().await.unwrap().status, 200);
    assert_eq!(served.running.end().await, Some(0));
    assert_eq!(
        states(&database_url).await,
        [("evt_1".to_owned(), "ignored".to_owned())]
    );
}

#[tokio::test]
async fn the_two_halves_run_apart() {
    let database_url = database::fresh().await;
    let mut http = Served::start(&["--no-worker"], &database_url).await;
    let body = r#"{"id":"evt_1","object":"event","type":"payment_intent.succeeded"}"#;
    assert_eq!(http.post(SECRET, body.as_bytes()).await.status(), 200);
    assert_eq!(
        states(&database_url).await,
        [("evt_1".to_owned(), "pending".to_owned())]
    );

    let port = free_port();
    let mut worker = Running::start(serve(&["--no-http"], &database_url, port));
    let parked = [("evt_1".to_owned(), "parked".to_owned())];
    let seen = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while states(&database_url).await != parked {}
    });
    seen.await.expect("the other half does the work");
    assert!(
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err(),
        "nobody listens"
    );
    assert_eq!(worker.stop().await, Some(0));
    assert_eq!(http.running.stop().await, Some(0));
}
