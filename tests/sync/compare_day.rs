//! A generated day: `compare` names exactly what was dropped, doubled and altered, whatever it is read from.
//!
//! `CALLTRACE_COMPARE_EVENTS=60000 cargo test --profile torture --test sync compare_day` takes a whole day.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use calltrace_directory::{
    Config, Directory, DirectoryTimes, PostgresConfig, Secret, SecretSource, StoredEvents,
};
use testing::run;

use crate::compare::{json, tree};
use crate::day::{Day, Fate, TOKEN};
use crate::postgres::Server;

fn count() -> usize {
    let set = std::env::var("CALLTRACE_COMPARE_EVENTS").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(6_000)
}

fn day(seed: u64) -> Day {
    Day::generate(count(), seed)
}

/// Compares, and checks that exactly the right events are named.
fn check(day: &Day, root: &Path, sent: &Path, received: &str, args: &[&str]) {
    let sent = sent.display().to_string();
    let args = [&["compare", &sent, received, "--format", "json"], args].concat();
    let output = run(root, &args);
    let document = json(&output);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in document["differences"].as_array().expect("a list") {
        let text = |key: &str| one[key].as_str().expect("a text").to_owned();
        found.entry(text("kind")).or_default().push(text("id"));
    }
    found.values_mut().for_each(|ids| ids.sort());
    let expected = BTreeMap::from([
        (
            "missing".to_owned(),
            day.ids(&[Fate::Dropped, Fate::NotTried]),
        ),
        ("duplicate".to_owned(), day.ids(&[Fate::Doubled])),
        ("differs".to_owned(), day.ids(&[Fate::Altered])),
    ]);
    assert_eq!(found, expected, "{sent} {received}");
    let sent = day.sent.len() + day.ids(&[Fate::SentTwice]).len();
    assert_eq!(document["total"]["sent"], sent);
    assert_eq!(document["total"]["unsent"], 0);
    assert_eq!(document["incomplete"], serde_json::json!([]));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_journal_against_the_tree() {
    let (dir, day) = (tree(), day(1));
    day.write_tree(dir.path());
    let journal = day.write_journal(dir.path());
    check(&day, dir.path(), &journal, "0367", &[]);
    check(
        &day,
        dir.path(),
        &journal,
        "0367",
        &["--journal-tz", "+03:00"],
    );
    let args = [
        "compare",
        &journal.display().to_string(),
        "0367",
        "--format",
        "json",
    ];
    let document = json(&run(dir.path(), &args));
    let not_tried = document["differences"].as_array().expect("a list").iter();
    let not_tried = not_tried.filter(|one| one["sent"]["delivery"] == "not_tried");
    assert_eq!(not_tried.count(), day.ids(&[Fate::NotTried]).len());
}

#[test]
fn an_emulator_against_each_side() {
    let (dir, day) = (tree(), day(2));
    day.write_tree(dir.path());
    let sent = day.write_tester(dir.path());
    check(&day, dir.path(), &sent, "0367", &[]);
    let one = day.write_one_enterprise(dir.path());
    check(&day, dir.path(), &sent, &one.display().to_string(), &[]);
    let all = day.write_all_events(dir.path());
    check(&day, dir.path(), &sent, &all.display().to_string(), &[]);
}

/// The table of the field.
const TABLE: &str = "CREATE TABLE call_events (id serial PRIMARY KEY, call_id int, unique_id text, event_type text, \
    event_timestamp timestamp, received_timestamp timestamptz, data_source text, raw_data jsonb);";

pub(crate) static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

#[tokio::test(flavor = "multi_thread")]
async fn an_emulator_against_the_database() {
    let (dir, day) = (tree(), Day::generate(600, 3));
    let sent = day.write_tester(dir.path());
    let url = SERVER
        .database("compared", &(TABLE.to_owned() + &day.rows()))
        .await;
    let secret = dir.path().join("url");
    std::fs::write(&secret, url).expect("its own file");
    let config = dir.path().join("config.toml");
    let text = format!(
        "[postgres]\nurl_file = {:?}\n",
        secret.display().to_string()
    );
    std::fs::write(&config, text).expect("its own file");
    let config = config.display().to_string();
    check(&day, dir.path(), &sent, "postgres", &["--config", &config]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_other_forms_are_read_as_far_as_they_go() {
    let row =
        "INSERT INTO call_events VALUES ('dial', '{\"Token\": \"1\"}', '2025-12-02 09:15:00.250');";
    let bare = "CREATE TABLE call_events (event_type text, raw_data text, created_at timestamp);";
    let none = "CREATE TABLE call_events (event_type text);";
    for (name, tables, rows) in [
        ("bare", format!("{bare}{row}"), Some(1)),
        ("nothing", none.to_owned(), None),
    ] {
        let url = SERVER.database(name, &tables).await;
        let config = Config {
            postgres: PostgresConfig {
                url: Secret::new(&url).map(SecretSource::Here),
                pool: 1,
            },
            ..Config::default()
        };
        let (directory, _) =
            Directory::open_with(&config, DirectoryTimes::default()).expect("an address");
        let mut question = StoredEvents {
            from_millis: 1_764_666_900_250,
            to_millis: 1_764_666_900_250,
            tokens: vec!["1".to_owned()],
            limit: 10,
        };
        let found = directory
            .stored_events(&question)
            .await
            .expect("it answers");
        assert_eq!(found.map(|rows| rows.len()), rows, "{name}");
        question.tokens = vec![TOKEN.to_owned()];
        let found = directory
            .stored_events(&question)
            .await
            .expect("it answers");
        assert_eq!(found.map(|rows| rows.len()), rows.map(|_| 0), "{name}");
    }
}
