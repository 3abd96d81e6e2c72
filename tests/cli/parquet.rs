//! Parquet that `export` and `stats` write, read back with a reader that knows nothing of calltrace's columns.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::FileReader as _;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::record::{Field, Row};
use serde_json::{Map, Value, json};
use testing::generator::{Compress, Plan, write_tree};
use testing::{command, out, run, sample};

use crate::exporting::{Scene, calls, stderr_of};

/// The rows of a file, by column; times as text, as JSON has them.
fn rows(path: &Path) -> Vec<Map<String, Value>> {
    let reader = SerializedFileReader::new(File::open(path).expect("open")).expect("Parquet");
    let rows = reader.get_row_iter(None).expect("rows");
    rows.map(|row| fields(&row.expect("a row"))).collect()
}

fn fields(row: &Row) -> Map<String, Value> {
    let columns = row.get_column_iter();
    columns
        .map(|(name, field)| (name.clone(), value(field)))
        .collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(flag) => json!(flag),
        Field::Long(number) => json!(number),
        Field::Str(text) => json!(text),
        Field::Date(days) => json!(date(*days)),
        Field::TimestampMillis(at) => {
            let at = chrono::DateTime::from_timestamp_millis(*at).expect("a time");
            json!(at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        }
        Field::Group(row) => Value::Object(fields(row)),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        other => panic!("{other:?} is none of ours"),
    }
}

fn date(days: i32) -> String {
    let days = chrono::NaiveDate::from_epoch_days(days);
    days.expect("a day").to_string()
}

fn export(root: &Path, to: &Path, status: i32, args: &[&str]) {
    let mut command = command(root);
    command.args(["export", "--out"]).arg(to).args(args);
    let output = command.output().expect("it starts");
    assert_eq!(output.status.code(), Some(status), "{}", stderr_of(&output));
}

#[test]
fn exported_rows_are_those_of_the_json() {
    let dir = tempfile::tempdir().expect("a folder");
    export(&sample(), dir.path(), 0, &["0367", "--format", "parquet"]);
    let printed = ["search", "0367", "--limit", "0", "--format", "ndjson"];
    let printed = out(&run(&sample(), &printed));
    let mut printed: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    printed.pop();
    printed.reverse();
    let rows = rows(&dir.path().join("calls.parquet"));
    assert!(rows.len() > 50 && rows.len() == printed.len());
    for (row, printed) in rows.iter().zip(&printed) {
        let shared = row.iter().filter(|(name, _)| *name != "handed_on");
        let shared = shared.filter_map(|(name, value)| Some((name, value, printed.get(name)?)));
        let names: Vec<_> = shared
            .map(|(name, value, printed)| assert_eq!(value, printed, "{name} of {printed}"))
            .collect();
        assert!(names.len() >= 20, "only {} columns are shared", names.len());
        for (of, count) in printed["messages"].as_object().expect("counts") {
            assert_eq!(row[&format!("messages_{of}")], *count);
        }
        let handed_on = row["handed_on"].as_array().expect("a list");
        assert_eq!(
            handed_on.len(),
            printed["handed_on"].as_array().map_or(0, Vec::len)
        );
        let has = |list: &str, text: &Value| {
            let list = row[list].as_array().expect("a list");
            list.contains(text)
        };
        for rang in printed["rang"].as_array().expect("a list") {
            assert!(has("parties", rang), "{row:?}");
        }
        let trunk = &printed["trunk"];
        assert!(*trunk == "" || has("trunks", trunk), "{row:?}");
    }
    assert!(rows.iter().any(|row| row["faults"] != json!([])));
}

/// A tree of three days of which rotation has made tables.
fn sealed(dir: &Path) -> PathBuf {
    let root = dir.join("call_tracer");
    let plan = Plan {
        seed: 3,
        days: 3,
        calls_per_day: 120,
        mess: true,
        compress: Compress::Bgzf,
        ..Plan::default()
    };
    write_tree(&plan, &root).expect("written");
    root
}

fn tables(root: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(root.join("0367/.calltrace")).into_iter();
    let paths = listed.flatten().map(|entry| entry.expect("listed").path());
    paths
        .filter(|path| path.to_string_lossy().ends_with(".calls.parquet"))
        .collect()
}

#[test]
fn exported_rows_are_those_of_the_tables_and_the_same_bytes_without() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = sealed(dir.path());
    let exported = |to: &str, args: &[&str]| {
        let to = dir.path().join(to);
        // Some files are damaged.
        export(&root, &to, 2, &[&["--format", "parquet"], args].concat());
        fs::read(to.join("calls.parquet")).unwrap_or_default()
    };
    let without = exported("without", &[]);
    let rotated = run(&root, &["rotate", "--keep", "5000d"]);
    assert!(
        !stderr_of(&rotated).contains("table"),
        "{}",
        stderr_of(&rotated)
    );
    let tables = tables(&root);
    assert!(tables.len() >= 3, "{tables:?}");
    let with = exported("with", &[]);
    assert!(without == with, "tables change an export");
    let all = rows(&dir.path().join("with/calls.parquet"));
    let rows_of_tables: Vec<_> = tables.iter().flat_map(|table| rows(table)).collect();
    assert!(rows_of_tables.len() > 300 && rows_of_tables.len() <= all.len());
    for row in &rows_of_tables {
        assert!(all.contains(row), "{row:?}");
    }
    // The files of all days together have as many rows as the single file.
    exported("days", &["--per-day"]);
    let mut days: Vec<PathBuf> = fs::read_dir(dir.path().join("days"))
        .expect("made")
        .map(|entry| entry.expect("listed").path())
        .filter(|path| path.extension().is_some_and(|end| end == "parquet"))
        .collect();
    days.sort();
    assert!(days.len() >= 3, "{days:?}");
    let days: Vec<_> = days.iter().flat_map(|day| rows(day)).collect();
    assert_eq!(days, all);
    exported("missed", &["--status", "missed"]);
    let missed = rows(&dir.path().join("missed/calls.parquet"));
    let of_all = all.iter().filter(|row| row["result"] == "missed");
    assert_eq!(missed, of_all.cloned().collect::<Vec<_>>());
    assert!(!missed.is_empty());
}

