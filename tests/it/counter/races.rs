//! Who comes at the same moment. A transaction of the test holds a row until all wait for it; then they go on.

use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use super::{Counter, Told, with, with_invoice, without_invoice};
use crate::support::gate::Gate;

impl Counter {
    async fn connection(&self) -> PgConnection {
        let options = self.app.pool.connect_options();
        PgConnection::connect_with(&options).await.unwrap()
    }

    /// Lets all of them run into the held service, in this order, then lets them go.
    async fn at_once(&self, bodies: &[serde_json::Value]) -> Vec<Told> {
        let (mut connection, mut gate) = (self.connection().await, Gate::of(&self.app).await);
        let mut held = connection.begin().await.unwrap();
        let lock = sqlx::query("select from servicios where id = $1 for update").bind(self.service);
        lock.execute(&mut *held).await.unwrap();
        let calls = futures_util::future::join_all(bodies.iter().map(|body| self.confirm(body)));
        let release = async {
            gate.until_locked_out(i64::try_from(bodies.len()).unwrap()).await;
            held.rollback().await.unwrap();
        };
        tokio::join!(calls, release).0
    }

    async fn how_often(&self, action: &str) -> usize {
        let audited = self.audited().await;
        audited.iter().filter(|it| *it == action).count()
    }
}

#[tokio::test]
async fn the_same_confirmation_four_times_at_once_is_one() {
    for body in [without_invoice(), with_invoice()] {
        let counter = Counter::open().await;
        let told = counter
            .at_once(&[body.clone(), body.clone(), body.clone(), body])
            .await;
        for told in &told {
            assert_eq!(told.status, 200, "{told:?}");
            assert_eq!(told.body["payment"], told.body["service"]["payment"]);
        }
        counter.app.drain().await;
        assert_eq!(counter.how_often("servicio.pagado_presencial").await, 1);
        let once =
            "select (select count(*) from ventas_factura_global) + (select count(*) from invoicing.requests)";
        assert_eq!(counter.app.one::<i64>(once).await, 1);
        assert!(counter.app.gigstack.receipts().len() <= 1);
        counter.app.finish().await;
    }
}

#[tokio::test]
async fn of_two_that_differ_one_has_its_way() {
    let other = json!({ "payment_method": "28" });
    for (other, code) in [
        (with(without_invoice(), other), "otro-metodo-de-pago"),
        (with_invoice(), ""),
    ] {
        let counter = Counter::open().await;
        let told = counter.at_once(&[without_invoice(), other]).await;
        let statuses: Vec<u16> = told.iter().map(|told| told.status).collect();
        if code.is_empty() {
            // With an invoice second, both; with an invoice first, there is no way back.
            assert!(statuses.contains(&200), "{told:?}");
            let refused = told.iter().find(|told| told.status != 200);
            assert!(
                refused.is_none_or(|told| told.code() == (409, "factura-ya-solicitada")),
                "{told:?}"
            );
            assert_eq!(counter.row().await["requiere_factura"], true);
        } else {
            let refused: Vec<_> = told.iter().filter(|told| told.code() == (409, code)).collect();
            assert_eq!((refused.len(), told.len()), (1, 2), "{told:?}");
        }
        counter.app.drain().await;
        assert_eq!(counter.how_often("servicio.pagado_presencial").await, 1);
        counter.app.finish().await;
    }
}

/// Confirms and lets Stripe's payment arrive at the same moment.
async fn against_stripe(confirm_first: bool) -> (Counter, Told, String) {
    let counter = Counter::open().await;
    let paid = counter.story.event("payment_intent.succeeded", counter.app.now());
    let (mut connection, mut gate) = (counter.connection().await, Gate::of(&counter.app).await);
    let mut held = connection.begin().await.unwrap();
    let lock = sqlx::query("select from servicios where id = $1 for update").bind(counter.service);
    lock.execute(&mut *held).await.unwrap();
    let body = without_invoice();
    let told = if confirm_first {
        let rest = async {
            gate.until_locked_out(1).await;
            counter.app.send(&paid).await;
            gate.until_locked_out(2).await;
            held.rollback().await.unwrap();
        };
        tokio::join!(counter.confirm(&body), rest).0
    } else {
        counter.app.send(&paid).await;
        gate.until_locked_out(1).await;
        let rest = async {
            gate.until_locked_out(2).await;
            held.rollback().await.unwrap();
        };
        tokio::join!(counter.confirm(&body), rest).0
    };
    counter.app.drain().await;
    let state = counter.app.state(&paid).await.0;
    (counter, told, state)
}

