//! Counters without a server.

use super::*;

#[test]
fn counters_of_other_modules_are_copied_and_never_decrease() {
    let metrics = Metrics::started_at(0);
    let counts = |remembered| DirectoryCounts {
        remembered,
        asked: 2,
        missing: vec![("postgres", 3)],
    };
    metrics.take_over(&counts(5));
    metrics.take_over(&counts(7));
    metrics.take_over(&counts(6));
    let of = |result| metrics.lookups.with_label_values(&[result]).get();
    assert_eq!((of("hit"), of("miss")), (7, 2));
    assert_eq!(
        metrics.names_missing.with_label_values(&["postgres"]).get(),
        3
    );
}

#[test]
fn a_connection_counts_while_it_is_open() {
    let metrics = Metrics::started_at(0);
    let (first, second) = (metrics.connected(), metrics.connected());
    drop(first);
    assert_eq!(metrics.connections.get(), 1);
    drop(second);
    assert_eq!(metrics.connections.get(), 0);
}
