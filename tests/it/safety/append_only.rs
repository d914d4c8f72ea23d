//! The audit log only grows, also for its owner, and for its superuser until they switch that off.

use onlycar::engine::audit::seal;
use sqlx::{Executor, PgPool};

use super::{NO_RIGHT, ONLY_GROWS, refused};
use crate::support::database::{self, as_service, db};

/// A log of three sealed rows and one that waits for its place in the chain.
async fn log() -> (PgPool, PgPool) {
    let url = database::fresh().await;
    let owner = PgPool::connect(&url).await.unwrap();
    let insert = "insert into logs_auditoria (ocurrido_en, actor, accion, recurso_tipo, recurso_id)
                  select now(), 'sistema', 'prueba', 'pruebas', n::text from generate_series(1, $1) as n";
    sqlx::query(insert).bind(3).execute(&owner).await.unwrap();
    seal(&db(&owner)).await.unwrap();
    sqlx::query(insert).bind(1).execute(&owner).await.unwrap();
    (owner, PgPool::connect(&as_service(&url)).await.unwrap())
}

/// Refused to the owner, and to the service by its rights or by the same trigger.
const FORBIDDEN: &[&str] = &[
    "delete from logs_auditoria",
    "delete from logs_auditoria where id = 4",
    "delete from logs_auditoria where false",
    "truncate logs_auditoria",
    "update logs_auditoria set hash = repeat('a', 64) where id = 1",
    "update logs_auditoria set hash = null, hash_anterior = null where id = 1",
    "update logs_auditoria set hash = hash where id = 1",
    "update logs_auditoria set hash = repeat('a', 64) where id = 4",
    "update logs_auditoria set hash_anterior = repeat('a', 64) where id = 4",
    "update logs_auditoria set actor = 'nadie', hash = repeat('a', 64), hash_anterior = repeat('b', 64) where id = 4",
    "update engine.audit_head set last_id = 2, last_hash = repeat('a', 64)",
    "update engine.audit_head set last_hash = repeat('a', 64)",
    "update engine.audit_head set last_id = 4",
    "delete from engine.audit_head",
    "truncate engine.audit_head",
    "update engine.audit_heads set document = ''",
    "delete from engine.audit_heads",
    "truncate engine.audit_heads",
];

#[tokio::test]
async fn no_row_is_changed_or_removed_by_anybody() {
    let (owner, service) = log().await;
    for sql in FORBIDDEN {
        assert_eq!(
            refused(&owner, sql).await.as_deref(),
            Some(ONLY_GROWS),
            "the owner: {sql}"
        );
        let code = refused(&service, sql).await;
        assert!(
            matches!(code.as_deref(), Some(NO_RIGHT | ONLY_GROWS)),
            "the service: {sql}: {code:?}"
        );
    }
    let another = "insert into engine.audit_head (only_row, last_id, last_hash) values (false, 9, '')";
    assert_eq!(refused(&owner, another).await.as_deref(), Some("23514"));
}

#[tokio::test]
async fn of_a_row_without_a_hash_no_other_column_can_be_changed() {
    let (owner, _) = log().await;
    let columns: Vec<String> = sqlx::query_scalar(
        "select column_name::text from information_schema.columns
         where table_name = 'logs_auditoria' and column_name not in ('id', 'hash', 'hash_anterior')",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    assert!(columns.len() >= 9);
    for column in columns {
        let value = match column.as_str() {
            "ocurrido_en" => "now() + interval '1 day'",
            "detalle" => "'{\"otro\": 1}'",
            "ip" => "'10.0.0.1'",
            "evento_id" | "trabajo_id" => "gen_random_uuid()",
            _ => "'otro'",
        };
        let sql = format!(
            "update logs_auditoria set {column} = {value}, hash = repeat('a', 64), hash_anterior = repeat('b', 64)
             where id = 4"
        );
        assert_eq!(
            refused(&owner, &sql).await.as_deref(),
            Some(ONLY_GROWS),
            "{column}"
        );
    }
    let place =
        "update logs_auditoria set hash = repeat('a', 64), hash_anterior = repeat('b', 64) where id = 4";
    assert_eq!(refused(&owner, place).await, None);
}

#[tokio::test]
async fn the_refusal_says_what_to_do() {
    let (owner, _) = log().await;
    let error = owner.execute("truncate logs_auditoria").await.unwrap_err();
    assert_eq!(
        error.as_database_error().unwrap().message(),
        "TRUNCATE on public.logs_auditoria is refused: the audit log is append-only"
    );
}
