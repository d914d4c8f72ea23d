//! The job that looks after the months that are over.

use chrono::TimeDelta;

use super::{Take, request};
use crate::engine::Failure;
use crate::engine::job::{Job, Task};
use crate::engine::schedule::Schedule;
use crate::engine::work::Work;
use crate::ground::facts::Fact;
use crate::ground::values::Month;
use crate::invoicing::store::sales;

const KIND: &str = "revisar_factura_global";

/// A payment of the last second may still be on its way into the database at midnight. SAT wants the document within 24
/// hours after the month.
const AFTER_THE_MONTH: TimeDelta = TimeDelta::minutes(15);
/// By then somebody has to know that it is not there, with as much time left to see to it.
const LATE: TimeDelta = TimeDelta::hours(12);

/// The job. Every quarter of an hour: at 00:15 in Nuevo Laredo, and soon after a start that comes later than that.
pub struct Monthly {
    every_month: bool,
}

impl Monthly {
    /// Asks by itself, if so; where not, it only looks whether something is late.
    pub fn new(every_month: bool) -> Self {
        Self { every_month }
    }

    /// When it looks.
    pub fn schedule() -> Schedule {
        Schedule {
            kind: KIND,
            every: TimeDelta::minutes(15),
        }
    }
}

impl Job for Monthly {
    type Done = ();

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<(), Failure> {
        Ok(())
    }

    async fn record(&self, _task: &Task, (): (), work: &mut Work) -> Result<(), Failure> {
        let now = work.now();
        if self.every_month {
            for month in sales::never_asked(work, Month::of(now - AFTER_THE_MONTH)).await? {
                request(month, Take::TheMonth, work).await?;
            }
        }
        for (month, sales) in sales::late(work, Month::of(now - LATE), now - LATE).await? {
            work.say(Fact::GlobalInvoiceLate { month, sales });
        }
        Ok(())
    }
}
