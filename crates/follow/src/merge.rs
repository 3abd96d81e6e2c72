//! Merges lines of several files in order of time within a small window.
//!
//! Lines are held for the length of the window. When a line is due, all held lines with an earlier time go
//! out before it. So two lines of different files that were read within one window come in order of their
//! times; lines of one file always keep their order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::arrival::{LineRun, RunSlice};
use calltrace_model::record::Stamp;

/// Maximum number of bytes held; beyond that, lines go out early.
const HELD_BYTES_MAX: usize = 8 << 20;

/// The file that a run of lines comes from. Lines of one lane are never reordered.
pub(super) type LaneId = u64;

#[derive(Debug)]
struct HeldRun {
    run: Arc<LineRun>,
    /// Number of the first line that has not gone out.
    next: usize,
    due: Instant,
}

impl HeldRun {
    fn head(&self) -> Stamp {
        self.run.time(self.next)
    }
}

/// The lines that are held back.
#[derive(Debug, Default)]
pub(super) struct Merge {
    /// Held runs by file. No queue is empty: a lane without runs is removed.
    lanes: HashMap<LaneId, VecDeque<HeldRun>>,
    /// The first line of each lane.
    heads: BinaryHeap<Reverse<(Stamp, LaneId)>>,
    bytes: usize,
}

impl Merge {
    /// Holds lines that were read at `now` for `window`.
    pub(super) fn push(&mut self, lane: LaneId, run: LineRun, now: Instant, window: Duration) {
        if run.len() == 0 {
            return;
        }
        self.bytes += run.bytes();
        let held = HeldRun {
            run: Arc::new(run),
            next: 0,
            due: now + window,
        };
        let runs = self.lanes.entry(lane).or_default();
        if runs.is_empty() {
            self.heads.push(Reverse((held.head(), lane)));
        }
        runs.push_back(held);
    }

    /// Takes out the lines that are due at `now`, and those that belong before them.
    pub(super) fn due(&mut self, now: Instant, into: &mut Vec<RunSlice>) {
        let full = self.bytes > HELD_BYTES_MAX;
        self.take(|held| full || held.due <= now, into);
    }

    /// Takes out everything.
    pub(super) fn all(&mut self, into: &mut Vec<RunSlice>) {
        self.take(|_| true, into);
    }

    /// When the next line is due; `None` when no line is held.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let firsts = self.lanes.values().filter_map(|runs| runs.front());
        firsts.map(|held| held.due).min()
    }

    fn take(&mut self, is_due: impl Fn(&HeldRun) -> bool, into: &mut Vec<RunSlice>) {
        let all = self.lanes.values().flatten();
        let mut left = all.filter(|held| is_due(held)).count();
        while left > 0
            && let Some(Reverse((_, lane))) = self.heads.pop()
        {
            let runs = self.lanes.get_mut(&lane).expect("a head is of a lane");
            let held = runs.front_mut().expect("no lane is empty");
            // Lines go out up to the next earlier line of another file.
            let others = self.heads.peek().map(|Reverse(other)| *other);
            let comes = |at: Stamp| others.is_none_or(|other| (at, lane) <= other);
            let from = held.next;
            held.next += 1;
            while held.next < held.run.len() && comes(held.head()) {
                held.next += 1;
            }
            into.push(RunSlice {
                run: Arc::clone(&held.run),
                lines: from..held.next,
            });
            if held.next == held.run.len() {
                left -= usize::from(is_due(held));
                self.bytes -= held.run.bytes();
                runs.pop_front();
            }
            match runs.front() {
                Some(next) => self.heads.push(Reverse((next.head(), lane))),
                None => {
                    self.lanes.remove(&lane);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::LineBatch;
    use calltrace_store::tree::EnterpriseName;

    const WINDOW: Duration = Duration::from_millis(20);

    fn run(times: &[i64]) -> LineRun {
        let name = EnterpriseName::new("0367").expect("a name");
        let mut run = LineRun::new(&Arc::new(name), &"events.log".into(), 0);
        for at in times {
            run.push(0, Stamp(*at), at.to_string().as_bytes());
        }
        run
    }

    fn due(merge: &mut Merge, now: Instant) -> Vec<i64> {
        let mut batch = LineBatch::default();
        merge.due(now, &mut batch.pieces);
        let number = |text: &[u8]| String::from_utf8_lossy(text).parse().expect("a number");
        batch.lines().map(|line| number(line.text)).collect()
    }

    #[test]
    fn lines_of_two_files_within_the_window_come_in_order_of_time() {
        let begin = Instant::now();
        let mut merge = Merge::default();
        merge.push(1, run(&[100, 300]), begin, WINDOW);
        merge.push(2, run(&[90, 200]), begin + WINDOW / 2, WINDOW);
        merge.push(2, run(&[400]), begin + WINDOW / 2, WINDOW);
        assert_eq!(due(&mut merge, begin), [0i64; 0]);
        assert_eq!(due(&mut merge, begin + WINDOW), [90, 100, 200, 300]);
        assert_eq!(merge.next_due(), Some(begin + WINDOW * 3 / 2));
        assert_eq!(due(&mut merge, begin + 2 * WINDOW), [400]);
        assert_eq!(merge.next_due(), None);
        assert_eq!(merge.bytes, 0);
    }

    #[test]
    fn a_line_that_is_not_due_and_not_earlier_waits() {
        let begin = Instant::now();
        let mut merge = Merge::default();
        merge.push(1, run(&[100]), begin, WINDOW);
        merge.push(2, run(&[50, 150, 160]), begin + WINDOW, WINDOW);
        assert_eq!(due(&mut merge, begin + WINDOW), [50, 100]);
        assert_eq!(due(&mut merge, begin + 2 * WINDOW), [150, 160]);
    }

    #[test]
    fn lines_of_one_file_keep_their_order_regardless_of_their_times() {
        let begin = Instant::now();
        let mut merge = Merge::default();
        merge.push(1, run(&[5, 1, 9, 2]), begin, WINDOW);
        merge.push(2, run(&[3]), begin, WINDOW);
        assert_eq!(due(&mut merge, begin + WINDOW), [3, 5, 1, 9, 2]);
    }

    #[test]
    fn lines_beyond_the_limit_of_bytes_go_out_early() {
        let begin = Instant::now();
        let mut merge = Merge::default();
        let many: Vec<i64> = (0..HELD_BYTES_MAX as i64 / 16).collect();
        merge.push(1, run(&many), begin, WINDOW);
        assert_eq!(due(&mut merge, begin), many);
        assert_eq!(merge.next_due(), None);
    }
}
