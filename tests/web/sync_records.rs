//! Copies of calls in a real PostgreSQL with the tables of the field.

use std::time::{Duration, Instant};

use calltrace_directory::{Secret, SecretSource};
use calltrace_model::record::Zone;
use calltrace_sync::records::{
    CallDatabase, CallDatabaseConfig, CopyOutcome, HostEvent, HostOrigin, HostState, Notation,
    RunNote,
};
use tokio_postgres::Client;

use crate::directory_postgres::SERVER;

/// The tables of the field's database, as they were created.
pub(crate) const TABLES: &str = "
CREATE TABLE calls (id serial PRIMARY KEY, unique_id text UNIQUE NOT NULL, mongo_id text, \
    timestamp timestamp, start_time timestamp, end_time timestamp, duration integer, enterprise_id text, \
    token text, phone_number text, trunk text, main_extension text, extensions_count integer, \
    call_type text, call_status text, data_source text DEFAULT 'live', received_timestamp timestamp, \
    asterisk_host text, raw_data jsonb, extra_data jsonb, created_at timestamp DEFAULT now());
CREATE TABLE call_participants (id serial PRIMARY KEY, \
    call_id integer REFERENCES calls (id) ON DELETE CASCADE, extension text, participant_status text, \
    ring_order integer, ring_duration integer, dial_start timestamp, answer_time timestamp, \
    hangup_time timestamp, extension_info jsonb, disconnect_reason text, created_at timestamp DEFAULT now());
CREATE TABLE download_sync (id serial PRIMARY KEY, enterprise_id text, asterisk_host text, \
    last_check_timestamp timestamp, last_successful_sync timestamp, last_failed_sync timestamp, \
    total_downloaded_events integer DEFAULT 0, failed_events_count integer DEFAULT 0, \
    last_error_message text, sync_enabled boolean DEFAULT true, check_interval_minutes integer DEFAULT 60, \
    created_at timestamp DEFAULT now(), updated_at timestamp DEFAULT now(), \
    UNIQUE (enterprise_id, asterisk_host));
";

/// The further columns of newer databases.
const NEWER: &str = "
ALTER TABLE calls ADD uuid_token text, ADD call_url text;
ALTER TABLE call_participants ADD UNIQUE (call_id, extension);
";

fn open(url: &str, notation: Notation) -> CallDatabase {
    let config = CallDatabaseConfig {
        url: Secret::new(url).map(SecretSource::Here),
        notation,
    };
    let mut warnings = Vec::new();
    let records = CallDatabase::open(&config, &mut warnings).expect("it is an address");
    assert!(warnings.is_empty(), "{warnings:?}");
    records.expect("there is an address")
}

fn origin() -> HostOrigin<'static> {
    HostOrigin {
        enterprise: "0367",
        host: "192.0.2.7",
        zone: Zone::fixed(3 * 3600).expect("a zone"),
    }
}

fn event(event: &str, unique_id: &str, request: &str) -> HostEvent {
    HostEvent {
        place: format!("Listen_AMI_2025-12-02.db APIlogs {unique_id}"),
        written: "2025-12-02T12:40:35".parse().ok(),
        event: event.to_owned(),
        unique_id: unique_id.to_owned(),
        request: request.to_owned(),
    }
}

/// A hangup with further fields.
fn hangup(unique_id: &str, fields: &str) -> HostEvent {
    let usual = r#""Token":"375290000000","Phone":"375290001234","Trunk":"0001363""#;
    let request = format!("{{{usual},\"UniqueId\":\"{unique_id}\",{fields}}}");
    event("hangup", unique_id, &request)
}

const ANSWERED: &str = r#""Extensions":["151"],"CallType":0,"DateReceived":"2025-12-02 12:15:00","StartTime":"2025-12-02 12:15:01","EndTime":"2025-12-02 12:17:02","CallStatus":"2""#;

/// Returns the rows of a query for text columns; null is `-`.
async fn rows(client: &Client, question: &str) -> Vec<String> {
    let rows = client.query(question, &[]).await.expect("it is right");
    let row = |row: &tokio_postgres::Row| {
        let columns = (0..row.len()).map(|at| row.get::<_, Option<String>>(at));
        let columns: Vec<String> = columns.map(|it| it.unwrap_or_else(|| "-".into())).collect();
        columns.join("|")
    };
    rows.iter().map(row).collect()
}

