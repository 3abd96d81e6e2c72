//! Times and zones that people type or that their environment sets. The sample tree is searched at 15:00 UTC of 3
//! December 2025, a Wednesday.

use testing::{command, out, sample, stderr_of};

use crate::guesses::{count, refused, typed};

#[test]
fn times_are_read_as_people_write_them() {
    for (guess, right) in [
        ("26h", "2025-12-02T13:00:00Z"),
        ("-26h", "2025-12-02T13:00:00Z"),
        ("1620m", "2025-12-02T12:00:00Z"),
        ("1620min", "2025-12-02T12:00:00Z"),
        ("3d", "2025-11-30T15:00:00Z"),
        ("monday", "2025-12-01"),
        ("wednesday", "2025-11-26"),
        ("01.12.2025", "2025-12-01"),
        ("1.12 15:00", "2025-12-01T15:00:00Z"),
        ("2025-12-02 12:03:00,100", "2025-12-02T12:03:00.100Z"),
        ("15:03", "2025-12-02T15:03:00Z"),
        ("12:03:00.700", "2025-12-03T12:03:00.700Z"),
    ] {
        for flag in ["--since", "--until"] {
            assert_eq!(
                count(&[flag, guess]),
                count(&[flag, right]),
                "{flag} {guess}"
            );
        }
    }
    assert_eq!(count(&["--since", "2025-12-02 12:03:00,100"]), "2");
    assert_eq!(count(&["--since", "2025-12-02 12:03:00,101"]), "1");
    // The log's form is of the log's zone, whatever is shown; our own form is of what is shown.
    let minsk = ["--tz", "Europe/Minsk", "--since"];
    let shown = |time| count(&[&minsk[..], &[time]].concat());
    assert_eq!(shown("2025-12-02 12:03:00,101"), "1");
    assert_eq!(shown("2025-12-02 15:03:00.101"), "1");
    for typed in ["-1M", "1M"] {
        refused(
            &["search", "--since", typed],
            &format!("--since: {typed:?} may mean minutes or months; write 1min or 30d"),
        );
    }
    refused(
        &["search", "--since", "3"],
        "--since: \"3\" is not a point in time; write 2025-11-30, '2025-11-30 09:00', 30.11.2025, \
         2025-11-30T09:00:00Z, 09:00, 3h, today, yesterday or monday",
    );
}

/// The newest missed call of the sample tree with a zone: the time that its row begins with, the head above it, what
/// is said.
fn shown(tz: Option<&str>, args: &[&str]) -> (String, String, String) {
    let mut command = command(&sample());
    command
        .args(["search", "0367", "--missed", "--limit", "1"])
        .args(args);
    match tz {
        Some(tz) => command.env("TZ", tz),
        None => command.env_remove("TZ"),
    };
    let output = command.output().expect("the program starts");
    let text = out(&output);
    let row = text.lines().last().expect("a row");
    let time = row.split_once("12:03:00").or(row.split_once("15:03:00"));
    let time = time.or(row.split_once("09:03:00")).expect("its time");
    let time = &row[time.0.len()..][..5];
    let head = text.lines().next().expect("a head").to_owned();
    (time.to_owned(), head, stderr_of(&sample(), &output))
}

#[test]
fn an_offset_is_ahead_of_utc_and_stated() {
    let note = "calltrace: the newest 1 are shown; --limit 0 shows all, --count counts them\n";
    for (typed, time, offset) in [
        ("GMT+3", "15:03", "UTC+03:00"),
        ("UTC+3", "15:03", "UTC+03:00"),
        ("+03:00", "15:03", "UTC+03:00"),
        ("-03:00", "09:03", "UTC-03:00"),
        ("Etc/GMT+3", "09:03", "UTC-03:00"),
        ("Europe/Minsk", "15:03", "UTC+03:00"),
    ] {
        let (at, head, message) = shown(Some("UTC"), &["--tz", typed]);
        assert_eq!((at.as_str(), message.as_str()), (time, note), "{typed}");
        assert!(head.contains(offset), "{typed}: {head}");
    }
    let without_match = [
        "search",
        "0367",
        "--phone",
        "80299999999",
        "--tz",
        "Etc/GMT+3",
    ];
    assert_eq!(
        typed(&without_match).1,
        "calltrace: no such call, all 7 files searched (2025-11-27 .. 2025-12-02 Etc/GMT+3, UTC-03:00)\n"
    );
}

#[test]
fn a_posix_variable_keeps_the_sign_of_posix() {
    let note = "calltrace: the newest 1 are shown; --limit 0 shows all, --count counts them\n";
    for (tz, time, offset) in [
        ("MSK-3", "15:03", "UTC+03:00"),
        ("<+03>-3", "15:03", "UTC+03:00"),
        ("GMT-3", "15:03", "UTC+03:00"),
        ("UTC+3", "09:03", "UTC-03:00"),
        ("/usr/share/zoneinfo/Europe/Minsk", "15:03", "UTC+03:00"),
        (":Europe/Minsk", "15:03", "UTC+03:00"),
        ("", "12:03", "UTC"),
    ] {
        let (at, head, message) = shown(Some(tz), &[]);
        assert_eq!((at.as_str(), message.as_str()), (time, note), "{tz}");
        assert!(head.contains(offset), "{tz}: {head}");
    }
    // `date` does the same; here a message tells it, unless something else names the zone.
    let (at, _, message) = shown(Some("Europe/Minks"), &[]);
    assert_eq!(at, "12:03");
    let wrong = "calltrace: TZ: no time zone \"Europe/Minks\"; did you mean Europe/Minsk? (times are \
                 shown in UTC)\n";
    assert_eq!(message, format!("{wrong}{note}"));
    let (at, _, message) = shown(Some("Europe/Minks"), &["--tz", "GMT+3"]);
    assert_eq!((at.as_str(), message.as_str()), ("15:03", note));
}
