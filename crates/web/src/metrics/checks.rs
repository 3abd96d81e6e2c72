//! What `calltrace check` found in its last run, by enterprise. This crate does not know the rules: the program hands in
//! a function that reads it.

use prometheus::{IntGauge, IntGaugeVec};

use super::registered::Counters;

/// The number of enterprises with figures of their own, those with the most calls; all others are summed up.
const ENTERPRISES_MAX: usize = 200;

/// The name of that sum, and of the tree as a whole. No enterprise has such a name.
const OTHERS: &str = "(others)";
const TREE: &str = "(tree)";

/// The last run of the checks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckFigures {
    /// When it was (seconds of Unix time).
    pub at: i64,
    /// Findings that fire: the rule, the enterprise (`None` for the tree as a whole), and how many.
    pub firing: Vec<(&'static str, Option<String>, u64)>,
    /// What was counted, by enterprise.
    pub counts: Vec<(String, CheckCounts)>,
}

/// What the rules counted of one enterprise; the gauges of the same names say what.
#[allow(
    missing_docs,
    reason = "`COUNTS` explains each field where its gauge is made"
)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckCounts {
    pub calls: u64,
    pub missed: u64,
    pub usual_calls: u64,
    pub usual_missed: u64,
    pub not_called_back: u64,
    pub no_hangup: u64,
    pub requests: u64,
    pub failed_requests: u64,
}

/// The gauge of each count: its name behind `calltrace_check_`, what it is, and its value.
type CountGauge = (&'static str, &'static str, fn(&mut CheckCounts) -> &mut u64);

const COUNTS: [CountGauge; 8] = [
    (
        "calls",
        "Calls from outside in the hours that are judged, one to three up to the last run.",
        |c| &mut c.calls,
    ),
    ("missed", "Missed ones of those calls.", |c| &mut c.missed),
    (
        "usual_calls",
        "Calls in the same hours of comparable days; 0 with fewer than seven such days.",
        |c| &mut c.usual_calls,
    ),
    ("usual_missed", "Missed ones of those calls.", |c| {
        &mut c.usual_missed
    }),
    (
        "not_called_back",
        "Clients who were missed and not called back in time.",
        |c| &mut c.not_called_back,
    ),
    ("no_hangup", "Calls without a hangup after hours.", |c| {
        &mut c.no_hangup
    }),
    (
        "requests",
        "HTTP requests of the calls of the last hour.",
        |c| &mut c.requests,
    ),
    ("failed_requests", "Failed ones of those requests.", |c| {
        &mut c.failed_requests
    }),
];

/// Reads the last run; `None` if there was none, or it can't be read.
pub type ReadChecks = Box<dyn Fn() -> Option<CheckFigures> + Send + Sync>;

/// The gauges of the checks.
pub(super) struct CheckGauges {
    at: IntGauge,
    firing: IntGaugeVec,
    counts: [IntGaugeVec; COUNTS.len()],
}

impl CheckGauges {
    pub(super) fn of(counters: &Counters) -> CheckGauges {
        CheckGauges {
            at: counters.gauge(
                "calltrace_check_timestamp_seconds",
                "When calltrace check ran last, in seconds of Unix time; 0 for never.",
            ),
            firing: counters.gauges(
                "calltrace_check_firing",
                "Findings of calltrace check that fire, by rule and enterprise.",
                &["rule", "enterprise"],
            ),
            counts: COUNTS.map(|(name, help, _)| {
                let name = format!("calltrace_check_{name}");
                counters.gauges(&name, help, &["enterprise"])
            }),
        }
    }

    pub(super) fn set(&self, last: Option<CheckFigures>) {
        // An enterprise may be gone, or be summed up with the others now.
        self.firing.reset();
        self.counts.iter().for_each(IntGaugeVec::reset);
        let Some(last) = last else {
            self.at.set(0);
            return;
        };
        self.at.set(last.at);
        let mut counts = bounded(last.counts);
        let named = |name: &str| counts.iter().any(|(known, _)| known == name);
        for (rule, enterprise, count) in &last.firing {
            let enterprise = match enterprise {
                None => TREE,
                Some(name) if named(name) => name,
                Some(_) => OTHERS,
            };
            let gauge = self.firing.with_label_values(&[rule, enterprise]);
            gauge.add(number(*count));
        }
        for (enterprise, counts) in &mut counts {
            for (gauges, (_, _, value)) in self.counts.iter().zip(COUNTS) {
                let gauge = gauges.with_label_values(&[enterprise.as_str()]);
                gauge.set(number(*value(counts)));
            }
        }
    }
}

/// The enterprises with the most calls, and the sum of the rest.
fn bounded(mut counts: Vec<(String, CheckCounts)>) -> Vec<(String, CheckCounts)> {
    counts
        .sort_by(|(a_name, a), (b_name, b)| b.calls.cmp(&a.calls).then_with(|| a_name.cmp(b_name)));
    let rest = counts.split_off(counts.len().min(ENTERPRISES_MAX));
    let sum = rest
        .into_iter()
        .map(|(_, counts)| counts)
        .reduce(|mut sum, mut other| {
            COUNTS
                .iter()
                .for_each(|(_, _, value)| *value(&mut sum) += *value(&mut other));
            sum
        });
    counts.extend(sum.map(|sum| (OTHERS.to_owned(), sum)));
    counts
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(number: u64) -> (String, CheckCounts) {
        let counts = CheckCounts {
            calls: number,
            missed: 1,
            ..CheckCounts::default()
        };
        (format!("{number:04}"), counts)
    }

    #[test]
    fn the_busiest_enterprises_have_lines_of_their_own_and_the_rest_one_sum() {
        let shown = bounded((0..500).map(counts).collect());
        assert_eq!(shown.len(), ENTERPRISES_MAX + 1);
        assert_eq!(shown[0], counts(499));
        let (name, sum) = &shown[ENTERPRISES_MAX];
        assert_eq!(
            (name.as_str(), sum.calls, sum.missed),
            (OTHERS, (0..300).sum(), 300)
        );
        assert_eq!(bounded(vec![counts(3)]), [counts(3)]);
        assert_eq!(bounded(Vec::new()), []);
    }

    #[test]
    fn what_fires_outside_the_busiest_is_counted_with_the_others() {
        let gauges = CheckGauges::of(&Counters::default());
        let firing = [("silent", "0299"), ("silent", "0001"), ("silent", "0000")];
        let firing = firing.map(|(rule, name)| (rule, Some(name.to_owned()), 2));
        gauges.set(Some(CheckFigures {
            at: 7,
            firing: firing.into_iter().chain([("doctor", None, 1)]).collect(),
            counts: (0..300).map(counts).collect(),
        }));
        let of = |labels: &[&str]| gauges.firing.with_label_values(labels).get();
        assert_eq!(of(&["silent", "0299"]), 2);
        assert_eq!(of(&["silent", OTHERS]), 4);
        assert_eq!(of(&["doctor", TREE]), 1);
        assert_eq!(gauges.counts[0].with_label_values(&["0299"]).get(), 299);
        gauges.set(None);
        assert_eq!(gauges.at.get(), 0);
        assert_eq!(of(&["silent", "0299"]), 0);
    }
}
