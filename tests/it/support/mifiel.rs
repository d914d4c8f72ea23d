//! A simulated Mifiel beside the program, and what tells the program of it.

use onlycar::dev::mifiel::{Account, Mifiel};
use onlycar::ground::clock::Clock;
use tokio::net::TcpListener;

pub const APP_ID: &str = "app_of_the_tests";
/// Signs what the program asks, and `X-Mifiel-Signature`.
pub const APP_SECRET: &str = "mifiel secret of the tests";
/// In the address of the webhooks: 192 bits.
pub const TOKEN: &str = "b3f6a0c1d27e4958963c5d81e0fa47b2691c8de3754f0ab6";

/// Where its webhooks come in.
pub fn door(url: &str) -> String {
    format!("{url}/api/webhooks/mifiel?token={TOKEN}")
}

/// An account without documents, on a port of its own.
pub async fn account(clock: &Clock) -> Mifiel {
    let mifiel = Mifiel::new(Account::new(APP_ID, APP_SECRET), clock.clone()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    tokio::spawn(mifiel.clone().serve(listener, std::future::pending()));
    mifiel
}

/// The environment of a program at `url` whose Mifiel it is.
pub fn variables(mifiel: &Mifiel, url: &str) -> Vec<(&'static str, String)> {
    vec![
        ("MIFIEL_APP_ID", APP_ID.to_owned()),
        ("MIFIEL_APP_SECRET", APP_SECRET.to_owned()),
        ("MIFIEL_ENV", "sandbox".to_owned()),
        ("MIFIEL_BASE_URL", mifiel.url()),
        ("MIFIEL_WEBHOOK_URL", door(url)),
    ]
}
