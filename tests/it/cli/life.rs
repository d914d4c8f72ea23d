//! `onlycar dev` is started twice, killed, started again.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, test_kill_process};

use crate::support::dev::{Dev, folder};
use crate::support::program::{onlycar, run, run_in};

/// The server's process, as its own file tells.
fn postgres(folder: &Path) -> Pid {
    let file = std::fs::read_to_string(folder.join(".onlycar/postgres/data/postmaster.pid")).unwrap();
    Pid::from_raw(file.lines().next().unwrap().parse().unwrap()).unwrap()
}

async fn gone(process: Pid) {
    let ended = async {
        let mut pause = tokio::time::interval(Duration::from_millis(10));
        while test_kill_process(process).is_ok() {
            pause.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ended)
        .await
        .expect("the process ends");
}

#[tokio::test]
async fn a_second_start_on_the_same_folder_names_the_first_and_leaves_it_alone() {
    let mut first = Dev::start().await;
    let pid = first.running.pid();
    let second = first.run(&["dev", "--port", "0"]).await;
    assert_eq!(second.code, Some(1));
    assert!(
        second.err.contains(&format!("in use by process {pid}")),
        "{}",
        second.err
    );
    assert!(second.err.contains("\nhint: "), "{}", second.err);
    assert!(!second.out.contains("OnlyCar is running"), "{}", second.out);

    let event = first.trigger(&["payment_intent.succeeded"]).await;
    assert_eq!(first.outcome(&first.pool().await, &event).await, "processed");
    assert_eq!(first.running.stop().await, Some(0));
    assert!(
        !first
            .path()
            .join(".onlycar/postgres/data/postmaster.pid")
            .exists()
    );
}

#[tokio::test]
async fn a_port_in_use_is_told_with_a_hint_before_anything_is_made() {
    let folder = folder();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = run_in(folder.path(), &["dev", "--port", &port]).await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.contains(&format!("cannot listen on port {port}")),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("choose another --port"), "{}", ended.err);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_killed_dev_leaves_no_process_and_the_next_one_has_its_data() {
    let mut dev = Dev::start().await;
    let event = dev.trigger(&["payment_intent.succeeded"]).await;
    let pool = dev.pool().await;
    assert_eq!(dev.outcome(&pool, &event).await, "processed");
    pool.close().await;
    let server = postgres(dev.path());
    dev.running.signal(Signal::KILL);
    assert_eq!(dev.running.end().await, None);
    gone(server).await;

    let Dev { folder, .. } = dev;
    let late = run_in(folder.path(), &["trigger", "payment_intent.succeeded"]).await;
    assert_eq!(late.code, Some(1), "{late:?}");
    assert!(late.err.contains("\nhint: is it still running?"), "{}", late.err);

    let mut next = Dev::start_in(folder, &[]).await;
    let shown = next.done(&["events", "show", &event]).await;
    assert!(shown.contains("state      processed"), "{shown}");
    assert!(
        next.done(&["audit", "verify"])
            .await
            .starts_with("the chain holds: 1 rows")
    );
    let another = next.trigger(&["payment_intent.succeeded"]).await;
    assert_eq!(next.outcome(&next.pool().await, &another).await, "processed");
    let server = postgres(next.path());
    assert_eq!(next.running.stop().await, Some(0));
    gone(server).await;

    let mut fresh = Dev::start_in(next.folder, &["--fresh"]).await;
    assert_eq!(fresh.done(&["events", "list"]).await, "0 events\n");
    assert_eq!(fresh.running.stop().await, Some(0));
}

#[tokio::test]
async fn fresh_takes_away_only_what_dev_made() {
    let folder = folder();
    std::fs::create_dir(folder.path().join(".onlycar")).unwrap();
    let own = folder.path().join(".onlycar/mine.txt");
    std::fs::write(&own, "kept").unwrap();
    let mut dev = Dev::start_in(folder, &["--fresh"]).await;
    assert_eq!(dev.running.stop().await, Some(0));
    assert_eq!(std::fs::read_to_string(own).unwrap(), "kept");
}

#[tokio::test]
async fn another_data_dir_is_named_in_what_to_try() {
    let folder = folder();
    let place = folder.path().join("other");
    let mut command = onlycar(&["dev", "--port", "0", "--data-dir"]);
    command.arg(&place).current_dir(folder.path());
    let mut running = crate::support::program::Running::start(command);
    running.out.wait_for("Ctrl-C stops everything").await;
    let screen = running.out.text();
    let line = screen
        .lines()
        .find(|line| line.contains("trigger payment_intent.succeeded"))
        .unwrap();
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", line]).current_dir("/").kill_on_drop(true);
    let ended = run(shell).await;
    assert_eq!(ended.code, Some(0), "{line}: {ended:?}");
    assert_eq!(running.stop().await, Some(0));
}
