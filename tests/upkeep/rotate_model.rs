//! Random things that writers, other programs, the clock and rotations (also dying ones) do to a
//! folder, against a model that says which lines must be readable: each of them, exactly once.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use calltrace_store::tree::FileName;
use calltrace_upkeep::rotate::{Mode, Policy};
use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use testing::faults::scene::{Scene, decoded, listing};
use testing::faults::{Fault, Faulty};

const SEEDS: u64 = 60;
const ACTIONS: usize = 40;

/// About as many operations as a run has.
const OPERATIONS: usize = 45;

struct World {
    scene: Scene,
    holder: Option<File>,
    lines: BTreeSet<String>,
    written: usize,
    /// The last rotation died.
    is_torn: bool,
    random: u64,
    story: Vec<String>,
}

impl World {
    fn new(seed: u64) -> World {
        World {
            scene: Scene::new(Policy::default()),
            holder: None,
            lines: BTreeSet::new(),
            written: 0,
            is_torn: false,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            story: vec![format!("seed {seed}")],
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % end as u64).expect("small")
    }

    fn live(&self) -> PathBuf {
        self.scene.folder().join("events.log")
    }

    fn time(&self) -> DateTime<Utc> {
        DateTime::from(self.scene.now)
    }

    /// Some new lines of now, at times more than a block.
    fn new_lines(&mut self) -> Vec<String> {
        let count = [1, 3, 70][self.below(3)];
        let lines = (0..count).map(|_| {
            self.scene.now += Duration::from_secs(1);
            self.written += 1;
            let (time, n) = (self.time().format("%Y-%m-%d %H:%M:%S"), self.written);
            format!("{time},000|AST|hangup|1764406800.{n}|{{\"UniqueId\": \"1764406800.{n}\"}}")
        });
        lines.collect()
    }

    fn act(&mut self) {
        match self.below(16) {
            0..3 => self.open_and_append(),
            3..6 => self.append_held(),
            6 => self.take_or_let_go(),
            7 => self.rename_as_a_writer_does(),
            8 => self.delete(),
            9 => self.truncate(),
            10 => self.gzip(),
            11 => {
                self.scene.now += Duration::from_secs(86_400);
                self.story.push(format!("it is {}", self.time()));
            }
            12 | 13 => self.rotate(Fault::None, false),
            14 => {
                let op = self.below(OPERATIONS);
                self.rotate(Fault::DieAt(op), false);
            }
            _ => {
                let op = self.below(OPERATIONS);
                self.rotate(Fault::DieAt(op), true);
            }
        }
        self.check();
    }

    fn open_and_append(&mut self) {
        let lines = self.new_lines();
        self.story
            .push(format!("{} lines are appended", lines.len()));
        let mut file = File::options().append(true).create(true).open(self.live());
        let file = file.as_mut().expect("open");
        self.append(file, lines);
    }

    fn append_held(&mut self) {
        let Some(mut file) = self.holder.take() else {
            return;
        };
        let lines = self.new_lines();
        self.story
            .push(format!("the holder writes {} lines", lines.len()));
        if file.metadata().expect("open").nlink() > 0 {
            self.append(&mut file, lines);
        }
        self.holder = Some(file);
    }

    fn append(&mut self, file: &mut File, lines: Vec<String>) {
        let text = lines
            .iter()
            .fold(String::new(), |text, line| text + line + "\n");
        file.write_all(text.as_bytes()).expect("written");
        self.lines.extend(lines);
    }

    fn take_or_let_go(&mut self) {
        self.story.push("the holder opens or closes".to_owned());
        self.holder = match self.holder.take() {
            Some(_) => None,
            None => File::options().append(true).open(self.live()).ok(),
        };
    }

    /// As TimedRotatingFileHandler does: the file gets yesterday's name. A file with that name is removed or left.
    fn rename_as_a_writer_does(&mut self) {
        let yesterday = self.time().date_naive().pred_opt().expect("a day");
        let target = self.scene.folder().join(format!("events.log.{yesterday}"));
        if !self.live().exists() {
            return;
        }
        if target.exists() && (self.is_torn || self.below(2) == 0) {
            return;
        }
        self.story
            .push(format!("a writer renames events.log to {yesterday}"));
        fs::rename(self.live(), target).expect("renamed");
        self.forget_what_is_gone();
    }

