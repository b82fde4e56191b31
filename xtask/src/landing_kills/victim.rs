//! The processes of one run: found by a variable in their environment, and distinguished by their command lines.

use std::fs;
use std::path::Path;

use rustix::process::Pid;

/// The kind of a process that may be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The command that works on a part.
    Agent,
    /// `oarlock work`.
    Worker,
    /// `oarlock merge`.
    Queue,
    /// `oarlock run`, which has a queue of its own.
    Run,
    /// The test of a candidate.
    Test,
}

/// The variable that all processes of a run have in their environment. Its name does not begin with `OARLOCK_`: tests do not get such variables.
pub(super) const VARIABLE: &str = "LANDING_KILLS";

/// All processes that have the variable with this directory as its value, with their command lines.
pub(super) fn processes(dir: &Path) -> Vec<(Pid, Vec<String>)> {
    let wanted = format!("{VARIABLE}={}", dir.display());
    let of = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.ok()?;
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let environment = fs::read(entry.path().join("environ")).ok()?;
        environment.split(|byte| *byte == 0).find(|word| *word == wanted.as_bytes())?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let words = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        Some((pid, words))
    };
    fs::read_dir("/proc").into_iter().flatten().filter_map(of).collect()
}

/// Those that may be killed. A git may not: one that moves the files of a person would leave its locks for that person.
pub(super) fn victims(dir: &Path) -> Vec<(Kind, Pid)> {
    processes(dir).into_iter().filter_map(|(pid, words)| Some((kind(&words)?, pid))).collect()
}

fn kind(words: &[String]) -> Option<Kind> {
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    let is_oarlock = words.first().is_some_and(|word| word.ends_with("/oarlock"));
    match is_oarlock {
        true if has("work") => Some(Kind::Worker),
        true if has("merge") => Some(Kind::Queue),
        true if has("run") => Some(Kind::Run),
        false if words.iter().any(|word| word.ends_with("agent.sh")) => Some(Kind::Agent),
        false if words.iter().any(|word| word.contains("test.sh")) => Some(Kind::Test),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_told_apart() {
        for (line, expected) in [
            ("/x/oarlock run plan.md --agents 3 --merge -- sh agent.sh", Some(Kind::Run)),
            ("/x/oarlock --quiet work --as plan-w1 -- sh agent.sh", Some(Kind::Worker)),
            ("/x/oarlock merge --onto main --test sh test.sh", Some(Kind::Queue)),
            ("sh /x/agent.sh", Some(Kind::Agent)),
            ("sh -c sh /x/test.sh", Some(Kind::Test)),
            ("git commit -m x", None),
            ("/x/oarlock tasks", None),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(kind(&words), expected, "{line}");
        }
    }
}
