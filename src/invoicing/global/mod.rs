//! The global invoice: what SAT wants of sales to the public. On day 1 the sales of the month before are claimed, each
//! once, and Gigstack is asked to stamp them; when that is done, the document is compared with them ticket by ticket.

mod compare;
mod monthly;
pub mod preview;
mod recorded;

use serde_json::json;
use uuid::Uuid;

use super::requests::ask;
use super::store::{requests, sales};
use crate::engine::work::{Unit, Work};
use crate::engine::{Engine, Failure};
use crate::ground::facts::{Actor, Fact};
use crate::ground::values::Month;

pub use monthly::Monthly;
pub(super) use recorded::recorded;

/// Which open sales of a month are claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Take {
    /// Those of a month that nobody asked for yet.
    TheMonth,
    /// Those that are left in a month that was asked for: sold after that, or given back by a cancelled invoice.
    TheRest,
}

/// A document that Gigstack is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its request.
    pub request: Uuid,
    /// Which part of the month it is.
    pub part: i32,
    /// How many sales it is to hold.
    pub sales: usize,
}

/// Claims the open sales of a month, in as many documents as they need, and asks for each after the commit. Nothing is
/// made where nothing is open.
async fn request(month: Month, take: Take, work: &mut Work) -> Result<Vec<Asked>, Failure> {
    let mut all = Vec::new();
    let mut part = match take {
        Take::TheMonth => 1,
        Take::TheRest => requests::last_part(work, month).await? + 1,
    };
    loop {
        match requests::ask_for_part(work, month, part).await? {
            Some(request) => match claim(month, request, part, work).await? {
                Some(asked) => all.push(asked),
                None => return Ok(all),
            },
            // Somebody asks for the month at the same time, and has it.
            None if take == Take::TheMonth => return Ok(all),
            None => {}
        }
        part += 1;
    }
}

async fn claim(month: Month, request: Uuid, part: i32, work: &mut Work) -> Result<Option<Asked>, Failure> {
    let services = sales::claim(work, month, request).await?;
    if services.is_empty() {
        requests::take_back(work, request).await?;
        return Ok(None);
    }
    let sales = services.len();
    let detail = json!({ "periodo": month.to_string(), "parte": part, "ventas": sales });
    work.audit("factura_global.solicitada", "solicitudes", request, detail);
    work.say(Fact::InvoicesMoved { services });
    ask(request, work)?;
    Ok(Some(Asked { request, part, sales }))
}

/// What a person's request came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// Requests that were made before and wait for their invoice: Gigstack is asked again, with the same key.
    pub again: Vec<Uuid>,
    /// New ones.
    pub new: Vec<Asked>,
}

/// Asks for a month because a person wants it: what waits is asked for again, and what is left over is claimed.
pub async fn run(engine: &Engine, by: Actor, month: Month) -> Result<Run, Failure> {
    let unit = Unit {
        context: vec![("orden", "onlycar global-invoice run".to_owned())],
        ..Unit::by(by)
    };
    let mut work = engine.begin(unit).await?;
    let again = requests::waiting(&mut work, month).await?;
    for request in &again {
        ask(*request, &mut work)?;
    }
    let new = request(month, Take::TheRest, &mut work).await?;
    work.commit().await?;
    Ok(Run { again, new })
}
