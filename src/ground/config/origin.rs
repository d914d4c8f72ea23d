//! The origin of a page: who may read our answers from a browser.

use serde::Deserialize;
use url::{Host, Url};

/// Scheme, host and port, as a browser writes them in `Origin`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

impl Origin {
    /// As it stands in the header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no origin such as https://app.onlycar.mx (https, a host, at most a port, and nothing behind it)"
            )
        };
        let url = Url::parse(&text).map_err(|_| wrong())?;
        // What a browser on the developer's own machine says; nobody else can be that origin there.
        let here = matches!(url.host(), Some(Host::Domain("localhost")));
        let safe = url.scheme() == "https" || url.scheme() == "http" && here;
        let origin = url.origin().ascii_serialization();
        if safe && !text.contains('*') && text.trim_end_matches('/').eq_ignore_ascii_case(&origin) {
            Ok(Self(origin))
        } else {
            Err(wrong())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn an_origin_is_scheme_host_and_port_and_never_everybody() {
        for (text, header) in [
            ("https://app.onlycar.mx", "https://app.onlycar.mx"),
            ("https://App.OnlyCar.mx/", "https://app.onlycar.mx"),
            ("https://app.onlycar.mx:8443", "https://app.onlycar.mx:8443"),
            ("http://localhost:5173", "http://localhost:5173"),
        ] {
            assert_eq!(
                Origin::try_from(text.to_owned()).map(|it| it.0),
                Ok(header.to_owned())
            );
        }
        for text in [
            "*",
            "null",
            "",
            "app.onlycar.mx",
            "http://app.onlycar.mx",
            "https://*.onlycar.mx",
            "https://app.onlycar.mx/panel",
            "https://app.onlycar.mx?a",
            "https://user@app.onlycar.mx",
            "http://localhost.example",
            "file:///tmp",
        ] {
            assert!(Origin::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
