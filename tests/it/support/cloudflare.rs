//! A simulated Cloudflare beside the program.

use onlycar::dev::cloudflare::{Account, Cloudflare};
use onlycar::ground::clock::Clock;
use tokio::net::TcpListener;

/// What no log, error or answer may hold.
pub const TOKEN: &str = "cloudflare token of the tests";
pub const DATABASE: &str = "0195d1d1-0000-7000-8000-000000000001";
pub const NAMESPACE: &str = "0195b0b0000070008000000000000001";

/// An account that holds nothing, on a port of its own.
pub async fn account(clock: &Clock) -> Cloudflare {
    named("0195acc0000070008000000000000001", clock).await
}

/// The same with this id.
pub async fn named(id: &str, clock: &Clock) -> Cloudflare {
    let account = Account {
        id: id.to_owned(),
        token: TOKEN.to_owned(),
        database: DATABASE.to_owned(),
        namespace: NAMESPACE.to_owned(),
    };
    let cloudflare = Cloudflare::new(account, clock.clone()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    tokio::spawn(cloudflare.clone().serve(listener, std::future::pending()));
    cloudflare
}
