//! `onlycar global-invoice`, beside a running server.

use chrono::Utc;
use serde_json::Value;

use super::scene::*;
use crate::support::TestApp;
use crate::support::program::{Ended, onlycar, run};

async fn global_invoice(app: &TestApp, arguments: &[&str]) -> Ended {
    let mut command = onlycar(&[&["global-invoice"], arguments].concat());
    let address = app.pool.connect_options();
    let name = address.get_database().unwrap();
    command.env(
        "DATABASE_URL",
        format!(
            "postgres://{}@{}:{}/{name}",
            address.get_username(),
            address.get_host(),
            address.get_port()
        ),
    );
    run(command).await
}

async fn done(app: &TestApp, arguments: &[&str]) -> String {
    let ended = global_invoice(app, arguments).await;
    assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    ended.out
}
