//! Signs of trouble in a service that does answer: its cache is empty, it asks the database for most names, its last
//! refresh is old, or it does not know an enterprise.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value;

use calltrace_store::tree::EnterpriseName;

/// A lower cache hit rate is a concern.
const HITS_PERCENT_MIN: f64 = 50.0;

/// The service refreshes every five minutes. A refresh older than this (seconds) is a concern.
const REFRESH_SECONDS_MAX: i64 = 15 * 60;

/// A sign of trouble in a service that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concern {
    /// The cache is empty.
    CacheEmpty,
    /// The share of answers that come from the cache, in percent.
    FewHits(u8),
    /// The age of the last full refresh, in seconds.
    OldRefresh(i64),
    /// An enterprise that has logs is unknown to the service.
    Unknown(EnterpriseName),
}

impl Concern {
    /// The kinds of concern, as metrics name them.
    pub const KINDS: [&str; 4] = [
        "cache_empty",
        "few_hits",
        "old_refresh",
        "unknown_enterprise",
    ];

    /// The entry of [`Concern::KINDS`] for this concern.
    pub fn kind(&self) -> &'static str {
        Concern::KINDS[match self {
            Concern::CacheEmpty => 0,
            Concern::FewHits(_) => 1,
            Concern::OldRefresh(_) => 2,
            Concern::Unknown(_) => 3,
        }]
    }

    /// The concerns that the service's `/stats` gives at the time `now`. Values that are not stated give none.
    pub(super) fn of_stats(stats: &Value, now: DateTime<Utc>) -> Vec<Concern> {
        let number = |key: &str| stats.get(key)?.as_f64();
        let is_empty = number("cache_size") == Some(0.0);
        let was_asked = number("hits").unwrap_or(0.0) + number("misses").unwrap_or(0.0) > 0.0;
        let few = number("hit_rate_percent").filter(|rate| was_asked && *rate < HITS_PERCENT_MIN);
        let refreshed = stats.get("last_full_refresh").and_then(moment);
        let age = refreshed.map(|at| now.signed_duration_since(at).num_seconds());
        let old = age.filter(|age| *age > REFRESH_SECONDS_MAX);
        [
            is_empty.then_some(Concern::CacheEmpty),
            few.map(|rate| Concern::FewHits(rate.clamp(0.0, 100.0) as u8)),
            old.map(Concern::OldRefresh),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Concern::CacheEmpty => f.write_str("its cache is empty"),
            Concern::FewHits(percent) => {
                write!(f, "only {percent}% of its answers come from its cache")
            }
            Concern::OldRefresh(seconds) => {
                write!(f, "its last full refresh was {} minutes ago", seconds / 60)
            }
            Concern::Unknown(enterprise) => write!(f, "it does not know enterprise {enterprise}"),
        }
    }
}

/// A point in time: RFC 3339, the same without a zone (UTC), or seconds of Unix time.
fn moment(value: &Value) -> Option<DateTime<Utc>> {
    if let Some(seconds) = value.as_f64() {
        return DateTime::from_timestamp(seconds as i64, 0);
    }
    let text = value.as_str()?.replacen(' ', "T", 1);
    let zoned = DateTime::parse_from_rfc3339(&text).map(|at| at.to_utc());
    let naive = || NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f");
    zoned.or_else(|_| naive().map(|at| at.and_utc())).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn statistics_that_a_source_reports_are_judged_and_missing_ones_are_not() {
        let now = "2025-12-03T15:00:00Z".parse().expect("a time");
        let kinds = |stats: Value| -> Vec<&str> {
            let concerns = Concern::of_stats(&stats, now);
            concerns.iter().map(Concern::kind).collect()
        };
        let well = json!({ "hits": 90, "misses": 10, "cache_size": 5, "config_cache_size": 1,
            "hit_rate_percent": 90.0, "last_full_refresh": "2025-12-03T14:57:00.123" });
        assert_eq!(kinds(well.clone()), [""; 0]);
        let with = |key: &str, value: Value| {
            let mut stats = well.clone();
            stats[key] = value;
            kinds(stats)
        };
        assert_eq!(with("cache_size", json!(0)), ["cache_empty"]);
        assert_eq!(with("hit_rate_percent", json!(49.9)), ["few_hits"]);
        assert_eq!(with("hit_rate_percent", json!(50)), [""; 0]);
        for old in [
            "2025-12-03 14:44:59",
            "2025-12-03T17:44:59+03:00",
            "2025-12-02T15:00:00Z",
        ] {
            assert_eq!(
                with("last_full_refresh", json!(old)),
                ["old_refresh"],
                "{old}"
            );
        }
        assert_eq!(
            with("last_full_refresh", json!(1_764_770_000)),
            ["old_refresh"]
        );
        assert_eq!(with("last_full_refresh", Value::Null), [""; 0]);
        let fresh = json!({ "hits": 0, "misses": 0, "hit_rate_percent": 0 });
        assert_eq!(kinds(fresh), [""; 0]);
        assert_eq!(kinds(json!("no object")), [""; 0]);
    }
}
