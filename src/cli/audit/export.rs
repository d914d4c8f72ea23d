//! `onlycar audit export`

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use chrono::SecondsFormat;
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::console::{console, note};
use crate::cli::database::DevFolder;
use crate::cli::when::when;
use crate::cli::{Outcome, Usage};
use crate::engine::Engine;
use crate::engine::audit::{self, Filter, Link};

/// Hand out the audit log, or a part of it, row by row with its hashes
///
/// docs/audit.md says how anybody computes the hashes again. The rows come in the order of their ids; times are in UTC.
/// That the log was handed out is noted in it first.
///
/// Example: onlycar audit export --since 2026-11-01 --until 2026-12-01 --out noviembre.csv
///
/// Example: onlycar audit export --since 48h --resource servicios --format json
#[derive(Args)]
pub struct Export {
    /// Written since: a day in Nuevo Laredo, a span such as 48h, or a time such as 2026-11-22T00:00:00Z
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Written before: a day (its beginning), a span or a time
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// csv as RFC 4180 has it, or one JSON object a line
    #[arg(long, value_enum, default_value = "csv")]
    format: Format,
    /// Where to; a file that is there is not touched. Without it, standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only by this actor, as in stripe or admin:ID
    #[arg(long, value_parser = word)]
    actor: Option<String>,
    /// Only about this kind of resource, as in servicios, or this one, as in servicios:ID
    #[arg(long, value_name = "KIND[:ID]", value_parser = word)]
    resource: Option<String>,
    #[command(flatten)]
    dev: DevFolder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
}

const COLUMNS: [&str; 12] = [
    "id",
    "ocurrido_en",
    "actor",
    "accion",
    "recurso_tipo",
    "recurso_id",
    "detalle",
    "ip",
    "evento_id",
    "trabajo_id",
    "hash_anterior",
    "hash",
];

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let engine = self.dev.machine().await?.engine;
        let filter = self.filter(&engine)?;
        let mut out = self.open()?;
        self.note(&engine, &filter).await?;
        audit::seal(&engine.pool).await?;
        match self.write(&engine, &filter, &mut out).await {
            // Whoever reads has enough (`| head`).
            Err(error) if is_broken_pipe(&error) => Ok(Outcome::Done),
            written => written.map(|()| Outcome::Done),
        }
    }

    fn filter(&self, engine: &Engine) -> Result<Filter, Usage> {
        let now = engine.clock.now();
        let time = |option: &str, text: &Option<String>| {
            text.as_deref().map(|text| when(option, text, now)).transpose()
        };
        let resource = self.resource.as_deref().unwrap_or_default();
        let (kind, id) = resource.split_once(':').unwrap_or((resource, ""));
        let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Filter {
            since: time("--since", &self.since)?,
            until: time("--until", &self.until)?,
            actor: self.actor.clone(),
            kind: named(kind),
            resource: named(id),
        })
    }

    fn open(&self) -> anyhow::Result<Box<dyn Write>> {
        Ok(match &self.out {
            None => Box::new(io::stdout()),
            Some(path) => Box::new(File::create_new(path).with_context(|| {
                format!(
                    "{} cannot be made\nhint: --out names a file that is not there yet, in a folder that is",
                    path.display()
                )
            })?),
        })
    }

    /// Before the first row: who breaks off has seen some all the same.
    async fn note(&self, engine: &Engine, filter: &Filter) -> anyhow::Result<()> {
        let format = if self.format == Format::Csv { "csv" } else { "json" };
        let detail = json!({
            "desde": filter.since, "hasta": filter.until, "formato": format,
            "por_actor": filter.actor, "por_recurso": self.resource,
        });
        note(
            engine,
            console(),
            "auditoria.exportada",
            "auditoria",
            "logs_auditoria",
            detail,
        )
        .await?;
        Ok(())
    }

    async fn write(&self, engine: &Engine, filter: &Filter, out: &mut dyn Write) -> anyhow::Result<()> {
        let mut out = BufWriter::new(out);
        if self.format == Format::Csv {
            out.write_all(&csv(std::iter::once(COLUMNS.map(Cow::from)))?)?;
        }
        let mut after = 0;
        while let Some(page) = audit::page(&engine.pool, filter, after).await? {
            after = page.up_to;
            match self.format {
                Format::Csv => out.write_all(&csv(page.rows.iter().map(cells))?)?,
                Format::Json => {
                    for row in &page.rows {
                        serde_json::to_writer(&mut out, row)?;
                        out.write_all(b"\n")?;
                    }
                }
            }
        }
        Ok(out.flush()?)
    }
}

/// Records as RFC 4180 has them.
fn csv<'a>(records: impl Iterator<Item = [Cow<'a, str>; 12]>) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for cells in records {
        writer.write_record(cells.iter().map(|cell| cell.as_bytes()))?;
    }
    writer.into_inner().context("the rows could not be written")
}

fn cells(row: &Link) -> [Cow<'_, str>; 12] {
    let or_none =
        |text: &'_ Option<String>| harmless(text.as_deref().unwrap_or_default()).into_owned().into();
    [
        row.id.to_string().into(),
        row.ocurrido_en
            .to_rfc3339_opts(SecondsFormat::Micros, true)
            .into(),
        harmless(&row.actor),
        harmless(&row.accion),
        harmless(&row.recurso_tipo),
        harmless(&row.recurso_id),
        harmless(&row.detalle),
        or_none(&row.ip),
        or_none(&row.evento_id),
        or_none(&row.trabajo_id),
        or_none(&row.hash_anterior),
        or_none(&row.hash),
    ]
}

/// A spreadsheet takes what begins so for a formula; an apostrophe in front makes it a text. One that was there already gets
/// another, so that whoever takes one away has the cell as it was.
fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'']) {
        Cow::from(format!("'{text}"))
    } else {
        Cow::from(text)
    }
}

/// What can stand in the log as an actor, a kind or an id; a name or an address of a person cannot.
fn word(text: &str) -> Result<String, String> {
    let fine = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-' | ':' | '.');
    if !text.is_empty() && text.len() <= 120 && text.chars().all(fine) {
        Ok(text.to_owned())
    } else {
        Err("letters, digits, _ - : and . only".to_owned())
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause
            .downcast_ref::<serde_json::Error>()
            .and_then(serde_json::Error::io_error_kind);
        kind.or(json) == Some(io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, shown) in [
            ("=1+1", "'=1+1"),
            ("+52", "'+52"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("'=1", "''=1"),
            ("stripe", "stripe"),
            ("{\"a\": \"=1\"}", "{\"a\": \"=1\"}"),
            ("", ""),
        ] {
            assert_eq!(harmless(cell), shown);
        }
    }
}
