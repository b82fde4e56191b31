//! Many processes on one store: how much of the floor's rate is left, and whether all get their share.

use std::path::Path;

use super::crew::{Crew, End, worker};
use super::floor::Floor;
use super::given::Bench;
use super::measure::{self, Spread, quantile};
use super::ours::{self, Content};
use super::side::{Operation, Syncing, Tally};
use super::table::{Row, Target, Unit};
use crate::output::Outcome;

/// A race that takes longer than this says enough, in seconds.
const PATIENCE_S: &str = "20";

/// Which program the processes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Floor,
    Ours,
}

/// The result of one race.
#[derive(Debug, Default)]
struct Race {
    /// Operations in a second, all processes together.
    rate: f64,
    /// The slowest process's operations to the fastest's, when the fastest was through.
    evenness: f64,
    errors: usize,
    first_error: String,
    waits_ns: Vec<u64>,
}

/// All races of one side.
#[derive(Debug, Default)]
struct Series {
    evenness: Vec<f64>,
    errors: usize,
    first_error: String,
    waits_ns: Vec<u64>,
}

impl Series {
    /// Adds a race and returns its rate.
    fn add(&mut self, race: Race) -> f64 {
        self.evenness.push(race.evenness);
        self.errors += race.errors;
        if self.first_error.is_empty() {
            self.first_error = race.first_error;
        }
        self.waits_ns.extend(race.waits_ns);
        race.rate
    }

    /// The wait that one in a thousand is above, to the median.
    fn tail(&mut self) -> Outcome<Row> {
        self.waits_ns.sort_unstable();
        let (median, tail) = (quantile(&self.waits_ns, 0.5)?, quantile(&self.waits_ns, 0.999)?);
        let shown = |ns: u64| ns as f64 / 1e6;
        let note = format!("{:.2} ms to {:.2} ms, {} operations", shown(tail), shown(median), self.waits_ns.len());
        Ok(Row::ratio(String::new(), Spread::only(tail as f64 / median.max(1) as f64), Target::AtMost(12.0)).note(note))
    }
}

/// 8 and 64 processes, each claiming and completing, beside one process of the floor.
///
/// # Errors
/// A store or a worker fails.
pub(super) fn processes(bench: &Bench) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for sync in Syncing::ALL {
        rows.extend(side_by_side(bench, sync, 8, 0.6)?);
        rows.extend(side_by_side(bench, sync, 64, 0.4)?);
    }
    rows.extend(floor_alone(bench)?);
    Ok(rows)
}

fn side_by_side(bench: &Bench, sync: Syncing, count: usize, wanted: f64) -> Outcome<Vec<Row>> {
    let rounds = 5;
    // One race more does not count, but its waits do. A share of a few operations would show nothing.
    let operations = (bench.pick(5_000, 50_000) / (rounds + 1) + 1).max(count * 40);
    let mut many = Series::default();
    let mut one_rate = || Ok(race(bench, Side::Floor, sync, 1, operations)?.rate);
    let mut many_rate = || Ok(many.add(race(bench, Side::Ours, sync, count, operations)?));
    let rates = measure::in_turns(rounds, 1, &mut [&mut one_rate, &mut many_rate])?;

    let who = format!("{count} processes, {sync}");
    let note = format!("{:.0}/s against {:.0}/s", Spread::of(&rates[1])?.median, Spread::of(&rates[0])?.median);
    let rate =
        Row::ratio(format!("{who}: rate to one of the floor's"), measure::ratio(&rates[1], &rates[0])?, Target::AtLeast(wanted)).note(note);
    let errors = Row::of(format!("{who}: errors"), Spread::only(many.errors as f64), Unit::Count, Target::AtMost(0.0))
        .note(many.first_error.clone());
    let tail = many.tail()?.named(format!("{who}: p99.9 of the wait to the median"));
    if count > 8 {
        return Ok(vec![rate, tail, errors]);
    }
    let evenness = Row::ratio(format!("{who}: slowest to fastest"), Spread::of(&many.evenness)?, Target::AtLeast(0.5));
    Ok(vec![rate, evenness, tail, errors])
}

