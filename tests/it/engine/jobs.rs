//! Jobs: act, then record; waits that somebody asked for; unknown kinds; schedules.

use chrono::TimeDelta;
use onlycar::engine::schedule::Schedule;

use super::probe::{JOB, Script};
use super::rig::{EAGER, Rig};

#[tokio::test]
async fn a_follow_up_job_acts_and_its_record_names_its_cause() {
    let rig = Rig::still().await;
    let mut a = rig.replica("a", EAGER).await;
    a.work();
    a.send("event", Script::Write).await;
    rig.until_all_done().await;
    a.stop().await;
    assert_eq!(rig.job("event").await.stands(), ("processed", 1));
    assert_eq!(rig.effects("job:event").await, ["a"]);
    let told = "select count(*) from logs_auditoria l join engine.jobs j on j.id = l.trabajo_id
                join webhooks.events e on e.id = l.evento_id and e.id = j.cause
                where l.accion = 'sonda.anotada' and l.actor = 'sistema' and l.detalle ->> 'trabajo' = 'sonda'";
    assert_eq!(rig.count(told).await, 1);
}

#[tokio::test]
async fn a_job_that_acted_and_could_not_record_acts_again() {
    let rig = Rig::still().await;
    let mut a = rig.replica("a", EAGER).await;
    a.work();
    rig.enqueue_probe("twice", &Script::FailInRecord).await;
    rig.until_job("twice", "failed", 1).await;
    assert_eq!(rig.effects("job:twice").await, [""; 0]);
    rig.clock.advance(TimeDelta::seconds(3));
    rig.until_job("twice", "processed", 2).await;
    a.stop().await;
    assert_eq!(a.probe.starts("job:twice"), 2);
    assert_eq!(rig.effects("job:twice").await, ["a"]);
    let audited: i64 = rig
        .count("select count(*) from logs_auditoria where accion = 'sonda.anotada'")
        .await;
    assert_eq!(audited, 1);
}

#[tokio::test]
async fn a_job_comes_back_when_the_other_side_asked_for_it() {
    let rig = Rig::still().await;
    let mut a = rig.replica("a", EAGER).await;
    a.work();
    rig.enqueue_probe("later", &Script::Later(90)).await;
    rig.until_job("later", "failed", 1).await;
    let row = rig.job("later").await;
    assert_eq!(row.run_at, rig.clock.now() + TimeDelta::seconds(90));
    assert_eq!(row.last_error.as_deref(), Some("come back later"));
    rig.clock.advance(TimeDelta::seconds(89));
    rig.enqueue_probe("sooner", &Script::Write).await;
    rig.until_job("sooner", "processed", 1).await;
    assert_eq!(rig.job("later").await.stands(), ("failed", 1));
    rig.clock.advance(TimeDelta::seconds(1));
    rig.until_job("later", "processed", 2).await;
    a.stop().await;
}

#[tokio::test]
async fn a_job_of_an_unknown_kind_is_dead_in_the_end() {
    let rig = Rig::still().await;
    let mut a = rig.replica("a", "poll_ms = 20\nmax_attempts = 2").await;
    a.work();
    rig.enqueue("nadie", "strange", &Script::Write).await;
    rig.until_job("strange", "failed", 1).await;
    rig.clock.advance(TimeDelta::seconds(3));
    rig.until_job("strange", "dead", 2).await;
    rig.clock.advance(TimeDelta::days(30));
    rig.enqueue_probe("later", &Script::Write).await;
    rig.until_job("later", "processed", 1).await;
    rig.until_all_done().await;
    a.stop().await;
    let row = rig.job("strange").await;
    assert_eq!(
        (row.stands(), row.last_error.as_deref()),
        (("dead", 2), Some("no job of kind nadie"))
    );
    let alerts = "select count(*) from engine.alerts where cause = 'muerto:nadie' and times = 1";
    assert_eq!(rig.count(alerts).await, 1);
}

#[tokio::test]
async fn a_job_under_way_is_not_held_up_by_a_storm_of_events() {
    let rig = Rig::still().await;
    let mut a = rig.replica("a", "poll_ms = 20\nconcurrency = 2").await;
    for id in ["1", "2", "3", "4"] {
        a.send(id, Script::Wait).await;
    }
    a.work();
    a.probe.entered(2).await;
    rig.enqueue_probe("job", &Script::Write).await;
    rig.until_job("job", "processed", 1).await;
    a.probe.let_pass(4);
    rig.until_all_done().await;
    a.stop().await;
}

#[tokio::test]
async fn a_job_with_a_key_is_asked_for_once_whatever_became_of_it() {
    let rig = Rig::still().await;
    let mut a = rig.replica("a", EAGER).await;
    let once = |key: &str| Script::Once(key.to_owned());
    // These share a transaction.
    for id in ["1", "2", "3"] {
        a.send(id, once("mail")).await;
    }
    a.send("4", once("other mail")).await;
    a.work();
    rig.until_all_done().await;
    a.send("5", once("mail")).await;
    rig.until_all_done().await;
    a.stop().await;
    let keys: Vec<String> =
        sqlx::query_scalar("select key from engine.jobs where key is not null order by key")
            .fetch_all(&rig.pool)
            .await
            .unwrap();
    assert_eq!(keys, ["mail", "other mail"]);
    let sent = "select count(*) from efectos where id like 'job:keyed by%'";
    assert_eq!(rig.count(sent).await, 2);
    // What has no key is asked for each time.
    assert_eq!(
        rig.count("select count(*) from engine.jobs where key is null")
            .await,
        5
    );
}

#[tokio::test]
async fn two_replicas_note_one_row_per_tick() {
    let rig = Rig::still().await;
    // Who tries to note a tick, also in vain: the trigger fires before the conflict is seen.
    rig.sql("create table intentos (tick timestamptz not null, pid integer not null)")
        .await;
    rig.sql(
        "create function intento() returns trigger language plpgsql as
         $$ begin insert into intentos values (new.tick, pg_backend_pid()); return new; end $$",
    )
    .await;
    rig.sql(
        "create trigger intento before insert on engine.jobs for each row
         when (new.tick is not null) execute function intento()",
    )
    .await;
    let schedule = || {
        Some(Schedule {
            kind: JOB,
            every: TimeDelta::minutes(10),
        })
    };
    let mut a = rig.replica_with("a", EAGER, schedule()).await;
    let mut b = rig.replica_with("b", EAGER, schedule()).await;
    a.work();
    b.work();
    for ticks in 1..=3 {
        rig.until(
            "both replicas came to the tick",
            "select count(*) from intentos",
            ticks * 2,
        )
        .await;
        rig.until_all_done().await;
        assert_eq!(rig.count("select count(*) from engine.jobs").await, ticks);
        rig.clock.advance(TimeDelta::minutes(10));
    }
    a.stop().await;
    b.stop().await;
    let ticks: Vec<String> = sqlx::query_scalar(
        "select to_char(tick at time zone 'utc', 'HH24:MI') from engine.jobs order by tick",
    )
    .fetch_all(&rig.pool)
    .await
    .unwrap();
    assert_eq!(ticks[..3], ["18:00", "18:10", "18:20"]);
    let done = a.probe.starts("job:scheduled") + b.probe.starts("job:scheduled");
    assert_eq!(
        i64::from(done),
        rig.count("select count(*) from engine.jobs where state = 'processed'")
            .await
    );
}
