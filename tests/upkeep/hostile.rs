//! A tree with a hostile writer: what that writer can do, done as an unprivileged user, and root's
//! commands run over it.

use std::fs::{self, Metadata, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The owner of the enterprise's folder, who writes its logs.
pub(crate) const WRITER: u32 = 4711;

/// A user who has nothing to do with it, but is in the folder's group.
pub(crate) const STRANGER: u32 = 4712;

/// The group of both.
pub(crate) const GROUP: u32 = 4720;

/// The secret in a file that only root may read.
pub(crate) const SECRET: &str = "1764406800.777";

/// Nothing is too old.
pub(crate) const KEEP: &str = "--keep=36500d";

/// No command may take longer, or more memory.
const SECONDS_MAX: f64 = 10.0;
const PEAK_BYTES_MAX: u64 = 300_000_000;

pub(crate) struct Arena {
    pub(crate) dir: tempfile::TempDir,
    /// The time at which commands run.
    pub(crate) now: &'static str,
}

/// The result of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) arguments: String,
    pub(crate) status: i64,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Something outside the enterprise's folder, as it was.
#[derive(Debug, PartialEq)]
pub(crate) struct Kept {
    path: PathBuf,
    meta: [u64; 5],
    content: Option<Vec<u8>>,
}

/// A process of another user; killed when dropped.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().expect("it runs until now");
        self.0.wait().expect("it ends");
    }
}

/// Why a test is skipped where another user runs it.
pub(crate) const NOT_ROOT: &str = "only root can be attacked as root";

pub(crate) fn is_root() -> bool {
    let own = fs::metadata("/proc/self").expect("there");
    own.uid() == 0
}

/// Lines of a day, each of another call.
pub(crate) fn lines(day: &str, first: usize, count: usize) -> String {
    let line = |n| {
        let uid = format!("1764406800.{n}");
        format!("{day} 09:00:00,{n:03}|AST|hangup|{uid}|{{\"UniqueId\": \"{uid}\"}}\n")
    };
    (first..first + count).map(line).collect()
}

pub(crate) fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
}

impl Arena {
    /// A tree of the writer's enterprise 0367 and root's own 0999, with something of root's outside.
    pub(crate) fn new() -> Arena {
        let arena = Arena {
            dir: tempfile::tempdir().expect("a folder"),
            now: testing::NOW,
        };
        mode(arena.dir.path(), 0o755);
        for folder in [
            "call_tracer/0367",
            "call_tracer/0999",
            "outside/programs",
            "writers",
        ] {
            fs::create_dir_all(arena.dir.path().join(folder)).expect("made");
        }
        for folder in [arena.enterprise(), arena.at("writers")] {
            chown(folder, Some(WRITER), Some(GROUP)).expect("given");
        }
        mode(&arena.enterprise(), 0o2775);
        arena.write("events.log.2025-12-01", &lines("2025-12-01", 0, 50));
        arena.write("events.log.2025-12-02", &lines("2025-12-02", 100, 50));
        arena.write("events.log", &lines("2025-12-03", 200, 50));
        let others = arena.at("call_tracer/0999/events.log.2025-12-01");
        fs::write(others, lines("2025-12-01", 300, 5)).expect("written");
        let secret = |name| format!("[enterprises.{name}]\nsecret = \"the-token\"\n");
        let settings = ["0367", "0999"].map(secret).concat();
        fs::write(arena.at("config.toml"), settings).expect("written");
        // The outside folder has names that a reader of logs and a program that tidies up look for.
        for name in ["secret", "events.log.1", "catalog.tmp", "events.log.7.idx"] {
            let path = arena.outside().join(name);
            fs::write(&path, lines("2025-12-01", 777, 1)).expect("written");
            mode(&path, 0o600);
        }
        arena
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn enterprise(&self) -> PathBuf {
        self.at("call_tracer/0367")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.enterprise().join(name)
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.at("outside")
    }

    /// A file of the writer's.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write(&path, text).expect("written");
        chown(&path, Some(WRITER), Some(GROUP)).expect("given");
    }

    /// The folder for what is calltrace's, as the first run leaves it.
    pub(crate) fn with_own_folder(self) -> Arena {
        let ran = self.run(&[&["rotate", "0367", KEEP, "--mode=archive"]]);
        assert_eq!(ran[0].status, 0, "{ran:?}");
        // Something is due again.
        self.write("events.log.2025-12-02", &lines("2025-12-02", 100, 60));
        self
    }

    /// A shell's script, done by a user.
    pub(crate) fn done_by(&self, user: u32, script: &str) -> bool {
        let mut shell = Command::new("sh");
        shell.args(["-ec", script]).current_dir(self.enterprise());
        shell.env("OUTSIDE", self.outside());
        shell.uid(user).gid(GROUP).stderr(Stdio::null());
        shell.status().expect("it starts").success()
    }