/// The floor with as many processes: what its busy wait comes to. Nothing is asked of it.
fn floor_alone(bench: &Bench) -> Outcome<Vec<Row>> {
    let mut floor = Series::default();
    floor.add(race(bench, Side::Floor, Syncing::Normal, 8, bench.pick(20_000, 50_000))?);
    let evenness = Row::ratio("(floor) 8 processes, NORMAL: slowest to fastest", Spread::of(&floor.evenness)?, Target::Reported);
    let tail = floor.tail()?.named("(floor) 8 processes, NORMAL: p99.9 of the wait to the median").told();
    Ok(vec![evenness, tail])
}

/// One race of `count` processes on a new store, about `operations` in all. It ends with the fastest.
fn race(bench: &Bench, side: Side, sync: Syncing, count: usize, operations: usize) -> Outcome<Race> {
    let dir = bench.fresh_dir()?;
    // An even number each: a claim and a done.
    let each = operations.div_ceil(count).next_multiple_of(2);
    let content = Content::new(count, each * count / 2);
    let (kind, file) = match side {
        Side::Ours => ("ours-run", ours::make(dir.path(), &content)?),
        Side::Floor => {
            let file = dir.path().join("floor.db");
            Floor::make(&file, &content.agents, content.tasks)?;
            ("floor-run", file)
        }
    };
    let file = file.to_str().ok_or("a folder whose name is not text")?;
    let times = |agent: &str| dir.path().join(format!("{agent}.times"));
    let mut commands = Vec::with_capacity(count);
    for agent in &content.agents {
        let mut command = worker(&[kind, file, agent, sync.word(), &each.to_string(), PATIENCE_S])?;
        command.arg(times(agent));
        commands.push(command);
    }
    let lines = Crew::muster(commands)?.race(End::AllWithFirst)?;
    let mut race = Race::default();
    let mut tallies = Vec::with_capacity(count);
    for (line, agent) in lines.iter().zip(&content.agents) {
        let (errors, first_error) = line.split_once(' ').unwrap_or((line, ""));
        race.errors += errors.parse::<usize>()?;
        if race.first_error.is_empty() {
            race.first_error = first_error.to_owned();
        }
        let tally = Tally::from_bytes(&std::fs::read(times(agent))?)?;
        race.waits_ns.extend(tally.operations.iter().map(|operation| operation.wait_ns));
        tallies.push(tally);
    }
    (race.rate, race.evenness) = check(&tallies, each)?;
    Ok(race)
}

/// Operations in a second of all together, and of the slowest to the fastest, while all of them ran: from the
/// start of the last to the end of the first.
fn check(tallies: &[Tally], each: usize) -> Outcome<(f64, f64)> {
    let ends = || tallies.iter().filter_map(|tally| tally.operations.last().map(|last| (tally.operations.len(), last.ended_ns)));
    let begin = tallies.iter().map(|tally| tally.started_ns).max().ok_or("a race without runners")?;
    let first_through = ends().filter(|(operations, _)| *operations >= each).map(|(_, end)| end).min();
    let end = first_through.or(ends().map(|(_, end)| end).max()).ok_or("nobody did anything")?;
    let is_inside = |operation: &&Operation| (begin..=end).contains(&operation.ended_ns);
    let counts: Vec<usize> = tallies.iter().map(|tally| tally.operations.iter().filter(is_inside).count()).collect();
    let (Some(slowest), Some(fastest)) = (counts.iter().min(), counts.iter().max()) else { return Err("a race without runners".into()) };
    if *fastest == 0 || end <= begin {
        return Err("the first was through before the last had started: the race is too short".into());
    }
    let total: usize = counts.iter().sum();
    Ok((total as f64 / ((end - begin) as f64 / 1e9), *slowest as f64 / *fastest as f64))
}

