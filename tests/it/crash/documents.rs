//! Invoices on their way into the store while the server is killed, the store is killed, and Gigstack fails: in the end
//! each is there, whole and once, and nothing was logged of whom it is for.

use std::time::Duration;

use onlycar::dev::gigstack::{Delivery, Event, Fault, Gigstack, Order, Receiver};
use onlycar::ground::clock::Clock;
use rand::RngExt;
use sqlx::PgPool;

use super::site::{Server, Site};
use crate::support::bucket::Bucket;
use crate::support::wait::until_within;
use crate::support::{database, gigstack};

const INVOICES: usize = 8;
const KILLS: usize = 6;
/// Above 8 MiB a PDF goes in parts.
const PDF: usize = 9 * 1024 * 1024;
/// Without the audit log's daily head, which would be one more object.
const SETTINGS: &str = "[audit]\nsign_daily = false\n[worker]\nlease_seconds = 1\nbackoff_longest_seconds = 2\nmax_attempts = 200\n\
                        [database]\nmax_connections = 4\n[gigstack]\nreconcile_every_seconds = 0\n\
                        [stripe]\nreconcile_every_seconds = 0\nwatch_every_seconds = 0\n";

struct Scene {
    site: Site,
    gigstack: Gigstack,
    bucket: Bucket,
}

impl Scene {
    async fn new() -> Self {
        let url = database::fresh().await;
        let pool = PgPool::connect(&url).await.unwrap();
        let gigstack = gigstack::team(&Clock::system()).await;
        let bucket = Bucket::start().await;
        let mut variables = gigstack::variables(&gigstack);
        variables.extend(bucket.variables());
        variables.push(("RUST_LOG", "debug".to_owned()));
        let variables: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let site = Site::new(&url, pool, SETTINGS).with(&variables);
        gigstack.send_to(&site.url, gigstack::SECRET);
        gigstack.grow_pdfs(PDF);
        Self {
            site,
            gigstack,
            bucket,
        }
    }

    /// The webhook, again until it is taken: as the vendor does.
    async fn tell(&self, invoice: &str) {
        until_within(Duration::from_mins(1), "the webhook is taken", async || {
            let told = self
                .gigstack
                .deliver(Event::InvoiceCreated, invoice, Delivery::default());
            told.await.is_ok_and(|answers| answers[0].status == 200)
        })
        .await;
    }

    async fn stored(&self, pdfs: i64) -> bool {
        let sql = "select count(*) from facturas_emitidas where estado = 'vigente' and url_pdf is not null";
        self.site.count(sql).await >= pdfs
    }

    /// Each has its row, its two objects with the digests of the row, and one audit row.
    async fn assert_each_once(&self) {
        let rows: Vec<(String, String, String, String)> =
            sqlx::query_as("select url_xml, sha256_xml, url_pdf, sha256_pdf from facturas_emitidas")
                .fetch_all(&self.site.pool)
                .await
                .unwrap();
        assert_eq!(rows.len(), INVOICES);
        let objects = self.bucket.objects();
        for (xml, sha256_xml, pdf, sha256_pdf) in rows {
            for (key, sha256) in [(xml, sha256_xml), (pdf, sha256_pdf)] {
                assert_eq!(
                    objects.sha256_of(&key).await.unwrap().unwrap().sha256,
                    sha256,
                    "{key}"
                );
            }
        }
        assert_eq!(self.bucket.keys().await.len(), 2 * INVOICES);
        let emitted = "select count(*) from logs_auditoria where accion = 'factura.emitida'";
        assert_eq!(self.site.count(emitted).await, i64::try_from(INVOICES).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_every_invoice_is_stored_whole_and_once() {
    let mut scene = Scene::new().await;
    let receiver = Receiver {
        rfc: "SECR850101AB1".to_owned(),
        name: "RECEPTORA SECRETISIMA".to_owned(),
        ..Receiver::sample()
    };
    let mut server = Some(scene.start().await);
    for number in 0..INVOICES {
        let order = Order {
            receiver: Some(receiver.clone()),
            ..Order::default()
        };
        let invoice = scene.gigstack.stamp(order);
        if number % 3 == 1 {
            scene.gigstack.fail(Fault::ServerError, 2);
        }
        scene.tell(&invoice.id).await;
        if number < KILLS {
            // Somewhere between the question to Gigstack and the commit of the row.
            let moment = Duration::from_millis(rand::rng().random_range(1..400));
            let done = i64::try_from(number + 1).unwrap();
            let _ = tokio::time::timeout(moment, async { while !scene.stored(done).await {} }).await;
            server.take().unwrap().kill();
            if number == KILLS / 2 {
                scene.bucket.kill();
            }
            server = Some(scene.start().await);
            if number == KILLS / 2 {
                scene.bucket.start_again().await;
            }
        }
    }
    let all = i64::try_from(INVOICES).unwrap();
    until_within(Duration::from_mins(2), "all is stored", async || {
        scene.stored(all).await
    })
    .await;
    server.unwrap().stop().await;
    scene.assert_each_once().await;
    let log = scene.site.log().to_uppercase();
    assert!(
        log.contains("GUARDAR_FACTURA") || log.contains("ONLYCAR"),
        "the log is there"
    );
    for secret in ["SECR850101AB1", "SECRETISIMA"] {
        assert!(!log.contains(secret), "{secret} was logged");
    }
}

impl Scene {
    async fn start(&self) -> Server {
        let server = self.site.start();
        self.site.ready().await;
        server
    }
}
