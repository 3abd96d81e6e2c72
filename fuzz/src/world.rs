//! A small tree of logs, and the questions over it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Timelike as _;

use calltrace_engine::{
    Engine, LinesQuestion, SearchQuestion, StatsQuestion, TableState, TraceQuestion,
};
use calltrace_model::call::{Criteria, Outcome};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::LogZone;
use calltrace_model::record::phone::PhoneQuery;
use calltrace_model::stats::{GroupBy, LocalHour};
use calltrace_store::fsx::Folder;
use calltrace_store::index;
use calltrace_store::scan::{Line, Tuning};
use calltrace_store::source::{Packer, Source};
use calltrace_store::tree::{EnterpriseName, LogFile, Snapshot, Tree};
use testing::generator::{Plan, read_truth, write_tree};

/// The tree, in a separate folder.
pub(crate) struct World {
    dir: tempfile::TempDir,
    pub(crate) engine: Engine,
    /// The engine with one thread and small pieces.
    other: Engine,
    ids: Vec<String>,
}

/// Every block has edges, every line may cross one.
const TINY: Tuning = Tuning {
    span_bytes: 5000,
    block_bytes: 700,
};

pub(crate) fn name() -> EnterpriseName {
    EnterpriseName::new("0367").expect("a name")
}

impl World {
    /// Three days: the live one as it is, the others sealed.
    pub(crate) fn new(calls_per_day: u32) -> World {
        let dir = tempfile::tempdir().expect("a folder");
        let plan = Plan {
            seed: 7,
            days: 3,
            calls_per_day,
            mess: true,
            ..Plan::default()
        };
        let root = dir.path().join("logs");
        write_tree(&plan, &root).expect("written");
        let calls = read_truth(&root).expect("the truth");
        let ids: Vec<String> = calls
            .map(|call| call.expect("a row").uids.pop().expect("an id"))
            .collect();
        let world = World {
            dir,
            engine: Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine"),
            other: Engine::new(1, TINY, LogZone::default()).expect("an engine"),
            ids: ids.iter().step_by(ids.len() / 3).cloned().collect(),
        };
        for log in world.logs() {
            if log.name.full() != "events.log" {
                seal(&log);
            }
        }
        world
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("logs")
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.root().join("0367")
    }

    pub(crate) fn own_folder(&self) -> PathBuf {
        self.folder().join(index::FOLDER)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let folder = Folder::open(&self.folder()).expect("a folder");
        Snapshot::open(&name(), &folder).expect("listed")
    }

    /// The archive to mutate.
    pub(crate) fn archive(&self) -> PathBuf {
        let archive = self.logs().into_iter().find(|log| log.name.gz);
        archive.expect("an archive").path.clone()
    }

    pub(crate) fn logs(&self) -> Vec<Arc<LogFile>> {
        self.snapshot().files
    }

    /// Makes all indexes and the catalog.
    pub(crate) fn index(&self) {
        fs::create_dir_all(self.own_folder()).expect("made");
        for log in self.logs() {
            let source = Source::open(Arc::clone(&log)).expect("readable");
            let mut bytes = Vec::new();
            if index::build(&source, LogZone::default(), &mut bytes).is_ok() {
                fs::write(index::path_of(&log.path), bytes).expect("written");
            }
        }
        let mut bytes = Vec::new();
        index::catalog::build(&self.snapshot(), &mut bytes).expect("built");
        fs::write(index::catalog::path(&self.folder()), bytes).expect("written");
    }

    /// Builds all tables of calls next to the indexes; returns their paths.
    pub(crate) fn tables(&self) -> Vec<PathBuf> {
        let tree = Tree::open(&self.root()).expect("a tree");
        let mut paths = Vec::new();
        let mut take = |state| {
            if let TableState::Built(table) = state {
                let path = self.own_folder().join(table.name);
                fs::write(&path, table.bytes).expect("written");
                paths.push(path);
            }
            Ok(true)
        };
        let built = self.engine.build_tables(&tree, &name(), &mut take);
        built.expect("built");
        paths
    }

    /// Whether a comparison of a table with the logs finds a difference.
    pub(crate) fn finds_a_wrong_table(&self) -> bool {
        let tree = Tree::open(&self.root()).expect("a tree");
        let checked = self.engine.check_tables(&tree, &name());
        let checked = checked.expect("checked");
        checked.iter().any(|table| table.calls.is_err())
    }

