//! `onlycar events`.

use serde_json::Value;

use crate::support::dev::{Dev, folder};
use crate::support::program::run_in;

/// The ids that a list names, newest first.
async fn listed(dev: &Dev, filters: &[&str]) -> Vec<String> {
    let printed = dev.done(&[&["events", "list", "--json"], filters].concat()).await;
    let events: Vec<Value> = serde_json::from_str(&printed).unwrap();
    events
        .iter()
        .map(|event| event["event_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_list_is_filtered_by_provider_type_state_and_time() {
    let mut dev = Dev::start().await;
    let pool = dev.pool().await;
    assert_eq!(dev.done(&["events", "list"]).await, "0 events\n");
    assert_eq!(dev.done(&["events", "list", "--json"]).await, "[]\n");
    let paid = dev.trigger(&["payment_intent.succeeded"]).await;
    let created = dev
        .trigger(&["charge.succeeded", "--set", "type=plan.created"])
        .await;
    let stranger = dev
        .trigger(&["payment_intent.succeeded", "--set", "metadata.service_id=nobody"])
        .await;
    assert_eq!(dev.outcome(&pool, &paid).await, "processed");
    assert_eq!(dev.outcome(&pool, &created).await, "ignored");
    assert_eq!(dev.outcome(&pool, &stranger).await, "parked");
    sqlx::query(
        "update webhooks.events set received_at = received_at - interval '3 days' where event_id = $1",
    )
    .bind(&paid)
    .execute(&pool)
    .await
    .unwrap();
    let all = [&stranger, &created, &paid];
    for (filters, expected) in [
        (&[][..], &all[..]),
        (&["--provider", "stripe"], &all),
        (&["--provider", "mifiel"], &[]),
        (&["--type", "payment_intent.succeeded"], &[&stranger, &paid]),
        (&["--state", "parked"], &[&stranger]),
        (&["--state", "dead"], &[]),
        (&["--since", "48h"], &[&stranger, &created]),
        (&["--since", "7d"], &all),
        (&["--since", "2000-01-01T00:00:00Z"], &all),
        (&["--since", "2999-01-01T00:00:00Z"], &[]),
        (&["--limit", "1"], &[&stranger]),
        (
            &["--since", "48h", "--type", "payment_intent.succeeded"],
            &[&stranger],
        ),
    ] {
        let expected: Vec<String> = expected.iter().map(|id| (*id).clone()).collect();
        assert_eq!(listed(&dev, filters).await, expected, "{filters:?}");
    }
    let text = dev.done(&["events", "list"]).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(
        lines[0].contains(&stranger) && lines[0].contains("unmatched: "),
        "{text}"
    );
    assert!(lines[3].starts_with("3 events"), "{text}");
    assert_eq!(dev.running.stop().await, Some(0));
}

#[tokio::test]
async fn one_event_tells_its_story() {
    let mut dev = Dev::start().await;
    let event = dev.trigger(&["payment_intent.succeeded"]).await;
    assert_eq!(dev.outcome(&dev.pool().await, &event).await, "processed");
    let text = dev.done(&["events", "show", &event]).await;
    for part in [
        event.as_str(),
        "stripe  payment_intent.succeeded",
        "trusted    by hmac",
        "state      processed",
        "servicio.pagado",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json: Value = serde_json::from_str(&dev.done(&["events", "show", &event, "--json"]).await).unwrap();
    let id = json["event"]["id"]
        .as_str()
        .or_else(|| json["id"].as_str())
        .unwrap()
        .to_owned();
    assert_eq!(
        dev.done(&["events", "show", &id]).await,
        text,
        "our own id names it too"
    );
    assert!(json.to_string().contains("servicio.pagado"), "{json}");

    let none = dev.run(&["events", "show", "evt_nobody"]).await;
    assert_eq!((none.code, none.out.as_str()), (Some(1), ""));
    assert!(
        none.err
            .contains("there is no event evt_nobody\nhint: `onlycar events list`"),
        "{}",
        none.err
    );
    assert_eq!(dev.running.stop().await, Some(0));
}

#[tokio::test]
async fn wrong_usage_is_exit_code_2() {
    let folder = folder();
    for (arguments, told) in [
        (
            &["events", "list"][..],
            "hint: start `onlycar dev` in this folder, or set DATABASE_URL",
        ),
        (
            &["events", "list", "--since", "yesterday"],
            "hint: 90m, 48h, 7d, 2026-11-22 or 2026-11-22T00:00:00Z",
        ),
        (&["events", "list", "--state", "lost"], "pending, processing"),
        (&["events", "list", "--limit=-1"], "--limit"),
        (&["events", "show"], "<ID>"),
        (&["events"], "Usage:"),
    ] {
        let ended = run_in(folder.path(), arguments).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(told), "{arguments:?}: {}", ended.err);
    }
}
