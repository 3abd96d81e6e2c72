//! The log generator keeps its promises: other tests take its truth for granted.

use flate2::read::MultiGzDecoder;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::path::Path;
use testing::generator::{
    Compress, LineAt, Names, Plan, TruthCall, pattern_names, read_truth, write_tree,
};

/// The files of a folder by path: the unpacked content, and the bytes of the file.
type Files = BTreeMap<String, (Vec<u8>, Vec<u8>)>;

fn files(folder: &Path) -> Files {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the folder was written") {
        let path = entry.expect("listed").path();
        let name = path
            .file_name()
            .expect("has a name")
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            let below = files(&path).into_iter();
            found.extend(below.map(|(file, both)| (format!("{name}/{file}"), both)));
            continue;
        }
        let raw = std::fs::read(&path).expect("readable");
        let mut content = raw.clone();
        if name.ends_with(".gz") {
            content.clear();
            MultiGzDecoder::new(&raw[..])
                .read_to_end(&mut content)
                .expect("gzip");
        }
        found.insert(name, (content, raw));
    }
    found
}

fn written(plan: &Plan) -> (tempfile::TempDir, Files) {
    let parent = tempfile::tempdir().expect("a temporary folder");
    write_tree(plan, &parent.path().join("logs")).expect("written");
    let all = files(parent.path());
    (parent, all)
}

fn truth(parent: &tempfile::TempDir) -> Vec<TruthCall> {
    let rows = read_truth(&parent.path().join("logs")).expect("the truth is there");
    rows.collect::<std::io::Result<_>>().expect("rows")
}

fn line_of<'a>(all: &'a Files, call: &TruthCall, at: &LineAt) -> &'a [u8] {
    let content = &all[&format!("logs/{}/{}", call.enterprise, at.file)].0;
    let (start, end) = (at.offset as usize, at.offset as usize + at.bytes as usize);
    assert!(
        start == 0 || content[start - 1] == b'\n',
        "a line starts at {at:?}"
    );
    assert_eq!(content[end], b'\n', "a line ends at {at:?}");
    assert!(!content[start..end].contains(&b'\n'), "one line at {at:?}");
    &content[start..end]
}

fn messy() -> Plan {
    let enterprises = vec!["0367".to_owned(), "0103".to_owned()];
    Plan {
        calls_per_day: 150,
        mess: true,
        enterprises,
        ..Plan::default()
    }
}

/// The value of a key in a line's JSON, if it is a text.
fn field<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let quoted = format!("\"{key}\": \"");
    let from = line.find(&quoted)? + quoted.len();
    line[from..]
        .split('"')
        .next()
        .filter(|value| !value.is_empty())
}

/// The keys that join this record to others exactly: ids, bridge, Local pair of the call, message.
fn exact_ids(line: &str, call_uids: &[String]) -> Vec<String> {
    let parts: Vec<&str> = line.splitn(8, '|').collect();
    let mut ids = Vec::new();
    let uid = parts[1..]
        .iter()
        .find(|part| call_uids.iter().any(|uid| uid == *part));
    ids.extend(uid.map(|uid| (*uid).to_owned()));
    if parts[1] == "TG" && parts[5] != "None" {
        ids.push(format!("message {} {}", parts[3], parts[5]));
    }
    if matches!(parts[1], "TG" | "HTTP" | "SQL") {
        return ids;
    }
    ids.extend(field(line, "BridgeUniqueid").map(str::to_owned));
    let channel = field(line, "Channel").unwrap_or_default();
    ids.extend(
        channel
            .strip_suffix(";1")
            .or(channel.strip_suffix(";2"))
            .map(str::to_owned),
    );
    ids
}

/// How many groups a call's lines form when only exact ids join them.
fn groups(lines: &[Vec<String>]) -> usize {
    let mut groups: Vec<BTreeSet<&str>> = Vec::new();
    for ids in lines {
        let mut joined: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        groups.retain(|group| {
            let apart = group.is_disjoint(&joined);
            if !apart {
                joined.extend(group);
            }
            apart
        });
        groups.push(joined);
    }
    groups.len()
}

#[test]
fn same_plan_gives_the_same_bytes() {
    for compress in [Compress::None, Compress::Mixed] {
        let plan = Plan {
            compress,
            ..messy()
        };
        assert!(written(&plan).1 == written(&plan).1, "{compress:?}");
    }
    let other = Plan { seed: 2, ..messy() };
    assert!(written(&messy()).1 != written(&other).1);
}

