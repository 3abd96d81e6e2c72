//! Exports of small trees, and what they leave in their folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use testing::{command, out, surround};

/// A call from outside at a time of UTC that `extensions` (JSON) did not take.
pub(crate) fn call(at: &str, uid: &str, extensions: &str) -> String {
    let start = "\"Phone\": \"375290001234\", \"CallType\": 0, \"Trunk\": \"0001363\"";
    let line = |millis: u32, event: &str, fields: &str| {
        format!("{at},{millis:03}|AST|{event}|{uid}|{{\"UniqueId\": \"{uid}\", {start}{fields}}}\n")
    };
    line(100, "start", "")
        + &line(200, "dial", &format!(", \"Extensions\": {extensions}"))
        + &line(
            900,
            "hangup",
            ", \"Extensions\": [\"\"], \"CallStatus\": \"0\"",
        )
}

/// `count` calls of a day, a minute apart.
pub(crate) fn calls(day: &str, count: usize) -> String {
    let at = |i: usize| format!("{day} 09:{:02}:00", i % 60);
    let uid = |i: usize| format!("17646{}.{i}", &day.replace('-', "")[4..]);
    (0..count)
        .map(|i| call(&at(i), &uid(i), "[\"150\"]"))
        .collect()
}

/// A tree of one enterprise, and next to it the folder of an export.
pub(crate) struct Scene {
    pub(crate) dir: tempfile::TempDir,
}

impl Scene {
    pub(crate) fn new(files: &[(&str, &str)]) -> Scene {
        let scene = Scene {
            dir: tempfile::tempdir().expect("a folder"),
        };
        fs::create_dir_all(scene.root().join("0367")).expect("made");
        for (name, text) in files {
            scene.log(name, text);
        }
        scene
    }

    /// Three days of 2, 40 and 3 calls.
    pub(crate) fn three_days() -> Scene {
        let [a, b, c] = [("2025-11-30", 2), ("2025-12-01", 40), ("2025-12-02", 3)]
            .map(|(day, count)| calls(day, count));
        Scene::new(&[
            ("events.log.2025-11-30", &a),
            ("events.log.2025-12-01", &b),
            ("events.log", &c),
        ])
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("logs")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    pub(crate) fn log(&self, name: &str, text: &str) {
        fs::write(self.root().join("0367").join(name), text).expect("written");
    }

    pub(crate) fn export(&self, args: &[&str]) -> Output {
        let mut command = command(&self.root());
        command.args(["export", "--out"]).arg(self.out()).args(args);
        command.output().expect("it starts")
    }

    /// Exports, and checks the status and the messages; `OUT` in `words` is the folder.
    #[track_caller]
    pub(crate) fn ends(&self, args: &[&str], status: i32, words: &str) {
        let output = self.export(args);
        let stderr = stderr_of(&output).replace(&self.out().display().to_string(), "OUT");
        assert_eq!(
            (output.status.code(), stderr.as_str()),
            (Some(status), words)
        );
        assert_eq!(out(&output), "");
    }

    /// An export per day; its process may write files of `units` times 512 bytes.
    pub(crate) fn limited(&self, units: u32, before: &str) -> Output {
        let script = format!("ulimit -c 0; ulimit -f {units}; {before} exec \"$@\"");
        let mut command = Command::new("sh");
        surround(&mut command);
        command.args(["-c", &script, "sh"]).arg(testing::program());
        command.arg("--root").arg(self.root());
        command
            .args(["export", "--per-day", "--out"])
            .arg(self.out());
        command.output().expect("a shell is there")
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.out().join(name)).expect(name)
    }

    /// Names in the folder but for the lock, each with its inode and the time of its last change.
    pub(crate) fn files(&self) -> BTreeMap<String, (u64, i64)> {
        let entries = fs::read_dir(self.out()).expect("it is there");
        let all = entries.map(|entry| {
            let entry = entry.expect("listed");
            let metadata = entry.metadata().expect("looked at");
            let changed = metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec();
            let name = entry.file_name().into_string().expect("UTF-8");
            (name, (metadata.ino(), changed))
        });
        all.filter(|(name, _)| name != ".export.lock").collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.files().into_keys().collect()
    }

    pub(crate) fn is_complete(&self, name: &str) -> bool {
        let manifest: Value = serde_json::from_str(&self.read("export.json")).expect("JSON");
        manifest["files"][name]["complete"] == true
    }
}

/// The messages of a run on stderr.
pub(crate) fn stderr_of(output: &Output) -> String {
    testing::text(&output.stderr)
}

/// The files of [`Scene::three_days`].
pub(crate) const DAYS: [&str; 3] = [
    "calls-2025-11-30.csv",
    "calls-2025-12-01.csv",
    "calls-2025-12-02.csv",
];
