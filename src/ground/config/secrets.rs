//! A list of secrets that are valid at the same time.

use secrecy::{ExposeSecret, SecretString};

/// One or several secrets; while one replaces another, both are accepted. Debug shows none of them.
#[derive(Debug, Clone)]
pub struct Secrets(Vec<SecretString>);

impl Secrets {
    /// Splits `a,b` and refuses what would open the door: an empty list, a blank part, stray white space
    /// (copied with a line break, it signs differently), a placeholder.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let parts: Vec<&str> = text.split(',').collect();
        for part in &parts {
            check(part)?;
        }
        Ok(Self(parts.into_iter().map(SecretString::from).collect()))
    }

    /// No secret at all: nothing is signed right. For commands, which receive nothing.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// The keys, to sign or to compare with; not to show.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|secret| secret.expose_secret().as_bytes())
    }
}

/// What makes a text useless as a secret.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        Err("is empty or blank")
    } else if text.trim() != text {
        Err("has white space at its start or end; copy it again without it")
    } else if text.contains("...") {
        Err("still holds the placeholder of .env.example")
    } else {
        Ok(())
    }
}
