//! The time axis of the picture of a call, from left to right; short intervals are drawn wider than their
//! share.
//!
//! A call rings for eight seconds and talks for fifteen minutes: in proportion, the ringing is ten pixels
//! wide on a desktop screen and three on a telephone. So every interval between two changes gets a visible
//! width, and the rest is shared in proportion. Order and simultaneity are kept; the durations are written out.

use calltrace_model::record::Stamp;

/// The margin at both edges (percent of the width).
const EDGE: f64 = 1.0;

/// The smallest width of an interval (a part of the whole width), while there are few of them.
const SEEN_MIN: f64 = 0.08;

/// The largest part of the width that goes to widened intervals.
const WIDENED_MAX: f64 = 0.6;

/// Intervals shorter than this (milliseconds) are not widened, so that records of one moment stay together.
const MOMENT_MILLIS: i64 = 700;

/// The width of a label `12:15:00` with the space around it (percent of the width on a telephone).
const LABEL: f64 = 18.5;

/// The largest number of labelled times.
const LABELS_MAX: usize = 12;

/// The drawn time range, and the position of each time.
pub(super) struct Axis {
    /// Times with their positions (percent), ascending; at least two.
    stops: Vec<(Stamp, f64)>,
    /// Some interval is wider than its share of the time.
    pub(super) is_widened: bool,
}

impl Axis {
    /// Makes an axis from the first to the last of `changes`, in any order; `None` if there are none.
    pub(super) fn of(mut changes: Vec<Stamp>) -> Option<Axis> {
        changes.sort_unstable();
        changes.dedup();
        let first = *changes.first()?;
        if changes.len() == 1 {
            changes.push(first.plus_millis(1000));
        }
        let lengths: Vec<i64> = changes
            .windows(2)
            .map(|pair| pair[1].since(pair[0]))
            .collect();
        let (widths, is_widened) = widths(&lengths);
        let mut at = EDGE;
        let mut stops = vec![(first, at)];
        for (change, width) in changes[1..].iter().zip(widths) {
            at += width * (100.0 - 2.0 * EDGE);
            stops.push((*change, at));
        }
        Some(Axis { stops, is_widened })
    }

    /// Returns the first time.
    pub(super) fn first(&self) -> Stamp {
        self.stops[0].0
    }

    /// Returns the last time.
    pub(super) fn last(&self) -> Stamp {
        self.stops[self.stops.len() - 1].0
    }

    /// Returns the position of a time (percent); times outside the axis are at its edges.
    pub(super) fn at(&self, at: Stamp) -> f64 {
        let after = self.stops.partition_point(|(stop, _)| *stop <= at);
        match (after.checked_sub(1), self.stops.get(after)) {
            (None, _) => self.stops[0].1,
            (Some(_), None) => self.stops[self.stops.len() - 1].1,
            (Some(before), Some((to, right))) => {
                let (from, left) = self.stops[before];
                let part = at.since(from) as f64 / to.since(from) as f64;
                left + part * (right - left)
            }
        }
    }

    /// Selects the times to write above the picture: the first, the last, and those of the others that
    /// have enough room, the earlier ones first. Each has the position of its middle.
    pub(super) fn labels(&self, wanted: impl Iterator<Item = Stamp>) -> Vec<Label> {
        let mut labels = vec![Label {
            at: self.first(),
            anchor: "start",
        }];
        let room_ends = 100.0 - LABEL;
        let mut free = EDGE + LABEL;
        for at in wanted {
            let middle = self.at(at);
            let fits = middle - LABEL / 2.0 >= free && middle + LABEL / 2.0 <= room_ends;
            if fits && labels.len() < LABELS_MAX - 1 {
                labels.push(Label {
                    at,
                    anchor: "middle",
                });
                free = middle + LABEL / 2.0;
            }
        }
        labels.push(Label {
            at: self.last(),
            anchor: "end",
        });
        labels
    }
}

