//! Agents of ours in the race: each takes tasks by one door, and writes into the ledger what it begins and ends.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use oarlock_host::process::children::die_with_parent;
use serde_json::{Value, json};

use crate::output::Outcome;

/// Codes of refusals after which the same call may be made again.
const BUSY: &str = "store_busy";

/// Writes one line into the ledger, in one write at its end.
pub(super) fn note(root: &Path, what: &str, side: &str, who: &str, task: &str) -> Outcome<()> {
    let mut ledger = OpenOptions::new().append(true).open(root.join("ledger"))?;
    Ok(ledger.write_all(format!("{what} {side} {who} {task}\n").as_bytes())?)
}

/// A way to take tasks and to end them.
pub(super) trait Door {
    /// A verb's reply, or the code and message of its refusal.
    fn ask(&mut self, verb: &str, fields: &Value) -> Outcome<Result<Value, (String, String)>>;

    /// The root of the project.
    fn root(&self) -> &Path;

    /// The same, and again while somebody else keeps the store or a file busy.
    fn insist(&mut self, verb: &str, fields: &Value) -> Outcome<Result<Value, (String, String)>> {
        loop {
            match self.ask(verb, fields)? {
                Err((code, _)) if code == BUSY => note(self.root(), "busy", verb, "-", "-")?,
                other => return Ok(other),
            }
        }
    }

    /// The id of a task that was taken; none when there is none for as long as that.
    fn claim(&mut self, wait: &str) -> Outcome<Option<String>> {
        match self.insist("claim", &json!({"wait": wait}))? {
            Ok(reply) => {
                let id = reply["task"]["id"].as_str().or_else(|| reply["claims"][0]["task"]["id"].as_str());
                Ok(Some(id.ok_or_else(|| format!("a claim without a task: {reply}"))?.to_owned()))
            }
            Err((code, _)) if ["nothing_ready", "timed_out"].contains(&code.as_str()) => Ok(None),
            Err((_, message)) => Err(message.into()),
        }
    }

    /// Ends a task by a verb; the code of the refusal, if it is refused.
    fn finish(&mut self, verb: &str, task: &str) -> Outcome<Option<String>> {
        let fields = if verb == "fail" { json!({"id": task, "reason": "it did not work"}) } else { json!({"id": task}) };
        Ok(self.insist(verb, &fields)?.err().map(|(code, _)| code))
    }
}

/// The command line, one process for each call.
struct Cli {
    program: PathBuf,
    root: PathBuf,
    name: String,
}

/// An agent that calls the program `program` in the project at `root`, joined under this name.
///
/// # Errors
/// It cannot join.
pub(super) fn cli(program: &Path, root: &Path, name: &str) -> Outcome<impl Door + use<>> {
    super::super::shared::call(program, root, &["join", name])?;
    Ok(Cli { program: program.to_owned(), root: root.to_owned(), name: name.to_owned() })
}

impl Door for Cli {
    fn ask(&mut self, verb: &str, fields: &Value) -> Outcome<Result<Value, (String, String)>> {
        let mut command = Command::new(&self.program);
        command.arg(verb).args(["--json", "--as", &self.name]).current_dir(&self.root);
        for (name, value) in fields.as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            if name == "id" {
                command.arg(value)
            } else {
                command.arg(format!("--{name}={value}"))
            };
        }
        let output = command.output()?;
        let is_done = output.status.success();
        let text = if is_done { output.stdout } else { output.stderr };
        let reply: Value = serde_json::from_slice(&text).map_err(|error| format!("{verb}: {error}: {}", String::from_utf8_lossy(&text)))?;
        Ok(if is_done { Ok(reply) } else { Err(refusal(&reply["error"])) })
    }

    fn root(&self) -> &Path {
        &self.root
    }
}

fn refusal(error: &Value) -> (String, String) {
    let word = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (word("code"), word("message"))
}

/// A client that has started a server for models.
struct Mcp {
    root: PathBuf,
    server: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    id: u64,
}

impl Mcp {
    fn start(program: &Path, root: &Path, name: &str) -> Outcome<Self> {
        let mut command = Command::new(program);
        command.arg("mcp").current_dir(root).env("OARLOCK_AGENT", name).stdin(Stdio::piped()).stdout(Stdio::piped());
        die_with_parent(&mut command);
        let mut server = command.spawn()?;
        let (Some(input), Some(output)) = (server.stdin.take(), server.stdout.take()) else { return Err("no pipes".into()) };
        let mut client = Self { root: root.to_owned(), server, input, output: BufReader::new(output), id: 0 };
        let me = json!({"name": "race", "version": "1"});
        client.request("initialize", &json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": me}))?;
        writeln!(client.input, "{}", json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        Ok(client)
    }

    fn request(&mut self, method: &str, params: &Value) -> Outcome<Value> {
        self.id += 1;
        writeln!(self.input, "{}", json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}))?;
        self.input.flush()?;
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                return Err(format!("the server ended before it answered {method}").into());
            }
            let answer: Value = serde_json::from_str(&line)?;
            if answer["id"] == self.id {
                return Ok(answer);
            }
        }
    }
}

