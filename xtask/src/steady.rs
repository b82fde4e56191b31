//! `cargo xtask steady`: the tests that start processes or wait for something, again and again beside processes that keep the
//! processors busy. A test that holds only on an idle machine waits for time where it should wait for the thing itself.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use oarlock_host::process::children::die_with_parent;
use serde_json::Value;

use crate::output::{Outcome, say, warn};
use crate::targets::PORTABLE;
use crate::workspace;

/// The first argument of a process that keeps a processor busy.
pub(crate) const WORKER: &str = "steady-worker";

/// The profile of nextest that names these tests.
const PROFILE: &str = "steady";

/// Run the tests that start processes or wait again and again on a busy machine.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only tests whose names contain one of these.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// How often each is run.
    #[arg(long, value_name = "N", default_value_t = 20)]
    runs: u32,
    /// Processes beside them that do nothing but keep the processors busy.
    #[arg(long, value_name = "N", default_value_t = 4)]
    busy: u32,
    /// With the portable answers of oarlock-host.
    #[arg(long)]
    portable: bool,
}

/// Runs them, and lists those that have failed.
///
/// # Errors
/// The tests cannot be built, or one has failed.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    // Built before anything is busy.
    if !tests(arguments).arg("--no-run").status()?.success() {
        return Err("the tests cannot be built".into());
    }
    let _busy = (0..arguments.busy).map(|_| Busy::start()).collect::<Outcome<Vec<_>>>()?;
    let mut failures = BTreeMap::<String, u32>::new();
    for n in 1..=arguments.runs {
        let begun = Instant::now();
        // Experimental in nextest: if its form changes, no test is seen, and that is an error.
        let mut command = tests(arguments);
        command.args(["--no-fail-fast", "--message-format", "libtest-json", "--status-level", "none", "--final-status-level", "none"]);
        let output = command.env("NEXTEST_EXPERIMENTAL_LIBTEST_JSON", "1").stderr(Stdio::null()).output()?;
        let (passed, failed) = ended(&String::from_utf8_lossy(&output.stdout));
        if passed + failed.len() == 0 || output.status.success() != failed.is_empty() {
            return Err(format!("{}, but {passed} tests passed and {} failed", output.status, failed.len()).into());
        }
        warn(format_args!("run {n}: {passed} passed, {} failed, {:.0} s", failed.len(), begun.elapsed().as_secs_f64()));
        failed.into_iter().for_each(|name| *failures.entry(name).or_default() += 1);
    }
    let (runs, busy) = (arguments.runs, arguments.busy);
    if failures.is_empty() {
        say(format_args!("steady: nothing failed in {runs} runs beside {busy} busy processes"));
        return Ok(());
    }
    failures.iter().for_each(|(name, times)| say(format_args!("{times:>4} of {runs}  {name}")));
    Err(format!("{} tests failed in {runs} runs beside {busy} busy processes", failures.len()).into())
}

/// Keeps a processor busy until anyone who has started it dies.
pub(crate) fn work() -> ! {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
}

fn tests(arguments: &Arguments) -> Command {
    let mut command = workspace::cargo();
    command.args(["nextest", "run", "--cargo-quiet", "--profile", PROFILE]);
    match arguments.portable {
        true => command.args(["--package", "oarlock", "--package", "oarlock-host", "--package", "oarlock-run", "--features", PORTABLE]),
        false => command.arg("--workspace"),
    };
    command.args(&arguments.names);
    command
}

/// How many tests have passed, and the names of those that have not.
fn ended(lines: &str) -> (usize, Vec<String>) {
    let events = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).filter(|line| line["type"] == "test");
    let (mut passed, mut failed) = (0, Vec::new());
    for event in events {
        match event["event"].as_str() {
            Some("ok") => passed += 1,
            Some("failed") => failed.push(event["name"].as_str().unwrap_or_default().to_owned()),
            _ => {}
        }
    }
    (passed, failed)
}

/// A process that keeps a processor busy, ended with this.
struct Busy(Child);

impl Busy {
    fn start() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(WORKER).stdin(Stdio::null()).stdout(Stdio::null());
        die_with_parent(&mut command);
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_failed_is_read_from_what_nextest_says() {
        let said = r#"{"type":"suite","event":"started","test_count":3}
{"type":"test","event":"started","name":"a::b$c"}
{"type":"test","event":"ok","name":"a::b$c","exec_time":0.1}
{"type":"test","event":"failed","name":"a::b$d","exec_time":0.1,"stdout":"x"}
{"type":"test","event":"ignored","name":"a::b$e"}
{"type":"suite","event":"failed","passed":1,"failed":1}
not JSON
"#;
        assert_eq!(ended(said), (1, vec!["a::b$d".to_owned()]));
    }
}
