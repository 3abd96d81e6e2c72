//! Processes that end with the test, however it ends.
//!
//! A shell stands between the test and the process: when the shell's input closes, it ends the process. It ignores the
//! Ctrl-C that a terminal sends to all its processes.

use std::fs;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// `keeper LOG PROGRAM ARGUMENTS...`: prints the id of the process.
const KEEPER: &str = r#"
trap : INT TERM HUP
log=$1; shift
exec 2>>"$log"
"$@" >>"$log" </dev/null & pid=$!
echo $pid
cat >/dev/null
kill -9 "$pid"; wait "$pid"
"#;

/// `keeper FOLDER`: removes it. Processes that write into it are ending at the same time.
const KEEPER_OF_FOLDER: &str = r#"
trap : INT TERM HUP
echo kept
cat >/dev/null
for pause in 0 0.2 1 3; do sleep $pause; rm -rf "$1"; done
"#;

/// A process, until it is dropped.
pub(crate) struct Kept {
    keeper: Child,
    /// Its id.
    pub(crate) pid: u32,
}

impl Kept {
    /// Starts `command` with its output in `log`. It gets no variable of the user who runs the tests.
    pub(crate) fn start(log: &Path, home: &Path, command: &[String]) -> Kept {
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(log).args(command);
        keeper
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", home);
        let (keeper, said) = started(keeper);
        let pid = said.trim().parse().expect("the shell prints a number");
        Kept { keeper, pid }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        end(&mut self.keeper);
    }
}

/// A folder of its own, until it is dropped or this program ends.
pub(crate) struct KeptFolder {
    keeper: Child,
    path: PathBuf,
}

impl KeptFolder {
    pub(crate) fn make() -> KeptFolder {
        let folder = tempfile::Builder::new().prefix("ct-").tempdir();
        let path = folder.expect("a folder of its own").keep();
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER_OF_FOLDER, "keeper"]).arg(&path);
        let (keeper, _) = started(keeper);
        KeptFolder { keeper, path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for KeptFolder {
    fn drop(&mut self) {
        // The shell does it again, when nothing writes any more; no test waits for that.
        let _ = fs::remove_dir_all(&self.path);
        drop(self.keeper.stdin.take());
    }
}

fn started(mut keeper: Command) -> (Child, String) {
    keeper.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut keeper = keeper.spawn().expect("there is a shell");
    let mut said = String::new();
    let stdout = keeper.stdout.take().expect("it is piped");
    BufReader::new(stdout)
        .read_line(&mut said)
        .expect("it answers");
    (keeper, said)
}

fn end(keeper: &mut Child) {
    drop(keeper.stdin.take());
    let _ = keeper.wait();
}

/// Free ports of the loopback address, which others may take meanwhile.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let bound = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    bound.map(|listener| listener.local_addr().expect("it is bound").port())
}

/// Sends a request without a signature and returns the whole answer; `None` if nothing answers.
pub(crate) fn ask(port: u16, method: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    (!answer.is_empty()).then(|| String::from_utf8_lossy(&answer).into_owned())
}

/// Whether `is_so` becomes true within some seconds: more than a busy machine needs.
pub(crate) fn becomes(mut is_so: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(20) {
        if is_so() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}
