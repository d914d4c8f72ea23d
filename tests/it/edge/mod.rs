//! What Cloudflare is told, over real HTTP to an account on this machine; and that nothing else notices what it does.

mod allowed;
mod blocked;
mod conformance;
mod faults;
mod mirrored;
mod overtaken;
mod quiet;
mod sessions;
mod settings;

use chrono::TimeDelta;
use onlycar::dev::cloudflare::Cloudflare;
use onlycar::ground::clock::Clock;
use serde_json::Value;
use uuid::Uuid;

use crate::support::{Story, TestApp, cloudflare};

const FLUSH: &str = "reflejar_documentos";
/// It comes by itself once, at the start; then when a test says so.
const QUIET: &str = "cloudflare.flush_every_seconds = 2000000000\ncloudflare.blocked_every_seconds = 1
limits.tell_after = 5
http.trusted_proxies = ['127.0.0.1/32']
limits.public.address = { per_minute = 1, burst = 2 }
cloudflare.blocked_clients = 3";

/// The program with a Cloudflare that it has seen once.
struct Rig {
    app: TestApp,
    cloudflare: Cloudflare,
    story: Story,
    /// Cloudflare's.
    clock: Clock,
}

impl Rig {
    async fn open() -> Self {
        Self::patient(1).await
    }

    /// It waits so many seconds for an answer.
    async fn patient(seconds: u32) -> Self {
        let clock = Clock::manual("2026-11-22T18:00:00Z".parse().unwrap());
        let cloudflare = cloudflare::account(&clock).await;
        let variables = cloudflare.variables();
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, &**value)).collect();
        let mut app = TestApp::configured(
            &variables,
            Some(&format!("{QUIET}\ncloudflare.timeout_seconds = {seconds}")),
        )
        .await;
        app.work();
        app.until("the mirror has run once", async || {
            let sql = "select exists (select from edge.stores where store = 'd1' and target is not null and busy_until <= $1)";
            let seen = sqlx::query_scalar(sql).bind(app.now());
            seen.fetch_one(&app.pool).await.unwrap()
        })
        .await;
        app.drain().await;
        let story = Story::create(&app.pool).await;
        Self {
            app,
            cloudflare,
            story,
            clock,
        }
    }

    /// The mirror runs.
    async fn flush(&self) {
        self.app.job(FLUSH).await;
    }

    /// Time passes for everybody.
    fn advance(&self, time: TimeDelta) {
        self.clock.advance(time);
        self.app.advance(time);
    }

    /// Time passes, and the mirror runs.
    async fn flush_after(&self, time: TimeDelta) {
        self.advance(time);
        self.flush().await;
    }

    /// What D1 holds.
    fn rows(&self) -> Vec<Value> {
        self.cloudflare.rows("cache_metadata")
    }

    /// What D1 holds of one document.
    fn shown(&self, id: Uuid) -> Value {
        let id = id.to_string();
        let rows = self.rows();
        let row = rows.into_iter().find(|row| row["id"] == *id);
        row.unwrap_or_default()
    }

    /// How many documents wait.
    async fn waiting(&self) -> i64 {
        self.app
            .one("select count(*) from edge.marks where version > mirrored")
            .await
    }

    /// How often D1 was asked.
    fn asked(&self) -> usize {
        self.cloudflare.asked().len()
    }

    /// An invoice as its record leaves it, and its mark.
    async fn invoice(&self) -> Uuid {
        let id = Uuid::new_v4();
        let insert =
            "insert into facturas_emitidas (id, uuid_sat, estado, origen, url_xml, sha256_xml, serie, folio)
                      values ($1, gen_random_uuid(), 'vigente', 'stripe', 'key', 'digest', 'A', '7')";
        sqlx::query(insert)
            .bind(id)
            .execute(&self.app.pool)
            .await
            .unwrap();
        self.mark(id).await;
        id
    }

    /// The invoice is another now, and marked.
    async fn cancel(&self, id: Uuid) {
        let update = "update facturas_emitidas set estado = 'cancelada' where id = $1";
        sqlx::query(update)
            .bind(id)
            .execute(&self.app.pool)
            .await
            .unwrap();
        self.mark(id).await;
    }

    /// As the story does for a fact.
    async fn mark(&self, id: Uuid) {
        use onlycar::engine::work::Unit;
        use onlycar::ground::facts::{Actor, Document, Fact};
        let mut work = self.app.engine.begin(Unit::by(Actor::System)).await.unwrap();
        work.say(Fact::DocumentMoved(Document::Invoice(id)));
        work.commit().await.unwrap();
    }
}