    /// The answers from tables, as text: rows, counts and figures of whole calls, and the messages with them.
    pub(crate) fn answers_of_calls(&self) -> (String, String) {
        let tree = Tree::open(&self.root()).expect("a tree");
        let of = |criteria| SearchQuestion {
            criteria,
            ..SearchQuestion::default()
        };
        let missed = Criteria {
            outcome: Some(Outcome::Missed),
            ..Criteria::default()
        };
        let extension = Criteria {
            extensions: vec!["151".to_owned()],
            ..Criteria::default()
        };
        let questions = [
            SearchQuestion {
                digests: true,
                ..of(Criteria::default())
            },
            SearchQuestion {
                limit: Some(5),
                tally: true,
                ..of(missed.clone())
            },
            SearchQuestion {
                count_only: true,
                ..of(missed)
            },
            of(extension),
        ];
        let (mut calls, mut rest) = (String::new(), String::new());
        for question in &questions {
            let found = self.engine.search(&tree, &name(), question);
            let found = found.expect("searched");
            calls += &format!("{:?}\n", found.calls);
            calls += &format!("{} {:?}\n", found.count, found.tally);
            rest += &format!(
                "{:?} {} {:?}\n",
                found.troubles, found.unparsed, found.searched
            );
        }
        let question = StatsQuestion {
            also: Vec::new(),
            search: SearchQuestion::default(),
            by: Some(GroupBy::Person),
            within_millis: 3_600_000,
        };
        let hour_of = |at| {
            let moment = LogZone::default().moment(at);
            LocalHour {
                date: moment.date_naive(),
                hour: u8::try_from(moment.hour()).expect("a day has 24 hours"),
            }
        };
        let counted = self.engine.statistics(&tree, &[name()], &question, hour_of);
        calls += &format!("{:?}\n", counted.stats);
        (calls, rest)
    }

    /// Removes all files of calltrace.
    pub(crate) fn forget(&self) {
        let _ = fs::remove_dir_all(self.own_folder());
    }

    /// The answers to all questions, as text.
    pub(crate) fn answers(&self) -> String {
        self.answers_of(&self.engine)
    }

    /// The same by an engine with one thread and small pieces.
    pub(crate) fn other_answers(&self) -> String {
        self.answers_of(&self.other)
    }

    fn answers_of(&self, engine: &Engine) -> String {
        let tree = Tree::open(&self.root()).expect("a tree");
        let mut text = String::new();
        for id in &self.ids {
            let question = TraceQuestion {
                id: id.clone(),
                strict: false,
                every_file: false,
                since: None,
            };
            let trace = engine.trace(&tree, &name(), &question).expect("traced");
            let call = trace.call.map(|call| (call.lines, call.summary));
            if let Some((lines, summary)) = call {
                text += &format!("{:?}\n{summary:?}\n", shown(&lines));
            }
        }
        let phone = PhoneQuery::parse("375290000001").ok();
        let question = SearchQuestion {
            criteria: Criteria {
                phone: phone.clone(),
                ..Criteria::default()
            },
            ..SearchQuestion::default()
        };
        let found = engine.search(&tree, &name(), &question).expect("searched");
        text += &format!("{:?}\n", found.calls);
        let question = LinesQuestion {
            filter: RecordFilter {
                phone,
                ..RecordFilter::default()
            },
            ..LinesQuestion::default()
        };
        let found = engine.lines(&tree, &name(), &question).expect("searched");
        let lines: Vec<Line> = found.lines.into_iter().map(|found| found.line).collect();
        text + &format!("{:?}\n", shown(&lines))
    }
}

/// Lines for comparison: the same content may be stored at another place.
fn shown(lines: &[Line]) -> Vec<(i64, String)> {
    let one = |line: &Line| {
        let text = String::from_utf8_lossy(&line.text).into_owned();
        (line.at.0, text)
    };
    lines.iter().map(one).collect()
}

fn seal(log: &LogFile) {
    let archive = log.path.with_file_name(format!("{}.gz", log.name.full()));
    let mut packer = Packer::new(File::create(archive).expect("made"));
    let mut plain = File::open(&log.path).expect("open");
    packer.part(&mut plain).expect("packed");
    packer.finish().expect("written");
    fs::remove_file(&log.path).expect("removed");
}

/// The files of a folder of the corpus, by name.
pub(crate) fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let read = |path: &PathBuf| fs::read(path).ok();
    paths.iter().filter_map(read).collect()
}
