//! `cargo xtask limits`: fills a store to its limits and measures every verb there: for how long deciding holds the write lock, what
//! a written row costs, and how long the whole call takes. Nobody else can write while one decides, whatever the store holds.

mod cases;
mod fill;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use oarlock_host::clock::ManualClock;
use oarlock_host::process::ProcessId;
use oarlock_model::AgentName;
use oarlock_ops::caller::Caller;
use oarlock_ops::settings::Settings;
use oarlock_ops::{OpError, registry};
use oarlock_sqlite::{STORE_FILE, SqliteStore, StorePaths};
use oarlock_testkit::metered::{Held, Meter, Metered};
use serde_json::{Value, json};

use crate::output::{Outcome, say, warn};
use crate::workspace;
use cases::{Before, Case, Expected};
use fill::Sizes;

/// The longest that deciding may hold the write lock, in milliseconds.
const DECIDING_MS_MAX: f64 = 50.0;
/// The longest that writing one row may take, in milliseconds.
const ROW_MS_MAX: f64 = 0.1;
/// The longest that a call may take which writes few rows, in milliseconds.
const CALL_MS_MAX: f64 = 250.0;
/// The size of a small store, in rows.
const FEW_ROWS: u64 = 100;

/// Fill a store to its limits and measure every verb there; fails when a call is over its bound.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only the cases whose verb is one of these, or whose situation contains it.
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// Divides every limit.
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::MIN)]
    scale: NonZeroUsize,
    /// Prints the rows as JSON.
    #[arg(long)]
    json: bool,
    /// Where the store is made.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// Measures what the arguments ask for.
///
/// # Errors
/// The store fails, a call comes to something else than it should, or a measurement is over its bound.
pub(crate) fn run(asked: &Arguments) -> Outcome<()> {
    // Measures are worth nothing without optimisation.
    if cfg!(debug_assertions) && asked.scale == NonZeroUsize::MIN {
        return workspace::run_in("release");
    }
    let mut bench = Bench::new(asked.scale.get(), asked.dir.as_deref())?;
    let mut rows = Vec::new();
    for case in cases::all() {
        let is_asked = asked.words.is_empty() || asked.words.iter().any(|word| case.verb == word || case.what.contains(word.as_str()));
        if !is_asked {
            continue;
        }
        warn(format_args!("{} {} …", case.verb, case.what));
        rows.push(bench.measure(&case)?);
    }
    if asked.json {
        say(json!({"rows": rows.iter().map(Row::to_json).collect::<Vec<_>>()}));
    } else {
        say(table(&rows));
    }
    let over: Vec<String> = rows.iter().filter(|row| !row.over().is_empty()).map(Row::name).collect();
    if over.is_empty() || cfg!(debug_assertions) { Ok(()) } else { Err(format!("over their bounds: {}", over.join("; ")).into()) }
}

/// A process that a session means, ended at the latest with this.
struct Mortal(Child);

impl Mortal {
    fn start() -> Outcome<(Self, ProcessId)> {
        let child = Self(Command::new("sleep").arg("86400").stdin(Stdio::null()).spawn()?);
        let id = ProcessId::of(child.0.id())?.ok_or("a process that has just begun is gone")?;
        Ok((child, id))
    }

    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        self.end();
    }
}

/// The store and its surroundings.
struct Bench {
    store: Metered<SqliteStore>,
    meter: Meter,
    clock: ManualClock,
    mortal: Mortal,
    sizes: Sizes,
    scale: usize,
    #[cfg_attr(not(test), expect(dead_code, reason = "a test looks at the store as a whole"))]
    place: StorePaths,
    /// Where all of it is; gone with the bench.
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new(scale: usize, dir: Option<&Path>) -> Outcome<Self> {
        let dir = tempfile::Builder::new().prefix("oarlock-limits-").tempdir_in(dir.map_or_else(std::env::temp_dir, Path::to_owned))?;
        let folder = dir.path().join(".oarlock");
        std::fs::create_dir_all(&folder)?;
        let place = StorePaths::of_file(folder.join(STORE_FILE));
        let (clock, sizes) = (ManualClock::new(), Sizes::new(scale));
        let (mortal, process) = Mortal::start()?;
        let begun = Instant::now();
        fill::make(&place, &clock, sizes, &process)?;
        let store = Metered::new(SqliteStore::open(&place, fill::options(&clock))?);
        let meter = store.meter();
        warn(format_args!(
            "the store is filled, in {:.1} s: {} bytes",
            begun.elapsed().as_secs_f64(),
            std::fs::metadata(place.file())?.len()
        ));
        Ok(Self { store, meter, clock, mortal, sizes, scale, place, _dir: dir })
    }

