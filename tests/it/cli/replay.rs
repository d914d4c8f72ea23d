//! `onlycar events replay`.

use serde_json::Value;
use sqlx::PgPool;

use crate::support::database;
use crate::support::dev::{Dev, folder};
use crate::support::program::{Ended, onlycar, run, run_in};

/// Runs the command against a database alone, with nothing else in the environment.
async fn on(database_url: &str, arguments: &[&str]) -> Ended {
    let mut command = onlycar(&[&["events"], arguments].concat());
    command.env("DATABASE_URL", database_url);
    run(command).await
}

/// Undoes what a payment did, as if a bug had lost it.
async fn forget_payment(pool: &PgPool) {
    sqlx::raw_sql(
        "update servicios set estado_pago = 'pendiente', stripe_payment_intent_id = null, pagado_en = null,
                monto_pagado = null, canal_pago = null, metodo_pago = null;
         delete from stripe.payments",
    )
    .execute(pool)
    .await
    .unwrap();
}

async fn paid(pool: &PgPool) -> i64 {
    let sql = "select count(*) from servicios where estado_pago = 'pagado'";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn a_dry_run_shows_the_rows_and_a_replay_writes_them() {
    let mut dev = Dev::start().await;
    let pool = dev.pool().await;
    let event = dev.trigger(&["payment_intent.succeeded"]).await;
    assert_eq!(dev.outcome(&pool, &event).await, "processed");
    forget_payment(&pool).await;

    let text = dev.done(&["events", "replay", &event, "--dry-run"]).await;
    for part in [
        "payment_intent.succeeded  processed -> processed",
        "public.servicios  id=",
        "pendiente -> pagado",
        "stripe.payments  id=pi_",
        "(new)",
        "audit  stripe  servicio.pagado  servicios ",
        "nothing was written",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json = dev
        .done(&["events", "replay", &event, "--dry-run", "--json"])
        .await;
    let json: Value = serde_json::from_str(&json).unwrap();
    let rehearsed = &json["events"][0];
    assert_eq!(rehearsed["event_id"], event.as_str());
    assert_eq!(rehearsed["rehearsal"]["outcome"], "processed");
    let rows = rehearsed["rehearsal"]["rows"].as_array().unwrap();
    let service = rows
        .iter()
        .find(|row| row["table"] == "public.servicios")
        .unwrap();
    let column = |name: &str| {
        let columns = service["columns"].as_array().unwrap();
        columns.iter().find(|it| it["column"] == name).unwrap().clone()
    };
    assert_eq!(service["change"], "update");
    assert_eq!(
        (&column("estado_pago")["before"], &column("estado_pago")["after"]),
        (&"pendiente".into(), &"pagado".into())
    );
    assert_eq!(column("monto_pagado")["before"], Value::Null);
    assert!(
        column("monto_pagado")["after"].as_str().unwrap().ends_with(".00"),
        "{service}"
    );
    assert_eq!(paid(&pool).await, 0, "a dry run writes nothing");

    let text = dev.done(&["events", "replay", &event]).await;
    assert!(text.contains("processed -> processed"), "{text}");
    assert!(text.contains("1 events were handled again"), "{text}");
    assert_eq!(paid(&pool).await, 1);
    let story = dev.done(&["events", "show", &event]).await;
    assert!(
        story.contains("  consola:") && story.contains("  evento.reprocesado"),
        "{story}"
    );
    let again = dev.done(&["events", "replay", &event, "--dry-run"]).await;
    assert!(again.contains("no row would change"), "{again}");
    assert!(
        dev.done(&["audit", "verify"])
            .await
            .starts_with("the chain holds")
    );
    assert_eq!(dev.running.stop().await, Some(0));
}

#[tokio::test]
async fn a_range_says_how_many_and_asks_first() {
    let mut dev = Dev::start().await;
    let pool = dev.pool().await;
    let mut events = Vec::new();
    for _ in 0..3 {
        let event = dev.trigger(&["payment_intent.succeeded"]).await;
        assert_eq!(dev.outcome(&pool, &event).await, "processed");
        events.push(event);
    }
    forget_payment(&pool).await;
    let range = [
        "events",
        "replay",
        "--type",
        "payment_intent.succeeded",
        "--since",
        "1h",
    ];
    let asked = dev.run(&range).await;
    assert_eq!((asked.code, asked.out.as_str()), (Some(2), ""), "{asked:?}");
    assert!(
        asked
            .err
            .contains("3 finished events are in that range; nothing was done\nhint: --dry-run"),
        "{}",
        asked.err
    );
    assert_eq!(paid(&pool).await, 0);
    let dry = dev.done(&[&range[..], &["--dry-run"]].concat()).await;
    assert!(dry.starts_with("3 finished events are in that range\n"), "{dry}");
    assert_eq!(paid(&pool).await, 0);
    let json = dev.done(&[&range[..], &["--yes", "--json"]].concat()).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    let told: Vec<&str> = json["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["event_id"].as_str().unwrap())
        .collect();
    assert_eq!(told.len(), 3, "{json}");
    assert!(
        events.iter().all(|event| told.contains(&event.as_str())),
        "{json}"
    );
    assert_eq!(json["waiting"], Value::Array(Vec::new()));
    assert_eq!(json["events"][0]["state_before"], "processed");
    assert_eq!(paid(&pool).await, 3);
    let none = dev.done(&["events", "replay", "--until", "30d"]).await;
    assert!(
        none.starts_with("0 finished events are in that range\n"),
        "{none}"
    );
    assert_eq!(dev.running.stop().await, Some(0));
}

/// An event that nobody handles, in a database where no server runs.
async fn alone(state: &str, payload: Option<&str>) -> (String, PgPool) {
    let url = database::fresh().await;
    let pool = PgPool::connect(&url).await.unwrap();
    sqlx::query(
        "insert into webhooks.events (id, provider, event_id, event_type, received_at, trust, state, run_at, payload,
             payload_sha256)
         values (gen_random_uuid(), 'stripe', 'evt_1', 'plan.created', now(), 'hmac', $1, now(), $2, 'hash')",
    )
    .bind(state)
    .bind(payload.map(str::as_bytes))
    .execute(&pool)
    .await
    .unwrap();
    (url, pool)
}

const EVENT: &str = r#"{"id": "evt_1", "object": "event", "type": "plan.created"}"#;

async fn state(pool: &PgPool) -> String {
    sqlx::query_scalar("select state from webhooks.events")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn without_a_server_the_events_wait_and_the_command_says_so() {
    let (url, pool) = alone("parked", Some(EVENT)).await;
    let dry = on(&url, &["replay", "evt_1", "--dry-run"]).await;
    assert_eq!(
        dry.code,
        Some(0),
        "no secret and no other variable is needed: {dry:?}"
    );
    assert!(dry.out.contains("parked -> ignored"), "{}", dry.out);
    assert_eq!(state(&pool).await, "parked");
    let ended = on(&url, &["replay", "evt_1"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.out.contains("1 events wait: nothing has taken them")
            && ended.out.contains("\nhint: no server"),
        "{}",
        ended.out
    );
    assert_eq!(state(&pool).await, "pending");
    let again = on(&url, &["replay", "evt_1"]).await;
    assert_eq!(again.code, Some(1));
    assert!(again.out.contains("refused: it is not finished"), "{}", again.out);
}

#[tokio::test]
async fn an_event_whose_payload_was_removed_is_shown_so_and_refused() {
    let (url, pool) = alone("processed", None).await;
    let shown = on(&url, &["show", "evt_1"]).await;
    assert!(
        shown
            .out
            .contains("payload    sha256 68617368; the bytes were removed"),
        "{}",
        shown.out
    );
    for more in [&[][..], &["--dry-run"]] {
        let ended = on(&url, &[&["replay", "evt_1"], more].concat()).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(
            ended
                .out
                .contains("evt_1  plan.created  refused: its payload was removed"),
            "{}",
            ended.out
        );
    }
    let range = on(&url, &["replay", "--provider", "stripe"]).await;
    assert_eq!(range.code, Some(0), "{range:?}");
    assert!(
        range
            .out
            .starts_with("1 finished events are in that range; 1 of them hold no payload any more"),
        "{}",
        range.out
    );
    let unknown = on(&url, &["replay", "evt_1", "evt_2", "evt_3"]).await;
    assert_eq!((unknown.code, unknown.out.as_str()), (Some(1), ""), "{unknown:?}");
    assert!(
        unknown.err.contains(
            "there is no event evt_2, no event evt_3; nothing was done\nhint: `onlycar events list`"
        ),
        "{}",
        unknown.err
    );
    assert_eq!(state(&pool).await, "processed");
}

#[tokio::test]
async fn wrong_usage_is_exit_code_2() {
    let folder = folder();
    for (arguments, told) in [
        (&["events", "replay"][..], "required arguments"),
        (&["events", "replay", "--yes"], "required arguments"),
        (
            &["events", "replay", "evt_1", "--state", "parked"],
            "cannot be used with",
        ),
        (
            &["events", "replay", "--state", "failed"],
            "processed, ignored, parked, dead",
        ),
        (
            &["events", "replay", "evt_1"],
            "hint: start `onlycar dev` in this folder, or set DATABASE_URL",
        ),
    ] {
        let ended = run_in(folder.path(), arguments).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(told), "{arguments:?}: {}", ended.err);
    }
    let (url, _) = alone("processed", None).await;
    let when = on(&url, &["replay", "--until", "yesterday"]).await;
    assert_eq!(when.code, Some(2), "{when:?}");
    assert!(
        when.err
            .contains("--until yesterday is neither a span nor a time"),
        "{}",
        when.err
    );
}
