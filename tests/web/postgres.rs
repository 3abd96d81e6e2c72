//! A PostgreSQL for tests: a fresh cluster in a temporary folder, on a free port of the loopback address,
//! with the tables of the field and made-up rows.
//!
//! A shell runs between the test and the server. It starts and stops the server on commands on its standard
//! input; when that closes, however the test ended, it stops the server and removes the folder. So a test
//! that was killed, or one that keeps its server in a `static`, leaves nothing behind.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tokio_postgres::{Client, NoTls};

pub(crate) const SECRET: &str = "made-up-secret";
const PASSWORD: &str = "made-up-password";

/// Answers `started` or `failed`, and `stopped`.
const KEEPER: &str = r#"
bin=$1; dir=$2; port=$3
# A Ctrl-C in the terminal reaches everybody: still end by the end of the orders.
trap : INT TERM HUP
stop() { [ -z "$pid" ] || { kill -INT "$pid"; wait "$pid"; }; pid=; }
pid=
while read -r order; do
    case $order in
    start)
        "$bin/postgres" -D "$dir/data" -p "$port" -h 127.0.0.1 -k "$dir" -F \
            -c shared_buffers=8MB >>"$dir/log" 2>&1 </dev/null & pid=$!
        tries=0; state=failed
        while [ $tries -lt 400 ] && kill -0 "$pid" 2>/dev/null; do
            if "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; then state=started; break; fi
            sleep 0.05; tries=$((tries + 1))
        done
        echo $state ;;
    stop) stop; echo stopped ;;
    esac
done
stop
rm -rf -- "$dir"
"#;

/// The tables of the field: `users` holds the names, `telegram_users` holds none.
pub(crate) const SCHEMA: &str = "
CREATE TABLE enterprises (id serial PRIMARY KEY, number text UNIQUE, name text, name2 text, \
    secret text, bot_token text UNIQUE, chat_id text, active bool, is_enabled bool);
CREATE TABLE telegram_users (id serial PRIMARY KEY, tg_id bigint UNIQUE, enterprise_id int, \
    email text, token text, verified bool, bot_token text);
CREATE TABLE users (id serial PRIMARY KEY, enterprise_number text, first_name text, \
    last_name text, patronymic text, email text, personal_phone text, telegram_tg_id bigint);
CREATE TABLE user_internal_phones (phone_number text, user_id int, enterprise_number text);
CREATE TABLE gsm_lines (line_id text, internal_id text, phone_number text, line_name text, \
    prefix text, goip_id int);
CREATE TABLE sip_unit (line_name text, prefix text, provider_id int);
CREATE TABLE calls (id serial PRIMARY KEY, unique_id text UNIQUE NOT NULL, enterprise_id text, \
    uuid_token text, call_url text);
INSERT INTO calls (unique_id, enterprise_id, uuid_token, call_url) VALUES \
    ('1764666900.61', '0367', '6f9619ff-8b86-d011-b42d-00cf4fc964ff', 'https://rec.example.org/61.mp3'), \
    ('1764666901.63', '0270', '00000000-0000-0000-0000-000000000000', 'https://rec.example.org/other.mp3');
INSERT INTO enterprises (number, name, name2, secret, chat_id, active, is_enabled) VALUES \
    ('0367', 'june', '375290000000', 'made-up-secret', '100000001', true, true), \
    ('0270', 'july', '375290000001', 'other-secret', '100000009', true, false), \
    ('0111', 'gone', NULL, 'gone-secret', NULL, false, true), \
    ('0112', 'bare', NULL, '', NULL, NULL, NULL);
INSERT INTO telegram_users (tg_id, email) VALUES (100000002, 'a@example.org');
INSERT INTO users (id, enterprise_number, first_name, last_name, telegram_tg_id) VALUES \
    (1, '0367', 'Анна', 'Сидорова', 7000000002), (2, '0367', 'Борис', NULL, 100000003), \
    (3, '0270', 'Чужая', 'Фамилия', 100000004), (4, '0367', ' ', '', 100000005);
INSERT INTO user_internal_phones VALUES \
    ('151', 1, '0367'), ('152', 2, '0367'), ('151', 3, '0270'), ('153', 4, '0367');
INSERT INTO gsm_lines (line_id, internal_id, line_name) VALUES \
    ('0001363', '17', 'Линия 1'), ('0001364', '0001363', 'Не та линия'), ('0001365', '18', NULL);
";

