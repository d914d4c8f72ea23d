//! Contracts on their way to Mifiel and back while the server is killed, the store is killed, and Mifiel fails: in the end
//! each is at Mifiel once, signed, stored whole and recorded once, and nothing was logged of the token nor of who signs.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use onlycar::dev::mifiel::{Delivery, Draft, Event, Fault, Mifiel, Shape};
use onlycar::ground::clock::Clock;
use rand::RngExt;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::site::{Server, Site};
use crate::access::rig::SECRET;
use crate::counter::{ADMIN, SUPABASE, token_at};
use crate::support::bucket::Bucket;
use crate::support::mifiel::{APP_SECRET, TOKEN, door};
use crate::support::wait::until_within;
use crate::support::{database, mifiel};

const CONTRACTS: usize = 8;
/// Above 8 MiB a PDF goes in parts.
const PDF: usize = 9 * 1024 * 1024;
/// Without the audit log's daily head, which would be one more object.
const SETTINGS: &str = "[audit]\nsign_daily = false\n[worker]\nlease_seconds = 1\nbackoff_longest_seconds = 2\nmax_attempts = 200\n\
                        [database]\nmax_connections = 4\n[mifiel]\nreconcile_every_seconds = 0\n\
                        [stripe]\nreconcile_every_seconds = 0\nwatch_every_seconds = 0\n";
const SECRETS: [&str; 3] = ["SECR850101AB1", "SECRETISIMA", "SECRETA@FIRMANTES.EXAMPLE"];

struct Scene {
    site: Site,
    mifiel: Mifiel,
    bucket: Bucket,
    admin: String,
    client: reqwest::Client,
}

impl Scene {
    async fn new() -> Self {
        let url = database::fresh().await;
        let pool = PgPool::connect(&url).await.unwrap();
        let mifiel = mifiel::account(&Clock::system()).await;
        let bucket = Bucket::start().await;
        let site = Site::new(&url, pool, SETTINGS);
        let mut variables = mifiel::variables(&mifiel, &site.url);
        variables.extend(bucket.variables());
        variables.push(("RUST_LOG", "debug".to_owned()));
        variables.push(("SUPABASE_URL", SUPABASE.to_owned()));
        variables.push(("SUPABASE_JWT_SECRET", SECRET.to_owned()));
        let variables: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let site = site.with(&variables);
        mifiel.send_to(&door(&site.url), APP_SECRET);
        mifiel.grow_pdfs(PDF);
        Self {
            site,
            mifiel,
            bucket,
            admin: token_at(Clock::system().now(), "admin", ADMIN),
            client: onlycar::tools::outbound::client().unwrap(),
        }
    }

    async fn start(&self) -> Server {
        let server = self.site.start();
        self.site.ready().await;
        server
    }

