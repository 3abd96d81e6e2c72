//! An ssh server of a test's own: a fresh host key, a key that it lets in, on a free port of the loopback address.
//!
//! A shell stands between the test and the server, as for the database: when the shell's input closes, however the
//! test ended, it ends the server. The user who runs the tests logs in; as root also a user that is made for
//! the test ([`PasswordUser`]). What their shells would read from their homes is not read: it may take longer than
//! all else.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::text;

/// Ends the server when its input does. It ignores the Ctrl-C that a terminal sends to all its processes.
const KEEPER: &str = r#"
trap : INT TERM HUP
"$1" -D -e -f "$2" >>"$3" 2>&1 </dev/null & pid=$!
cat >/dev/null
kill "$pid"; wait "$pid"
"#;

/// Makes a user with a password, which is the first line of its input, and removes it when that closes.
const KEEPER_OF_USER: &str = r#"
trap : INT TERM HUP
IFS= read -r password
useradd -M -N -s /bin/sh "$1" || exit 1
printf '%s:%s\n' "$1" "$password" | chpasswd && echo made
cat >/dev/null
userdel "$1"
"#;

/// Properties of the host.
#[derive(Debug, Clone)]
pub struct SshdSetup<'m> {
    /// Its clock, in seconds since 1970 UTC; `None` for the real time.
    pub now: Option<i64>,
    /// Its time zone.
    pub zone: &'m str,
    /// Whether there is sqlite3.
    pub has_sqlite: bool,
    /// A command that runs instead of the requested one.
    pub forced: Option<&'m str>,
}

impl Default for SshdSetup<'_> {
    /// In UTC, with the real time.
    fn default() -> Self {
        SshdSetup {
            now: None,
            zone: "UTC",
            has_sqlite: true,
            forced: None,
        }
    }
}

/// A server that runs until it is dropped.
pub struct Sshd {
    folder: TempDir,
    keeper: Child,
    /// The port that it listens on.
    pub port: u16,
}

impl Sshd {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// When it does not start: openssh-server is not installed.
    pub fn start(setup: &SshdSetup<'_>) -> Sshd {
        let folder = tempfile::tempdir().expect("a folder of its own");
        let path = folder.path();
        fs::set_permissions(path, Permissions::from_mode(0o755)).expect("its own folder");
        for key in ["host_key", "other_host_key", "key", "other_key"] {
            make_key(&path.join(key));
        }
        fs::copy(path.join("key.pub"), path.join("authorized_keys")).expect("its own files");
        if is_root() {
            // The folder that the server confines itself to before a login.
            fs::create_dir_all("/run/sshd").expect("root may make it");
        }
        make_tools(&path.join("bin"), setup);
        let (port, keeper) = serve(path, setup);
        let sshd = Sshd {
            folder,
            keeper,
            port,
        };
        fs::write(sshd.known_hosts(), sshd.known_line("host_key.pub")).expect("its own file");
        sshd
    }

    /// The accepted user: the one who runs the tests.
    pub fn user(&self) -> String {
        let named = Command::new("id").arg("-un").output().expect("there is id");
        text(&named.stdout).trim().to_owned()
    }

    /// A private key that it lets in.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// A private key that it does not let in.
    pub fn other_key(&self) -> PathBuf {
        self.folder.path().join("other_key")
    }

    /// A file with its host key.
    pub fn known_hosts(&self) -> PathBuf {
        self.folder.path().join("known_hosts")
    }

    /// A file in which it has another host key.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn changed_hosts(&self) -> PathBuf {
        let path = self.folder.path().join("changed_hosts");
        fs::write(&path, self.known_line("other_host_key.pub")).expect("its own file");
        path
    }

    /// The fingerprint of its host key.
    ///
    /// # Panics
    /// When there is no ssh-keygen.
    pub fn fingerprint(&self) -> String {
        let key = self.folder.path().join("host_key.pub");
        let printed = Command::new("ssh-keygen").arg("-lf").arg(key).output();
        let printed = text(&printed.expect("there is ssh-keygen").stdout);
        printed.split(' ').nth(1).expect("it prints one").to_owned()
    }

    fn known_line(&self, key: &str) -> String {
        let key = fs::read_to_string(self.folder.path().join(key)).expect("its own file");
        format!("[127.0.0.1]:{} {key}", self.port)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        end(&mut self.keeper);
    }
}

