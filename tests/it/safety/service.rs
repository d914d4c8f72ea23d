//! The role of the service can do what the program does. That it can, the other tests show: they run as it.

use sqlx::PgPool;

use super::{NO_RIGHT, refused};
use crate::support::database;

#[tokio::test]
async fn what_the_program_does_not_do_is_refused_to_its_role() {
    let url = database::fresh().await;
    let service = PgPool::connect(&database::as_service(&url)).await.unwrap();
    for sql in [
        "create table public.mia (id int)",
        "create schema mio",
        "alter table servicios add column mia int",
        "alter table servicios disable row level security",
        "alter table logs_auditoria disable trigger all",
        "drop table servicios",
        "create function public.mia() returns int language sql as 'select 1'",
        "create role mio",
        "set session_replication_role = replica",
        "set role postgres",
        "insert into clientes (nombre) values ('x')",
        "insert into servicios (descripcion, monto) values ('x', 1)",
        "update servicios set monto = 1",
        "update servicios set cliente_id = null",
        "update clientes set creado_en = now()",
        "delete from clientes",
        "update engine.audit_heads set document = ''",
        "delete from engine.audit_heads",
        "update documents.objects set sha256 = ''",
        "delete from servicios",
        "delete from facturas_emitidas",
        "delete from contratos_b2b",
        "delete from contratos_firmados",
        "delete from webhooks.events",
        "update webhooks.events set payload_sha256 = ''",
        "truncate servicios",
        "truncate engine.jobs",
        "insert into logs_auditoria (ocurrido_en, actor, accion, recurso_tipo, recurso_id, hash)
         values (now(), 'x', 'x', 'x', 'x', 'x')",
        "update logs_auditoria set actor = 'x'",
        "insert into _sqlx_migrations values (99, 'x', now(), true, '', 0)",
        "delete from _sqlx_migrations",
        "select engine.protect('servicios')",
        "select pg_read_file('/etc/passwd')",
        "copy servicios to '/tmp/x'",
    ] {
        let code = refused(&service, sql).await;
        assert!(
            matches!(code.as_deref(), Some(NO_RIGHT | "22023")),
            "{sql}: {code:?}"
        );
    }
    let role: (bool, bool, bool, bool) = sqlx::query_as(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user",
    )
    .fetch_one(&service)
    .await
    .unwrap();
    assert_eq!(role, (false, false, false, false));
    let path: String = sqlx::query_scalar("show search_path")
        .fetch_one(&service)
        .await
        .unwrap();
    assert_eq!(path, "public, pg_temp");
}

#[tokio::test]
async fn the_file_may_be_run_again_and_takes_back_what_it_does_not_list() {
    let pool = PgPool::connect(&database::fresh().await).await.unwrap();
    sqlx::raw_sql(
        "grant delete on servicios to onlycar_service; grant update (monto) on servicios to onlycar_service",
    )
    .execute(&pool)
    .await
    .unwrap();
    for _ in 0..2 {
        sqlx::raw_sql(database::SERVICE_ROLE)
            .execute(&pool)
            .await
            .unwrap();
    }
    let left = "select has_table_privilege('onlycar_service', 'servicios', 'delete')
                    or has_column_privilege('onlycar_service', 'servicios', 'monto', 'update')";
    assert!(
        !sqlx::query_scalar::<_, bool>(left)
            .fetch_one(&pool)
            .await
            .unwrap()
    );
}
