//! What is said of a person's data when they are erased: what went, what stays and why, and what stands against it.

use chrono::NaiveDate;
use serde::Serialize;

/// A law that demands that something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "&'static str")]
pub enum Law {
    /// Records and documents of taxes.
    Fiscal,
    /// Documents in which somebody takes on an obligation.
    Commerce,
    /// Who did what with personal data: what a controller has to be able to prove.
    Accountability,
}

impl Law {
    /// Its name and article.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fiscal => "Código Fiscal de la Federación, art. 30",
            Self::Commerce => "Código de Comercio, art. 49, and NOM-151-SCFI-2016",
            Self::Accountability => "LFPDPPP: duties of responsibility and security",
        }
    }
}

impl From<Law> for &'static str {
    fn from(law: Law) -> Self {
        law.name()
    }
}

/// So many of something were removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// What.
    pub what: &'static str,
    /// How many.
    pub count: u64,
}

/// So many of something stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retained {
    /// What.
    pub what: &'static str,
    /// How many.
    pub count: u64,
    /// Who demands it.
    pub law: Law,
    /// The day from which the last of them may go; none where it goes with its owner.
    pub until: Option<NaiveDate>,
}

/// Something is open that needs the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Open {
    /// What, by its id.
    pub what: String,
    /// What to do about it.
    pub hint: &'static str,
}

/// What one part of the program did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// What went.
    pub removed: Vec<Removed>,
    /// What stays.
    pub kept: Vec<Retained>,
}

impl Erasure {
    /// Notes what went, if anything did.
    pub fn removed(&mut self, what: &'static str, count: u64) {
        if count > 0 {
            self.removed.push(Removed { what, count });
        }
    }

    /// Notes what stays, if anything does.
    pub fn kept(&mut self, what: &'static str, count: u64, law: Law, until: Option<NaiveDate>) {
        if count > 0 {
            let kept = Retained {
                what,
                count,
                law,
                until,
            };
            self.kept.push(kept);
        }
    }

    /// Adds what another part did.
    pub fn add(&mut self, other: Self) {
        self.removed.extend(other.removed);
        self.kept.extend(other.kept);
    }
}
