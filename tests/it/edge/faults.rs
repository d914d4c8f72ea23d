//! Cloudflare slow, wrong, full or away: what changed waits, is told later, and alerts only when that takes long.

use chrono::TimeDelta;
use onlycar::dev::cloudflare::{Fault, Plan};

use super::Rig;

#[tokio::test]
async fn whatever_it_answers_nothing_is_lost() {
    let rig = Rig::open().await;
    for fault in [
        Fault::RateLimited,
        Fault::ServerError,
        Fault::BadGateway,
        Fault::Unauthorized,
        Fault::NotFound,
        Fault::NotDone,
        Fault::Html,
        Fault::LostAnswer,
        Fault::Cut,
        Fault::Partial,
        Fault::Hang,
    ] {
        let id = rig.invoice().await;
        rig.cloudflare.fail(fault, 1);
        let before = rig.asked();
        rig.flush().await;
        assert_eq!(rig.waiting().await, 1, "{fault:?}");
        assert_eq!(
            rig.asked() - before,
            1,
            "{fault:?}: it is not asked again at once"
        );
        let error: String = rig
            .app
            .one("select last_error from edge.stores where store = 'd1'")
            .await;
        assert!(!error.contains(crate::support::cloudflare::TOKEN), "{error}");
        assert!(error.contains("Cloudflare"), "{error}");
        rig.flush_after(TimeDelta::seconds(31)).await;
        assert_eq!(rig.waiting().await, 0, "{fault:?}");
        assert_eq!(rig.shown(id)["estado"], "vigente", "{fault:?}");
        let failures: i32 = rig
            .app
            .one("select failures from edge.stores where store = 'd1'")
            .await;
        assert_eq!(failures, 0);
    }
    assert_eq!(rig.rows().len(), 11);
    assert!(rig.app.alerts().await.is_empty());
    rig.app.finish().await;
}

#[tokio::test]
async fn it_is_asked_again_when_it_says_so() {
    let rig = Rig::open().await;
    rig.invoice().await;
    rig.cloudflare.plan(Plan {
        retry_after: 290,
        ..Plan::new(Fault::RateLimited, 1)
    });
    rig.flush().await;
    let before = rig.asked();
    rig.flush_after(TimeDelta::seconds(280)).await;
    assert_eq!(rig.asked(), before);
    rig.flush_after(TimeDelta::seconds(11)).await;
    assert_eq!(rig.asked(), before + 1);
    assert_eq!(rig.waiting().await, 0);
    rig.app.finish().await;
}

#[tokio::test]
async fn an_outage_alerts_when_it_is_long_and_is_over_by_itself() {
    let rig = Rig::open().await;
    let id = rig.invoice().await;
    rig.cloudflare.fail(Fault::ServerError, usize::MAX);
    rig.flush().await;
    let mut alerted = None;
    for minute in (6..=90).step_by(6) {
        rig.app.advance(TimeDelta::minutes(6));
        // What happens meanwhile is marked once, however often it changes.
        rig.mark(id).await;
        rig.flush().await;
        if alerted.is_none() && rig.app.alerts().await.contains(&"espejo-atrasado".to_owned()) {
            alerted = Some(minute);
        }
    }
    assert_eq!(alerted, Some(60));
    let marks: i64 = rig.app.one("select count(*) from edge.marks").await;
    assert_eq!(marks, 1);
    assert!(rig.asked() < 20, "{} requests in an hour and a half", rig.asked());
    let failed: i64 = rig.app.one("select count(*) from engine.failures").await;
    assert_eq!(failed, 0, "no job failed because of it");
    rig.cloudflare.heal();
    rig.flush_after(TimeDelta::minutes(16)).await;
    assert_eq!(rig.waiting().await, 0);
    assert_eq!(rig.shown(id)["estado"], "vigente");
    assert!(rig.app.alerts().await.is_empty());
    // The team was told once.
    let mails = rig.app.mails(1).await;
    assert!(mails[0].subject.contains("espejo"), "{}", mails[0].subject);
    rig.app.finish().await;
}

#[tokio::test]
async fn what_waited_while_the_edge_was_off_is_not_late() {
    let rig = Rig::open().await;
    rig.invoice().await;
    rig.cloudflare.fail(Fault::ServerError, 1);
    rig.app.advance(TimeDelta::days(30));
    rig.flush().await;
    assert!(rig.app.alerts().await.is_empty());
    rig.flush_after(TimeDelta::minutes(1)).await;
    assert_eq!(rig.waiting().await, 0);
    rig.app.finish().await;
}
