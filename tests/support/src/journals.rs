//! Journals of a host: SQLite files as the sender of events writes them, whole and damaged.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The tables as the sender makes them: no column except the id has a type.
const SCHEMA: &str = "CREATE TABLE NAME (id INTEGER PRIMARY KEY, DateTime, event, Uniqueid, request, status, \
                      response, responseTime);";
const WEBHOOK: &str = "AlternativeAPIlogs";
const CRM: &str = "APIlogs";

/// The result of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Answered with 200.
    Accepted,
    /// Answered with this status.
    Refused(u16),
    /// Not answered in time. A second row follows.
    TimedOut,
    /// No connection. A second row follows.
    Unreachable,
    /// Not sent, as the host believed that it was offline: a 404 without a request.
    NotTried,
}

/// An event in the journal.
#[derive(Debug, Clone)]
pub struct SentEvent {
    /// When the row was written, in the host's own time: `12:17:06`.
    pub written: String,
    /// `hangup` and so on.
    pub event: String,
    /// The call.
    pub unique_id: String,
    /// The body: JSON.
    pub body: String,
    /// The result at the webhook.
    pub outcome: Outcome,
    /// How long the answer took (milliseconds).
    pub millis: u32,
    /// Whether it was sent to the CRM as well, which accepted it.
    pub is_in_crm: bool,
}

/// A folder of journals, which other users may read. Removed when it is dropped.
pub struct Journals {
    folder: TempDir,
}

impl Journals {
    /// An empty folder.
    ///
    /// # Panics
    /// When there is no room for it.
    #[allow(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Journals {
        let folder = tempfile::tempdir().expect("a folder of its own");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("its own folder");
        Journals { folder }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The journal of a day, `2025-12-02`.
    pub fn file(&self, day: &str) -> PathBuf {
        self.path().join(format!("Listen_AMI_{day}.db"))
    }

    /// Adds events to the journal of a day; makes it if it is not there.
    ///
    /// # Panics
    /// When sqlite3 can't do it.
    pub fn add(&self, day: &str, events: &[SentEvent]) {
        let mut sql = String::from("PRAGMA synchronous = OFF; BEGIN;\n");
        if !self.file(day).exists() {
            for table in [WEBHOOK, CRM] {
                sql.push_str(&SCHEMA.replace("NAME", table));
            }
        }
        for event in events {
            event.rows(day, &mut sql);
        }
        self.sql(day, &(sql + "COMMIT;\n"));
    }

    /// Runs SQL in the journal of a day.
    ///
    /// # Panics
    /// When sqlite3 can't do it.
    pub fn sql(&self, day: &str, sql: &str) {
        let mut sqlite = sqlite(&self.file(day))
            .spawn()
            .expect("sqlite3 is needed for this test");
        let mut stdin = sqlite.stdin.take().expect("it is piped");
        stdin.write_all(sql.as_bytes()).expect("it reads");
        drop(stdin);
        assert!(sqlite.wait().expect("it is a child").success(), "{day}");
    }

    /// An empty file in place of a journal.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn empty(&self, day: &str) {
        fs::write(self.file(day), "").expect("its own file");
    }

    /// Overwrites the last tenth of a journal; the rows before it can still be read.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn tear(&self, day: &str) {
        let file = OpenOptions::new()
            .write(true)
            .open(self.file(day))
            .expect("its own file");
        let length = file.metadata().expect("its own file").len();
        let damage = vec![0xff; usize::try_from(length / 10).expect("it is small")];
        file.write_all_at(&damage, length - length / 10)
            .expect("its own file");
    }

    /// Locks a journal until what is returned is dropped.
    ///
    /// # Panics
    /// When sqlite3 can't do it.
    pub fn lock(&self, day: &str) -> Lock {
        let mut sqlite = sqlite(&self.file(day))
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is sqlite3");
        let stdin = sqlite.stdin.as_mut().expect("it is piped");
        stdin
            .write_all(b"BEGIN EXCLUSIVE;\nSELECT 'locked';\n")
            .expect("it reads");
        let mut line = String::new();
        let stdout = sqlite.stdout.as_mut().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it answers");
        assert_eq!(line, "locked\n");
        Lock(sqlite)
    }
}

