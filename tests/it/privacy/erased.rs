//! What is gone afterwards, and what stays.

use chrono::TimeDelta;
use onlycar::ground::clock::Clock;
use onlycar::privacy::Outcome;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Known, NAME, TELLING, about_the_customer, erase, found, in_the_bucket, names, nothing_removed};
use crate::support::TestApp;
use crate::support::program::{Ended, onlycar, run};
use crate::support::{database, gigstack, mifiel};

async fn everything(app: &TestApp) -> Value {
    let sql = "select jsonb_build_object(
                   'clientes', (select jsonb_agg(to_jsonb(t) order by id) from clientes t),
                   'servicios', (select jsonb_agg(to_jsonb(t) order by id) from servicios t),
                   'customers', (select jsonb_agg(to_jsonb(t) order by id) from stripe.customers t),
                   'requests', (select jsonb_agg(to_jsonb(t) order by id) from invoicing.requests t),
                   'audit', (select count(*) from logs_auditoria), 'jobs', (select count(*) from engine.jobs),
                   'payloads', (select count(payload) from webhooks.events))";
    app.one(sql).await
}

#[tokio::test]
#[allow(clippy::too_many_lines)] // one story
async fn nothing_of_the_person_is_left_but_what_the_law_keeps() {
    let known = Known::all_over().await;
    let app = known.app();
    let others = "select jsonb_build_array(
                      (select to_jsonb(t) from clientes t where nombre = 'Berta Ruiz'),
                      (select to_jsonb(t) from stripe.customers t where id = 'cus_berta'),
                      (select count(payload) from webhooks.events
                       where convert_from(payload, 'UTF8') like '%cus_berta%'))";
    let before: Value = app.one(others).await;
    let places = found(app, &TELLING).await;
    for place in [
        "public.clientes.nombre: Quintanilla",
        "public.servicios.descripcion: Quintanilla",
        "invoicing.requests.email: facturas.zq@example.org",
        "stripe.customers.email: zacarias@example.com",
        "webhooks.events.payload: zacarias@example.com",
        "engine.failures.error: zacarias@example.com",
        "engine.alerts.detail: Quintanilla",
        "engine.jobs.payload: Quintanilla",
    ] {
        assert!(
            places.iter().any(|it| it == place),
            "{place} is not in {places:#?}"
        );
    }

    let whole = everything(app).await;
    let dry = serde_json::to_value(known.erase(true).await).unwrap();
    assert_eq!(everything(app).await, whole, "a dry run changes nothing");

    let done = known.done().await;
    assert_eq!(
        done["removed"], dry["removed"],
        "a dry run says what would be done"
    );
    assert_eq!(found(app, &TELLING).await, [""; 0]);
    let card = "select count(*) from stripe.charges, stripe.payment_methods
                where charges.card_last4 is not null or receipt_url is not null or payment_methods.card_last4 is not null";
    assert_eq!(app.one::<i64>(card).await, 0);

    // The invoice whose time is not over, and nothing else of the invoices.
    assert_eq!(in_the_bucket(app, &[NAME]).await, ["facturas/2014/22.xml"]);
    let keys = app.bucket.keys().await;
    let of = |document: Uuid| {
        keys.iter()
            .filter(|key| key.contains(&document.to_string()))
            .count()
    };
    assert_eq!(of(known.declined.row), 0, "{keys:?}");
    assert_eq!(
        of(known.signed.row),
        3,
        "what was signed stays with its signers: {keys:?}"
    );
    // The register misses nothing that was removed.
    let left = "select count(*) from documents.objects where document in (
                    select id from contratos_firmados where suprimido_en is not null)";
    assert_eq!(app.one::<i64>(left).await, 0);
    let marked: (bool, bool) = (
        app.one("select suprimida_en is not null from facturas_emitidas where conservar_hasta < '2026-01-01'").await,
        app.one("select bool_or(suprimida_en is not null) from facturas_emitidas where conservar_hasta > '2026-01-01'")
            .await,
    );
    assert_eq!(marked, (true, false));

    // What the law keeps: the sale with its amount, the invoice, the signed contract, the log.
    let kept = json!({
        "paid services, with amount, date and what was done": ["Código Fiscal de la Federación, art. 30", "2032-05-01"],
        "Stripe's payments, with ids, amounts and dates": ["Código Fiscal de la Federación, art. 30", "2032-05-01"],
        "invoices with their documents": ["Código Fiscal de la Federación, art. 30", "2032-05-01"],
        "signed contracts with their evidence": ["Código de Comercio, art. 49, and NOM-151-SCFI-2016", "2036-11-22"],
        "rows of the audit log about the client, with ids only": ["LFPDPPP: duties of responsibility and security", null],
    });
    let told = done["kept"].as_array().unwrap().iter();
    let told: serde_json::Map<String, Value> = told
        .map(|it| {
            (
                it["what"].as_str().unwrap().to_owned(),
                json!([it["law"], it["until"]]),
            )
        })
        .collect();
    let expected = kept.as_object().unwrap();
    for (what, why) in expected {
        let until = &told[what][1];
        assert_eq!(told[what][0], why[0], "{what}");
        assert!(
            until == &why[1] || what.starts_with("signed") && until.is_string(),
            "{what}: {until}"
        );
    }
    assert_eq!(told.len(), expected.len(), "{told:?}");
    assert_eq!(
        app.one::<String>("select monto_pagado::text from servicios where estado = 'completado'")
            .await,
        "1500.00"
    );

    assert_eq!(app.one::<Value>(others).await, before, "nobody else is touched");
    let audited: Value = app
        .one("select jsonb_agg(distinct accion order by accion) from logs_auditoria where accion like '%suprimid%'")
        .await;
    let actions = [
        "autofactura.contacto_suprimido",
        "cliente.suprimido",
        "contrato.documentos_suprimidos",
        "factura.documentos_suprimidos",
        "servicio.texto_suprimido",
    ];
    assert_eq!(audited, json!(actions));
    known.signing.app.finish().await;
}

