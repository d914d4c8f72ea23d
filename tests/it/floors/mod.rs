//! The plan is a test: what src/lib.rs and ARCHITECTURE.md promise about the code holds for every file of src/.

mod imports;
mod lexer;
mod tables;
mod words;

use std::path::Path;

/// A file of src/, without its comments and its unit tests.
pub struct Source {
    /// As in `src/engine/work.rs`.
    path: String,
    /// All lines, as they stand.
    text: String,
    /// Without comments and unit tests.
    pub code: String,
    /// The same with empty string literals.
    bare: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let production = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: lexer::without_comments(production, true),
            bare: lexer::without_comments(production, false),
        }
    }

    /// The names on the way to it: `engine`, `audit`, `seal` for src/engine/audit/seal.rs.
    fn modules(&self) -> Vec<&str> {
        let path = self
            .path
            .strip_prefix("src/")
            .unwrap()
            .strip_suffix(".rs")
            .unwrap();
        let names = path.split('/').filter(|name| !matches!(*name, "mod" | "lib"));
        names.collect()
    }
}

/// What a file does against one part of the plan.
type Rule = fn(&Source) -> Vec<String>;

pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                sources.push(Source::new(name, &std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(sources.len() > 60, "{} files: is this all of src?", sources.len());
    sources
}

/// Every file keeps the rule.
fn holds(rule: Rule) {
    let broken: Vec<String> = sources().iter().flat_map(rule).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// The rule sees what it is there to see, and nothing else.
fn can_fail(rule: Rule, path: &str, wrong: &[&str], right: &[&str]) {
    for text in wrong {
        assert_eq!(rule(&Source::new(path, text)).len(), 1, "{path}: {text}");
    }
    for text in right {
        assert_eq!(rule(&Source::new(path, text)), [""; 0], "{path}: {text}");
    }
}
