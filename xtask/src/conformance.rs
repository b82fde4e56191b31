//! `cargo xtask conformance`: the conformance suite of the Model Context Protocol against a server of fixtures that is on the
//! stack of our gateway: hyper in front of the same service of `rmcp`, configured alike. It shows what this stack can do, not what
//! our tools say.

mod content;
mod fixture;
mod rounds;
mod server;
mod shared;
mod suite;
mod tools;

use std::sync::Arc;

use crate::output::{Outcome, say, warn};
use crate::workspace;
use suite::{Report, Suite};

/// The revisions of the protocol that are asked for, each with the scenarios it requires.
const REVISIONS: &[&str] = &["2025-11-25", "2026-07-28"];

/// Why a request of the server cannot be answered in a revision that knows sessions, when there are none.
const NO_SESSION: &str = "the client's answer comes in a request of its own, and without a session nothing leads it to the call that waits";

/// Scenarios that fail on this stack: revision, name, reason.
const EXPECTED: &[(&str, &str, &str)] = &[
    ("2025-11-25", "tools-call-sampling", NO_SESSION),
    ("2025-11-25", "tools-call-elicitation", NO_SESSION),
    ("2025-11-25", "elicitation-sep1034-defaults", NO_SESSION),
    ("2025-11-25", "elicitation-sep1330-enums", NO_SESSION),
];

/// Run the conformance suite of the Model Context Protocol against fixtures on the gateway's stack.
///
/// The first time it installs the suite, and a Node for it, below target/conformance.
#[derive(clap::Args)]
pub(crate) struct Arguments {}

/// Runs the suite, revision after revision.
///
/// # Errors
/// A suite that cannot be installed or run, a scenario that fails and should not, or one that passes and should not.
pub(crate) fn run() -> Outcome<()> {
    let suite = Suite::find_or_install(&workspace::target_dir()?.join("conformance"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let service = Arc::new(server::service(address.port())?);
    runtime.spawn(server::serve(listener, service));
    let mut faults = Vec::new();
    for revision in REVISIONS {
        warn(format_args!("running the scenarios of {revision}"));
        let report = suite.run(&format!("http://{address}/mcp"), revision)?;
        say(format_args!("{revision}\n{}", report.text));
        let empty = report.scenarios.iter().filter(|scenario| scenario.is_scored && scenario.has_passed && scenario.checks == 0);
        empty.for_each(|scenario| say(format_args!("passes without a check: {} of {revision}", scenario.name)));
        faults.extend(check(revision, &report, EXPECTED));
    }
    for (revision, scenario, reason) in EXPECTED {
        say(format_args!("expected to fail: {scenario} of {revision}: {reason}"));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n  ").into()) }
}

/// The faults.
fn check(revision: &str, report: &Report, expected: &[(&str, &str, &str)]) -> Vec<String> {
    let is_expected = |name: &str| expected.iter().any(|(of, scenario, _)| *of == revision && *scenario == name);
    let mut faults = Vec::new();
    for scenario in report.scenarios.iter().filter(|scenario| scenario.is_scored) {
        let name = &scenario.name;
        match (scenario.has_passed, is_expected(name)) {
            (false, false) => faults.push(format!("{name} of {revision} fails: {}", report.failed_checks(name).join("; "))),
            (true, true) => faults.push(format!("{name} of {revision} passes: it is no longer to be expected to fail")),
            _ => {}
        }
    }
    for (_, name, _) in expected.iter().filter(|(of, ..)| *of == revision) {
        if !report.scenarios.iter().any(|scenario| scenario.is_scored && scenario.name == *name) {
            faults.push(format!("{name} is not asked for by {revision}"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use suite::Scenario;

    fn report(scenarios: &[(&str, bool, bool)]) -> Report {
        let scenario = |&(name, is_scored, has_passed): &(&str, bool, bool)| {
            let name = name.into();
            Scenario { name, is_scored, has_passed, checks: 1 }
        };
        Report { scenarios: scenarios.iter().map(scenario).collect(), ..Report::default() }
    }

    #[test]
    fn only_what_nobody_expects_is_a_fault() {
        let expected = [("1", "fails", "it cannot"), ("2", "passes", "of another revision")];
        assert!(check("1", &report(&[("fails", true, false), ("passes", true, true), ("extra", false, false)]), &expected).is_empty());
        assert_eq!(check("1", &report(&[("fails", true, true)]), &expected).len(), 1, "it passes now");
        assert_eq!(check("1", &report(&[("fails", true, false), ("new", true, false)]), &expected).len(), 1, "a new one fails");
        assert_eq!(check("1", &report(&[]), &expected).len(), 1, "it did not run");
    }
}
