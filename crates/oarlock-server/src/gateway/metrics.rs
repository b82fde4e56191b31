//! The gateway's counters, in the text format of OpenMetrics, which Prometheus reads.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// The media type of the page (OpenMetrics 1.0, section "Protocol Negotiation").
pub(super) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the buckets of durations, in seconds.
const BOUNDS_S: [f64; 10] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1.0, 10.0, 60.0];

/// Names and values of labels: words of the registry and of the table of codes, never what somebody sent.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The counters of one gateway.
#[derive(Debug)]
pub(crate) struct Metrics {
    calls: Family<Labels<2>, Counter>,
    durations: Family<Labels<1>, Histogram, fn() -> Histogram>,
    refused: Family<Labels<1>, Counter>,
    commits: Counter,
    committed_calls: Counter,
    /// Connections that are open now.
    pub(super) connections: Gauge,
    followers: Gauge,
    uptime_s: Gauge<f64, AtomicU64>,
    registry: Registry,
}

/// The current gauges, apart from counters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gauges {
    pub(super) followers: usize,
    pub(super) uptime: Duration,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            calls: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BOUNDS_S)),
            refused: Family::default(),
            commits: Counter::default(),
            committed_calls: Counter::default(),
            connections: Gauge::default(),
            followers: Gauge::default(),
            uptime_s: Gauge::default(),
            registry: Registry::with_prefix("oarlock"),
        };
        let registry = &mut metrics.registry;
        // The encoder ends each help text with a dot and the names of counters with `_total`.
        registry.register("calls", "Calls by verb and code", metrics.calls.clone());
        registry.register("call_seconds", "How long calls took, waits included", metrics.durations.clone());
        registry.register("refused", "Requests turned away before they were read, by cause", metrics.refused.clone());
        registry.register("commits", "Commits of the writer", metrics.commits.clone());
        registry.register("committed_calls", "Calls that were made in those commits", metrics.committed_calls.clone());
        registry.register("connections", "Open connections", metrics.connections.clone());
        registry.register("followers", "Open streams of events", metrics.followers.clone());
        registry.register("uptime_seconds", "How long this gateway has been running", metrics.uptime_s.clone());
        metrics
    }
}

impl Metrics {
    /// A call of a verb has ended with this code, `ok` if with none.
    pub(super) fn call(&self, verb: &'static str, code: &'static str, took: Duration) {
        self.calls.get_or_create(&[("verb", verb), ("code", code)]).inc();
        self.durations.get_or_create(&[("verb", verb)]).observe(took.as_secs_f64());
    }

    /// This many calls went into one commit.
    pub(super) fn group(&self, calls: usize) {
        self.commits.inc();
        self.committed_calls.inc_by(calls as u64);
    }

    /// A request was turned away before it was read.
    pub(super) fn refuse(&self, why: &'static str) {
        self.refused.get_or_create(&[("why", why)]).inc();
    }

    /// The page.
    pub(super) fn page(&self, gauges: Gauges) -> String {
        self.followers.set(gauges.followers as i64);
        self.uptime_s.set(gauges.uptime.as_millis() as f64 / 1e3);
        let mut page = String::new();
        encode(&mut page, &self.registry).expect("a string takes whatever is written");
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_number_under_its_name() {
        let metrics = Metrics::default();
        metrics.call("add", "ok", Duration::from_millis(3));
        metrics.call("add", "invalid_request", Duration::from_micros(10));
        metrics.refuse("host");
        metrics.group(2);
        metrics.connections.inc();
        let page = metrics.page(Gauges { followers: 4, uptime: Duration::from_millis(1_500) });
        for line in [
            "# TYPE oarlock_calls counter",
            "oarlock_calls_total{verb=\"add\",code=\"ok\"} 1",
            "oarlock_calls_total{verb=\"add\",code=\"invalid_request\"} 1",
            "# TYPE oarlock_call_seconds histogram",
            "oarlock_call_seconds_bucket{le=\"0.0025\",verb=\"add\"} 1",
            "oarlock_call_seconds_bucket{le=\"+Inf\",verb=\"add\"} 2",
            "oarlock_call_seconds_count{verb=\"add\"} 2",
            "# HELP oarlock_refused Requests turned away before they were read, by cause.",
            "oarlock_refused_total{why=\"host\"} 1",
            "oarlock_commits_total 1",
            "oarlock_committed_calls_total 2",
            "oarlock_connections 1",
            "oarlock_followers 4",
            "oarlock_uptime_seconds 1.5",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is missing:\n{page}");
        }
        assert!(page.ends_with("\n# EOF\n"));
    }
}
