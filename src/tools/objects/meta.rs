//! What is stored beside the bytes, and which names an object may have.

use std::collections::HashMap;
use std::fmt::Write as _;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::StoreError;

/// The customer's requirement: documents are stored with a cache time of five years, as long as the tax code (Código
/// Fiscal de la Federación, article 30) has them kept: 5 × 365 days. `private`, because documents are shown to the one
/// who may see them and to no shared cache; `immutable`, because an object is never overwritten.
pub const FIVE_YEARS: &str = "private, max-age=157680000, immutable";

/// R2's limit for a key.
const LONGEST_KEY: usize = 1024;
/// R2's limit for the names and values of the metadata together.
const LARGEST_METADATA: usize = 8192;
/// File systems take names of 255 bytes; what the browser appends to a repeated one must fit too.
const LONGEST_FILE_NAME: usize = 150;

/// What may stand in `filename*` as it is (`attr-char` of RFC 8187).
const ATTR_CHAR: AsciiSet = NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// What a metadata value may not hold as it is: a header is ASCII, and white space in it is squeezed on the way.
const METADATA_VALUE: AsciiSet = CONTROLS.add(b' ').add(b'%');

/// What is told about a document.
#[derive(Debug, Clone)]
pub struct Meta<'a> {
    /// As in `application/pdf`.
    pub content_type: &'a str,
    /// The name under which it is saved by whoever downloads it.
    pub file_name: &'a str,
    /// How long it may be kept: [`FIVE_YEARS`] for documents.
    pub cache_control: &'a str,
    /// Names in lower case; values in any letters (stored percent-encoded where a header could not hold them).
    pub metadata: Vec<(&'a str, String)>,
}

/// The same, as headers.
#[derive(Debug, Clone)]
pub(super) struct Headers {
    pub(super) content_type: String,
    pub(super) content_disposition: String,
    pub(super) cache_control: String,
    pub(super) metadata: Vec<(String, String)>,
}

impl Meta<'_> {
    /// Refuses what no header can hold, before a byte is read.
    pub(super) fn headers(&self) -> Result<Headers, StoreError> {
        Ok(Headers {
            content_type: plain("content type", self.content_type)?,
            content_disposition: disposition(self.file_name),
            cache_control: plain("cache control", self.cache_control)?,
            metadata: metadata(&self.metadata)?,
        })
    }
}

/// Keys are ours, so they are held to what nobody along the way has a reason to rewrite: no `..`, no `//`, no escapes.
pub(super) fn check_key(key: &str) -> Result<&str, StoreError> {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    let step = |name: &str| !name.is_empty() && name != "." && name != "..";
    if key.len() <= LONGEST_KEY && key.bytes().all(fine) && key.split('/').all(step) {
        Ok(key)
    } else {
        Err(StoreError::Refused("its key is not one of ours".to_owned()))
    }
}

fn plain(what: &str, value: &str) -> Result<String, StoreError> {
    let visible = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if value.is_empty() || value.trim() != value || !value.bytes().all(visible) {
        return Err(StoreError::Refused(format!("its {what} is no header")));
    }
    Ok(value.to_owned())
}

fn metadata(pairs: &[(&str, String)]) -> Result<Vec<(String, String)>, StoreError> {
    let mut size = 0;
    let mut encoded = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        let fine =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if name.is_empty() || !name.bytes().all(fine) {
            return Err(StoreError::Refused(
                "a name of its metadata is no header".to_owned(),
            ));
        }
        let value = utf8_percent_encode(value, &METADATA_VALUE).to_string();
        size += name.len() + value.len();
        encoded.push(((*name).to_owned(), value));
    }
    if size > LARGEST_METADATA {
        return Err(StoreError::Refused(format!(
            "its metadata has {size} bytes; {LARGEST_METADATA} is the limit"
        )));
    }
    Ok(encoded)
}