#[tokio::test]
async fn a_second_run_removes_nothing_and_says_so() {
    let known = Known::all_over().await;
    known.done().await;
    let before = everything(known.app()).await;
    let again = known.done().await;
    assert!(nothing_removed(&again), "{again}");
    assert_eq!(again["kept"].as_array().unwrap().len(), 5, "{again}");
    assert_eq!(everything(known.app()).await, before);
    known.signing.app.finish().await;
}

#[tokio::test]
async fn a_later_event_about_the_customer_does_not_bring_the_person_back() {
    let known = Known::all_over().await;
    known.done().await;
    let app = known.app();
    let mut at = app.now() + TimeDelta::hours(2);
    for kind in [
        "customer.updated",
        "customer.created",
        "payment_method.attached",
        "charge.succeeded",
        "charge.updated",
        "payment_intent.payment_failed",
        "invoice.finalized",
        "checkout.session.completed",
    ] {
        at += TimeDelta::hours(1);
        app.handle(&about_the_customer(&known, kind, at)).await;
    }
    // A customer that names the client is the client, whatever its id and address.
    let mut event = about_the_customer(&known, "customer.updated", at);
    event["data"]["object"]["id"] = json!("cus_nuevo");
    event["data"]["object"]["email"] = json!("zq.otra@example.com");
    event["data"]["object"]["metadata"] = json!({ "cliente_id": known.client });
    app.handle(&event).await;

    let places = found(app, &[&TELLING[..], &["zq.otra@example.com"]].concat()).await;
    let outside: Vec<&String> = places
        .iter()
        .filter(|it| !it.starts_with("webhooks.events.payload"))
        .collect();
    assert!(outside.is_empty(), "{outside:?}");
    let card = "select count(*) from stripe.charges where card_last4 is not null or receipt_url is not null";
    assert_eq!(app.one::<i64>(card).await, 0);
    let client = app.row("clientes", known.client).await;
    assert_eq!(client["nombre"], "suprimido");
    assert_eq!(client["email"], Value::Null);

    // The bytes of those events go with their time, or with another run.
    let again = known.done().await;
    assert_eq!(names(&again, "removed"), ["9 payloads of events"]);
    assert_eq!(found(app, &TELLING).await, [""; 0]);
    known.signing.app.finish().await;
}