#[test]
fn names_and_compression_change_no_line() {
    let contents = |plan: &Plan| -> Vec<Vec<u8>> {
        let all = written(plan).1.into_iter();
        let logs = all.filter(|(path, _)| path.starts_with("logs/"));
        let mut contents: Vec<_> = logs.map(|(_, (content, _))| content).collect();
        contents.sort();
        contents
    };
    let plain = contents(&Plan { days: 5, ..messy() });
    for (names, compress) in [
        (Names::Daily, Compress::Gzip),
        (Names::Logrotate, Compress::Multi),
        (Names::Dated, Compress::Bgzf),
        (Names::Mixed, Compress::Mixed),
    ] {
        let plan = Plan {
            days: 5,
            names,
            compress,
            ..messy()
        };
        assert!(contents(&plan) == plain, "{names:?} {compress:?}");
    }
}

#[test]
fn truth_points_at_whole_lines_of_its_call() {
    let (parent, all) = written(&messy());
    for call in truth(&parent) {
        let lines: Vec<_> = call
            .lines
            .iter()
            .map(|at| String::from_utf8(line_of(&all, &call, at).to_vec()).expect("UTF-8"))
            .collect();
        let (own, silent): (Vec<&String>, Vec<&String>) = lines
            .iter()
            .partition(|line| call.uids.iter().any(|uid| line.contains(uid.as_str())));
        let bridges: BTreeSet<&str> = own
            .iter()
            .filter_map(|line| field(line, "BridgeUniqueid"))
            .collect();
        for line in silent {
            let bridge = field(line, "BridgeUniqueid").expect("no id, so a bridge");
            assert!(bridges.contains(bridge), "{}: {line}", call.pattern);
        }
    }
}

#[test]
fn every_line_is_in_one_call_exactly() {
    let plan = Plan {
        mess: false,
        ..messy()
    };
    let (parent, all) = written(&plan);
    let mut seen = BTreeSet::new();
    for call in truth(&parent) {
        for at in &call.lines {
            let place = (call.enterprise.clone(), at.file.clone(), at.offset);
            assert!(seen.insert(place), "{at:?} is in two calls");
        }
    }
    let logs = all.iter().filter(|(path, _)| path.starts_with("logs/"));
    let lines: usize = logs
        .map(|(_, (content, _))| content.iter().filter(|byte| **byte == b'\n').count())
        .sum();
    assert_eq!(seen.len(), lines);
}

#[test]
fn some_call_crosses_midnight() {
    let (parent, _) = written(&Plan::default());
    let crosses = |call: &TruthCall| call.lines.iter().any(|at| at.file != call.lines[0].file);
    assert!(truth(&parent).iter().any(crosses));
}

#[test]
fn mess_spoils_every_file() {
    let (_parent, all) = written(&messy());
    for (path, (content, _)) in all.iter().filter(|(path, _)| path.starts_with("logs/")) {
        assert!(
            content
                .windows(65)
                .any(|w| w.starts_with(&[0; 64]) && w[64] == b'\n'),
            "{path}"
        );
        assert!(content.contains(&b'\r'), "{path}");
        assert!(std::str::from_utf8(content).is_err(), "{path}");
    }
}

#[test]
fn every_pattern_occurs_in_300_calls() {
    let (parent, _) = written(&Plan {
        calls_per_day: 100,
        ..Plan::default()
    });
    let seen: BTreeSet<String> = truth(&parent)
        .into_iter()
        .map(|call| call.pattern)
        .collect();
    let expected: BTreeSet<String> = pattern_names().into_iter().map(str::to_owned).collect();
    assert_eq!(seen, expected);
}

#[test]
fn exact_ids_join_a_call_unless_it_is_marked_inferred_and_never_join_two() {
    let (parent, all) = written(&messy());
    let mut owners: HashMap<String, usize> = HashMap::new();
    for (nth, call) in truth(&parent).iter().enumerate() {
        let ids: Vec<Vec<String>> = call
            .lines
            .iter()
            .map(|at| {
                let line = String::from_utf8_lossy(line_of(&all, call, at));
                exact_ids(&line, &call.uids)
            })
            .collect();
        assert_eq!(
            groups(&ids) > 1,
            call.inferred,
            "{} {:?}",
            call.pattern,
            call.uids
        );
        // A Local channel's name is unique within its day only; the call's day is near enough.
        let day = call.start_ms / 86_400_000;
        for id in ids.into_iter().flatten() {
            let owner = format!("{} {day} {id}", call.enterprise);
            assert_eq!(
                *owners.entry(owner).or_insert(nth),
                nth,
                "{id} joins two calls"
            );
        }
    }
}

#[test]
fn mess_adds_ids_that_are_prefixes_of_others() {
    let (parent, _) = written(&messy());
    let calls = truth(&parent);
    let traps: Vec<_> = calls
        .iter()
        .filter(|call| call.pattern == "prefix-trap")
        .collect();
    assert!(!traps.is_empty());
    for trap in traps {
        let shorter = &trap.uids[0][..trap.uids[0].len() - 1];
        assert!(
            calls.iter().any(|call| call.uids[0] == shorter),
            "{shorter} is a call"
        );
    }
}
