//! Following on a real file system, with rotations as `calltrace rotate` does them, in every mode: the follower looks
//! between any two operations of a rotation, writers write there as well, and some rotations are killed. Every line
//! is returned once, in the order in which it was written to its file.
//!
//! The limit: a line may be missing only if a truncation removed it before it was read.
//! `FOLLOW_SEEDS=2000 cargo test --profile torture --test follow follow_disk` tries more.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use calltrace_follow::{DiskFiles, EnterpriseSelection, Tracker};
use calltrace_model::filter::RecordFilter;
use calltrace_store::tree::Tree;
use calltrace_upkeep::rotate::Mode;

use testing::faults::scene::{Scene, policy};
use testing::faults::{Fault, Faulty};
use testing::generator::random::SplitMix64;

const STEPS: usize = 120;

/// More operations than a rotation of these folders has.
const OPERATIONS: u32 = 60;

/// Lines of a day.
const DAY_LINES: usize = 60;

fn seeds() -> u64 {
    let more = std::env::var("FOLLOW_SEEDS").ok();
    more.and_then(|n| n.parse().ok()).unwrap_or(25)
}

/// The follower and the writers, between which chance decides.
struct World {
    random: SplitMix64,
    folder: PathBuf,
    tracker: Tracker<DiskFiles>,
    begin: Instant,
    rounds: u32,
    /// Time without a look.
    passed: Duration,
    /// Writers that keep the live file open, each with its session.
    held: Vec<(File, usize)>,
    keeps_open: bool,
    sessions: usize,
    /// For each line the session that wrote it, and its number there.
    written: HashMap<String, (usize, usize)>,
    in_session: HashMap<usize, usize>,
    /// Sessions that write, or wrote, into the current live file.
    live_sessions: HashSet<usize>,
    printed: Vec<String>,
    may_be_lost: HashSet<String>,
    story: Vec<String>,
}

impl World {
    fn new(seed: u64, scene: &Scene, keeps_open: bool) -> World {
        let tree = Tree::open(&scene.root()).expect("a tree");
        World {
            random: SplitMix64::new(seed),
            folder: scene.folder(),
            tracker: Tracker::new(
                DiskFiles::new(&tree),
                EnterpriseSelection::All,
                RecordFilter::default(),
            ),
            begin: Instant::now(),
            rounds: 0,
            passed: Duration::ZERO,
            held: Vec::new(),
            keeps_open,
            sessions: 0,
            written: HashMap::new(),
            in_session: HashMap::new(),
            live_sessions: HashSet::new(),
            printed: Vec::new(),
            may_be_lost: HashSet::new(),
            story: Vec::new(),
        }
    }

    fn live(&self) -> PathBuf {
        self.folder.join("events.log")
    }

    /// The follower looks once.
    fn look(&mut self) {
        self.rounds += 1;
        let now = self.begin + Duration::from_millis(10) * self.rounds + self.passed;
        let wall = testing::faults::scene::now();
        self.tracker.anything_changed();
        self.tracker.sweep(now);
        self.tracker.round(now, wall);
        let batch = self.tracker.take_all();
        for news in &batch.news {
            self.story.push(format!("said: {}", news.text));
        }
        let lines = batch.lines().map(|line| line.text.to_vec());
        self.printed
            .extend(lines.map(|line| String::from_utf8(line).expect("UTF-8")));
    }

    fn write(&mut self) {
        let keeps = self.keeps_open && (self.held.is_empty() || self.random.one_in(3));
        let mut session = if keeps || self.held.is_empty() {
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .open(self.live());
            self.sessions += 1;
            self.live_sessions.insert(self.sessions);
            (file.expect("open"), self.sessions)
        } else {
            let at = self.random.below(self.held.len() as u32) as usize;
            self.held.swap_remove(at)
        };
        for _ in 0..=self.random.below(6) {
            self.line(&mut session);
        }
        if self.keeps_open && self.held.len() < 3 {
            self.held.push(session);
        }
    }

