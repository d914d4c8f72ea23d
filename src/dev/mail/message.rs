//! One captured mail.

use chrono::{DateTime, SecondsFormat, Utc};
use mail_parser::{Address, MessageParser};
use serde::Serialize;

use super::text;

const RETURN_PATH: &str = "Return-Path: <";
const ORIGINAL_TO: &str = "X-Original-To: ";

/// A captured mail, as JSON without its raw bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// Counts up from 1 in one folder.
    pub id: u64,
    /// When the message was written to disk.
    pub received_at: DateTime<Utc>,
    /// The author in the `From` header, or the envelope's sender without one.
    pub from: String,
    /// The envelope's recipients, blind copies included.
    pub to: Vec<String>,
    /// The subject, empty without one.
    pub subject: String,
    /// The text body, made from the HTML when there is only that.
    pub text: String,
    /// The HTML body.
    pub html: Option<String>,
    /// The message as received, under two lines of trace that hold its envelope.
    #[serde(skip)]
    pub raw: Vec<u8>,
}

/// Who a message is from and for, as said in the conversation.
#[derive(Clone, Debug, Default)]
pub(super) struct Envelope {
    pub(super) from: String,
    pub(super) to: Vec<String>,
}

impl Envelope {
    /// The message under the trace lines, which bring the envelope through a restart.
    pub(super) fn wrap(&self, data: &[u8]) -> Vec<u8> {
        let to = self.to.join(", ");
        let mut raw = format!("{RETURN_PATH}{}>\r\n{ORIGINAL_TO}{to}\r\n", self.from).into_bytes();
        raw.extend_from_slice(data);
        raw
    }

    fn unwrap(raw: &[u8]) -> Self {
        let mut lines = raw.split(|byte| *byte == b'\n').map(String::from_utf8_lossy);
        let from = lines.next().unwrap_or_default();
        let from = from
            .trim_end()
            .strip_prefix(RETURN_PATH)
            .and_then(|it| it.strip_suffix('>'));
        let to = lines.next().unwrap_or_default();
        let to = to.trim_end().strip_prefix(ORIGINAL_TO).unwrap_or_default();
        Self {
            from: from.unwrap_or_default().to_owned(),
            to: to
                .split(", ")
                .filter(|address| !address.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }
}

impl Message {
    /// Reads a stored message; bytes that are no mail still show up, with empty fields.
    pub(super) fn read(id: u64, received_at: DateTime<Utc>, raw: Vec<u8>) -> Self {
        let envelope = Envelope::unwrap(&raw);
        let mut message = Self {
            id,
            received_at,
            from: envelope.from,
            to: envelope.to,
            subject: String::new(),
            text: String::new(),
            html: None,
            raw: Vec::new(),
        };
        if let Some(parsed) = MessageParser::default().parse(&raw) {
            if let Some(author) = parsed.from().and_then(author) {
                message.from = author;
            }
            message.subject = parsed.subject().map(str::to_owned).unwrap_or_default();
            message.text = parsed.body_text(0).unwrap_or_default().into_owned();
            let html = parsed.html_part(0).filter(|part| part.is_text_html());
            message.html = html.and_then(|part| part.text_contents()).map(str::to_owned);
        }
        message.raw = raw;
        message
    }

    /// When it was received, for a person.
    pub(super) fn date(&self) -> String {
        text::date(self.received_at)
    }

    /// When it was received, for a machine.
    pub(super) fn timestamp(&self) -> String {
        self.received_at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

fn author(from: &Address<'_>) -> Option<String> {
    let author = from.first()?;
    let address = author.address()?;
    Some(match author.name() {
        Some(name) => format!("{name} <{address}>"),
        None => address.to_owned(),
    })
}
