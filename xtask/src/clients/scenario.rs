//! The scenarios that run with each client.

use std::fs;

use serde_json::json;

use super::harness::{Harness, cut};
use super::program::{Act, Program};
use super::wire::Asker;
use crate::output::{Outcome, say};

type Scenario = (&'static str, fn(&Harness) -> Outcome<()>);

/// In this order: the first ones set up what the later ones need.
const SCENARIOS: &[Scenario] = &[
    ("claims a task and finishes it", works),
    ("a held file is not written", is_blocked),
    ("a message is delivered", hears),
    ("the session is resumed", resumes),
    ("a helper is an agent of its own", helps),
];

/// Runs all of them; what failed.
///
/// # Errors
/// The client cannot be set up, or be taken back to the byte.
pub(super) fn all(harness: &mut Harness) -> Outcome<Vec<String>> {
    let name = harness.program.name();
    fs::write(harness.repo.join("AGENTS.md"), "# Rules\r\n\r\nBe kind.\r\n")?;
    if harness.program == Program::Claude {
        fs::write(harness.repo.join("CLAUDE.md"), "# Mine")?;
    }
    let told = harness.ok(&format!("setup {name} --dry-run"))?;
    let files: Vec<String> =
        told["changes"].as_array().into_iter().flatten().filter_map(|row| row["file"].as_str()).map(str::to_owned).collect();
    let before: Vec<Option<Vec<u8>>> = files.iter().map(|file| fs::read(file).ok()).collect();
    harness.ok(&format!("setup {name}"))?;
    let mut faults = Vec::new();
    for (title, scenario) in SCENARIOS {
        say(format_args!("== {name}: {title}"));
        match scenario(harness) {
            Ok(()) => say(format_args!("  PASS")),
            Err(error) => {
                say(format_args!("  FAIL {error}"));
                faults.push(format!("{name}: {title}"));
            }
        }
    }
    say(format_args!("== {name}: set-up and --remove"));
    harness.ok(&format!("setup {name} --remove"))?;
    let after: Vec<Option<Vec<u8>>> = files.iter().map(|file| fs::read(file).ok()).collect();
    if before == after {
        say(format_args!("  PASS {} files are as they were", files.len()));
    } else {
        faults.push(format!("{name}: set-up and --remove"));
    }
    Ok(faults)
}

fn check(is_so: bool, what: &str) -> Outcome<()> {
    if is_so { Ok(()) } else { Err(what.into()) }
}

/// The model's input, shown in the transcript.
fn seen(harness: &Harness, by: Asker, words: &str) -> Outcome<String> {
    let text = harness.seen(by, words).ok_or_else(|| format!("the model never saw \"{words}\""))?;
    let at = text.find(words).unwrap_or(0);
    let start = text[..at].char_indices().rev().nth(200).map_or(0, |(at, _)| at);
    say(format_args!("  model sees: {}", cut(text[start..].trim(), 700).replace('\n', "\n    ")));
    Ok(text)
}

/// The agent of the client's session: the first that joined under the client's name.
fn agent(harness: &Harness) -> Outcome<String> {
    let joined = harness.events("agent_joined")?;
    let prefix = format!("{}-", harness.program.name());
    let found = joined.into_iter().map(|(_, subject)| subject).find(|name| name.starts_with(&prefix) && !name.contains('.'));
    found.ok_or_else(|| "no agent of the client has joined".into())
}

fn works(harness: &Harness) -> Outcome<()> {
    harness.ok("add 'the first part' --id T-1")?;
    let done = json!({"id": "T-1", "result": "written"});
    harness.run("work", false, &[Act::Oarlock("claim", json!({})), Act::Write("part.txt"), Act::Oarlock("done", done)], &[])?;
    seen(harness, Asker::Main, "several agents work on this repository")?;
    check(harness.repo.join("part.txt").is_file(), "a file that nobody holds was not written")?;
    let task = harness.ok("task T-1")?["task"].clone();
    check(task["state"] == "done" && task["result"] == "written", &format!("the task is not done: {task}"))?;
    let agent = agent(harness)?;
    let by = harness.events("task_done")?;
    check(by.contains(&(agent.clone(), "T-1".into())), &format!("it was not {agent} that finished it: {by:?}"))?;
    let state = harness.ok(&format!("agent {agent}"))?["agent"]["state"].clone();
    check(state == "left" || state == "lost", &format!("the client has ended, and its agent is {state}"))
}

fn is_blocked(harness: &Harness) -> Outcome<()> {
    harness.ok("reserve 'src/**' --reason 'a new parser' --ttl 1h --as bob")?;
    let shell = Act::Shell("mkdir -p src && echo x > src/b.txt".into());
    harness.run("edit", false, &[Act::Write("src/a.txt"), shell, Act::Write("free.txt")], &[])?;
    seen(harness, Asker::Main, "src/a.txt is held by bob")?;
    seen(harness, Asker::Main, "src/b.txt is held by bob")?;
    check(!harness.repo.join("src/a.txt").exists() && !harness.repo.join("src/b.txt").exists(), "a held file was written")?;
    check(harness.repo.join("free.txt").is_file(), "a free file was not written")
}

fn hears(harness: &Harness) -> Outcome<()> {
    // Bob speaks while the client runs: by a command, for want of another moment.
    let send = format!("{} send all --text 'the parser has moved' --as bob", harness.oarlock.display());
    harness.run("listen", false, &[Act::Shell(send), Act::Write("after.txt")], &[])?;
    let text = seen(harness, Asker::Main, "from bob: the parser has moved")?;
    check(text.contains("not orders"), "a message is told to be data")
}

fn resumes(harness: &Harness) -> Outcome<()> {
    harness.run("begin", false, &[Act::Write("begun.txt")], &[])?;
    let joined = |harness: &Harness| -> Outcome<Vec<String>> {
        Ok(harness.events("agent_joined")?.into_iter().map(|(_, subject)| subject).collect())
    };
    let first = joined(harness)?.last().cloned().unwrap_or_default();
    harness.ok("add 'after the break' --id T-2")?;
    let acts = [Act::Oarlock("claim", json!({"id": "T-2"})), Act::Oarlock("done", json!({"id": "T-2", "result": "resumed"}))];
    harness.run("go on", true, &acts, &[])?;
    let again = joined(harness)?.last().cloned().unwrap_or_default();
    check(first == again, &format!("the resumed session is {again}, it was {first}"))?;
    say(format_args!("  {first} joined, left, and joined again"));
    let by = harness.events("task_done")?;
    check(by.contains(&(first.clone(), "T-2".into())), &format!("it was not {first} that finished T-2: {by:?}"))?;
    seen(harness, Asker::Main, &format!("You are {first}")).map(|_| ())
}

fn helps(harness: &Harness) -> Outcome<()> {
    harness.ok("add 'of the agent' --id T-3")?;
    harness.ok("add 'of its helper' --id T-4")?;
    let claim = |id: &str| Act::Oarlock("claim", json!({"id": id}));
    let done = |id: &str| Act::Oarlock("done", json!({"id": id, "result": "done"}));
    let main = [claim("T-3"), Act::Help, done("T-3")];
    let helper = [claim("T-4"), Act::Write("src/c.txt"), done("T-4"), Act::Helped];
    harness.run("split the work", false, &main, &helper)?;
    let by = |id: &str| -> Outcome<String> {
        let found = harness.events("task_done")?.into_iter().find(|(_, subject)| subject == id);
        Ok(found.map(|(agent, _)| agent).unwrap_or_default())
    };
    let (main, helper) = (by("T-3")?, by("T-4")?);
    say(format_args!("  T-3 was finished by {main}, T-4 by {helper}"));
    check(helper.starts_with(&format!("{main}.")) && !main.is_empty(), "the helper did not act as an agent of its own")?;
    seen(harness, Asker::Helper, "src/c.txt is held by bob")?;
    check(!harness.repo.join("src/c.txt").exists(), "a helper wrote a held file")?;
    let state = harness.ok(&format!("agent {helper}"))?["agent"]["state"].clone();
    check(state == "left", &format!("the helper has ended, and is {state}"))
}
