//! How we came to know what an object looks like.

use chrono::{DateTime, Utc};

use crate::engine::source::Event;

/// When an object was told of, and by what.
#[derive(Clone, Debug)]
pub struct Told {
    /// When it looked like this; of an event that does not tell, when it came.
    pub at: DateTime<Utc>,
    timed: bool,
    by: By,
}

#[derive(Clone, Debug)]
enum By {
    Event(String),
    Answer,
}

impl Told {
    /// By an event.
    pub fn by_event(event: &Event) -> Self {
        Self::by(&event.event_type, event.occurred_at)
    }

    /// By an event of this type that happened `at`.
    pub fn by(event_type: &str, at: DateTime<Utc>) -> Self {
        Self {
            at,
            timed: true,
            by: By::Event(event_type.to_owned()),
        }
    }

    /// By Stripe's answer to what was asked `at`.
    pub fn by_answer(at: DateTime<Utc>) -> Self {
        Self {
            at,
            timed: true,
            by: By::Answer,
        }
    }

    /// The same, when nobody told at what time it happened.
    #[must_use]
    pub fn at_some_time(self) -> Self {
        Self { timed: false, ..self }
    }

    /// Whether nobody knows when it looked like this: then only Stripe can say how it looks.
    pub fn untimed(&self) -> bool {
        !self.timed
    }

    /// Its place in time among the versions of an object: before all others when nobody knows.
    pub fn as_of(&self) -> DateTime<Utc> {
        if self.timed { self.at } else { DateTime::UNIX_EPOCH }
    }

    /// Whether we asked.
    pub fn asked(&self) -> bool {
        matches!(self.by, By::Answer)
    }

    /// Whether it was told by an event of this type.
    pub fn is(&self, event_type: &str) -> bool {
        matches!(&self.by, By::Event(told) if told == event_type)
    }
}
