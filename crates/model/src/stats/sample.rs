//! Computes percentiles of lengths of time.

/// The distribution of lengths of time (milliseconds). An empty sample has none.
///
/// Percentiles are by nearest rank: the value at position ceil(`p` * `n` / 100), counted from 1, of `n`
/// values in order. This is the smallest value that at least `p` percent of the values do not exceed. So each
/// percentile is a value that occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// The number of values.
    pub count: usize,
    /// The median: half of the values are not larger than this.
    pub p50: i64,
    /// 90 percent of the values are not larger than this.
    pub p90: i64,
    /// 95 percent of the values are not larger than this.
    pub p95: i64,
    /// The largest value.
    pub max: i64,
}

/// Collects lengths of time. There are half a million of them, so each takes four bytes and is limited to 24
/// days.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample(Vec<i32>);

impl Sample {
    pub(super) fn push(&mut self, millis: i64) {
        let most = i64::from(i32::MAX);
        let millis = i32::try_from(millis.clamp(-most, most));
        self.0.push(millis.expect("it was made to fit"));
    }

    pub(super) fn join(&mut self, mut other: Sample) {
        self.0.append(&mut other.0);
    }

    pub(super) fn spread(self) -> Option<Spread> {
        let mut values = self.0;
        let count = values.len();
        let max = i64::from(*values.iter().max()?);
        let place = |percent: usize| (percent * count).div_ceil(100) - 1;
        // Each selection moves the values that are not smaller after it, and the next one searches only
        // there.
        let mut from = 0;
        let mut at = |percent: usize| {
            let place = place(percent);
            if place < from {
                return i64::from(values[place]);
            }
            let (_, value, _) = values[from..].select_nth_unstable(place - from);
            let value = i64::from(*value);
            from = place + 1;
            value
        };
        Some(Spread {
            count,
            p50: at(50),
            p90: at(90),
            p95: at(95),
            max,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spread(values: &[i64]) -> Option<Spread> {
        let mut sample = Sample::default();
        values.iter().for_each(|value| sample.push(*value));
        sample.spread()
    }

    #[test]
    fn a_percentile_is_a_value_that_occurred() {
        assert_eq!(spread(&[]), None);
        let of = |count, p50, p90, p95, max| {
            Some(Spread {
                count,
                p50,
                p90,
                p95,
                max,
            })
        };
        assert_eq!(spread(&[7]), of(1, 7, 7, 7, 7));
        assert_eq!(spread(&[2, 1]), of(2, 1, 2, 2, 2));
        assert_eq!(spread(&[3, 1, 2]), of(3, 2, 3, 3, 3));
        let hundred: Vec<i64> = (1..=100).rev().collect();
        assert_eq!(spread(&hundred), of(100, 50, 90, 95, 100));
        let more: Vec<i64> = (1..=101).collect();
        assert_eq!(spread(&more), of(101, 51, 91, 96, 101));
        let most = i64::from(i32::MAX);
        assert_eq!(
            spread(&[i64::MIN, i64::MAX]),
            of(2, -most, most, most, most)
        );
    }

    proptest! {
        #[test]
        fn at_least_so_many_do_not_exceed_it(values in prop::collection::vec(-9i64..9, 1..60)) {
            let spread = spread(&values).expect("there are some");
            for (percent, value) in [(50, spread.p50), (90, spread.p90), (95, spread.p95)] {
                let up_to = |most: i64| values.iter().filter(|v| **v <= most).count() * 100;
                prop_assert!(values.contains(&value));
                prop_assert!(up_to(value) >= percent * values.len());
                prop_assert!(up_to(value - 1) < percent * values.len());
            }
        }
    }
}
