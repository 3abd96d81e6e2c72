//! The Debian package around the binary under test, and throw-away Debian systems to install it in.
//!
//! Such a system is a folder: unpacked from what `tests/run` made with mmdebstrap, entered with
//! chroot in namespaces of its own, so that its mounts and processes end with the command that
//! needed them, however that ends. Nothing of the host is changed: not its packages, its users nor
//! its units.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo builds, and where `tests/run` puts tools.
fn target() -> &'static Path {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    temporary
        .parent()
        .expect("cargo's folder for tests lies in its target folder")
}

/// The folder that `tests/run` made.
pub(crate) fn tool(name: &str) -> PathBuf {
    let path = target().join("tools").join(name);
    assert!(
        path.exists(),
        "{}: not there; tests/run makes it",
        path.display()
    );
    path
}

/// Runs a program as root: directly, or through sudo without a password.
pub(crate) fn as_root(program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

/// Runs it to its end, which must be successful; returns its output.
#[track_caller]
pub(crate) fn done(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{out}{err}",
        output.status
    );
    out
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The settings file in the tree of a package.
const SETTINGS: &str = "etc/calltrace/config.toml";

/// Packages, made once for all tests of a program.
pub(crate) struct Packages {
    folder: TempDir,
}

impl Packages {
    pub(crate) fn get() -> &'static Packages {
        static PACKAGES: OnceLock<Packages> = OnceLock::new();
        PACKAGES.get_or_init(Packages::make)
    }

    /// `cargo deb` as it is called for publishing, but a program that `tests/run` builds faster stands
    /// where it looks for the one to ship. It strips both.
    fn make() -> Packages {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let dist = folder.path().join("dist");
        fs::create_dir(&dist).expect("made");
        let built = project().join("target/as-shipped/calltrace");
        fs::copy(&built, dist.join("calltrace"))
            .unwrap_or_else(|error| panic!("{}: {error}; tests/run builds it", built.display()));
        done(
            Command::new(tool("bin/cargo-deb"))
                .args(["--no-build", "--locked", "--offline", "--fast", "-o"])
                .arg(folder.path().join("first.deb"))
                .current_dir(project())
                .env("CARGO_TARGET_DIR", folder.path()),
        );
        let packages = Packages { folder };
        packages.variant("second", concat!(env!("CARGO_PKG_VERSION"), "-2"), |_| {});
        packages.variant("third", concat!(env!("CARGO_PKG_VERSION"), "-3"), |tree| {
            let mut settings = fs::File::options()
                .append(true)
                .open(tree.join(SETTINGS))
                .expect("the package has it");
            settings
                .write_all(b"#new_key = \"what later versions have\"\n")
                .expect("written");
        });
        // That version had another settings file, and neither synchronisation, shipping nor checks.
        packages.variant("of_0_1", "0.1.0-1", |tree| {
            let settings = project().join("tests/data/v0.1.0/packaged-config.toml");
            fs::copy(settings, tree.join(SETTINGS)).expect("copied");
            for unit in [
                "calltrace-sync.service",
                "calltrace-sync.timer",
                "calltrace-ship.service",
                "calltrace-ship.timer",
                "calltrace-check.service",
                "calltrace-check.timer",
            ] {
                let unit = tree.join("usr/lib/systemd/system").join(unit);
                fs::remove_file(unit).expect("the package has it");
            }
        });
        packages
    }

    /// The same contents under another version, with a change.
    fn variant(&self, name: &str, version: &str, change: impl FnOnce(&Path)) {
        let tree = self.folder.path().join(name);
        done(
            Command::new("dpkg-deb")
                .arg("-R")
                .arg(self.path("first"))
                .arg(&tree),
        );
        let control = tree.join("DEBIAN/control");
        let old = fs::read_to_string(&control).expect("every package has it");
        let of_version = |line: &str| line.starts_with("Version:");
        let line = old
            .lines()
            .find(|line| of_version(line))
            .expect("it has one");
        let new = old.replace(line, &format!("Version: {version}"));
        fs::write(&control, new).expect("written");
        change(&tree);
        done(
            Command::new("dpkg-deb")
                .args(["--root-owner-group", "-Zgzip", "-z1", "-b"])
                .arg(&tree)
                .arg(self.path(name)),
        );
        fs::remove_dir_all(&tree).expect("removed");
    }

    /// `first`, `second` with the same settings file, `third` with another; `of_0_1` with the settings file, the units
    /// and the version of 0.1.0.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name).with_extension("deb")
    }
}

