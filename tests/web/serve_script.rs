//! `packaging/calltracectl`: starts and stops `calltrace serve` where there is no systemd, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use testing::sample;

/// A temporary folder, and the server that is started in it.
struct Script {
    folder: tempfile::TempDir,
    program: PathBuf,
    args: String,
}

impl Script {
    fn new() -> Script {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("config.toml");
        fs::write(
            &config,
            "[enterprises.0367]\nsecret = \"the-token-of-0367\"\n",
        )
        .expect("written");
        let root = sample();
        let (config, root) = (config.display(), root.display());
        Script {
            program: testing::program(),
            args: format!("--config {config} --root {root} serve --listen 127.0.0.1:0"),
            folder,
        }
    }

    fn command(&self, order: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/calltracectl"))
            .arg(order)
            .env("CALLTRACE", &self.program)
            .env("CALLTRACE_ARGS", &self.args)
            .env("CALLTRACE_RUN", self.folder.path().join("run"))
            .env("CALLTRACE_WAIT", "2")
            .stdin(Stdio::null());
        if rustix::process::getuid().is_root() {
            // Only root may enter the folders of a test.
            command.env("CALLTRACE_USER", "root");
        }
        command
    }

    /// Returns its exit status and its output.
    fn order(&self, order: &str) -> (i32, String) {
        let done = self.command(order).output().expect("there is a shell");
        let printed = [done.stdout, done.stderr].concat();
        let code = done.status.code().expect("it ends by itself");
        (code, String::from_utf8(printed).expect("text"))
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.path().join("run/serve.pid")
    }

    fn pid(&self) -> String {
        let text = fs::read_to_string(self.pid_file()).expect("it was started");
        text.split(' ').next().expect("a pid").to_owned()
    }

    fn output(&self) -> String {
        fs::read_to_string(self.folder.path().join("run/serve.out")).expect("it was started")
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.order("stop");
    }
}

fn lives(pid: &str) -> bool {
    Path::new("/proc").join(pid).join("exe").exists()
}

#[test]
fn it_starts_restarts_and_stops_one_server() {
    let script = Script::new();
    assert_eq!(
        script.order("status"),
        (3, "calltracectl: it does not run\n".into())
    );
    assert_eq!(
        script.order("stop"),
        (0, "calltracectl: it does not run\n".into())
    );
    let (code, printed) = script.order("start");
    let pid = script.pid();
    assert_eq!(
        (code, printed),
        (0, format!("calltracectl: started, pid {pid}\n"))
    );
    assert!(script.output().contains("serving "), "{}", script.output());
    let mode = |name: &str| {
        let path = script.folder.path().join("run").join(name);
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("serve.out"), 0o600, "it may hold a token");
    assert_eq!(
        script.order("status"),
        (0, format!("calltracectl: it runs, pid {pid}\n"))
    );
    let again = format!("calltracectl: it runs already, pid {pid}\n");
    assert_eq!(script.order("start"), (0, again));
    let (code, printed) = script.order("restart");
    let second = script.pid();
    let whole = format!("calltracectl: stopped, pid {pid}\ncalltracectl: started, pid {second}\n");
    assert_eq!((code, printed), (0, whole));
    assert!(!lives(&pid) && lives(&second));
    assert_eq!(
        script.order("stop"),
        (0, format!("calltracectl: stopped, pid {second}\n"))
    );
    assert!(!lives(&second) && !script.pid_file().exists());
    assert_eq!(script.order("status").0, 3);
    assert_eq!(script.order("reload").0, 2);
}

/// A process that is not the server.
struct Bystander(Child);

