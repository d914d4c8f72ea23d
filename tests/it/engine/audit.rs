//! The audit log's hash chain is sealed whole, whoever writes and seals at the same time.

use std::time::{Duration, Instant};

use onlycar::engine::audit::{Intact, keep_sealing, seal, verify};
use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::support::database::{self, db};
use crate::support::wait::until;

const INSERT: &str =
    "insert into logs_auditoria (ocurrido_en, actor, accion, recurso_tipo, recurso_id, detalle)
                      select now(), 'sistema', 'prueba', 'pruebas', n::text, jsonb_build_object('n', n)
                      from generate_series(1, $1) as n";

pub async fn log() -> (String, PgPool) {
    let url = database::fresh().await;
    let pool = PgPool::connect(&url).await.unwrap();
    (url, pool)
}

pub async fn insert(pool: &PgPool, rows: i32) {
    sqlx::query(INSERT).bind(rows).execute(pool).await.unwrap();
}

pub async fn intact(pool: &PgPool) -> Intact {
    verify(&db(pool)).await.unwrap().unwrap()
}

async fn sealed(pool: &PgPool) -> i64 {
    let sql = "select count(*) from logs_auditoria where hash is not null";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn an_empty_log_is_intact() {
    let (_, pool) = log().await;
    seal(&db(&pool)).await.unwrap();
    let empty = intact(&pool).await;
    assert_eq!((empty.rows, empty.last_id), (0, 0));
}

#[tokio::test]
async fn the_chain_holds_after_concurrent_writers_and_sealers() {
    let (url, pool) = log().await;
    let stop = CancellationToken::new();
    let keepers = [
        tokio::spawn(keep_sealing(db(&pool), stop.clone())),
        tokio::spawn(keep_sealing(db(&pool), stop.clone())),
    ];
    let writers = (0..8).map(|_| async {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        for rows in 1..=120 {
            let mut work = connection.begin().await.unwrap();
            sqlx::query(INSERT).bind(1).execute(&mut *work).await.unwrap();
            // A transaction that goes on for a moment: others draw ids and commit meanwhile.
            sqlx::query("select pg_sleep(0.005)")
                .execute(&mut *work)
                .await
                .unwrap();
            sqlx::query(INSERT)
                .bind(rows % 3)
                .execute(&mut *work)
                .await
                .unwrap();
            if rows % 5 == 0 {
                work.rollback().await.unwrap();
            } else {
                work.commit().await.unwrap();
            }
        }
    });
    let written = CancellationToken::new();
    let write = async {
        futures_util::future::join_all(writers).await;
        written.cancel();
    };
    let sealers = (0..2).map(|_| async {
        while !written.is_cancelled() {
            seal(&db(&pool)).await.unwrap();
            verify(&db(&pool)).await.unwrap().unwrap();
        }
    });
    futures_util::future::join(write, futures_util::future::join_all(sealers)).await;
    stop.cancel();
    for keeper in keepers {
        keeper.await.unwrap();
    }
    seal(&db(&pool)).await.unwrap();
    let rows: i64 = sqlx::query_scalar("select count(*) from logs_auditoria")
        .fetch_one(&pool)
        .await
        .unwrap();
    let whole = intact(&pool).await;
    assert_eq!(i64::try_from(whole.rows).unwrap(), rows);
    assert_eq!(sealed(&pool).await, rows);
}

#[tokio::test]
async fn a_row_that_drew_its_id_early_and_commits_late_is_sealed_in_its_place() {
    let (url, pool) = log().await;
    insert(&pool, 3).await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut late = connection.begin().await.unwrap();
    sqlx::query(INSERT).bind(1).execute(&mut *late).await.unwrap(); // id 4
    insert(&pool, 3).await; // ids 5 to 7

    let sealing = tokio::spawn({
        let pool = pool.clone();
        async move { seal(&db(&pool)).await.unwrap() }
    });
    // seal() looks at the writers every 50 ms: by then it has looked several times.
    let began = Instant::now();
    until("the seal has looked several times", async || {
        assert!(
            !sealing.is_finished(),
            "it does not wait for the open transaction"
        );
        assert_eq!(
            sealed(&pool).await,
            0,
            "a row after the open transaction's was sealed"
        );
        began.elapsed() > Duration::from_millis(400)
    })
    .await;
    // Who comes after the seal began does not hold it up.
    let mut other = PgConnection::connect(&url).await.unwrap();
    let mut later = other.begin().await.unwrap();
    sqlx::query(INSERT).bind(1).execute(&mut *later).await.unwrap(); // id 8
    late.commit().await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), sealing)
        .await
        .unwrap()
        .unwrap();
    let whole = intact(&pool).await;
    assert_eq!((whole.rows, whole.last_id), (7, 7));

    later.commit().await.unwrap();
    seal(&db(&pool)).await.unwrap();
    let whole = intact(&pool).await;
    assert_eq!((whole.rows, whole.last_id), (8, 8));
}

#[tokio::test]
async fn a_row_that_was_rolled_back_leaves_a_gap_that_is_no_fault() {
    let (url, pool) = log().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let mut work = connection.begin().await.unwrap();
    sqlx::query(INSERT).bind(2).execute(&mut *work).await.unwrap();
    work.rollback().await.unwrap();
    insert(&pool, 2).await;
    seal(&db(&pool)).await.unwrap();
    let whole = intact(&pool).await;
    assert_eq!((whole.rows, whole.last_id), (2, 4));
}

#[tokio::test]
async fn sealers_at_once_do_not_fork_the_chain() {
    let (_, pool) = log().await;
    for _ in 0..5 {
        insert(&pool, 700).await;
        let sealers = (0..6).map(|_| async { seal(&db(&pool)).await.unwrap() });
        futures_util::future::join_all(sealers).await;
        intact(&pool).await;
    }
    assert_eq!(intact(&pool).await.rows, 3500);
    let forks = "select count(*) - count(distinct hash_anterior) from logs_auditoria";
    assert_eq!(
        sqlx::query_scalar::<_, i64>(forks)
            .fetch_one(&pool)
            .await
            .unwrap(),
        0
    );
}

#[tokio::test]
async fn five_thousand_rows_are_sealed_and_verified_in_seconds() {
    let (_, pool) = log().await;
    insert(&pool, 5000).await;
    let began = Instant::now();
    seal(&db(&pool)).await.unwrap();
    let sealing = began.elapsed();
    let began = Instant::now();
    let whole = intact(&pool).await;
    let verifying = began.elapsed();
    println!(
        "5,000 rows: sealed in {} ms, verified in {} ms",
        sealing.as_millis(),
        verifying.as_millis()
    );
    assert_eq!((whole.rows, whole.last_id), (5000, 5000));
    assert!(sealing < Duration::from_secs(10) && verifying < Duration::from_secs(5));
}
