//! `onlycar audit verify`

use clap::Args;

use crate::cli::database::DevFolder;
use crate::cli::{Outcome, say};
use crate::engine::audit::{self, Proof};
use crate::ground::clock::Clock;
use crate::tools::db;
use crate::tools::objects::Objects;
use crate::tools::signing::{PublicKey, Signer};

/// Prove that the log was not changed, or name the first row or signed head that does not fit
///
/// Seals what is new, computes every hash of the chain again, and compares it with the heads that were signed day by day:
/// with those in the store where it is configured and answers, else with the database's own copies. A log that was
/// rewritten and sealed anew is a chain that holds and does not fit its heads.
///
/// Exit code 0 when all fits, 1 when something does not. What a person should know besides is a warning.
///
/// Example: onlycar audit verify
#[derive(Args)]
pub struct Verify {
    /// The public key of another time, as `onlycar audit key` printed it, whose heads are to be believed; may be repeated
    #[arg(long = "key", value_name = "PUBLIC_KEY")]
    keys: Vec<PublicKey>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

impl Verify {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let settings = self.dev.settings()?;
        let pool = db::connect(&settings.database_url, &settings.file).await?.main;
        let objects = settings.r2.as_ref().map(Objects::new);
        let ours = Signer::of(&settings).map(|signer| signer.public());
        let keys: Vec<PublicKey> = self.keys.into_iter().chain(ours).collect();
        audit::seal(&pool).await?;
        let proof = audit::prove(&pool, objects.as_ref(), &keys, Clock::system().now()).await?;
        say(if self.json {
            serde_json::to_string_pretty(&proof)?
        } else {
            tell(&proof)
        })?;
        Ok(if proof.ok {
            Outcome::Done
        } else {
            Outcome::FellShort
        })
    }
}

fn tell(proof: &Proof) -> String {
    let mut lines = Vec::new();
    if let Some(intact) = &proof.chain {
        lines.push(format!(
            "the chain holds: {} rows, the last is {} with hash {}",
            intact.rows, intact.last_id, intact.last_hash
        ));
    }
    if let Some(broken) = &proof.broken {
        lines.push(format!(
            "the chain is broken at row {} of logs_auditoria: {}\n\
             hint: compare that row and the one before it with a backup",
            broken.id, broken.reason
        ));
    }
    for fault in &proof.faults {
        let row = fault
            .last_id
            .map(|id| format!(", up to row {id},"))
            .unwrap_or_default();
        lines.push(format!(
            "the head of {}{row} does not fit: {}",
            fault.day, fault.reason
        ));
    }
    if !proof.faults.is_empty() {
        let hint =
            "hint: what is up to the last head that fits is proven; compare the rows after it with a backup";
        lines.push(hint.to_owned());
    }
    if let (Some(last), true) = (proof.last_head, proof.faults.is_empty()) {
        let wherefrom = if proof.store_asked {
            "the store"
        } else {
            "the database"
        };
        lines.push(format!(
            "signed heads: {} of {wherefrom} fit, the last is of {last} (UTC)",
            proof.heads
        ));
    }
    lines.extend(proof.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.join("\n")
}
