//! SIGSTOP: a server that is frozen while it holds claims, and wakes when another has done its work.

use rustix::process::Signal;
use sqlx::{AssertSqlSafe, PgPool};

use super::load::Load;
use super::site::Site;
use crate::support::database;
use crate::support::wait::until;

#[tokio::test]
async fn a_server_that_wakes_after_its_work_was_taken_over_does_nothing_twice() {
    let url = database::fresh().await;
    let pool = PgPool::connect(&url).await.unwrap();
    let settings = "[worker]\nlease_seconds = 1\n[database]\nmax_connections = 6\nidle_in_transaction_timeout_seconds = 1\n";
    let first = Site::new(&url, pool, settings);
    let second = first.neighbour();

    let receiver = first.start_with(&["--no-worker"]);
    let load = Load::start(&first.url, first.services(5_000).await, 4);
    load.until_more(300).await;
    let acknowledged = load.finish().await;
    receiver.stop().await;

    let frozen = first.start();
    let held = "select count(*) from webhooks.events where state = 'processing'";
    until("it is frozen while it holds claims", async || {
        frozen.signal(Signal::STOP);
        let held = first.count(held).await;
        if held == 0 {
            frozen.signal(Signal::CONT);
        }
        held > 0
    })
    .await;
    let held = first.count(held).await;
    let other = second.start();
    second.until_all_done().await;
    let again = first
        .count("select count(*) from webhooks.events where attempts > 1")
        .await;
    println!(
        "{} events, {held} held by the frozen server, {again} taken over",
        acknowledged.len()
    );
    assert!(again > 0);
    first.assert_each_once(&acknowledged).await;

    other.stop().await;
    let before = rows(&first).await;
    frozen.signal(Signal::CONT);
    first.ready().await;
    // It ends only when its handlers have ended: they have tried to write.
    frozen.stop().await;
    assert_eq!(
        rows(&first).await,
        before,
        "the server that woke changed something"
    );
    first.assert_each_once(&acknowledged).await;
}

/// A fingerprint of every row that a handler writes.
async fn rows(site: &Site) -> Vec<Option<String>> {
    let mut prints = Vec::new();
    for table in [
        "webhooks.events",
        "servicios",
        "stripe.payments",
        "(select * from logs_auditoria where recurso_tipo not in ('servidor', 'alertas'))",
        "engine.failures",
        "engine.alerts",
    ] {
        let sql = format!("select md5(string_agg(t::text, '' order by t::text)) from {table} as t");
        let print = sqlx::query_scalar(AssertSqlSafe(sql));
        prints.push(print.fetch_one(&site.pool).await.unwrap());
    }
    prints
}