    async fn contract(&self) -> Uuid {
        let insert = "with client as (
                          insert into clientes (nombre, email, creado_en) values ('Ana', 'ana@example.com', now())
                          returning id)
                      insert into contratos_b2b (cliente_id, tipo) select id, 'servicio_unico' from client
                      returning id";
        sqlx::query_scalar(insert)
            .fetch_one(&self.site.pool)
            .await
            .unwrap()
    }

    /// The order; its answer may be lost with the server.
    async fn order(&self, contract: Uuid) -> Option<u16> {
        let form = json!({
            "pdf_base64": STANDARD.encode(Draft::default().file),
            "signers": [{ "name": "Firmante Secretisima", "email": "secreta@firmantes.example",
                          "tax_id": "SECR850101AB1" }],
        });
        let url = format!("{}/api/admin/contracts/{contract}/send", self.site.url);
        let request = self.client.post(url).bearer_auth(&self.admin).json(&form);
        request.send().await.ok().map(|answer| answer.status().as_u16())
    }

    /// The order, again until it is taken: as a person does.
    async fn insist(&self, contract: Uuid) {
        until_within(Duration::from_mins(1), "the order is taken", async || {
            matches!(self.order(contract).await, Some(202 | 409))
        })
        .await;
    }

    /// The webhook, again until it is taken: as the vendor does.
    async fn tell(&self, document: &str, shape: Shape) {
        let delivery = Delivery {
            shape,
            ..Delivery::default()
        };
        until_within(Duration::from_mins(1), "the webhook is taken", async || {
            let told = self
                .mifiel
                .deliver(Event::DocumentClosed, document, delivery)
                .await;
            told.is_ok_and(|answers| answers[0].status == 200)
        })
        .await;
    }

    /// Mifiel's id of the document of a contract, once it is there.
    async fn document(&self, contract: Uuid) -> String {
        let mut found = None;
        until_within(Duration::from_mins(1), "Mifiel has it", async || {
            let sql = "select id::text from contratos_firmados where contrato_id = $1";
            let ours: Option<String> = sqlx::query_scalar(sql)
                .bind(contract)
                .fetch_optional(&self.site.pool)
                .await
                .unwrap();
            let mut documents = self.mifiel.documents().into_iter();
            found = documents.find(|it| ours.is_some() && it.draft.external_id == ours);
            found.is_some()
        })
        .await;
        found.unwrap().id
    }

    async fn signed(&self) -> usize {
        let sql = "select count(*) from contratos_firmados where estado = 'firmado'";
        usize::try_from(self.site.count(sql).await).unwrap()
    }

    /// Each has one document at Mifiel, one row, objects with the digests of the row, and each audit row once.
    async fn assert_each_once(&self) {
        assert_eq!(self.mifiel.documents().len(), CONTRACTS);
        let sql = "select jsonb_agg(to_jsonb(d)) from contratos_firmados d";
        let rows: Value = sqlx::query_scalar(sql).fetch_one(&self.site.pool).await.unwrap();
        let rows = rows.as_array().unwrap();
        assert_eq!(rows.len(), CONTRACTS);
        let objects = self.bucket.objects();
        for row in rows {
            for part in ["pdf", "xml", "original"] {
                let key = row[format!("url_{part}")].as_str().unwrap();
                let stored = objects.sha256_of(key).await.unwrap().unwrap();
                assert_eq!(row[format!("sha256_{part}")], stored.sha256, "{key}");
            }
            let evidence = self.bucket.read(row["url_evidencia"].as_str().unwrap()).await.1;
            let evidence: Value = serde_json::from_slice(&evidence).unwrap();
            assert_eq!(evidence["archivos"][1]["sha256"], row["sha256_pdf"]);
            assert_eq!(evidence["archivos"][2]["sha256"], row["sha256_xml"]);
            assert!(row["enviado_en"].is_string(), "{row}");
        }
        for action in ["contrato.por_enviar", "contrato.firmado", "contrato.activado"] {
            let sql = "select count(*) from logs_auditoria where accion = $1";
            let times: i64 = sqlx::query_scalar(sql)
                .bind(action)
                .fetch_one(&self.site.pool)
                .await
                .unwrap();
            assert_eq!(usize::try_from(times).unwrap(), CONTRACTS, "{action}");
        }
        let keys = self.bucket.keys().await;
        let evidence = keys.iter().filter(|key| key.starts_with("evidencias/")).count();
        assert_eq!(evidence, CONTRACTS, "{keys:?}");
        assert_eq!(
            self.site.count("select count(*) from engine.alerts").await,
            0,
            "nobody has to see to anything"
        );
    }
}

async fn some_moment() {
    let moment = rand::rng().random_range(1..400);
    tokio::time::sleep(Duration::from_millis(moment)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_every_contract_is_signed_whole_and_once() {
    let mut scene = Scene::new().await;
    let mut server = Some(scene.start().await);
    for number in 0..CONTRACTS {
        let contract = scene.contract().await;
        if number % 3 == 1 {
            scene.mifiel.fail(Fault::LostAnswer, 2);
        }
        // Somewhere between the order and the commit of Mifiel's id.
        if number % 2 == 0 {
            let (order, ()) = tokio::join!(scene.order(contract), async {
                some_moment().await;
                server.take().unwrap().kill();
            });
            println!("contract {number}: killed, and told {order:?}");
            server = Some(scene.start().await);
        }
        scene.insist(contract).await;
        let document = scene.document(contract).await;
        scene.mifiel.sign_all(&document).unwrap();
        let shape = [Shape::Account, Shape::Customer, Shape::Callback][number % 3];
        scene.tell(&document, shape).await;
        // Somewhere between the question to Mifiel and the commit of the row.
        if number % 2 == 1 || number == CONTRACTS / 2 {
            some_moment().await;
            server.take().unwrap().kill();
            if number == CONTRACTS / 2 {
                scene.bucket.kill();
            }
            server = Some(scene.start().await);
            if number == CONTRACTS / 2 {
                scene.bucket.start_again().await;
            }
        }
    }
    until_within(Duration::from_mins(2), "all is signed", async || {
        scene.signed().await == CONTRACTS
    })
    .await;
    let left = "select count(*) from engine.jobs where state in ('pending', 'processing', 'failed')
                and kind in ('enviar_contrato', 'guardar_contrato')";
    until_within(Duration::from_mins(1), "nothing is left", async || {
        scene.site.count(left).await == 0
    })
    .await;
    // A server that refuses a message says so; not what it carried.
    let wrong = format!(
        "{}/api/webhooks/mifiel?token={TOKEN}&token={TOKEN}",
        scene.site.url
    );
    let answer = scene.client.post(wrong).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 400);
    server.unwrap().stop().await;
    scene.assert_each_once().await;
    let log = scene.site.log().to_uppercase();
    assert!(
        log.contains("WEBHOOK REFUSED") && log.contains("DEBUG"),
        "the log is there"
    );
    let token = TOKEN.to_uppercase();
    for secret in [token.as_str(), &APP_SECRET.to_uppercase(), "TOKEN="]
        .into_iter()
        .chain(SECRETS)
    {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} was logged");
    }
}