const CALLS: &str = "SELECT unique_id, call_type, call_status, main_extension, extensions_count::text, \
    start_time::text, end_time::text, duration::text, data_source FROM calls ORDER BY id";

const PARTICIPANTS: &str = "SELECT calls.unique_id, extension, participant_status, ring_order::text \
    FROM call_participants JOIN calls ON calls.id = call_id ORDER BY calls.id, ring_order";

#[tokio::test]
async fn a_hangup_is_stored_once_with_the_people_it_names() {
    for (name, tables) in [
        ("older", TABLES.to_owned()),
        ("newer", format!("{TABLES}{NEWER}")),
    ] {
        let url = SERVER.database(name, &tables).await;
        let records = open(&url, Notation::Digits);
        let sent = [
            hangup("1764666900.61", ANSWERED),
            hangup(
                "1764668410.88",
                r#""Extensions":[""],"CallType":0,"DateReceived":"2025-12-02 12:40:10","StartTime":"","EndTime":"2025-12-02 12:40:34","CallStatus":"0""#,
            ),
            event(
                "dial",
                "1764668410.88",
                r#"{"UniqueId":"1764668410.88","Extensions":["150","151"]}"#,
            ),
            hangup(
                "1764669930.5",
                r#""Extensions":["152&153","152"],"CallType":"1","DateReceived":"2025-12-02 13:05:30","StartTime":"2025-12-02 13:05:31","EndTime":"2025-12-02 13:06:20","CallStatus":2"#,
            ),
            hangup(
                "1764671405.16",
                r#""Extensions":["150"],"CallType":2,"DateReceived":"2025-12-02 13:30:05","StartTime":"2025-12-02 13:30:09","EndTime":"","CallStatus":"2""#,
            ),
        ];
        let copied = records.copy(origin(), &sent).await;
        let all = CopyOutcome {
            processed: 4,
            new: 4,
            ..CopyOutcome::default()
        };
        assert_eq!(copied, all, "{name}");
        let again = records.copy(origin(), &sent).await;
        assert_eq!(again, CopyOutcome { new: 0, ..all }, "{name}");

        let client = SERVER.client(name).await;
        assert_eq!(
            rows(&client, CALLS).await,
            [
                "1764666900.61|0|2|151|1|2025-12-02 12:15:01|2025-12-02 12:17:02|121|downloaded",
                "1764668410.88|0|0|150|1|2025-12-02 12:40:10|2025-12-02 12:40:34|24|downloaded",
                "1764669930.5|1|2|152|2|2025-12-02 13:05:31|2025-12-02 13:06:20|49|downloaded",
                "1764671405.16|2|2|150|1|2025-12-02 13:30:09|-|-|downloaded",
            ],
            "{name}"
        );
        assert_eq!(
            rows(&client, PARTICIPANTS).await,
            [
                "1764666900.61|151|answered|1",
                "1764668410.88|150|no_answer|1",
                "1764669930.5|152|answered|1",
                "1764669930.5|153|answered|2",
                "1764671405.16|150|answered|1",
            ],
            "{name}"
        );
        let rest = "SELECT enterprise_id, asterisk_host, token, phone_number, trunk, timestamp::text, \
            received_timestamp::text, raw_data->>'UniqueId' FROM calls LIMIT 1";
        let whole = "0367|192.0.2.7|375290000000|375290001234|0001363|2025-12-02 12:15:00|2025-12-02 12:40:35|1764666900.61";
        assert_eq!(rows(&client, rest).await, [whole]);
    }
}

#[tokio::test]
async fn live_records_stay_unchanged() {
    let live = format!("{TABLES}INSERT INTO calls (unique_id, call_status) VALUES ('1.1', '0');");
    let url = SERVER.database("live", &live).await;
    let records = open(&url, Notation::Words);
    let sent = [hangup("1.1", ANSWERED), hangup("1.2", ANSWERED)];
    let copied = records.copy(origin(), &sent).await;
    assert_eq!((copied.processed, copied.new), (2, 1));
    let client = SERVER.client("live").await;
    let stored = rows(
        &client,
        "SELECT unique_id, call_type, call_status, data_source FROM calls ORDER BY 1",
    )
    .await;
    assert_eq!(stored, ["1.1|-|0|live", "1.2|incoming|answered|downloaded"]);
    let participants = rows(&client, PARTICIPANTS).await;
    assert_eq!(participants, ["1.2|151|answered|1"]);
    let sources = records.sources().await.expect("it answers");
    let all: Vec<_> = sources
        .all
        .iter()
        .map(|one| (one.source.as_str(), one.calls))
        .collect();
    assert_eq!(all, [("downloaded", 1), ("live", 1)]);
    assert_eq!(sources.all[0].first.as_deref(), Some("2025-12-02T12:15:01"));
    assert_eq!(
        sources.by_enterprise[0],
        ("0367".into(), "downloaded".into(), 1)
    );
}

