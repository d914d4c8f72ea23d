//! `onlycar trigger`.

use onlycar::dev::stripe::KINDS;
use serde_json::Value;

use crate::support::dev::{Dev, folder};
use crate::support::program::{onlycar, run, run_in};

#[tokio::test]
async fn each_of_the_four_events_has_its_effect() {
    let mut dev = Dev::start().await;
    let pool = dev.pool().await;
    for (kind, effect) in [
        (
            "payment_intent.succeeded",
            "select count(*) from servicios where estado_pago = 'pagado'",
        ),
        (
            "payment_intent.payment_failed",
            "select count(*) from servicios where estado_pago = 'fallido'",
        ),
        (
            "invoice.payment_succeeded",
            "select count(*) from contratos_b2b where servicios_disponibles = 10 and ultimo_pago_en is not null",
        ),
        (
            "customer.subscription.deleted",
            "select count(*) from contratos_b2b where estado = 'inactivo'",
        ),
    ] {
        let event = dev.trigger(&[kind]).await;
        assert_eq!(dev.outcome(&pool, &event).await, "processed", "{kind}");
        assert_eq!(
            sqlx::query_scalar::<_, i64>(effect)
                .fetch_one(&pool)
                .await
                .unwrap(),
            1,
            "{kind}"
        );
    }
    let old = dev.trigger(&["payment_intent.succeeded", "--old-version"]).await;
    assert_eq!(dev.outcome(&pool, &old).await, "processed");
    let version = "select api_version from webhooks.events where event_id = $1";
    assert_eq!(
        sqlx::query_scalar::<_, String>(version)
            .bind(&old)
            .fetch_one(&pool)
            .await
            .unwrap(),
        "2024-06-20"
    );
    assert_eq!(dev.running.stop().await, Some(0));
}

