//! The real program on a database of its own, over real HTTP, with captured mail and a clock that stands still.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use onlycar::app::App;
use onlycar::dev::gigstack::Gigstack;
use onlycar::dev::mail::{Mailbox, Message};
use onlycar::dev::mifiel::Mifiel;
use onlycar::dev::stripe::{self, Simulator};
use onlycar::engine::work::Unit;
use onlycar::engine::worker::Workers;
use onlycar::engine::{Engine, audit};
use onlycar::ground::clock::Clock;
use onlycar::ground::config::{Environment, Settings};
use onlycar::ground::facts::Actor;
use onlycar::tools::db::{self, Db};
use onlycar::tools::limits::Limits;
use onlycar::tools::outbound;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use sqlx::PgPool;
use tokio::net::TcpListener;

use super::bucket::Bucket;
use super::{database, gigstack, mifiel};

pub const SECRET: &str = "whsec_of_the_tests";
/// The key that the simulator of Stripe answers to.
pub const KEY: &str = "sk_test_of_the_tests";

/// Everything a test talks to. End each test with [`TestApp::finish`]: work left undone is a failure.
pub struct TestApp {
    pub url: String,
    /// The owner's way to the database.
    pub database_url: String,
    /// For the test's own SQL, as the owner.
    pub pool: PgPool,
    /// The program's own connections, as the role of the service.
    pub db: Db,
    pub clock: Clock,
    pub mail: Mailbox,
    /// Stripe, as far as the program can tell: what it is told happened, the program may ask.
    pub stripe: Simulator,
    /// Where it answers: `/v1/…` as Stripe, `/_sim/…` to be told what happens.
    pub stripe_url: String,
    /// Gigstack, as far as the program can tell.
    pub gigstack: Gigstack,
    /// Mifiel, as far as the program can tell.
    pub mifiel: Mifiel,
    /// Where documents are stored.
    pub bucket: Bucket,
    pub engine: Arc<Engine>,
    /// How much one client may ask for.
    pub limits: Limits,
    pub client: reqwest::Client,
    workers: Option<Workers>,
    finished: bool,
}

impl TestApp {
    /// The program with its workers.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// The same with more variables in its environment.
    pub async fn with(more: &[(&str, &str)]) -> Self {
        let mut app = Self::without_workers(more).await;
        app.work();
        app
    }

    /// The program that only receives; [`TestApp::work`] starts its workers.
    pub async fn without_workers(more: &[(&str, &str)]) -> Self {
        Self::configured(more, None).await
    }

    /// The same with a settings file's text.
    pub async fn configured(more: &[(&str, &str)], file: Option<&str>) -> Self {
        Self::over(database::fresh().await, more, file).await
    }

    /// The same over this database; a `DATABASE_URL` in `more` is the program's own way to it.
    pub async fn over(database_url: String, more: &[(&str, &str)], file: Option<&str>) -> Self {
        let (mail, smtp) = mailbox().await;
        let clock = Clock::manual("2026-11-22T18:00:00Z".parse().unwrap());
        let (stripe, api) = simulator(&clock).await;
        let gigstack = gigstack::team(&clock).await;
        let mifiel = mifiel::account(&clock).await;
        let bucket = Bucket::start().await;
        // Documents at Mifiel name our address, so it stands before the program does.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut others = gigstack::variables(&gigstack);
        others.extend(mifiel::variables(&mifiel, &url));
        others.extend(bucket.variables());
        let mut neighbours = vec![("SMTP_URL", smtp.as_str())];
        // With a live key the program refuses a simulator.
        if !more.iter().any(|(_, value)| value.starts_with("sk_live_")) {
            neighbours.push(("STRIPE_API_BASE", api.as_str()));
            neighbours.extend(others.iter().map(|(name, value)| (*name, value.as_str())));
        }
        let settings = settings(&database::as_service(&database_url), &neighbours, more, file);
        let pools = db::connect(&settings.database_url, &settings.file).await.unwrap();
        let App {
            engine,
            router,
            limits,
            ..
        } = App::new(&settings, pools.clone(), clock.clone()).unwrap();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        stripe.send_to(&format!("{url}/api/webhooks/stripe"), SECRET);
        gigstack.send_to(&url, gigstack::SECRET);
        mifiel.send_to(&mifiel::door(&url), mifiel::APP_SECRET);
        let client = outbound::client().unwrap();
        Self {
            url,
            pool: PgPool::connect(&database_url).await.unwrap(),
            database_url,
            db: pools.main,
            clock,
            mail,
            stripe,
            stripe_url: api,
            gigstack,
            mifiel,
            bucket,
            engine,
            limits,
            client,
            workers: None,
            finished: false,
        }
    }