#[tokio::test]
async fn a_bad_row_costs_only_itself() {
    // Unusual types, limits, and a rule: everything that can refuse a value.
    let narrow = format!(
        "{TABLES}ALTER TABLE calls ALTER phone_number TYPE varchar(20), \
            ALTER call_type TYPE smallint USING NULL, ALTER start_time TYPE timestamptz, \
            ADD CHECK (trunk <> 'forbidden'); DROP TABLE download_sync;"
    );
    let url = SERVER.database("narrow", &narrow).await;
    let records = open(&url, Notation::Digits);
    let sent = [
        hangup("1.1", ANSWERED),
        hangup(
            "1.2",
            &format!("{ANSWERED},\"Phone\":\"{}\"", "3".repeat(21)),
        ),
        hangup("1.3", &format!("{ANSWERED},\"Trunk\":\"forbidden\"")),
        hangup("1.4", &format!("{ANSWERED},\"Huge\":1e999999")),
        event("hangup", "1.5", "{\"UniqueId\":\"1.5\""),
        hangup(
            "1.6",
            &format!("{ANSWERED},\"Phone\":\"a|b\\\"'c\\u0000\",\"Extensions\":[\"'; --\"]"),
        ),
        hangup("1.7", ANSWERED),
    ];
    let copied = records.copy(origin(), &sent).await;
    assert_eq!(
        (copied.processed, copied.new, copied.errors),
        (6, 3, 4),
        "{copied:?}"
    );
    assert_eq!(copied.failure, None);
    let named: Vec<String> = copied.named.iter().map(ToString::to_string).collect();
    let place = "Listen_AMI_2025-12-02.db APIlogs";
    assert_eq!(
        named,
        [
            format!("{place} 1.5: the request is no JSON object"),
            format!("{place} 1.2: a value does not fit its column (22001)"),
            format!("{place} 1.3: a row breaks a rule of its table (23514)"),
            format!("{place} 1.4: a value does not fit its column (22003)"),
        ]
    );
    let client = SERVER.client("narrow").await;
    let stored = "SELECT unique_id, phone_number, call_type::text, \
        (start_time AT TIME ZONE 'UTC')::text FROM calls ORDER BY 1";
    assert_eq!(
        rows(&client, stored).await,
        [
            "1.1|375290001234|0|2025-12-02 09:15:01",
            "1.6|a|b\"'c\u{fffd}|0|2025-12-02 09:15:01",
            "1.7|375290001234|0|2025-12-02 09:15:01",
        ]
    );
    assert_eq!(rows(&client, PARTICIPANTS).await[1], "1.6|'; --|answered|1");
    let note = records
        .note(origin(), RunNote::default(), testing::clock().utc())
        .await;
    assert_eq!(note, Ok(()), "nowhere to note it");
    assert_eq!(records.states().await, Ok(Vec::new()));
}

