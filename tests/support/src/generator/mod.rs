//! A tree of call logs made from a seed: realistic lines, all call patterns, and the truth about
//! the lines of each call.
//!
//! [`write_tree`] writes `<root>/<enterprise>/events*` and next to it `<root>.truth/`, which
//! [`read_truth`] reads. The same plan gives the same bytes on every machine; names and compression
//! change no line. Enterprises are written one after the other, days in order, a day in memory.
//!
//! `patterns` decides what happens, `scene` and `messages` how it looks, `lines` holds a day,
//! `mess` spoils it, `tree` and `gzip` write files, `truth` remembers.

mod enterprise;
mod gzip;
mod lines;
mod mess;
mod messages;
mod patterns;
pub mod random;
mod scene;
mod tree;
mod truth;

pub use truth::{LineAt, TruthCall, read_truth};

use chrono::{Days, NaiveDate, NaiveTime};
use enterprise::Enterprise;
use lines::{DAY_MS, Day, MESSAGE_ID_DIGITS};
use patterns::Deck;
use random::SplitMix64;
use std::io;
use std::path::Path;
use tree::{Place, Sink};
use truth::TruthWriter;

/// The names that [`TruthCall::pattern`] takes in any tree of 200 calls or more; trees with mess
/// also hold `prefix-trap`.
pub fn pattern_names() -> Vec<&'static str> {
    patterns::names().collect()
}

/// What to write.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    /// Numbers, each the name of a folder.
    pub enterprises: Vec<String>,
    /// At least 1.
    pub days: u32,
    /// UTC, the day of the file that is still written to.
    pub last_day: NaiveDate,
    /// Per enterprise, at most 100,000; about 3.1 KB each.
    pub calls_per_day: u32,
    pub names: Names,
    /// The compression of all files except that of the last day.
    pub compress: Compress,
    /// Unparsable lines, disorder, strays from the next day, ids that are prefixes of others.
    pub mess: bool,
}

impl Default for Plan {
    /// One enterprise, 3 days of 60 calls, dated names, plain files, no mess.
    fn default() -> Self {
        Self {
            seed: 1,
            enterprises: vec!["0367".to_owned()],
            days: 3,
            last_day: NaiveDate::from_ymd_opt(2025, 11, 30).expect("a day of November"),
            calls_per_day: 60,
            names: Names::Dated,
            compress: Compress::None,
            mess: false,
        }
    }
}

/// The names of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// `events.log.YYYY-MM-DD`; the last day `events.log`.
    Dated,
    /// `events_YYYY-MM-DD.log`.
    Daily,
    /// `events.log.N`, 1 the youngest; the last day `events.log`.
    Logrotate,
    /// By turns dated, daily and `events.log-YYYYMMDD`; the last day `events.log`.
    Mixed,
}

/// How files before the last day's are packed; packed ones end in `.gz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compress {
    None,
    /// One member, level 6; the header's time is the last record's.
    Gzip,
    /// Members of 1 MiB of content.
    Multi,
    /// Blocks of at most 64 KiB and the end-of-file block.
    Bgzf,
    /// By turns none, gzip, multi, bgzf.
    Mixed,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub files: u64,
    /// Junk included.
    pub lines: u64,
    /// Uncompressed, newlines included.
    pub bytes: u64,
    /// Rows of the truth.
    pub calls: u64,
}

/// Writes the tree under `root`, which is made if missing, and its truth at `<root>.truth`.
///
/// # Errors
/// If the plan has no day, more than 100,000 calls a day or an enterprise twice, if a file of the
/// tree exists already, or if writing fails; what was written stays.
pub fn write_tree(plan: &Plan, root: &Path) -> io::Result<Summary> {
    let refuse = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, what.to_owned()));
    if plan.days == 0 {
        return refuse("a plan needs one day at least");
    }
    if plan.calls_per_day > 100_000 {
        return refuse("more than 100,000 calls a day would run out of free extensions");
    }
    let mut summary = Summary::default();
    let mut deck = Deck::new(plan.seed);
    for (nth, number) in plan.enterprises.iter().enumerate() {
        let seed = SplitMix64::new(plan.seed ^ ((nth as u64 + 1) << 40)).draw();
        Writer::new(plan, root, number, seed)?.write(&mut deck, &mut summary)?;
    }
    Ok(summary)
}

