//! Names from a real PostgreSQL: what is found, and what is answered while the database restarts, hangs, is
//! locked or is gone.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use crate::postgres::{SCHEMA, SECRET, Server};
use calltrace_directory::{
    Config, Directory, DirectoryTimes, Enterprise, NameQuery, Names, PostgresConfig, Secret,
    SecretSource,
};
use calltrace_store::tree::EnterpriseName;

/// The server that most tests share, each with its own database.
pub(crate) static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

/// Two seconds, and the delay of a busy machine.
const TWO_SECONDS: Duration = Duration::from_millis(2300);

fn open(url: &str, times: DirectoryTimes) -> Directory {
    let config = Config {
        postgres: PostgresConfig {
            url: Secret::new(url).map(SecretSource::Here),
            pool: 2,
        },
        ..Config::default()
    };
    let (directory, warnings) = Directory::open_with(&config, times).expect("it is an address");
    assert!(warnings.is_empty(), "{warnings:?}");
    directory
}

/// How long answers are cached in [`forgetful`].
const FRESH: Duration = Duration::from_millis(1);

/// Caches nothing and retries soon.
fn forgetful() -> DirectoryTimes {
    DirectoryTimes {
        fresh: FRESH,
        rest: Duration::from_millis(50),
        ..DirectoryTimes::default()
    }
}

/// Returns what the directory knows once it asks a failed source again.
async fn asked_again(directory: &Directory, enterprise: &str) -> Option<Enterprise> {
    let begin = Instant::now();
    loop {
        match directory.enterprise(&number(enterprise)).await {
            Ok(known) => return known,
            Err(error) => assert!(begin.elapsed() < Duration::from_secs(10), "{error}"),
        }
        tokio::time::sleep(5 * FRESH).await;
    }
}

fn number(name: &str) -> EnterpriseName {
    EnterpriseName::new(name).expect("a name")
}

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn everybody() -> NameQuery {
    NameQuery {
        chats: ids(&[
            "100000001",
            "100000002",
            "7000000002",
            "100000003",
            "100000004",
            "100000005",
            "-1",
        ]),
        extensions: ids(&["150", "151", "152", "153"]),
        lines: ids(&["0001363", "0001365", "18", "17"]),
        clients: ids(&["375290000000"]),
        calls: ids(&["1764666900.61", "1764666901.63"]),
    }
}

fn pairs(names: &std::collections::BTreeMap<String, String>) -> Vec<(&str, &str)> {
    let pairs = names.iter();
    pairs
        .map(|(id, name)| (id.as_str(), name.as_str()))
        .collect()
}

async fn is_opened_by(directory: &Directory, enterprise: &str, secret: &str) -> bool {
    let known = directory
        .enterprise(&number(enterprise))
        .await
        .expect("it answers");
    let secret_of = known.and_then(|known| known.secret);
    secret_of.is_some_and(|known| known.matches(secret))
}

async fn names_of(directory: &Directory) -> Names {
    directory.names(&number("0367"), &everybody()).await
}

#[tokio::test]
async fn everybody_is_found_in_the_tables_of_the_field() {
    let url = SERVER.database("field", SCHEMA).await;
    let directory = open(&url, DirectoryTimes::default());
    assert!(is_opened_by(&directory, "0367", SECRET).await);
    let known = directory
        .enterprise(&number("0367"))
        .await
        .expect("it answers")
        .expect("it is known");
    assert_eq!(known.title.as_deref(), Some("june"));
    assert!(
        is_opened_by(&directory, "0270", "other-secret").await,
        "only its bot is off"
    );
    assert!(
        !is_opened_by(&directory, "0111", "gone-secret").await,
        "it left"
    );
    assert!(
        !is_opened_by(&directory, "0112", "").await,
        "it has no secret"
    );
    assert!(
        directory
            .enterprise(&number("9999"))
            .await
            .expect("it answers")
            .is_none()
    );

    let names = names_of(&directory).await;
    let chats = [
        ("100000002", "a@example.org"),
        ("100000003", "Борис"),
        ("7000000002", "Анна Сидорова"),
    ];
    assert_eq!(
        pairs(&names.chats),
        chats,
        "and no person of another enterprise"
    );
    assert_eq!(
        pairs(&names.extensions),
        [("151", "Анна Сидорова"), ("152", "Борис")]
    );
    assert_eq!(
        pairs(&names.lines),
        [("0001363", "Линия 1"), ("17", "Линия 1")]
    );
    assert_eq!(names.owners, ids(&["100000001"]));
    assert_eq!(
        pairs(&names.recordings),
        [("1764666900.61", "https://rec.example.org/61.mp3")],
        "and none of another enterprise"
    );
    assert_eq!(
        pairs(&names.uuids),
        [("1764666900.61", "6f9619ff-8b86-d011-b42d-00cf4fc964ff")]
    );
    assert!(names.clients.is_empty() && names.missing.is_empty());
    assert_eq!(directory.check().await, [("postgres", Ok(()))]);
}

