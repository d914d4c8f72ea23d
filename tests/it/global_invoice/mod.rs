//! The global invoice, from sales at the counter to the stamped document and what its cancellation means; Gigstack is the
//! simulator, over real HTTP.

mod calendar;
mod cancelled;
mod command;
mod compared;
mod outage;
mod race;
mod scene;
mod story;
