//! `kill -9` of the server, again and again.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::PgPool;

use super::load::Load;
use super::site::Site;
use crate::support::database;

const KILLS: u32 = 20;

/// A killed worker's rows are free soon; few connections, because each costs an unoptimised build 60 ms.
const SETTINGS: &str = "[worker]\nlease_seconds = 1\n[database]\nmax_connections = 4\n";

#[tokio::test]
async fn twenty_kills_under_load_lose_nothing_and_do_nothing_twice() {
    let seed: u64 = rand::random();
    println!("seed of the moments: {seed}");
    let mut moments = StdRng::seed_from_u64(seed);
    let url = database::fresh().await;
    let pool = PgPool::connect(&url).await.unwrap();
    let site = Site::new(&url, pool, SETTINGS);
    let load = Load::start(&site.url, site.services(20_000).await, 6);
    let began = Instant::now();
    for kill in 0..KILLS {
        let server = site.start();
        // Each fifth is killed at some moment of its start, the others at some moment of their work.
        if kill % 5 > 0 {
            load.until_more(1).await;
        }
        tokio::time::sleep(Duration::from_millis(moments.random_range(0..400))).await;
        server.kill();
    }
    let server = site.start();
    load.until_more(10).await;
    let tally = std::sync::Arc::clone(&load.tally);
    let acknowledged = load.finish().await;
    let sent = Instant::now();
    site.until_all_done().await;
    server.stop().await;
    let again = "select count(*) from webhooks.events where attempts > 1";
    println!(
        "{} events acknowledged under {KILLS} kills in {:.1} s, done {:.1} s later; {} answered as duplicates, \
         {} requests without an answer, {} events taken over from a killed worker",
        acknowledged.len(),
        sent.duration_since(began).as_secs_f64(),
        sent.elapsed().as_secs_f64(),
        tally.duplicates(),
        tally.unanswered(),
        site.count(again).await,
    );
    site.assert_each_once(&acknowledged).await;
}