/// Writes one enterprise. A day's file stays open until the next day is played, as first records
/// of that day may belong at its end.
struct Writer<'p> {
    plan: &'p Plan,
    folder: std::path::PathBuf,
    e: Enterprise,
    mess: SplitMix64,
    truth: TruthWriter,
    names: Vec<String>,
    /// Telegram ids by slot.
    message_ids: Vec<u32>,
    next_message_id: u32,
}

impl<'p> Writer<'p> {
    fn new(plan: &'p Plan, root: &Path, number: &str, seed: u64) -> io::Result<Self> {
        let folder = root.join(number);
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            plan,
            folder,
            e: Enterprise::new(number, seed, plan.calls_per_day, plan.mess),
            mess: SplitMix64::new(!seed),
            truth: TruthWriter::create(root, number)?,
            names: Vec::new(),
            message_ids: Vec::new(),
            next_message_id: 10_045_001,
        })
    }

    fn write(mut self, deck: &mut Deck, summary: &mut Summary) -> io::Result<()> {
        let mut open: Option<Sink> = None;
        for day in 0..self.plan.days {
            let age = Days::new(u64::from(self.plan.days - 1 - day));
            let date = self.plan.last_day - age;
            let day_ms = date.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
            self.play_day(deck, day, day_ms);

            let mut today = std::mem::take(&mut self.e.book.today);
            today.lines.sort_by_key(|line| line.at_ms);
            self.number_messages(&mut today);
            summary.calls += self.e.calls.len() as u64;
            self.truth.expect(self.e.calls.drain(..));

            let mut strays = Vec::new();
            if self.plan.mess {
                mess::interleave(&mut today, &mut self.mess);
                strays = mess::strays(&today, &mut self.mess);
            }
            if let Some(mut sink) = open.take() {
                for &nth in &strays {
                    self.put(&mut sink, &today, nth, day - 1)?;
                }
                sink.finish()?;
            } else {
                strays.clear();
            }
            let place = Place::new(
                self.plan.names,
                self.plan.compress,
                (day, self.plan.days),
                date,
            );
            let mut sink = Sink::create(&self.folder, &place)?;
            self.names.push(place.name);
            summary.lines += self.put_day(&mut sink, &today, day, day_ms, &strays)?;
            summary.files += 1;
            summary.lines += strays.len() as u64;
            summary.bytes += sink.offset;
            summary.bytes += strays
                .iter()
                .map(|&n| 1 + u64::from(today.lines[n].bytes))
                .sum::<u64>();
            self.truth.write_complete(&self.names)?;
            self.e.book.today = today;
            open = Some(sink);
        }
        open.map_or(Ok(()), Sink::finish)?;
        self.truth.finish()
    }

    fn play_day(&mut self, deck: &mut Deck, day: u32, day_ms: i64) {
        let last = day + 1 == self.plan.days;
        self.e.open_day(day_ms);
        self.e.legacy_share = day < self.plan.days.div_ceil(3);
        let starts = starts(&mut self.e.rng, self.plan.calls_per_day, day_ms, last);
        let traps: [u32; 2] = std::array::from_fn(|_| self.mess.below(starts.len().max(1) as u32));
        let mut played = 0;
        let mut traps_due = 0;
        let mut odd_url_given = false;
        while let Some(&t0) = starts.get(played) {
            // Not among the day's first lines, which may go astray into another file.
            if self.plan.mess && !odd_url_given && played >= starts.len() / 2 {
                odd_url_given = true;
                self.e.carriage_return_due = true;
            }
            traps_due += traps.iter().filter(|&&nth| nth as usize == played).count();
            played += deck.play(&mut self.e, t0) as usize;
            // Only counters of two digits and more: a longer id of this second is then free.
            let same_second = self.e.last_main.0 == t0.div_euclid(1000) && self.e.last_main.1 > 20;
            if self.plan.mess && traps_due > 0 && same_second {
                traps_due -= 1;
                let digit = self.mess.below(10);
                patterns::play_prefix_trap(&mut self.e, t0, digit);
            }
        }
    }

    /// Gives messages their ids in the order of time, and tells them to the lines that await them.
    fn number_messages(&mut self, day: &mut Day) {
        self.message_ids.resize(self.e.message_slots as usize, 0);
        for line in &day.lines {
            let Some(mark) = line.mark else { continue };
            let id = &mut self.message_ids[mark.slot as usize];
            if mark.sends {
                *id = self.next_message_id;
                self.next_message_id += 1;
            }
            let mut rest = *id;
            let at = line.start + usize::from(mark.id_at);
            for digit in day.text[at..at + MESSAGE_ID_DIGITS].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
    }

    /// Writes all lines except the strays, which are in another file; returns their number.
    fn put_day(
        &mut self,
        sink: &mut Sink,
        day: &Day,
        file: u32,
        day_ms: i64,
        strays: &[usize],
    ) -> io::Result<u64> {
        let junk = match self.plan.mess {
            true => mess::junk(day.lines.len(), day_ms, &mut self.mess),
            false => Vec::new(),
        };
        let mut strays = strays.iter().copied().peekable();
        let mut junk_due = junk.iter().peekable();
        let mut lines = junk.len() as u64;
        for nth in 0..day.lines.len() {
            while let Some((_, junk)) = junk_due.next_if(|(before, _)| *before <= nth) {
                sink.line(junk)?;
            }
            if strays.next_if_eq(&nth).is_none() {
                self.put(sink, day, nth, file)?;
                lines += 1;
            }
        }
        junk_due.try_for_each(|(_, junk)| sink.line(junk).map(drop))?;
        Ok(lines)
    }

    fn put(&mut self, sink: &mut Sink, day: &Day, nth: usize, file: u32) -> io::Result<()> {
        let line = &day.lines[nth];
        let offset = sink.record(day.span(line), line.at_ms)?;
        self.truth
            .placed(line.call, line.at_ms, file, offset, line.bytes);
        Ok(())
    }
}

