//! `calltrace sync` with a database: hosts that it names, and copies of calls that it is given.

use std::fs;

use serde_json::Value;

use crate::compare_day::SERVER;
use crate::recovering::Field;
use crate::sent_day::{DAY, Day};

/// The tables of the field, with the columns that these tests need.
const TABLES: &str = "
CREATE TABLE enterprises (number text, name text, ip text, host text, active bool);
INSERT INTO enterprises VALUES ('0367', 'june', '192.0.2.1', '', true), ('0368', 'july', ' 127.0.0.1 ', '', true), \
    ('0369', 'gone', '127.0.0.1', '', false), ('0370', 'none', NULL, '', true), ('0371', 'odd', '-oX', '', true);
CREATE TABLE calls (id serial PRIMARY KEY, unique_id text UNIQUE NOT NULL, enterprise_id text, call_type text, \
    call_status text, data_source text DEFAULT 'live', raw_data jsonb);
";

#[tokio::test(flavor = "multi_thread")]
async fn hosts_of_the_database_are_reached_like_one_of_the_settings() {
    let (field, day) = (Field::new(), Day::of(200));
    day.write(&field.journals, &field.logs());
    fs::create_dir_all(field.root().join("0368")).expect("its own folder");
    let url = SERVER.database("sync_hosts", TABLES).await;
    let host = field.host("pbx", &field.sshd.key(), &field.sshd.known_hosts());
    let with = |more: &str| format!("[sync]\npostgres_url = \"{url}\"\n{more}\n{host}");
    field.set(&with("hosts_like = \"pbx\""));
    let output = field.run(&["sync", "--all", "--format", "json"]);
    let stderr = testing::text(&output.stderr);
    assert!(
        stderr.contains("enterprise \"0371\", address \"-oX\""),
        "{stderr}"
    );
    let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
    let hosts = document["hosts"].as_array().expect("a list");
    let reported: Vec<_> = hosts
        .iter()
        .map(|host| {
            (
                host["enterprise"].as_str(),
                host["host"].as_str(),
                host["failure"].is_null(),
            )
        })
        .collect();
    let expected = [
        (Some("0367"), Some("pbx"), true),
        (Some("0368"), Some("0368"), true),
    ];
    assert_eq!(reported, expected, "{document}");
    // The same journals, and nothing of them in the logs of the other enterprise.
    assert_eq!(hosts[0]["recovered"], day.dropped.len());
    assert_eq!(hosts[1]["recovered"], day.sent.len());
    let hangups = day.sent.iter().filter(|sent| sent.event == "hangup");
    let calls: std::collections::BTreeSet<&str> =
        hangups.map(|sent| sent.unique_id.as_str()).collect();
    let client = SERVER.client("sync_hosts").await;
    let row = client
        .query_one(
            "SELECT count(*), count(DISTINCT unique_id), min(data_source) FROM calls",
            &[],
        )
        .await
        .expect("the statement is right");
    let (count, ids, source): (i64, i64, String) = (row.get(0), row.get(1), row.get(2));
    assert_eq!(
        (count, ids, source.as_str()),
        (calls.len() as i64, calls.len() as i64, "downloaded")
    );

    field.set(&with("hosts_like = \"pbz\""));
    let output = field.run(&["sync"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(testing::text(&output.stderr).contains("there is no [hosts.pbz]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_calls_are_copied_by_the_next_run() {
    let (field, day) = (Field::new(), Day::of(200));
    day.write(&field.journals, &field.logs());
    let url = SERVER.database("sync_late", "").await;
    let host = field.host("pbx", &field.sshd.key(), &field.sshd.known_hosts());
    field.set(&format!("[sync]\npostgres_url = \"{url}\"\n{host}"));
    let (exit, done) = field.sync(&[]);
    assert_eq!(
        (exit, &done[0]["failure"]["kind"]),
        (Some(2), &Value::from("database")),
        "{done:?}"
    );
    // The logs have their events nevertheless.
    assert_eq!(field.recovered().0, day.dropped);
    let client = SERVER.client("sync_late").await;
    client
        .batch_execute(TABLES)
        .await
        .expect("the statement is right");
    let (exit, done) = field.sync(&[]);
    assert_eq!(
        (exit, &done[0]["recovered"]),
        (Some(0), &Value::from(0)),
        "{done:?} {DAY}"
    );
    assert!(done[0]["copied"].as_u64() > Some(0), "{done:?}");
    let (exit, done) = field.sync(&[]);
    assert_eq!((exit, &done[0]["processed"]), (Some(0), &Value::from(0)));
}