/// A Debian system with what is essential, adduser and systemd; removed when dropped.
///
/// Maintainer scripts see it as booted with systemd. Their calls of `systemctl` are recorded and then executed as far
/// as possible without a manager: units are really enabled, and none is started.
pub(crate) struct Debian {
    folder: TempDir,
}

const REQUESTS: &str = "/var/log/requests-to-systemd";

impl Debian {
    pub(crate) fn new() -> Debian {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let tar = tool("debian.tar");
        done(
            as_root("tar")
                .args(["--numeric-owner", "-xpf"])
                .arg(tar)
                .arg("-C")
                .arg(folder.path()),
        );
        let debian = Debian { folder };
        debian.says(&format!(
            "mkdir -p /run/systemd/system
            printf '%s\\n' '#!/bin/sh' 'echo \"$*\" >>{REQUESTS}' \
                'SYSTEMD_OFFLINE=1 exec /usr/bin/systemctl \"$@\"' >/usr/local/sbin/systemctl
            chmod 755 /usr/local/sbin/systemctl"
        ));
        debian
    }

    /// A file of the system, as a path from outside.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside.trim_start_matches('/'))
    }

    /// A shell in it that runs `script` and stops at the first failure.
    pub(crate) fn command(&self, script: &str) -> Command {
        let mut command = as_root("unshare");
        command
            .args(["--mount", "--pid", "--fork", "--kill-child"])
            .arg(format!("--root={}", self.folder.path().display()))
            .args(["--mount-proc", "env", "-i"])
            .arg("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .args([
                "LC_ALL=C.UTF-8",
                "HOME=/root",
                "DEBIAN_FRONTEND=noninteractive",
            ])
            .args(["sh", "-euc", script]);
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, script: &str) -> Output {
        self.command(script).output().expect("unshare starts")
    }

    /// The output of a script that must succeed.
    #[track_caller]
    pub(crate) fn says(&self, script: &str) -> String {
        done(&mut self.command(script))
    }

    /// Installs or upgrades. dpkg must ask nothing, because the test cannot answer.
    #[track_caller]
    pub(crate) fn install(&self, package: &str, options: &str) {
        let from = Packages::get().path(package);
        done(as_root("cp").arg(from).arg(self.path("tmp/calltrace.deb")));
        self.says(&format!(
            "dpkg {options} --install /tmp/calltrace.deb; rm /tmp/calltrace.deb"
        ));
    }

    /// The sample tree as `/srv/call_tracer`, of a user that only writes logs, in folders that pass
    /// on their group.
    pub(crate) fn bring_logs(&self) {
        self.bring("tests/data/call_tracer");
    }

    /// A tree of the project, likewise.
    pub(crate) fn bring(&self, tree: &str) {
        let sample = project().join(tree);
        done(
            as_root("cp")
                .arg("-r")
                .arg(sample)
                .arg(self.path("srv/call_tracer")),
        );
        self.says(
            "adduser --quiet --system --group --no-create-home --home /nonexistent bot
            chown -R bot:bot /srv/call_tracer
            find /srv/call_tracer -type d -exec chmod 2755 {} +",
        );
    }

    /// The calls of systemctl since the last check, one per line.
    pub(crate) fn requests_to_systemd(&self) -> String {
        self.says(&format!("touch {REQUESTS}; cat {REQUESTS}; : >{REQUESTS}"))
    }

    /// Every name in it with its kind, mode, owner and link target, without the files in which dpkg and adduser keep
    /// their records.
    pub(crate) fn listing(&self) -> Vec<String> {
        let all = self.says(
            "find / -xdev '(' -path /proc -o -path /var/lib/dpkg -o -path /var/log -o -path /var/cache \
                -o -path /var/backups -o -path /tmp ')' -prune -o -printf '%y %m %u:%g %p -> %l\\n'",
        );
        let mut all: Vec<String> = all.lines().map(str::to_owned).collect();
        all.sort();
        all
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        // Only root can remove what root created; then TempDir only has the folder left.
        let path = self.folder.path();
        let _ = as_root("find")
            .arg(path)
            .args(["-mindepth", "1", "-delete"])
            .status();
    }
}
