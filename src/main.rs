//! The `onlycar` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    onlycar::cli::main()
}