/// Holds a journal locked.
pub struct Lock(Child);

impl Drop for Lock {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn sqlite(file: &Path) -> Command {
    let mut sqlite = Command::new("sqlite3");
    sqlite
        .args(["-batch", "-bail", "-init", "/dev/null"])
        .arg(file);
    sqlite.stdin(Stdio::piped()).stdout(Stdio::null());
    sqlite
}

impl SentEvent {
    fn rows(&self, day: &str, sql: &mut String) {
        let seconds = format!("{}.{:03}", self.millis / 1000, self.millis % 1000);
        let queued = r#"{"status":"ok","message":"Event queued for processing"}"#;
        let broken = "ConnectionError<HTTPConnectionPool(host='10.0.0.1', port=8000): Max retries exceeded with url: \
                      /hangup (Caused by NewConnectionError(\"<urllib3 object>: [Errno 111] a|b\"))>";
        let (status, response, seconds) = match self.outcome {
            Outcome::Accepted => ("<Response [200]>".to_owned(), queued, seconds.as_str()),
            Outcome::Refused(status) => (format!("<Response [{status}]>"), "", seconds.as_str()),
            Outcome::TimedOut => ("Timeout".to_owned(), "", "0"),
            Outcome::Unreachable => (broken.to_owned(), "", "0"),
            Outcome::NotTried => (
                "<Response [404]>".to_owned(),
                "None connection (Not ping)",
                "0",
            ),
        };
        self.row(sql, WEBHOOK, day, &status, response, seconds);
        if matches!(self.outcome, Outcome::TimedOut | Outcome::Unreachable) {
            self.row(sql, WEBHOOK, day, "''", "", "0");
        }
        if self.is_in_crm {
            self.row(sql, CRM, day, "<Response [200]>", "OK", "0.2");
        }
    }

    fn row(
        &self,
        sql: &mut String,
        table: &str,
        day: &str,
        status: &str,
        response: &str,
        seconds: &str,
    ) {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let written = format!("{day} {}", self.written);
        let columns = [
            &written,
            &self.event,
            &self.unique_id,
            &self.body,
            status,
            response,
        ]
        .map(quoted);
        sql.push_str(&format!(
            "INSERT INTO {table} (DateTime, event, Uniqueid, request, status, response, responseTime) \
             VALUES ({}, {seconds});\n",
            columns.join(", ")
        ));
    }
}

/// This many hangups, spread over a day from 00:00:00 on. Most are accepted; of each ten the fourth times out,
/// the sixth is not tried, the eighth finds no connection, and the ninth is refused with 500. The CRM has them all.
pub fn hangups(count: usize) -> Vec<SentEvent> {
    let event = |number: usize| {
        let second = number * 86_400 / count.max(1);
        let unique_id = format!("{}.{number}", 1_764_622_800 + second);
        let outcome = match number % 10 {
            3 => Outcome::TimedOut,
            5 => Outcome::NotTried,
            7 => Outcome::Unreachable,
            8 => Outcome::Refused(500),
            _ => Outcome::Accepted,
        };
        SentEvent {
            written: format!(
                "{:02}:{:02}:{:02}",
                second / 3600,
                second / 60 % 60,
                second % 60
            ),
            event: "hangup".to_owned(),
            body: format!(
                "{{\"Token\": \"375290000000\", \"UniqueId\": \"{unique_id}\", \"CallType\": 0, \"CallStatus\": \"2\", \
                 \"Phone\": \"+375 29 000|12'34\", \"StartTime\": \"\", \"Extensions\": [\"151\"], \"Name\": \"\\u0410\"}}"
            ),
            unique_id,
            outcome,
            millis: 41,
            is_in_crm: true,
        }
    };
    (0..count).map(event).collect()
}
