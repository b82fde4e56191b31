//! Hooks of coding agents' clients: each call is a process of its own, so it is put beside the cold `check` that it makes.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::cold::timed;
use super::given::{Bench, plain};
use super::measure::{self, Spread};
use super::ours::{self, Content};
use super::table::{Row, Target};
use crate::output::Outcome;

/// The hooks around a tool beside a cold `check`, all of them of an agent that has joined.
///
/// # Errors
/// A command fails.
pub(super) fn hook(bench: &Bench) -> Outcome<Vec<Row>> {
    bench.program()?;
    let (rounds, each) = bench.pick((5, 10), (20, 20));
    let root = bench.fresh_dir()?;
    ours::make(root.path(), &Content::new(10, 100))?;
    let dir = root.path();
    timed(bench.oarlock(dir, &["reserve", "src/a*/**", "--as", "a1"])?, Stdio::null())?;
    let told = |name: &str, fields: Value| -> Outcome<std::path::PathBuf> {
        let mut input = json!({"session_id": "0a1b2c3d", "cwd": dir, "transcript_path": "/x.jsonl", "permission_mode": "default"});
        for (field, value) in fields.as_object().into_iter().flatten() {
            input[field] = value.clone();
        }
        let file = dir.join(name);
        fs::write(&file, input.to_string())?;
        Ok(file)
    };
    let start = told("start.json", json!({"source": "startup"}))?;
    let edit = told(
        "edit.json",
        json!({"tool_name": "Edit", "tool_input": {"file_path": dir.join("lib/x.rs"), "old_string": "a", "new_string": "b"}}),
    )?;
    let shell = told("shell.json", json!({"tool_name": "Bash", "tool_input": {"command": "cargo test 2>&1 | tee /tmp/log"}}))?;
    let hook = |event: &str, input: &Path| -> Outcome<(Command, Stdio)> {
        Ok((bench.oarlock(dir, &["hook", "claude", event])?, Stdio::from(File::open(input)?)))
    };
    let run = |(command, input): (Command, Stdio)| timed(command, input);
    run(hook("SessionStart", &start)?)?;

    let mut nothing = || timed(plain(Path::new("/bin/true"), dir), Stdio::null());
    let mut check = || timed(bench.oarlock(dir, &["check", "lib/x.rs", "--as", "a0", "--json"])?, Stdio::null());
    let mut before = || run(hook("PreToolUse", &edit)?);
    let mut before_shell = || run(hook("PreToolUse", &shell)?);
    let mut after = || run(hook("PostToolUse", &edit)?);
    let medians = measure::in_turns(rounds, each, &mut [&mut nothing, &mut check, &mut before, &mut before_shell, &mut after])?;
    let [nothing, check, before, before_shell, after] = medians.as_slice() else { return Err("five sides".into()) };
    let shown = |samples: &[f64]| Ok::<_, Box<dyn std::error::Error>>(format!("{:.2} ms", Spread::of(samples)?.median * 1e3));
    let (t, c) = (shown(nothing)?, shown(check)?);
    let beside = |what: &str, samples: &[f64]| -> Outcome<Row> {
        let note = format!("{} against {c}; `true` {t}", shown(samples)?);
        Ok(Row::ratio(what, measure::ratio(samples, check)?, Target::AtMost(1.5)).note(note))
    };
    Ok(vec![
        beside("hook before an edit to a cold check", before)?,
        beside("hook before a command to a cold check", before_shell)?,
        beside("hook after a tool to a cold check", after)?,
    ])
}
