//! Two transactions that each want what the other has: PostgreSQL ends one of them, which is then due again at once.

use std::time::Duration;

use onlycar::engine::Failure;
use sqlx::{Connection, Executor, PgConnection};

use crate::support::database;

#[tokio::test]
async fn the_loser_of_a_deadlock_is_due_again_at_once() {
    let url = database::empty().await;
    let mut one = PgConnection::connect(&url).await.unwrap();
    let mut other = PgConnection::connect(&url).await.unwrap();
    one.execute("create table things (id int primary key)")
        .await
        .unwrap();
    one.execute("insert into things values (1), (2)").await.unwrap();
    one.execute("begin").await.unwrap();
    other.execute("begin").await.unwrap();
    one.execute("select from things where id = 1 for update")
        .await
        .unwrap();
    other
        .execute("select from things where id = 2 for update")
        .await
        .unwrap();
    let (first, second) = tokio::join!(
        // The loser's locks go with its connection, or the other would wait for ever.
        async move {
            let got = one.execute("select from things where id = 2 for update").await;
            (got.map(drop), one.close().await).0
        },
        async move {
            let got = other.execute("select from things where id = 1 for update").await;
            (got.map(drop), other.close().await).0
        },
    );
    let lost: Vec<sqlx::Error> = [first, second].into_iter().filter_map(Result::err).collect();
    let [lost] = <[sqlx::Error; 1]>::try_from(lost).expect("one loses, one wins");
    match Failure::from(lost) {
        Failure::Retry { reason, after } => {
            assert!(reason.contains("deadlock detected"), "{reason}");
            assert_eq!(after, Some(Duration::ZERO));
        }
        other => panic!("{other}"),
    }
    match Failure::from(sqlx::Error::PoolTimedOut) {
        Failure::Retry { after, .. } => assert_eq!(after, None, "anything else waits"),
        other => panic!("{other}"),
    }
}
