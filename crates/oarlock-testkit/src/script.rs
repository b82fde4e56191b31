//! Text scripts: lines that are typed, and the expected output below each. A script runs under several
//! harnesses at once; blessing writes down what they say.
//!
//! ```text
//! # A remark.
//! ada: claim T-1 --ttl 300s
//!   ok
//!   lease T-1 token=3 ttl=300s attempt=1
//! tick 301s
//! ```
//!
//! Lines are `ACTOR: WORDS`, `tick D`, `wall +D` or `wall -D`, `kill NAME`, `reboot`, or `file NAME` with the
//! file's lines below it, each after `| `. An actor is an agent's name, `@NAME` for that agent by an access key, `^NAME` (`^NAME+NAME`) for a process
//! below that agent's (those agents'), or `-`. `start` is a verb of scripts: a join by a process that owns the session.
//!
//! `paper TASK open`, `paper TASK taken NAME`, `paper TASK done` and `paper TASK -` are what somebody writes on a list of tasks beside the store,
//! `paper lock` and `paper unlock` what an old script does with its lock, and `paper` alone shows the list. `strike POINT` kills the next call
//! when it comes to that point: `lock`, `snapshot`, `begin`, `intended`, `marking`, `marked` or `granted`.

mod render;
mod words;

use std::fmt::Write as _;

use oarlock_model::TaskId;
use oarlock_model::duration::Duration;

use crate::harness::{Actor, Lockstep, Step, Writing};
use crate::paper::{Item, Point};
pub use render::render;
pub use words::words;

/// A script: its pieces in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// A remark or an empty line, as it is.
    Remark(String),
    /// A file, its first line as it is.
    File { line: String, name: String, text: String },
    /// Something that happens, as it is, and the expected output.
    Line { line: String, step: Step, expected: Vec<String> },
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// The line that is none of a script, with its number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces: Vec<Piece> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let wrong = |what: &str| format!("line {}: {what}: {line}", number + 1);
            let piece = match (line.strip_prefix("  "), line.strip_prefix('|'), line.split_once(' ')) {
                (Some(expected), ..) => match pieces.last_mut() {
                    Some(Piece::Line { expected: lines, .. }) => {
                        lines.push(expected.to_owned());
                        continue;
                    }
                    _ => return Err(wrong("nothing was said that could be answered")),
                },
                (_, Some(below), _) => match pieces.last_mut() {
                    Some(Piece::File { text, .. }) => {
                        text.push_str(below.strip_prefix(' ').unwrap_or(below));
                        text.push('\n');
                        continue;
                    }
                    _ => return Err(wrong("no file stands above")),
                },
                _ if line.is_empty() || line.starts_with('#') => Piece::Remark(line.to_owned()),
                (.., Some(("file", name))) => Piece::File { line: line.to_owned(), name: name.to_owned(), text: String::new() },
                _ => Piece::Line { line: line.to_owned(), step: step(line).map_err(|what| wrong(&what))?, expected: Vec::new() },
            };
            pieces.push(piece);
        }
        Ok(Self { pieces })
    }

    /// Runs the script and writes it down again with the replies: equal to its own text when
    /// everything was as expected.
    pub fn run(&self, harnesses: &mut Lockstep) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            let written = match piece {
                Piece::Remark(line) => writeln!(text, "{line}"),
                Piece::File { line, name, text: content } => {
                    harnesses.files().write(name, content.clone());
                    let below: String =
                        content.lines().map(|line| if line.is_empty() { "|\n".to_owned() } else { format!("| {line}\n") }).collect();
                    write!(text, "{line}\n{below}")
                }
                Piece::Line { line, step, .. } => {
                    let answer: String = harnesses
                        .run(step)
                        .map(|outcome| render(&outcome))
                        .unwrap_or_default()
                        .iter()
                        .map(|line| format!("  {line}\n"))
                        .collect();
                    write!(text, "{line}\n{answer}")
                }
            };
            written.expect("a string can be written to");
        }
        text
    }

    /// The lines that call a verb.
    pub fn verbs(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Line { step: Step::Call(_, words), .. } => words.first().map(String::as_str),
            _ => None,
        })
    }
}

/// Reads a line on which something happens.
pub(crate) fn step(line: &str) -> Result<Step, String> {
    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
    if let Some(actor) = first.strip_suffix(':') {
        return Ok(Step::Call(Actor::parse(actor), words(rest)?));
    }
    match first {
        "tick" => Ok(Step::Tick(milliseconds(rest)?)),
        "wall" => match (rest.strip_prefix('+'), rest.strip_prefix('-')) {
            (Some(forward), _) => Ok(Step::Wall(milliseconds(forward)?)),
            (_, Some(back)) => Ok(Step::Wall(-milliseconds(back)?)),
            _ => Err("a wall clock steps by +D or -D".to_owned()),
        },
        "kill" => Ok(Step::Kill(rest.to_owned())),
        "reboot" => Ok(Step::Reboot),
        "paper" => writing(rest).map(Step::Paper),
        "strike" => {
            let point = Point::ALL.into_iter().find(|point| point.to_string() == rest);
            point.map(Step::Strike).ok_or_else(|| format!("no call has a point {rest}"))
        }
        _ => Err("neither a remark nor a call nor time nor death".to_owned()),
    }
}

/// The text on the list.
fn writing(text: &str) -> Result<Writing, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let task = |id: &str| TaskId::parse(id).map_err(|error| error.to_string());
    Ok(match words.as_slice() {
        [] => Writing::Shown,
        ["lock"] => Writing::Lock(true),
        ["unlock"] => Writing::Lock(false),
        [id, "-"] => Writing::Erased(task(id)?),
        [id, "open"] => Writing::Item(task(id)?, Item::Open),
        [id, "taken", by] => Writing::Item(task(id)?, Item::Taken((*by).to_owned())),
        [id, "done"] => Writing::Item(task(id)?, Item::Done { is_known: false }),
        _ => return Err(format!("{text} cannot be written on the list")),
    })
}

/// A duration as scripts write it: as the command line does, and in `ms`.
fn milliseconds(text: &str) -> Result<i64, String> {
    match text.strip_suffix("ms") {
        Some(number) => number.parse().map_err(|_| format!("{text} is not a duration")),
        None => text.parse::<Duration>().map(Duration::as_ms).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::MemoryHarness;

    #[test]
    fn a_script_plays_back_what_it_expects() {
        let text = "# A remark.\n\nfile a.md\n| x\n|\n- : \n";
        assert!(Script::parse(text).is_err());
        let text =
            "# A remark.\n\nfile a.md\n| x\n|\n-: add x --body-file a.md --id A\n  ok\n  task A ready \"x\" body=\"x\\n\\n\"\ntick 1ms\n";
        let script = Script::parse(text).expect("a script");
        let outcome = script.run(&mut Lockstep::new(vec![Box::new(MemoryHarness::default())]));
        assert_eq!(outcome, text);
    }

    #[test]
    fn answers_without_questions_are_refused() {
        assert!(Script::parse("  ok\n").expect_err("refused").starts_with("line 1"));
        assert!(Script::parse("| x\n").is_err() && Script::parse("tick x\n").is_err() && Script::parse("wall 1s\n").is_err());
    }
}
