//! The webhook machine alone: real rows and real commits, with a provider and jobs that do what a test tells them.

mod audit;
mod commits;
mod failures;
mod heads;
mod jobs;
mod leases;
mod manipulations;
mod outcomes;
mod overtaken;
mod probe;
mod rehearsal;
mod replay;
mod replicas;
mod retention;
mod rig;
mod stopping;
mod streaks;