    /// One call as a door makes it.
    fn try_call(&mut self, by: &str, verb: &str, request: Value) -> Outcome<Result<Value, OpError>> {
        let caller = if by.is_empty() { Caller::default() } else { Caller::named(AgentName::parse(by)?) };
        let entry = registry::find(verb).ok_or_else(|| format!("there is no verb {verb}"))?;
        let call = (entry.from_json)(request).map_err(|error| format!("{verb}: {error}"))?;
        Ok(call.run(&mut self.store, &caller, &Settings::default()).and_then(|reply| reply.to_value()))
    }

    /// One call that must be answered, unmeasured.
    fn call(&mut self, by: &str, verb: &str, request: Value) -> Outcome<Value> {
        let reply = self.try_call(by, verb, request)?.map_err(|error| format!("{verb}: {error}"))?;
        let _ = self.meter.take();
        Ok(reply)
    }

    /// The id of the first message of all.
    fn first_message(&mut self) -> Outcome<Value> {
        let events = self.call("boss", "events", json!({"kind": ["message_sent"], "limit": 1}))?;
        Ok(events["events"][0]["subject"].clone())
    }

    fn measure(&mut self, case: &Case) -> Outcome<Row> {
        match case.before {
            Before::Nothing => {}
            Before::Death => self.mortal.end(),
            Before::Time(ms) => self.clock.advance_ms(ms),
        }
        let (mut samples, mut wrong) = (Vec::new(), None);
        for _ in 0..case.times {
            let request = (case.request)(self)?;
            let _ = self.meter.take();
            let begun = Instant::now();
            let outcome = self.try_call(case.by, case.verb, request)?;
            let call = begun.elapsed();
            let got = match &outcome {
                Ok(_) => Expected::Reply,
                Err(error) => Expected::Refused(error.code()),
            };
            if got != case.expected {
                let told = outcome.err().map(|error| error.to_string()).unwrap_or_default();
                wrong = Some(format!("{got:?} instead of {:?}: {told}", case.expected));
            }
            samples.push(Sample { call, held: self.meter.take() });
        }
        samples.sort_by_key(|sample| sample.call);
        let sample = samples.swap_remove(samples.len() / 2);
        Ok(Row { verb: case.verb, what: case.what, reads_all: case.reads_all, sample, wrong })
    }
}

/// One measured call.
struct Sample {
    call: Duration,
    held: Vec<Held>,
}

/// One line of the table.
struct Row {
    verb: &'static str,
    what: &'static str,
    reads_all: bool,
    sample: Sample,
    /// The actual outcome instead of the required one.
    wrong: Option<String>,
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

impl Row {
    fn name(&self) -> String {
        format!("{} {}", self.verb, self.what).trim_end().to_owned()
    }

    fn rows(&self) -> u64 {
        self.sample.held.iter().map(|held| held.rows).sum()
    }

    /// The longest time of one transaction that went into deciding.
    fn deciding_ms(&self) -> f64 {
        self.sample.held.iter().map(|held| ms(held.deciding)).fold(0.0, f64::max)
    }

    /// The longest time for which nobody else could write.
    fn held_ms(&self) -> f64 {
        self.sample.held.iter().map(|held| ms(held.total())).fold(0.0, f64::max)
    }

    fn row_ms(&self) -> f64 {
        let writing: f64 = self.sample.held.iter().map(|held| ms(held.writing)).sum();
        if self.rows() == 0 { 0.0 } else { writing / self.rows() as f64 }
    }