/// A written time.
pub(super) struct Label {
    pub(super) at: Stamp,
    /// The part of the text that is at the position.
    pub(super) anchor: &'static str,
}

/// Returns the widths for intervals of these lengths, as parts of 1.0, and whether any is wider than its
/// share.
fn widths(lengths: &[i64]) -> (Vec<f64>, bool) {
    let is_seen = |length: i64| length >= MOMENT_MILLIS;
    let seen = lengths.iter().filter(|length| is_seen(**length)).count();
    let least = SEEN_MIN.min(WIDENED_MAX / seen.max(1) as f64);
    let mut is_fixed = vec![false; lengths.len()];
    loop {
        let fixed = is_fixed.iter().filter(|fixed| **fixed).count();
        let rest: i64 = (lengths.iter().zip(&is_fixed))
            .filter(|(_, fixed)| !**fixed)
            .map(|(length, _)| length)
            .sum();
        let share = (1.0 - least * fixed as f64) / rest.max(1) as f64;
        let narrow = (lengths.iter().zip(&is_fixed)).position(|(length, fixed)| {
            !*fixed && is_seen(*length) && *length as f64 * share < least
        });
        // With nothing left to share, the fixed widths would not fill the axis.
        match narrow.filter(|at| rest > lengths[*at]) {
            Some(at) => is_fixed[at] = true,
            None => {
                let width = |(length, fixed): (&i64, &bool)| match fixed {
                    true => least,
                    false => *length as f64 * share,
                };
                let widths = lengths.iter().zip(&is_fixed).map(width).collect();
                return (widths, fixed > 0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(millis: &[i64]) -> Axis {
        Axis::of(millis.iter().map(|at| Stamp(*at)).collect()).expect("there are changes")
    }

    #[test]
    fn eight_seconds_of_ringing_are_seen_before_fifteen_minutes_of_talk() {
        let axis = axis(&[0, 8_000, 908_000]);
        assert!(axis.is_widened);
        assert!(axis.at(Stamp(8_000)) > 8.0, "{}", axis.at(Stamp(8_000)));
        assert!((axis.at(axis.last()) - 99.0).abs() < 1e-6);
    }

    #[test]
    fn intervals_of_similar_length_are_drawn_in_proportion() {
        let axis = axis(&[0, 25_000, 50_000, 100_000]);
        assert!(!axis.is_widened);
        for (at, place) in [
            (0, 1.0),
            (25_000, 25.5),
            (50_000, 50.0),
            (75_000, 74.5),
            (100_000, 99.0),
        ] {
            assert!((axis.at(Stamp(at)) - place).abs() < 1e-6, "{at}");
        }
    }

    #[test]
    fn places_never_go_back_and_stay_on_the_picture() {
        for changes in [
            vec![5],
            vec![0, 1],
            vec![0, 1, 2, 3, 4_000_000],
            (0..300).map(|n| n * n * 7).collect(),
            vec![0, 86_400_000 * 365, 86_400_000 * 366],
        ] {
            let axis = axis(&changes);
            let mut before = 0.0;
            for change in &changes {
                let at = axis.at(Stamp(*change));
                assert!(at >= before && (0.9..=99.1).contains(&at), "{change}: {at}");
                before = at;
            }
        }
        assert!(Axis::of(Vec::new()).is_none());
    }

    #[test]
    fn labels_leave_each_other_room() {
        let changes: Vec<i64> = (0..50).map(|n| n * 1000).collect();
        let axis = axis(&changes);
        let labels = axis.labels(changes.iter().map(|at| Stamp(*at)));
        let places: Vec<f64> = labels.iter().map(|label| axis.at(label.at)).collect();
        assert!(labels.len() >= 4, "{places:?}");
        for pair in places[1..places.len() - 1].windows(2) {
            assert!(pair[1] - pair[0] >= LABEL - 0.01, "{places:?}");
        }
        assert_eq!(
            (labels[0].anchor, labels[labels.len() - 1].anchor),
            ("start", "end")
        );
    }
}
