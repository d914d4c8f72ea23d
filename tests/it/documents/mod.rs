//! Documents: who gets a link to which file, what the link opens, and what it leaves behind.

mod bundle;
mod evidence;
mod faults;
mod hostile;
mod links;
mod scene;
mod table;
mod tokens;
mod verify;

use scene::{Answer, Desk, Subject};
