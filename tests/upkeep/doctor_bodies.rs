//! Bodies and addresses that differ from what hosts write, and folders with two names, as `doctor` reports them.

use std::fs;
use std::os::unix::fs::symlink;

use crate::doctoring::{Tree, minutes_ago};

fn event(event: &str, uid: &str, body: &str) -> String {
    let stamp = minutes_ago(2).format("%Y-%m-%d %H:%M:%S");
    format!("{stamp},000|AST|{event}|{uid}|{{\"UniqueId\": \"{uid}\", {body}}}\n")
}

const HANGUP: &str = r#""Token": "375290000000", "Phone": "375290001111", "Extensions": [""], "CallType": 0, "CallStatus": "0""#;

/// The findings in a healthy tree with these lines behind the others.
fn found(lines: &str) -> Vec<String> {
    let tree = Tree::healthy();
    let log = tree.path("events.log");
    let text = fs::read_to_string(&log).expect("read") + lines;
    fs::write(&log, text).expect("written");
    tree.look(&[]).codes()
}

#[test]
fn a_body_as_hosts_write_it_is_nothing_to_tell() {
    let uid = "1764765000.1";
    let internal = HANGUP.replace("\"CallType\": 0", "\"CallType\": \"2\"");
    let bridge = r#""Channel": "SIP/150-1", "CallerIDNum": "150""#;
    let url = "http://localhost:8020/customer-name/0367/375290001111?x=1";
    let stamp = minutes_ago(2).format("%Y-%m-%d %H:%M:%S").to_string();
    let lines = event("hangup", uid, HANGUP)
        + &event("hangup", uid, &internal)
        + &event("bridge", uid, bridge)
        + &event("something_new", uid, "\"X\": 1")
        + &format!("{stamp},000|HTTP|{uid}|GET|{url}|200|{{}}|{{}}\n");
    assert_eq!(found(&lines), Vec::<String>::new());
}

#[test]
fn what_hosts_do_not_write_is_told_with_its_kind() {
    let uid = "1764765000.1";
    let stamp = minutes_ago(2).format("%Y-%m-%d %H:%M:%S").to_string();
    let get = |url: &str| format!("{stamp},000|HTTP|{uid}|GET|{url}|200|{{}}|{{}}\n");
    let odd_type = HANGUP.replace("\"CallType\": 0", "\"CallType\": 23");
    let without = HANGUP.replace(", \"CallStatus\": \"0\"", "");
    let other = HANGUP.replace("375290000000", "375290000001");
    for (lines, code) in [
        (event("hangup", uid, &odd_type), "odd-body note"),
        (event("hangup", uid, &without), "odd-body note"),
        (event("bridge", uid, "\"Exten\": \"\""), "odd-body note"),
        (
            event("hangup", uid, HANGUP) + &event("hangup", uid, &other),
            "two-tokens warning",
        ),
        (
            get("http://h:8020/customer-name/3752/375290001111"),
            "other-enterprise warning",
        ),
        (
            get("http://h:8020/metadata/3752/manager/150"),
            "other-enterprise warning",
        ),
        (
            get("http://h:8020/integrations/3752"),
            "other-enterprise warning",
        ),
    ] {
        assert_eq!(found(&lines), [code], "{lines}");
    }
}

#[test]
fn one_folder_under_two_names_is_told() {
    let tree = Tree::healthy();
    let root = tree.path("").parent().expect("the root").to_owned();
    symlink("0367", root.join("june")).expect("linked");
    let found = tree.look(&[]);
    assert_eq!(found.codes(), ["two-names note"]);
    assert!(found.seen("two-names").contains("the same folder as 0367"));
}
