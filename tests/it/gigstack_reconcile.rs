//! What Gigstack has and never told us is found, and goes through the same door as a webhook; what differs is told.

use chrono::TimeDelta;
use onlycar::dev::gigstack::{Delivery, Event, Fault, Invoice, Order, Receiver, key};
use onlycar::ground::clock::Clock;
use onlycar::ground::config::{Environment, Settings};
use onlycar::invoicing::gigstack::api::GigstackApi;
use onlycar::invoicing::{Door, Gigstack, Reconcile};
use serde_json::Value;
use sqlx::ConnectOptions as _;
use uuid::Uuid;

use crate::support::program::{Ended, onlycar, run};
use crate::support::{Story, TestApp, gigstack};

/// Asks now, as the scheduled job does.
async fn reconcile(app: &TestApp) {
    app.job("reconciliar_gigstack").await;
}

async fn tell(app: &TestApp, event: Event, subject: &str) {
    let told = app.gigstack.deliver(event, subject, Delivery::default()).await;
    assert_eq!(told.unwrap()[0].status, 200);
    app.drain().await;
}

async fn row(app: &TestApp, invoice: &Invoice) -> Option<Value> {
    let sql = "select to_jsonb(f) from facturas_emitidas f where uuid_sat = $1";
    let row = sqlx::query_scalar(sql).bind(invoice.uuid);
    row.fetch_optional(&app.pool).await.unwrap()
}

async fn estado(app: &TestApp, invoice: &Invoice) -> String {
    let row = row(app, invoice).await.expect("it is recorded");
    row["estado"].as_str().unwrap().to_owned()
}

/// Type, trust and state of Gigstack's events, in order.
async fn events(app: &TestApp) -> Vec<String> {
    let sql = "select event_type || ' ' || trust || ' ' || state from webhooks.events order by id";
    sqlx::query_scalar(sql).fetch_all(&app.pool).await.unwrap()
}

/// Missing, stale and mismatched of each run.
async fn runs(app: &TestApp) -> Vec<String> {
    let sql =
        "select format('%s %s %s', missing, stale, mismatched) from engine.reconciliations order by ran_at";
    sqlx::query_scalar(sql).fetch_all(&app.pool).await.unwrap()
}

async fn jobs(app: &TestApp) -> i64 {
    app.one("select count(*) from engine.jobs where kind = 'guardar_factura'")
        .await
}

async fn lost_webhook(dialect: &str) {
    let mut app = TestApp::configured(&[], Some(&format!("gigstack.dialect = \"{dialect}\""))).await;
    app.work();
    let story = Story::create(&app.pool).await;
    let order = Order::default().noting("servicio_id", &story.service.to_string());
    let invoice = app.gigstack.stamp(order);
    app.advance(TimeDelta::hours(1));
    reconcile(&app).await;
    assert_eq!(estado(&app, &invoice).await, "vigente");
    assert_eq!(
        app.row("servicios", story.service).await["estado_factura"],
        "vigente"
    );
    assert_eq!(events(&app).await, ["invoice.created reconcile processed"]);
    assert_eq!(app.alerts().await, ["avisos-perdidos:gigstack"]);

    // Again: nothing is new, and the incident is over. The webhook comes after all, and changes nothing.
    app.advance(TimeDelta::hours(1));
    let before = row(&app, &invoice).await;
    reconcile(&app).await;
    assert_eq!(runs(&app).await, ["1 0 0", "0 0 0"]);
    assert_eq!((events(&app).await.len(), jobs(&app).await), (1, 1));
    assert!(app.alerts().await.is_empty());
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    assert_eq!(row(&app, &invoice).await, before);
    app.finish().await;
}

#[tokio::test]
async fn an_invoice_that_nobody_told_is_found_and_recorded() {
    lost_webhook("v1").await;
}

#[tokio::test]
async fn and_in_the_vendors_dialect() {
    lost_webhook("v2").await;
}

