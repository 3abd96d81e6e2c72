//! Recovered lines as `rotate` and `doctor` see them, and as the writer adds them: killed at any of its steps, on a
//! full disk, beside a rotation.

use crate::doctoring::{Tree, calls, day, minutes_ago, noon};

/// In no order, as they are recovered.
fn shuffled(text: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.reverse();
    let half = lines.len() / 2;
    lines.rotate_left(half);
    lines.concat()
}

fn recovered(ago: u64) -> String {
    format!("recovered_{}.log", day(ago))
}

#[test]
fn recovered_lines_are_no_finding_of_the_doctor_and_hide_none() {
    let healthy = Tree::healthy();
    healthy.look(&[]).are(&[]);
    healthy.look(&["--deep"]).are(&[]);
    let tree = Tree::healthy();
    tree.write(&recovered(0), shuffled(&calls(&minutes_ago(29), 1500)));
    tree.write(&recovered(1), shuffled(&calls(&noon(1), 1500)));
    tree.look(&[]).are(&[]);
    tree.rotate();
    let sealed = format!("{}.gz", recovered(1));
    assert!(tree.path(&sealed).is_file() && !tree.path(&recovered(1)).exists());
    assert!(
        tree.path(&recovered(0)).is_file(),
        "of today: more may come"
    );
    tree.look(&[]).are(&[]);
    tree.look(&["--deep"]).are(&[]);

    // Nobody writes, whatever is recovered.
    let silent = Tree::new();
    silent.gzip(&format!("events_{}.log.gz", day(9)), &calls(&noon(9), 50));
    let codes = silent.look(&[]).codes();
    silent.write(&recovered(0), calls(&minutes_ago(30), 50));
    assert_eq!(silent.look(&[]).codes(), codes);
}

#[test]
fn a_day_of_recovered_lines_that_should_have_been_sealed_is_named() {
    let tree = Tree::healthy();
    tree.write(&recovered(3), calls(&noon(3), 50));
    let found = tree.look(&[]);
    assert!(
        found.seen("not-rotated").contains("not sealed"),
        "{:?}",
        found.all
    );
    assert!(found.get("not-rotated").to_string().contains(&recovered(3)));
}
