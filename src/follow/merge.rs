//! Lines of several files, put in order of time as far as they come within a small window.
//!
//! A line is held back for the window; when its time is up, every held line with an earlier time goes
//! out before it. So two lines of two files that were read within the window of each other come in
//! order of their times, lines of one file always in the order of the file.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::Arrival;
use crate::record::Stamp;

/// Held at most (bytes of text); more goes out before its time.
const HELD_BYTES_MAX: usize = 8 << 20;

/// The file that a line is of; lines of one are never put into another order.
pub(super) type Lane = u64;

#[derive(Debug)]
struct Held {
    line: Arrival,
    due: Instant,
}

/// The lines that are held.
#[derive(Debug, Default)]
pub(super) struct Merge {
    lanes: HashMap<Lane, VecDeque<Held>>,
    /// The first line of each lane that has any.
    heads: BinaryHeap<Reverse<(Stamp, Lane)>>,
    /// When lines fall due, and how many, oldest first.
    dues: VecDeque<(Instant, usize)>,
    bytes: usize,
}

impl Merge {
    /// Holds a line that was read at `now` for `window`.
    pub(super) fn push(&mut self, lane: Lane, line: Arrival, now: Instant, window: Duration) {
        let due = now + window;
        match self.dues.back_mut() {
            Some((last, count)) if *last >= due => *count += 1,
            _ => self.dues.push_back((due, 1)),
        }
        let due = self.dues.back().map_or(due, |(last, _)| *last);
        self.bytes += line.text.len();
        let held = self.lanes.entry(lane).or_default();
        if held.is_empty() {
            self.heads.push(Reverse((line.at, lane)));
        }
        held.push_back(Held { line, due });
    }

    /// Takes out what is due at `now`, and what belongs before it.
    pub(super) fn due(&mut self, now: Instant, into: &mut Vec<Arrival>) {
        let full = self.bytes > HELD_BYTES_MAX;
        let is_due = |due: Instant| full || due <= now;
        let mut left: usize = self
            .dues
            .iter()
            .take_while(|(due, _)| is_due(*due))
            .map(|(_, count)| count)
            .sum();
        while left > 0
            && let Some(Reverse((_, lane))) = self.heads.pop()
        {
            let Some(held) = self.lanes.get_mut(&lane) else {
                continue;
            };
            let Some(first) = held.pop_front() else {
                continue;
            };
            match held.front() {
                Some(next) => self.heads.push(Reverse((next.line.at, lane))),
                None => {
                    self.lanes.remove(&lane);
                }
            }
            left -= usize::from(is_due(first.due));
            self.bytes -= first.line.text.len();
            self.forget(first.due);
            into.push(first.line);
        }
    }

    /// When the next line falls due; `None` when none is held.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.dues.front().map(|(due, _)| *due)
    }

    /// Everything falls due at once.
    pub(super) fn all(&mut self, into: &mut Vec<Arrival>) {
        if let Some((last, _)) = self.dues.back() {
            self.due(*last, into);
        }
    }

    /// One of the lines that fall due then is out.
    fn forget(&mut self, due: Instant) {
        let at = self.dues.partition_point(|(other, _)| *other < due);
        if let Some((_, count)) = self.dues.get_mut(at) {
            *count -= 1;
        }
        while self.dues.front().is_some_and(|(_, count)| *count == 0) {
            self.dues.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::tree::EnterpriseName;

    const WINDOW: Duration = Duration::from_millis(20);

    fn line(at: i64) -> Arrival {
        Arrival {
            enterprise: Arc::new(EnterpriseName::new("0367").expect("a name")),
            file: "events.log".into(),
            offset: 0,
            at: Stamp(at),
            text: Box::from(b"x".as_slice()),
        }
    }

    fn due(merge: &mut Merge, now: Instant) -> Vec<i64> {
        let mut lines = Vec::new();
        merge.due(now, &mut lines);
        lines.iter().map(|line| line.at.0).collect()
    }

    #[test]
    fn lines_of_two_files_within_the_window_come_in_order_of_time() {
        let begin = Instant::now();
        let mut merge = Merge::default();
        merge.push(1, line(100), begin, WINDOW);
        merge.push(1, line(300), begin, WINDOW);
        merge.push(2, line(90), begin + WINDOW / 2, WINDOW);
        merge.push(2, line(200), begin + WINDOW / 2, WINDOW);
        merge.push(2, line(400), begin + WINDOW / 2, WINDOW);
        assert_eq!(due(&mut merge, begin), [0i64; 0]);
        assert_eq!(due(&mut merge, begin + WINDOW), [90, 100, 200, 300]);
        assert_eq!(merge.next_due(), Some(begin + WINDOW * 3 / 2));
        assert_eq!(due(&mut merge, begin + 2 * WINDOW), [400]);
        assert_eq!(merge.next_due(), None);
        assert_eq!(merge.bytes, 0);
    }

    #[test]
    fn lines_of_one_file_keep_their_order_whatever_their_times() {
        let begin = Instant::now();
        let mut merge = Merge::default();
        for at in [5, 1, 9, 2] {
            merge.push(1, line(at), begin, WINDOW);
        }
        merge.push(2, line(3), begin, WINDOW);
        assert_eq!(due(&mut merge, begin + WINDOW), [3, 5, 1, 9, 2]);
    }

    #[test]
    fn what_is_too_much_to_hold_goes_out_early() {
        let begin = Instant::now();
        let mut merge = Merge::default();
        for at in 0..3 {
            let text = vec![b'x'; HELD_BYTES_MAX / 2].into_boxed_slice();
            merge.push(1, Arrival { text, ..line(at) }, begin, WINDOW);
        }
        assert_eq!(due(&mut merge, begin), [0, 1, 2]);
        assert_eq!(merge.next_due(), None);
    }
}
