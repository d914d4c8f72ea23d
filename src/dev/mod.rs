//! Everything that `onlycar dev` brings along, so that nothing has to be installed or configured: PostgreSQL, an
//! S3-compatible store, a mailbox, simulators of Stripe, Gigstack, Mifiel, Cloudflare and Supabase Auth, sample data. Not in the release image.

mod announce;
pub mod cfdi;
pub mod cloudflare;
mod environment;
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
pub mod supabase;
mod tokens;

use std::fs::File;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::ground::clock::Clock;
use crate::ground::config::Settings;
use crate::tools::db::{self, Pools};
use announce::Announcement;
use environment::{Keys, Neighbours, environment, mifiel_door};
use neighbours::{
    serve_cloudflare, serve_gigstack, serve_mail, serve_mifiel, serve_objects, serve_stripe, serve_supabase,
};
use postgres::Postgres;

const DATABASE: &str = "onlycar";
/// What `onlycar dev` was told.
pub struct Options {
    /// Where the server listens, on this machine only.
    pub port: u16,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Whether to forget what was kept.
    pub fresh: bool,
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
    let cloudflare = serve_cloudflare(&keys, stop.clone()).await?;
    let supabase = serve_supabase(&keys, stop.clone()).await?;
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
        cloudflare: cloudflare.variables().into(),
        supabase_url: supabase.url().to_owned(),
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
        cloudflare_url: cloudflare.url(),
        supabase_url: near.supabase_url,
        environment,
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