    pub fn work(&mut self) {
        self.workers = Some(Workers::start(&self.engine));
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Sends bytes to Stripe's door with this signature.
    pub async fn post(&self, signature: &str, body: impl Into<reqwest::Body>) -> Response {
        let request = self.client.post(format!("{}/api/webhooks/stripe", self.url));
        request
            .header("stripe-signature", signature)
            .body(body)
            .send()
            .await
            .unwrap()
    }

    /// Sends bytes with a right signature.
    pub async fn post_signed(&self, body: Vec<u8>) -> Response {
        self.post(&stripe::sign(SECRET, self.now(), &body), body).await
    }

    /// Sends an event with a right signature and expects it to be taken.
    pub async fn send(&self, event: &Value) {
        let answer = self.post_signed(stripe::body(event)).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// Sends it and waits until it and what follows from it is done.
    pub async fn handle(&self, event: &Value) {
        self.send(event).await;
        self.drain().await;
    }

    /// Waits until nothing is due any more.
    pub async fn drain(&self) {
        let due =
            "select (select count(*) from webhooks.events where state in ('pending', 'processing', 'failed')
                               and (state = 'processing' or run_at <= $1))
                        + (select count(*) from engine.jobs where state in ('pending', 'processing', 'failed')
                               and (state = 'processing' or run_at <= $1))";
        self.until("nothing is due any more", || async {
            let due: i64 = sqlx::query_scalar(due)
                .bind(self.now())
                .fetch_one(&self.pool)
                .await
                .unwrap();
            due == 0
        })
        .await;
    }

    /// Asks again and again until it is so, for at most 45 seconds.
    pub async fn until<F: Future<Output = bool>>(&self, what: &str, so: impl Fn() -> F) {
        let asked = tokio::time::timeout(Duration::from_secs(45), async {
            let mut pause = tokio::time::interval(Duration::from_millis(10));
            while !so().await {
                pause.tick().await;
            }
        });
        assert!(asked.await.is_ok(), "waited in vain until {what}");
    }

    /// Moves the clock, as if the time had passed.
    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// One value out of the database.
    pub async fn one<T>(&self, sql: &'static str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    /// A row as JSON, to compare as a whole.
    pub async fn row(&self, table: &str, id: impl ToString) -> Value {
        let sql = format!("select to_jsonb(t) from {table} t where id::text = $1");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(id.to_string())
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// An amount as PostgreSQL prints it.
    pub async fn amount(&self, table: &str, column: &str, id: impl ToString) -> String {
        let sql = format!("select {column}::text from {table} where id::text = $1");
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(id.to_string());
        query.fetch_one(&self.pool).await.unwrap()
    }

    /// State and last error of an event.
    pub async fn state(&self, event: &Value) -> (String, Option<String>) {
        let sql = "select state, last_error from webhooks.events where event_id = $1";
        sqlx::query_as(sql)
            .bind(event["id"].as_str().unwrap())
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// What the audit log says, in order.
    pub async fn audit(&self) -> Vec<(String, String, String)> {
        let sql = "select actor, accion, recurso_id from logs_auditoria order by id";
        sqlx::query_as(sql).fetch_all(&self.pool).await.unwrap()
    }

    /// The causes of the open alerts.
    pub async fn alerts(&self) -> Vec<String> {
        let sql = "select cause from engine.alerts where resolved_at is null order by cause";
        sqlx::query_scalar(sql).fetch_all(&self.pool).await.unwrap()
    }

    /// Does a job that comes by itself, now.
    pub async fn job(&self, kind: &str) {
        self.job_later(kind).await;
        self.drain().await;
    }

    /// The same without waiting for it.
    pub async fn job_later(&self, kind: &str) {
        let insert =
            "insert into engine.jobs (id, kind, payload, created_at, run_at) values ($1, $2, '{}', $3, $3)";
        let insert = sqlx::query(insert)
            .bind(self.clock.new_id())
            .bind(kind)
            .bind(self.now());
        insert.execute(&self.pool).await.unwrap();
    }

    /// The mail that came, once there are so many.
    pub async fn mails(&self, count: usize) -> Vec<Arc<Message>> {
        self.mail.wait_for(count, Duration::from_secs(45)).await.unwrap()
    }

    /// Nothing is left to do, nothing died, and the audit chain holds.
    pub async fn finish(mut self) {
        self.drain().await;
        let left = "select (select count(*) from webhooks.events where state in ('failed', 'dead'))
                         + (select count(*) from engine.jobs where state in ('failed', 'dead'))";
        let left: i64 = self.one(left).await;
        assert_eq!(left, 0, "events or jobs failed: {:#?}", self.failed().await);
        self.stop().await;
        audit::seal(&self.db).await.unwrap();
        audit::verify(&self.db).await.unwrap().unwrap();
    }

    /// What failed, and why.
    async fn failed(&self) -> Vec<String> {
        let sql = "select concat_ws(' ', event_type, state, last_error) from webhooks.events
                   where state in ('failed', 'dead')
                   union all
                   select concat_ws(' ', kind, state, last_error, payload) from engine.jobs
                   where state in ('failed', 'dead')";
        sqlx::query_scalar(sql).fetch_all(&self.pool).await.unwrap()
    }

    /// Stops the workers softly; for tests that leave failed work behind on purpose.
    pub async fn stop(&mut self) {
        self.finished = true;
        if let Some(workers) = self.workers.take() {
            workers.stop().await;
        }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        assert!(
            self.finished || std::thread::panicking(),
            "end the test with finish() or stop()"
        );
    }
}

/// A mailbox on a port of its own.
pub async fn mailbox() -> (Mailbox, String) {
    let folder = tempfile::tempdir().unwrap().keep();
    let mail = Mailbox::open(&folder).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let smtp = format!("smtp://{}", listener.local_addr().unwrap());
    tokio::spawn(mail.clone().serve(listener, std::future::pending()));
    (mail, smtp)
}

/// A Stripe on a port of its own, and its address.
pub async fn simulator(clock: &Clock) -> (Simulator, String) {
    let stripe = Simulator::new(KEY, clock.clone()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(stripe.clone().serve(listener, std::future::pending()));
    (stripe, url)
}

/// The settings of a sandbox, with the addresses of its neighbours and what the test adds.
pub fn settings(
    database_url: &str,
    neighbours: &[(&str, &str)],
    more: &[(&str, &str)],
    file: Option<&str>,
) -> Settings {
    let base = [
        ("DATABASE_URL", database_url),
        ("STRIPE_WEBHOOK_SECRET", SECRET),
        ("STRIPE_SECRET_KEY", KEY),
        ("MAIL_FROM", "OnlyCar <hola@onlycar.example>"),
        ("TEAM_EMAIL", "equipo@onlycar.example"),
    ];
    let all = base.iter().chain(neighbours).chain(more).copied();
    let environment: Environment = all.collect();
    // Providers are asked what was missed, and the store is swept, only by the tests that are about it. A machine that
    // runs every test at once may keep a job waiting for a connection longer than production would. Nobody tells the
    // workers that a test moved its clock: they look more often.
    let file = format!("{QUIET}\n{}", file.unwrap_or_default());
    Settings::from_parts(&environment, Some(&file)).unwrap()
}

const QUIET: &str = "worker.poll_ms = 20
stripe.reconcile_every_seconds = 0
stripe.watch_every_seconds = 0
gigstack.reconcile_every_seconds = 0
mifiel.reconcile_every_seconds = 0
mifiel.reminders = false
retention.uploads_days = 0
monitoring.probe_every_seconds = 0
monitoring.check_every_seconds = 0
monitoring.count_every_seconds = 0
database.acquire_timeout_ms = 30000
audit.sign_daily = false";

/// What a production environment needs besides the base; `example.com` answers nobody in a test.
pub const PRODUCTION: [(&str, &str); 24] = [
    ("PUBLIC_URL", "https://onlycar.example"),
    ("STRIPE_PUBLISHABLE_KEY", "pk_live_of_the_tests"),
    ("STRIPE_SECRET_KEY", "sk_live_of_the_tests"),
    ("STRIPE_ACCOUNT_ID", "acct_of_the_tests"),
    ("STRIPE_GIGSTACK_CONNECTION_ID", "connection"),
    ("GIGSTACK_API_KEY", "sk_live_of_the_tests"),
    ("GIGSTACK_API_SECRET", "secret"),
    ("GIGSTACK_ENV", "production"),
    ("MIFIEL_APP_ID", "app"),
    ("MIFIEL_APP_SECRET", "secret"),
    ("MIFIEL_ENV", "production"),
    (
        "MIFIEL_WEBHOOK_URL",
        "https://onlycar.example/api/webhooks/mifiel?token=b3f6a0c1d27e4958963c5d81e0fa47b2",
    ),
    ("EMISOR_RFC", "EKU9003173C9"),
    ("EMISOR_RAZON_SOCIAL", "ESCUELA KEMPER URGATE"),
    ("EMISOR_REGIMEN", "612"),
    ("EMISOR_CP", "88000"),
    ("R2_ACCOUNT_ID", "account"),
    ("R2_ACCESS_KEY_ID", "key"),
    ("R2_SECRET_ACCESS_KEY", "secret"),
    ("R2_BUCKET_NAME", "onlycar-docs"),
    ("SUPABASE_URL", "https://project.supabase.example"),
    ("SUPABASE_ANON_KEY", "anon"),
    ("SUPABASE_SERVICE_ROLE_KEY", "service"),
    ("TEAM_EMAIL", "equipo@onlycar.example"),
];

/// As a command asks.
pub fn console() -> Unit {
    Unit::by(Actor::Console(0))
}