    fn line(&mut self, (file, session): &mut (File, usize)) {
        let number = self.written.len();
        let day = 25 + number / DAY_LINES;
        let date = if day <= 30 {
            format!("2025-11-{day}")
        } else {
            format!("2025-12-{:02}", (day - 30).min(2))
        };
        let filler = format!("{number} ").repeat(self.random.below(120) as usize);
        let line = format!(
            "{date} 09:{:02}:{:02},000|AST|start|{number}.1|{{\"X\": \"{filler}\"}}",
            number / 60 % 60,
            number % 60
        );
        let place = self.in_session.entry(*session).or_default();
        *place += 1;
        self.written.insert(line.clone(), (*session, *place));
        let half = line.len() / 2;
        if self.random.one_in(10) {
            file.write_all(&line.as_bytes()[..half]).expect("written");
            if self.held.is_empty() {
                self.look();
            }
            file.write_all(format!("{}\n", &line[half..]).as_bytes())
                .expect("written");
        } else {
            file.write_all(format!("{line}\n").as_bytes())
                .expect("written");
        }
    }

    /// The unread content of the live file.
    fn unread(&self) -> Vec<String> {
        let printed: HashSet<&String> = self.printed.iter().collect();
        let unread = self.written.iter().filter(|(line, (session, _))| {
            self.live_sessions.contains(session) && !printed.contains(line)
        });
        unread.map(|(line, _)| line.clone()).collect()
    }

    fn truncate(&mut self) {
        let Ok(file) = OpenOptions::new().write(true).open(self.live()) else {
            return;
        };
        self.story.push("truncate".to_owned());
        let lost = self.unread();
        self.may_be_lost.extend(lost);
        file.set_len(0).expect("truncated");
    }

    fn copy_and_truncate(&mut self) {
        let name = format!("events.log.{}", self.rounds + 1);
        if !self.live().exists() || self.folder.join(&name).exists() {
            return;
        }
        self.look();
        self.story.push(format!("copy to {name} and truncate"));
        fs::copy(self.live(), self.folder.join(&name)).expect("copied");
        if self.random.one_in(2) {
            self.look();
        }
        let file = OpenOptions::new().write(true).open(self.live());
        file.expect("open").set_len(0).expect("truncated");
    }

    fn rename(&mut self) {
        let name = format!(
            "events.log-2024{:02}{:02}",
            self.sessions / 28 % 12 + 1,
            self.sessions % 28 + 1
        );
        if self.live().exists() && !self.folder.join(&name).exists() {
            self.story.push(format!("rename to {name}"));
            fs::rename(self.live(), self.folder.join(&name)).expect("renamed");
            self.live_sessions.clear();
        }
    }

    fn delete(&mut self) {
        // The part that was opened before. Content that no process could open cannot be read.
        self.look();
        self.story.push("delete".to_owned());
        drop(fs::remove_file(self.live()));
        self.live_sessions.clear();
    }

    fn check(&self, seed: u64) {
        let fail = |what: &str, line: &str| {
            let story = self.story.join("\n");
            panic!(
                "seed {seed}: {what}: {}\n{story}",
                &line[..line.len().min(60)]
            );
        };
        let mut seen = HashSet::new();
        let mut places: HashMap<usize, usize> = HashMap::new();
        for line in &self.printed {
            let Some((session, place)) = self.written.get(line) else {
                return fail("never written", line);
            };
            if !seen.insert(line) {
                fail("printed twice", line);
            }
            if places
                .insert(*session, *place)
                .is_some_and(|last| last >= *place)
            {
                fail("out of order", line);
            }
        }
        let mut lines: Vec<&String> = self.written.keys().collect();
        lines.sort();
        for line in lines {
            if !seen.contains(line) && !self.may_be_lost.contains(line) {
                fail("lost", line);
            }
        }
    }
}

/// One rotation; the follower and the writers act between its operations.
fn rotate(scene: &Scene, world: &Arc<Mutex<World>>, fault: Fault) {
    let others = Arc::clone(world);
    let disk = Faulty::new(&scene.root(), fault).with_others(move |_| {
        let mut world = others.lock().expect("whole");
        match world.random.below(4) {
            0 => world.look(),
            1 => world.write(),
            _ => {}
        }
    });
    let report = scene.rotate(&disk);
    let mut world = world.lock().expect("whole");
    world
        .story
        .push(format!("rotation of {} ops: {report:?}", disk.ops()));
    if !world.live().exists() {
        world.live_sessions.clear();
    }
}

