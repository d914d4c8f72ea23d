//! `onlycar doctor`

mod account;
mod check;
mod configuration;
mod data;
mod database;
mod steps;
mod store;
mod tell;
mod vendors;

use std::future::Future;
use std::io::{IsTerminal, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt as _};

use super::database::DevFolder;
use super::{Outcome, Usage, say};
use crate::ground::config::{Examined, Settings};
use check::{Check, KEYS, Status};

/// A question that has no answer by then has failed; all of them are asked at the same time.
const PATIENCE: Duration = Duration::from_secs(10);

/// The database is asked a dozen, one after the other.
const LONGER: Duration = Duration::from_secs(30);

/// Check everything that production needs: the company's checklist, line by line
///
/// Every variable, the database and its rights, clocks, the store of documents, each provider's key and what it lets us do,
/// the webhook registered at Stripe, mail, the queue, the audit log, alerts. What only a person can do is a step by hand:
/// `doctor done` notes that it was done, and by whom. docs/checklist.md has each line of the checklist with its checks.
///
/// Nothing is changed but a probe object that is written to the store, read and removed. Exit code 0 when nothing fails
/// (warnings and steps that are still to be done do not), 1 when something does.
///
/// Example: onlycar doctor
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Doctor {
    #[command(subcommand)]
    step: Option<Step>,
    #[command(flatten)]
    examine: Examine,
}

#[derive(Args)]
struct Examine {
    /// Look at variables and settings only: nothing is connected to, the database neither
    #[arg(long)]
    offline: bool,
    /// The settings file that the server is started with
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

#[derive(Subcommand)]
enum Step {
    Done(steps::Done),
    Undo(steps::Undo),
}

impl Doctor {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        match self.step {
            Some(Step::Done(done)) => done.run().await,
            Some(Step::Undo(undo)) => undo.run().await,
            None => self.examine.run().await,
        }
    }
}

impl Examine {
    async fn run(self) -> anyhow::Result<Outcome> {
        let file = match &self.config {
            Some(path) => Some(std::fs::read_to_string(path).map_err(|error| {
                let hint = "hint: name the file that `onlycar serve --config` is given";
                Usage(format!("{} cannot be read: {error}\n{hint}", path.display()))
            })?),
            None => None,
        };
        let examined = Settings::examine(&self.dev.at_hand()?, file.as_deref());
        let mut checks = configuration::checks(&examined);
        if !self.offline {
            checks.extend(ask(&examined).await);
        }
        // In the order of the checklist, whoever answered first.
        checks.sort_by_key(|check| KEYS.iter().position(|key| *key == check.key));
        say(if self.json {
            tell::json(&checks, examined.production, self.offline)?
        } else {
            tell::lines(&checks, examined.production, self.offline)
        })?;
        let fails = checks.iter().any(|check| check.status == Status::Failing);
        Ok(if fails { Outcome::FellShort } else { Outcome::Done })
    }
}

/// What needs an answer from outside: the checks that one question gives.
type Question<'a> = BoxFuture<'a, Vec<Check>>;

/// A question that ends in time, with what fails when it does not.
fn in_time<'a>(
    patience: Duration,
    keys: &'static [&'static str],
    question: impl Future<Output = Vec<Check>> + Send + 'a,
) -> Question<'a> {
    async move {
        let late = |key: &&'static str| {
            let said = format!("no answer within {} s", patience.as_secs());
            Check::failing(
                key,
                said,
                "can this machine reach it? look at the network and its status page",
            )
        };
        let answered = tokio::time::timeout(patience, question).await;
        answered.unwrap_or_else(|_| keys.iter().map(late).collect())
    }
    .boxed()
}

/// Asks everybody at once.
async fn ask(examined: &Examined) -> Vec<Check> {
    let Some(settings) = &examined.settings else {
        return Vec::new();
    };
    let mut questions: FuturesUnordered<Question<'_>> = FuturesUnordered::new();
    questions.push(in_time(
        LONGER,
        database::KEYS,
        database::checks(examined, settings),
    ));
    questions.push(in_time(PATIENCE, &["clock.provider"], vendors::clock(settings)));
    questions.push(in_time(
        PATIENCE,
        &["server.address"],
        vendors::our_address(examined, settings),
    ));
    questions.push(in_time(PATIENCE, &["r2.objects"], store::probe(settings)));
    questions.push(in_time(PATIENCE, &["stripe.key"], account::stripe_key(settings)));
    questions.push(in_time(
        PATIENCE,
        &["stripe.webhook"],
        account::stripe_webhook(settings),
    ));
    questions.push(in_time(PATIENCE, &["gigstack.key"], account::gigstack(settings)));
    questions.push(in_time(PATIENCE, &["mifiel.key"], account::mifiel(settings)));
    questions.push(in_time(PATIENCE, &["mail.smtp"], vendors::mail(settings)));
    questions.push(in_time(PATIENCE, &["supabase.keys"], vendors::supabase(settings)));
    questions.push(in_time(PATIENCE, &["cloudflare.d1"], vendors::d1(settings)));
    questions.push(in_time(PATIENCE, &["cloudflare.kv"], vendors::kv(settings)));
    questions.push(in_time(PATIENCE, &["redis"], vendors::redis(settings)));
    let (all, mut checks) = (questions.len(), Vec::new());
    let mut answered = 0;
    progress(answered, all);
    while let Some(found) = questions.next().await {
        answered += 1;
        progress(answered, all);
        checks.extend(found);
    }
    checks
}

/// Who waits at a terminal sees that something happens.
fn progress(answered: usize, all: usize) {
    let mut terminal = std::io::stderr();
    if !terminal.is_terminal() {
        return;
    }
    let line = if answered == all {
        // Nothing of it stays.
        "\r\u{1b}[K".to_owned()
    } else {
        format!("\rasking: {answered} of {all} answered\u{1b}[K")
    };
    let _ = write!(terminal, "{line}");
    let _ = terminal.flush();
}