#[tokio::test]
async fn a_payment_of_stripes_at_the_same_moment_is_credited_or_alerted() {
    for confirm_first in [true, false] {
        let (counter, told, state) = against_stripe(confirm_first).await;
        let row = counter.row().await;
        assert_eq!(row["estado_pago"], "pagado");
        if told.status == 200 {
            assert_eq!(
                (row["canal_pago"].as_str(), state.as_str()),
                (Some("presencial"), "parked")
            );
            assert_eq!(row["stripe_payment_intent_id"], json!(null));
            assert_eq!(counter.app.mails(1).await[0].to, ["equipo@onlycar.example"]);
            assert_eq!(counter.how_often("servicio.pagado").await, 0);
        } else {
            assert_eq!(told.code(), (409, "pagado-por-stripe"));
            assert_eq!(
                (row["canal_pago"].as_str(), state.as_str()),
                (Some("stripe"), "processed")
            );
            assert_eq!(row["metodo_pago"], json!(null));
            assert_eq!(counter.how_often("servicio.pagado_presencial").await, 0);
        }
        // Whoever waited first goes first.
        assert_eq!(told.status == 200, confirm_first);
        counter.app.finish().await;
    }
}

#[tokio::test]
async fn the_monthly_claim_first_and_the_wish_for_an_invoice_is_refused() {
    let counter = Counter::open().await;
    counter.confirm(&without_invoice()).await;
    let (mut connection, mut gate) = (counter.connection().await, Gate::of(&counter.app).await);
    let mut claiming = connection.begin().await.unwrap();
    assert_eq!(counter.claim(&mut claiming).await, 1);
    let body = with_invoice();
    let release = async {
        gate.until_locked_out(1).await;
        claiming.commit().await.unwrap();
    };
    let told = tokio::join!(counter.confirm(&body), release).0;
    assert_eq!(told.code(), (409, "venta-en-factura-global"));
    assert_eq!(counter.row().await["requiere_factura"], false);
    assert_eq!(
        counter
            .app
            .one::<i64>("select count(*) from ventas_factura_global")
            .await,
        1
    );
    counter.app.finish().await;
}

#[tokio::test]
async fn a_claim_that_comes_to_nothing_refuses_nobody() {
    let counter = Counter::open().await;
    counter.confirm(&without_invoice()).await;
    let (mut connection, mut gate) = (counter.connection().await, Gate::of(&counter.app).await);
    let mut claiming = connection.begin().await.unwrap();
    assert_eq!(counter.claim(&mut claiming).await, 1);
    let body = with_invoice();
    let release = async {
        gate.until_locked_out(1).await;
        claiming.rollback().await.unwrap();
    };
    assert_eq!(tokio::join!(counter.confirm(&body), release).0.status, 200);
    counter.app.finish().await;
}

#[tokio::test]
async fn the_wish_for_an_invoice_first_and_the_monthly_claim_passes_it_by() {
    let counter = Counter::open().await;
    counter.confirm(&without_invoice()).await;
    let mut gate = Gate::of(&counter.app).await;
    let (mut first, mut second) = (counter.connection().await, counter.connection().await);
    // The wish stops after it took the sale out, before it is noted.
    let mut held = first.begin().await.unwrap();
    let lock = sqlx::query("lock table invoicing.requests in share mode");
    lock.execute(&mut *held).await.unwrap();
    let ask = async {
        gate.until_locked_out(1).await;
        let claim = async {
            let claim = "update ventas_factura_global set conciliada = true
                         from (select servicio_id from ventas_factura_global
                               where periodo = '2026-11' and solicitud_id is null for update) as open
                         where ventas_factura_global.servicio_id = open.servicio_id";
            let claimed = sqlx::query(claim).execute(&mut second).await;
            claimed.unwrap().rows_affected()
        };
        let release = async {
            gate.until_locked_out(2).await;
            held.rollback().await.unwrap();
        };
        tokio::join!(claim, release).0
    };
    let body = with_invoice();
    let (told, claimed) = tokio::join!(counter.confirm(&body), ask);
    assert_eq!((told.status, claimed), (200, 0));
    counter.app.finish().await;
}

#[tokio::test]
async fn a_confirmation_that_is_ended_for_another_transaction_is_tried_again() {
    let counter = Counter::open().await;
    counter.confirm(&without_invoice()).await;
    let (mut connection, mut gate) = (counter.connection().await, Gate::of(&counter.app).await);
    // It holds the sale and wants the service; the confirmation holds the service and wants the sale.
    let mut other = connection.begin().await.unwrap();
    for sql in [
        "set local deadlock_timeout = '1h'",
        "select from ventas_factura_global for update",
    ] {
        sqlx::query(sql).execute(&mut *other).await.unwrap();
    }
    let body = with_invoice();
    let cross = async {
        gate.until_locked_out(1).await;
        let want = sqlx::query("select from servicios for update");
        want.execute(&mut *other).await.unwrap();
        other.rollback().await.unwrap();
    };
    assert_eq!(tokio::join!(counter.confirm(&body), cross).0.status, 200);
    assert_eq!(counter.how_often("servicio.requiere_factura").await, 1);
    counter.app.finish().await;
}
