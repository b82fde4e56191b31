//! Runs of short parts beside the best schedule of whole parts, which is computed, and the time that each part costs beyond its own.

use std::process::Stdio;

use serde_json::Value;

use super::given::Bench;
use super::measure::Spread;
use super::table::{Row, Target, Unit};
use crate::output::Outcome;

/// The parent of the parts.
const PARENT: &str = "P";
/// How long a part takes, in milliseconds.
const PART_MS: f64 = 1_000.0;

/// The shortest time in which N agents can do whole parts of one length, in milliseconds.
fn best_ms(parts: usize, agents: usize) -> f64 {
    parts.div_ceil(agents) as f64 * PART_MS
}

/// Runs of 1-second parts at 2, 3, 4 and 8 agents, and of parts that do nothing.
///
/// # Errors
/// A command fails.
pub(super) fn runs(bench: &Bench) -> Outcome<Vec<Row>> {
    bench.program()?;
    let (rounds, waves, short) = bench.pick((1, 2, 20), (3, 4, 100));
    let mut rows = Vec::new();
    for agents in [2, 3, 4, 8] {
        // The last wave is not full.
        let parts = agents * waves - 1;
        let best = best_ms(parts, agents);
        let ratios = (0..rounds).map(|_| Ok(run_ms(bench, agents, parts, "sleep 1")? / best)).collect::<Outcome<Vec<f64>>>()?;
        let spread = Spread::of(&ratios)?;
        let over = (spread.median - 1.0) * best / parts.div_ceil(agents) as f64;
        let what = format!("{parts} parts of 1 s with {agents} agents to the best schedule");
        rows.push(Row::ratio(what, spread, Target::AtMost(1.1)).note(format!("best {} s; {over:.0} ms more for each wave", best / 1e3)));
    }
    let each = (0..rounds).map(|_| Ok(run_ms(bench, 1, short, ":")? / short as f64)).collect::<Outcome<Vec<f64>>>()?;
    rows.push(Row::of("a part that does nothing, one agent, no worktree", Spread::of(&each)?, Unit::Milliseconds, Target::AtMost(50.0)));
    Ok(rows)
}

/// How long a run takes, as its report has it, in milliseconds.
fn run_ms(bench: &Bench, agents: usize, parts: usize, script: &str) -> Outcome<f64> {
    let root = bench.fresh_dir()?;
    let dir = root.path();
    super::cold::timed(bench.oarlock(dir, &["init"])?, Stdio::null())?;
    super::cold::timed(bench.oarlock(dir, &["add", "all", "--id", PARENT])?, Stdio::null())?;
    for part in 0..parts {
        super::cold::timed(bench.oarlock(dir, &["add", &format!("part {part}"), "--parent", PARENT])?, Stdio::null())?;
    }
    // The parent is joined at the end by an agent that has nothing to do for it.
    let script = format!("[ $OARLOCK_TASK = {PARENT} ] || {script}");
    let agents = agents.to_string();
    let output =
        bench.oarlock(dir, &["run", PARENT, "--agents", &agents, "--json", "--", "sh", "-c", &script])?.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(format!("run ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    let report: Value = serde_json::from_slice(&output.stdout)?;
    report["wall_ms"].as_f64().ok_or_else(|| "the report has no time".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_schedule_does_whole_parts() {
        for (parts, agents, seconds) in [(7, 2, 4.0), (8, 2, 4.0), (9, 2, 5.0), (31, 8, 4.0), (1, 8, 1.0)] {
            assert_eq!(best_ms(parts, agents), seconds * 1e3, "{parts} {agents}");
        }
    }
}
