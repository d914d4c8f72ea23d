//! What is left when somebody is killed.

use std::fs;

use onlycar::dev::postgres::Options;
use rustix::process::{Pid, Signal, kill_process_group};

use super::*;

#[test]
fn a_killed_owner_takes_its_server_along() {
    let folder = TempFolder::new();
    let mut owner = Owner::start(&folder);
    let server = server_process(&folder);
    owner.kill();
    eventually("the server ends", || !runs(server));
    let next = start(&kept(&folder)).unwrap();
    assert_eq!(count(&next.url("postgres")), 3);
    next.stop().unwrap();
}

#[test]
fn a_server_that_lost_owner_and_guard_is_replaced() {
    let folder = TempFolder::new();
    let mut owner = Owner::start(&folder);
    let orphan = server_process(&folder);
    kill(parent(orphan));
    owner.kill();
    assert!(runs(orphan), "nobody was there to stop it");
    let mut steps = Vec::new();
    let next = start_telling(&kept(&folder), &mut steps).unwrap();
    assert!(!runs(orphan));
    assert!(
        steps
            .iter()
            .any(|step| step.contains(&format!("process {orphan}"))),
        "{steps:?}"
    );
    assert_eq!(count(&next.url("postgres")), 3);
    next.stop().unwrap();
}

#[test]
fn committed_rows_survive_a_kill_of_everybody() {
    let folder = TempFolder::new();
    let mut owner = Owner::start(&folder);
    let server = server_process(&folder);
    kill(server);
    kill(parent(server));
    owner.kill();
    let next = start(&kept(&folder)).unwrap();
    assert_eq!(count(&next.url("postgres")), 3);
    next.stop().unwrap();
}

#[test]
fn an_owner_that_lost_its_guard_still_stops_its_server() {
    let folder = TempFolder::new();
    let server = start(&Options::throwaway(folder.server())).unwrap();
    let process = server_process(&folder);
    kill(parent(process));
    server.stop().unwrap();
    assert!(!runs(process));
    assert!(!folder.server().exists());
}

#[test]
fn ctrl_c_leaves_the_server_to_its_owner() {
    let folder = TempFolder::new();
    let mut owner = Owner::start(&folder);
    let server = server_process(&folder);
    let guard = parent(server);
    // The owner leads its group, as a shell's job does; the signal ends it, and the guard has seen nothing but that.
    kill_process_group(Pid::from_raw(owner.pid()).unwrap(), Signal::INT).unwrap();
    owner.child.wait().unwrap();
    eventually("guard and server end", || !runs(server) && !runs(guard));
    let log = fs::read_to_string(folder.server().join("log")).unwrap();
    assert!(log.contains("database system is shut down"), "{log}");
    assert!(!folder.server().join("data/postmaster.pid").exists());
}
