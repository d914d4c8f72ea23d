//! From where something may be downloaded.

use url::{Host, Origin, Url};

/// The hosts that documents are downloaded from: names of the internet, and addresses that the configuration names.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    names: Vec<String>,
    configured: Vec<Origin>,
}

/// How an address that is allowed may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By TLS, and only where its name leads to the internet.
    Public,
    /// As it stands: whoever configured it knows what it is.
    Configured,
}

impl Hosts {
    /// Names, as in `storage.googleapis.com`, or with all that end so, as in `*.gigstack.io` (not `gigstack.io` itself).
    pub fn new(names: &[&str]) -> Self {
        Self {
            names: names.iter().map(|name| name.to_lowercase()).collect(),
            configured: Vec::new(),
        }
    }

    /// And this address of the configuration: scheme, host and port as they are, for simulators and proxies.
    #[must_use]
    pub fn with(mut self, configured: &Url) -> Self {
        self.configured.push(configured.origin());
        self
    }

    /// Whether this may be asked for, and how.
    pub(super) fn way(&self, url: &Url) -> Result<Way, &'static str> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err("only https is downloaded");
        }
        // A browser shows the part before the @ first: nobody but an impostor has a use for it.
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the address has a user name or a password in it");
        }
        let Some(host) = url.host() else {
            return Err("the address has no host");
        };
        let named = match host {
            Host::Domain(name) => self.names.iter().any(|pattern| matches(pattern, name)),
            // Names only: every way to write a number leads here, and a private one would never be looked up.
            Host::Ipv4(_) | Host::Ipv6(_) => false,
        };
        if named && url.scheme() == "https" && url.port().is_none() {
            Ok(Way::Public)
        } else if self.configured.contains(&url.origin()) {
            Ok(Way::Configured)
        } else if named && url.scheme() == "http" {
            Err("it would be downloaded without TLS")
        } else if named {
            Err("its port is not that of https")
        } else {
            Err("the host is not one of those allowed")
        }
    }
}

/// `name` comes from a parsed address: in lower case, in the alphabet of DNS.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(end) => name.strip_suffix(end).is_some_and(|start| !start.is_empty()),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::{Hosts, Url, Way};

    fn way(url: &str) -> Result<Way, &'static str> {
        let simulator = Url::parse("http://127.0.0.1:4012/v2").expect("an address");
        let names = [
            "*.gigstack.io",
            "*.gigstack.pro",
            "storage.googleapis.com",
            "*.googleusercontent.com",
        ];
        let hosts = Hosts::new(&names).with(&simulator);
        hosts.way(&Url::parse(url).expect("an address"))
    }

    #[test]
    fn these_are_downloaded_from() {
        for url in [
            "https://api.gigstack.io/v2/a.pdf",
            "https://a.b.gigstack.pro/?x=1",
            "HTTPS://API.GIGSTACK.IO:443/",
            "https://storage.googleapis.com/bucket/a.xml?X-Goog-Signature=1",
            "https://doc-0c.googleusercontent.com/a",
            "https://api.gigstack。io/",
        ] {
            assert_eq!(way(url), Ok(Way::Public), "{url}");
        }
        for url in [
            "http://127.0.0.1:4012/a.pdf",
            "http://2130706433:4012/",
            "http://0x7f.1:4012/",
        ] {
            assert_eq!(way(url), Ok(Way::Configured), "{url}");
        }
    }

    #[test]
    fn these_are_not() {
        for url in [
            "https://gigstack.io/",
            "https://gigstack.io.evil.example/",
            "https://evilgigstack.io/",
            "https://.gigstack.io/",
            "https://api.gigstack.io./",
            "https://api.gigstack.io:8443/",
            "http://api.gigstack.io/",
            "ftp://api.gigstack.io/",
            "file:///etc/passwd",
            "data:text/plain,a",
            "https://storage.googleapis.com.evil.example/",
            "https://x.storage.googleapis.com/",
            "https://api.gigstack.io@evil.example/",
            "https://evil.example#@api.gigstack.io/",
            "https://evil.example\\@api.gigstack.io/",
            "https://user@api.gigstack.io/",
            "https://:password@api.gigstack.io/",
            "http://user:pw@127.0.0.1:4012/",
            "https://127.0.0.1:4012/",
            "http://127.0.0.1:4013/",
            "http://127.0.0.1/",
            "http://localhost:4012/",
            "http://[::1]:4012/",
            "http://[::ffff:127.0.0.1]:4012/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://017700000001/",
            "https://127.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[fd00:ec2::254]/",
        ] {
            assert!(way(url).is_err(), "{url}");
        }
    }
}