/// As it was given to be stored.
pub(super) fn decoded(metadata: HashMap<String, String>) -> HashMap<String, String> {
    let pairs = metadata.into_iter();
    pairs
        .map(|(name, value)| (name, percent_decode_str(&value).decode_utf8_lossy().into_owned()))
        .collect()
}

/// Always `attachment`: a document is not shown inside a page of whoever links to it. Letters beyond ASCII stand in
/// `filename*` (RFC 8187); the plain name is for programs that do not know it.
fn disposition(file_name: &str) -> String {
    let name = saved_as(file_name);
    let ascii: String = name
        .chars()
        .map(|letter| if letter.is_ascii() { letter } else { '_' })
        .collect();
    let mut header = format!("attachment; filename=\"{ascii}\"");
    if ascii != name {
        let encoded = utf8_percent_encode(&name, &ATTR_CHAR);
        // Writing to a string cannot fail.
        let _ = write!(header, "; filename*=UTF-8''{encoded}");
    }
    header
}

/// A name that leaves no folder, breaks no header, and hides no ending behind letters that turn the text around.
fn saved_as(file_name: &str) -> String {
    let mut name = String::new();
    for letter in file_name.chars() {
        let kept =
            letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_' | '.' | '(' | ')' | ',' | '+');
        let letter = if kept { letter } else { '_' };
        if name.len() + letter.len_utf8() > LONGEST_FILE_NAME {
            break;
        }
        name.push(letter);
    }
    let name = name.trim_matches([' ', '.']);
    if name.is_empty() { "documento" } else { name }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{check_key, disposition, metadata};

    #[test]
    fn keys_are_plain_paths() {
        for key in [
            "facturas/2026/0f1e2d3c-aaaa-bbbb-cccc-0123456789ab.xml",
            "a",
            "a.b/_c/-d..e",
            &"k".repeat(1024),
        ] {
            assert!(check_key(key).is_ok(), "{key}");
        }
        for key in [
            "",
            "/a",
            "a/",
            "a//b",
            "../a",
            "a/../b",
            "a/./b",
            ".",
            "a b",
            "a%2fb",
            "añ",
            "a\\b",
            "a?b",
            "a#b",
            "a\nb",
            "a\0",
            &"k".repeat(1025),
        ] {
            assert!(check_key(key).is_err(), "{key}");
        }
    }

    #[test]
    fn names_survive_the_header() {
        for (name, header) in [
            ("factura-A-1.pdf", "attachment; filename=\"factura-A-1.pdf\""),
            (
                "Póliza año.pdf",
                "attachment; filename=\"P_liza a_o.pdf\"; filename*=UTF-8''P%C3%B3liza%20a%C3%B1o.pdf",
            ),
            ("../../etc/passwd", "attachment; filename=\"_.._etc_passwd\""),
            (
                "a\"; filename=\"b.exe",
                "attachment; filename=\"a__ filename__b.exe\"",
            ),
            ("a\r\nset-cookie: b", "attachment; filename=\"a__set-cookie_ b\""),
            (
                "factura\u{202e}fdp.exe",
                "attachment; filename=\"factura_fdp.exe\"",
            ),
            (" .. ", "attachment; filename=\"documento\""),
        ] {
            assert_eq!(disposition(name), header, "{name}");
        }
        assert!(disposition(&"ñ".repeat(500)).len() < 700);
    }

    #[test]
    fn metadata_is_ascii() {
        let pairs = [
            ("tipo", " Nota de crédito\r\n50%".to_owned()),
            ("total", "1160.00".to_owned()),
        ];
        let encoded = metadata(&pairs).expect("it fits");
        assert_eq!(encoded[0].1, "%20Nota%20de%20cr%C3%A9dito%0D%0A50%25");
        assert_eq!(encoded[1].1, "1160.00");
        for name in ["", "Tipo", "ti po", "tipo:", "año", "a\n"] {
            assert!(metadata(&[(name, String::new())]).is_err(), "{name}");
        }
        assert!(metadata(&[("a", "b".repeat(8192))]).is_err());
    }
}
