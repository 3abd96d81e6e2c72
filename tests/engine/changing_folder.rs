//! A folder of an enterprise in which everything happens that happens to real ones: whole and partial lines, NULs,
//! disorder, truncation, copies, collapses, archives, indexes.

use crate::indexing;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calltrace_store::fsx::{Disk, DiskOps as _, Folder, collapse_unit};
use calltrace_store::source::{Packer, Source, last_line_end, overlap};
use calltrace_store::tree::LogFile;
use testing::generator::random::SplitMix64;
use testing::generator::{Plan, read_truth, write_tree};

/// Lines of a few days, and names of calls in them.
pub(crate) struct Script {
    pub(crate) lines: Vec<Vec<u8>>,
    /// Ids of the calls, in order of time.
    pub(crate) ids: Vec<Vec<String>>,
    pub(crate) phones: Vec<String>,
}

impl Script {
    pub(crate) fn new(calls_per_day: u32) -> Script {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("logs");
        let plan = Plan {
            seed: 23,
            calls_per_day,
            mess: true,
            ..Plan::default()
        };
        write_tree(&plan, &root).expect("written");
        let mut names: Vec<PathBuf> = fs::read_dir(root.join("0367"))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        // `events.log` is the newest.
        names.sort_by_key(|path| (path.ends_with("events.log"), path.clone()));
        let text: Vec<u8> = names
            .iter()
            .flat_map(|p| fs::read(p).expect("read"))
            .collect();
        let lines: Vec<Vec<u8>> = text
            .split_inclusive(|&b| b == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        let calls = read_truth(&root).expect("the truth");
        let mut calls: Vec<_> = calls.map(|call| call.expect("a row")).collect();
        calls.sort_by_key(|call| call.start_ms);
        let phones = lines.iter().filter_map(|line| number(line)).collect();
        Script {
            lines,
            ids: calls.into_iter().map(|call| call.uids).collect(),
            phones,
        }
    }
}

fn number(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?;
    let position = text.find("37529")?;
    let digits: String = text[position..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    (digits.len() == 12).then_some(digits)
}

/// The folder and its writers.
pub(crate) struct Actor<'s> {
    pub(crate) folder: PathBuf,
    script: &'s Script,
    /// The next line of the script.
    pub(crate) next: usize,
    random: SplitMix64,
    /// The missing part of the last line.
    rest: Vec<u8>,
    names: u32,
    unit: Option<u64>,
    pub(crate) done: Vec<String>,
}

impl<'s> Actor<'s> {
    pub(crate) fn new(folder: &Path, script: &'s Script, seed: u64) -> Actor<'s> {
        let mut random = SplitMix64::new(seed);
        let next = random.below(script.lines.len() as u32 / 3) as usize;
        Actor {
            folder: folder.to_owned(),
            script,
            next,
            random,
            rest: Vec::new(),
            names: 0,
            unit: Folder::open(folder)
                .and_then(|folder| collapse_unit(&folder))
                .ok(),
            done: Vec::new(),
        }
    }

    pub(crate) fn live(&self) -> PathBuf {
        self.folder.join("events.log")
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.random.below(n as u32) as usize
    }

    /// Does something, mostly appends.
    pub(crate) fn act(&mut self) {
        let op = match self.random.below(100) {
            0..=59 => self.append(),
            60..=67 => self.append_half(),
            68..=71 => self.append_nuls(),
            72..=74 => self.truncate(),
            75..=76 => self.truncate_under_a_writer_with_its_own_offset(),
            77..=79 => self.rename(),
            80..=81 => self.replace(),
            82..=84 => self.copy_and_truncate(),
            85..=88 => self.collapse(),
            89..=91 => self.seal(),
            92..=94 => self.index(),
            95..=97 => self.change_in_place(),
            _ => self.blank_front(),
        };
        self.done.push(op);
    }

    fn writer(&self) -> File {
        let live = self.live();
        let open = OpenOptions::new().append(true).create(true).open(live);
        open.expect("open")
    }

    fn write(&mut self, text: &[u8]) {
        let rest = std::mem::take(&mut self.rest);
        let mut writer = self.writer();
        writer.write_all(&[&rest, text].concat()).expect("written");
    }

    fn take_lines(&mut self, count: usize) -> Vec<Vec<u8>> {
        let lines = (0..count).map(|i| (self.next + i) % self.script.lines.len());
        let lines = lines.map(|at| self.script.lines[at].clone()).collect();
        self.next += count;
        lines
    }

    pub(crate) fn append(&mut self) -> String {
        let count = match self.random.one_in(12) {
            true => 300,
            false => 1 + self.below(30),
        };
        let mut lines = self.take_lines(count);
        if self.random.one_in(6) {
            self.random.shuffle(&mut lines);
        }
        if self.random.one_in(9) {
            // A worker that comes hours late, or is hours ahead.
            let at = self.below(self.script.lines.len());
            lines.push(self.script.lines[at].clone());
        }
        self.write(&lines.concat());
        format!("append {count}")
    }

    fn append_half(&mut self) -> String {
        let line = self.take_lines(1).concat();
        let cut = self.below(line.len());
        self.write(&line[..cut]);
        self.rest = line[cut..].to_vec();
        "append half a line".to_owned()
    }

    fn append_nuls(&mut self) -> String {
        let count = 1 + self.below(6000);
        let mut text = vec![0; count];
        if self.random.one_in(2) {
            text.push(b'\n');
        }
        text.extend(self.take_lines(2).concat());
        self.write(&text);
        "append NULs".to_owned()
    }

    fn truncate(&mut self) -> String {
        self.writer().set_len(0).expect("truncated");
        self.rest.clear();
        "truncate".to_owned()
    }

    fn truncate_under_a_writer_with_its_own_offset(&mut self) -> String {
        let writer = self.writer();
        let offset = writer.metadata().expect("looked at").len();
        writer.set_len(0).expect("truncated");
        let live = OpenOptions::new().write(true).open(self.live());
        let text = self.take_lines(20).concat();
        self.rest.clear();
        let live = live.expect("open");
        live.write_all_at(&text, offset).expect("written");
        "truncate, leave a hole".to_owned()
    }

    fn day_name(&mut self) -> PathBuf {
        self.names += 1;
        let (month, day) = (10 - self.names / 28 % 9, 28 - self.names % 28);
        self.folder
            .join(format!("events.log.2025-{month:02}-{day:02}"))
    }

    fn rename(&mut self) -> String {
        let to = self.day_name();
        if !self.live().exists() || to.exists() {
            return "no rename".to_owned();
        }
        fs::rename(self.live(), to).expect("renamed");
        self.rest.clear();
        self.append();
        "rename".to_owned()
    }

    /// Another file in its place, with the same beginning by turns.
    fn replace(&mut self) -> String {
        let mut text = fs::read(self.live()).unwrap_or_default();
        match self.random.below(3) {
            0 => text.clear(),
            1 => text.truncate(text.len() / 2),
            _ => {}
        }
        text.extend(self.take_lines(40).concat());
        let made = self.folder.join("made.tmp");
        fs::write(&made, text).expect("written");
        fs::rename(made, self.live()).expect("renamed");
        self.rest.clear();
        "replace".to_owned()
    }

    fn copy_and_truncate(&mut self) -> String {
        let to = self.day_name();
        if !self.live().exists() || to.exists() {
            return "no copy".to_owned();
        }
        fs::copy(self.live(), to).expect("copied");
        self.truncate();
        self.append();
        "copy and truncate".to_owned()
    }

    fn live_log(&self) -> Option<Arc<LogFile>> {
        let logs = indexing::logs(&self.folder);
        logs.into_iter().find(|log| log.path == self.live())
    }

    /// The whole lines go to the archive of a day, then off the front.
    fn collapse(&mut self) -> String {
        let (Some(log), Some(unit)) = (self.live_log(), self.unit) else {
            return "no collapse".to_owned();
        };
        let end = last_line_end(&log, log.bytes).expect("read");
        let archive = self.day_name().with_added_extension("gz");
        if end < 2 * unit || log.bytes == end / unit * unit || archive.exists() {
            return "no collapse".to_owned();
        }
        let mut packer = Packer::new(File::create(&archive).expect("made"));
        let mut front = File::open(self.live()).expect("open").take(end);
        packer.part(&mut front).expect("packed");
        packer.finish().expect("written");
        let _ = fs::remove_file(calltrace_store::index::path_of(&self.live()));
        let live = OpenOptions::new().read(true).write(true).open(self.live());
        let live = live.expect("open");
        let whole = end / unit * unit;
        let blanks = vec![b'\n'; usize::try_from(end - whole).expect("small")];
        live.write_all_at(&blanks, whole).expect("blanked");
        Disk.collapse(&live, whole).expect("collapsed");
        "collapse".to_owned()
    }

    /// The first half of a collapse: the end of what is in an archive is blank, nothing is taken off.
    fn blank_front(&mut self) -> String {
        let Some(log) = self.live_log() else {
            return "no blanks".to_owned();
        };
        let end = last_line_end(&log, log.bytes).expect("read");
        let archive = self.day_name().with_added_extension("gz");
        if end < 8192 || archive.exists() {
            return "no blanks".to_owned();
        }
        let mut packer = Packer::new(File::create(&archive).expect("made"));
        let mut front = File::open(self.live()).expect("open").take(end);
        packer.part(&mut front).expect("packed");
        packer.finish().expect("written");
        let from = end / 4096 * 4096;
        let blanks = vec![b'\n'; usize::try_from(end - from).expect("small")];
        let live = OpenOptions::new().write(true).open(self.live());
        let live = live.expect("open");
        live.write_all_at(&blanks, from).expect("blanked");
        let sources = [self.live(), archive].map(|path| {
            let mut logs = indexing::logs(&self.folder).into_iter();
            let log = logs.find(|log| log.path == path).expect("there");
            Source::open(log).expect("readable")
        });
        let known = overlap(&sources[0], &sources[1]).is_some();
        if !known {
            // No reader could tell that the lines are in both files, so no rotation does this.
            fs::remove_file(&sources[1].log.path).expect("removed");
        }
        format!("blank the end of what is archived ({known})")
    }

    fn seal(&mut self) -> String {
        if self.random.one_in(2) {
            indexing::seal_all(&self.folder);
            return "seal all".to_owned();
        }
        let logs = indexing::logs(&self.folder);
        let aged = |log: &&Arc<LogFile>| log.path != self.live();
        for log in logs.iter().filter(aged).take(3) {
            fs::remove_file(&log.path).expect("removed");
        }
        "expire".to_owned()
    }

    fn index(&mut self) -> String {
        if let Some(log) = self.live_log() {
            indexing::index(&log);
        }
        "index".to_owned()
    }

    /// The id of one call becomes that of another, and nothing is appended.
    fn change_in_place(&mut self) -> String {
        let text = fs::read(self.live()).unwrap_or_default();
        let from = if text.is_empty() {
            0
        } else {
            self.below(text.len())
        };
        let Some(at) = second_in(&text[from..]).map(|at| from + at) else {
            return "no change in place".to_owned();
        };
        // These lines belong to a call that a later question is about.
        let near = self.next * self.script.ids.len() / self.script.lines.len();
        let call = near.saturating_sub(self.below(20)) % self.script.ids.len();
        let second = &self.script.ids[call][0].as_bytes()[..SECOND_DIGITS];
        let live = OpenOptions::new().write(true).open(self.live());
        let live = live.expect("open");
        live.write_all_at(second, at as u64).expect("changed");
        format!("change in place at {at}")
    }
}

const SECOND_DIGITS: usize = 10;

/// The position of the first id's second of birth.
pub(crate) fn second_in(text: &[u8]) -> Option<usize> {
    let is_second = |digits: &[u8]| {
        digits.starts_with(b"|17")
            && digits[1..=SECOND_DIGITS].iter().all(u8::is_ascii_digit)
            && digits.ends_with(b".")
    };
    let position = text.windows(SECOND_DIGITS + 2).position(is_second)?;
    Some(position + 1)
}
