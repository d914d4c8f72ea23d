//! What runs beside the server of `onlycar dev`, each on a port of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use rand::RngExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::cloudflare::{self, Cloudflare};
use super::environment::{BUCKET, ISSUER, Keys, MIFIEL_ID, MailAddresses, STRIPE_KEY, SUPABASE_ANON_KEY};
use super::gigstack::{self, Gigstack};
use super::mail::Mailbox;
use super::mifiel::{self, Mifiel};
use super::objects::ObjectStore;
use super::seed;
use super::stripe::Simulator;
use super::supabase::Supabase;
use crate::access::SAMPLE;
use crate::ground::clock::Clock;
use crate::ground::config::Issuer;

pub(super) async fn serve_objects(
    data_dir: &Path,
    keys: &Keys,
    stop: CancellationToken,
) -> anyhow::Result<SocketAddr> {
    let store = ObjectStore::open(
        &data_dir.join("objects"),
        BUCKET,
        &keys.s3_access,
        &keys.s3_secret,
    )?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(store.serve(listener, stop.cancelled_owned()));
    Ok(address)
}

pub(super) async fn serve_mail(data_dir: &Path, stop: CancellationToken) -> anyhow::Result<MailAddresses> {
    let mailbox = Mailbox::open(&data_dir.join("mail"))?;
    let smtp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let pages = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let addresses = MailAddresses {
        smtp: smtp.local_addr()?,
        pages: pages.local_addr()?,
    };
    let router = mailbox.router();
    tokio::spawn(mailbox.serve(smtp, stop.clone().cancelled_owned()));
    tokio::spawn(async move {
        axum::serve(pages, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
    });
    Ok(addresses)
}

/// An account that knows nothing yet; what happened in it is forgotten with the process.
pub(super) async fn serve_stripe(stop: CancellationToken) -> anyhow::Result<(Simulator, String)> {
    let simulator = Simulator::new(STRIPE_KEY, Clock::system())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(simulator.clone().serve(listener, stop.cancelled_owned()));
    Ok((simulator, url))
}

/// A team without invoices. Its ids differ in each run, as the database remembers those of the run before.
pub(super) async fn serve_gigstack(stop: CancellationToken) -> anyhow::Result<Gigstack> {
    let [rfc, name, regime, postal_code] = ISSUER.map(str::to_owned);
    let issuer = Issuer {
        rfc,
        name,
        regime,
        postal_code,
    };
    let account = gigstack::Account {
        seed: rand::rng().random(),
        ..gigstack::Account::new(&gigstack::key(false), issuer)
    };
    let gigstack = Gigstack::new(account, Clock::system())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    tokio::spawn(gigstack.clone().serve(listener, stop.cancelled_owned()));
    Ok(gigstack)
}

/// An account without documents.
pub(super) async fn serve_mifiel(keys: &Keys, stop: CancellationToken) -> anyhow::Result<Mifiel> {
    let account = mifiel::Account {
        seed: rand::rng().random(),
        ..mifiel::Account::new(MIFIEL_ID, &keys.mifiel)
    };
    let mifiel = Mifiel::new(account, Clock::system())?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    tokio::spawn(mifiel.clone().serve(listener, stop.cancelled_owned()));
    Ok(mifiel)
}

/// An account with an empty database and an empty namespace. They are other ones in each run: what an earlier one held is
/// told again.
pub(super) async fn serve_cloudflare(keys: &Keys, stop: CancellationToken) -> anyhow::Result<Cloudflare> {
    let clock = Clock::system();
    let account = cloudflare::Account {
        id: "cloudflare-dev".to_owned(),
        token: keys.cloudflare.clone(),
        database: clock.new_id().to_string(),
        namespace: clock.new_id().simple().to_string(),
    };
    let cloudflare = Cloudflare::new(account, clock)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    tokio::spawn(cloudflare.clone().serve(listener, stop.cancelled_owned()));
    Ok(cloudflare)
}

/// A project with one user of each role; the admin is the one that the panel offers.
pub(super) async fn serve_supabase(keys: &Keys, stop: CancellationToken) -> anyhow::Result<Supabase> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let users = vec![
        (SAMPLE.0, "admin", seed::ADMIN),
        ("operador@onlycar.example", "operador", seed::OPERATOR),
        ("cliente@onlycar.example", "cliente", seed::CLIENT_USER),
    ];
    let stop = stop.cancelled_owned();
    Supabase::serve(
        listener,
        SUPABASE_ANON_KEY,
        &keys.jwt,
        users,
        Clock::system(),
        stop,
    )
}