/// A running server; its database `postgres` is empty.
pub(crate) struct Server {
    keeper: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    port: u16,
}

impl Server {
    pub(crate) fn start() -> Server {
        let bin = programs();
        let dir = cluster(&bin);
        // Another process may take the free port before the server does.
        for _ in 0..5 {
            let mut server = Server::keep(&bin, &dir);
            if server.order("start") == "started" {
                return server;
            }
            let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
            assert!(
                log.contains("Address already in use"),
                "PostgreSQL does not start:\n{log}"
            );
            // Otherwise the keeper would remove the folder.
            server.keeper.kill().expect("it is a child");
        }
        panic!("five free ports were taken by others");
    }

    fn keep(bin: &Path, dir: &Path) -> Server {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("it is bound").port();
        drop(free);
        let mut keeper = as_postgres("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(bin).arg(dir);
        keeper.arg(port.to_string()).current_dir(dir);
        keeper
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut keeper = keeper.spawn().expect("there is a shell");
        let orders = keeper.stdin.take();
        let answers = BufReader::new(keeper.stdout.take().expect("it was piped"));
        Server {
            keeper,
            orders,
            answers,
            port,
        }
    }

    fn order(&mut self, order: &str) -> String {
        writeln!(self.orders.as_mut().expect("only drop takes it"), "{order}")
            .expect("the keeper runs");
        let mut answer = String::new();
        self.answers
            .read_line(&mut answer)
            .expect("the keeper answers");
        answer.trim_end().to_owned()
    }

    /// Stops the server at once, as for an upgrade: connections are closed.
    pub(crate) fn stop(&mut self) {
        assert_eq!(self.order("stop"), "stopped");
    }

    /// Starts the server again, on the same port.
    pub(crate) fn start_again(&mut self) {
        assert_eq!(self.order("start"), "started");
    }

    /// Returns the URL as the settings hold it, with the password.
    pub(crate) fn url(&self, database: &str) -> String {
        format!(
            "postgres://tester:{PASSWORD}@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// Opens a connection that may write.
    pub(crate) async fn client(&self, database: &str) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls)
            .await
            .expect("the server runs");
        tokio::spawn(connection);
        client
    }

    /// Creates a database with tables and rows, and returns its URL.
    pub(crate) async fn database(&self, name: &str, tables: &str) -> String {
        let admin = self.client("postgres").await;
        admin
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))
            .await
            .expect("the statement is right");
        self.client(name)
            .await
            .batch_execute(tables)
            .await
            .expect("the statement is right");
        self.url(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.keeper.wait();
    }
}

/// Returns the folder of the programs of the newest PostgreSQL on the machine.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    found.retain(|bin| bin.join("postgres").exists() && bin.join("initdb").exists());
    found.sort();
    found
        .pop()
        .expect("no PostgreSQL under /usr/lib/postgresql; install it: apt-get install postgresql")
}

/// Makes a new cluster in a folder that its keeper removes.
fn cluster(bin: &Path) -> PathBuf {
    let dir = tempfile::Builder::new()
        .prefix("calltrace-postgres-")
        .tempdir()
        .expect("a temporary folder")
        .keep();
    if let Some((uid, gid)) = server_user() {
        chown(&dir, Some(uid), Some(gid)).expect("root may");
    }
    let password = dir.join("password");
    fs::write(&password, PASSWORD).expect("the folder is new");
    let made = as_postgres(bin.join("initdb"))
        .args([
            "--username=tester",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
        ])
        .args(["--no-sync", "--no-instructions"])
        .arg(format!("--pwfile={}", password.display()))
        .arg("-D")
        .arg(dir.join("data"))
        .current_dir(&dir)
        .stdin(Stdio::null())
        .output()
        .expect("initdb can be run");
    let stderr = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "initdb fails:\n{stderr}");
    dir
}

/// PostgreSQL does not run as root.
fn as_postgres(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = server_user() {
        command.uid(uid).gid(gid);
    }
    command
}

/// Returns the user that Debian's package made, for a test that runs as root.
fn server_user() -> Option<(u32, u32)> {
    if !rustix::process::getuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("every system has it");
    let user = users
        .lines()
        .find_map(|line| line.strip_prefix("postgres:"));
    let user = user.expect("Debian's package makes a user postgres");
    let fields: Vec<&str> = user.split(':').collect();
    Some((
        fields[1].parse().expect("a number"),
        fields[2].parse().expect("a number"),
    ))
}
