//! The figures of `stats` over generated trees are those that `tests/stats/check.py` works out from the truth about
//! them, without any code of calltrace.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use testing::generator::{Compress, Plan, write_tree};
use testing::{command, out, project, text};

/// Ten hours into the day after the last.
const NOW: &str = "2025-12-01T10:00:00Z";

#[test]
fn every_figure_is_what_the_truth_says() {
    for (seed, mess, within) in [(7, false, 1440), (8, true, 60), (9, true, 2880)] {
        let folder = tempfile::tempdir().expect("a folder of its own");
        let root = folder.path().join("call_tracer");
        let plan = Plan {
            seed,
            enterprises: vec!["0101".to_owned(), "0367".to_owned()],
            calls_per_day: 300,
            compress: Compress::Bgzf,
            mess,
            ..Plan::default()
        };
        write_tree(&plan, &root).expect("written");
        let truth = truth_of(&root, within);
        assert_ne!(truth["callbacks"]["rang_again_answered"], 0, "seed {seed}");
        let mut compared = 0;
        for by in truth["groups"].as_object().expect("groups").keys() {
            let stats = stats_of(&root, by, within);
            for field in ["total", "by_weekday_and_hour"] {
                same(
                    &truth[field],
                    &stats[field],
                    &format!("seed {seed}: {field}"),
                );
            }
            same(
                &truth["callbacks"],
                &callbacks(&stats),
                &format!("seed {seed}: callbacks"),
            );
            same(
                &truth["requests"],
                &requests(&stats),
                &format!("seed {seed}: requests"),
            );
            let groups = groups(&stats, by);
            let wanted = truth["groups"][by].as_object().expect("groups");
            let names: Vec<&String> = groups.keys().collect();
            let mut wanted_names: Vec<&String> = wanted.keys().collect();
            wanted_names.sort();
            assert_eq!(names, wanted_names, "seed {seed}: {by}");
            for (name, figures) in wanted {
                same(figures, &groups[name], &format!("seed {seed}: {by} {name}"));
                compared += 1;
            }
        }
        assert!(
            compared > 300,
            "seed {seed}: only {compared} groups were compared"
        );
    }
}

/// Each field of the truth; the program prints some more.
fn same(truth: &Value, printed: &Value, what: &str) {
    let Some(fields) = truth.as_object() else {
        assert_eq!(truth, printed, "{what}");
        return;
    };
    for (name, value) in fields {
        assert_eq!(value, &printed[name], "{what}: {name}");
    }
}

fn truth_of(root: &Path, within: u32) -> Value {
    let output = Command::new("python3")
        .arg(project().join("tests/stats/check.py"))
        .arg(root)
        .args(["3", NOW, &within.to_string()])
        .output()
        .expect("python3 starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn stats_of(root: &Path, by: &str, within: u32) -> Value {
    let within = format!("{within}m");
    let output = command(root)
        .args(["stats", "--by", by, "--format", "json", "--limit", "0"])
        .args(["--tz", "Europe/Minsk", "--callback-within", &within])
        .env("CALLTRACE_NOW", NOW)
        .output()
        .expect("the command starts");
    serde_json::from_str(&out(&output)).expect("JSON")
}

/// The groups that have calls, by their names.
fn groups(stats: &Value, by: &str) -> BTreeMap<String, Value> {
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let groups = stats["groups"].as_array().expect("groups").iter();
    let groups = groups.filter(|group| group["calls"] != 0);
    groups
        .map(|group| {
            let name = match (group.get("enterprise_number"), group.get(by)) {
                (Some(enterprise), Some(name)) => format!("{} {}", shown(enterprise), shown(name)),
                (Some(one), None) | (None, Some(one)) => shown(one),
                (None, None) => panic!("a group without a name: {group}"),
            };
            (name, group.clone())
        })
        .collect()
}

fn callbacks(stats: &Value) -> Value {
    let mut callbacks = stats["callbacks"].clone();
    let by = callbacks["by"].as_array().expect("persons").iter();
    let by: serde_json::Map<String, Value> = by
        .map(|by| {
            let text = |field: &str| by[field].as_str().expect("a name").to_owned();
            let name = format!("{} {}", text("enterprise_number"), text("person"));
            (name, by["called_back"].clone())
        })
        .collect();
    callbacks["by"] = Value::Object(by);
    callbacks
}

fn requests(stats: &Value) -> Value {
    let hosts = stats["requests"].as_array().expect("hosts").iter();
    let hosts: serde_json::Map<String, Value> = hosts
        .map(|host| {
            let name = host["host"].as_str().expect("a host").to_owned();
            (name, json!([host["count"], host["failed"]]))
        })
        .collect();
    Value::Object(hosts)
}
