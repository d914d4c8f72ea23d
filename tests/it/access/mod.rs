//! Who comes in: tokens against a small Supabase of the tests, over real HTTP.

mod answers;
mod confusion;
mod published;
pub mod rig;
mod sessions;
pub mod supabase;
mod tokens;

use rig::{Draft, Rig, Signer};
use supabase::{Answer, Supabase};
