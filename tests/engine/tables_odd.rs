//! Tables change no answer when the logs are unusual: a record comes late, a file has expired, archives are merged,
//! calls cross midnight, or a real Asterisk wrote them.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use calltrace_engine::SearchQuestion;
use flate2::read::MultiGzDecoder;
use testing::generator::{Plan, write_tree};

use crate::indexing;
use crate::tables::{answers, engine, own, questions, same, tables, times};

/// A tree in which each day except the last is sealed, with its tables.
struct World {
    _dir: tempfile::TempDir,
    root: PathBuf,
    questions: Vec<(String, SearchQuestion)>,
}

impl World {
    fn new(seed: u64) -> World {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("call_tracer");
        let plan = Plan {
            seed,
            days: 4,
            calls_per_day: 60,
            mess: true,
            ..Plan::default()
        };
        write_tree(&plan, &root).expect("written");
        indexing::seal_all(&root.join("0367"));
        let (first, last) = times(&engine(), &root);
        let questions = questions(first, last).into_iter().step_by(2).collect();
        World {
            _dir: dir,
            root,
            questions,
        }
    }

    fn archives(&self) -> Vec<PathBuf> {
        let logs = indexing::logs(&self.root.join("0367")).into_iter();
        logs.map(|log| log.path.clone())
            .filter(|path| path.extension().is_some_and(|end| end == "gz"))
            .collect()
    }

    /// Changes the logs under existing tables, and compares answers without tables, with these and with rebuilt ones.
    fn changed(&self, how: &str, change: impl FnOnce(&World)) {
        let engine = engine();
        indexing::tables(&engine, &self.root);
        change(self);
        let kept = own(&self.root);
        let aside = self.root.join("aside");
        let stale: Vec<(PathBuf, Vec<u8>)> = tables(&self.root)
            .into_iter()
            .map(|path| (path.clone(), fs::read(path).expect("read")))
            .collect();
        assert!(stale.len() >= 3 && kept.is_dir() && !aside.exists());
        for (path, _) in &stale {
            fs::remove_file(path).expect("removed");
        }
        let wanted = answers(&engine, &self.root, &self.questions);
        for (path, bytes) in &stale {
            fs::write(path, bytes).expect("written");
        }
        same(&engine, &self.root, &self.questions, &wanted, how);
        indexing::tables(&engine, &self.root);
        let anew = format!("{how}, tables made anew");
        same(&engine, &self.root, &self.questions, &wanted, &anew);
    }
}

fn append(path: &Path, text: &str) {
    let mut file = File::options().append(true).open(path).expect("open");
    file.write_all(text.as_bytes()).expect("written");
}

#[test]
fn a_record_that_comes_late_is_in_its_call() {
    for seed in 1..3 {
        World::new(seed).changed("late records", |world| {
            // For a call of the sealed day before: its message is edited in the morning.
            let archives = world.archives();
            let newest = archives.last().expect("archives");
            let mut text = Vec::new();
            let archive = File::open(newest).expect("open");
            let read = MultiGzDecoder::new(archive).read_to_end(&mut text);
            read.expect("unpacked");
            let text = String::from_utf8_lossy(&text);
            let sends = text.lines().filter(|line| line.contains("|TG|send|"));
            let edits: String = sends
                .rev()
                .take(5)
                .map(|line| {
                    let edit = line.replacen("|TG|send|", "|TG|edit|", 1);
                    format!(
                        "2025-11-30 03:10:00,000{}\n",
                        edit.get(23..).unwrap_or_default()
                    )
                })
                .collect();
            assert!(edits.contains("|TG|edit|"), "{edits}");
            append(&world.root.join("0367/events.log"), &edits);
        });
    }
}

#[test]
fn a_file_that_has_expired_is_not_missed() {
    for seed in 4..5 {
        World::new(seed).changed("the oldest file is gone", |world| {
            fs::remove_file(&world.archives()[0]).expect("removed");
        });
        World::new(seed).changed("one in the middle is gone", |world| {
            fs::remove_file(&world.archives()[1]).expect("removed");
        });
    }
}

#[test]
fn calls_of_merged_archives_are_answered_once() {
    for seed in 7..8 {
        World::new(seed).changed("two archives are one", |world| {
            let archives = world.archives();
            let second = fs::read(&archives[1]).expect("read");
            let mut file = File::options()
                .append(true)
                .open(&archives[0])
                .expect("open");
            file.write_all(&second).expect("written");
            fs::remove_file(&archives[1]).expect("removed");
        });
    }
}

#[test]
fn calls_that_a_real_asterisk_made_are_the_same() {
    let captures = testing::project().join("tests/data/real-asterisk/16");
    let mut calls_in_tables = 0;
    let captures = fs::read_dir(captures).expect("listed");
    let captures = captures.map(|capture| capture.expect("an entry").path());
    let captures = captures.filter(|path| path.join("host.log").is_file());
    // Each way of logging has a third of them, as far as it has a log.
    for (capture, mode) in captures.zip(["host", "full", "linked"].into_iter().cycle()) {
        let logs = [mode, "host"].map(|mode| capture.join(format!("{mode}.log")));
        let log = logs.into_iter().find(|log| log.is_file()).expect("a log");
        let text = fs::read_to_string(&log).expect("read");
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("call_tracer");
        let folder = root.join("0367");
        fs::create_dir_all(&folder).expect("made");
        // A much later line makes sure that all of its calls are over.
        let later = "2031-01-01 00:00:00,000|HTTP|-|GET|http://localhost/|200|{}|{}\n";
        fs::write(folder.join("events.log"), text + later).expect("written");
        let engine = engine();
        let (first, last) = times(&engine, &root);
        let questions: Vec<_> = questions(first, last).into_iter().step_by(14).collect();
        let wanted = answers(&engine, &root, &questions);
        let (held, _) = indexing::tables(&engine, &root);
        calls_in_tables += held.len();
        same(
            &engine,
            &root,
            &questions,
            &wanted,
            &log.display().to_string(),
        );
    }
    assert!(calls_in_tables > 70, "{calls_in_tables}");
}
