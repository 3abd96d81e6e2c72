//! First guesses: what a person types who has read nothing is understood, or refused with the word that was meant. The
//! sample tree is searched at 15:00 UTC of 3 December 2025, a Wednesday.

use std::fs;
use std::path::Path;
use std::process::Output;

use testing::{command, out, run, sample, stderr_of};

/// The output of a run, its messages, and its exit code.
pub(crate) fn all(output: &Output) -> (String, String, Option<i32>) {
    (
        out(output),
        stderr_of(&sample(), output),
        output.status.code(),
    )
}

pub(crate) fn typed(args: &[&str]) -> (String, String, Option<i32>) {
    all(&run(&sample(), args))
}

/// The guess has the output and the exit code of the right words; its messages are theirs and `more`.
#[track_caller]
fn means(guess: &[&str], right: &[&str], more: &str) {
    let (mut wanted, got) = (typed(right), typed(guess));
    assert!(!wanted.0.is_empty(), "{right:?} finds something");
    wanted.1.insert_str(0, more);
    assert_eq!(got, wanted, "{guess:?} as {right:?}");
}

/// Nothing but this on stderr, and exit status 2.
#[track_caller]
pub(crate) fn refused(args: &[&str], words: &str) {
    let expected = format!("calltrace: {words}\n");
    assert_eq!(typed(args), (String::new(), expected, Some(2)), "{args:?}");
}

pub(crate) fn count(args: &[&str]) -> String {
    let args = [&["search", "0367", "--count"], args].concat();
    let (count, _, _) = typed(&args);
    count.trim_end().to_owned()
}

#[test]
fn a_number_for_an_enterprise_is_a_phone() {
    let taken = "calltrace: 80290001234 is not an enterprise; taken as --phone '80290001234'\n";
    means(
        &["search", "80290001234", "0367"],
        &["search", "0367", "--phone", "80290001234"],
        taken,
    );
    means(
        &["search", "0367", "+375 (29) 000-12-34"],
        &["search", "0367", "--phone", "80290001234"],
        "calltrace: +375 (29) 000-12-34 is not an enterprise; taken as --phone '+375 (29) 000-12-34'\n",
    );
    means(
        &["stats", "0367", "80290001234"],
        &["stats", "0367", "--phone", "80290001234"],
        taken,
    );
    let there = "there are 0103, 0113, 0327, 0367";
    refused(
        &["search", "80290001234", "80290005678"],
        &format!(
            "80290001234 is not an enterprise; taken as --phone '80290001234'\n\
             calltrace: no enterprise 80290005678 under ROOT; {there}"
        ),
    );
    refused(
        &["search", "80290005678", "--phone", "80290001234"],
        &format!("no enterprise 80290005678 under ROOT; {there}"),
    );
    refused(
        &["search", "1764493655.61"],
        "1764493655.61 is not an enterprise but the id of a call: calltrace trace 1764493655.61",
    );
    refused(
        &["search", "0376"],
        "no enterprise 0376 under ROOT; did you mean 0367?",
    );
}