#[tokio::test]
async fn an_invoice_that_may_still_be_told_alerts_nobody() {
    let app = TestApp::start().await;
    let invoice = app.gigstack.stamp(Order::default());
    app.advance(TimeDelta::minutes(9));
    reconcile(&app).await;
    assert_eq!(estado(&app, &invoice).await, "vigente");
    assert!(app.alerts().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_cancellation_that_nobody_told_is_found() {
    let app = TestApp::start().await;
    let invoice = app.gigstack.stamp(Order::default());
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    app.gigstack.cancel(&invoice.id, "02").unwrap();
    app.advance(TimeDelta::hours(1));
    reconcile(&app).await;
    let row = row(&app, &invoice).await.unwrap();
    assert_eq!(row["estado"], "cancelada");
    assert!(row["url_acuse"].is_string(), "{row}");
    assert_eq!(
        events(&app).await,
        [
            "invoice.created hmac processed",
            "invoice.cancelled reconcile processed"
        ]
    );
    assert_eq!(app.alerts().await, ["avisos-perdidos:gigstack"]);
    reconcile(&app).await;
    assert_eq!(runs(&app).await, ["0 1 0", "0 0 0"]);
    app.finish().await;
}

#[tokio::test]
async fn a_cancellation_of_an_invoice_of_long_ago_is_found() {
    let app = TestApp::start().await;
    let invoice = app.gigstack.stamp(Order::default());
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    app.advance(TimeDelta::days(100));
    app.gigstack.cancel(&invoice.id, "02").unwrap();
    app.advance(TimeDelta::hours(1));
    reconcile(&app).await;
    assert_eq!(estado(&app, &invoice).await, "cancelada");
    assert_eq!(
        app.one::<i64>("select listed from engine.reconciliations").await,
        0
    );
    app.finish().await;
}

#[tokio::test]
async fn a_cancellation_that_waits_for_its_receiver_is_no_difference() {
    let app = TestApp::start().await;
    let invoice = app.gigstack.stamp(Order::default());
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    app.gigstack.ask_receiver(true);
    app.gigstack.cancel(&invoice.id, "02").unwrap();
    reconcile(&app).await;
    assert_eq!(runs(&app).await, ["0 0 0"]);
    app.gigstack.receiver_answers(&invoice.id, true).unwrap();
    reconcile(&app).await;
    assert_eq!(estado(&app, &invoice).await, "cancelada");
    app.finish().await;
}

/// A self-invoice that its client was sent to.
async fn offered(app: &TestApp, story: &Story) -> String {
    let receipt = receipt(app, story);
    know(app, story, &receipt).await;
    receipt
}

fn receipt(app: &TestApp, story: &Story) -> String {
    let order = Order::default().noting("servicio_id", &story.service.to_string());
    app.gigstack.receipt(order).id
}

/// Ours of it.
async fn know(app: &TestApp, story: &Story, receipt: &str) {
    let insert =
        "insert into invoicing.requests (id, kind, servicio_id, gigstack_id, state, created_at, updated_at)
                  values ($1, 'self_invoice', $2, $3, 'open', $4, $4)";
    sqlx::query(insert)
        .bind(app.clock.new_id())
        .bind(story.service)
        .bind(receipt)
        .bind(app.now())
        .execute(&app.pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_self_invoice_that_nobody_told_of_is_found_in_the_list() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let receipt = offered(&app, &story).await;
    reconcile(&app).await;
    assert!(events(&app).await.is_empty());
    let invoice = app.gigstack.complete(&receipt, Receiver::sample()).unwrap();
    app.advance(TimeDelta::hours(1));
    reconcile(&app).await;
    assert_eq!(events(&app).await, ["invoice.created reconcile processed"]);
    assert_eq!(estado(&app, &invoice).await, "vigente");
    assert_eq!(
        app.one::<String>("select state from invoicing.requests").await,
        "completed"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_self_invoice_of_long_ago_is_found_by_its_receipt() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let receipt = offered(&app, &story).await;
    let invoice = app.gigstack.complete(&receipt, Receiver::sample()).unwrap();
    app.advance(TimeDelta::days(10));
    reconcile(&app).await;
    assert_eq!(events(&app).await, ["self_invoice.completed reconcile processed"]);
    assert_eq!(row(&app, &invoice).await.unwrap()["origen"], "autofactura");
    assert_eq!(
        app.one::<String>("select state from invoicing.requests").await,
        "completed"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_request_that_is_known_after_its_invoice_is_completed_too() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let receipt = receipt(&app, &story);
    app.gigstack.complete(&receipt, Receiver::sample()).unwrap();
    tell(&app, Event::SelfInvoiceCompleted, &receipt).await;
    know(&app, &story, &receipt).await;
    reconcile(&app).await;
    assert_eq!(
        app.one::<String>("select state from invoicing.requests").await,
        "completed"
    );
    app.finish().await;
}

#[tokio::test]
async fn another_total_is_told_to_a_person_and_not_changed() {
    let app = TestApp::start().await;
    let invoice = app.gigstack.stamp(Order::default());
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    let change = "update facturas_emitidas set monto_total = 1, moneda = 'USD'";
    sqlx::query(change).execute(&app.pool).await.unwrap();
    for _ in 0..2 {
        reconcile(&app).await;
    }
    assert_eq!(runs(&app).await, ["0 0 1", "0 0 1"]);
    let row = row(&app, &invoice).await.unwrap();
    assert_eq!(
        app.alerts().await,
        [format!("factura-distinta:{}", row["id"].as_str().unwrap())]
    );
    let detail = app.one::<String>("select detail from engine.alerts").await;
    let told = "monto_total es 1 aquí y 1500 en Gigstack; moneda es USD aquí y MXN en Gigstack";
    assert!(detail.contains(told), "{detail}");
    assert_eq!(row["moneda"], "USD");
    assert_eq!(app.mails(1).await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn an_invoice_that_gigstack_does_not_know_any_more_is_told() {
    let app = TestApp::start().await;
    let invoice = app.gigstack.stamp(Order::default());
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    app.advance(TimeDelta::days(10));
    app.gigstack.fail_at("/v1/invoices/", Fault::NotFound, 1);
    reconcile(&app).await;
    assert_eq!(runs(&app).await, ["0 0 1"]);
    assert_eq!(estado(&app, &invoice).await, "vigente");
    app.finish().await;
}

#[tokio::test]
async fn a_document_that_is_not_there_is_asked_for() {
    let app = TestApp::start().await;
    let invoice = app.gigstack.stamp(Order::default());
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    let lose = "update facturas_emitidas set url_pdf = null, sha256_pdf = null";
    sqlx::query(lose).execute(&app.pool).await.unwrap();
    reconcile(&app).await;
    assert!(row(&app, &invoice).await.unwrap()["url_pdf"].is_string());
    reconcile(&app).await;
    assert_eq!(runs(&app).await, ["0 1 0", "0 0 0"]);
    // No webhook was lost: nobody is told.
    assert!(app.alerts().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn what_waits_for_a_person_is_not_missing() {
    let app = TestApp::start().await;
    let invoice = app.gigstack.stamp(Order::default());
    app.gigstack.fail(Fault::OtherIssuer, 1);
    tell(&app, Event::InvoiceCreated, &invoice.id).await;
    app.advance(TimeDelta::hours(1));
    reconcile(&app).await;
    assert_eq!(runs(&app).await, ["0 0 0"]);
    assert_eq!(events(&app).await, ["invoice.created hmac parked"]);
    assert!(row(&app, &invoice).await.is_none());
    app.finish().await;
}

#[tokio::test]
async fn a_row_that_was_lost_is_made_again() {
    let app = TestApp::start().await;
    let invoice = app.gigstack.stamp(Order::default());
    reconcile(&app).await;
    let lose = "delete from facturas_emitidas";
    sqlx::query(lose).execute(&app.pool).await.unwrap();
    reconcile(&app).await;
    assert_eq!(estado(&app, &invoice).await, "vigente");
    assert_eq!(runs(&app).await, ["1 0 0", "0 1 0"]);
    app.finish().await;
}

#[tokio::test]
async fn a_refused_key_alerts_until_it_is_taken_again() {
    let app = TestApp::start().await;
    app.gigstack.stamp(Order::default());
    for fault in [Fault::Unauthorized, Fault::Forbidden] {
        app.gigstack.fail(fault, 1);
        reconcile(&app).await;
        assert_eq!(app.alerts().await, ["webhook-con-problema:gigstack"]);
    }
    let detail = app.one::<String>("select detail from engine.alerts").await;
    assert!(
        detail.starts_with("gigstack: Gigstack no acepta GIGSTACK_API_KEY"),
        "{detail}"
    );
    assert!(!detail.contains(&key(false)));
    assert!(runs(&app).await.is_empty());
    reconcile(&app).await;
    assert!(app.alerts().await.is_empty());
    assert_eq!(runs(&app).await, ["1 0 0"]);
    app.finish().await;
}

#[tokio::test]
async fn a_look_that_is_cut_off_is_made_again() {
    let mut app = TestApp::start().await;
    let invoice = app.gigstack.stamp(Order::default());
    app.gigstack.fail_at("/v1/invoices?", Fault::RateLimited, 2);
    app.gigstack.fail_at("/v1/invoices?", Fault::Html, 1);
    reconcile(&app).await;
    let failed = "select count(*) from engine.jobs where state = 'failed'";
    assert_eq!(app.one::<i64>(failed).await, 1);
    for _ in 0..3 {
        app.advance(TimeDelta::minutes(5));
        app.drain().await;
    }
    assert_eq!(estado(&app, &invoice).await, "vigente");
    assert_eq!(runs(&app).await, ["1 0 0"]);
    app.stop().await;
}

/// Gigstack to be asked by hand, beside a program whose workers rest.
fn by_hand(app: &TestApp) -> Reconcile {
    let base = [
        ("DATABASE_URL", "postgres://nobody@localhost/none".to_owned()),
        ("STRIPE_WEBHOOK_SECRET", "whsec_of_the_tests".to_owned()),
    ];
    let variables = base.into_iter().chain(gigstack::variables(&app.gigstack));
    let settings = Settings::from_parts(&variables.collect::<Environment>(), None).unwrap();
    let (own, file) = (settings.gigstack.unwrap(), settings.file.gigstack);
    let source = Gigstack::new(Door::InvoiceCreated, &own, &file);
    Reconcile::new(&app.engine, source.into(), GigstackApi::new(&own, &file).unwrap())
}

#[tokio::test]
async fn more_invoices_than_fit_on_a_page_are_all_found() {
    let mut app = TestApp::without_workers(&[]).await;
    for n in 0..250 {
        app.gigstack.stamp(Order::default());
        // Many in one second, as a page's border may cut them.
        if n % 60 == 0 {
            app.advance(TimeDelta::seconds(1));
        }
    }
    let since = app.now() - TimeDelta::hours(1);
    let rehearsed = by_hand(&app).look(since, false, &|_| {}).await.unwrap().report;
    assert_eq!((rehearsed.listed, rehearsed.missing.len()), (250, 250));
    assert!(events(&app).await.is_empty());
    let found = by_hand(&app).look(since, true, &|_| {}).await.unwrap().report;
    assert_eq!((found.listed, found.missing.len()), (250, 250));
    assert_eq!(events(&app).await.len(), 250);
    // They wait to be handled: that is not missing, and nothing is put twice.
    let again = by_hand(&app).look(since, true, &|_| {}).await.unwrap().report;
    assert_eq!((again.missing.len(), again.unfinished.len()), (0, 250));
    assert_eq!(events(&app).await.len(), 250);
    app.stop().await;
}

/// A row as if the invoice had been recorded.
async fn recorded(app: &TestApp, invoice: &Invoice) {
    let insert =
        "insert into facturas_emitidas (id, gigstack_id, uuid_sat, url_xml, sha256_xml, url_pdf, sha256_pdf,
                  monto_total, moneda, estado, origen, fecha_emision, creada_en)
                  values ($1, $2, $3, 'x', 'x', 'p', 'p', 1500, 'MXN', 'vigente', 'directa', $4, $4)";
    sqlx::query(insert)
        .bind(app.clock.new_id())
        .bind(&invoice.id)
        .bind(invoice.uuid)
        .bind(invoice.created_at)
        .execute(&app.pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn old_invoices_have_their_turn_those_first_that_waited_longest() {
    let mut app = TestApp::without_workers(&[]).await;
    let mut last = None;
    for _ in 0..120 {
        let invoice = app.gigstack.stamp(Order::default());
        app.advance(TimeDelta::seconds(1));
        recorded(&app, &invoice).await;
        last = Some(invoice);
    }
    app.gigstack.cancel(&last.unwrap().id, "02").unwrap();
    app.advance(TimeDelta::days(30));
    let mut found = Vec::new();
    for _ in 0..4 {
        app.advance(TimeDelta::hours(1));
        let asked = app.gigstack.asked().len();
        let since = app.now() - TimeDelta::days(3);
        let report = by_hand(&app).look(since, true, &|_| {}).await.unwrap().report;
        assert_eq!(app.gigstack.asked().len() - asked, 51, "the list, and fifty");
        found.push((report.drifted.len(), report.unfinished.len()));
    }
    // The third run comes to the last ones; the fourth begins anew.
    assert_eq!(found, [(0, 0), (0, 0), (1, 0), (0, 0)]);
    assert_eq!(events(&app).await, ["invoice.cancelled reconcile pending"]);
    app.stop().await;
}

#[tokio::test]
async fn what_was_issued_before_the_last_fiscal_year_is_left_alone() {
    let mut app = TestApp::without_workers(&[]).await;
    let invoice = app.gigstack.stamp(Order::default());
    recorded(&app, &invoice).await;
    // 2026-11-22: until the end of 2027.
    app.gigstack.cancel(&invoice.id, "02").unwrap();
    let look = async |app: &TestApp| {
        let since = app.now() - TimeDelta::days(3);
        by_hand(app).look(since, false, &|_| {}).await.unwrap().report
    };
    app.advance(TimeDelta::days(365));
    assert_eq!(look(&app).await.drifted.len(), 1);
    app.advance(TimeDelta::days(60));
    assert!(look(&app).await.drifted.is_empty());
    app.stop().await;
}

/// The command beside the running program, on its database.
async fn command(app: &TestApp, arguments: &[&str]) -> Ended {
    let mut command = onlycar(&[&["reconcile"], arguments].concat());
    let url = app.pool.connect_options().to_url_lossy().to_string();
    command.env("DATABASE_URL", url);
    command.envs(gigstack::variables(&app.gigstack));
    command.env("STRIPE_SECRET_KEY", crate::support::app::KEY);
    command.env("STRIPE_API_BASE", &app.stripe_url);
    run(command).await
}

const SINCE: [&str; 2] = ["--since", "2026-11-01T00:00:00Z"];

#[tokio::test]
async fn the_command_shows_first_and_repairs_then() {
    let app = TestApp::start().await;
    let invoice = app.gigstack.stamp(Order::default());
    let cancelled = app.gigstack.stamp(Order::default());
    tell(&app, Event::InvoiceCreated, &cancelled.id).await;
    app.gigstack.cancel(&cancelled.id, "02").unwrap();

    let dry = command(&app, &[&["gigstack", "--dry-run"][..], &SINCE].concat()).await;
    assert_eq!(dry.code, Some(0), "{dry:?}");
    let told = format!("reconcile-{}-created", invoice.id);
    assert!(dry.out.contains(&told), "{dry:?}");
    assert!(dry.out.contains("estado vigente -> cancelada"), "{dry:?}");
    assert!(
        dry.out
            .contains("gigstack: 2 invoices since 2026-11-01 00:00:00Z: 1 missing, 1 stale, 0 mismatched"),
        "{dry:?}"
    );
    assert!(dry.out.contains("nothing was changed"), "{dry:?}");
    assert_eq!(events(&app).await.len(), 1);
    assert_eq!(app.one::<i64>("select count(*) from invoicing.looks").await, 0);

    let json = command(&app, &[&["gigstack", "--json"][..], &SINCE].concat()).await;
    let report: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(report["provider"], "gigstack");
    assert_eq!(report["missing"][0]["event_id"], told);
    // The command has the clock of this machine.
    app.advance((Clock::system().now() - app.now()).max(TimeDelta::zero()) + TimeDelta::seconds(1));
    app.drain().await;
    assert_eq!(estado(&app, &invoice).await, "vigente");
    assert_eq!(estado(&app, &cancelled).await, "cancelada");

    let all = command(&app, &[&["all", "--json"][..], &SINCE].concat()).await;
    assert_eq!(all.code, Some(0), "{all:?}");
    let reports: Value = serde_json::from_str(&all.out).unwrap();
    let providers: Vec<&str> = reports
        .as_array()
        .unwrap()
        .iter()
        .map(|report| report["provider"].as_str().unwrap())
        .collect();
    assert_eq!(providers, ["stripe", "gigstack"]);
    assert_eq!(reports[1]["missing"].as_array().unwrap().len(), 0, "{all:?}");
    app.finish().await;
}

#[tokio::test]
async fn the_command_says_what_keeps_it_from_asking() {
    let app = TestApp::start().await;
    app.gigstack.fail(Fault::Unauthorized, 1);
    let refused = command(&app, &["gigstack"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.contains("no acepta GIGSTACK_API_KEY (contestó 401)"),
        "{refused:?}"
    );
    assert!(refused.err.contains("hint: "), "{refused:?}");
    assert!(!refused.err.contains(&key(false)));

    // One that cannot be asked does not keep the other from it.
    app.gigstack.fail(Fault::ServerError, 1);
    let half = command(&app, &["all"]).await;
    assert_eq!(half.code, Some(1));
    assert!(half.out.contains("stripe: 0 events since"), "{half:?}");

    let mut command = onlycar(&["reconcile", "gigstack"]);
    command.env(
        "DATABASE_URL",
        app.pool.connect_options().to_url_lossy().to_string(),
    );
    let none = run(command).await;
    assert_eq!(none.code, Some(2), "{none:?}");
    assert!(none.err.contains("Gigstack is not configured"), "{none:?}");
    app.finish().await;
}

#[tokio::test]
async fn uploads_that_nobody_finished_are_removed_after_a_day() {
    let app = TestApp::start().await;
    let unfinished = async || {
        let client = app.bucket.raw();
        let listed = client
            .list_multipart_uploads()
            .bucket(crate::support::bucket::BUCKET);
        listed.send().await.unwrap().uploads().len()
    };
    let begun = app.bucket.raw().create_multipart_upload();
    begun
        .bucket(crate::support::bucket::BUCKET)
        .key(format!("facturas/2026/{}.pdf", Uuid::nil()))
        .send()
        .await
        .unwrap();
    // The store has the clock of this machine.
    app.advance(Clock::system().now() - app.now() + TimeDelta::hours(23));
    app.job("limpiar_subidas").await;
    assert_eq!(unfinished().await, 1);
    app.advance(TimeDelta::hours(2));
    app.job("limpiar_subidas").await;
    assert_eq!(unfinished().await, 0);
    app.finish().await;
}