impl Door for Mcp {
    fn ask(&mut self, verb: &str, fields: &Value) -> Outcome<Result<Value, (String, String)>> {
        let answer = self.request("tools/call", &json!({"name": verb, "arguments": fields}))?;
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str().ok_or_else(|| format!("{verb} was answered by {answer}"))?;
        let value: Value = serde_json::from_str(text)?;
        Ok(if result["isError"] == true { Err(refusal(&value["error"])) } else { Ok(value) })
    }

    fn root(&self) -> &Path {
        &self.root
    }
}

impl Drop for Mcp {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Works as an agent of ours: `DOOR NAME ROOT PROGRAM SECONDS`.
///
/// # Errors
/// A call that fails for another reason than that there is no task, or that somebody was quicker.
pub(in crate::scripts) fn work(arguments: &[String]) -> Outcome<()> {
    let [door, name, root, program, seconds] = arguments else { return Err("five arguments are needed".into()) };
    let (root, program) = (Path::new(root), Path::new(program));
    let time = Duration::from_secs_f64(seconds.parse()?);
    match door.as_str() {
        "claim" => take(&mut cli(program, root, name)?, door, name, time),
        // The tool of models has no `release`: it fails an attempt instead.
        "mcp" => take(&mut Mcp::start(program, root, name)?, door, name, time),
        "once" => once(program, root, name),
        "work" => worker(program, root, name),
        _ => Err(format!("there is no door {door}").into()),
    }
}

/// Takes tasks until it is asked to stop. Some are given back, and one in a while fails.
fn take(agent: &mut dyn Door, door: &str, name: &str, time: Duration) -> Outcome<()> {
    let root = agent.root().to_owned();
    let mut n: u32 = 0;
    while !root.join("stop").exists() {
        let Some(task) = agent.claim("1s")? else { continue };
        n += 1;
        note(&root, "start", door, name, &task)?;
        thread::sleep(time);
        let verb = match n % 12 {
            5 if door != "mcp" => "release",
            9 => "fail",
            _ => "done",
        };
        if verb != "done" {
            // Its work is over before anybody else can begin.
            note(&root, verb, door, name, &task)?;
        }
        match agent.finish(verb, &task)? {
            None if verb == "done" => note(&root, verb, door, name, &task)?,
            None => {}
            Some(code) => note(&root, &format!("refused:{code}"), door, name, &task)?,
        }
    }
    Ok(())
}

fn work_command(program: &Path, root: &Path, name: &str, side: &str, options: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.arg("work").args(options).args(["-q", "--as", name, "--", "bash", "work.sh", side, name]).arg(root).current_dir(root);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    die_with_parent(&mut command);
    command
}

/// `oarlock work --once`, again and again.
fn once(program: &Path, root: &Path, name: &str) -> Outcome<()> {
    while !root.join("stop").exists() {
        let output = work_command(program, root, name, "once", &["--once"]).stderr(Stdio::piped()).output()?;
        match output.status.code() {
            Some(0) => {}
            // There is none, or somebody keeps the store or a file busy.
            Some(7 | 8) => thread::sleep(Duration::from_millis(200)),
            code => return Err(format!("work --once: {code:?}: {}", String::from_utf8_lossy(&output.stderr).trim()).into()),
        }
    }
    Ok(())
}

/// One `oarlock work` that goes on until it is ended.
fn worker(program: &Path, root: &Path, name: &str) -> Outcome<()> {
    let mut child = work_command(program, root, name, "work", &[]).spawn()?;
    while !root.join("stop-work").exists() {
        if let Some(status) = child.try_wait()? {
            return Err(format!("work ended by itself: {status}").into());
        }
        thread::sleep(Duration::from_millis(50));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM)?;
    child.wait()?;
    // What it had begun it has given back.
    let ledger = std::fs::read_to_string(root.join("ledger"))?;
    let mut own = ledger.lines().filter(|line| line.split(' ').nth(2) == Some(name));
    if let Some(open) = own.next_back().and_then(|line| line.strip_prefix("start ")).and_then(|line| line.split(' ').nth(2)) {
        note(root, "release", "work", name, open)?;
    }
    Ok(())
}
