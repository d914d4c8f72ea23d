//! The command line: one file per command, one arm per command.

mod audit;
#[cfg(test)]
mod audited;
mod availability;
mod cfdi;
mod console;
mod contracts;
mod database;
#[cfg(feature = "dev")]
mod dev;
mod doctor;
mod documents;
mod drill;
mod edge;
mod events;
mod evidence;
mod global_invoice;
mod migrate;
mod openapi;
mod privacy;
mod reconcile;
mod serve;
#[cfg(feature = "dev")]
mod trigger;
mod when;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::ground::config::Problems;

/// Receives the webhooks of OnlyCar's providers and turns each into its effects, exactly once.
///
/// On a fresh machine, `onlycar dev` starts everything with nothing configured; then, in a second terminal,
/// `onlycar trigger payment_intent.succeeded` sends a signed event.
#[derive(Parser)]
#[command(name = "onlycar", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    #[cfg(feature = "dev")]
    Dev(dev::Dev),
    Migrate(migrate::Migrate),
    Doctor(doctor::Doctor),
    #[cfg(feature = "dev")]
    Trigger(trigger::Trigger),
    #[command(subcommand)]
    Events(events::Events),
    Reconcile(reconcile::Command),
    #[command(subcommand)]
    Audit(audit::Audit),
    Availability(availability::Availability),
    Drill(drill::Drill),
    #[command(subcommand)]
    Cfdi(cfdi::Cfdi),
    #[command(subcommand)]
    Contracts(contracts::Contracts),
    #[command(subcommand)]
    Documents(documents::Documents),
    #[command(subcommand)]
    Evidence(evidence::Evidence),
    #[command(subcommand)]
    GlobalInvoice(global_invoice::GlobalInvoice),
    #[command(subcommand)]
    Edge(edge::Edge),
    #[command(subcommand)]
    Privacy(privacy::Privacy),
    Openapi(openapi::Openapi),
    #[cfg(feature = "dev")]
    #[command(name = crate::dev::postgres::GUARD_SUBCOMMAND, hide = true)]
    PostgresGuard {
        #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
        arguments: Vec<std::ffi::OsString>,
    },
}

/// How a command that did not fail ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    /// A check fell short: what it found is printed already.
    FellShort,
}

/// Reads the command line and runs the command: 0 done, 1 it failed or a check fell short, 2 wrong usage or
/// configuration.
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    match run(command) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::FellShort) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {}", harmless(&explain(&error)));
            let configuration = error.is::<Problems>() || error.is::<Usage>();
            if configuration {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// For commands that need the documents themselves.
const NO_STORE: &str = "the store of documents is not configured\n\
                        hint: set R2_ACCOUNT_ID, R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY and R2_BUCKET_NAME";

/// The command was called in a way that cannot work; the text says how it can.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

fn run(command: Command) -> anyhow::Result<Outcome> {
    #[cfg(feature = "dev")]
    if let Command::PostgresGuard { arguments } = command {
        return crate::dev::postgres::run_guard(arguments).map(|()| Outcome::Done);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(run_async(command));
    // A file or a name being looked up in the background must not hold the exit up.
    runtime.shutdown_background();
    outcome
}

async fn run_async(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Serve(serve) => serve.run().await,
        #[cfg(feature = "dev")]
        Command::Dev(dev) => dev.run().await,
        Command::Migrate(migrate) => migrate.run().await,
        Command::Doctor(doctor) => doctor.run().await,
        #[cfg(feature = "dev")]
        Command::Trigger(trigger) => trigger.run().await,
        Command::Events(events) => events.run().await,
        Command::Reconcile(reconcile) => reconcile.run().await,
        Command::Audit(audit) => audit.run().await,
        Command::Availability(availability) => availability.run().await,
        Command::Drill(drill) => drill.run().await,
        Command::Cfdi(cfdi) => cfdi.run(),
        Command::Contracts(contracts) => contracts.run().await,
        Command::Documents(documents) => documents.run().await,
        Command::Evidence(evidence) => evidence.run().await,
        Command::GlobalInvoice(global) => global.run().await,
        Command::Edge(edge) => edge.run().await,
        Command::Privacy(privacy) => privacy.run().await,
        Command::Openapi(openapi) => openapi.run(),
        #[cfg(feature = "dev")]
        Command::PostgresGuard { .. } => Ok(Outcome::Done),
    }
}

/// The chain of causes once, with the hints at its end.
fn explain(error: &anyhow::Error) -> String {
    let mut causes = Vec::new();
    let mut hints = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        let (said, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
        causes.push(said.to_owned());
        if !hint.is_empty() {
            hints.push(format!("hint: {hint}"));
        }
    }
    std::iter::once(causes.join(": "))
        .chain(hints)
        .collect::<Vec<_>>()
        .join("\n")
}

/// What providers and clients wrote may hold letters that a terminal obeys, or that turn a line around: they are shown, as
/// JSON writes them, and do nothing.
fn harmless(text: &str) -> Cow<'_, str> {
    let obeyed = |letter: char| {
        letter.is_control() && !matches!(letter, '\n' | '\t')
            || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    for letter in text.chars() {
        if obeyed(letter) {
            let _ = write!(shown, "\\u{:04x}", u32::from(letter));
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// Writes to standard output; a reader that went away (`| head`) is no error.
fn say(text: impl std::fmt::Display) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{}", harmless(&text.to_string())) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => Ok(result?),
    }
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn a_terminal_obeys_nothing_that_came_from_outside() {
        for (text, shown) in [
            ("María\tRíos\n", "María\tRíos\n"),
            ("\u{1b}[2Jgone", "\\u001b[2Jgone"),
            ("\u{9b}2J", "\\u009b2J"),
            ("a\rb\u{7}\u{8}\u{7f}", "a\\u000db\\u0007\\u0008\\u007f"),
            ("\u{202e}xcod.exe", "\\u202excod.exe"),
        ] {
            assert_eq!(harmless(text), shown);
        }
        // What is JSON stays JSON, and the same.
        let json = serde_json::to_string("\u{9b}\u{202e}\u{1b}").expect("it is text");
        let read: String = serde_json::from_str(&harmless(&json)).expect("it is JSON");
        assert_eq!(read, "\u{9b}\u{202e}\u{1b}");
    }
}