/// A user of this machine with a password, until it is dropped.
pub struct PasswordUser {
    /// Its name.
    pub name: String,
    keeper: Child,
}

impl PasswordUser {
    /// Makes one; `None` unless root does.
    ///
    /// # Panics
    /// When it can't be made.
    pub fn make(password: &str) -> Option<PasswordUser> {
        if !is_root() {
            return None;
        }
        let id = fs::read_to_string("/proc/sys/kernel/random/uuid")
            .expect("the kernel has random numbers");
        let name = format!("ct-{}", &id[..13]);
        let mut keeper = Command::new("sh");
        keeper
            .args(["-c", KEEPER_OF_USER, "keeper", &name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut keeper = keeper.spawn().expect("there is a shell");
        let stdin = keeper.stdin.as_mut().expect("it is piped");
        stdin
            .write_all(format!("{password}\n").as_bytes())
            .expect("it reads");
        let mut line = String::new();
        let stdout = keeper.stdout.as_mut().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it answers");
        assert_eq!(line, "made\n", "{name}");
        Some(PasswordUser { name, keeper })
    }
}

impl Drop for PasswordUser {
    fn drop(&mut self) {
        end(&mut self.keeper);
    }
}

/// It ends with its input.
fn end(keeper: &mut Child) {
    drop(keeper.stdin.take());
    let _ = keeper.wait();
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("there is id");
    id.stdout == b"0\n"
}

fn make_key(path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path)
        .status();
    assert!(made.expect("there is ssh-keygen").success());
}

/// The programs that are found on the host before all others, or in place of them.
fn make_tools(bin: &Path, setup: &SshdSetup<'_>) {
    fs::create_dir(bin).expect("its own folder");
    if let Some(now) = setup.now {
        let date = format!(
            "#!/bin/sh\ncase \" $* \" in *' -d '*) exec /bin/date \"$@\" ;; esac\nexec /bin/date -d @{now} \"$@\"\n"
        );
        fs::write(bin.join("date"), date).expect("its own file");
        fs::set_permissions(bin.join("date"), Permissions::from_mode(0o755)).expect("its own file");
    }
    if !setup.has_sqlite {
        for program in ["sh", "date", "cat", "tr"] {
            let place = bin.join(program);
            if !place.exists() {
                symlink(Path::new("/bin").join(program), place).expect("its own folder");
            }
        }
    }
}

/// Starts the server. Ports that others take meanwhile are passed over.
fn serve(folder: &Path, setup: &SshdSetup<'_>) -> (u16, Child) {
    let sshd = ["/usr/sbin/sshd", "/usr/bin/sshd"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let sshd = sshd.expect(
        "openssh-server is needed for this test; install it with: apt-get install openssh-server",
    );
    for _ in 0..5 {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("it is bound").port();
        drop(free);
        fs::write(folder.join("config"), settings(folder, port, setup)).expect("its own file");
        let mut keeper = Command::new("sh");
        keeper
            .args(["-c", KEEPER, "keeper", sshd])
            .arg(folder.join("config"))
            .arg(folder.join("log"));
        let mut keeper = keeper
            .stdin(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        for _ in 0..400 {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            if log.contains(&format!("Server listening on 127.0.0.1 port {port}")) {
                return (port, keeper);
            }
            if log.contains("Cannot bind") {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        end(&mut keeper);
    }
    panic!(
        "sshd does not start: {}",
        fs::read_to_string(folder.join("log")).unwrap_or_default()
    );
}

fn settings(folder: &Path, port: u16, setup: &SshdSetup<'_>) -> String {
    let folder = folder.display();
    let path = match setup.has_sqlite {
        true => format!("{folder}/bin:/usr/bin:/bin"),
        false => format!("{folder}/bin"),
    };
    let mut text = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\nPidFile none\nUsePAM no\nStrictModes no\n\
         AuthorizedKeysFile {folder}/authorized_keys\nPermitRootLogin yes\nPasswordAuthentication yes\n\
         KbdInteractiveAuthentication no\nUseDNS no\nPrintMotd no\nPrintLastLog no\nMaxStartups 100\n\
         LogLevel INFO\nSetEnv PATH={path} HOME={folder} TZ={}\n",
        setup.zone
    );
    if let Some(command) = setup.forced {
        text.push_str(&format!("ForceCommand {command}\n"));
    }
    text
}
