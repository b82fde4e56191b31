//! Ready lines for RALF's planner and executor loops, which are shell scripts: each does one thing, and works when it is pasted.

use std::path::Path;

use serde::Serialize;

/// One line for a loop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hook {
    /// `bridge`, `planner` or `executor`.
    #[serde(rename = "loop")]
    pub of: &'static str,
    /// Where in the loop it belongs.
    pub when: &'static str,
    /// A line of a POSIX shell.
    pub line: String,
}

/// The lines for the project at `root`, whose loops run in that directory. `store` is the store to name where it is not the project's own.
#[must_use]
pub fn hooks(root: &Path, store: Option<&str>) -> Vec<Hook> {
    let store = store.map_or_else(String::new, |store| format!(" --store {}", quoted(store)));
    let call = |verb: &str| format!("oarlock {verb}{store}");
    let root = quoted(&root.to_string_lossy());
    let planner = r#"--as "${RALF_AGENT_ID:-planner}""#;
    let executor = r#"--as "${RALF_AGENT_ID:-executor}""#;
    let hook = |of, when, line| Hook { of, when, line };
    vec![
        hook("bridge", "once, beside the loops", format!("{} &", call(&format!("ralf sync {root} --watch -q")))),
        hook(
            "planner",
            "before the loop",
            call(r#"join "${RALF_AGENT_ID:-planner}" --role planner --program ralf --pid $$ --take-over -q"#),
        ),
        hook("planner", "each turn", call(&format!("heartbeat {planner} --status running --action planning -q"))),
        hook("planner", "to hand a task out in parts", call(r#"split "$TASK" --assign -q"#)),
        hook("executor", "instead of the loop: claims, beats while the child runs, completes", {
            let work = call(r#"work --as "${RALF_AGENT_ID:-executor}""#);
            format!("{work} -- claude -p")
        }),
        hook(
            "executor",
            "before the loop",
            call(r#"join "${RALF_AGENT_ID:-executor}" --role executor --program ralf --pid $$ --take-over -q"#),
        ),
        hook("executor", "to claim", format!("TASK=$({}) || {{ sleep 1; continue; }}", call(&format!("claim {executor} --wait 30s -q")))),
        hook("executor", "before the child", {
            let beat = call(&format!(r#"heartbeat {executor} --status running --action "executing_$TASK" -q"#));
            // Anyone who kills the loop leaves nothing behind: its pause goes with it, and looks each second whether the loop is still there.
            let beats = format!("while kill -0 $$; do [ $((N%30)) != 0 ] || {beat} || exit; N=$((N+1)); sleep 1 & S=$!; wait $S; done");
            format!("(S=; N=0; trap 'kill $S; exit' TERM INT HUP; {beats}) >/dev/null 2>&1 & BEAT=$!")
        }),
        hook("executor", "after a child that did it", format!(r#"kill $BEAT; {}"#, call(&format!(r#"done "$TASK" {executor} -q"#)))),
        hook(
            "executor",
            "after one that did not",
            format!(r#"kill $BEAT; {}"#, call(&format!(r#"fail "$TASK" {executor} --reason "the child failed" -q"#))),
        ),
    ]
}

/// A word of the shell, whatever it holds.
fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-:+,@%".contains(c));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_word_whatever_its_name() {
        assert_eq!(quoted("/a/b-c.d"), "/a/b-c.d");
        assert_eq!(quoted("/a b/$(rm -rf x)/it's"), r"'/a b/$(rm -rf x)/it'\''s'");
        let lines = hooks(Path::new("/a b"), Some("sqlite:/c d"));
        assert!(lines[0].line.contains("'/a b'") && lines.iter().all(|hook| hook.line.contains("--store 'sqlite:/c d'")));
        assert!(hooks(Path::new("/a"), None).iter().all(|hook| !hook.line.contains("--store") && !hook.line.contains('\n')));
    }
}
