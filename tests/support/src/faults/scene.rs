//! One enterprise's folder to rotate, and what must be readable in it.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use calltrace_engine::{Engine, LinesQuestion};
use calltrace_model::record::LogZone;
use calltrace_store::fsx::WallClock;
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, FileName, Tree};
use calltrace_upkeep::rotate::{Mode, Policy, Rotation, RotationReport};
use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{Fault, Faulty};

/// Some minutes after a midnight.
const NOW: &str = "2025-12-03T00:10:00Z";

pub fn now() -> SystemTime {
    let now: DateTime<Utc> = NOW.parse().expect("it is right");
    now.into()
}

pub fn pool() -> &'static ThreadPool {
    static POOL: OnceLock<ThreadPool> = OnceLock::new();
    POOL.get_or_init(|| {
        let builder = ThreadPoolBuilder::new().num_threads(2);
        builder.build().expect("threads")
    })
}

/// Lines of a day, numbered from `first`; about 90 bytes each.
pub fn lines(day: &str, first: usize, count: usize) -> String {
    (first..first + count)
        .map(|n| {
            let (minute, second) = (n / 60 % 60, n % 60);
            format!(
                "{day} 09:{minute:02}:{second:02},000|AST|hangup|1764406800.{n}|{{\"UniqueId\": \
                 \"1764406800.{n}\"}}\n"
            )
        })
        .collect()
}

/// A tree of one enterprise, with what holds its live file open.
pub struct Scene {
    dir: tempfile::TempDir,
    pub policy: Policy,
    pub now: SystemTime,
    pub writers: Vec<File>,
    pub expected: Vec<String>,
}

impl Scene {
    pub fn new(policy: Policy) -> Scene {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("call_tracer/0367")).expect("made");
        Scene {
            dir,
            policy,
            now: now(),
            writers: Vec::new(),
            expected: Vec::new(),
        }
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("call_tracer")
    }

    pub fn folder(&self) -> PathBuf {
        self.root().join("0367")
    }

    /// Adds a file with lines of its own.
    pub fn with(mut self, name: &str, text: &str) -> Scene {
        self.expected.extend(text.lines().map(str::to_owned));
        self.with_double(name, text)
    }

    /// Adds a file with lines that are in another file as well.
    pub fn with_double(self, name: &str, text: &str) -> Scene {
        let path = self.folder().join(name);
        if name.ends_with(".gz") {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text.as_bytes()).expect("into memory");
            fs::write(path, encoder.finish().expect("into memory")).expect("written");
        } else {
            fs::write(path, text).expect("written");
        }
        self
    }

    pub fn held_open(mut self, name: &str) -> Scene {
        let path = self.folder().join(name);
        let file = File::options().append(true).open(path).expect("open");
        self.writers.push(file);
        self
    }

    pub fn rotate(&self, ops: &dyn calltrace_store::fsx::DiskOps) -> RotationReport {
        let tree = Tree::open(&self.root()).expect("a tree");
        let policy = self.policy.clone();
        let now = self.now;
        let clock = WallClock::new(move || now);
        let rotation = Rotation::new(&tree, LogZone::default(), policy, ops, pool(), &clock);
        rotation.enterprise(&enterprise(), &|_| {})
    }

    pub fn disk(&self, fault: Fault) -> Faulty {
        Faulty::new(&self.root(), fault)
    }

    /// Every line there is, through the engine.
    pub fn read(&self) -> Vec<String> {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        let engine = ENGINE.get_or_init(|| {
            Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine")
        });
        let tree = Tree::open(&self.root()).expect("a tree");
        let found = engine
            .lines(&tree, &enterprise(), &LinesQuestion::default())
            .expect("searched");
        let texts = found.lines.iter().map(|found| found.line.text.to_vec());
        let mut texts: Vec<String> = texts
            .map(|text| String::from_utf8(text).expect("UTF-8"))
            .collect();
        texts.sort();
        texts
    }

    pub fn assert_whole(&self, when: &str) {
        let mut expected = self.expected.clone();
        expected.sort();
        let read = self.read();
        let listing = listing(&self.folder());
        assert!(
            read == expected,
            "{when}: {} lines read, {} expected; {listing:?}",
            read.len(),
            expected.len()
        );
    }

    /// The lines of all files as other programs read them, in the order of reading.
    pub fn assert_whole_for_others(&self, when: &str) {
        let mut read = Vec::new();
        for name in listing(&self.folder()) {
            if FileName::parse(&name).is_some() {
                let bytes = fs::read(self.folder().join(&name)).expect("read");
                read.extend(decoded(&bytes).lines().map(str::to_owned));
            }
        }
        read.retain(|line| !line.is_empty());
        read.sort();
        let mut expected = self.expected.clone();
        expected.sort();
        assert!(read == expected, "{when}: {:?}", listing(&self.folder()));
    }
}

pub fn decoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut decoder = MultiGzDecoder::new(bytes);
        decoder.read_to_string(&mut text).expect("gzip");
    } else {
        text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    }
    text
}

pub fn enterprise() -> EnterpriseName {
    EnterpriseName::new("0367").expect("a name")
}

pub fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.into_string().expect("UTF-8"))
        .filter(|name| name != ".calltrace")
        .collect();
    names.sort();
    names
}

pub fn policy(mode: Mode) -> Policy {
    Policy {
        mode,
        ..Policy::default()
    }
}
