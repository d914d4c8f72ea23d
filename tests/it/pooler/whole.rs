//! The program's whole work, by many clients at once on two sessions.

use chrono::TimeDelta;
use futures_util::future::join_all;
use onlycar::dev::stripe;
use onlycar::engine::{rehearsal, replay};
use serde_json::json;
use uuid::Uuid;

use super::Pooled;
use crate::access::rig::SECRET;
use crate::counter::{ADMIN, SUPABASE, token};
use crate::support::Story;
use crate::support::app::console;

#[tokio::test]
async fn a_payment_is_done_again_rehearsed_and_asked_for() {
    let Some(pooled) = Pooled::start().await else {
        return;
    };
    let app = &pooled.app;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now() - TimeDelta::hours(1));
    app.stripe.happened(&event);
    app.handle(&event).await;
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    let failed = story.event("invoice.payment_failed", app.now());
    app.handle(&failed).await;
    app.mails(1).await;

    let undo =
        "update servicios set estado_pago = 'pendiente', stripe_payment_intent_id = null, pagado_en = null,
                       monto_pagado = null, canal_pago = null, metodo_pago = null;
                delete from stripe.payments";
    sqlx::raw_sql(undo).execute(&app.pool).await.unwrap();
    let id: Uuid = app
        .one("select id from webhooks.events where event_type = 'payment_intent.succeeded'")
        .await;
    let rehearsed = rehearsal::rehearse(&app.engine, id).await.unwrap();
    let tables: Vec<&str> = rehearsed.rows.iter().map(|row| row.table.as_str()).collect();
    assert_eq!(tables, ["public.servicios", "stripe.payments"]);
    assert_eq!(
        app.row("servicios", story.service).await["estado_pago"],
        "pendiente"
    );
    assert_eq!(
        replay::put_back(&app.engine, &console(), &[id]).await.unwrap(),
        [id]
    );
    app.drain().await;
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");

    sqlx::raw_sql("delete from stripe.payments")
        .execute(&app.pool)
        .await
        .unwrap();
    app.job("reconciliar_stripe").await;
    assert_eq!(app.one::<i64>("select count(*) from stripe.payments").await, 1);
    pooled.finish().await;
}

#[tokio::test]
async fn a_storm_with_duplicates_is_taken_and_done_once() {
    let Some(pooled) = Pooled::start().await else {
        return;
    };
    let app = &pooled.app;
    let mut stories = Vec::new();
    for _ in 0..40 {
        stories.push(Story::create(&app.pool).await);
    }
    let events = stories
        .iter()
        .map(|story| story.event("payment_intent.succeeded", app.now()));
    let bodies: Vec<Vec<u8>> = events.map(|event| stripe::body(&event)).collect();
    let sent = join_all(
        (0..3)
            .flat_map(|_| &bodies)
            .map(|body| app.post_signed(body.clone())),
    )
    .await;
    assert!(sent.iter().all(|answer| answer.status() == 200));
    app.drain().await;
    for (rows, count) in [
        (
            "select count(*) from webhooks.events where state = 'processed'",
            40,
        ),
        ("select count(*) from servicios where estado_pago = 'pagado'", 40),
        (
            "select count(*) from logs_auditoria where accion = 'servicio.pagado'",
            40,
        ),
    ] {
        assert_eq!(app.one::<i64>(rows).await, count, "{rows}");
    }
    pooled.finish().await;
}

#[tokio::test]
async fn the_counter_confirms_once_however_often_it_is_asked() {
    let variables = [("SUPABASE_URL", SUPABASE), ("SUPABASE_JWT_SECRET", SECRET)];
    let Some(pooled) = Pooled::with(&variables).await else {
        return;
    };
    let app = &pooled.app;
    let story = Story::create(&app.pool).await;
    let path = format!("{}/api/services/{}", app.url, story.service);
    let token = token(app, "admin", ADMIN);
    let body = json!({ "payment_received": true, "payment_method": "01", "requires_invoice": false });
    let confirm = || async {
        let request = app.client.post(format!("{path}/confirm-payment-presencial"));
        request
            .bearer_auth(&token)
            .json(&body)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(join_all((0..6).map(|_| confirm())).await, [200; 6]);
    assert_eq!(
        app.one::<i64>("select count(*) from ventas_factura_global").await,
        1
    );
    let shown = app.client.get(&path).bearer_auth(&token).send().await.unwrap();
    assert_eq!(shown.status(), 200);
    let ready = app
        .client
        .get(format!("{}/readyz", app.url))
        .send()
        .await
        .unwrap();
    assert_eq!(ready.status(), 200);
    pooled.finish().await;
}
