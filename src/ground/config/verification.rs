//! How the webhooks of a provider are recognised, where its scheme is a matter of configuration.

use serde::Deserialize;

/// A list of schemes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// How many of them have to fit.
    pub policy: Policy,
    /// What is looked at.
    pub schemes: Vec<Scheme>,
}

/// How many schemes have to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// One is enough.
    Any,
    /// Every one.
    All,
}

/// What makes a message believable.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "scheme", rename_all = "snake_case", deny_unknown_fields)]
pub enum Scheme {
    /// github.com/standard-webhooks/standard-webhooks, with symmetric keys.
    StandardWebhooks {
        /// How far the message's time may be from ours, both ways.
        tolerance_seconds: i64,
    },
    /// HMAC-SHA256.
    Hmac {
        /// The header that holds it.
        header: String,
        /// How it is written.
        encoding: Encoding,
        /// What stands before it, as in `sha256=`.
        #[serde(default)]
        prefix: String,
        /// What is signed: `{body}`, `{timestamp}.{body}`, `{id}.{timestamp}.{body}`.
        template: String,
        /// The header of `{timestamp}`, in seconds.
        timestamp_header: Option<String>,
        /// The header of `{id}`.
        id_header: Option<String>,
        /// How far that time may be from ours.
        #[serde(default = "five_minutes")]
        tolerance_seconds: i64,
    },
    /// A header whose value is the secret.
    StaticHeader {
        /// Its name.
        header: String,
    },
    /// A parameter of the address that we registered, whose value is a secret of its own.
    QueryToken {
        /// Its name.
        parameter: String,
    },
}

fn five_minutes() -> i64 {
    300
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Lower or upper case.
    Hex,
    /// With padding.
    Base64,
}

impl Verification {
    /// What would let everybody in, or nobody.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.schemes.is_empty() {
            return Err("there is no scheme: nobody would be believed".to_owned());
        }
        self.schemes.iter().try_for_each(Scheme::check)
    }
}

impl Scheme {
    fn check(&self) -> Result<(), String> {
        match self {
            Self::StandardWebhooks { tolerance_seconds } => tolerance(*tolerance_seconds),
            Self::StaticHeader { header } => name(header),
            Self::QueryToken { parameter } if parameter.is_empty() => {
                Err("a parameter needs a name".to_owned())
            }
            Self::QueryToken { .. } => Ok(()),
            Self::Hmac {
                header,
                template,
                timestamp_header,
                id_header,
                tolerance_seconds,
                ..
            } => {
                match template.matches("{body}").count() {
                    0 => return Err("a template without {body} signs nothing".to_owned()),
                    1 => {}
                    _ => return Err("a template holds {body} once".to_owned()),
                }
                for (part, header) in [("{timestamp}", timestamp_header), ("{id}", id_header)] {
                    if template.contains(part) != header.is_some() {
                        return Err(format!("{part} in the template and its header go together"));
                    }
                }
                [Some(header), timestamp_header.as_ref(), id_header.as_ref()]
                    .into_iter()
                    .flatten()
                    .try_for_each(|header| name(header))?;
                tolerance(*tolerance_seconds)
            }
        }
    }
}

/// What is no name is no header of any message.
fn name(header: &str) -> Result<(), String> {
    match header.parse::<axum::http::HeaderName>() {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("{header:?} is no name of a header")),
    }
}

/// Below, every message is late; above, an old one can be played back for long.
fn tolerance(seconds: i64) -> Result<(), String> {
    if (1..=3600).contains(&seconds) {
        Ok(())
    } else {
        Err("tolerance_seconds is 1 to 3600".to_owned())
    }
}