    /// The cases that are over their bound.
    fn over(&self) -> String {
        let mut over = Vec::new();
        if let Some(wrong) = &self.wrong {
            over.push(wrong.as_str());
        }
        if self.deciding_ms() > DECIDING_MS_MAX {
            over.push("lock");
        }
        if self.rows() >= FEW_ROWS && self.row_ms() > ROW_MS_MAX {
            over.push("row");
        }
        if self.rows() < FEW_ROWS && ms(self.sample.call) > CALL_MS_MAX && !self.reads_all {
            over.push("call");
        }
        over.join(" ")
    }

    fn to_json(&self) -> Value {
        json!({
            "verb": self.verb,
            "situation": self.what,
            "transactions": self.sample.held.len(),
            "rows": self.rows(),
            "deciding_ms": self.deciding_ms(),
            "row_ms": self.row_ms(),
            "held_ms": self.held_ms(),
            "call_ms": ms(self.sample.call),
            "over": self.over(),
        })
    }
}

fn table(rows: &[Row]) -> String {
    let wide = rows.iter().map(|row| row.name().chars().count()).max().unwrap_or(0);
    let mut text = format!(
        "{:<wide$}  {:>4} {:>7} {:>10} {:>8} {:>9} {:>9}\n",
        "verb, situation", "tx", "rows", "decide ms", "ms/row", "held ms", "call ms"
    );
    for row in rows {
        let over = row.over();
        text.push_str(&format!(
            "{:<wide$}  {:>4} {:>7} {:>10.2} {:>8.3} {:>9.2} {:>9.2}  {}\n",
            row.name(),
            row.sample.held.len(),
            row.rows(),
            row.deciding_ms(),
            row.row_ms(),
            row.held_ms(),
            ms(row.sample.call),
            if over.is_empty() { "ok".to_owned() } else { format!("over: {over}") },
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use oarlock_ops::admin::Administration as _;
    use oarlock_sqlite::SqliteAdministration;

    use super::*;

    fn bench() -> Bench {
        Bench::new(500, None).expect("a small store")
    }

    #[test]
    fn the_store_that_is_measured_is_what_its_log_says() {
        let bench = bench();
        let found =
            SqliteAdministration::new(bench.place.clone(), fill::options(&bench.clock)).doctor(false, false).expect("it can be looked at");
        assert!(found.ok, "{found:?}");
    }

    #[test]
    fn every_case_comes_to_what_it_should() {
        let mut bench = bench();
        let cases = cases::all();
        let rows: Vec<Row> = cases.iter().map(|case| bench.measure(case).expect("it can be called")).collect();
        for row in &rows {
            assert_eq!(row.wrong, None, "{}", row.name());
        }
        // The wrapper sees the writes: a call that is measured as none of its own would look as cheap as none.
        let rows_of = |name: &str| rows.iter().find(|row| row.name() == name).map(Row::rows);
        assert_eq!(rows_of("add a task"), Some(1));
        assert_eq!(rows_of("heartbeat holds as many leases as it can"), Some(1), "semantics 9");
        assert_eq!(rows_of("agents those that are there"), Some(0));
        assert!(rows_of("leave holds as much as it can").is_some_and(|rows| rows > bench.sizes.leases() as u64));
    }

    #[test]
    fn what_is_over_a_bound_is_said() {
        let row = |held: Held, call_ms: u64| Row {
            verb: "claim",
            what: "",
            reads_all: false,
            sample: Sample { call: Duration::from_millis(call_ms), held: vec![held] },
            wrong: None,
        };
        let held = Held { rows: 100, writing: Duration::from_millis(10), ..Held::default() };
        assert_eq!(row(held, 1_000).over(), "");
        assert_eq!(row(Held { writing: Duration::from_millis(11), ..held }, 1_000).over(), "row");
        assert_eq!(row(Held { deciding: Duration::from_millis(51), ..held }, 1_000).over(), "lock");
        assert_eq!(row(Held { rows: 99, ..held }, 251).over(), "call");
    }
}