#[tokio::test]
async fn the_state_of_a_host_sums_up_all_runs() {
    // The same where no constraint prevents a second row for a host.
    let loose = format!(
        "{TABLES}ALTER TABLE download_sync DROP CONSTRAINT download_sync_enterprise_id_asterisk_host_key;"
    );
    for (name, tables) in [("strict", TABLES), ("loose", &loose)] {
        let url = SERVER.database(name, tables).await;
        let records = open(&url, Notation::Digits);
        let now = testing::clock().utc();
        let one = RunNote {
            new: 3,
            errors: 1,
            message: Some("a row"),
            ..RunNote::default()
        };
        let notes = (0..4).map(|_| records.note(origin(), one, now));
        for noted in futures_util::future::join_all(notes).await {
            assert_eq!(noted, Ok(()));
        }
        let failed = RunNote {
            failure: Some("no route\0 to host"),
            ..RunNote::default()
        };
        let later = now + chrono::TimeDelta::minutes(5);
        assert_eq!(records.note(origin(), failed, later).await, Ok(()));
        let state = HostState {
            enterprise: "0367".into(),
            host: "192.0.2.7".into(),
            last_sync: Some(now.format("%Y-%m-%dT%H:%M:%S").to_string()),
            downloaded: 12,
            failed: 4,
            last_error: Some("no route\u{fffd} to host".into()),
        };
        assert_eq!(records.states().await, Ok(vec![state]), "{name}");
        let client = SERVER.client(name).await;
        let times = "SELECT (last_failed_sync - last_successful_sync)::text, \
            (last_check_timestamp = last_failed_sync)::text, sync_enabled::text FROM download_sync";
        assert_eq!(rows(&client, times).await, ["00:05:00|true|true"]);
        let well = RunNote {
            new: 1,
            ..RunNote::default()
        };
        assert_eq!(records.note(origin(), well, later).await, Ok(()));
        let states = records.states().await.expect("it answers");
        assert_eq!((states[0].downloaded, &states[0].last_error), (13, &None));
    }
}

#[tokio::test]
async fn ten_thousand_rows_take_a_few_seconds() {
    let url = SERVER.database("many", TABLES).await;
    let records = open(&url, Notation::Digits);
    let sent: Vec<HostEvent> = (0..10_000)
        .map(|n| hangup(&format!("17646669.{n}"), ANSWERED))
        .collect();
    let begin = Instant::now();
    let copied = records.copy(origin(), &sent).await;
    let (first, begin) = (begin.elapsed(), Instant::now());
    assert_eq!(
        (copied.new, copied.errors, copied.failure),
        (10_000, 0, None)
    );
    let again = records.copy(origin(), &sent).await;
    assert_eq!((again.processed, again.new), (10_000, 0));
    let bound = Duration::from_secs(20);
    assert!(
        first < bound && begin.elapsed() < bound / 2,
        "{first:?}, then {:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn a_database_that_lacks_something_or_is_gone_says_so() {
    let url = SERVER.database("bare", "CREATE TABLE calls (id int)").await;
    let lacking = open(&url, Notation::Digits)
        .copy(origin(), &[hangup("1.1", ANSWERED)])
        .await;
    let message = lacking.failure.expect("it fails").to_string();
    assert_eq!(message, "it has no table calls with a column unique_id");
    let gone = open("postgres://u:s3cret@127.0.0.1:1/db", Notation::Digits);
    let copied = gone.copy(origin(), &[hangup("1.1", ANSWERED)]).await;
    let message = copied.failure.expect("it fails").to_string();
    assert_eq!(message, "can't be reached: connection refused");
    assert!(gone.check().await.is_err());
    let url = SERVER
        .database(
            "closed",
            &format!("{TABLES}CREATE ROLE reader LOGIN PASSWORD 'x';"),
        )
        .await;
    let closed = open(
        &url.replace("tester:made-up-password", "reader:x"),
        Notation::Digits,
    );
    let copied = closed.copy(origin(), &[hangup("1.1", ANSWERED)]).await;
    let message = copied.failure.expect("it fails").to_string();
    assert_eq!(message, "permission is denied (42501)");
}

#[tokio::test]
async fn rows_under_way_are_rolled_back_when_the_run_is_given_up() {
    let url = SERVER.database("copy_given_up", TABLES).await;
    let records = open(&url, Notation::Digits);
    let sent: Vec<HostEvent> = (0..5_000)
        .map(|n| hangup(&format!("1.{n}"), ANSWERED))
        .collect();
    let copy = records.copy(origin(), &sent);
    let ended = tokio::time::timeout(Duration::from_millis(150), copy).await;
    assert!(ended.is_err(), "a machine that writes 5000 rows in 150 ms");
    let client = SERVER.client("copy_given_up").await;
    let count = "SELECT (count(*) % 500)::text FROM calls";
    assert_eq!(rows(&client, count).await, ["0"], "whole batches only");
    let rest = records.copy(origin(), &sent).await;
    assert_eq!((rest.processed, rest.failure), (5_000, None));
    assert_eq!(
        rows(&client, "SELECT count(*)::text FROM calls").await,
        ["5000"]
    );
}