#[test]
fn groups_of_rows_are_written_one_after_the_other() {
    let scene = Scene::new(&[("events.log", &calls("2025-12-02", 8_200))]);
    scene.ends(
        &["--format", "parquet"],
        0,
        "calltrace: 1 file, 8,200 calls in OUT\n",
    );
    let path = scene.out().join("calls.parquet");
    let reader = SerializedFileReader::new(File::open(&path).expect("open")).expect("Parquet");
    let groups: Vec<i64> = reader
        .metadata()
        .row_groups()
        .iter()
        .map(RowGroupMetaData::num_rows)
        .collect();
    assert_eq!(groups, [8_192, 8]);
    assert_eq!(rows(&path).len(), 8_200);
}

#[test]
fn a_second_parquet_export_writes_nothing_and_an_empty_one_has_columns() {
    let scene = Scene::three_days();
    let per_day = ["--per-day", "--format", "parquet"];
    scene.ends(&per_day, 0, "calltrace: 3 files, 45 calls in OUT\n");
    let first = scene.files();
    let names = [
        "calls-2025-11-30.parquet",
        "calls-2025-12-01.parquet",
        "calls-2025-12-02.parquet",
        "export.json",
    ];
    assert_eq!(scene.names(), names);
    scene.ends(&per_day, 0, "calltrace: 3 files, 45 calls in OUT\n");
    assert_eq!(scene.files(), first);
    scene.ends(
        &["--format", "parquet", "--raw-csv"],
        2,
        "calltrace: --raw-csv changes only CSV, and the format is parquet; leave it out\n",
    );
    let empty = Scene::new(&[]);
    empty.ends(
        &["--format", "parquet"],
        1,
        "calltrace: 1 file, 0 calls in OUT\n",
    );
    assert!(rows(&empty.out().join("calls.parquet")).is_empty());
}

#[test]
fn statistics_have_the_rows_of_the_csv_and_one_of_all_calls() {
    let dir = tempfile::tempdir().expect("a folder");
    for by in [
        "",
        "hour",
        "weekday",
        "day",
        "person",
        "line",
        "client",
        "enterprise",
    ] {
        let by: &[&str] = if by.is_empty() { &[] } else { &["--by", by] };
        let stats = |by: &[&str], format: &str| {
            let args = [&["stats", "0103", "0367", "--format", format], by].concat();
            run(&sample(), &args).stdout
        };
        let path = dir.path().join("stats.parquet");
        fs::write(&path, stats(by, "parquet")).expect("written");
        let cell = |value: Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            other => panic!("{other}"),
        };
        let records = |text: &[u8]| -> Vec<Vec<(String, String)>> {
            let mut csv = csv::Reader::from_reader(text);
            let head = csv.headers().expect("a head").clone();
            let named = |row: &csv::StringRecord| {
                let cells = head.iter().zip(row.iter());
                cells
                    .map(|(name, cell)| (name.to_owned(), cell.to_owned()))
                    .collect()
            };
            csv.records().map(|row| named(&row.expect("CSV"))).collect()
        };
        let mut read: Vec<Vec<(String, String)>> = rows(&path)
            .into_iter()
            .map(|row| row.into_iter().map(|(name, v)| (name, cell(v))).collect())
            .collect();
        let total = read.pop().expect("the row of all calls");
        let groups = records(&stats(by, "csv"));
        match by.is_empty() {
            true => assert_eq!((groups.as_slice(), read.len()), (&[total][..], 0)),
            false => {
                assert!(groups.len() > 1 && read == groups, "{by:?}");
                let figures = total.iter().filter(|(_, cell)| !cell.is_empty());
                let all = records(&stats(&[], "csv"));
                let wanted = all[0].iter().filter(|(_, cell)| !cell.is_empty());
                assert!(figures.eq(wanted), "{by:?}");
            }
        }
    }
}

#[test]
fn a_terminal_gets_no_parquet() {
    let binary = testing::program();
    let script = format!("{} stats 0367 --format parquet", binary.display());
    let mut command = std::process::Command::new("script");
    testing::surround(&mut command);
    command.env("CALLTRACE_ROOT", sample());
    command.args(["-qec", &script, "/dev/null"]);
    let output = command.output().expect("util-linux is there");
    let printed = out(&output);
    let wanted = "calltrace: --format parquet is not text and stdout is a terminal; add > FILE";
    assert_eq!(
        (printed.trim_end(), output.status.code()),
        (wanted, Some(2))
    );
}
