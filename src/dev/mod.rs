//! Everything that `onlycar dev` brings along, so that nothing has to be installed or configured: PostgreSQL, an
//! S3-compatible store, a mailbox, simulators of Stripe, Gigstack and Mifiel, sample data. Not in the release image.

mod announce;
pub mod cfdi;
pub mod gigstack;
pub mod mail;
pub mod mifiel;
mod neighbours;
pub mod objects;
mod pdf;
pub mod postgres;
mod seed;
pub mod simulator;
pub mod stripe;
mod tokens;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rand::RngExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::ground::clock::Clock;
use crate::ground::config::{Environment, Settings};
use crate::tools::db::{self, Pools};
use announce::Announcement;
use neighbours::{
    MailAddresses, mifiel_door, serve_gigstack, serve_mail, serve_mifiel, serve_objects, serve_stripe,
};
use postgres::Postgres;

/// The bucket's name, as in the customer's own example.
const BUCKET: &str = "onlycar-docs";
const DATABASE: &str = "onlycar";
/// What the simulator of Stripe answers to.
const STRIPE_KEY: &str = "sk_test_onlycar_dev";
/// What the simulator of Mifiel answers to; the secret is of each run.
const MIFIEL_ID: &str = "mifiel_dev";
/// Who issues the invoices: SAT's own test data.
const ISSUER: [&str; 4] = ["EKU9003173C9", "ESCUELA KEMPER URGATE", "612", "88000"];

/// What `onlycar dev` was told.
pub struct Options {
    /// Where the server listens, on this machine only.
    pub port: u16,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Whether to forget what was kept.
    pub fresh: bool,
}

/// Secrets made up for one run.
struct Keys {
    stripe: String,
    gigstack: String,
    mifiel: String,
    /// The token in the address of Mifiel's webhooks.
    mifiel_token: String,
    s3_access: String,
    s3_secret: String,
    jwt: String,
}

impl Keys {
    fn random() -> Self {
        let hex = || hex::encode(rand::rng().random::<[u8; 24]>());
        Self {
            stripe: format!("whsec_{}", hex()),
            gigstack: hex(),
            mifiel: hex(),
            mifiel_token: hex(),
            s3_access: "onlycardev".to_owned(),
            s3_secret: hex(),
            jwt: hex(),
        }
    }
}

/// Starts everything, says so, and runs until `stop`.
pub async fn run(options: &Options, stop: CancellationToken) -> anyhow::Result<()> {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
        .await
        .with_context(|| {
            format!(
                "cannot listen on port {}\nhint: is another `onlycar dev` running? choose another --port",
                options.port
            )
        })?;
    let _lock = lock(&options.data_dir)?;
    prepare(options)?;
    let postgres = start_postgres(&options.data_dir).await?;
    let outcome = run_on(options, &postgres, server, stop).await;
    let stopped = tokio::task::spawn_blocking(|| postgres.stop()).await?;
    outcome.and(stopped)
}

async fn run_on(
    options: &Options,
    postgres: &Postgres,
    server: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let keys = Keys::random();
    let s3 = serve_objects(&options.data_dir, &keys, stop.clone()).await?;
    let mail = serve_mail(&options.data_dir, stop.clone()).await?;
    let (stripe, stripe_url) = serve_stripe(stop.clone()).await?;
    let gigstack = serve_gigstack(stop.clone()).await?;
    let mifiel = serve_mifiel(&keys, stop.clone()).await?;
    create_database(postgres).await?;
    let base_url = format!("http://localhost:{}", server.local_addr()?.port());
    stripe.send_to(&format!("{base_url}/api/webhooks/stripe"), &keys.stripe);
    gigstack.send_to(&base_url, &keys.gigstack);
    mifiel.send_to(&mifiel_door(&base_url, &keys), &keys.mifiel);
    let near = Neighbours {
        database_url: postgres.url(DATABASE),
        s3,
        mail,
        stripe_url,
        gigstack_url: gigstack.url(),
        mifiel_url: mifiel.url(),
    };
    let environment = environment(&base_url, &near, &keys);
    let settings = Settings::from_parts(&environment, None)?;
    let pools = db::connect(&settings.database_url, &settings.file).await?;
    db::migrate(&pools.main).await?;
    seed::sample_data(&pools.main, Clock::system().now()).await?;
    let announcement = Announcement {
        base_url,
        database_url: near.database_url,
        s3_endpoint: format!("http://{s3}"),
        mail_url: format!("http://{}", near.mail.pages),
        stripe_url: near.stripe_url,
        gigstack_url: near.gigstack_url,
        mifiel_url: near.mifiel_url,
        keys,
    };
    let app = App::new(&settings, pools.clone(), Clock::system())?;
    let file = announcement.write(&options.data_dir)?;
    announcement.print(&options.data_dir)?;
    let outcome = app.run(Some(server), true, stop).await;
    // Whoever reads the file finds a server that runs; when it is gone, so is the file.
    let _ = std::fs::remove_file(file);
    close(pools).await;
    outcome
}

