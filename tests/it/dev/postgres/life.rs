//! Starting, keeping and clearing away.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use onlycar::dev::postgres::Options;

use super::*;

#[test]
fn kept_data_is_there_at_the_next_start() {
    let folder = TempFolder::new();
    let first = start(&kept(&folder)).unwrap();
    run(
        &first.url("postgres"),
        "create table kept (id int); insert into kept values (1), (2)",
    )
    .unwrap();
    first.stop().unwrap();
    let second = start(&kept(&folder)).unwrap();
    assert_eq!(count(&second.url("postgres")), 2);
    second.stop().unwrap();
}

#[test]
fn nothing_is_left_of_a_throwaway_server() {
    let folder = TempFolder::new();
    let server = start(&Options::throwaway(folder.server())).unwrap();
    run(&server.url("postgres"), "create table t (id int)").unwrap();
    server.stop().unwrap();
    assert!(!folder.server().exists());

    let dropped = start(&Options::throwaway(folder.server())).unwrap();
    let process = server_process(&folder);
    drop(dropped);
    eventually("the server ends", || !runs(process));
    eventually("the folder goes", || !folder.server().exists());
}

#[test]
fn a_caller_sets_server_settings() {
    let folder = TempFolder::new();
    let mut options = Options::throwaway(folder.server());
    options
        .settings
        .push(("application_name".into(), "it's me".into()));
    let server = start(&options).unwrap();
    let value: String = ask(
        &server.url("postgres"),
        "select current_setting('application_name')",
    );
    assert_eq!(value, "it's me");
    server.stop().unwrap();
}

#[test]
fn other_users_of_the_machine_do_not_get_in() {
    let folder = TempFolder::new();
    let server = start(&Options::throwaway(folder.server())).unwrap();
    let url = server.url("postgres");
    let (_, address) = url.split_once('@').unwrap();
    assert!(run(&format!("postgres://onlycar@{address}"), "select 1").is_err());
    assert!(run(&format!("postgres://onlycar:guessed@{address}"), "select 1").is_err());
    let password = folder.server().join("data/onlycar.password");
    assert_eq!(
        fs::metadata(password).unwrap().permissions().mode() & 0o777,
        0o600
    );
    server.stop().unwrap();
}

#[test]
fn an_interrupted_creation_leaves_nothing_that_disturbs() {
    let folder = TempFolder::new();
    fs::create_dir_all(folder.server().join("initdb-1/base")).unwrap();
    fs::write(folder.server().join("initdb-1.password"), "half").unwrap();
    let server = start(&Options::throwaway(folder.server())).unwrap();
    let names: Vec<_> = fs::read_dir(folder.server())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !names
            .iter()
            .any(|name| name.to_string_lossy().starts_with("initdb-")),
        "{names:?}"
    );
    server.stop().unwrap();
}

#[test]
fn root_falls_back_to_a_folder_that_the_server_can_enter() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = TempFolder::new();
    let closed = folder.0.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let mut steps = Vec::new();
    let options = Options::throwaway(closed.join("postgres"));
    let server = start_telling(&options, &mut steps).unwrap();
    assert!(
        steps.iter().any(|step| step.contains("/var/tmp/onlycar-")),
        "{steps:?}"
    );
    run(&server.url("postgres"), "select 1").unwrap();
    server.stop().unwrap();
}