#[tokio::test]
async fn names_are_found_where_telegram_users_has_them() {
    let tables = "\
        CREATE TABLE enterprises (number varchar(10), name varchar(50), secret varchar(50));
        INSERT INTO enterprises VALUES ('0367', 'june', 'made-up-secret');
        CREATE TABLE telegram_users (tg_id text, first_name text, last_name text);
        INSERT INTO telegram_users VALUES ('7000000002', 'Анна', 'Сидорова');
        CREATE TABLE sip_unit (line_id int, line_name text, enterprise_number text);
        INSERT INTO sip_unit VALUES (17, 'Чужая', '0270'), (17, 'Линия 7', '0367');";
    let url = SERVER.database("other", tables).await;
    let directory = open(&url, DirectoryTimes::default());
    assert!(is_opened_by(&directory, "0367", SECRET).await);
    let names = names_of(&directory).await;
    assert_eq!(pairs(&names.chats), [("7000000002", "Анна Сидорова")]);
    assert_eq!(pairs(&names.lines), [("17", "Линия 7")]);
    assert!(names.extensions.is_empty() && names.owners.is_empty());
    assert!(
        names.missing.is_empty(),
        "a table that is not there is no failure"
    );
}

#[tokio::test]
async fn tables_that_change_while_it_runs_are_looked_at_again() {
    let url = SERVER.database("changing", SCHEMA).await;
    let directory = open(&url, forgetful());
    assert!(is_opened_by(&directory, "0367", SECRET).await);
    assert_eq!(names_of(&directory).await.lines.len(), 2);
    let change = "ALTER TABLE enterprises RENAME COLUMN active TO was_active; \
        ALTER TABLE gsm_lines RENAME COLUMN internal_id TO inner_id; \
        ALTER TABLE users ALTER COLUMN telegram_tg_id TYPE text";
    SERVER
        .client("changing")
        .await
        .batch_execute(change)
        .await
        .expect("the statement is right");
    tokio::time::sleep(5 * FRESH).await;
    assert!(is_opened_by(&directory, "0367", SECRET).await);
    let first = names_of(&directory).await;
    let second = names_of(&directory).await;
    assert_eq!(pairs(&second.lines), [("0001363", "Линия 1")], "{first:?}");
    assert_eq!(second.chats.len(), 3);
    assert!(second.missing.is_empty());
}

#[tokio::test]
async fn signs_that_mean_something_to_sql_are_only_signs() {
    let url = SERVER.database("signs", SCHEMA).await;
    let directory = open(&url, DirectoryTimes::default());
    let odd = [
        "'; DROP TABLE users; --",
        "$1",
        "%",
        "_",
        "\\",
        "{151}",
        "\"",
        "a\0b",
        "NULL",
        "",
    ];
    let mut wanted = everybody();
    for set in [&mut wanted.chats, &mut wanted.extensions, &mut wanted.lines] {
        set.extend(ids(&odd));
    }
    let names = directory.names(&number("0367"), &wanted).await;
    let plain = names_of(&directory).await;
    assert!(!plain.chats.is_empty());
    assert_eq!(names, plain);
    let odd_name = directory.enterprise(&number("0367_-OR-1")).await;
    assert!(odd_name.expect("it answers").is_none());
}

