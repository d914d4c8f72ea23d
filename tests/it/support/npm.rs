//! What tests take from npm (tests/npm), where `.ci/run` installed it.

use std::path::PathBuf;

/// The folder that holds `node_modules`.
pub fn folder() -> PathBuf {
    std::env::var_os("ONLYCAR_NPM_DIR").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/onlycar/npm"),
        PathBuf::from,
    )
}
