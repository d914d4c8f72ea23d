//! A simulated Gigstack beside the program, and what tells the program of it.

use onlycar::dev::gigstack::{Account, Gigstack, key};
use onlycar::ground::clock::Clock;
use onlycar::ground::config::Issuer;
use tokio::net::TcpListener;

/// Signs Gigstack's webhooks.
pub const SECRET: &str = "whsec_Z2lnc3RhY2sgb2YgdGhlIHRlc3Rz";

/// Who issues the invoices: SAT's own test data.
pub fn issuer() -> Issuer {
    Issuer {
        rfc: "EKU9003173C9".to_owned(),
        name: "ESCUELA KEMPER URGATE".to_owned(),
        regime: "612".to_owned(),
        postal_code: "88000".to_owned(),
    }
}

/// A team without invoices, on a port of its own.
pub async fn team(clock: &Clock) -> Gigstack {
    let gigstack = Gigstack::new(Account::new(&key(false), issuer()), clock.clone()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    tokio::spawn(gigstack.clone().serve(listener, std::future::pending()));
    gigstack
}

/// The environment of a program whose Gigstack it is.
pub fn variables(gigstack: &Gigstack) -> Vec<(&'static str, String)> {
    let issuer = issuer();
    vec![
        ("GIGSTACK_API_KEY", key(false)),
        ("GIGSTACK_API_SECRET", SECRET.to_owned()),
        ("GIGSTACK_ENV", "sandbox".to_owned()),
        ("GIGSTACK_BASE_URL", gigstack.url()),
        ("EMISOR_RFC", issuer.rfc),
        ("EMISOR_RAZON_SOCIAL", issuer.name),
        ("EMISOR_REGIMEN", issuer.regime),
        ("EMISOR_CP", issuer.postal_code),
    ]
}
