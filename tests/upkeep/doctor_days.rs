//! Files with records of another day than the one in their name, or without records, as `calltrace doctor` sees them.

use std::fs;

use crate::doctoring::{Tree, calls, day, minutes_ago, noon, set_age};

#[test]
fn records_of_the_next_day_are_a_warning_while_the_cause_may_be_alive() {
    let tree = Tree::healthy();
    let late = |ago: u64| {
        let midnight = day(ago - 1)
            .and_hms_opt(0, 30, 0)
            .expect("a time")
            .and_utc();
        calls(&noon(ago), 50) + &calls(&midnight, 20)
    };
    tree.write(&format!("events.log.{}", day(1)), late(1));
    let found = tree.look(&[]);
    let outside = found.get("outside-day");
    assert_eq!(outside["severity"], "warning");
    let bytes = outside["evidence"]["bytes"].as_u64().expect("a number");
    assert_eq!(bytes, calls(&noon(1), 20).len() as u64);

    let tree = Tree::healthy();
    tree.gzip(&format!("events.log.{}.gz", day(9)), &late(9));
    tree.look(&[])
        .are(&["outside-day note", "slow-archives note"]);
}

#[test]
fn records_of_another_day_in_an_archive_are_a_note_and_only_files_that_exist_are_named() {
    let tree = Tree::healthy();
    let name = format!("events_{}.log", day(1));
    let text = calls(&noon(1), 50) + &calls(&minutes_ago(60), 20);
    tree.gzip(&format!("{name}.gz"), &text);
    let found = tree.look(&[]);
    assert_eq!(found.get("outside-day")["severity"], "note");
    fs::remove_file(tree.path(&format!("{name}.gz"))).expect("removed");

    fs::remove_file(tree.path("events.log")).expect("removed");
    tree.write(&name, &text);
    let found = tree.look(&[]);
    assert_eq!(found.get("outside-day")["severity"], "warning");
    assert!(!found.remedy("outside-day").contains("fuser"));
    let live = format!("events_{}.log", day(0));
    tree.write(&live, calls(&minutes_ago(1), 1));
    let found = tree.look(&[]);
    let remedy = found.remedy("outside-day");
    let named = format!("`fuser -v {}`", tree.path(&live).display());
    assert!(remedy.contains(&named), "{remedy}");
}

#[test]
fn a_minute_around_midnight_and_a_day_before_a_rotation_are_usual() {
    let tree = Tree::new();
    let midnight = |ago: u64| day(ago).and_hms_opt(0, 0, 0).expect("a time").and_utc();
    let text = |ago: u64| calls(&noon(ago), 50) + &calls(&midnight(ago - 1), 30);
    tree.gzip(&format!("events.log.{}.gz", day(3)), &text(3));
    tree.gzip(&format!("events_{}.log.gz", day(4)), &text(4));
    let dashed = day(5).format("events.log-%Y%m%d.gz").to_string();
    tree.gzip(&dashed, &text(6));
    tree.write("events.log", calls(&minutes_ago(10), 5));
    tree.look(&[]).are(&["slow-archives note"]);

    // The same records under the name of the day before.
    tree.gzip(&format!("events_{}.log.gz", day(3)), &text(2));
    let found = tree.look(&[]);
    assert!(
        found.seen("outside-day").contains(
            "holds no record \
    of"
        ),
        "{}",
        found.seen("outside-day")
    );
}

#[test]
fn an_archive_that_holds_nothing_or_is_none_is_damaged() {
    let tree = Tree::healthy();
    let name = format!("events.log.{}.gz", day(5));
    for (text, seen, age, found) in [
        ("", "it holds nothing", 30, &["damaged warning"][..]),
        (
            "\u{7f}ELF\n",
            "it holds 5 B and is not gzip",
            30,
            &["damaged warning"],
        ),
        ("", "", 0, &[]),
    ] {
        fs::write(tree.path(&name), text).expect("written");
        set_age(&tree.path(&name), age);
        let looked = tree.look(&[]);
        looked.are(found);
        if age > 0 {
            assert_eq!(looked.seen("damaged"), seen);
            assert_eq!(looked.get("damaged")["file"], name.as_str());
        }
    }
    fs::write(tree.path(&name), "").expect("written");
    set_age(&tree.path(&name), 30);
    let second = format!("events.log.{}", day(5));
    tree.write(&second, calls(&noon(5), 9));
    assert!(
        !tree
            .look(&[])
            .codes()
            .contains(&"damaged warning".to_owned())
    );
    fs::remove_file(tree.path(&second)).expect("removed");
    tree.write(&name, calls(&noon(5), 9));
    let found = tree.look(&[]);
    let remedy = found.remedy("damaged");
    assert!(
        remedy.starts_with("remove .gz from its name: `mv "),
        "{remedy}"
    );
}