/// A run in one mode; `others` truncate, copy, rename and delete as well.
fn run(seed: u64, mode: Mode, others: bool) {
    let mut policy = policy(mode);
    policy.force = true;
    let scene = Scene::new(policy);
    let keeps_open = mode == Mode::Collapse;
    let world = Arc::new(Mutex::new(World::new(seed, &scene, keeps_open)));
    let act = |op: fn(&mut World)| op(&mut world.lock().expect("whole"));
    for _ in 0..STEPS {
        let chance = world.lock().expect("whole").random.below(100);
        match chance {
            0..50 => act(World::write),
            50..70 => act(World::look),
            70..80 => rotate(&scene, &world, Fault::None),
            80..85 => {
                let op = world.lock().expect("whole").random.below(OPERATIONS);
                rotate(&scene, &world, Fault::DieAt(op as usize));
            }
            85..89 if others => act(World::truncate),
            89..92 if others => act(World::copy_and_truncate),
            92..95 if others || mode == Mode::Archive => act(World::rename),
            95..97 if others => act(World::delete),
            97..100 => world.lock().expect("whole").held.clear(),
            _ => act(World::write),
        }
    }
    let mut world = world.lock().expect("whole");
    for _ in 0..20 {
        world.passed += Duration::from_millis(400);
        world.look();
    }
    assert!(
        world.printed.len() > STEPS,
        "seed {seed}: little was written"
    );
    world.check(seed);
}

#[test]
fn rename_mode_loses_and_repeats_nothing() {
    (0..seeds()).for_each(|seed| run(seed, Mode::Rename, false));
}

#[test]
fn collapse_mode_loses_and_repeats_nothing() {
    (0..seeds()).for_each(|seed| run(1000 + seed, Mode::Collapse, false));
}

#[test]
fn archive_mode_loses_and_repeats_nothing() {
    (0..seeds()).for_each(|seed| run(2000 + seed, Mode::Archive, false));
}

#[test]
fn truncations_by_others_lose_at_most_what_they_cut_off_unread() {
    (0..seeds()).for_each(|seed| run(3000 + seed, Mode::Rename, true));
}

/// Writes, and rotates so often that whole files come and go or are collapsed again and again, while the follower is
/// delayed and does not look.
fn held_up(mode: Mode) {
    let mut policy = policy(mode);
    policy.force = true;
    let scene = Scene::new(policy);
    let mut world = World::new(7, &scene, mode == Mode::Collapse);
    for _ in 0..20 {
        world.write();
    }
    world.look();
    let disk = Faulty::new(&scene.root(), Fault::None);
    for _ in 0..6 {
        for _ in 0..30 {
            world.write();
        }
        for _ in 0..3 {
            scene.rotate(&disk);
        }
    }
    world.write();
    world.passed += Duration::from_secs(10);
    for _ in 0..20 {
        world.passed += Duration::from_millis(400);
        world.look();
    }
    world.check(7);
    assert!(world.written.len() > 500, "proves little");
    let number = |line: &String| -> usize {
        let digits = line.split('|').nth(3).and_then(|id| id.strip_suffix(".1"));
        digits.and_then(|d| d.parse().ok()).expect("a number")
    };
    assert!(
        world.printed.is_sorted_by_key(number),
        "in order over all files"
    );
}

#[test]
fn files_that_were_sealed_and_deleted_between_two_looks_are_read_from_the_archive() {
    held_up(Mode::Rename);
}

#[test]
fn collapses_between_two_looks_are_read_from_the_archive() {
    held_up(Mode::Collapse);
}

#[test]
fn days_that_are_taken_off_at_once_are_not_printed_again_with_what_is_left_of_today() {
    let scene = Scene::new(policy(Mode::Collapse));
    let mut world = World::new(7, &scene, true);
    let look = |world: &mut World| {
        for _ in 0..20 {
            world.passed += Duration::from_millis(400);
            world.look();
        }
    };
    while world.written.len() < 8 * DAY_LINES {
        world.write();
    }
    look(&mut world);
    scene.rotate(&Faulty::new(&scene.root(), Fault::None));
    look(&mut world);
    for _ in 0..5 {
        world.write();
    }
    look(&mut world);
    world.check(7);
    let left = fs::read_to_string(world.live()).expect("read");
    assert!(left.trim_start().starts_with("2025-12-02"), "today stays");
    let is_truncation = |message: &&String| message.contains("was truncated");
    assert_eq!(world.story.iter().find(is_truncation), None);
}
