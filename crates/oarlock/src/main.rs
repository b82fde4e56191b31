//! The `oarlock` command: parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    oarlock::cli::install_panic_report();
    ExitCode::from(oarlock::cli::run(std::env::args_os()))
}
