//! One-shot commands: what a new process costs, how often it makes the disk write, and how large it is.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::crew::worker;
use super::floor::Floor;
use super::given::{Bench, plain};
use super::measure::{self, Spread};
use super::ours::{self, Content};
use super::table::{Row, Target, Unit};
use crate::output::Outcome;
use crate::workspace;

/// Leases that one agent takes in these benches, so that none of them holds unusually many.
const CLAIMS_PER_AGENT: usize = 20;

/// The size of the shipped program.
///
/// # Errors
/// The lock file cannot be read.
pub(super) fn size(bench: &Bench) -> Outcome<Vec<Row>> {
    let what = "size of the program";
    let size = match bench.program().and_then(|program| Ok(fs::metadata(program)?.len())) {
        Ok(bytes) => Row::of(what, Spread::only(bytes as f64 / 1e6), Unit::Megabytes, Target::Reported).note(format!("{bytes} bytes")),
        Err(error) => Row::missing(what, error),
    };
    let lock = fs::read_to_string(workspace::root().join("Cargo.lock"))?;
    let packages = lock.lines().filter(|line| *line == "[[package]]").count();
    Ok(vec![size, Row::of("packages in Cargo.lock", Spread::only(packages as f64), Unit::Count, Target::Reported)])
}

/// A project with a store, whose agents take turns.
struct Project {
    root: TempDir,
    agents: Vec<String>,
    calls: usize,
}

impl Project {
    fn make(bench: &Bench, claims: usize) -> Outcome<Self> {
        let root = bench.fresh_dir()?;
        let content = Content::new(claims / CLAIMS_PER_AGENT + 1, claims);
        ours::make(root.path(), &content)?;
        Ok(Self { root, agents: content.agents, calls: 0 })
    }

    fn claim(&mut self, bench: &Bench) -> Outcome<Command> {
        let agent = &self.agents[self.calls / CLAIMS_PER_AGENT % self.agents.len()];
        self.calls += 1;
        bench.oarlock(self.root.path(), &["claim", "--as", agent, "--json"])
    }
}

/// A cold claim beside the floor's and beside a process that does nothing.
///
/// # Errors
/// A command fails.
pub(super) fn cold(bench: &Bench) -> Outcome<Vec<Row>> {
    bench.program()?;
    let (rounds, each) = bench.pick((5, 10), (20, 20));
    let claims = rounds * each + 1;
    let mut project = Project::make(bench, claims)?;
    let root = bench.fresh_dir()?;
    let file = root.path().join("floor.db");
    Floor::make(&file, &["a0".into()], claims)?;
    let file = file.to_str().ok_or("a folder whose name is not text")?;

    let mut nothing = || timed(plain(Path::new("/bin/true"), root.path()), Stdio::null());
    let mut floor = || timed(worker(&["floor-claim", file, "a0"])?, Stdio::null());
    let mut claim = || timed(project.claim(bench)?, Stdio::null());
    let mut version = || timed(bench.oarlock(root.path(), &["--version"])?, Stdio::null());
    let medians = measure::in_turns(rounds, each, &mut [&mut nothing, &mut floor, &mut claim, &mut version])?;
    let [nothing, floor, claim, version] = medians.as_slice() else { return Err("four sides".into()) };

    let shown = |samples: &[f64]| Ok::<_, Box<dyn std::error::Error>>(format!("{:.2} ms", Spread::of(samples)?.median * 1e3));
    let (t, f, c, v) = (shown(nothing)?, shown(floor)?, shown(claim)?, shown(version)?);
    Ok(vec![
        Row::ratio("cold claim to the floor's", measure::ratio(claim, floor)?, Target::AtMost(1.3)).note(format!("{c} against {f}, FULL")),
        Row::ratio("cold claim to `true`", measure::ratio(claim, nothing)?, Target::AtMost(3.0)).note(format!("{c} against {t}, FULL")),
        Row::ratio("floor's cold claim to `true`", measure::ratio(floor, nothing)?, Target::Reported).note(format!("{f} against {t}")),
        Row::ratio("`--version` to `true`", measure::ratio(version, nothing)?, Target::AtMost(1.5)).note(format!("{v} against {t}")),
    ])
}

/// How long a command takes from its start to its end.
///
/// # Errors
/// It cannot be started, or fails.
pub(super) fn timed(mut command: Command, input: Stdio) -> Outcome<f64> {
    command.stdin(input).stdout(Stdio::null()).stderr(Stdio::piped());
    measure::seconds(|| {
        let output = command.output()?;
        if output.status.success() {
            return Ok(());
        }
        let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{program} ended with {}: {}", output.status, said.trim()).into())
    })
}

/// How often a claim makes the disk write.
///
/// # Errors
/// There is no strace, or it may not trace here.
pub(super) fn syncs(bench: &Bench) -> Outcome<Vec<Row>> {
    let is_there =
        Command::new("strace").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !is_there {
        return Err("there is no strace here".into());
    }
    let dir = bench.fresh_dir()?;
    let log = dir.path().join("syncs");
    let mut rows = Vec::new();
    rows.extend(cold_syncs(bench, &log).unwrap_or_else(|error| vec![Row::missing("syncs of a cold claim", error)]));

    // What opening costs is in both numbers and goes out with the difference.
    let file = ours::make(dir.path(), &Content::new(2, 30))?;
    let file = file.to_str().ok_or("a folder whose name is not text")?;
    let one = count_syncs(worker(&["ours-claims", file, "a0", "1"])?, &log)?;
    let more = count_syncs(worker(&["ours-claims", file, "a1", "21"])?, &log)?;
    let warm = (more as f64 - one as f64) / 20.0;
    rows.push(Row::of("syncs of a warm claim", Spread::only(warm), Unit::Count, Target::AtMost(1.0)).note("20 in one process, FULL"));
    Ok(rows)
}

fn cold_syncs(bench: &Bench, log: &Path) -> Outcome<Vec<Row>> {
    let calls = bench.pick(12, 60);
    let mut project = Project::make(bench, calls)?;
    let mut counts = Vec::new();
    for _ in 0..calls {
        counts.push(count_syncs(project.claim(bench)?, log)? as f64);
    }
    let spread = Spread::of(&counts)?;
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    let note = format!("mean {mean:.2} of {calls}; more than 2 where a checkpoint fell due, FULL");
    Ok(vec![Row::of("syncs of a cold claim", spread, Unit::Count, Target::AtMost(2.0)).note(note)])
}

fn count_syncs(command: Command, log: &Path) -> Outcome<usize> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-e", "trace=fsync,fdatasync,sync_file_range,msync", "-o"]).arg(log);
    strace.arg(command.get_program()).args(command.get_args());
    if let Some(dir) = command.get_current_dir() {
        strace.current_dir(dir).env("HOME", dir);
    }
    timed(strace, Stdio::null())?;
    Ok(count_calls(&fs::read_to_string(log)?))
}

/// The system calls in what strace wrote. One that another thread interrupts is there twice, and the
/// second time without its opening bracket.
fn count_calls(log: &str) -> usize {
    let is_call = |line: &&str| ["fsync(", "fdatasync(", "sync_file_range(", "msync("].iter().any(|call| line.contains(call));
    log.lines().filter(is_call).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_traced_call_counts_once() {
        let log = "12 fdatasync(5) = 0\n12 fsync(4 <unfinished ...>\n13 fdatasync(6) = 0\n12 <... fsync resumed>) = 0\n12 +++ exited with 0 +++\n";
        assert_eq!(count_calls(log), 3);
    }
}
