//! A rehearsal tells every row that would change, and changes none.

use onlycar::engine::rehearsal::{Change, Rehearsal, RowChange, rehearse};
use serde_json::{Value, json};

use super::probe::Script;
use super::rig::{EAGER, Replica, Rig};

const TABLES: &str = "
    create schema otro;
    create table otro.piezas (a integer, b text, precio numeric(14, 2), hecho boolean, primary key (b, a));
    create table otro.\"Con Comillas\" (\"El Id\" bigint primary key, dato jsonb);
    insert into otro.piezas values (1, 'x', 10.50, false), (2, 'x', 20.00, false), (3, 'y', 30, true);
    insert into otro.\"Con Comillas\" values (7, '{\"n\": 1.10}')";

async fn rehearsed(rig: &Rig, a: &Replica, id: &str, script: Script) -> Rehearsal {
    a.send(id, script).await;
    rehearse(&a.engine, rig.id(id).await).await.unwrap()
}

/// The change of one row, without what the probe itself writes.
fn of<'a>(rehearsal: &'a Rehearsal, table: &str) -> Vec<&'a RowChange> {
    rehearsal.rows.iter().filter(|row| row.table == table).collect()
}

fn columns(row: &RowChange) -> Value {
    let columns = row
        .columns
        .iter()
        .map(|it| json!([it.column, it.before, it.after]));
    columns.collect()
}

#[tokio::test]
async fn each_row_is_told_with_the_columns_that_would_change() {
    let rig = Rig::still().await;
    sqlx::raw_sql(TABLES).execute(&rig.pool).await.unwrap();
    let a = rig.replica("a", EAGER).await;
    let script = "
        update otro.piezas set precio = 10.55 where a = 1;
        update otro.piezas set precio = precio where a = 2;
        delete from otro.piezas where a = 3;
        insert into otro.piezas values (4, 'z', 1234567890.12, null);
        update otro.\"Con Comillas\" set dato = '{\"n\": 1.10, \"m\": null}'";
    a.send("row", Script::Sql(script.to_owned())).await;
    let before = rig.everything().await;
    let told = rehearse(&a.engine, rig.id("row").await).await.unwrap();
    assert_eq!((told.outcome, &told.reason), ("processed", &None));
    let rows = of(&told, "otro.piezas");
    let [updated, deleted, inserted] = rows[..] else {
        panic!("{rows:?}")
    };
    assert_eq!(updated.change, Change::Update);
    assert_eq!(Value::from(updated.key.clone()), json!({ "b": "x", "a": 1 }));
    assert_eq!(columns(updated), json!([["precio", "10.50", "10.55"]]));
    assert_eq!(deleted.change, Change::Delete);
    assert_eq!(Value::from(deleted.key.clone()), json!({ "b": "y", "a": 3 }));
    assert_eq!(
        columns(deleted),
        json!([
            ["a", 3, null],
            ["b", "y", null],
            ["precio", "30.00", null],
            ["hecho", true, null]
        ])
    );
    assert_eq!(inserted.change, Change::Insert);
    assert_eq!(
        columns(inserted),
        json!([
            ["a", null, 4],
            ["b", null, "z"],
            ["precio", null, "1234567890.12"]
        ])
    );
    let quoted = of(&told, "otro.Con Comillas");
    assert_eq!(Value::from(quoted[0].key.clone()), json!({ "El Id": 7 }));
    assert_eq!(quoted[0].columns[0].column, "dato");
    // The probe's own effect, in a table without a key; its audit row and its job.
    assert_eq!(
        columns(of(&told, "public.efectos")[0]),
        json!([["id", null, "row"], ["who", null, "a"]])
    );
    assert_eq!(told.rows.len(), 5);
    assert_eq!((told.audit.len(), told.audit[0].action), (1, "sonda.escrita"));
    assert_eq!((told.jobs.len(), told.jobs[0].kind), (1, "sonda"));
    assert_eq!(rig.everything().await, before, "nothing was written");
    assert_eq!(
        rig.count("select count(*) from otro.piezas where precio in (10.50, 20, 30)")
            .await,
        3
    );
}

#[tokio::test]
async fn every_outcome_is_rehearsed_and_nothing_is_written() {
    let rig = Rig::still().await;
    let a = rig.replica("a", EAGER).await;
    for (script, outcome, reason) in [
        (Script::Write, "processed", None),
        (Script::Park, "parked", Some("for a person")),
        (Script::Fail(9), "failed", Some("failure 1")),
        (Script::Panic(9), "failed", Some("panicked: panic 1")),
        (Script::FailInReaction, "failed", Some("the reaction fails")),
    ] {
        let id = format!("{script:?}");
        a.send(&id, script).await;
        let before = rig.everything().await;
        let told = rehearse(&a.engine, rig.id(&id).await).await.unwrap();
        assert_eq!((told.outcome, told.reason.as_deref()), (outcome, reason), "{id}");
        match outcome {
            "processed" => assert_eq!(told.rows.len(), 1, "{id}: {:?}", told.rows),
            // What the handler wrote is gone; the alert and its mail would come.
            "parked" => {
                assert_eq!(told.rows.len(), 1, "{id}: {:?}", told.rows);
                assert_eq!(told.rows[0].table, "engine.alerts");
                assert_eq!(told.jobs[0].kind, "notificar");
            }
            _ => assert_eq!(
                (told.rows.len(), told.jobs.len(), told.audit.len()),
                (0, 0, 0),
                "{id}"
            ),
        }
        assert_eq!(rig.everything().await, before, "{id}");
    }
}

#[tokio::test]
async fn a_job_that_was_asked_for_before_is_not_told() {
    let rig = Rig::still().await;
    let mut a = rig.replica("a", EAGER).await;
    let once = || Script::Once("mail".to_owned());
    let first = rehearsed(&rig, &a, "1", once()).await;
    assert_eq!(first.jobs.iter().filter(|job| job.key.is_some()).count(), 1);
    a.work();
    rig.until_all_done().await;
    a.stop().await;
    let second = rehearsed(&rig, &a, "2", once()).await;
    assert_eq!(second.jobs.iter().filter(|job| job.key.is_some()).count(), 0);
    assert_eq!(second.jobs.len(), 1);
}
