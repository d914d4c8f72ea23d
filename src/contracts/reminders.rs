//! The job that looks once a day at what waits for a signature: its client is reminded before the time is over, and the
//! team is told after it.

use chrono::TimeDelta;

use super::store::reminders;
use crate::engine::Failure;
use crate::engine::job::{Job, Task};
use crate::engine::schedule::Schedule;
use crate::engine::work::Work;
use crate::ground::facts::Fact;

const KIND: &str = "recordar_firmas";

/// So long before the end the client is reminded. Mifiel reminds the signers, who may be somebody else.
const BEFORE_THE_END: TimeDelta = TimeDelta::days(3);

/// So many of each are told at a time; the others the day after.
const AT_ONCE: i64 = 500;

/// The job. Its day begins at midnight UTC, in the evening of Nuevo Laredo: a mail comes at an hour when one is read.
pub struct Remind;

impl Remind {
    /// When it looks.
    pub fn schedule() -> Schedule {
        Schedule {
            kind: KIND,
            every: TimeDelta::days(1),
        }
    }
}

impl Job for Remind {
    type Done = ();

    fn kind(&self) -> &'static str {
        KIND
    }

    async fn act(&self, _task: &Task) -> Result<(), Failure> {
        Ok(())
    }

    async fn record(&self, _task: &Task, (): (), work: &mut Work) -> Result<(), Failure> {
        let until = work.now() + BEFORE_THE_END;
        for due in reminders::take_due(work, until, AT_ONCE).await? {
            work.say(Fact::SignatureDue {
                contract: due.contract,
                document: due.document,
            });
        }
        for expired in reminders::take_expired(work, AT_ONCE).await? {
            work.say(Fact::ContractExpired {
                contract: expired.contract,
                document: expired.document,
            });
        }
        Ok(())
    }
}
