//! `onlycar audit verify`.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, PgPool};

use crate::audit::recipe;
use crate::support::dev::Dev;
use crate::support::wait::until;

#[tokio::test]
async fn a_changed_row_is_named() {
    let mut dev = Dev::start().await;
    let pool = dev.pool().await;
    first_head(&pool).await;
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
    assert!(
        whole.contains("\nsigned heads: 1 of the store fit, the last is of "),
        "{whole}"
    );
    assert!(!whole.contains("warning"), "{whole}");
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
    changed_head(&dev, &pool).await;
    export(&dev, &pool).await;
    assert_eq!(dev.running.stop().await, Some(0));
}

async fn first_head(pool: &PgPool) {
    until("the first head is signed", async || {
        let heads = sqlx::query_scalar("select count(*) from engine.audit_heads");
        heads.fetch_one(pool).await.is_ok_and(|heads: i64| heads == 1)
    })
    .await;
}

/// A copy of a head that differs from the signed one.
async fn changed_head(dev: &Dev, pool: &PgPool) {
    pool.execute(
        "set session_replication_role = replica;
         update engine.audit_heads set document = replace(document, 'onlycar', 'otra')",
    )
    .await
    .unwrap();
    let ended = dev.run(&["audit", "verify"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let told = "does not fit: the database and the store hold different heads";
    assert!(ended.out.contains(told), "{ended:?}");
}

/// What is handed out can be proven by somebody else, as docs/audit.md says.
async fn export(dev: &Dev, pool: &PgPool) {
    // What no row holds today, and a spreadsheet would take for a formula.
    pool.execute(
        r#"insert into logs_auditoria (ocurrido_en, actor, accion, recurso_tipo, recurso_id, detalle, ip)
           values ('2026-11-01T04:59:59.999999Z', '=1+1', '+a', '-b', E'@"c",\nd', '{"b": 1, "aa": "é"}', '2001:db8::7')"#,
    )
    .await
    .unwrap();
    let lines = dev.done(&["audit", "export", "--format", "json"]).await;
    let rows: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut before = "0".repeat(64);
    for row in &rows {
        assert_eq!(row["hash_anterior"], before.as_str());
        before = recipe::hash(row, &before);
        assert_eq!(row["hash"], before.as_str(), "{row}");
    }
    let last = rows.last().unwrap();
    assert_eq!(
        last["accion"], "auditoria.exportada",
        "that it was handed out is in it"
    );
    assert!(last["actor"].as_str().unwrap().starts_with("consola:"), "{last}");

    let file = dev.path().join("log.csv");
    let out = file.to_str().unwrap();
    let until = ["audit", "export", "--out", out, "--until", "2026-11-01"];
    assert_eq!(dev.done(&until).await, "");
    let again = dev.run(&["audit", "export", "--out", out]).await;
    assert_eq!(again.code, Some(1));
    let hint = "hint: --out names a file that is not there yet";
    assert!(again.err.contains(hint), "{}", again.err);
    let text = std::fs::read_to_string(file).unwrap();
    let rows: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(
        rows.len(),
        3,
        "the first of November begins at five in UTC: {text}"
    );
    let after = [
        "audit",
        "export",
        "--since",
        "2026-11-01",
        "--until",
        "2026-11-02",
    ];
    assert_eq!(dev.done(&after).await.lines().count(), 1);
    let csv = dev
        .done(&[
            "audit",
            "export",
            "--since",
            "2026-10-31",
            "--until",
            "2026-11-01",
        ])
        .await;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let cells: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let [row] = &cells[..] else { panic!("{csv}") };
    let shown: Vec<&str> = row.iter().skip(1).take(7).collect();
    assert_eq!(
        shown,
        [
            "2026-11-01T04:59:59.999999Z",
            "'=1+1",
            "'+a",
            "'-b",
            "'@\"c\",\nd",
            r#"{"b": 1, "aa": "é"}"#,
            "2001:db8::7/128"
        ]
    );
    let about = ["--actor", "stripe", "--resource", "servicios", "--format", "json"];
    let stripe = dev.done(&[&["audit", "export"], &about[..]].concat()).await;
    assert_eq!(stripe.lines().count(), 4);
    for wrong in [
        ["--actor", "Ana López"],
        ["--resource", "ana@example.com"],
        ["--since", "ayer"],
    ] {
        let ended = dev.run(&[&["audit", "export"], &wrong[..]].concat()).await;
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{wrong:?}");
    }
}