    fn delete(&mut self) {
        let names = self.logs();
        if self.is_torn || names.is_empty() {
            return;
        }
        let name = &names[self.below(names.len())];
        self.story.push(format!("{name} is deleted"));
        fs::remove_file(self.scene.folder().join(name)).expect("deleted");
        self.forget_what_is_gone();
    }

    fn truncate(&mut self) {
        if self.is_torn || !self.live().exists() {
            return;
        }
        self.story.push("events.log is truncated".to_owned());
        File::options()
            .write(true)
            .truncate(true)
            .open(self.live())
            .expect("truncated");
        self.forget_what_is_gone();
    }

    fn gzip(&mut self) {
        let folder = self.scene.folder();
        let finished = |name: &String| {
            let is_plain = name != "events.log" && !name.ends_with(".gz");
            is_plain && !folder.join(format!("{name}.gz")).exists()
        };
        let names: Vec<String> = self.logs().into_iter().filter(finished).collect();
        if self.is_torn || self.holder.is_some() || names.is_empty() {
            return;
        }
        let name = &names[self.below(names.len())];
        self.story.push(format!("{name} is compressed by gzip"));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let text = fs::read(folder.join(name)).expect("read");
        encoder.write_all(&text).expect("into memory");
        let packed = encoder.finish().expect("gzip");
        fs::write(folder.join(format!("{name}.gz")), packed).expect("written");
        fs::remove_file(folder.join(name)).expect("removed");
    }

    fn rotate(&mut self, fault: Fault, power_goes: bool) {
        let modes = [Mode::Auto, Mode::Archive, Mode::Rename, Mode::Collapse];
        self.scene.policy = Policy {
            mode: modes[self.below(4)],
            force: self.below(2) == 0,
            recompress: self.below(2) == 0,
            keep_days: 36_500,
            ..Policy::default()
        };
        let disk = Faulty::new(&self.scene.root(), fault);
        let report = self.scene.rotate(&disk);
        self.is_torn = disk.has_died();
        if self.is_torn && power_goes {
            // Writers end with it.
            self.holder = None;
            disk.lose_power(|end| self.below(end));
            self.story.push("the power goes".to_owned());
        }
        let steps: Vec<_> = report.steps.iter().map(|done| &done.step.kind).collect();
        self.story.push(format!(
            "rotation: {:?}, {fault:?}: mode {:?}, did {steps:?}, {:?}, {:?}",
            self.scene.policy, report.mode, report.waiting, report.troubles
        ));
    }

    fn logs(&self) -> Vec<String> {
        let mut names = listing(&self.scene.folder());
        names.retain(|name| FileName::parse(name).is_some());
        names
    }

    /// Others have destroyed a file: what no other file holds need not be readable any more.
    fn forget_what_is_gone(&mut self) {
        let mut left = BTreeSet::new();
        for name in self.logs() {
            let bytes = fs::read(self.scene.folder().join(name)).expect("read");
            left.extend(decoded(&bytes).lines().map(str::to_owned));
        }
        self.lines.retain(|line| left.contains(line));
    }

    fn check(&self) {
        let read = self.scene.read();
        let expected: Vec<String> = self.lines.iter().cloned().collect();
        if read != expected {
            let read: BTreeSet<String> = read.into_iter().collect();
            let missing: Vec<_> = self.lines.difference(&read).collect();
            let more: Vec<_> = read.difference(&self.lines).collect();
            panic!(
                "{}\nfiles {:?}\nmissing {missing:#?}\nnot expected {more:#?}\n{} lines expected",
                self.story.join("\n"),
                self.logs(),
                expected.len()
            );
        }
    }
}

#[test]
fn whatever_happens_every_line_is_read_exactly_once() {
    let first = std::env::var("MODEL_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let count = std::env::var("MODEL_SEEDS")
        .ok()
        .and_then(|count| count.parse().ok());
    let first = first.unwrap_or(1);
    for seed in first..first + count.unwrap_or(SEEDS) {
        let mut world = World::new(seed);
        for _ in 0..ACTIONS {
            world.act();
        }
        // In the end no process has the files open, and one clean run leaves nothing undone.
        world.holder = None;
        world.rotate(Fault::None, false);
        world.check();
        assert!(!world.is_torn);
    }
}
