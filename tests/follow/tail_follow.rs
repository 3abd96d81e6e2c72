//! `calltrace tail --follow` while a writer appends: arriving records, one call to its end, calls as they change.
//! Rotations are in `tail_rotation.rs`.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use expect_test::expect;

use crate::tailing::{PATIENCE, Running, append, command, log, tree};

/// An Asterisk record at `time` (`09:15:00,410`), with `fields` next to its id.
fn ast(time: &str, event: &str, uid: &str, fields: &str) -> String {
    format!("2025-12-02 {time}|AST|{event}|{uid}|{{\"UniqueId\": \"{uid}\", {fields}}}\n")
}

fn client(phone: &str, rest: &str) -> String {
    format!("\"Phone\": \"{phone}\", \"CallType\": 0, \"Trunk\": \"0001363\"{rest}")
}

fn in_bridge(bridge: &str, channel: &str, number: &str) -> String {
    format!(
        "\"BridgeUniqueid\": \"{bridge}\", \"Channel\": \"SIP/{channel}-0000002a\", \"CallerIDNum\": \"{number}\""
    )
}

const PHONE: &str = "375290001234";

/// A client calls, 151 answers; the hangup is left out.
fn answered(uid: &str, other: &str, bridge: &str) -> Vec<String> {
    let rings = client(PHONE, ", \"Extensions\": [\"150\", \"151\"]");
    let (trunk, ext) = (
        in_bridge(bridge, "0001363", PHONE),
        in_bridge(bridge, "151", "151"),
    );
    vec![
        ast("09:15:00,000", "start", uid, &client(PHONE, "")),
        ast("09:15:01,000", "dial", uid, &rings),
        ast("09:15:10,100", "bridge", other, &ext),
        ast("09:15:10,200", "bridge", uid, &trunk),
        ast("09:17:02,000", "bridge_leave", other, &ext),
        ast("09:17:02,100", "bridge_leave", uid, &trunk),
    ]
}

fn hangup(time: &str, uid: &str, status: &str, who: &str) -> String {
    let fields = format!(", \"Extensions\": [\"{who}\"], \"CallStatus\": \"{status}\"");
    ast(time, "hangup", uid, &client(PHONE, &fields))
}

fn numbered(number: usize) -> String {
    format!("2025-12-02 09:00:00,000|AST|unknown|1764666000.{number}|{{\"N\": {number}}}")
}

#[test]
fn what_arrives_is_printed_once_a_line_is_whole() {
    let dir = tree();
    let half = &numbered(2)[..20];
    append(&dir, &format!("{}\n{half}", numbered(1)));
    let tail = Running::start(&dir, &["0367", "--follow", "--raw"]);
    assert_eq!(tail.line(), numbered(1));
    append(&dir, &numbered(2)[20..40]);
    let silence = tail.lines.recv_timeout(Duration::from_millis(150));
    assert!(silence.is_err(), "half a line was printed: {silence:?}");
    append(&dir, &format!("{}\n{}\n", &numbered(2)[40..], numbered(3)));
    assert_eq!(tail.line(), numbered(2));
    assert_eq!(tail.line(), numbered(3));
}

/// An old day that a person unpacks is not new; its recovered lines are.
#[test]
fn recovered_lines_come_when_they_are_added_whatever_their_time() {
    let dir = tree();
    append(&dir, &(numbered(1) + "\n"));
    let tail = Running::start(&dir, &["0367", "--follow", "--raw"]);
    assert_eq!(tail.line(), numbered(1));
    let old = |number| numbered(number).replacen("2025-12-02", "2025-11-28", 1);
    let folder = log(&dir).parent().expect("a folder").to_owned();
    fs::write(
        folder.join("events_2025-11-28.log"),
        format!("{}\n", old(2)),
    )
    .expect("written");
    let recovered = folder.join("recovered_2025-11-28.log");
    let add = |number| {
        let mut file = OpenOptions::new();
        let file = file.create(true).append(true).open(&recovered);
        writeln!(file.expect("open"), "{}", old(number)).expect("written");
    };
    add(3);
    assert_eq!(tail.line(), old(3));
    add(4);
    assert_eq!(tail.line(), old(4));
}