async fn close(pools: Pools) {
    pools.main.close().await;
    pools.inbox.close().await;
    pools.leases.close().await;
}

/// Held for as long as `dev` runs: another one must not work on the same data, still less forget it.
fn lock(folder: &Path) -> anyhow::Result<File> {
    let make = || format!("the folder {} cannot be made", folder.display());
    std::fs::create_dir_all(folder).with_context(make)?;
    let path = folder.join("dev.lock");
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let mut file = file.with_context(|| format!("{} cannot be opened", path.display()))?;
    if file.try_lock().is_err() {
        let mut holder = String::new();
        file.read_to_string(&mut holder)?;
        anyhow::bail!(
            "{} is in use by process {}\nhint: stop that `onlycar dev`, or choose another --data-dir",
            folder.display(),
            holder.trim(),
        );
    }
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}

fn prepare(options: &Options) -> anyhow::Result<()> {
    let folder = &options.data_dir;
    if options.fresh {
        // Only what `dev` made; the folder may be a mount or hold something else.
        for name in ["postgres", "objects", "mail"] {
            let path = folder.join(name);
            if path.exists() {
                std::fs::remove_dir_all(&path)
                    .with_context(|| format!("{} cannot be removed", path.display()))?;
            }
        }
    }
    Ok(())
}

/// Starts the server in a thread that may block; progress goes to standard error.
async fn start_postgres(data_dir: &Path) -> anyhow::Result<Postgres> {
    let options = postgres::Options::kept(data_dir.join("postgres"));
    let program = std::env::current_exe().context("the path of this program is unknown")?;
    tokio::task::spawn_blocking(move || {
        Postgres::start(&options, &program, &mut |line| tracing::info!("{line}"))
    })
    .await?
}

async fn create_database(postgres: &Postgres) -> anyhow::Result<()> {
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(&postgres.url("postgres")).await?;
    let exists = sqlx::query_scalar::<_, bool>("select exists (select from pg_database where datname = $1)");
    if !exists.bind(DATABASE).fetch_one(&mut connection).await? {
        sqlx::query("create database onlycar")
            .execute(&mut connection)
            .await?;
    }
    Ok(())
}

/// What the server needs around it.
struct Neighbours {
    database_url: String,
    s3: SocketAddr,
    mail: MailAddresses,
    stripe_url: String,
    gigstack_url: String,
    mifiel_url: String,
}

