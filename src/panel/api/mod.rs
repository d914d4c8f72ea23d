//! The same as JSON, for programs of an admin: `/api/admin/…`.

pub mod alerts;
pub mod events;
pub mod metrics;

use crate::tools::extract::id_of;
use crate::tools::problem::Problem;
use uuid::Uuid;

/// What names no row, does not exist.
fn id(text: &str) -> Result<Uuid, Problem> {
    id_of(text).ok_or_else(Problem::unknown)
}