#[test]
fn only_what_passes_the_filter_arrives() {
    let dir = tree();
    append(&dir, &hangup("09:15:00,000", "1764666900.1", "0", ""));
    let tail = Running::start(&dir, &["-f", "--event", "hangup", "--format", "ndjson"]);
    let first: serde_json::Value = serde_json::from_str(&tail.line()).expect("JSON");
    assert_eq!(first["offset"], 0);
    append(&dir, &(numbered(1) + "\n"));
    append(&dir, &hangup("09:15:01,000", "1764666900.2", "0", ""));
    let next: serde_json::Value = serde_json::from_str(&tail.line()).expect("JSON");
    assert_eq!(next["record"]["data"]["unique_id"], "1764666900.2");
    assert_eq!(next["enterprise_number"], "0367");
}

#[test]
fn history_and_what_arrives_join_without_gap_or_repeat() {
    const STARTS: usize = 12;
    for start in 0..STARTS {
        let dir = tree();
        append(&dir, "");
        let writer = thread::spawn({
            let path = log(&dir);
            move || {
                let mut file = OpenOptions::new().append(true).open(path).expect("open");
                for number in 0..400 {
                    // A writer is interrupted in the middle of a line.
                    let line = numbered(number) + "\n";
                    let (front, back) = line.split_at(number % line.len());
                    file.write_all(front.as_bytes()).expect("written");
                    if number % 8 == 0 {
                        thread::sleep(Duration::from_micros(300));
                    }
                    file.write_all(back.as_bytes()).expect("written");
                }
            }
        });
        thread::sleep(Duration::from_millis(start as u64));
        let tail = Running::start(&dir, &["0367", "-f", "--raw", "-n", "1000"]);
        for number in 0..400 {
            assert_eq!(tail.line(), numbered(number), "start {start}");
        }
        writer.join().expect("it has written");
    }
}

#[test]
fn a_timeout_ends_following_and_says_whether_there_was_anything() {
    let dir = tree();
    append(&dir, "");
    let nothing = Running::start(&dir, &["-f", "--timeout", "0"]);
    assert_eq!(nothing.end(), (Some(1), String::new()));
    append(&dir, &(numbered(1) + "\n"));
    let one = Running::start(&dir, &["-f", "--raw", "--timeout", "0"]);
    assert_eq!(one.end(), (Some(0), numbered(1) + "\n"));
    let calls = Running::start(&dir, &["-f", "--calls", "--timeout", "0"]);
    assert_eq!(calls.end(), (Some(1), String::new()));
}

