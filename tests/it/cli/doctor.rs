//! `onlycar doctor`: everything that production needs, and the steps that a person does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::net::TcpListener;

use crate::support::app::PRODUCTION;
use crate::support::dev::{Dev, folder};
use crate::support::program::{Ended, onlycar, run};

fn report(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{ended:?}"))
}

fn check<'a>(report: &'a Value, key: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["key"] == key);
    found.unwrap_or_else(|| panic!("no check {key}: {report:#}"))
}

fn failing(report: &Value) -> Vec<&str> {
    let checks = report["checks"].as_array().unwrap().iter();
    let failing = checks.filter(|check| check["status"] == "failing");
    failing.map(|check| check["key"].as_str().unwrap()).collect()
}

/// Nothing that the environment holds and nobody else may know.
fn holds_no_secret(dev: &Dev, text: &str) {
    let names = ["SECRET", "KEY", "TOKEN", "DATABASE_URL", "MIFIEL_WEBHOOK_URL"];
    for (name, value) in dev.json["environment"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        let secret = names.iter().any(|part| name.contains(part));
        assert!(!secret || !text.contains(value), "{name} is in {text}");
    }
}

#[tokio::test]
async fn a_healthy_dev_fails_nothing_and_steps_by_hand_are_kept() {
    let dev = Dev::start().await;
    let ended = dev.run(&["doctor", "--json"]).await;
    let whole = report(&ended);
    assert_eq!((ended.code, failing(&whole)), (Some(0), Vec::new()), "{ended:?}");
    assert_eq!(
        (&whole["ok"], &whole["production"]),
        (&Value::from(true), &Value::from(false))
    );
    holds_no_secret(&dev, &ended.out);
    for key in [
        "r2.objects",
        "stripe.key",
        "stripe.webhook",
        "gigstack.key",
        "mifiel.key",
        "mail.smtp",
        "database.closed",
        "clock.database",
        "clock.provider",
        "queue.health",
        "cloudflare.d1",
        "cloudflare.kv",
        "server.address",
    ] {
        assert_eq!(check(&whole, key)["status"], "ok", "{:#}", check(&whole, key));
    }
    let lines = whole["checklist"].as_array().unwrap();
    let told = lines.iter().filter(|line| line["status"].is_string()).count();
    assert_eq!((lines.len(), told), (26, 26), "{lines:#?}");
    // The probe object is gone again.
    let left = std::process::Command::new("find")
        .arg(dev.path())
        .args(["-name", "*doctor*"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(left.stdout).unwrap(), "");

    let step = "plantillas-contrato";
    assert_eq!(check(&whole, step)["status"], "pending");
    dev.done(&["doctor", "done", step, "--note", "acta 12"]).await;
    let text = dev.done(&["doctor"]).await;
    let line = text.lines().find(|line| line.contains(step)).unwrap();
    assert!(
        line.contains("ok ") && line.contains("by consola:") && line.ends_with(": acta 12"),
        "{line}"
    );
    dev.done(&["doctor", "undo", step]).await;
    let again = report(&dev.run(&["doctor", "--json"]).await);
    assert_eq!(check(&again, step)["status"], "pending");
    let pool = dev.pool().await;
    let audited = "select accion || ' ' || recurso_id || ' ' || detalle::text from logs_auditoria
                   where recurso_tipo = 'requisito' order by id";
    let audited: Vec<String> = sqlx::query_scalar(audited).fetch_all(&pool).await.unwrap();
    let expected = [
        "requisito.cumplido plantillas-contrato {}",
        "requisito.reabierto plantillas-contrato {}",
    ];
    assert_eq!(audited, expected);
    let wrong = dev.run(&["doctor", "done", "nada"]).await;
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(
        wrong.err.contains("hint: one of webhooks-gigstack, "),
        "{wrong:?}"
    );

    // What a person did a year ago is to be looked at again, and what Stripe does not tell any more fails.
    let old = "insert into engine.checklist values ('acreditacion-mifiel', now() - interval '366 days', 'consola:0')";
    sqlx::query(old).execute(&pool).await.unwrap();
    let disable = "create table open_to_all (id integer); grant select on open_to_all to public;
                   alter table logs_auditoria disable trigger nada_se_borra;";
    sqlx::raw_sql(disable).execute(&pool).await.unwrap();
    let worse = dev.run(&["doctor", "--json"]).await;
    let told = report(&worse);
    assert_eq!(
        (worse.code, failing(&told)),
        (Some(1), vec!["audit.append_only"]),
        "{worse:?}"
    );
    assert_eq!(check(&told, "acreditacion-mifiel")["status"], "warning");
    let unlocked = check(&told, "database.closed");
    assert_eq!(
        unlocked["status"], "warning",
        "in production it fails: {unlocked}"
    );
    assert!(
        unlocked["says"].as_str().unwrap().contains("open_to_all"),
        "{unlocked}"
    );
}

#[tokio::test]
async fn what_is_away_fails_and_stops_nothing() {
    let folder = folder();
    // Somebody's address that nobody answers at.
    let nobody = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut command = onlycar(&["doctor", "--json"]);
    command.current_dir(folder.path());
    command.env(
        "DATABASE_URL",
        format!("postgres://onlycar:hidden-password@{nobody}/onlycar"),
    );
    command
        .env("STRIPE_WEBHOOK_SECRET", "whsec_1")
        .env("STRIPE_SECRET_KEY", "sk_test_hidden");
    command
        .env("STRIPE_API_BASE", format!("http://{nobody}"))
        .env("PUBLIC_URL", format!("http://{nobody}"));
    command
        .env("SMTP_URL", format!("smtp://user:hidden-password@{nobody}"))
        .env("MAIL_FROM", "a@b.example");
    command.env("REDIS_URL", format!("redis://:hidden-password@{nobody}/0"));
    let ended = run(command).await;
    let told = report(&ended);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let away = [
        "stripe.key",
        "stripe.webhook",
        "mail.smtp",
        "database.reached",
        "redis",
    ];
    let mut failing = failing(&told);
    failing.sort_unstable();
    let mut expected = away.to_vec();
    expected.sort_unstable();
    assert_eq!(failing, expected, "{told:#}");
    assert!(
        !ended.out.contains("hidden") && !ended.err.contains("hidden"),
        "{ended:?}"
    );
    assert!(
        away.iter().all(|key| check(&told, key)["hint"].is_string()),
        "{told:#}"
    );
}

#[tokio::test]
async fn offline_connects_to_nobody_and_names_every_problem() {
    let folder = folder();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let database = format!("postgres://onlycar:hidden-password@{address}/onlycar");
    let production = |more: &[(&str, &str)]| {
        let mut command = onlycar(&["doctor", "--offline", "--json"]);
        command.current_dir(folder.path());
        command
            .env("DATABASE_URL", &database)
            .env("STRIPE_WEBHOOK_SECRET", "whsec_1");
        for (name, value) in PRODUCTION.iter().chain(more) {
            command.env(name, value);
        }
        command
    };
    let good = run(production(&[
        ("SMTP_URL", "smtps://u:hidden-password@mail.example:465"),
        ("MAIL_FROM", "a@b.example"),
    ]))
    .await;
    let told = report(&good);
    assert_eq!((good.code, failing(&told)), (Some(0), Vec::new()), "{good:?}");
    assert_eq!(told["production"], true);

    let bad = run(production(&[
        ("SMTP_URL", "smtps://u:hidden-password@mail.example:465"),
        ("STRIPE_SECRET_KEY", "hidden-key"),
        ("R2_SECRET_ACCESS_KEY", "..."),
        ("REDIS_URL", " "),
        (
            "MIFIEL_WEBHOOK_URL",
            "https://onlycar.example/otra?token=b3f6a0c1d27e4958963c5d81e0fa47b2",
        ),
    ]))
    .await;
    let told = report(&bad);
    assert_eq!(bad.code, Some(1));
    let expected = [
        "env.STRIPE_SECRET_KEY",
        "env.R2_SECRET_ACCESS_KEY",
        "env.MAIL_FROM",
        "env.REDIS_URL",
        "invoicing.global",
        "alerts.team",
        "mifiel.webhook",
    ];
    assert_eq!(failing(&told), expected, "{told:#}");
    assert!(!bad.out.contains("hidden"), "{bad:?}");

    let mut nothing = onlycar(&["doctor", "--offline"]);
    nothing.current_dir(folder.path());
    let nothing = run(nothing).await;
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.out.contains("failing    env.DATABASE_URL"), "{nothing:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 0, "somebody was connected to");
}