#[tokio::test]
async fn what_comes_over_its_time_later_goes_with_a_later_run() {
    let known = Known::all_over().await;
    known.done().await;
    let app = known.app();
    app.advance(TimeDelta::days(365 * 11));
    let again = known.done().await;
    assert_eq!(
        names(&again, "removed"),
        [
            "1 documents of invoices whose time is over (XML, PDF, receipt)",
            "1 documents of contracts, and lists of signers, that were never signed or whose time is over",
            "1 texts of services that were not paid, or whose time is over",
        ]
    );
    assert_eq!(app.bucket.keys().await, [""; 0]);
    assert_eq!(
        names(&again, "kept"),
        [
            "1 Stripe's payments, with ids, amounts and dates",
            "1 rows of the audit log about the client, with ids only"
        ]
    );
    known.signing.app.finish().await;
}

#[tokio::test]
async fn an_unknown_client_is_told_apart() {
    let app = TestApp::start().await;
    assert!(matches!(
        erase(&app, Uuid::from_u128(99), false).await,
        Outcome::Unknown
    ));
    app.finish().await;
}

async fn command(app: &TestApp, words: &[&str]) -> Ended {
    let mut command = onlycar(&[&["privacy", "erase"], words].concat());
    command
        .env("DATABASE_URL", database::as_service(&app.database_url))
        .env("STRIPE_WEBHOOK_SECRET", "whsec_of_the_tests")
        .envs(gigstack::variables(&app.gigstack))
        .envs(mifiel::variables(&app.mifiel, &app.url))
        .envs(app.bucket.variables());
    run(command).await
}

#[tokio::test]
async fn the_command_says_what_it_did() {
    let known = Known::all_over().await;
    let app = known.app();
    let client = known.client.to_string();
    let later =
        "update facturas_emitidas set conservar_hasta = '2999-05-01' where conservar_hasta > '2026-01-01'";
    sqlx::query(later).execute(&app.pool).await.unwrap();
    let ended = command(
        app,
        &["--cliente", "0c000000-0000-4000-8000-0000000000ff", "--yes"],
    )
    .await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("there is no client 0c0"), "{}", ended.err);
    let ended = command(app, &["--cliente", &client, "--dry-run"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.starts_with("would remove:\n"), "{}", ended.out);
    // Nobody sits at a terminal: it does not ask.
    let ended = command(app, &["--cliente", &client]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for line in [
        "removed:\n",
        "      1  name, mail address, telephone and login of the client\n",
        "      1  invoices with their documents (Código Fiscal de la Federación, art. 30; until 2999-05-01)\n",
        "to be asked elsewhere:\n",
        "         Stripe: delete the customer cus_",
    ] {
        assert!(ended.out.contains(line), "{line:?} is not in\n{}", ended.out);
    }
    // A running server removes the objects, on a clock that is at least that of the command.
    app.advance((Clock::system().now() - app.now()).max(TimeDelta::zero()) + TimeDelta::minutes(1));
    app.until("the jobs are done", || async {
        app.one::<i64>(
            "select count(*) from engine.jobs where kind like 'suprimir%' and state <> 'processed'",
        )
        .await
            == 0
    })
    .await;
    let ended = command(app, &["--cliente", &client, "--yes", "--json"]).await;
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (ended.code, &told["outcome"], &told["removed"]),
        (Some(0), &json!("done"), &json!([]))
    );
    known.signing.app.finish().await;
}
