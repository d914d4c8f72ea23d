//! `onlycar audit verify`.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor};

use super::Dev;

#[tokio::test]
async fn a_changed_row_is_named() {
    let mut dev = Dev::start().await;
    let pool = dev.pool().await;
    assert!(
        dev.done(&["audit", "verify"])
            .await
            .starts_with("the chain holds: 0 rows")
    );
    for _ in 0..4 {
        let event = dev.trigger(&["payment_intent.succeeded"]).await;
        assert_eq!(dev.outcome(&pool, &event).await, "processed");
    }
    let whole = dev.done(&["audit", "verify"]).await;
    assert!(whole.starts_with("the chain holds: 4 rows"), "{whole}");
    let ids: Vec<i64> = sqlx::query_scalar("select id from logs_auditoria order by id")
        .fetch_all(&pool)
        .await
        .unwrap();
    let [_, second, third, last] = ids[..] else {
        panic!("{ids:?}")
    };
    for (change, named) in [
        (
            format!("update logs_auditoria set actor = 'nadie' where id = {second}"),
            second,
        ),
        (
            format!(
                "update logs_auditoria set detalle = detalle || '{{\"monto\": \"0.01\"}}' where id = {third}"
            ),
            third,
        ),
        (
            format!(
                "update logs_auditoria set ocurrido_en = ocurrido_en + interval '1 us' where id = {last}"
            ),
            last,
        ),
        (
            format!("update logs_auditoria set evento_id = null where id = {second}"),
            second,
        ),
        (
            format!("update logs_auditoria set hash = repeat('0', 64) where id = {second}"),
            second,
        ),
        (
            format!("update logs_auditoria set hash = null, hash_anterior = null where id = {last}"),
            last,
        ),
        (format!("delete from logs_auditoria where id = {second}"), third),
        (format!("delete from logs_auditoria where id = {last}"), last),
        ("truncate logs_auditoria".to_owned(), last),
    ] {
        // The change is tried out on a copy and taken back.
        pool.execute("create table copia as select * from logs_auditoria")
            .await
            .unwrap();
        // The database itself refuses it, unless its superuser switches that off.
        pool.execute(AssertSqlSafe(format!(
            "set session_replication_role = replica; {change}"
        )))
        .await
        .unwrap();
        let ended = dev.run(&["audit", "verify"]).await;
        assert_eq!(ended.code, Some(1), "{change}: {ended:?}");
        let told = format!("the chain is broken at row {named} of logs_auditoria: ");
        assert!(
            ended.out.starts_with(&told) && ended.out.contains("\nhint: "),
            "{change}: {}",
            ended.out
        );
        let json = dev.run(&["audit", "verify", "--json"]).await;
        assert_eq!(json.code, Some(1), "{change}");
        let json: Value = serde_json::from_str(&json.out).unwrap();
        assert!(
            json.to_string().contains(&format!("\"id\":{named}")),
            "{change}: {json}"
        );
        pool.execute(
            "set session_replication_role = replica; truncate logs_auditoria;
             insert into logs_auditoria overriding system value select * from copia;
             drop table copia",
        )
        .await
        .unwrap();
        assert_eq!(
            dev.done(&["audit", "verify"]).await,
            whole,
            "{change} was taken back"
        );
    }
    assert_eq!(dev.running.stop().await, Some(0));
}
