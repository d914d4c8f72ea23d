//! Events that were received and never had their effect.

use chrono::TimeDelta;
use onlycar::dev::mail::Fault;
use onlycar::dev::stripe::{self, KINDS, Sample};
use sha2::{Digest, Sha256};
use sqlx::Executor;

use super::{Flaw, later};
use crate::receive::told;
use crate::support::gate::Gate;
use crate::support::redis::RedisServer;
use crate::support::{Story, TestApp};

/// dj-stripe#832: the handler failed once, but the row of the event was there. Stripe sent it again, the row made that a
/// duplicate, and the effect never came.
#[tokio::test]
async fn dj_stripe_832_a_failed_event_has_its_effect_though_its_repetition_is_a_duplicate() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    let flaw = Flaw::put_in(&app).await;
    app.handle(&event).await;
    assert_eq!(app.state(&event).await.0, "failed");
    let again = told(app.post_signed(stripe::body(&event)).await).await;
    assert_eq!(again, (200, r#"{"received":true,"duplicate":true}"#.to_owned()));
    flaw.mend(&app).await;
    later(&app).await;
    assert_eq!(app.state(&event).await, ("processed".to_owned(), None));
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    app.finish().await;
}

/// Lago (`InboundWebhooks::ProcessService`): any error makes the webhook `failed`, jobs have no retry, and what takes up
/// lost ones leaves out the failed: one moment without a database loses it until somebody opens a console.
#[tokio::test]
async fn lago_a_transient_error_needs_nobody_at_a_console() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    let flaw = Flaw::put_in(&app).await;
    app.handle(&event).await;
    for _ in 0..3 {
        later(&app).await;
        assert_eq!(app.state(&event).await.0, "failed");
    }
    flaw.mend(&app).await;
    later(&app).await;
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    app.finish().await;
}

/// Convoy (`ProcessDeadLetters` is an empty function): what was given up is never looked at again. Here it keeps its bytes,
/// and made due again, as the runbook says, it has its effect.
#[tokio::test]
async fn convoy_a_dead_letter_can_still_be_handled() {
    let mut app = TestApp::configured(&[], Some("worker.max_attempts = 1")).await;
    app.work();
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    let flaw = Flaw::put_in(&app).await;
    app.handle(&event).await;
    assert_eq!(app.state(&event).await.0, "dead");
    flaw.mend(&app).await;
    let due = "update webhooks.events set state = 'pending', attempts = 0, run_at = received_at";
    app.pool.execute(due).await.unwrap();
    app.drain().await;
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    app.finish().await;
}

/// lago-api#2825: the worker was killed in the middle of a payment; afterwards nobody knew that payment.
#[tokio::test]
async fn lago_2825_the_event_of_a_killed_worker_is_taken_over() {
    let mut app = TestApp::without_workers(&[]).await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    app.send(&event).await;
    // As `kill -9` leaves it: claimed, nothing written. (tests/it/crash kills real ones.)
    let claimed =
        "update webhooks.events set state = 'processing', attempts = 1, run_at = run_at + interval '30 s'";
    app.pool.execute(claimed).await.unwrap();
    app.work();
    app.advance(TimeDelta::seconds(31));
    app.drain().await;
    assert_eq!(app.state(&event).await.0, "processed");
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    app.finish().await;
}

/// lago-api#846, #1231: events about customers of somebody else on the same account filled the queue with dead jobs.
#[tokio::test]
async fn lago_846_events_about_strangers_are_no_dead_letters() {
    let app = TestApp::start().await;
    for (kind, _) in KINDS {
        let stranger = Sample::default().one_story();
        let event = stripe::event(kind, &stranger, app.now()).unwrap();
        app.handle(&event).await;
        let (state, why) = app.state(&event).await;
        assert!(
            matches!(state.as_str(), "processed" | "parked"),
            "{kind}: {state}, {why:?}"
        );
    }
    let servicios: i64 = app.one("select count(*) from servicios").await;
    assert_eq!(servicios, 0);
    app.finish().await;
}

/// outpost#611: events for a destination that was switched off vanished, and could not be played again.
#[tokio::test]
async fn outpost_611_events_wait_while_nobody_works() {
    let mut app = TestApp::without_workers(&[]).await;
    let mut services = Vec::new();
    for _ in 0..20 {
        let story = Story::create(&app.pool).await;
        app.send(&story.event("payment_intent.succeeded", app.now()))
            .await;
        services.push(story.service);
    }
    app.advance(TimeDelta::days(40));
    app.work();
    app.drain().await;
    for service in services {
        assert_eq!(app.row("servicios", service).await["estado_pago"], "pagado");
    }
    app.finish().await;
}

/// hyperswitch#3408: the row of an outgoing message was there, the first try to send it failed, and because the row was
/// there nobody tried again.
#[tokio::test]
async fn hyperswitch_3408_a_mail_that_could_not_be_sent_is_sent_later_and_once() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    app.mail.inject(Fault::Defer, 2);
    app.handle(&story.event("payment_intent.payment_failed", app.now()))
        .await;
    assert_eq!(app.mail.messages().len(), 0);
    for _ in 0..4 {
        later(&app).await;
    }
    assert_eq!(app.mail.messages().len(), 1);
    app.finish().await;
}

/// Pay (`app/models/pay/webhook.rs`): the row is deleted when it was handled, so nothing can be shown or played again.
#[tokio::test]
async fn pay_a_handled_event_keeps_its_bytes_and_their_hash() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    app.handle(&event).await;
    let body = stripe::body(&event);
    assert_eq!(
        app.one::<Vec<u8>>("select payload from webhooks.events").await,
        body
    );
    let hash: Vec<u8> = app.one("select payload_sha256 from webhooks.events").await;
    assert_eq!(hash, Sha256::digest(&body).to_vec());
    app.finish().await;
}

/// svix#1844: Redis was restarted, the queue was in it, and nothing moved until the server was restarted too
/// (open-wearables#1188: millions of log lines meanwhile).
#[tokio::test]
async fn svix_1844_a_restarted_redis_takes_no_work_along() {
    let Some(mut redis) = RedisServer::start().await else {
        return;
    };
    let mut app = TestApp::without_workers(&[("REDIS_URL", &redis.url())]).await;
    let before = Story::create(&app.pool).await;
    app.send(&before.event("payment_intent.succeeded", app.now()))
        .await;
    redis.kill();
    let between = Story::create(&app.pool).await;
    app.send(&between.event("payment_intent.succeeded", app.now()))
        .await;
    redis.run().await;
    app.work();
    let after = Story::create(&app.pool).await;
    app.handle(&after.event("payment_intent.succeeded", app.now()))
        .await;
    for story in [before, between, after] {
        assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    }
    app.finish().await;
}

/// sync-engine#111 (and open-saas#198): what happened during an outage was answered as if it
/// were done, and never came again. While the inbox is away nothing is acknowledged, so that Stripe repeats it.
#[tokio::test]
async fn sync_engine_111_nothing_is_acknowledged_during_an_outage() {
    let app = TestApp::start().await;
    let story = Story::create(&app.pool).await;
    let event = story.event("payment_intent.succeeded", app.now());
    let mut gate = Gate::of(&app).await;
    gate.shut().await;
    for _ in 0..3 {
        assert_eq!(app.post_signed(stripe::body(&event)).await.status(), 503);
    }
    gate.allow(true).await;
    app.send(&event).await;
    // What the workers had under way when it went away is due again by then.
    later(&app).await;
    assert_eq!(app.row("servicios", story.service).await["estado_pago"], "pagado");
    app.finish().await;
}
