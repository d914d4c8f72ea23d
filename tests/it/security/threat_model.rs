//! docs/threat-model.md names a test for each abuse; every one of them is there.

use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/threat-model.md")).unwrap();
    let mut files = Vec::new();
    for folder in ["tests/it", "src"] {
        sources(&root.join(folder), &mut files);
    }
    let code: String = files
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    let mut named = 0;
    for line in text
        .lines()
        .filter(|line| line.starts_with("| A") && line.as_bytes()[3].is_ascii_digit())
    {
        let tests = line.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap();
        let tested: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!tested.is_empty(), "no test: {line}");
        for name in tested {
            let name = name.rsplit("::").next().unwrap();
            assert!(
                code.contains(&format!("fn {name}(")),
                "there is no test {name}: {line}"
            );
            named += 1;
        }
    }
    assert!(named > 40, "{named}");
}
