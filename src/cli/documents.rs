//! `onlycar documents`

use std::io::{IsTerminal, Write as _};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::console::console;
use super::database::DevFolder;
use super::when::when;
use super::{Outcome, say};
use crate::documents::compare::{self, Finding, Report};
use crate::ground::clock::Clock;

/// Look after the stored documents
///
/// Example: onlycar documents verify --since 7d
#[derive(Subcommand)]
pub enum Documents {
    Verify(Verify),
}

/// Read every stored file and compare it with what was recorded when it was stored: its SHA-256 and its size
///
/// Exit code 0 when all fit, 1 when one is `missing`, `different` or `unreadable` (the store did not give it). What is
/// missing or different is told to the team (`documento-perdido`, `documento-alterado`) and handed out to nobody; once it
/// is right again, the next run closes the alert. That it was done is in the audit log, and on the first page of the panel.
/// Progress goes to standard error.
///
/// Example: onlycar documents verify --since 72h
#[derive(Args)]
pub struct Verify {
    /// Only documents that were recorded, or had a file stored, since then: a span such as 72h or 7d, or a time such as
    /// 2026-11-22T00:00:00Z
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    dev: DevFolder,
}

impl Documents {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let Self::Verify(verify) = self;
        verify.run().await
    }
}

impl Verify {
    async fn run(self) -> anyhow::Result<Outcome> {
        let now = Clock::system().now();
        let since = self.since.as_deref().map(|text| when("--since", text, now));
        let since = since.transpose()?;
        let machine = self.dev.machine().await?;
        let objects = machine.objects.as_ref().context(super::NO_STORE)?;
        let report = compare::compare(&machine.engine, objects, since, progress).await;
        let report = report.context("the documents could not be compared")?;
        compare::write_down(&machine.engine, console(), &report, since).await?;
        say(if self.json {
            serde_json::to_string_pretty(&report)?
        } else {
            tell(&report)
        })?;
        Ok(if report.findings.is_empty() {
            Outcome::Done
        } else {
            Outcome::FellShort
        })
    }
}

fn progress(report: &Report) {
    let end = if std::io::stderr().is_terminal() {
        "\r"
    } else {
        "\n"
    };
    // Nobody reads it: no reason to stop.
    let _ = write!(
        std::io::stderr(),
        "{} documents, {} files, {} MiB read, {} do not fit{end}",
        report.documents,
        report.files,
        report.bytes / (1024 * 1024),
        report.findings.len(),
    );
}

fn tell(report: &Report) -> String {
    let line = |finding: &Finding| {
        let Finding {
            kind,
            document,
            file,
            key,
            finding,
            detail,
        } = finding;
        format!("{finding:10}  {key}  ({file} of {kind} {document}): {detail}")
    };
    let mut lines: Vec<String> = report.findings.iter().map(line).collect();
    let (documents, files) = (report.documents, report.files);
    lines.push(match report.findings.len() {
        0 => format!("all {files} files of {documents} documents are what was stored"),
        count => format!("{count} of {files} files of {documents} documents are not as they should be"),
    });
    if report.without_digest > 0 {
        let count = report.without_digest;
        lines.push(format!(
            "{count} of them could only be read: no digest was recorded when they were stored"
        ));
    }
    lines.join("\n")
}
