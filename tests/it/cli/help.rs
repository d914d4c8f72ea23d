//! Help teaches, and wrong usage is told apart from failure.

use serde_json::Value;

use crate::support::dev::folder;
use crate::support::program::run_in;

const COMMANDS: [&str; 23] = [
    "serve",
    "dev",
    "migrate",
    "doctor",
    "doctor done",
    "doctor undo",
    "trigger",
    "events list",
    "events show",
    "events replay",
    "audit verify",
    "audit export",
    "audit key",
    "cfdi inspect",
    "contracts list",
    "contracts send",
    "documents verify",
    "evidence export",
    "evidence verify",
    "reconcile",
    "global-invoice preview",
    "global-invoice run",
    "openapi",
];

#[tokio::test]
async fn the_help_of_each_command_shows_an_example() {
    let folder = folder();
    for command in COMMANDS {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let ended = run_in(folder.path(), &words).await;
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{command}");
        let example = ended
            .out
            .lines()
            .find_map(|line| line.strip_prefix("Example: "))
            .unwrap_or_default();
        assert!(
            example.contains(&format!("onlycar {command}")),
            "{command}: {}",
            ended.out
        );
    }
    let whole = run_in(folder.path(), &["--help"]).await;
    assert_eq!(whole.code, Some(0));
    assert!(
        whole.out.contains("`onlycar dev`") && whole.out.contains("`onlycar trigger "),
        "{}",
        whole.out
    );
    assert!(
        !whole.out.contains("guard"),
        "what is not for people is hidden: {}",
        whole.out
    );
}

/// A help that shows a command which the program would refuse teaches nothing.
#[tokio::test]
async fn the_examples_are_understood() {
    let folder = folder();
    for command in COMMANDS {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = run_in(folder.path(), &words).await.out;
        let example = help
            .lines()
            .find_map(|line| line.strip_prefix("Example: "))
            .unwrap();
        let (_, arguments) = example.split_once("onlycar ").unwrap();
        let arguments = words_of(arguments.split(" > ").next().unwrap());
        let checked: Vec<&str> = arguments.iter().copied().chain(["--help"]).collect();
        assert_eq!(run_in(folder.path(), &checked).await.code, Some(0), "{example}");
    }
}

/// As a shell takes them apart: quotes keep a word together.
fn words_of(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for (n, part) in line.split('"').enumerate() {
        if n % 2 == 1 {
            words.push(part);
        } else {
            words.extend(part.split_whitespace());
        }
    }
    words
}

#[tokio::test]
async fn wrong_usage_is_exit_code_2() {
    let folder = folder();
    for arguments in [
        &[][..],
        &["fly"],
        &["--colour"],
        &["serve", "--prot", "1"],
        &["dev", "--port", "eighty"],
        &["dev", "--port", "70000"],
        &["audit"],
        &["audit", "burn"],
        &["openapi", "extra"],
        &["audit", "verify"],
        &["migrate"],
    ] {
        let ended = run_in(folder.path(), arguments).await;
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ended.err.len() > 30, "{arguments:?}: {}", ended.err);
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing was made"
    );
}

#[tokio::test]
async fn openapi_prints_the_document_of_the_interface() {
    let folder = folder();
    let ended = run_in(folder.path(), &["openapi"]).await;
    assert_eq!(ended.code, Some(0));
    let document: Value = serde_json::from_str(&ended.out).unwrap();
    assert!(document["paths"]["/api/webhooks/stripe"]["post"].is_object());
    let version = run_in(folder.path(), &["--version"]).await;
    assert_eq!(
        version.out,
        format!("onlycar {}\n", document["info"]["version"].as_str().unwrap())
    );
}
