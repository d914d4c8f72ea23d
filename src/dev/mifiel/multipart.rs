//! Forms with a file in them (RFC 7578), as the vendor's clients send a new document.

use axum::body::Bytes;

/// A field of a form.
pub(super) struct Part {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) content: Bytes,
}

impl Part {
    /// What was typed in.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }
}

/// Every field of a form, in order; none when it is not a whole form.
pub(super) fn parts(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(rest, "boundary")?;
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter stands at the very beginning, without a line before it.
    let mut at = body
        .starts_with(delimiter.trim_start().as_bytes())
        .then_some(delimiter.len() - 2)?;
    let mut parts = Vec::new();
    loop {
        let rest = body.get(at..)?;
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        let length = find(rest, delimiter.as_bytes())?;
        parts.push(part(&body.slice(at..at + length))?);
        at += length + delimiter.len();
    }
}

/// What stands between two delimiters: a line's end, headers, an empty line, the content.
fn part(whole: &Bytes) -> Option<Part> {
    const END: &[u8] = b"\r\n\r\n";
    let length = find(whole, END)?;
    let head = std::str::from_utf8(whole.get(..length)?).ok()?;
    let about = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    Some(Part {
        name: parameter(about, "name")?,
        file_name: parameter(about, "filename"),
        content: whole.slice(length + END.len()..),
    })
}

/// As in `; name="file"; filename=contrato.pdf`.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    text.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let fits = name.trim().eq_ignore_ascii_case(wanted);
        fits.then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