    /// A program that runs on, started by a user; it has begun once it says something.
    pub(crate) fn started_by(&self, user: u32, program: &str, arguments: &[&str]) -> Process {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.enterprise());
        command.uid(user).gid(GROUP).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("read");
        assert!(!line.is_empty(), "{program} {arguments:?} printed nothing");
        Process(child)
    }

    /// Puts a link to `target` in the place of a name and takes it away, again and again.
    pub(crate) fn swapped_by_the_writer(&self, name: &str, target: &Path) -> Process {
        let script = testing::project().join("tests/hostile/swap.py");
        let (path, target) = (self.path(name), target.to_str().expect("UTF-8"));
        let path = path.to_str().expect("UTF-8");
        // Readable for the user whatever the checkout's permissions are.
        let copy = self.at("writers/swap.py");
        fs::copy(script, &copy).expect("copied");
        mode(&copy, 0o644);
        let copy = copy.to_str().expect("UTF-8");
        self.started_by(WRITER, "python3", &[copy, path, target])
    }

    /// Runs commands as root, one after the other; each within its limits.
    pub(crate) fn run(&self, commands: &[&[&str]]) -> Vec<Ran> {
        let program = testing::program();
        let program = program.to_str().expect("UTF-8");
        let root = self.at("call_tracer");
        let root = root.to_str().expect("UTF-8");
        let settings = self.at("config.toml");
        let settings = settings.to_str().expect("UTF-8");
        let whole = |command: &&[&str]| -> Vec<String> {
            let all = [program, "--config", settings, "--root", root, "--tz", "UTC"];
            let all = all.iter().chain(command.iter());
            all.map(|word| (*word).to_owned()).collect()
        };
        let whole: Vec<Vec<String>> = commands.iter().map(whole).collect();
        run_all(self.now, &Value::from_iter(whole))
    }

    /// All that is outside the enterprise's folder and root's other enterprise.
    pub(crate) fn kept(&self) -> Vec<Kept> {
        let mut kept = Vec::new();
        let mut folders = vec![self.outside()];
        kept.push(Kept::of(&self.at("call_tracer")));
        while let Some(folder) = folders.pop() {
            kept.push(Kept::of(&folder));
            for entry in fs::read_dir(&folder).expect("listed") {
                let path = entry.expect("an entry").path();
                match fs::symlink_metadata(&path).expect("there").is_dir() {
                    true => folders.push(path),
                    false => kept.push(Kept::of(&path)),
                }
            }
        }
        kept.sort_by(|a, b| a.path.cmp(&b.path));
        kept
    }

    /// The owners of all that is in the enterprise's folder, by path.
    pub(crate) fn owners(&self) -> Vec<(PathBuf, u32)> {
        let mut owners = Vec::new();
        let mut folders = vec![self.enterprise()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("listed") {
                let path = entry.expect("an entry").path();
                let metadata = fs::symlink_metadata(&path).expect("there");
                if metadata.is_dir() {
                    folders.push(path.clone());
                }
                owners.push((path, metadata.uid()));
            }
        }
        owners
    }

    /// No command that root runs may do any of these.
    pub(crate) fn assert_harmless(&self, before: &[Kept], ran: &[Ran], what: &str) {
        let now = self.kept();
        assert!(
            now == before,
            "{what}: outside changed: {before:?}\n{now:?}"
        );
        for ran in ran {
            assert!((0..=2).contains(&ran.status), "{what}: {ran:?}");
            let outputs = [&ran.stdout, &ran.stderr];
            let tells = outputs.iter().any(|text| text.contains(SECRET));
            assert!(!tells, "{what}: disclosed: {ran:?}");
        }
    }
}

impl Kept {
    fn of(path: &Path) -> Kept {
        let metadata: Metadata = fs::symlink_metadata(path).expect("there");
        Kept {
            path: path.to_owned(),
            meta: [
                u64::from(metadata.mode()),
                u64::from(metadata.uid()),
                u64::from(metadata.gid()),
                metadata.ino(),
                metadata.len(),
            ],
            content: metadata.is_file().then(|| fs::read(path).expect("read")),
        }
    }
}

fn run_all(now: &str, commands: &Value) -> Vec<Ran> {
    let script = testing::project().join("tests/hostile/run.py");
    let mut python = Command::new("python3");
    testing::surround(&mut python);
    python
        .env("CALLTRACE_NOW", now)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut python = python.spawn().expect("it starts");
    let mut stdin = python.stdin.take().expect("piped");
    stdin
        .write_all(commands.to_string().as_bytes())
        .expect("written");
    drop(stdin);
    let output = python.wait_with_output().expect("it ends");
    let results: Vec<Value> = serde_json::from_slice(&output.stdout).expect("results");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ran = results.iter().map(|result| {
        let seconds = result["seconds"].as_f64().expect("a number");
        let peak_bytes = result["peak_bytes"].as_u64().expect("a number");
        assert!(seconds < SECONDS_MAX, "{result:#}");
        assert!(peak_bytes < PEAK_BYTES_MAX, "{result:#}");
        Ran {
            arguments: result["arguments"].to_string(),
            status: result["status"].as_i64().expect("a number"),
            stdout: text(&result["stdout"]),
            stderr: text(&result["stderr"]),
        }
    });
    ran.collect()
}