#[test]
fn a_folder_that_looks_like_a_number_is_an_enterprise() {
    let tree = tempfile::tempdir().expect("a folder of its own");
    for name in ["80290001234", "0367"] {
        fs::create_dir(tree.path().join(name)).expect("its own folder");
    }
    let log = sample().join("0367/events_2025-12-02.log");
    fs::copy(log, tree.path().join("80290001234/events.log")).expect("its own folder");
    for args in [
        &["search", "80290001234", "--count"][..],
        &["trace", "80290001234", "1764666900.61"],
    ] {
        let output = run(tree.path(), args);
        assert_eq!(stderr_of(tree.path(), &output), "", "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
    }
}

#[test]
fn an_id_alone_is_traced() {
    means(&["1764493655.61"], &["trace", "1764493655.61"], "");
    means(
        &["--tz", "+03:00", "1764493655.61", "--ladder"],
        &["trace", "1764493655.61", "--ladder", "--tz", "UTC+3"],
        "",
    );
    // Not even the root is lost that a flag behind it names.
    let nowhere = run(&sample(), &["1764493655.61", "--root", "/nowhere"]);
    assert_eq!(
        stderr_of(&sample(), &nowhere),
        "calltrace: no folder /nowhere; --root takes the folder that holds one folder per enterprise\n"
    );
}

#[test]
fn a_number_is_traced_by_its_newest_call() {
    let right = ["trace", "0367", "1764666900.61"];
    for phone in ["+375290001234", "80290001234", "+375 (29) 000-12-34"] {
        means(
            &["trace", "0367", phone],
            &right,
            "calltrace: the newest call of 375290001234: calltrace trace 0367 1764666900.61; \
             all of them: calltrace search 0367 --phone 375290001234\n",
        );
    }
    let since = ["--since", "2025-11-28"];
    means(
        &[&["trace", "0367", "80290001234"][..], &since].concat(),
        &["trace", "0367", "1764493655.61"],
        "calltrace: the first call of 375290001234: calltrace trace 0367 1764493655.61; all of them: \
         calltrace search 0367 --phone 375290001234\n",
    );
    // All enterprises are searched, and one line after the answer names the files that can't be read.
    let (text, words, code) = typed(&["trace", "80290001234"]);
    assert_eq!(text, typed(&right).0);
    assert!(
        words.starts_with(
            "calltrace: the newest call of 375290001234: calltrace trace 0367 1764666900.61; \
             all of them: calltrace search 0367 --phone 375290001234\ncalltrace: incomplete: "
        ),
        "{words}"
    );
    assert!(words.ends_with(", and 2 more; -v names each\n"), "{words}");
    assert_eq!((words.lines().count(), code), (2, Some(2)), "{words}");
}

#[test]
fn a_number_without_a_call_is_not_found() {
    let words = "calltrace: 375299999999 not found in 0367, all 7 files searched \
                 (2025-11-27 .. 2025-12-02 UTC)\n";
    let nothing = (String::new(), words.to_owned(), Some(1));
    assert_eq!(typed(&["trace", "0367", "+375299999999"]), nothing);
    let (document, _, code) = typed(&["trace", "0367", "+375299999999", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&document).expect("one document");
    assert_eq!(document["type"], "not_found");
    assert_eq!(code, Some(1));
}

#[test]
fn an_enterprise_alone_shows_its_newest_calls_and_how_to_choose() {
    let (rows, _, _) = typed(&["search", "0367", "-n", "5"]);
    let ids = rows.lines().filter(|row| row.contains(" 17646"));
    assert_eq!(ids.count(), 5, "{rows}");
    let (text, words, code) = typed(&["trace", "0367"]);
    assert_eq!(text, rows);
    assert_eq!(
        words,
        "calltrace: 0367 is an enterprise, and these are its newest calls; choose one: \
         calltrace trace 0367 1764678600.215\n"
    );
    // A script with an empty id must not take them for a call.
    assert_eq!(code, Some(2));
    refused(
        &["trace", "0367", "--format", "raw"],
        "0367 is an enterprise, and no call; calltrace search 0367 shows its calls",
    );
    refused(
        &["trace", "june"],
        "\"june\" is neither a call id, such as 1764493655.61, nor a phone number; no enterprise june under \
         ROOT; there are 0103, 0113, 0327, 0367",
    );
}

/// The program with a settings file.
fn with_settings(file: &Path, args: &[&str]) -> (String, String, Option<i32>) {
    let mut command = command(&sample());
    command.arg("--config").arg(file).args(args);
    all(&command.output().expect("the program starts"))
}

#[test]
fn the_name_of_an_enterprise_is_the_enterprise() {
    let settings = "[enterprises.0367]\nname = \"June, Минск\"\n[enterprises.0400]\nname = \"away\"\n\
                    [enterprises.0103]\nname = \"branch\"\n[enterprises.0327]\nname = \"Branch\"\n";
    let folder = tempfile::tempdir().expect("a folder of its own");
    let file = folder.path().join("config.toml");
    fs::write(&file, settings).expect("its own folder");
    for (name, number) in [
        (
            &["search", "june, минск", "-n", "3"][..],
            &["search", "0367", "-n", "3"][..],
        ),
        (
            &["trace", "June, Минск", "1764493655.61"],
            &["trace", "0367", "1764493655.61"],
        ),
        (
            &["trace", "June, Минск", "80290001234"],
            &["trace", "0367", "80290001234"],
        ),
        (&["trace", "June, Минск"], &["trace", "0367"]),
        (
            &["tail", "June, Минск", "-n", "2"],
            &["tail", "0367", "-n", "2"],
        ),
        (&["doctor", "June, Минск"], &["doctor", "0367"]),
        (&["index", "June, Минск"], &["index", "0367"]),
    ] {
        let right = with_settings(&file, number);
        assert!(!right.0.is_empty(), "{number:?}");
        assert_eq!(with_settings(&file, name), right, "{name:?}");
    }
    for (args, words) in [
        (
            &["search", "away"][..],
            "the directory says that this is enterprise 0400, which has no folder under ROOT",
        ),
        (
            &["search", "branch"],
            "several enterprises have this name: 0103, 0327; type the number of one",
        ),
        (
            &["search", "july"],
            "no enterprise july under ROOT; there are 0103, 0113, 0327, 0367",
        ),
    ] {
        let expected = format!("calltrace: {words}\n");
        let got = with_settings(&file, args);
        assert_eq!(got, (String::new(), expected, Some(2)), "{args:?}");
    }
}

#[test]
fn json_and_o_are_formats() {
    for (guess, right) in [
        (
            &["search", "0367", "--json"][..],
            &["search", "0367", "--format", "json"][..],
        ),
        (
            &["search", "0367", "-o", "csv"],
            &["search", "0367", "--format", "csv"],
        ),
        (
            &["trace", "0367", "1764493655.61", "--json"],
            &["trace", "0367", "1764493655.61", "--format", "json"],
        ),
        (
            &["trace", "-oraw", "0367", "1764493655.61"],
            &["trace", "0367", "1764493655.61", "--format", "raw"],
        ),
        (
            &["stats", "0367", "-o", "json"],
            &["stats", "0367", "--format", "json"],
        ),
        (
            &["tail", "0367", "--json"],
            &["tail", "0367", "--format", "ndjson"],
        ),
        (
            &["tail", "0367", "-o", "raw"],
            &["tail", "0367", "--format", "raw"],
        ),
        (
            &["doctor", "0327", "--json"],
            &["doctor", "0327", "--format", "json"],
        ),
        (&["config", "--json"], &["config", "--format", "json"]),
        (
            &["rotate", "0327", "--dry-run", "--json"],
            &["rotate", "0327", "--dry-run", "--format", "json"],
        ),
    ] {
        means(guess, right, "");
    }
    refused(
        &["export", "0367", "-o", "calls"],
        "invalid value 'calls' for '--format <FORMAT>' [possible values: csv, ndjson, parquet]; -o is --format; \
         the folder is --out DIR",
    );
    refused(&["serve", "--json"], "unexpected argument '--json' found");
}

#[test]
fn an_export_takes_formats_as_the_others_do() {
    let folder = tempfile::tempdir().expect("a folder of its own");
    let exported = |name: &str, format: &[&str]| {
        let to = folder.path().join(name);
        let to = to.to_str().expect("plain");
        let args = [&["export", "0367", "80290001234", "--out", to], format].concat();
        assert_eq!(typed(&args).2, Some(0), "{format:?}");
        fs::read_to_string(Path::new(to).join("calls.ndjson")).expect("it is written")
    };
    let right = exported("right", &["--format", "ndjson"]);
    assert!(right.lines().count() > 3, "{right}");
    assert_eq!(exported("json", &["--json"]), right);
    assert_eq!(exported("o", &["-o", "ndjson"]), right);
}

#[test]
fn results_have_flags_and_names_may_be_several() {
    for (guess, right) in [
        (&["--missed"][..], &["--status", "missed"][..]),
        (&["--answered"], &["--status", "answered"]),
    ] {
        assert_eq!(count(guess), count(right), "{guess:?}");
    }
    // The expected values come from the truth about the tree.
    assert_eq!(
        (
            count(&["--missed"]).as_str(),
            count(&["--answered"]).as_str()
        ),
        ("11", "45")
    );
    refused(
        &["search", "--answered", "--missed"],
        "the argument '--answered' cannot be used with '--missed'",
    );
    refused(
        &["search", "0367", "--lines", "--answered"],
        "--answered filters calls; --lines takes filters on records, such as --event or --phone",
    );
    for (flag, one, other) in [
        ("--ext", "150", "153"),
        ("--trunk", "0001363", "0001366"),
        ("--chat", "100000001", "100000002"),
    ] {
        let rows = |value: &str| {
            let args = ["search", "0367", flag, value, "-n", "0", "--format", "csv"];
            let (rows, _, _) = typed(&args);
            let ids = rows.lines().skip(1).map(str::to_owned);
            ids.collect::<std::collections::BTreeSet<_>>()
        };
        let (a, b) = (rows(one), rows(other));
        assert!(!a.is_empty(), "{flag} {one}");
        let any: std::collections::BTreeSet<_> = a.union(&b).cloned().collect();
        assert_eq!(rows(&format!("{one},{other}")), any, "{flag}");
        assert_eq!(rows(&format!("{other}, {one}")), any, "{flag}");
        assert_eq!(rows(&format!("{one},stranger")), a, "{flag}");
        // The same of records.
        let lines = |value: &str| typed(&["search", "0367", "--lines", "--count", flag, value]).0;
        let number = |value: &str| lines(value).trim_end().parse::<u64>().expect("a number");
        let both = number(&format!("{one},{other}"));
        assert!(
            both >= number(one) && both <= number(one) + number(other),
            "{flag}"
        );
    }
    refused(
        &["search", "--ext", "150,"],
        "invalid value '' for '--ext <EXTS>': an item is empty; separate several with commas, as in 150,151",
    );
}

#[test]
fn a_word_that_no_line_has_is_refused_with_the_nearest_one() {
    let hangup = "--event: no line has the event \"hangupp\"; did you mean hangup?";
    let status =
        "--http-status: no line has the status 7xx; HTTP has 100 to 599, and 5xx is a class";
    for (words, filter) in [
        (hangup, ["--event", "hangupp"]),
        (hangup, ["--event", "hangup,hangupp"]),
        (status, ["--http-status", "7xx"]),
    ] {
        for command in [
            &["search", "0367"][..],
            &["search"],
            &["search", "0367", "--lines"],
            &["search", "0367", "--count", "--since", "1h"],
            &["stats", "0367"],
            &["tail", "0367"],
            &["export", "0367", "--out", "/nowhere"],
        ] {
            refused(&[command, &filter[..]].concat(), words);
        }
    }
    refused(
        &["search", "0367", "--kind", "htp"],
        "invalid value 'htp' for '--kind <KINDS>': no kind \"htp\"; did you mean http?",
    );
}

#[test]
fn a_word_that_a_line_has_is_taken() {
    let tree = tempfile::tempdir().expect("a folder of its own");
    fs::create_dir(tree.path().join("0367")).expect("its own folder");
    let lines = "2025-12-01 09:00:00,000|AST|queue_join|1764579600.1|{\"UniqueId\":\"1764579600.1\"}\n\
                 2025-12-01 09:00:01,000|HTTP|1764579600.1|POST|https://crm.example.org/x|799|{}|{}\n";
    fs::write(tree.path().join("0367/events.log"), lines).expect("its own folder");
    for (args, count, code) in [
        (&["--event", "queue_join"][..], "1\n", 0),
        (&["--http-status", "7xx"], "1\n", 0),
        // It is somewhere, only not then.
        (&["--event", "queue_join", "--since", "1h"], "0\n", 1),
        (&["--event", "queue_join,hangup"], "1\n", 0),
    ] {
        let output = run(
            tree.path(),
            &[&["search", "--lines", "--count"], args].concat(),
        );
        assert_eq!(
            (out(&output).as_str(), output.status.code()),
            (count, Some(code)),
            "{args:?}: {}",
            stderr_of(tree.path(), &output)
        );
    }
    // A later line may still have it.
    let follow = [
        "tail",
        "--event",
        "queue_jion",
        "--follow",
        "--timeout",
        "0",
    ];
    let output = run(tree.path(), &follow);
    assert_eq!(
        stderr_of(tree.path(), &output),
        "calltrace: --event: no line has the event \"queue_jion\"; there are start, dial, \
         bridge_create, bridge, bridge_leave, bridge_destroy, new_callerid, hangup, unknown (so far)\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_wrong_flag_or_subcommand_is_refused_with_what_was_meant() {
    for (args, words) in [
        (
            &["80290001234"][..],
            "unrecognized subcommand '80290001234'; the calls of a number: calltrace search '80290001234'",
        ),
        (
            &["0367"],
            "unrecognized subcommand '0367'; the calls of an enterprise: calltrace search 0367",
        ),
        (
            &["find", "0367"],
            "unrecognized subcommand 'find'; calls are found by calltrace search",
        ),
        (
            &["search", "--from", "today"],
            "unexpected argument '--from' found; the time it begins with is --since WHEN",
        ),
        (
            &["search", "--follow"],
            "unexpected argument '--follow' found; calltrace tail --follow shows what arrives",
        ),
        (
            &["trace", "--phone", "80290001234"],
            "unexpected argument '--phone' found; write the number alone: calltrace trace [ENTERPRISE] PHONE",
        ),
        (
            &["search", "--phon", "80290001234"],
            "unexpected argument '--phon' found; a similar argument exists: '--phone'",
        ),
    ] {
        refused(args, words);
    }
}
