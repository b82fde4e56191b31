//! The cycle of discover, split and sync at a hundred agents, called from Python, beside the files read and written whole by PyYAML
//! under flock that these modules had first, and a claim that is written through to its file: `python/bench`.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::given::Bench;
use super::measure::Spread;
use super::table::{Row, Target};
use crate::output::Outcome;
use crate::workspace;

/// The measured call, its name in the table, and its bound.
const ROWS: &[(&str, &str, Target)] = &[
    ("cycle files", "discover, split, sync on files to PyYAML", Target::AtLeast(10.0)),
    ("cycle normal", "the same on an attached store, NORMAL", Target::AtLeast(100.0)),
    ("cycle full", "the same, FULL", Target::Reported),
    ("cycle disk", "the same, FULL, to one sync of the disk", Target::Reported),
    ("sync files", "a state sync on files to PyYAML", Target::AtLeast(3.0)),
    ("sync normal", "the same on an attached store, NORMAL", Target::AtLeast(100.0)),
    ("sync full", "the same, FULL", Target::Reported),
    ("sync disk", "the same, FULL, to one sync of the disk", Target::Reported),
    ("claim written", "a claim written through to the queue, to a bare claim and a bare rewrite", Target::AtMost(2.0)),
];

/// Builds the wheel in the profile that is shipped, and measures it in a process of Python.
///
/// # Errors
/// There is no Python, the wheel cannot be built, or a measure fails.
pub(super) fn ralf(bench: &Bench) -> Outcome<Vec<Row>> {
    let script = workspace::root().join("python/bench/run");
    let mut command = Command::new(script);
    command.arg(bench.program()?).arg(bench.pick("3", "9")).env("OARLOCK_BENCH_DIR", &bench.dir).stderr(Stdio::inherit());
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("python/bench/run failed: {}", output.status).into());
    }
    String::from_utf8(output.stdout)?.lines().map(|line| row(&serde_json::from_str(line)?)).collect()
}

fn row(measured: &Value) -> Outcome<Row> {
    let name = measured["name"].as_str().unwrap_or_default();
    let (_, what, target) = ROWS.iter().find(|(known, ..)| *known == name).ok_or_else(|| format!("{name} is no measure"))?;
    let numbers = |field: &str| -> Outcome<Spread> {
        Spread::of(&measured[field].as_array().into_iter().flatten().filter_map(Value::as_f64).collect::<Vec<_>>())
    };
    let note = format!("{:.3} ms, the other {:.3} ms", numbers("new_ms")?.median, numbers("old_ms")?.median);
    let note = if name.ends_with("disk") {
        format!("{:.3} ms, a sync {:.3} ms", numbers("old_ms")?.median, numbers("new_ms")?.median)
    } else {
        note
    };
    Ok(Row::ratio(*what, numbers("ratios")?, *target).note(note))
}
