//! Calls that a real Asterisk made (`data/real-asterisk`), against what happened in them.

use std::process::Command;

/// Runs `real-asterisk/compare.py`, which asks the program as a person does, for one way of logging.
fn compare(mode: &str) {
    let tests = testing::project().join("tests");
    let output = Command::new("python3")
        .arg(tests.join("real-asterisk/compare.py"))
        .arg(env!("CARGO_BIN_EXE_calltrace"))
        .arg(tests.join("data/real-asterisk/16"))
        .arg(mode)
        .output()
        .expect("python3 starts");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}{wrong}");
    assert!(stdout.contains(" 0 scenarios wrong"), "{stdout}");
}

#[test]
fn calls_are_what_happened_as_a_host_logs_them() {
    compare("host");
}

#[test]
fn calls_are_what_happened_with_every_event_logged() {
    compare("full");
}

#[test]
fn calls_are_what_happened_with_linked_ids_logged() {
    compare("linked");
}