/// When a day's calls start, in order: a working-hours curve (09:00-18:00 at GMT+3), and in the end
/// one call that runs into the next day. On the last day no call starts after 21:00, as there is no
/// file for lines after midnight.
fn starts(rng: &mut SplitMix64, calls: u32, day_ms: i64, last: bool) -> Vec<i64> {
    const HOUR_WEIGHTS: [u32; 24] = [
        2, 1, 1, 2, 6, 20, 60, 95, 100, 95, 80, 75, 85, 95, 90, 75, 50, 30, 18, 12, 8, 5, 4, 3,
    ];
    let hours = if last {
        &HOUR_WEIGHTS[..21]
    } else {
        &HOUR_WEIGHTS[..]
    };
    let total: u32 = hours.iter().sum();
    let mut starts: Vec<i64> = (0..calls)
        .map(|_| {
            let mut card = rng.below(total);
            let is_here = |weight: &u32| {
                let here = card < *weight;
                card = card.wrapping_sub(*weight);
                here
            };
            let hour = hours
                .iter()
                .position(is_here)
                .expect("the card is below the total");
            day_ms + hour as i64 * 3_600_000 + i64::from(rng.below(3_600_000))
        })
        .collect();
    starts.sort_unstable();
    if let Some(latest) = starts.last_mut().filter(|_| !last) {
        *latest = day_ms + DAY_MS - rng.range(2_000, 15_000);
    }
    starts
}
