//! Sessions of the panel, as KV is told of them.

use chrono::TimeDelta;
use onlycar::dev::cloudflare::{Entry, Fault};
use onlycar::engine::work::Unit;
use onlycar::ground::facts::{Actor, Fact};
use serde_json::json;

use super::Rig;

const PUBLISH: &str = "publicar_sesiones";

impl Rig {
    /// As the panel says it.
    async fn says(&self, fact: Fact) {
        let mut work = self.app.engine.begin(Unit::by(Actor::System)).await.unwrap();
        work.say(fact);
        work.commit().await.unwrap();
    }

    async fn opened(&self, digest: &str, hours: i64) {
        self.says(Fact::SessionOpened {
            digest: digest.to_owned(),
            ends_at: self.app.now() + TimeDelta::hours(hours),
        })
        .await;
    }

    async fn ended(&self, digest: &str) {
        self.says(Fact::SessionEnded(digest.to_owned())).await;
    }

    /// The job runs, two seconds later: KV takes one write a second of a key.
    async fn publish(&self) -> Vec<Entry> {
        self.advance(TimeDelta::seconds(2));
        self.app.job(PUBLISH).await;
        self.cloudflare.keys()
    }
}

#[tokio::test]
async fn are_told_until_their_end() {
    let rig = Rig::open().await;
    rig.opened("aa", 12).await;
    rig.opened("bb", 12).await;
    let ends_at = rig.app.now() + TimeDelta::hours(12);
    let told = rig.publish().await;
    let keys: Vec<&str> = told.iter().map(|entry| &*entry.key).collect();
    assert_eq!(keys, ["sesion:aa", "sesion:bb"]);
    let value = json!({ "rol": "admin", "hasta": ends_at.timestamp() });
    assert_eq!(told[0].value, value.to_string(), "nothing of who it is");
    assert_eq!(told[0].expires_at, Some(ends_at));
    let asked = rig.asked();
    rig.publish().await;
    assert_eq!(rig.asked(), asked, "once");

    rig.ended("aa").await;
    rig.opened("cc", 12).await;
    let keys: Vec<String> = rig.publish().await.into_iter().map(|entry| entry.key).collect();
    assert_eq!(keys, ["sesion:bb", "sesion:cc"]);
    rig.advance(TimeDelta::hours(13));
    rig.opened("dd", 12).await;
    let left: i64 = rig.app.one("select count(*) from edge.sessions").await;
    assert_eq!(left, 1, "what is over is forgotten");
    assert_eq!(rig.publish().await.len(), 1);
    rig.app.finish().await;
}

#[tokio::test]
async fn are_told_later_when_kv_is_away_and_not_at_all_when_they_are_over_by_then() {
    let rig = Rig::open().await;
    for fault in [Fault::ServerError, Fault::Partial, Fault::Cut] {
        let digest = format!("{fault:?}").to_lowercase();
        rig.opened(&digest, 12).await;
        rig.cloudflare.fail(fault, 1);
        rig.publish().await;
        let waiting: i64 = rig
            .app
            .one("select count(*) from edge.sessions where not told")
            .await;
        assert_eq!(waiting, 1, "{fault:?}");
        rig.advance(TimeDelta::seconds(60));
        let told = rig.publish().await;
        assert!(
            told.iter().any(|entry| entry.key == format!("sesion:{digest}")),
            "{fault:?}"
        );
    }
    rig.opened("brief", 1).await;
    rig.cloudflare.fail(Fault::ServerError, 1);
    rig.publish().await;
    rig.ended("brief").await;
    rig.advance(TimeDelta::hours(2));
    let asked = rig.asked();
    rig.publish().await;
    assert_eq!(rig.asked(), asked);
    rig.app.finish().await;
}
