//! How Mifiel knows that we ask: the scheme of the Ruby gem api-auth, HMAC-SHA1 over five parts of the request
//! (github.com/mgomes/api_auth; Mifiel's own clients for Node.js and Java send the content hash empty, as here).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// What is signed of a request.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// Upper case.
    pub method: &'a str,
    /// As it is sent; empty where there is none.
    pub content_type: &'a str,
    /// As it is sent: base64 of the body's MD5, or empty.
    pub content_md5: &'a str,
    /// The path with its query.
    pub path: &'a str,
    /// As in the header `Date`.
    pub date: &'a str,
}

impl Signed<'_> {
    /// The five parts in one line.
    fn canonical(&self) -> String {
        let Self {
            method,
            content_type,
            content_md5,
            path,
            date,
        } = self;
        format!("{method},{content_type},{content_md5},{path},{date}")
    }

    /// In base64.
    pub fn signature(&self, secret: &[u8]) -> String {
        // An HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret) else {
            return String::new();
        };
        mac.update(self.canonical().as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }

    /// The header `Authorization`.
    pub fn authorization(&self, app_id: &str, secret: &[u8]) -> String {
        format!("APIAuth {app_id}:{}", self.signature(secret))
    }
}

/// The date of a request as HTTP writes it (RFC 9110, 5.6.7), with English names everywhere.
pub fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::{Signed, http_date};

    const DOCUMENT: &str = "/api/v1/documents/29f3cb01-744d-4eae-8718-213aec8a1678/file_signed";

    /// The first three are the vendor's own, from the tests of its clients for Python and Node.js.
    #[test]
    fn the_vendors_vectors_hold() {
        let date = "Fri, 05 Feb 2016 00:00:00 GMT";
        let later = "Tue, 30 May 2017 03:51:43 GMT";
        for (secret, parts, signature) in [
            (
                "secret_key",
                ["GET", "text/json", "zkuNetVTXWgvValQu70fpw==", "", date],
                "T9lDIpknHXt1jDcoiU0YnHi4flA=",
            ),
            (
                "secret_key",
                ["GET", "text/json", "1B2M2Y8AsgTpgAmY7PhCfg==", "", date],
                "Z+e8CG9ZGQ0YFxrKEYltxVu4tRU=",
            ),
            (
                "app-secret",
                [
                    "POST",
                    "application/json",
                    "",
                    "/api/v1/documents",
                    "Fri, 01 Jan 2016 00:00:00 GMT",
                ],
                "Qr94Z4Nvp0p5G1CsR5LpQDaTQXM=",
            ),
            (
                "secret_key",
                ["GET", "application/json", "", DOCUMENT, later],
                "wJl5ADjMIWhshtJFS8tsKrHUl3s=",
            ),
            (
                "secret_key",
                ["GET", "", "1B2M2Y8AsgTpgAmY7PhCfg==", DOCUMENT, later],
                "GTE1qt3TVi5hsF3daat8siXJxTE=",
            ),
        ] {
            let [method, content_type, content_md5, path, date] = parts;
            let signed = Signed {
                method,
                content_type,
                content_md5,
                path,
                date,
            };
            assert_eq!(signed.signature(secret.as_bytes()), signature, "{parts:?}");
        }
    }

    #[test]
    fn dates_are_those_of_http() {
        let at = "2017-05-30T03:51:43Z".parse().expect("a time");
        assert_eq!(http_date(at), "Tue, 30 May 2017 03:51:43 GMT");
    }
}