#[tokio::test]
async fn a_session_can_write_nothing() {
    // Reading this view writes to a table, as a broken or hostile view could.
    let writing = "\
        CREATE TABLE trap (n int);
        CREATE FUNCTION write_it() RETURNS text LANGUAGE plpgsql AS \
            $$ BEGIN INSERT INTO trap VALUES (1); RETURN 'Линия 1'; END $$;
        DROP TABLE gsm_lines;
        CREATE VIEW gsm_lines AS SELECT '0001363'::text AS line_id, write_it() AS line_name;";
    let url = SERVER
        .database("writing", &format!("{SCHEMA}{writing}"))
        .await;
    let directory = open(&url, DirectoryTimes::default());
    let names = names_of(&directory).await;
    assert!(
        names.lines.is_empty() && !names.extensions.is_empty(),
        "{names:?}"
    );
    assert_eq!(names.missing, ["postgres"]);
    let client = SERVER.client("writing").await;
    let written = client
        .query_one("SELECT count(*) FROM trap", &[])
        .await
        .expect("a row");
    assert_eq!(written.get::<_, i64>(0), 0);
    let writer = client
        .query_one("SELECT line_name FROM gsm_lines", &[])
        .await
        .expect("a row");
    assert_eq!(writer.get::<_, String>(0), "Линия 1", "who may write, does");
}

#[tokio::test]
async fn a_locked_table_costs_its_names_and_no_more_than_two_seconds() {
    let url = SERVER.database("locked", SCHEMA).await;
    let directory = open(&url, forgetful());
    assert!(is_opened_by(&directory, "0367", SECRET).await);
    let mut locker = SERVER.client("locked").await;
    let lock = locker.transaction().await.expect("the server runs");
    lock.batch_execute("LOCK TABLE users")
        .await
        .expect("the statement is right");
    let begun = Instant::now();
    let names = names_of(&directory).await;
    assert!(begun.elapsed() < TWO_SECONDS, "{:?}", begun.elapsed());
    assert_eq!(names.missing, ["postgres"]);
    assert_eq!(
        pairs(&names.lines),
        [("0001363", "Линия 1"), ("17", "Линия 1")]
    );
    assert_eq!(names.owners, ids(&["100000001"]));

    lock.batch_execute("LOCK TABLE enterprises")
        .await
        .expect("the statement is right");
    let begun = Instant::now();
    assert!(
        is_opened_by(&directory, "0367", SECRET).await,
        "as it was last known"
    );
    assert!(directory.enterprise(&number("9999")).await.is_err());
    assert!(begun.elapsed() < 2 * TWO_SECONDS, "{:?}", begun.elapsed());
    lock.rollback().await.expect("the server runs");
    assert!(asked_again(&directory, "9999").await.is_none());
    let names = names_of(&directory).await;
    assert!(
        names.missing.is_empty() && names.chats.len() == 3,
        "{names:?}"
    );
}

