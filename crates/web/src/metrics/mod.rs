//! Counters of the server, and `GET /metrics`, which exposes them to Prometheus.
//!
//! A label value is a word of this program or the name of an enterprise that has a folder, never a word of a
//! request: no id, number, address or token can get into one, and no stranger can create new ones.

mod checks;
mod process;
mod registered;

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus::{
    Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry,
    TextEncoder,
};

use super::limits::Length;
use calltrace_directory::{Concern, DirectoryCounts};
use checks::CheckGauges;
pub use checks::{CheckCounts, CheckFigures, ReadChecks};
use registered::Counters;

/// The version of Prometheus's text format.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Buckets in seconds: the page of a call takes some milliseconds, a list may take some seconds.
const SECONDS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Why a request was refused. Put into the extensions of an answer, it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusalReason {
    /// Neither a token nor a signature opens it.
    Token,
    /// The signed link has expired.
    Expired,
    /// There were too many wrong tries.
    Tries,
    /// The server is too busy.
    Busy,
    /// The answer took too long.
    Timeout,
    /// A robot asked for a preview.
    Robot,
    /// Too many connections, in total or from one address.
    Connections,
}

/// The label values of those reasons, in their order.
const REASONS: [&str; 7] = [
    "token",
    "expired",
    "tries",
    "busy",
    "timeout",
    "robot",
    "connections",
];

/// All counters of one server. They start at zero and never decrease.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    latencies: HistogramVec,
    refused: IntCounterVec,
    engine: HistogramVec,
    waits: Histogram,
    connections: IntGauge,
    sent: IntCounter,
    lines: IntCounterVec,
    sources: IntGaugeVec,
    concerns: IntGaugeVec,
    active_calls: IntGaugeVec,
    checks: CheckGauges,
    names_missing: IntCounterVec,
    lookups: IntCounterVec,
    log_dropped: IntCounter,
    memory: IntGauge,
    descriptors: IntGauge,
    /// Returns how many lines the program's own log has lost.
    log: OnceLock<LinesLost>,
    /// Reads the last run of `calltrace check`.
    last_check: OnceLock<ReadChecks>,
}

type LinesLost = Box<dyn Fn() -> u64 + Send + Sync>;

impl Metrics {
    /// Counts a line that was written into the log tree; `kind` is one of the program's words for kinds
    /// of lines, such as `tg`.
    pub fn line_written(&self, kind: &'static str) {
        self.lines.with_label_values(&[kind]).inc();
    }

    /// Sets the function that returns how many lines the program's own log has lost so far. The first one
    /// stays.
    pub fn ask_for_lines_lost(&self, log: impl Fn() -> u64 + Send + Sync + 'static) {
        let _ = self.log.set(Box::new(log));
    }

    /// Sets the function that reads the last run of `calltrace check`. The first one stays.
    pub fn read_checks(&self, read: ReadChecks) {
        let _ = self.last_check.set(read);
    }

    /// Counts an answered request; `route` is the template of its path.
    pub(super) fn answered(&self, route: &str, status: StatusCode, took: Duration) {
        let class = match status.as_u16() / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        self.requests.with_label_values(&[route, class]).inc();
        let latency = self.latencies.with_label_values(&[route]);
        latency.observe(took.as_secs_f64());
    }

    pub(super) fn refused(&self, why: RefusalReason) {
        self.refused
            .with_label_values(&[REASONS[why as usize]])
            .inc();
    }

    /// Observes how long the engine worked: short work traces a call, long work searches.
    pub(super) fn worked(&self, length: Length, took: Duration) {
        let question = match length {
            Length::Short => "trace",
            Length::Long => "search",
        };
        let engine = self.engine.with_label_values(&[question]);
        engine.observe(took.as_secs_f64());
    }

    /// Observes how long work waited for its place, with or without success.
    pub(super) fn waited(&self, took: Duration) {
        self.waits.observe(took.as_secs_f64());
    }

    /// Counts a connection until the returned guard is dropped.
    pub(super) fn connected(&self) -> ConnectionGuard {
        self.connections.inc();
        ConnectionGuard(self.connections.clone())
    }

    /// Returns the counter of bytes that were sent.
    pub(super) fn sent(&self) -> IntCounter {
        self.sent.clone()
    }

