//! `onlycar dev`: what it prints is true.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tokio::process::Command;

use crate::support::dev::Dev;
use crate::support::program::{Ended, run};

/// What a person would paste into a second terminal.
async fn paste(dev: &Dev, line: &str) -> Ended {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", line])
        .current_dir(dev.path())
        .kill_on_drop(true);
    shell
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    shell
        .env_remove("DATABASE_URL")
        .env_remove("STRIPE_WEBHOOK_SECRET");
    run(shell).await
}

fn is_there(program: &str) -> bool {
    std::process::Command::new(program)
        .arg("--help")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok()
}

#[tokio::test]
async fn dev_json_holds_everything_and_is_for_its_owner_only() {
    let mut dev = Dev::start().await;
    let path = dev.path().join(".onlycar/dev.json");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let json = &dev.json;
    let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    for key in [
        "base_url",
        "database_url",
        "s3",
        "webhook_secrets",
        "simulators",
        "mail_url",
        "tokens",
        "pid",
    ] {
        assert!(keys.contains(&key), "{keys:?}");
    }
    assert_eq!(json["pid"], dev.running.pid());
    for pointer in [
        "/s3/endpoint",
        "/s3/bucket",
        "/s3/access_key_id",
        "/s3/secret_access_key",
        "/webhook_secrets/stripe",
        "/webhook_secrets/gigstack",
        "/webhook_secrets/mifiel",
    ] {
        let text = json.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        assert!(text.len() > 5, "{pointer}: {text}");
    }
    for role in ["operador", "admin", "cliente"] {
        assert_eq!(
            json["tokens"][role].as_str().unwrap().split('.').count(),
            3,
            "{role}"
        );
    }
    let base = dev.value("base_url").to_owned();
    for (url, status) in [
        (base.clone() + "/healthz", 200),
        (base.clone() + "/readyz", 200),
        (base + "/api/openapi.json", 200),
    ] {
        assert_eq!(dev.get(&url).await.0, status, "{url}");
    }
    assert_eq!(dev.get(dev.value("mail_url")).await.0, 200);
    let bucket = format!(
        "{}/{}",
        json["s3"]["endpoint"].as_str().unwrap(),
        json["s3"]["bucket"].as_str().unwrap()
    );
    assert_eq!(dev.get(&bucket).await.0, 403, "there, and not for strangers");

    let screen = dev.running.out.text();
    for key in ["base_url", "database_url", "mail_url"] {
        assert!(screen.contains(dev.value(key)), "{key}: {screen}");
    }
    dev.running.signal(Signal::INT);
    assert_eq!(dev.running.end().await, Some(0), "{}", dev.running.err.text());
    assert!(!path.exists(), "whoever reads it finds a server that runs");
}

#[tokio::test]
async fn the_printed_commands_do_what_they_say() {
    let mut dev = Dev::start().await;
    let screen = dev.running.out.text();
    let commands: Vec<&str> = screen
        .lines()
        .map(str::trim)
        .filter(|line| line.contains("/onlycar "))
        .collect();
    assert_eq!(commands.len(), 3, "{screen}");
    let paid = paste(&dev, commands[0]).await;
    assert_eq!(paid.code, Some(0), "{paid:?}");
    let event = paid.out.split_whitespace().next().unwrap();
    let pool = dev.pool().await;
    assert_eq!(dev.outcome(&pool, event).await, "processed");
    let sql = "select count(*) from servicios where estado_pago = 'pagado' and stripe_payment_intent_id is not null";
    assert_eq!(
        sqlx::query_scalar::<_, i64>(sql).fetch_one(&pool).await.unwrap(),
        1
    );
    let listed = paste(&dev, commands[1]).await;
    assert!(listed.out.contains(event), "{listed:?}");
    let shown = paste(&dev, &commands[2].replace("EVENT_ID", event)).await;
    assert!(shown.out.contains("servicio.pagado"), "{shown:?}");
    assert_eq!(dev.running.stop().await, Some(0));
}

#[tokio::test]
async fn the_printed_curl_pays_a_service() {
    if !is_there("openssl") || !is_there("curl") {
        eprintln!("skipped: openssl or curl is missing");
        return;
    }
    let mut dev = Dev::start().await;
    let screen = dev.running.out.text();
    let (_, after) = screen.split_once("The same as 1 without this program:").unwrap();
    let (script, _) = after.split_once("Ctrl-C").unwrap();
    for answer in [r#"{"received":true}"#, r#"{"received":true,"duplicate":true}"#] {
        let sent = paste(&dev, script).await;
        assert_eq!((sent.code, sent.out.as_str()), (Some(0), answer), "{sent:?}");
    }
    let pool = dev.pool().await;
    let event: String = sqlx::query_scalar("select event_id from webhooks.events")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(dev.outcome(&pool, &event).await, "processed");
    let paid = "select count(*) from servicios where estado_pago = 'pagado'";
    assert_eq!(
        sqlx::query_scalar::<_, i64>(paid).fetch_one(&pool).await.unwrap(),
        1
    );
    assert_eq!(dev.running.stop().await, Some(0));
}

#[tokio::test]
async fn the_printed_confirmation_is_taken_and_the_link_is_mailed() {
    if !is_there("curl") {
        eprintln!("skipped: curl is missing");
        return;
    }
    let mut dev = Dev::start().await;
    let screen = dev.running.out.text();
    let (_, after) = screen
        .split_once("the link to make the invoice by mail:")
        .unwrap();
    let (script, _) = after.split_once("3. What came in").unwrap();
    let told = paste(&dev, script).await;
    let told: Value = serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{told:?}"));
    assert_eq!(told["payment"]["channel"], "presencial", "{told}");
    let mails = mails(&dev).await;
    assert_eq!(mails[0]["subject"], "Haz la factura de tu servicio en OnlyCar");
    assert_eq!(dev.running.stop().await, Some(0));
}

/// What came to the mailbox, once something has.
async fn mails(dev: &Dev) -> Value {
    let url = format!("{}/api/messages", dev.value("mail_url"));
    let arrived = async {
        loop {
            let mails: Value = serde_json::from_str(&dev.get(&url).await.1).unwrap();
            if mails[0].is_object() {
                return mails;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), arrived)
        .await
        .expect("the mail arrives")
}

#[tokio::test]
async fn the_mail_of_a_declined_card_can_be_read() {
    let mut dev = Dev::start().await;
    let event = dev.trigger(&["payment_intent.payment_failed"]).await;
    assert_eq!(dev.outcome(&dev.pool().await, &event).await, "processed");
    let mails = mails(&dev).await;
    assert_eq!(mails[0]["subject"], "No pudimos cobrar tu pago en OnlyCar");
    let (status, page) = dev
        .get(&format!("{}/{}", dev.value("mail_url"), mails[0]["id"]))
        .await;
    assert_eq!(status, 200);
    assert!(page.contains("No pudimos cobrar tu pago"), "{page}");
    assert_eq!(dev.running.stop().await, Some(0));
}