/// Command lines, one after another in each of 8 and of 64 lanes, beside `echo`.
///
/// # Errors
/// The program is not built, or a command fails.
pub(super) fn lanes(bench: &Bench) -> Outcome<Vec<Row>> {
    let program = bench.program()?.to_str().ok_or("a folder whose name is not text")?;
    let mut rows = Vec::new();
    for (lanes, each) in [(8, bench.pick(10, 60)), (64, bench.pick(4, 15))] {
        let rounds = bench.pick(3, 7);
        let mut failures = 0;
        let mut echo = || {
            let root = bench.fresh_dir()?;
            let (rate, failed) = drive(root.path(), lanes, each, "/bin/echo", &|_| vec!["claim".into()])?;
            if failed == 0 { Ok(rate) } else { Err("/bin/echo fails".into()) }
        };
        let mut claim = || {
            let root = bench.fresh_dir()?;
            ours::make(root.path(), &Content::new(lanes, lanes * each))?;
            let arguments = |lane: usize| ["claim", "--as", &format!("a{lane}"), "--json"].map(str::to_owned).to_vec();
            let (rate, failed) = drive(root.path(), lanes, each, program, &arguments)?;
            failures += failed;
            Ok(rate)
        };
        let rates = measure::in_turns(rounds, 1, &mut [&mut echo, &mut claim])?;
        let what = format!("{lanes} lanes of command lines");
        let note = format!("{:.0}/s against {:.0}/s, FULL", Spread::of(&rates[1])?.median, Spread::of(&rates[0])?.median);
        rows.push(match failures {
            0 => Row::ratio(format!("{what}: claim to echo"), measure::ratio(&rates[1], &rates[0])?, Target::AtLeast(0.65)).note(note),
            _ => Row::missing(format!("{what}: claim to echo"), "commands fail"),
        });
        rows.push(Row::of(format!("{what}: failures"), Spread::only(failures as f64), Unit::Count, Target::AtMost(0.0)));
    }
    Ok(rows)
}

/// Runs `each` commands in each lane and returns commands in a second and how many failed.
fn drive(root: &Path, lanes: usize, each: usize, program: &str, arguments: &dyn Fn(usize) -> Vec<String>) -> Outcome<(f64, usize)> {
    let mut commands = Vec::with_capacity(lanes);
    for lane in 0..lanes {
        let mut command = worker(&["lane", &each.to_string(), program])?;
        command.args(arguments(lane)).env_clear().env("HOME", root).current_dir(root);
        commands.push(command);
    }
    let (mut longest_ns, mut failures) = (1, 0);
    for line in Crew::muster(commands)?.race(End::Each)? {
        let (elapsed_ns, failed) = line.split_once(' ').ok_or("a lane that does not tell its time")?;
        longest_ns = longest_ns.max(elapsed_ns.parse::<u64>()?);
        failures += failed.parse::<usize>()?;
    }
    Ok(((lanes * each) as f64 / (longest_ns as f64 / 1e9), failures))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_told_by_its_ratio() {
        let mut series = Series { waits_ns: (1..=1_000).rev().collect(), ..Series::default() };
        let row = series.tail().expect("there are waits").named("tail");
        let text = super::super::table::render(&[row]);
        assert!(text.contains("tail") && text.contains("2.00x") && text.contains("≤ 12.00x  yes"), "{text}");
    }

    fn runner(started_ns: u64, ends_ns: &[u64]) -> Tally {
        let operations = ends_ns.iter().map(|ended_ns| Operation { ended_ns: *ended_ns, wait_ns: 1 }).collect();
        Tally { started_ns, operations, ..Tally::default() }
    }

    #[test]
    fn a_race_is_judged_while_all_run() {
        let fast = runner(0, &[100, 200, 300, 400]);
        let slow = runner(100, &[200, 400, 600, 800]);
        let (rate, evenness) = check(&[fast, slow], 4).expect("they met");
        // From 100 to 400 ns: four operations and two.
        assert_eq!((rate.round(), evenness), (6.0 / 300e-9, 0.5));
        let starved = [runner(0, &[100, 200]), runner(0, &[])];
        assert_eq!(check(&starved, 2).expect("one ran").1, 0.0);
        assert!(check(&[runner(0, &[10, 20]), runner(30, &[40, 50])], 2).is_err());
        assert!(check(&[runner(0, &[])], 2).is_err());
    }
}
