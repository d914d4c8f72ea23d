//! Two ways to PostgreSQL. Directly, a connection is a session: it starts with our settings, and statements that were
//! prepared once are run in one round trip. Through a transaction pooler (pgbouncer, Supabase's) every transaction may
//! run on another session: settings come with each `begin`, and no statement has a name.

use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{Error, Row};

use crate::ground::config;

/// Only PostgreSQL itself takes this over from the options of a connection's start and gives it back.
const MARK: &str = "onlycar.direct";

/// With our settings for the whole session.
pub(super) fn direct(base: &PgConnectOptions, settings: &config::Database) -> PgConnectOptions {
    let mark = (MARK, "on".to_owned());
    base.clone()
        .options(self::settings(settings).into_iter().chain([mark]))
}

/// Without the options that poolers refuse or lose.
pub(super) fn through_a_pooler(base: &PgConnectOptions) -> PgConnectOptions {
    base.clone().extra_float_digits(None)
}

/// Whether the session is ours, asked without a prepared statement.
pub(super) async fn is_direct(pool: &PgPool) -> Result<bool, Error> {
    let ask = sqlx::raw_sql("select coalesce(current_setting('onlycar.direct', true), '') = 'on' as direct");
    // As text, because this is no prepared statement.
    ask.fetch_one(pool).await?.try_get("direct")
}

/// pgbouncer refuses options of a start that it does not know, and other poolers do likewise.
pub(super) fn refuses_options(error: &Error) -> bool {
    const PROTOCOL_VIOLATION: &str = "08P01";
    error.as_database_error().is_some_and(|error| {
        error.code().as_deref() == Some(PROTOCOL_VIOLATION) || error.message().contains("startup parameter")
    })
}

/// How a transaction begins that may run on anybody's session: in one round trip with our settings, for itself alone.
pub(super) fn begin(settings: &config::Database) -> String {
    let session = [
        ("timezone", "UTC".to_owned()),
        ("datestyle", "ISO, MDY".to_owned()),
    ];
    let settings = self::settings(settings);
    let locals = session.iter().chain(&settings);
    let locals = locals.map(|(name, value)| format!("; set local {name} = '{value}'"));
    format!("begin{}", locals.collect::<String>())
}

fn settings(settings: &config::Database) -> [(&'static str, String); 6] {
    let milliseconds = |seconds: u64| format!("{}", seconds * 1000);
    [
        (
            "statement_timeout",
            milliseconds(settings.statement_timeout_seconds),
        ),
        // Every statement is prepared and finds its rows by an index. Planned once, while the queue is empty, it would
        // keep a sequential scan when the queue is full; planned anew each time it would cost more than it does.
        ("plan_cache_mode", "force_generic_plan".to_owned()),
        ("enable_seqscan", "off".to_owned()),
        // A plain index scan remembers dead entries; a bitmap scan reads them again at every claim.
        ("enable_bitmapscan", "off".to_owned()),
        // Compiling a statement takes longer than running any of ours.
        ("jit", "off".to_owned()),
        (
            "idle_in_transaction_session_timeout",
            milliseconds(settings.idle_in_transaction_timeout_seconds),
        ),
    ]
}
