//! Half a minute of everything at once: 200 deliveries a second of whole stories, a fifth of them twice, all in any order,
//! the server killed again and again. In the end the tables are those of an orderly run.

use std::time::{Duration, Instant};

use onlycar::dev::stripe::Sample;
use onlycar::dev::stripe::simulator::Storm;
use onlycar::ground::clock::Clock;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};

use super::load::send;
use super::site::Site;
use crate::convergence::rows::{TABLES, VERSION, differences};
use crate::support::app::{KEY, SECRET, simulator};
use crate::support::database;
use crate::support::wait::until_within;

const DELIVERIES_A_SECOND: u32 = 200;
const SECONDS: usize = 30;
const PEOPLE: u32 = 400;

const SETTINGS: &str = "stripe.reconcile_every_seconds = 0\nstripe.watch_every_seconds = 0\n
                        [worker]\nlease_seconds = 1\npoll_ms = 200\n[database]\nmax_connections = 6\n";
const ORDERLY: &str = "stripe.reconcile_every_seconds = 0\nstripe.watch_every_seconds = 0\n
                       [worker]\nconcurrency = 1\ngroup_rows = 1\n";

/// Services, contracts and clients of the same ids in every database.
async fn people(pool: &PgPool) -> Vec<Sample> {
    for sql in [
        "insert into clientes (id, nombre, email, stripe_customer_id, creado_en)
         select ('c0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Ana ' || n, 'ana' || n || '@example.com', 'cus_' || n, 'epoch'
         from generate_series(1, $1) as n",
        "insert into servicios (id, cliente_id, descripcion, monto)
         select ('50000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, ('c0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Cambio de aceite', 1500
         from generate_series(1, $1) as n",
        "insert into contratos_b2b (id, cliente_id, tipo, estado, stripe_subscription_id, servicios_incluidos)
         select ('b0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, ('c0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'suscripcion', 'activo', 'sub_' || n, 10
         from generate_series(1, $1) as n",
    ] {
        let insert = sqlx::query(sql).bind(i32::try_from(PEOPLE).unwrap());
        insert.execute(pool).await.unwrap();
    }
    let id = |digit: char, n: u32| Some(format!("{digit}0000000-0000-4000-8000-{n:012}"));
    let person = |n: u32| Sample {
        service_id: id('5', n),
        contract_id: id('b', n),
        customer_id: format!("cus_{n}"),
        subscription_id: format!("sub_{n}"),
        email: format!("ana{n}@example.com"),
        ..Sample::default()
    };
    (1..=PEOPLE).map(person).collect()
}

/// Every row of every table that Stripe's events reach.
async fn rows(pool: &PgPool) -> Value {
    let table = |table: &&str| {
        format!("'{table}', (select jsonb_object_agg(id, to_jsonb(row) {VERSION}) from {table} as row)")
    };
    let tables: Vec<String> = TABLES.iter().map(table).collect();
    let sql = AssertSqlSafe(format!("select jsonb_build_object({})", tables.join(", ")));
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// No event is left, and no question that a worker could put.
async fn until_all_done(site: &Site) {
    let left =
        "select (select count(*) from webhooks.events where state in ('pending', 'processing', 'failed'))
                     + (select count(*) from engine.jobs where kind = 'preguntar_a_stripe'
                        and state in ('pending', 'processing', 'failed'))";
    until_within(Duration::from_mins(5), "all is done", async || {
        site.count(left).await == 0
    })
    .await;
}

/// Kills servers at random moments until the storm is over; returns how many.
async fn kill_until(site: &Site, moments: &mut StdRng, storm: impl Future<Output = ()>) -> u32 {
    let mut storm = std::pin::pin!(storm);
    for kills in 0.. {
        let server = site.start();
        let life = Duration::from_millis(moments.random_range(300..2500));
        if tokio::time::timeout(life, &mut storm).await.is_ok() {
            server.kill();
            return kills;
        }
        server.kill();
    }
    0
}

/// The same events, each once, in the order in which they happened.
async fn tell_in_order(events: &[Vec<u8>], site: &Site) {
    let client = onlycar::tools::outbound::client().unwrap();
    let url = format!("{}/api/webhooks/stripe", site.url);
    for event in events {
        assert_eq!(send(&client, &url, event).await.unwrap().status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_minute_of_chaos_ends_in_the_rows_of_an_orderly_run() {
    let seed: u32 = rand::random();
    println!("seed of the chaos: {seed}");
    let (stripe, api) = simulator(&Clock::system()).await;
    let environment = [("STRIPE_SECRET_KEY", KEY), ("STRIPE_API_BASE", api.as_str())];
    let site = async |settings: &str| {
        let url = database::fresh().await;
        let pool = PgPool::connect(&url).await.unwrap();
        Site::new(&url, pool, settings).with(&environment)
    };
    let (chaos, orderly) = (site(SETTINGS).await, site(ORDERLY).await);
    let people_of = people(&chaos.pool).await;
    people(&orderly.pool).await;
    stripe.send_to(&format!("{}/api/webhooks/stripe", chaos.url), SECRET);
    let storm = Storm {
        seed: seed.into(),
        events: SECONDS * DELIVERIES_A_SECOND as usize * 5 / 6,
        people: people_of,
        duplicates_percent: 20,
        old_version_percent: 20,
        reorder: true,
        rate: DELIVERIES_A_SECOND,
        ..Storm::default()
    };
    let began = Instant::now();
    let mut told = None;
    let mut moments = StdRng::seed_from_u64(seed.into());
    let kills = kill_until(&chaos, &mut moments, async {
        told = Some(stripe.storm(&storm).await);
    })
    .await;
    let told = told.expect("the storm is over");
    assert_eq!(told.wrong, 0, "every delivery is taken in the end: {told:?}");
    let took = began.elapsed().as_secs_f64();
    let server = chaos.start();
    chaos.ready().await;
    until_all_done(&chaos).await;
    server.stop().await;

    let events = "select payload from webhooks.events order by occurred_at, id";
    let events: Vec<Vec<u8>> = sqlx::query_scalar(events).fetch_all(&chaos.pool).await.unwrap();
    assert_eq!(events.len(), told.events);
    let server = orderly.start();
    orderly.ready().await;
    tell_in_order(&events, &orderly).await;
    until_all_done(&orderly).await;
    server.stop().await;

    let again = "select count(*) from webhooks.events where attempts > 1";
    println!(
        "{} events in {} deliveries and {took:.0} s, {kills} kills, {} events taken over from a killed worker",
        told.events,
        told.accepted,
        chaos.count(again).await,
    );
    let differences = differences(&rows(&orderly.pool).await, &rows(&chaos.pool).await);
    let first: Vec<&String> = differences.iter().take(20).collect();
    assert!(
        first.is_empty(),
        "{} differences with seed {seed}: {first:#?}",
        differences.len()
    );
}
