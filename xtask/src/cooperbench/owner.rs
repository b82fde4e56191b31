//! Part c: an owner whose feature was refused answers its brief with both features in one, which its task's combined patch is.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use fastrand::Rng;

use super::dataset::Found;
use super::landing::{Case, combinations, has_brief, sound};
use super::sandbox::Sandbox;
use super::testing::{Tests, Tools};
use crate::output::{Outcome, say};

/// The second attempt: the brief has to be there; the branch becomes what the combined patch makes of the base, on top of the target.
const OWNER: &str = r#"set -eu
brief=$(cat)
case "$brief" in *"$EXPECTED"*) ;; *) echo "the brief does not name $EXPECTED" >&2; exit 1;; esac
git merge --quiet --no-edit -s ours landing >/dev/null 2>&1 || true
git read-tree -u --reset combined
git commit --quiet --allow-empty -m "$OARLOCK_TASK with what has landed"
"#;

/// Plays pairs that conflict and shows the table; the faults.
pub(super) fn run(program: &Path, tools: &Tools, tasks: &[Found], cases: usize, seed: u64) -> Outcome<Vec<String>> {
    say("(c) owners that answer a brief with the combined patch");
    say(format_args!("{:<28} {:>5} {:>7} {:>6} {:>6}", "task", "pairs", "refused", "briefs", "landed"));
    let (mut faults, mut random) = (Vec::new(), Rng::with_seed(seed));
    for (task, upstream) in tasks {
        let sandbox = Sandbox::make(task, upstream)?;
        let (tests, combined) = match (Tests::write(tools, task, &sandbox)?, task.combined()) {
            (Ok(tests), Some(combined)) => (tests, combined),
            (Err(why), _) => {
                say(format_args!("{:<28} left out: {why}", task.name));
                continue;
            }
            (_, None) => {
                say(format_args!("{:<28} left out: it has no combined patch", task.name));
                continue;
            }
        };
        if !sandbox.branch("combined", "main", &[combined])? {
            say(format_args!("{:<28} left out: its combined patch does not apply to the base", task.name));
            continue;
        }
        let sound = sound(&sandbox, &tests, &task.features, &|feature| task.feature(feature))?;
        // What the combined patch itself fails cannot land.
        let mut whole = Vec::new();
        for feature in sound {
            if tests.pass(&sandbox, "combined", &[feature])? {
                whole.push(feature);
            }
        }
        let (mut pairs, mut refused, mut briefs, mut landed) = (0, 0, 0, 0);
        for chosen in combinations(&whole, 2, usize::MAX, &mut random) {
            if pairs >= cases {
                break;
            }
            let case = Case { program, tests: &tests, sandbox: &sandbox, features: &chosen, name: format!("{} {chosen:?}", task.name) };
            case.begin()?;
            attempt(&case, chosen[0], "agent.sh", "")?;
            attempt(&case, chosen[1], "agent.sh", "")?;
            case.land()?;
            let task = case.task(chosen[1])?;
            if task["landing"]["reason"] != "conflict" {
                continue;
            }
            pairs += 1;
            refused += usize::from(task["state"] == "ready");
            briefs += usize::from(has_brief(&task));
            fs::write(tests.cases().join("owner.sh"), OWNER)?;
            attempt(&case, chosen[1], "owner.sh", task["landing"]["files"][0].as_str().unwrap_or_default())?;
            case.land()?;
            let after = case.task(chosen[1])?;
            if after["state"] == "done" && tests.pass(&sandbox, "landing", &chosen)? {
                landed += 1;
            } else {
                faults.push(format!("{}: F{} did not land after its answer: {after}", case.name, chosen[1]));
            }
        }
        say(format_args!("{:<28} {pairs:>5} {refused:>7} {briefs:>6} {landed:>6}", task.name));
        if refused < pairs || briefs < pairs {
            faults.push(format!("{}: {pairs} were refused, {refused} came back, {briefs} with a brief", task.name));
        }
    }
    Ok(faults)
}

/// One attempt of a feature's owner with a script.
fn attempt(case: &Case<'_>, feature: u32, script: &str, expected: &str) -> Outcome<()> {
    let (name, id) = (format!("a{feature}"), format!("F{feature}"));
    case.ok(&["update", &id, "--assign", &name])?;
    let mut command = case.oarlock(&["work", "--as", &name, "--once", "--worktree", "--onto", "landing", "--", "sh"]);
    command.arg(case.tests.cases().join(script)).env("CASES", case.tests.cases()).env("EXPECTED", expected);
    let run = command.stdout(Stdio::null()).output()?;
    if run.status.success() { Ok(()) } else { Err(format!("{}: {id}: {}", case.name, String::from_utf8_lossy(&run.stderr)).into()) }
}
