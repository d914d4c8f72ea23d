//! SIGTERM under load: what is under way is finished, the rest is left for the next server.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use sqlx::{Connection, PgPool};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::load::Load;
use super::site::Site;
use crate::support::database;
use crate::support::wait::until;

const PROCESSING: &str = "select count(*) from webhooks.events where state = 'processing'";
const PROCESSED: &str = "select count(*) from webhooks.events where state = 'processed'";
const WAITING: &str = "select count(*) from webhooks.events where state = 'pending' and attempts = 0";

/// A site whose inbox holds at least so many events that nobody has worked on, and a load that goes on.
async fn with_backlog(settings: &str, events: usize) -> (Site, Load) {
    let url = database::fresh().await;
    let pool = PgPool::connect(&url).await.unwrap();
    let site = Site::new(&url, pool, settings);
    let receiver = site.start_with(&["--no-worker"]);
    let load = Load::start(&site.url, site.services(10_000).await, 4);
    load.until_more(events).await;
    receiver.stop().await;
    (site, load)
}

#[tokio::test]
async fn a_stop_under_load_ends_softly_and_leaves_the_rest_to_the_next_server() {
    let settings = "[worker]\nconcurrency = 1\nclaim_rows = 16\n[database]\nmax_connections = 4\n";
    let (site, load) = with_backlog(settings, 300).await;
    // Somebody holds a row that an event in the middle needs: there the work stands when the stop comes.
    let mut somebody = site.pool.acquire().await.unwrap();
    let mut held = somebody.begin().await.unwrap();
    sqlx::query("select from servicios where id = $1 for update")
        .bind(load.tally.service(150))
        .execute(&mut *held)
        .await
        .unwrap();
    let mut server = site.start();
    let stands = "select count(*) from pg_stat_activity
                  where datname = current_database() and wait_event_type = 'Lock'";
    until("the work stands", async || site.count(stands).await > 0).await;
    load.until_more(10).await;
    server.signal(Signal::TERM);
    let asked = Instant::now();
    let address = site.url.trim_start_matches("http://");
    until("it takes no more requests", async || {
        TcpStream::connect(address).await.is_err()
    })
    .await;
    assert!(server.is_running(), "it waits for what is under way");
    held.commit().await.unwrap();
    let status = server.ended().await;
    let took = asked.elapsed();
    assert_eq!(status.code(), Some(0), "{status}");
    assert!(took < Duration::from_secs(20), "the stop took {took:?}");

    let (done, waiting) = (site.count(PROCESSED).await, site.count(WAITING).await);
    println!(
        "stopped in {} ms with {done} events processed, {waiting} waiting",
        took.as_millis()
    );
    assert_eq!(
        site.count(PROCESSING).await,
        0,
        "claims were left to the end of their lease"
    );
    assert!(done > 0 && waiting > 0, "it should have stopped in the middle");
    let all = "select count(*) from webhooks.events";
    assert_eq!(done + waiting, site.count(all).await);

    let next = site.start();
    load.until_more(10).await;
    let acknowledged = load.finish().await;
    site.until_all_done().await;
    next.stop().await;
    let once = "select count(*) from webhooks.events where attempts = 1";
    assert_eq!(site.count(once).await, i64::try_from(acknowledged.len()).unwrap());
    site.assert_each_once(&acknowledged).await;
}

#[tokio::test]
async fn a_client_that_never_ends_its_request_does_not_keep_a_stopping_server_from_giving_back() {
    let settings =
        "[worker]\nconcurrency = 1\n[database]\nmax_connections = 4\n[http]\nshutdown_seconds = 1\n";
    let (site, load) = with_backlog(settings, 300).await;
    let mut server = site.start();
    site.ready().await;
    let mut slow = TcpStream::connect(site.url.trim_start_matches("http://"))
        .await
        .unwrap();
    slow.write_all(
        b"POST /api/webhooks/stripe HTTP/1.1\r\nhost: localhost\r\nstripe-signature: t=1,v1=0\r\n\
          content-length: 100\r\n\r\n{",
    )
    .await
    .unwrap();
    until("it has begun to work", async || site.count(PROCESSED).await > 0).await;
    server.signal(Signal::TERM);
    let status = server.ended().await;
    assert_eq!(status.code(), Some(0), "{status}");
    let held = site.count(PROCESSING).await;
    assert!(held <= 1, "one can have been under way, {held} are claimed");
    drop(load);
}
