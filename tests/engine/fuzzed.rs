//! The targets of `fuzz/`, for a few seconds and with one seed: what is read from files never panics,
//! and an index changes no answer.

use fuzz::{Mutator, target};

fn run(name: &str, runs: usize) {
    let mut target = target(name).expect("a target");
    let mut mutator = Mutator::new(11);
    for run in 0..runs {
        if let Err(failure) = target.step(&mut mutator) {
            let input = String::from_utf8_lossy(&failure.input).into_owned();
            panic!("{name}, run {run}: {}\n{input:.2000}", failure.what);
        }
    }
}

#[test]
fn mutated_indexes_change_no_answer_or_are_found() {
    run("index", 60);
}

#[test]
fn mutated_catalogs_change_no_answer_or_are_found() {
    run("catalog", 60);
}

#[test]
fn mutated_tables_change_no_answer_or_are_found() {
    run("table", 60);
}

#[test]
fn mutated_memories_of_rotations_name_logs_only() {
    run("rotate", 500);
}

#[test]
fn mutated_archives_are_read_the_same_on_any_number_of_threads() {
    run("bgzf", 20);
}

#[test]
fn mutated_lines_are_found_with_an_index_as_without() {
    run("lines", 20);
}

#[test]
fn mutated_settings_are_read_or_refused_by_name() {
    run("settings", 500);
}
