//! The program as it is run: what its log lines hold, and what it shows of its metrics to whom.

use std::time::Duration;

use onlycar::dev::stripe;
use onlycar::ground::clock::Clock;
use onlycar::tools::outbound;
use onlycar::tools::telemetry::METRICS;
use serde_json::Value;

use crate::support::database;
use crate::support::program::{Running, free_port, onlycar};

const SECRET: &str = "whsec_of_the_logs";
const TOKEN: &str = "5f0c3b1e9a7d4c2086b1e3f5a7c9d0b2";

fn fields(line: &Value) -> Vec<&str> {
    line.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn log_lines_have_stable_fields_and_metrics_are_for_who_has_the_token() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let database = database::fresh().await;
    let mut command = onlycar(&["serve"]);
    command
        .env("DATABASE_URL", &database)
        .env("STRIPE_WEBHOOK_SECRET", SECRET);
    command
        .env("BIND_ADDR", format!("127.0.0.1:{port}"))
        .env("METRICS_TOKEN", TOKEN);
    let mut running = Running::start(command);
    running.err.wait_for("\"ready\"").await;
    let client = outbound::client().unwrap();
    let send = async |signature: &str, body: &str| {
        let request = client.post(format!("{url}/api/webhooks/stripe?token=hidden-token"));
        let request = request
            .header("stripe-signature", signature)
            .header("x-request-id", "request-7");
        request
            .body(body.to_owned())
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(send("t=1,v1=00", "{}").await, 400);
    let body = r#"{"id":"evt_log","object":"event","type":"payment_intent.succeeded","created":1795000000,
                   "data":{"object":{"id":"pi_1","object":"payment_intent","receipt_email":"hidden@example.com"}}}"#;
    let signature = stripe::sign(SECRET, Clock::system().now(), body.as_bytes());
    assert_eq!(send(&signature, body).await, 200);
    running.err.wait_for("kept for a person").await;
    logged(&running.err.text(), &database).await;
    shown(&url).await;
    assert_eq!(running.stop().await, Some(0));
}

/// Every line is an object with these fields, and what happened in a request or to an event says so.
async fn logged(text: &str, database: &str) {
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON object a line"))
        .collect();
    for line in &lines {
        for field in ["timestamp", "level", "target", "message"] {
            assert!(line[field].is_string(), "{field}: {line}");
        }
    }
    let line = |message: &str| lines.iter().find(|line| line["message"] == message).unwrap();
    let refused = line("webhook refused");
    assert_eq!(
        fields(refused),
        [
            "code",
            "level",
            "message",
            "provider",
            "reason",
            "span",
            "target",
            "timestamp"
        ]
    );
    assert_eq!(
        (&refused["level"], &refused["target"]),
        (&"WARN".into(), &"security".into())
    );
    let span = &refused["span"];
    assert_eq!(fields(span), ["method", "name", "request_id", "route"]);
    assert_eq!(
        (&span["name"], &span["request_id"], &span["route"]),
        (
            &"request".into(),
            &"request-7".into(),
            &"/api/webhooks/stripe".into()
        )
    );
    let kept = line("kept for a person");
    assert_eq!(
        fields(kept),
        [
            "level",
            "message",
            "reason",
            "span",
            "target",
            "timestamp",
            "work"
        ]
    );
    let span = &kept["span"];
    assert_eq!(
        fields(span),
        [
            "attempt",
            "event_id",
            "event_type",
            "name",
            "provider",
            "trace_id"
        ]
    );
    assert_eq!(
        (&span["name"], &span["event_id"]),
        (&"event".into(), &"evt_log".into())
    );
    let id: String = {
        let pool = sqlx::PgPool::connect(database).await.unwrap();
        let sql = "select replace(id::text, '-', '') from webhooks.events";
        sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap()
    };
    assert_eq!(span["trace_id"], id);
    assert!(!text.contains("hidden"), "{text}");
}

/// Metrics are for who has the token, and explained.
async fn shown(url: &str) {
    let client = outbound::client().unwrap();
    let metrics = async |token: Option<&str>| {
        let mut request = client.get(format!("{url}/metrics"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    for wrong in [None, Some("5f0c3b1e9a7d4c2086b1e3f5a7c9d0b3"), Some("x")] {
        let (status, text) = metrics(wrong).await;
        assert_eq!(status, 401);
        assert!(
            text.contains("sin-acceso-a-metricas") && !text.contains("webhooks_received"),
            "{text}"
        );
    }
    // How the queue stands is looked at beside the work, first at the start.
    let all = async {
        loop {
            let (status, text) = metrics(Some(TOKEN)).await;
            assert_eq!(status, 200);
            if text.contains("alerts_open ") {
                return text;
            }
        }
    };
    let text = tokio::time::timeout(Duration::from_mins(1), all)
        .await
        .expect("the queue is looked at");
    // What is shown is in the catalog, and is explained.
    let mut seen = 0;
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let metric = METRICS.iter().find(|metric| metric.name == name);
        let metric = metric.unwrap_or_else(|| panic!("{name} is not in the catalog"));
        assert_eq!(kind, format!("{:?}", metric.kind).to_lowercase(), "{name}");
        assert!(
            text.contains(&format!("# HELP {name} {}\n", metric.help)),
            "{name}"
        );
        seen += 1;
    }
    for shown in [
        "webhooks_received_total{provider=\"stripe\",answer=\"received\"} 1",
        "webhooks_received_total{provider=\"stripe\",answer=\"mismatch\"} 1",
        "webhook_answer_seconds_count{provider=\"stripe\"} 2",
        "work_finished_total{lane=\"events\",kind=\"payment_intent.succeeded\",outcome=\"parked\"} 1",
        "queue_oldest_seconds{lane=\"jobs\"}",
        "build_info{version=",
    ] {
        assert!(text.contains(shown), "{shown} is not in\n{text}");
    }
    assert!(seen >= 8, "{text}");
}