#[tokio::test]
async fn its_options_do_what_they_say() {
    let mut dev = Dev::start().await;
    let pool = dev.pool().await;
    let count = async || {
        sqlx::query_scalar::<_, i64>("select count(*) from webhooks.events")
            .fetch_one(&pool)
            .await
            .unwrap()
    };

    let printed = dev
        .done(&["trigger", "payment_intent.succeeded", "--duplicate"])
        .await;
    let lines: Vec<&str> = printed.lines().filter(|line| line.starts_with("evt_")).collect();
    assert_eq!(lines.len(), 2, "{printed}");
    assert!(
        lines[0].ends_with(r#"->  200 OK  {"received":true}"#),
        "{printed}"
    );
    assert!(
        lines[1].ends_with(r#"->  200 OK  {"received":true,"duplicate":true}"#),
        "{printed}"
    );
    assert_eq!(count().await, 1);

    let printed = dev
        .done(&["trigger", "payment_intent.succeeded", "--times", "3"])
        .await;
    assert_eq!(
        printed.matches("200 OK  {\"received\":true}\n").count(),
        3,
        "{printed}"
    );
    assert_eq!(count().await, 4);

    let printed = dev
        .done(&["trigger", "payment_intent.succeeded", "--bad-signature"])
        .await;
    assert!(
        printed.contains("->  400 Bad Request  Webhook Error: no signature matches"),
        "{printed}"
    );
    assert_eq!(count().await, 4);

    let set = [
        "payment_intent.succeeded",
        "--set",
        "id=evt_set_by_hand",
        "--set",
        "metadata.service_id=nobody",
    ];
    assert_eq!(dev.trigger(&set).await, "evt_set_by_hand");
    assert_eq!(dev.outcome(&pool, "evt_set_by_hand").await, "parked");

    let mut elsewhere = onlycar(&[
        "trigger",
        "payment_intent.succeeded",
        "--to",
        dev.value("base_url"),
    ]);
    elsewhere.env(
        "STRIPE_WEBHOOK_SECRET",
        dev.json["webhook_secrets"]["stripe"].as_str().unwrap(),
    );
    let ended = run(elsewhere).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(count().await, 6);
    assert_eq!(dev.running.stop().await, Some(0));
}

#[tokio::test]
async fn what_is_triggered_exists_at_the_simulated_stripe() {
    let mut dev = Dev::start().await;
    let stripe = dev.json["simulators"]["stripe"].as_str().unwrap().to_owned();
    assert!(dev.running.out.text().contains(&stripe), "dev announces it");
    let paid = dev.trigger(&["payment_intent.succeeded"]).await;
    let refund = dev.trigger(&["refund.created"]).await;
    dev.done(&["trigger", "customer.deleted", "--bad-signature"])
        .await;
    let state = dev.get(&format!("{stripe}/_sim/state")).await.1;
    let state: Value = serde_json::from_str(&state).unwrap();
    let events = state["events"].as_array().unwrap();
    let find = |id: &str| events.iter().find(|event| event["id"] == id).unwrap();
    assert_eq!(events.len(), 2, "a forged one has not happened");
    let (paid, refund) = (&find(&paid)["data"]["object"], &find(&refund)["data"]["object"]);
    assert_eq!(
        refund["payment_intent"], paid["id"],
        "the last payment is refunded"
    );
    assert_eq!(refund["charge"], paid["latest_charge"]);
    assert_eq!(refund["amount"], paid["amount"]);
    assert!(state["objects"].as_array().unwrap().contains(paid));
    assert_eq!(dev.running.stop().await, Some(0));
}

#[tokio::test]
async fn different_events_are_about_different_services() {
    let mut dev = Dev::start().await;
    let pool = dev.pool().await;
    for _ in 0..3 {
        let event = dev.trigger(&["payment_intent.succeeded"]).await;
        assert_eq!(dev.outcome(&pool, &event).await, "processed");
    }
    let paid = "select count(*) from servicios where estado_pago = 'pagado'";
    assert_eq!(
        sqlx::query_scalar::<_, i64>(paid).fetch_one(&pool).await.unwrap(),
        3
    );
    assert_eq!(dev.running.stop().await, Some(0));
}

#[tokio::test]
async fn the_list_names_every_event_without_a_server() {
    let folder = folder();
    let ended = run_in(folder.path(), &["trigger", "--list"]).await;
    assert_eq!(ended.code, Some(0));
    let names: Vec<&str> = ended
        .out
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let of_stripe = KINDS.iter().map(|(name, _)| *name);
    let of_gigstack = [
        "gigstack:invoice.created",
        "cfdi.created",
        "self_invoice.completed",
        "invoice.cancelled",
    ];
    let of_mifiel = [
        "document.signed",
        "document.rejected",
        "mifiel:document_closed",
        "mifiel:signer_completed",
        "mifiel:signer_rejected",
        "mifiel:document_deleted",
    ];
    let known: Vec<&str> = of_stripe.chain(of_gigstack).chain(of_mifiel).collect();
    assert_eq!(names, known);
}

#[tokio::test]
async fn without_a_server_it_says_how_to_get_one() {
    let folder = folder();
    let ended = run_in(folder.path(), &["trigger", "payment_intent.succeeded"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("hint: start `onlycar dev` in this folder"),
        "{}",
        ended.err
    );
    let ended = run_in(
        folder.path(),
        &[
            "trigger",
            "payment_intent.succeeded",
            "--to",
            "http://127.0.0.1:1",
        ],
    )
    .await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.err.contains("hint: set STRIPE_WEBHOOK_SECRET"),
        "{}",
        ended.err
    );
    let mut nobody = onlycar(&[
        "trigger",
        "payment_intent.succeeded",
        "--to",
        "http://127.0.0.1:1",
    ]);
    nobody.env("STRIPE_WEBHOOK_SECRET", "whsec_a");
    let ended = run(nobody).await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .err
            .contains("http://127.0.0.1:1/api/webhooks/stripe does not answer"),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains("\nhint: is the server running?"),
        "{}",
        ended.err
    );
}

#[tokio::test]
async fn what_it_does_not_understand_it_says_before_it_sends() {
    let mut dev = Dev::start().await;
    for (arguments, told) in [
        (
            &["payment_intent.eaten"][..],
            "there is no event payment_intent.eaten",
        ),
        (
            &["payment_intent.succeeded", "--set", "amount"],
            "--set amount has no =",
        ),
        (&["payment_intent.succeeded", "--times", "many"], "--times"),
        (&[], "Usage:"),
    ] {
        let ended = dev.run(&[&["trigger"], arguments].concat()).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(told), "{arguments:?}: {}", ended.err);
    }
    let typo = dev
        .run(&["trigger", "payment_intent.succeeded", "--set", "amout=1"])
        .await;
    assert!(
        typo.err.contains("nothing named `amout`") && typo.err.contains("\nhint: "),
        "{}",
        typo.err
    );
    assert_eq!(dev.done(&["events", "list"]).await, "0 events\n");
    assert_eq!(dev.running.stop().await, Some(0));
}

