//! Makes counters and registers each of them: a counter that is not in the registry is never exposed.

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

use super::SECONDS;

/// Why making or registering one can't fail; a test makes them all.
const RIGHT: &str = "its name and labels are right, and no other has its name";

/// A registry that is being filled.
#[derive(Default)]
pub(super) struct Counters(Registry);

impl Counters {
    pub(super) fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.registered(IntCounter::new(name, help).expect(RIGHT))
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.registered(IntCounterVec::new(Opts::new(name, help), labels).expect(RIGHT))
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.registered(IntGauge::new(name, help).expect(RIGHT))
    }

    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.registered(IntGaugeVec::new(Opts::new(name, help), labels).expect(RIGHT))
    }

    /// A histogram of seconds.
    pub(super) fn histogram(&self, name: &str, help: &str) -> Histogram {
        let opts = HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
        self.registered(Histogram::with_opts(opts).expect(RIGHT))
    }

    /// Histograms of seconds.
    pub(super) fn histograms(&self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        let opts = HistogramOpts::new(name, help).buckets(SECONDS.to_vec());
        self.registered(HistogramVec::new(opts, labels).expect(RIGHT))
    }

    /// Adds the metrics that never change: the version, and the start time.
    pub(super) fn fixed(&self, started_at: u64) {
        let build = self.gauges("calltrace_build_info", "The version.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let help = "When it was started, in seconds of Unix time.";
        let start = self.gauge("process_start_time_seconds", help);
        start.set(i64::try_from(started_at).unwrap_or_default());
    }

    pub(super) fn done(self) -> Registry {
        self.0
    }

    fn registered<C: Collector + Clone + 'static>(&self, collector: C) -> C {
        self.0.register(Box::new(collector.clone())).expect(RIGHT);
        collector
    }
}
