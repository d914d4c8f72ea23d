//! Webhooks that could not prove who sent them.

use chrono::TimeDelta;
use onlycar::monitoring::{refusals, traffic};

use crate::support::{Story, TestApp};

const CAUSE: &str = "firmas-rechazadas:stripe";

#[tokio::test]
async fn refusals_without_a_good_one_are_told_and_end_when_good_ones_come_and_it_is_calm() {
    let app = TestApp::start().await;
    let check = async || {
        refusals::write(&app.engine).await.unwrap();
        app.job("vigilar_operacion").await;
        app.alerts().await
    };
    let bad = async |count| {
        for _ in 0..count {
            assert_eq!(app.post("t=1,v1=00", "{}").await.status(), 400);
        }
    };
    bad(3).await;
    assert_eq!(
        app.one::<i64>("select count(*) from monitoring.refusals").await,
        0,
        "nothing is written by a request"
    );
    assert_eq!(check().await, [""; 0]);
    bad(1).await;
    assert_eq!(check().await, [CAUSE]);
    let hour = traffic::hours(&app.engine, 1).await.unwrap();
    let stripe = hour.iter().find(|hour| hour.provider == "stripe").unwrap();
    assert_eq!((stripe.refused, stripe.received), (4, 0));

    // A good one between bad ones: somebody else calls us. It is over when that has been calm for an hour.
    let event = Story::create(&app.pool)
        .await
        .event("payment_intent.succeeded", app.now());
    app.handle(&event).await;
    assert_eq!(check().await, [CAUSE]);
    app.advance(TimeDelta::minutes(59));
    assert_eq!(check().await, [CAUSE]);
    app.advance(TimeDelta::minutes(1));
    assert_eq!(check().await, [""; 0]);
    // Three in a row with a good one between are no news.
    bad(3).await;
    let event = Story::create(&app.pool)
        .await
        .event("payment_intent.succeeded", app.now());
    app.handle(&event).await;
    bad(3).await;
    assert_eq!(check().await, [""; 0]);
    app.finish().await;
}