#[test]
fn a_closed_pipe_ends_it_silently() {
    let dir = tree();
    append(&dir, &(numbered(1) + "\n"));
    let mut child = command(dir.path())
        .args(["-f", "--raw"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    stdout.read_line(&mut first).expect("a line");
    drop(stdout);
    append(&dir, &(numbered(2) + "\n"));
    let stderr = testing::lines_of(child.stderr.take().expect("piped"));
    let running = Running {
        child,
        lines: mpsc::channel().1,
        stderr,
    };
    let silence = running.stderr.recv_timeout(PATIENCE);
    assert!(silence.is_err(), "{silence:?}");
    assert_eq!(running.end(), (Some(0), String::new()));
}

#[test]
fn ctrl_c_ends_with_130() {
    for args in [
        &["-f", "--raw"][..],
        &["-f", "--call", "1764666000.1", "--raw"],
    ] {
        let dir = tree();
        append(&dir, &(numbered(1) + "\n"));
        let tail = Running::start(&dir, args);
        assert_eq!(tail.line(), numbered(1));
        // After the first output it handles signals.
        append(&dir, &(numbered(1) + "\n"));
        assert_eq!(tail.line(), numbered(1));
        let pid = i32::try_from(tail.child.id()).expect("an id");
        let pid = rustix::process::Pid::from_raw(pid).expect("a process");
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("sent");
        assert_eq!(tail.end().0, Some(130), "{args:?}");
    }
}

#[test]
fn a_leg_that_joins_late_brings_its_earlier_records() {
    let dir = tree();
    let call = answered("1764666900.61", "1764666901.63", "b1");
    append(&dir, &call[..2].concat());
    let tail = Running::start(&dir, &["-f", "--raw", "--call", "1764666900.61"]);
    assert_eq!(tail.take(2), call[..2].concat());
    // The other leg shares nothing with the call until the bridge.
    let foreign = numbered(1) + "\n";
    append(&dir, &(foreign + &call[2]));
    let silence = tail.lines.recv_timeout(Duration::from_millis(100));
    assert!(silence.is_err(), "it does not belong yet: {silence:?}");
    append(&dir, &call[3]);
    assert_eq!(tail.take(2), call[3].clone() + &call[2]);
    append(&dir, &call[4..].concat());
    assert_eq!(tail.take(2), call[4..].concat());
}

#[test]
fn a_call_is_waited_for_where_it_is_not_there_yet() {
    let dir = tree();
    append(&dir, &(numbered(1) + "\n"));
    let tail = Running::start(&dir, &["-f", "--raw", "--call", "1764666900.61"]);
    tail.wait_for("1764666900.61 is not in the logs yet; waiting for it");
    let call = answered("1764666900.61", "1764666901.63", "b1");
    // A longer id that contains it is another call.
    append(&dir, &call[0].replace(".61", ".613"));
    append(&dir, &call.concat());
    let mut lines: Vec<String> = (0..call.len()).map(|_| tail.line() + "\n").collect();
    lines.sort();
    assert_eq!(lines.concat(), call.concat());
    assert!(tail.lines.recv_timeout(Duration::from_millis(100)).is_err());
}

#[test]
fn identical_lines_are_printed_as_often_as_they_were_logged() {
    let dir = tree();
    let call = answered("1764666900.61", "1764666901.63", "b1");
    append(
        &dir,
        &[&call[0], &call[1], &call[1]].map(String::as_str).concat(),
    );
    let tail = Running::start(&dir, &["-f", "--raw", "--call", "1764666900.61"]);
    assert_eq!(
        tail.take(3),
        [&call[0], &call[1], &call[1]].map(String::as_str).concat()
    );
    append(&dir, &call[1]);
    assert_eq!(tail.take(1), call[1]);
}

#[test]
fn a_call_is_followed_to_its_hangup_and_summed_up() {
    let dir = tree();
    let call = answered("1764666900.61", "1764666901.63", "b1");
    append(&dir, &call[..4].concat());
    let args = [
        "0367",
        "--call",
        "1764666900.61",
        "--until-hangup",
        "--linger",
        "1s",
    ];
    let tail = Running::start(&dir, &args);
    tail.take(1 + 4);
    let sent = "2025-12-02 09:17:05,500|TG|send|100000001|hangup|45003|1764666900.61|x\n";
    append(&dir, &call[4..].concat());
    append(&dir, &hangup("09:17:05,000", "1764666900.61", "2", "151"));
    append(&dir, sent);
    let (status, rest) = tail.end();
    expect![[r#"
        09:17:02.000  1764666901.63     AST   SIP/151-0000002a leaves bridge b1
        09:17:02.100  1764666900.61     AST   SIP/0001363-0000002a leaves bridge b1
        09:17:05.000  1764666900.61     AST   hangup, answered by 151
        09:17:05.500  1764666900.61     TG    sent hangup 45003 to 100000001: x
        ended: answered by 151 after 9s, talked 1m51s, 1 message still standing
    "#]]
    .assert_eq(&rest);
    assert_eq!(status, Some(0));
    // The call is over, so tail does not wait.
    let again = Running::start(
        &dir,
        &["--call", "1764666900.61", "--until-hangup", "--raw"],
    );
    again.wait_for("ended: answered by 151 after 9s, talked 1m51s, 1 message still standing");
    let (status, lines) = again.end();
    assert_eq!(
        (status, lines),
        (Some(0), fs::read_to_string(log(&dir)).expect("read"))
    );
    let value = Running::start(
        &dir,
        &[
            "--call",
            "1764666900.61",
            "--until-hangup",
            "--format",
            "ndjson",
        ],
    );
    let (status, lines) = value.end();
    let last = lines.lines().last().expect("a value");
    let last: serde_json::Value = serde_json::from_str(last).expect("JSON");
    assert_eq!(status, Some(0));
    assert_eq!(
        (&last["type"], &last["call"]["talk_ms"]),
        (&"call".into(), &111_900.into())
    );
}

#[test]
fn a_call_has_not_ended_when_its_main_leg_hung_up_while_others_talk() {
    let dir = tree();
    let (main, other, third) = ("1764666900.61", "1764666901.63", "1764666950.70");
    let call = answered(main, other, "b1");
    let second = |event: &str, time: &str, uid: &str, channel: &str, number: &str| {
        ast(time, event, uid, &in_bridge("b2", channel, number))
    };
    append(&dir, &call[..4].concat());
    let args = ["--call", main, "--until-hangup", "--linger", "0"];
    let tail = Running::start(&dir, &args);
    tail.take(1 + 4);
    append(&dir, &second("bridge", "09:16:00,000", other, "151", "151"));
    append(&dir, &second("bridge", "09:16:01,000", third, "152", "152"));
    append(&dir, &hangup("09:16:02,000", main, "2", "151"));
    tail.take(3);
    let silence = tail.lines.recv_timeout(Duration::from_millis(200));
    assert!(silence.is_err(), "{silence:?}");
    append(
        &dir,
        &second("bridge_leave", "09:18:00,000", other, "151", "151"),
    );
    append(
        &dir,
        &second("bridge_leave", "09:18:00,100", third, "152", "152"),
    );
    let (status, text) = tail.end();
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("\nended: answered by 151 after 9s"), "{text}");
}

#[test]
fn a_call_that_does_not_end_in_time_ends_with_1() {
    let dir = tree();
    let call = answered("1764666900.61", "1764666901.63", "b1");
    append(&dir, &call[..4].concat());
    for more in [&["--until-hangup"][..], &["--follow"]] {
        let args = [
            &["--call", "1764666900.61", "--timeout", "0", "--raw"][..],
            more,
        ]
        .concat();
        let tail = Running::start(&dir, &args);
        assert_eq!(tail.end(), (Some(1), call[..4].concat()));
    }
    let nowhere = ["--call", "1764666900.99", "--timeout", "0", "-f"];
    assert_eq!(
        Running::start(&dir, &nowhere).end(),
        (Some(1), String::new())
    );
}

/// A running tail of calls.
fn calls(dir: &tempfile::TempDir, args: &[&str]) -> Running {
    let tail = Running::start(dir, &[&["-v", "-f", "--calls"][..], args].concat());
    tail.wait_for("calls in progress");
    tail
}

#[test]
fn calls_are_told_change_by_change() {
    let dir = tree();
    append(&dir, "");
    let tail = calls(&dir, &["0367"]);
    let (main, other) = ("1764666900.61", "1764666901.63");
    append(&dir, &answered(main, other, "b1").concat());
    append(&dir, &hangup("09:17:05,000", main, "2", "151"));
    // Another client gives up.
    let missed = "1764666930.70";
    let rings = client("375290005678", ", \"Extensions\": [\"150\"]");
    append(
        &dir,
        &ast("09:20:00,000", "start", missed, &client("375290005678", "")),
    );
    append(&dir, &ast("09:20:01,000", "dial", missed, &rings));
    append(
        &dir,
        &hangup("09:20:19,000", missed, "0", "").replace(PHONE, "375290005678"),
    );
    expect![[r#"
        09:15:00  in   +375 29 000-12-34                   comes in  1764666900.61
        09:15:01  in   +375 29 000-12-34 -> 150, 151       ringing 150, 151  1764666900.61
        09:15:10  in   +375 29 000-12-34 -> 150, 151       answered by 151 after 9s  1764666900.61
        09:17:05  in   +375 29 000-12-34 -> 150, 151       ended, 151 talked 1m51s  1764666900.61
        09:20:00  in   +375 29 000-56-78                   comes in  1764666930.70
        09:20:01  in   +375 29 000-56-78 -> 150            ringing 150  1764666930.70
    "#]]
    .assert_eq(&tail.take(6));
}

#[test]
fn a_transfer_is_reported_and_no_leg_is_a_separate_call() {
    let dir = tree();
    append(&dir, "");
    let tail = calls(&dir, &["0367"]);
    let (main, other, third) = ("1764666900.61", "1764666901.63", "1764666950.70");
    let call = answered(main, other, "b1");
    let second = |event: &str, time: &str, uid: &str, channel: &str, number: &str| {
        ast(time, event, uid, &in_bridge("b2", channel, number))
    };
    append(&dir, &call.concat());
    append(&dir, &second("bridge", "09:17:20,000", third, "152", "152"));
    append(
        &dir,
        &second("bridge", "09:17:20,100", main, "0001363", PHONE),
    );
    append(
        &dir,
        &second("bridge_leave", "09:18:00,000", third, "152", "152"),
    );
    append(
        &dir,
        &second("bridge_leave", "09:18:00,100", main, "0001363", PHONE),
    );
    append(&dir, &hangup("09:18:01,000", main, "2", "151"));
    expect![[r#"
        09:15:00  in   +375 29 000-12-34                   comes in  1764666900.61
        09:15:01  in   +375 29 000-12-34 -> 150, 151       ringing 150, 151  1764666900.61
        09:15:10  in   +375 29 000-12-34 -> 150, 151       answered by 151 after 9s  1764666900.61
        09:17:20  in   +375 29 000-12-34 -> 150, 151       transferred to 152  1764666900.61
        09:18:01  in   +375 29 000-12-34 -> 150, 151       ended, 151, 152 talked 2m31s  1764666900.61
    "#]]
    .assert_eq(&tail.take(5));
    assert!(tail.lines.recv_timeout(Duration::from_millis(100)).is_err());
}

#[test]
fn two_parts_that_a_late_record_joins_are_one_call() {
    let dir = tree();
    append(&dir, "");
    let tail = calls(&dir, &["0367", "--format", "ndjson"]);
    let (main, other) = ("1764666900.61", "1764666950.70");
    let internal = "\"Phone\": \"151\", \"CallType\": 2, \"Extensions\": [\"152\"]";
    let call = answered(main, "1764666901.63", "b1");
    append(&dir, &call[..2].concat());
    append(&dir, &ast("09:15:05,000", "dial", other, internal));
    append(
        &dir,
        &ast(
            "09:15:06,000",
            "bridge",
            main,
            &in_bridge("b1", "0001363", PHONE),
        ),
    );
    append(
        &dir,
        &ast(
            "09:15:07,000",
            "bridge",
            other,
            &in_bridge("b1", "151", "151"),
        ),
    );
    append(&dir, &hangup("09:15:30,000", main, "2", "151"));
    append(
        &dir,
        &ast(
            "09:15:31,000",
            "bridge_leave",
            other,
            &in_bridge("b1", "151", "151"),
        ),
    );
    let reported: Vec<(String, String)> = (0..5)
        .map(|_| {
            let value: serde_json::Value = serde_json::from_str(&tail.line()).expect("JSON");
            let text = |key: &str| value[key].as_str().expect("text").to_owned();
            (text("unique_id"), text("state"))
        })
        .collect();
    let of = |uid: &str, state: &str| (uid.to_owned(), state.to_owned());
    assert_eq!(
        reported,
        [
            of(main, "arriving"),
            of(main, "ringing"),
            of(other, "ringing"),
            of(main, "answered"),
            of(main, "ended"),
        ]
    );
    assert!(tail.lines.recv_timeout(Duration::from_millis(100)).is_err());
}

#[test]
fn a_filter_lets_whole_calls_pass() {
    let dir = tree();
    append(&dir, "");
    let tail = calls(&dir, &["0367", "--phone", "375290005678"]);
    append(
        &dir,
        &answered("1764666900.61", "1764666901.63", "b1").concat(),
    );
    let missed = "1764666930.70";
    append(
        &dir,
        &ast("09:20:00,000", "start", missed, &client("375290005678", "")),
    );
    append(
        &dir,
        &hangup("09:20:19,000", missed, "0", "").replace(PHONE, "375290005678"),
    );
    let reported = tail.take(2);
    assert!(
        reported.lines().all(|line| line.ends_with(missed)),
        "{reported}"
    );
}

#[test]
fn calls_that_go_on_are_shown_as_they_are_now() {
    let dir = tree();
    let call = answered("1764666900.61", "1764666901.63", "b1");
    let ago = |seconds: i64| {
        let then = testing::now() - chrono::Duration::seconds(seconds);
        then.format("%Y-%m-%d %H:%M:%S,000").to_string()
    };
    let moved = |line: &String, seconds| ago(seconds) + &line["2025-12-02 09:15:00,000".len()..];
    append(&dir, &moved(&call[0], 60));
    append(&dir, &moved(&call[1], 59));
    let over = ["1764666800.5", "0"];
    append(&dir, &moved(&call[0].replace("1764666900.61", over[0]), 40));
    append(
        &dir,
        &moved(&hangup("09:15:00,000", over[0], over[1], ""), 30),
    );
    // All parties left that one, and no hangup was logged.
    for (seconds, line) in (0..).zip(answered("1764666700.1", "1764666700.2", "b7")) {
        append(&dir, &moved(&line, 200 - seconds));
    }
    let output = command(dir.path()).arg("--calls").output();
    let output = output.expect("the command starts");
    let text = String::from_utf8_lossy(&output.stdout);
    expect![[r#"
        in   +375 29 000-12-34 -> 150, 151       ringing 150, 151  1764666900.61
    "#]]
    .assert_eq(text.get(10..).unwrap_or(&text));
    assert_eq!(output.status.code(), Some(0));
}
