//! Splitting documents: many small ones on one core, a very large one, and such as are made to cost much. The floor only takes each
//! document's words apart, in lower case, which no reader of language can do without.

use std::fmt::Write as _;
use std::fs;

use oarlock_plan::{Options, split};

use super::given::Bench;
use super::measure::{self, Spread};
use super::os;
use super::scale;
use super::table::{Row, Target, Unit};
use crate::output::Outcome;
use crate::workspace;

/// Documents of the small bench, and bytes of each.
const SMALL: usize = 1_000;
const SMALL_BYTES: usize = 3_000;
/// Bytes of the large document.
const LARGE_BYTES: usize = 10_000_000;
/// Memory that a large document may need, in millions of bytes.
const PEAK_MB_MAX: f64 = 200.0;
/// Bytes of each document that is made to cost much.
const HOSTILE_BYTES: usize = 1_000_000;

/// The bound is on time of one processor.
///
/// # Errors
/// The plans of the tests are not there, or the program is not built.
pub(super) fn splitting(bench: &Bench) -> Outcome<Vec<Row>> {
    let plans = plans()?;
    let small: Vec<String> = (0..SMALL).map(|n| sized(&plans, n, SMALL_BYTES)).collect();
    let rounds = bench.pick(3, 11);
    let mut rows = vec![many(rounds, &small)?];
    let huge = large(LARGE_BYTES);
    rows.push(one(bench.pick(3, 7), "a document of 10 MB", &huge)?);
    rows.push(command(bench, &huge)?);
    let ordinary = large(HOSTILE_BYTES);
    let usual = seconds_of(&ordinary)?;
    for (name, document) in hostile() {
        let took = seconds_of(&document)?;
        let note = format!("{:.0} ms, a plan of the same size {:.0} ms", took * 1e3, usual * 1e3);
        rows.push(Row::ratio(format!("1 MB of {name} to 1 MB of a plan"), Spread::only(took / usual), Target::AtMost(5.0)).note(note));
    }
    Ok(rows)
}

/// All small documents one after the other.
fn many(rounds: usize, documents: &[String]) -> Outcome<Row> {
    let mut ours = || processor_seconds(|| documents.iter().try_for_each(|document| split_one(document)));
    let mut floor = || {
        processor_seconds(|| {
            let words = documents.iter().map(|document| document.split_whitespace().map(str::to_lowercase).filter(|w| w.len() > 2).count());
            if words.sum::<usize>() == 0 { Err("no words".into()) } else { Ok(()) }
        })
    };
    let times = measure::in_turns(rounds, 1, &mut [&mut ours, &mut floor])?;
    let milliseconds: Vec<f64> = times[0].iter().map(|seconds| seconds * 1e3).collect();
    let note = format!("{:.0} times as long as taking its words apart", measure::ratio(&times[0], &times[1])?.median);
    let what = format!("{SMALL} documents of 3 kB on one core");
    Ok(Row::of(what, Spread::of(&milliseconds)?, Unit::Milliseconds, Target::AtMost(1_000.0)).note(note))
}

fn one(rounds: usize, what: &str, document: &str) -> Outcome<Row> {
    let mut ours = || processor_seconds(|| split_one(document));
    let times = measure::in_turns(rounds, 1, &mut [&mut ours])?;
    let milliseconds: Vec<f64> = times[0].iter().map(|seconds| seconds * 1e3).collect();
    Ok(Row::of(what, Spread::of(&milliseconds)?, Unit::Milliseconds, Target::AtMost(1_000.0)))
}

/// The peak memory of the whole command.
fn command(bench: &Bench, document: &str) -> Outcome<Row> {
    let dir = bench.fresh_dir()?;
    let file = dir.path().join("large.md");
    fs::write(&file, document)?;
    let program = bench.program()?.to_str().ok_or("a folder whose name is not text")?;
    let bytes = scale::peak(dir.path(), program, &["split", "large.md", "--dry-run", "--json"])?;
    Ok(Row::of("peak memory of splitting it", Spread::only(bytes as f64 / 1e6), Unit::Megabytes, Target::AtMost(PEAK_MB_MAX)))
}

fn split_one(document: &str) -> Outcome<()> {
    split(document, &Options::new("T-1"))?;
    Ok(())
}

fn seconds_of(document: &str) -> Outcome<f64> {
    // Refusals take some time too.
    processor_seconds(|| {
        let _ = split(document, &Options::new("T-1"));
        Ok(())
    })
}

fn processor_seconds(work: impl FnOnce() -> Outcome<()>) -> Outcome<f64> {
    let start = os::processor_ns();
    work()?;
    Ok((os::processor_ns() - start) as f64 / 1e9)
}

/// The labelled plans of the tests: many kinds of real language.
fn plans() -> Outcome<Vec<String>> {
    let folder = workspace::root().join("crates/oarlock-plan/tests/fixtures/plans");
    let mut files: Vec<_> = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    files.iter().map(|file| Ok(fs::read_to_string(file)?)).collect()
}

/// A plan of about `bytes`: the `n`th with others below it, as notes.
fn sized(plans: &[String], n: usize, bytes: usize) -> String {
    let mut document = plans[n % plans.len()].clone();
    let mut next = n;
    while document.len() < bytes {
        next += 7;
        let _ = write!(document, "\n## Notes {next}\n\n{}", plans[next % plans.len()].replace("\n#", "\n"));
    }
    let end = (0..=bytes).rev().find(|at| document.is_char_boundary(*at)).unwrap_or(0);
    document.truncate(end);
    document
}

/// A plan of this many bytes, of 1,900 steps.
fn large(bytes: usize) -> String {
    let mut document = String::from("# Large\n\n## Approach\n\n");
    let each = bytes / 1_900;
    for n in 1..=1_900 {
        let _ = writeln!(document, "{n}. Create `src/m{n}/file{n}.rs` with the reader of part {n}, built on the list of things");
        let begin = document.len();
        while document.len() - begin < each.saturating_sub(160) {
            let _ =
                writeln!(document, "   - handles the case of row {n} where the field is missing, see `docs/rows.md`, and keeps the order");
        }
    }
    document
}

/// Documents that are made to cost much.
fn hostile() -> Vec<(&'static str, String)> {
    let repeated = |text: &str| text.repeat(HOSTILE_BYTES / text.len());
    vec![
        ("nested lists", (0..HOSTILE_BYTES / 100).map(|n| format!("{}- x\n", " ".repeat(n % 200))).collect()),
        ("nested quotes", repeated(">")),
        ("open brackets", repeated("[")),
        ("open fences", repeated("```a\n## x\n")),
        ("headings", repeated("# x\n")),
        ("links", repeated("[a.rs](a.rs) ")),
        ("tables", repeated("| depends on | x |\n|---|---|\n")),
        ("drawn trees", format!("```\n{}", repeated("│   ├── a/\n"))),
    ]
}
