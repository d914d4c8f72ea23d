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