#[tokio::test]
async fn cancelled_questions_do_not_delay_others() {
    let url = SERVER.database("given_up", SCHEMA).await;
    let directory = open(&url, forgetful());
    let all = names_of(&directory).await;
    let mut locker = SERVER.client("given_up").await;
    let lock = locker.transaction().await.expect("the server runs");
    lock.batch_execute("LOCK TABLE users")
        .await
        .expect("the statement is right");
    for _ in 0..6 {
        let page = tokio::time::timeout(Duration::from_millis(50), names_of(&directory));
        assert!(page.await.is_err(), "the request was cancelled");
    }
    lock.rollback().await.expect("the server runs");
    let begun = Instant::now();
    assert_eq!(names_of(&directory).await, all);
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn many_pages_at_one_time_get_all_their_names_over_two_connections() {
    let url = SERVER.database("crowded", SCHEMA).await;
    let directory = open(&url, forgetful());
    let pages = (0..50).map(|_| names_of(&directory));
    for names in futures_util::future::join_all(pages).await {
        assert_eq!((names.chats.len(), names.missing.len()), (3, 0));
    }
}

#[tokio::test]
async fn a_refused_login_is_reported_without_its_password() {
    let right = SERVER.url("postgres");
    let wrong = right.replace("made-up-password", "wrong-password");
    let directory = open(&wrong, DirectoryTimes::default());
    let error = directory
        .enterprise(&number("0367"))
        .await
        .expect_err("no source answers")
        .to_string();
    assert!(error.contains("refuses the login"), "{error}");
    let checks = directory.check().await;
    let (_, Err(reason)) = &checks[0] else {
        panic!("it can't be well");
    };
    for text in [error.as_str(), reason] {
        assert!(
            !text.contains("password") && !text.contains("tester"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_restart_of_the_server_is_not_noticed_and_its_end_is() {
    let captured = CapturedLog::default();
    let writer = captured.clone();
    let log = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .without_time();
    // With only one subscriber, an event that a thread of another test logs first, without the
    // subscriber, would be disabled for the subscriber too. So there are two.
    let _other = tracing::Dispatch::new(tracing_subscriber::registry());
    let _log = tracing::subscriber::set_default(log.with_ansi(false).finish());
    let mut server = Server::start();
    let url = server.database("restarted", SCHEMA).await;
    let directory = open(&url, forgetful());
    assert!(is_opened_by(&directory, "0367", SECRET).await);
    let all = names_of(&directory).await;
    assert!(all.missing.is_empty());

    server.stop();
    server.start_again();
    assert_eq!(names_of(&directory).await, all);
    assert!(is_opened_by(&directory, "0367", SECRET).await);
    assert!(
        directory
            .enterprise(&number("0270"))
            .await
            .expect("it answers")
            .is_some()
    );

    server.stop();
    tokio::time::sleep(5 * FRESH).await;
    let begun = Instant::now();
    assert!(
        is_opened_by(&directory, "0367", SECRET).await,
        "as it was last known"
    );
    assert!(directory.enterprise(&number("9999")).await.is_err());
    let none = names_of(&directory).await;
    assert!(none.chats.is_empty() && none.missing == ["postgres"]);
    let checks = directory.check().await;
    let reason = "can't be reached: connection refused".to_owned();
    assert_eq!(checks, [("postgres", Err(reason))]);
    assert!(begun.elapsed() < TWO_SECONDS, "{:?}", begun.elapsed());

    server.start_again();
    assert!(asked_again(&directory, "9999").await.is_none());
    assert_eq!(names_of(&directory).await, all);
    let text = captured
        .0
        .lock()
        .expect("no thread panics while holding it")
        .clone();
    let text = String::from_utf8(text).expect("a log is text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines.len(),
        2,
        "once that it went, once that it is back: {lines:#?}"
    );
    assert!(lines[0].contains("WARN") && lines[0].contains("postgres can't be reached"));
    assert!(lines[1].contains("INFO") && lines[1].contains("postgres is back"));
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct CapturedLog(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for CapturedLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut buffer = self.0.lock().expect("no thread panics while holding it");
        buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_enterprise_is_known_by_its_name_and_by_its_token() {
    let url = SERVER.database("called", SCHEMA).await;
    let directory = open(&url, DirectoryTimes::default());
    for (typed, known) in [
        ("june", Some("0367")),
        (" June ", Some("0367")),
        ("375290000000", Some("0367")),
        ("375290000001", Some("0270")),
        ("0367", None),
        ("jun", None),
        ("%", None),
        ("", None),
        // A secret is not a name.
        (SECRET, None),
    ] {
        let numbers = directory.numbers(typed).await.expect("it answers");
        let numbers: Vec<_> = numbers.iter().map(EnterpriseName::as_str).collect();
        assert_eq!(numbers, Vec::from_iter(known), "{typed:?}");
    }
    let without = SCHEMA.replace("name2", "name3");
    let directory = open(
        &SERVER.database("nameless", &without).await,
        DirectoryTimes::default(),
    );
    let numbers = directory.numbers("375290000000").await;
    assert_eq!(numbers.expect("it answers"), []);
}

#[tokio::test]
async fn a_server_that_takes_connections_and_says_nothing_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("it is bound").port();
    let url = format!("postgres://tester:made-up@127.0.0.1:{port}/db");
    let directory = open(&url, DirectoryTimes::default());
    let begun = Instant::now();
    let names = names_of(&directory).await;
    assert!(begun.elapsed() < TWO_SECONDS, "{:?}", begun.elapsed());
    assert_eq!(names.missing, ["postgres"]);
    let begun = Instant::now();
    assert!(directory.enterprise(&number("0367")).await.is_err());
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "it is left alone for a while"
    );
}