impl Bystander {
    fn new() -> Bystander {
        Bystander(Command::new("sleep").arg("60").spawn().expect("it starts"))
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    fn is_well(&mut self) -> bool {
        self.0.try_wait().expect("it is a child").is_none()
    }

    /// Returns its start time, as the kernel counts it.
    fn since(&self) -> String {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it lives");
        let (_, fields) = stat.rsplit_once(") ").expect("as proc(5) has it");
        fields
            .split(' ')
            .nth(19)
            .expect("there are more")
            .to_owned()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_process_of_another_program_is_left_running() {
    let script = Script::new();
    let mut bystander = Bystander::new();
    fs::create_dir(script.folder.path().join("run")).expect("made");
    let (pid, since) = (bystander.pid(), bystander.since());
    // The number of the process with another start time, with its own, with none, and texts that no
    // script wrote.
    for text in [
        format!("{pid} 1\n"),
        format!("{pid} {since}\n"),
        format!("{pid}\n"),
        format!("-1 {since}\n"),
        format!("{pid}; kill {pid} 1\n"),
        String::new(),
    ] {
        fs::write(script.pid_file(), &text).expect("written");
        assert_eq!(script.order("status").0, 3, "{text}");
        let (code, printed) = script.order("stop");
        assert_eq!(
            (code, printed.as_str()),
            (0, "calltracectl: it does not run\n"),
            "{text}"
        );
        assert!(bystander.is_well(), "{text}");
    }
    // The server's own program, but with another start time.
    assert_eq!(script.order("start").0, 0);
    let own = fs::read_to_string(script.pid_file()).expect("it was started");
    let pid = script.pid();
    fs::write(script.pid_file(), format!("{pid} 17\n")).expect("written");
    assert_eq!(
        script.order("stop"),
        (0, "calltracectl: it does not run\n".into())
    );
    assert!(lives(&pid));
    fs::write(script.pid_file(), own).expect("written");
    assert_eq!(script.order("stop").0, 0);
    assert!(!lives(&pid));
}

#[test]
fn a_server_that_does_not_start_is_reported_and_leaves_no_files() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let mut script = Script::new();
    script.args = script.args.replace("127.0.0.1:0", &address);
    let (code, printed) = script.order("start");
    assert_eq!(code, 1, "{printed}");
    assert!(
        printed.contains(&address) && printed.contains("it did not start"),
        "{printed}"
    );
    assert!(!script.pid_file().exists());
    assert_eq!(
        script.order("start").0,
        1,
        "nothing is in the way of the next"
    );
    script.program = "/nowhere/calltrace".into();
    let (code, printed) = script.order("start");
    assert_eq!(
        (code, printed.as_str()),
        (1, "calltracectl: /nowhere/calltrace: no such program\n")
    );
}

#[test]
fn one_that_does_not_end_is_killed_after_a_while() {
    let mut script = Script::new();
    let stubborn = script.folder.path().join("stubborn.sh");
    fs::write(&stubborn, "trap : TERM INT\nwhile :; do sleep 1; done\n").expect("written");
    script.program = "/bin/sh".into();
    script.args = stubborn.display().to_string();
    assert_eq!(script.order("start").0, 0);
    let pid = script.pid();
    let (code, printed) = script.order("stop");
    assert_eq!(code, 0);
    assert!(
        printed.contains("did not end within 2 s, and is killed"),
        "{printed}"
    );
    assert!(!lives(&pid));
}

#[test]
fn after_an_upgrade_the_old_server_is_still_its_own() {
    let mut script = Script::new();
    let program = script.folder.path().join("a program");
    let fresh = script.folder.path().join("new");
    let install = || {
        fs::copy(testing::program(), &fresh).expect("copied");
        fs::rename(&fresh, &program).expect("renamed");
    };
    install();
    script.program.clone_from(&program);
    assert_eq!(script.order("start").0, 0);
    let old = script.pid();
    install();
    assert_eq!(script.order("restart").0, 0);
    assert!(!lives(&old) && lives(&script.pid()));
}

#[test]
fn two_concurrent_starts_start_one_server() {
    let script = Script::new();
    let both = [0, 1].map(|_| {
        let mut command = script.command("start");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("there is a shell")
    });
    let both = both.map(|child| child.wait_with_output().expect("it ends"));
    let printed =
        both.map(|done| String::from_utf8([done.stdout, done.stderr].concat()).expect("text"));
    let started = printed
        .iter()
        .filter(|printed| printed.contains("started, pid"))
        .count();
    assert_eq!(started, 1, "{printed:?}");
    let other = printed
        .iter()
        .find(|printed| !printed.contains("started, pid"))
        .expect("the other");
    assert!(
        other.contains("it is being started") || other.contains("runs already"),
        "{other}"
    );
}
