//! Whoever changes the sealed audit log is found out, and the row is named.

use onlycar::engine::audit::{Broken, seal, verify};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::audit::{insert, intact, log};
use crate::support::database::db;

const NOT_SEALED: &str = "it is not sealed although rows after it are: it was put in later";
const NOT_NEXT: &str = "it does not follow the row before it: one was removed, added or exchanged";
const CHANGED: &str = "its content is not what was sealed: it was changed";
const CUT_OFF: &str = "the rows at the end of the sealed chain are missing";

/// What somebody did to the log of nine rows, 1 to 10 without 6, and what the verification says.
const MANIPULATIONS: [(&str, &str, i64, &str); 20] = [
    (
        "another actor",
        "update logs_auditoria set actor = 'nadie' where id = 4",
        4,
        CHANGED,
    ),
    (
        "another action",
        "update logs_auditoria set accion = 'otra' where id = 1",
        1,
        CHANGED,
    ),
    (
        "another time, by a microsecond",
        "update logs_auditoria set ocurrido_en = ocurrido_en + interval '1 microsecond' where id = 5",
        5,
        CHANGED,
    ),
    (
        "another kind",
        "update logs_auditoria set recurso_tipo = 'x' where id = 5",
        5,
        CHANGED,
    ),
    (
        "another resource",
        "update logs_auditoria set recurso_id = '99' where id = 10",
        10,
        CHANGED,
    ),
    (
        "a letter moved from one column to the next",
        "update logs_auditoria set recurso_tipo = 'prueba', recurso_id = 's' || recurso_id where id = 5",
        5,
        CHANGED,
    ),
    (
        "more detail",
        "update logs_auditoria set detalle = detalle || '{\"m\": 1}' where id = 7",
        7,
        CHANGED,
    ),
    (
        "an address",
        "update logs_auditoria set ip = '10.0.0.1' where id = 8",
        8,
        CHANGED,
    ),
    (
        "an event as its cause",
        "update logs_auditoria set evento_id = gen_random_uuid() where id = 8",
        8,
        CHANGED,
    ),
    (
        "a job as its cause",
        "update logs_auditoria set trabajo_id = gen_random_uuid() where id = 8",
        8,
        CHANGED,
    ),
    (
        "another hash",
        "update logs_auditoria set hash = repeat('a', 64) where id = 4",
        4,
        CHANGED,
    ),
    (
        "another hash before",
        "update logs_auditoria set hash_anterior = repeat('a', 64) where id = 4",
        4,
        NOT_NEXT,
    ),
    (
        "a hash removed",
        "update logs_auditoria set hash = null where id = 4",
        4,
        NOT_SEALED,
    ),
    (
        "the first row deleted",
        "delete from logs_auditoria where id = 1",
        2,
        NOT_NEXT,
    ),
    (
        "a row deleted",
        "delete from logs_auditoria where id = 5",
        7,
        NOT_NEXT,
    ),
    (
        "the tail deleted",
        "delete from logs_auditoria where id >= 9",
        10,
        CUT_OFF,
    ),
    (
        "all deleted",
        "delete from logs_auditoria",
        10,
        CUT_OFF,
    ),
    (
        "two rows exchanged",
        "update logs_auditoria as row set actor = other.actor, accion = other.accion, detalle = other.detalle,
                recurso_id = other.recurso_id, hash = other.hash, hash_anterior = other.hash_anterior
         from logs_auditoria as other where (row.id, other.id) in ((3, 4), (4, 3))",
        3,
        NOT_NEXT,
    ),
    (
        "a row put into the gap",
        "insert into logs_auditoria (id, ocurrido_en, actor, accion, recurso_tipo, recurso_id)
         overriding system value values (6, now(), 'sistema', 'prueba', 'pruebas', '6')",
        6,
        NOT_SEALED,
    ),
    (
        "a row put into the gap with its neighbour's hashes",
        "insert into logs_auditoria
             (id, ocurrido_en, actor, accion, recurso_tipo, recurso_id, detalle, hash_anterior, hash)
         overriding system value
         select 6, ocurrido_en, actor, accion, recurso_tipo, recurso_id, detalle, hash_anterior, hash
         from logs_auditoria where id = 7",
        6,
        CHANGED,
    ),
];

#[tokio::test]
async fn every_manipulation_is_named_with_its_row() {
    let (url, pool) = log().await;
    insert(&pool, 5).await;
    sqlx::query("select nextval('logs_auditoria_id_seq')")
        .execute(&pool)
        .await
        .unwrap();
    insert(&pool, 4).await;
    seal(&db(&pool)).await.unwrap();
    assert_eq!(intact(&pool).await.rows, 9);
    let keep = "create table copia as table logs_auditoria";
    sqlx::query(keep).execute(&pool).await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    // The database itself refuses all of them; whoever is its superuser can switch that off.
    let off = sqlx::query("set session_replication_role = replica");
    off.execute(&mut connection).await.unwrap();
    for (what, sql, id, reason) in MANIPULATIONS {
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
        let found = verify(&db(&pool)).await.unwrap();
        assert_eq!(found, Err(Broken { id, reason }), "{what}");
        sqlx::raw_sql(
            "delete from logs_auditoria; insert into logs_auditoria overriding system value table copia",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        intact(&pool).await;
    }
}