    /// Replaces the gauges of concerns about sources.
    pub(super) fn concerned(&self, concerns: &[(&'static str, Concern)]) {
        self.concerns.reset();
        for (source, concern) in concerns {
            self.concerns
                .with_label_values(&[*source, concern.kind()])
                .inc();
        }
    }

    /// Answers `GET /metrics`. `sources` says whether each source answers, and `active_calls` is the number
    /// of calls in progress per enterprise.
    pub(super) fn answer<'a>(
        &self,
        sources: impl Iterator<Item = (&'static str, bool)> + 'a,
        active_calls: &[(String, usize)],
        directory: &DirectoryCounts,
    ) -> Response {
        // An enterprise may be gone, or be summed up with the others now.
        self.active_calls.reset();
        for (enterprise, calls) in active_calls {
            let gauge = self.active_calls.with_label_values(&[enterprise]);
            gauge.set(i64::try_from(*calls).unwrap_or(i64::MAX));
        }
        for (source, is_up) in sources {
            self.sources
                .with_label_values(&[source])
                .set(i64::from(is_up));
        }
        self.take_over(directory);
        self.checks
            .set(self.last_check.get().and_then(|read| read()));
        let mut text = String::new();
        match TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text) {
            Ok(()) => ([(CONTENT_TYPE, FORMAT)], text).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    /// Copies the counters that other modules keep.
    fn take_over(&self, directory: &DirectoryCounts) {
        let up_to = |counter: &IntCounter, now: u64| {
            counter.inc_by(now.saturating_sub(counter.get()));
        };
        let lookups = |result| self.lookups.with_label_values(&[result]);
        up_to(&lookups("hit"), directory.remembered);
        up_to(&lookups("miss"), directory.asked);
        for (source, missing) in &directory.missing {
            up_to(&self.names_missing.with_label_values(&[*source]), *missing);
        }
        if let Some(lost) = self.log.get() {
            up_to(&self.log_dropped, lost());
        }
        self.memory.set(process::memory());
        self.descriptors.set(process::descriptors());
    }
}

impl Metrics {
    /// Counters of a process started at this time (seconds of Unix time), all at zero.
    pub fn started_at(unix_seconds: u64) -> Metrics {
        let counters = Counters::default();
        let counted = "Refused requests, by reason.";
        let refused = counters.counters("calltrace_refused_total", counted, &["reason"]);
        // Reasons that never occurred are exposed as zero, so that the first occurrence is seen as a
        // change.
        for why in REASONS {
            refused.with_label_values(&[why]);
        }
        counters.fixed(unix_seconds);
        Metrics {
            requests: counters.counters(
                "calltrace_requests_total",
                "Requests by route and class of status.",
                &["route", "status"],
            ),
            latencies: counters.histograms(
                "calltrace_request_seconds",
                "Time until a request was answered.",
                &["route"],
            ),
            refused,
            engine: counters.histograms(
                "calltrace_engine_seconds",
                "Time that the engine worked for a question.",
                &["question"],
            ),
            waits: counters.histogram(
                "calltrace_wait_seconds",
                "Time that work waited for a free place.",
            ),
            connections: counters.gauge("calltrace_connections", "Connections that are open."),
            sent: counters.counter(
                "calltrace_sent_bytes_total",
                "Bytes sent, including headers.",
            ),
            lines: counters.counters(
                "calltrace_lines_written_total",
                "Lines written into the log tree, by kind.",
                &["kind"],
            ),
            sources: counters.gauges(
                "calltrace_source_up",
                "Whether the logs and each source of names answer now.",
                &["source"],
            ),
            concerns: counters.gauges(
                "calltrace_source_concern",
                "What is odd about a source that answers: cache_empty, few_hits, old_refresh, \
                 unknown_enterprise (how many).",
                &["source", "concern"],
            ),
            active_calls: counters.gauges(
                "calltrace_calls_in_progress",
                "Calls in progress, by enterprise; at most 15 seconds old.",
                &["enterprise"],
            ),
            checks: CheckGauges::of(&counters),
            names_missing: counters.counters(
                "calltrace_names_missing_total",
                "Lookups of names that a source did not answer, or only in part.",
                &["source"],
            ),
            lookups: counters.counters(
                "calltrace_directory_lookups_total",
                "Enterprises looked up: remembered (hit) or asked for (miss).",
                &["result"],
            ),
            log_dropped: counters.counter(
                "calltrace_log_dropped_lines_total",
                "Lines that are missing from the program's own log.",
            ),
            memory: counters.gauge("process_resident_memory_bytes", "Resident memory."),
            descriptors: counters.gauge("process_open_fds", "Descriptors that are open."),
            log: OnceLock::new(),
            last_check: OnceLock::new(),
            registry: counters.done(),
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Counts an open connection while it lives.
pub(super) struct ConnectionGuard(IntGauge);

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests;