#[tokio::test]
async fn what_is_triggered_of_gigstack_exists_at_the_simulated_one() {
    let mut dev = Dev::start().await;
    let gigstack = dev.json["simulators"]["gigstack"].as_str().unwrap().to_owned();
    assert!(dev.running.out.text().contains(&gigstack), "dev announces it");
    let paid = dev.trigger(&["payment_intent.succeeded"]).await;
    assert_eq!(dev.outcome(&dev.pool().await, &paid).await, "processed");
    for arguments in [
        &["cfdi.created"][..],
        &[
            "gigstack:invoice.created",
            "--set",
            "items.0.total=900",
            "--duplicate",
        ],
        &["self_invoice.completed"],
        &["invoice.cancelled", "--bad-signature"],
    ] {
        let ended = dev.run(&[&["trigger"], arguments].concat()).await;
        assert_eq!(ended.err, "", "{arguments:?}");
        assert!(ended.out.starts_with("evt_"), "{arguments:?}: {ended:?}");
    }
    let state = dev.get(&format!("{gigstack}/_sim/state")).await.1;
    let state: Value = serde_json::from_str(&state).unwrap();
    let told: Vec<&str> = (state["sent"].as_array().unwrap().iter())
        .map(|sent| sent["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        told,
        [
            "cfdi.created",
            "invoice.created",
            "self_invoice.completed",
            "invoice.cancelled"
        ]
    );
    let invoices = &state["invoices"];
    let payment = invoices[0]["stripe"]["payment_intent"].as_str().unwrap();
    assert!(payment.starts_with("pi_"), "of the payment before: {invoices}");
    assert!(invoices[0]["metadata"]["service_id"].is_string());
    assert_eq!(invoices[1]["total"], 900);
    assert_eq!(state["sent"][1]["statuses"].as_array().unwrap().len(), 2);
    assert_eq!(invoices[2]["status"], "cancelled");

    let ended = dev.run(&["trigger", "cfdi.created", "--old-version"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let elsewhere = ["trigger", "cfdi.created", "--to", dev.value("base_url")];
    let ended = dev.run(&elsewhere).await;
    assert!(
        ended.err.contains("hint: set GIGSTACK_WEBHOOK_SECRET"),
        "{ended:?}"
    );
    let mut elsewhere = onlycar(&elsewhere);
    elsewhere.env("GIGSTACK_API_SECRET", "a secret");
    let ended = run(elsewhere).await;
    assert!(ended.out.starts_with("evt_"), "{ended:?}");
    assert_eq!(dev.running.stop().await, Some(0));
}

#[tokio::test]
async fn what_is_triggered_of_mifiel_exists_at_the_simulated_one() {
    let mut dev = Dev::start().await;
    let mifiel = dev.json["simulators"]["mifiel"].as_str().unwrap().to_owned();
    assert!(dev.running.out.text().contains(&mifiel), "dev announces it");
    for arguments in [
        &["document.rejected", "--set", "external_id=ours"][..],
        &["document.signed", "--duplicate"],
        &["mifiel:document_deleted"],
        &["mifiel:signer_completed", "--bad-signature"],
    ] {
        let ended = dev.run(&[&["trigger"], arguments].concat()).await;
        assert_eq!(ended.err, "", "{arguments:?}");
        let name = arguments[0].trim_start_matches("mifiel:");
        assert!(ended.out.contains(name), "{arguments:?}: {ended:?}");
    }
    let state = dev.get(&format!("{mifiel}/_sim/state")).await.1;
    let state: Value = serde_json::from_str(&state).unwrap();
    let sent = state["sent"].as_array().unwrap();
    let told: Vec<&str> = sent.iter().map(|sent| sent["event"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        [
            "signer_rejected",
            "document_closed",
            "document_deleted",
            "signer_completed"
        ]
    );
    assert_eq!(sent[0]["document"], sent[1]["document"], "the last that waits");
    assert_eq!(sent[1]["statuses"].as_array().unwrap().len(), 2);
    assert_eq!(state["documents"][0]["external_id"], "ours");
    assert_eq!(state["documents"][0]["signed_by_all"], true);
    assert_eq!(state["documents"][1]["sim_deleted"], true);

    let ended = dev.run(&["trigger", "document.signed", "--old-version"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let elsewhere = ["trigger", "document.signed", "--to", dev.value("base_url")];
    let ended = dev.run(&elsewhere).await;
    assert!(ended.err.contains("hint: set MIFIEL_WEBHOOK_SECRET"), "{ended:?}");
    let mut elsewhere = onlycar(&elsewhere);
    elsewhere.env("MIFIEL_APP_SECRET", "a secret");
    let ended = run(elsewhere).await;
    assert!(ended.out.contains("document.signed"), "{ended:?}");
    assert_eq!(dev.running.stop().await, Some(0));
}
