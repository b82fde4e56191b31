//! What the gateway counts, in the text format of Prometheus (exposition format 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets of durations, in seconds.
const BOUNDS_S: [f64; 10] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1.0, 10.0, 60.0];

#[derive(Clone, Copy, Debug, Default)]
struct Durations {
    buckets: [u64; BOUNDS_S.len()],
    count: u64,
    sum_s: f64,
}

/// The counters of one gateway.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    calls: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    durations: Mutex<BTreeMap<&'static str, Durations>>,
    groups: AtomicU64,
    grouped: AtomicU64,
    refused: Mutex<BTreeMap<&'static str, u64>>,
    /// Connections that are open now.
    pub(super) connections: AtomicUsize,
}

/// What is true now, apart from what was counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gauges {
    pub(super) followers: usize,
    pub(super) uptime: Duration,
}

impl Metrics {
    /// A call of a verb has ended with this code, `ok` if with none.
    pub(super) fn call(&self, verb: &'static str, code: &'static str, took: Duration) {
        *self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry((verb, code)).or_default() += 1;
        let mut durations = self.durations.lock().unwrap_or_else(PoisonError::into_inner);
        let durations = durations.entry(verb).or_default();
        let took_s = took.as_secs_f64();
        durations.count += 1;
        durations.sum_s += took_s;
        for (bucket, bound) in durations.buckets.iter_mut().zip(BOUNDS_S) {
            *bucket += u64::from(took_s <= bound);
        }
    }

    /// So many calls went into one commit.
    pub(super) fn group(&self, calls: usize) {
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.grouped.fetch_add(calls as u64, Ordering::Relaxed);
    }

    /// A request was turned away before it was read.
    pub(super) fn refuse(&self, why: &'static str) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(why).or_default() += 1;
    }

    /// The page. Its labels are words of the registry and of the table of codes, never what somebody sent.
    pub(super) fn page(&self, gauges: Gauges) -> String {
        let mut page = String::new();
        let head = |page: &mut String, name: &str, kind: &str, help: &str| {
            let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
        };
        head(&mut page, "oarlock_calls_total", "counter", "Calls by verb and code.");
        for ((verb, code), n) in &*self.calls.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = writeln!(page, "oarlock_calls_total{{verb=\"{verb}\",code=\"{code}\"}} {n}");
        }
        head(&mut page, "oarlock_call_seconds", "histogram", "How long calls took, waits included.");
        for (verb, durations) in &*self.durations.lock().unwrap_or_else(PoisonError::into_inner) {
            for (bucket, bound) in durations.buckets.iter().zip(BOUNDS_S) {
                let _ = writeln!(page, "oarlock_call_seconds_bucket{{verb=\"{verb}\",le=\"{bound}\"}} {bucket}");
            }
            let (count, sum_s) = (durations.count, durations.sum_s);
            let _ = writeln!(page, "oarlock_call_seconds_bucket{{verb=\"{verb}\",le=\"+Inf\"}} {count}");
            let _ = writeln!(page, "oarlock_call_seconds_sum{{verb=\"{verb}\"}} {sum_s}");
            let _ = writeln!(page, "oarlock_call_seconds_count{{verb=\"{verb}\"}} {count}");
        }
        head(&mut page, "oarlock_refused_total", "counter", "Requests turned away before they were read, by cause.");
        for (why, n) in &*self.refused.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = writeln!(page, "oarlock_refused_total{{why=\"{why}\"}} {n}");
        }
        let groups = self.groups.load(Ordering::Relaxed);
        head(&mut page, "oarlock_commits_total", "counter", "Commits of the writer.");
        let _ = writeln!(page, "oarlock_commits_total {groups}");
        head(&mut page, "oarlock_committed_calls_total", "counter", "Calls that were made in those commits.");
        let _ = writeln!(page, "oarlock_committed_calls_total {}", self.grouped.load(Ordering::Relaxed));
        head(&mut page, "oarlock_connections", "gauge", "Open connections.");
        let _ = writeln!(page, "oarlock_connections {}", self.connections.load(Ordering::Relaxed));
        head(&mut page, "oarlock_followers", "gauge", "Open streams of events.");
        let _ = writeln!(page, "oarlock_followers {}", gauges.followers);
        head(&mut page, "oarlock_uptime_seconds", "gauge", "How long this gateway has been running.");
        let _ = writeln!(page, "oarlock_uptime_seconds {:.3}", gauges.uptime.as_secs_f64());
        page
    }
}