/// The environment that the contract asks for, all of it, with everything on this machine.
fn environment(base_url: &str, near: &Neighbours, keys: &Keys) -> Environment {
    let text = |text: &str| text.to_owned();
    let [rfc, issuer, regime, postal_code] = ISSUER;
    [
        ("DATABASE_URL", near.database_url.clone()),
        ("PUBLIC_URL", text(base_url)),
        ("LOG_FORMAT", text("pretty")),
        ("STRIPE_PUBLISHABLE_KEY", text("pk_test_onlycar_dev")),
        ("STRIPE_SECRET_KEY", text(STRIPE_KEY)),
        ("STRIPE_API_BASE", near.stripe_url.clone()),
        ("STRIPE_WEBHOOK_SECRET", keys.stripe.clone()),
        ("STRIPE_ACCOUNT_ID", text("acct_onlycar_dev")),
        ("STRIPE_GIGSTACK_CONNECTION_ID", text("conexion_dev")),
        ("GIGSTACK_API_KEY", gigstack::key(false)),
        ("GIGSTACK_API_SECRET", keys.gigstack.clone()),
        ("GIGSTACK_ENV", text("sandbox")),
        ("GIGSTACK_BASE_URL", near.gigstack_url.clone()),
        ("MIFIEL_APP_ID", text(MIFIEL_ID)),
        ("MIFIEL_APP_SECRET", keys.mifiel.clone()),
        ("MIFIEL_ENV", text("sandbox")),
        ("MIFIEL_BASE_URL", near.mifiel_url.clone()),
        ("MIFIEL_WEBHOOK_URL", mifiel_door(base_url, keys)),
        ("EMISOR_RFC", text(rfc)),
        ("EMISOR_RAZON_SOCIAL", text(issuer)),
        ("EMISOR_REGIMEN", text(regime)),
        ("EMISOR_CP", text(postal_code)),
        ("R2_ACCOUNT_ID", text("dev")),
        ("R2_ACCESS_KEY_ID", keys.s3_access.clone()),
        ("R2_SECRET_ACCESS_KEY", keys.s3_secret.clone()),
        ("R2_BUCKET_NAME", text(BUCKET)),
        ("R2_ENDPOINT", format!("http://{}", near.s3)),
        ("SUPABASE_URL", text(base_url)),
        ("SUPABASE_ANON_KEY", text("anon_dev")),
        ("SUPABASE_SERVICE_ROLE_KEY", text("service_dev")),
        ("SUPABASE_JWT_SECRET", keys.jwt.clone()),
        ("SMTP_URL", format!("smtp://{}", near.mail.smtp)),
        ("MAIL_FROM", text("OnlyCar <hola@onlycar.example>")),
        ("TEAM_EMAIL", text("equipo@onlycar.example")),
    ]
    .into_iter()
    .collect()
}

#[cfg(test)]
mod tests {
    use axum::extract::FromRequestParts;
    use axum::http::Request;
    use axum::http::request::Parts;
    use uuid::Uuid;

    use super::*;
    use crate::access::{Access, Admin, Customer, Operator, Staff};

    const URL: &str = "http://localhost:8080";

    fn near() -> Neighbours {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        Neighbours {
            database_url: "postgres://localhost/onlycar".to_owned(),
            s3: address,
            mail: MailAddresses {
                smtp: address,
                pages: address,
            },
            stripe_url: "http://localhost:1".to_owned(),
            gigstack_url: "http://localhost:2".to_owned(),
            mifiel_url: "http://localhost:3".to_owned(),
        }
    }

    fn asks(role: &'static str, user: Uuid, keys: &Keys) -> Parts {
        let now = Clock::system().now();
        let token = tokens::token(&tokens::Holder { role, user }, URL, &keys.jwt, now);
        let bearer = format!("Bearer {}", token.expect("a token"));
        let request = Request::builder().header("authorization", bearer);
        request.body(()).expect("a request").into_parts().0
    }

    #[tokio::test]
    async fn the_tokens_that_dev_prints_open_the_doors_of_their_role() {
        let keys = Keys::random();
        let environment = environment(URL, &near(), &keys);
        let settings = Settings::from_parts(&environment, None).expect("all that is needed");
        let supabase = settings.supabase.as_ref();
        let access = Access::new(supabase, &settings.file.access, Clock::system()).expect("access");
        let user = Uuid::from_u128(7);

        let mut operator = asks("operador", user, &keys);
        let it = Operator::from_request_parts(&mut operator, &access).await;
        assert_eq!(it.expect("an operator").user(), user);
        let it = Staff::from_request_parts(&mut operator, &access).await;
        assert_eq!(it.expect("staff").actor().to_string(), format!("operador:{user}"));
        assert!(Admin::from_request_parts(&mut operator, &access).await.is_err());

        let mut admin = asks("admin", user, &keys);
        let it = Admin::from_request_parts(&mut admin, &access).await;
        assert_eq!(it.expect("an admin").actor().to_string(), format!("admin:{user}"));
        assert!(Customer::from_request_parts(&mut admin, &access).await.is_err());

        let mut customer = asks("cliente", user, &keys);
        let it = Customer::from_request_parts(&mut customer, &access).await;
        assert_eq!(it.expect("a customer").user(), user);
        let mut forged = asks("admin", user, &Keys::random());
        assert!(Admin::from_request_parts(&mut forged, &access).await.is_err());
    }
}
