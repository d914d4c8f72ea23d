//! What the API is asked to make: a form with a file, as the vendor's clients send it.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use serde::Deserialize;
use url::Url;

use super::super::answers::Refused;
use super::super::draft::{Draft, Party};
use super::super::multipart::{self, Part};

/// A new document.
pub(super) fn draft(headers: &HeaderMap, body: &Bytes) -> Result<Draft, Refused> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let parts = multipart::parts(kind.unwrap_or_default(), body);
    let parts = parts.ok_or_else(|| Refused::invalid("The body is no multipart form"))?;
    let mut draft = Draft {
        file_name: String::new(),
        file: Bytes::new(),
        signers: Vec::new(),
        ..Draft::default()
    };
    for part in &parts {
        put(&mut draft, part)?;
    }
    judge(&draft)?;
    Ok(draft)
}

fn put(draft: &mut Draft, part: &Part) -> Result<(), Refused> {
    let wrong = || Refused::invalid(format!("{} is not right", part.name));
    let number = || part.text().parse::<i64>().map(Some).map_err(|_| wrong());
    match part.name.as_str() {
        "file" => {
            draft.file_name = part.file_name.clone().ok_or_else(wrong)?;
            draft.file = part.content.clone();
        }
        "external_id" => draft.external_id = Some(part.text()),
        "callback_url" => draft.callback_url = Some(part.text()),
        "sign_callback_url" => draft.sign_callback_url = Some(part.text()),
        "message_for_signers" => draft.message_for_signers = Some(part.text()),
        "days_to_expire" => draft.days_to_expire = number()?,
        "remind_every" => draft.remind_every = number()?,
        "send_mail" => draft.send_mail = part.text().parse().map_err(|_| wrong())?,
        name => {
            if let Some((signer, field)) = of_signer(name) {
                put_signer(&mut draft.signers, signer, field, part.text()).ok_or_else(wrong)?;
            }
        }
    }
    Ok(())
}

/// As in `signatories[0][email]`.
fn of_signer(name: &str) -> Option<(usize, &str)> {
    let (number, field) = name
        .strip_prefix("signatories[")?
        .strip_suffix(']')?
        .split_once("][")?;
    Some((number.parse().ok()?, field))
}

/// Signers come in order; what the simulator does not know of them is passed over.
fn put_signer(signers: &mut Vec<Party>, number: usize, field: &str, text: String) -> Option<()> {
    if number == signers.len() {
        signers.push(Party::default());
    }
    let signer = signers.get_mut(number)?;
    match field {
        "name" => signer.name = text,
        "email" => signer.email = text,
        "tax_id" => signer.tax_id = Some(text),
        _ => {}
    }
    Some(())
}

fn judge(draft: &Draft) -> Result<(), Refused> {
    let is_pdf = draft.file.starts_with(b"%PDF-");
    let reachable = draft.signers.iter().all(|signer| signer.email.contains('@'));
    let mut urls = [&draft.callback_url, &draft.sign_callback_url]
        .into_iter()
        .flatten();
    let wrong = if draft.file.is_empty() {
        "file is missing"
    } else if !is_pdf {
        "file is no PDF"
    } else if draft.signers.is_empty() {
        "signatories is missing"
    } else if !reachable {
        "signatories email is not right"
    } else if urls.any(|url| Url::parse(url).is_err()) {
        "callback_url is not right"
    } else if draft.days_to_expire.is_some_and(|days| days < 1) {
        "days_to_expire is not right"
    } else {
        return Ok(());
    };
    Err(Refused::invalid(wrong))
}

/// What a document is told to be from now on; what is not named stays.
#[derive(Deserialize)]
pub(super) struct Changed {
    callback_url: Option<String>,
    sign_callback_url: Option<String>,
    external_id: Option<String>,
    message_for_signers: Option<String>,
    remind_every: Option<i64>,
}

pub(super) fn changed(body: &[u8]) -> Result<Changed, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused::invalid(error.to_string()))
}

impl Changed {
    pub(super) fn apply(self, draft: &mut Draft) {
        draft.callback_url = self.callback_url.or(draft.callback_url.take());
        draft.sign_callback_url = self.sign_callback_url.or(draft.sign_callback_url.take());
        draft.external_id = self.external_id.or(draft.external_id.take());
        draft.message_for_signers = self.message_for_signers.or(draft.message_for_signers.take());
        draft.remind_every = self.remind_every.or(draft.remind_every);
    }
}
