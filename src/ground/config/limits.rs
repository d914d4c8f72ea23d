//! `[limits]`: how much one client may ask for. Zero is no number here, so that a limit which nobody can keep to is
//! refused with its key; who wants none says `off`.

use std::num::{NonZeroU32, NonZeroUsize};

use serde::Deserialize;

/// More than one a microsecond could not be counted, and no client asks for more.
const MOST: u32 = 1_000_000;

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // config/default.toml explains every key
pub struct Limits {
    pub clients: NonZeroUsize,
    pub tell_after: NonZeroU32,
    pub tell_seconds: NonZeroU32,
    pub webhooks: ByAddress,
    pub tokens: ByAddress,
    pub sign_in: ByAddress,
    pub public: ByAddress,
    pub reads: ByBoth,
    pub writes: ByBoth,
    pub links: ByBoth,
    pub admin: ByBoth,
}

/// A limit where nobody is known by name.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ByAddress {
    pub off: bool,
    pub address: Rate,
}

/// A limit where users sign in.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ByBoth {
    pub off: bool,
    pub address: Rate,
    pub user: Rate,
}

/// So many a minute in the long run, and so many at once after a pause.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Rate {
    pub per_minute: NonZeroU32,
    pub burst: NonZeroU32,
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), String> {
        let by_address = [
            ("webhooks", &self.webhooks),
            ("tokens", &self.tokens),
            ("sign_in", &self.sign_in),
            ("public", &self.public),
        ];
        let by_both = [
            ("reads", &self.reads),
            ("writes", &self.writes),
            ("links", &self.links),
            ("admin", &self.admin),
        ];
        for (group, limit) in by_both {
            let (address, user) = (limit.address, limit.user);
            if user.per_minute > address.per_minute || user.burst > address.burst {
                return Err(format!(
                    "limits.{group}.user must not be more than limits.{group}.address, which a user's requests come from"
                ));
            }
        }
        let addresses = by_address.map(|(group, limit)| (group, limit.address));
        let both = by_both.map(|(group, limit)| (group, limit.address));
        for (group, rate) in addresses.into_iter().chain(both) {
            if rate.per_minute.get() > MOST || rate.burst.get() > MOST {
                return Err(format!(
                    "limits.{group} must be at most {MOST}; to have none, say off = true"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::File;

    #[test]
    fn limits_that_make_no_sense_are_refused_with_their_key() {
        for (file, told) in [
            (
                "[limits.reads.user]\nper_minute = 0",
                "limits.reads.user.per_minute",
            ),
            (
                "[limits.public.address]\nburst = 0",
                "limits.public.address.burst",
            ),
            ("[limits]\nclients = 0", "limits.clients"),
            ("[limits.public]\nuser = { per_minute = 1, burst = 1 }", "user"),
            ("[limits.webhook]\noff = true", "webhook"),
            (
                "[limits.reads.user]\nper_minute = 999999",
                "limits.reads.user must not",
            ),
            (
                "[limits.tokens.address]\nburst = 4000000000",
                "limits.tokens must be at most",
            ),
        ] {
            let error = File::layered(Some(file)).expect_err(file);
            assert!(error.contains(told), "{file}: {error}");
        }
        let file = File::layered(Some("[limits.links]\noff = true")).expect("it is said plainly");
        assert!(file.limits.links.off && !file.limits.reads.off);
    }
}
