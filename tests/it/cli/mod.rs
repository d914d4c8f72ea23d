//! The command line, as a newcomer uses it: every program is a process of its own in a folder of its own.

mod audit;
mod contracts;
mod dev;
mod doctor;
mod events;
mod help;
mod life;
mod replay;
mod trigger;
