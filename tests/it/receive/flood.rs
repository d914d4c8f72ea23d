//! More than fits is refused with 429 and a time to come back; what is under way is not disturbed.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sqlx::Executor;

use super::{MIB, announced, inbox_locked, stored, told, unhandled};
use crate::support::TestApp;

const FLOOD: &str = "Webhook Error: too many requests at once; send it again";

#[tokio::test]
async fn bodies_in_flight_are_bounded() {
    let app = TestApp::configured(&[], Some("[http]\nbodies_in_flight_mib = 2\n")).await;
    let large = [unhandled("large"), vec![b' '; MIB]].concat()[..MIB].to_vec();
    let length = format!("content-length: {MIB}");
    let mut slow = announced(&app, &large, &[&length, "expect: 100-continue"]).await;
    assert_eq!(slow.reply().await.unwrap().status, 100, "its memory is reserved");

    let mut second = announced(&app, &large, &[&length]).await;
    let refused = second.reply().await.unwrap();
    assert_eq!((refused.status, refused.body.as_str()), (429, FLOOD));
    assert_eq!(refused.header("retry-after"), Some("5"));
    let mut unknown = announced(&app, &large, &["transfer-encoding: chunked"]).await;
    assert_eq!(
        unknown.reply().await.unwrap().status,
        429,
        "it may become as large"
    );
    assert_eq!(
        app.post_signed(unhandled("small")).await.status(),
        200,
        "a small one still fits"
    );

    slow.send(&large).await;
    assert_eq!(slow.reply().await.unwrap().status, 200);
    let mut third = announced(&app, &large, &[&length]).await;
    third.send(&large).await;
    assert_eq!(
        third.reply().await.unwrap().status,
        200,
        "its memory was given back"
    );
    assert_eq!(stored(&app).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn memory_of_a_sender_that_went_away_is_given_back() {
    let app = TestApp::configured(&[], Some("[http]\nbodies_in_flight_mib = 2\n")).await;
    let length = format!("content-length: {MIB}");
    let lines = [length.as_str(), "expect: 100-continue"];
    for _ in 0..5 {
        let mut gone = announced(&app, b"", &lines).await;
        assert_eq!(gone.reply().await.unwrap().status, 100);
        drop(gone);
        app.until("its memory is free", || async {
            let mut next = announced(&app, b"", &lines).await;
            let free = next.reply().await.unwrap().status == 100;
            next.end().await;
            next.reply().await;
            free
        })
        .await;
    }
    app.finish().await;
}

#[tokio::test]
async fn events_that_wait_for_their_commit_are_bounded() {
    let narrow = "[inbox]\nwaiting_rows = 1\nwriters = 1\nbatch_rows = 1\n";
    let app = TestApp::configured(&[], Some(narrow)).await;
    let mut holder = inbox_locked(&app).await;
    let place = &app;
    let send = |n: usize| async move { place.post_signed(unhandled(&n.to_string())).await };
    let mut under_way = FuturesUnordered::new();
    under_way.push(send(0));
    let locked_out = || async {
        let sql = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
        app.one::<i64>(sql).await == 1
    };
    tokio::select! {
        _ = under_way.next() => panic!("answered before its commit"),
        () = app.until("the writer has the first", locked_out) => {}
    }
    under_way.extend((1..=10).map(send));
    // One of the ten waits behind the first, nine find no place.
    for _ in 0..9 {
        let answer = tokio::time::timeout(Duration::from_secs(20), under_way.next())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(answer.headers()["retry-after"], "5");
        assert_eq!(told(answer).await, (429, FLOOD.to_owned()));
    }
    holder.execute("rollback").await.unwrap();
    for _ in 0..2 {
        assert_eq!(under_way.next().await.unwrap().status(), 200);
    }
    assert_eq!(stored(&app).await, 2);
    assert_eq!(send(11).await.status(), 200);
    drop(under_way);
    app.finish().await;
}

#[tokio::test]
async fn a_sender_that_stops_in_the_middle_is_cut_off() {
    let app = TestApp::configured(&[], Some("[http]\nrequest_timeout_seconds = 1\n")).await;
    let body = unhandled("1");
    let length = format!("content-length: {}", body.len());
    let mut slow = announced(&app, &body, &[&length]).await;
    slow.send(&body[..10]).await;
    assert_eq!(slow.reply().await.unwrap().status, 408);
    assert_eq!(stored(&app).await, 0);
    app.finish().await;
}
