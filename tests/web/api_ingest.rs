//! Many lines at a time: from several servers and a writer in Python, during a rotation, until the server is
//! killed, until the disk is full. No acknowledged line is lost and no line is torn.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::posting::{JSON, detail, empty_tree, over, post, send};
use crate::serving::{self, Client, Running};
use calltrace_model::record::{Body, Record};
use testing::ending::RaisedAtEnd;

fn body(writer: &str, number: usize) -> String {
    format!(
        r#"{{"enterprise_number":"0367","unique_id":"1764666900.{number}","event_type":"dial","event_data":{{"Token":"375290000000","w":"{writer}","n":{number}}}}}"#
    )
}

/// Posts numbered lines over one connection until told to stop or until the connection breaks; returns how
/// many were acknowledged.
fn posts(address: SocketAddr, writer: &str, lines: usize, stop: &AtomicBool) -> usize {
    let mut client = Client::connect(address);
    for number in 0..lines {
        if stop.load(Ordering::Relaxed) {
            return number;
        }
        send(
            &mut client,
            "POST",
            "/log/event",
            JSON,
            body(writer, number).as_bytes(),
        );
        let reply = client.reply();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    lines
}

/// Counts how often each number of each writer occurs in the lines; the lines may hold nothing else.
fn counted(lines: impl Iterator<Item = String>) -> BTreeMap<(String, usize), usize> {
    let mut counts = BTreeMap::new();
    for line in lines {
        let record = Record::parse(line.as_bytes());
        let Body::Ast(ast) = record.body else {
            panic!("{line:?}");
        };
        let json: serde_json::Value = serde_json::from_slice(ast.json).expect(&line);
        let number = json["n"].as_u64().expect("a number") as usize;
        assert_eq!(ast.uid, format!("1764666900.{number}").as_bytes());
        *counts
            .entry((json["w"].as_str().expect("a name").to_owned(), number))
            .or_default() += 1;
    }
    counts
}

fn each_once(counts: &BTreeMap<(String, usize), usize>, writer: &str, lines: usize) {
    for number in 0..lines {
        let count = counts.get(&(writer.to_owned(), number));
        assert_eq!(count, Some(&1), "{writer} {number}");
    }
}

fn whole_lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("text");
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn two_servers_and_a_writer_in_python_part_no_line() {
    const LINES: usize = 400;
    let tree = empty_tree();
    let log = tree.path().join("0367/events.log");
    let root = ["--root", tree.path().to_str().expect("it works")];
    let servers = [Running::start("", &root), Running::start("", &root)];
    let addresses = [servers[0].address(), servers[1].address()];
    let never = AtomicBool::new(false);
    let mut python = Command::new("python3")
        .args([
            "tests/writers/sudden.py",
            log.parent().expect("it works").to_str().expect("it works"),
            "python",
            "3000",
        ])
        .stdout(Stdio::null())
        .spawn()
        .expect("there is python3");
    thread::scope(|scope| {
        for (server, address) in addresses.iter().enumerate() {
            for thread in 0..3 {
                let never = &never;
                scope.spawn(move || posts(*address, &format!("{server}.{thread}"), LINES, never));
            }
        }
    });
    assert!(python.wait().expect("it works").success());
    // Readers skip blank lines; there is one where one writer began before the line of another was complete.
    let lines = whole_lines(&log)
        .into_iter()
        .filter(|line| !line.is_empty());
    let counts = counted(lines);
    for server in 0..2 {
        for thread in 0..3 {
            each_once(&counts, &format!("{server}.{thread}"), LINES);
        }
    }
    each_once(&counts, "python", 3000);
    assert_eq!(counts.len(), 6 * LINES + 3000);
}

#[test]
fn every_line_acknowledged_before_a_kill_is_in_the_log() {
    for round in 0..3 {
        let tree = empty_tree();
        let log = tree.path().join("0367/events.log");
        let server = Running::start("", &["--root", tree.path().to_str().expect("it works")]);
        let address = server.address();
        let acknowledged = thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|writer| scope.spawn(move || until_cut_off(address, &writer.to_string())))
                .collect();
            let bytes = || fs::metadata(&log).map_or(0, |metadata| metadata.len());
            testing::wait_until("lines", || bytes() > 10_000 * (round + 1));
            server.signal("-KILL");
            writers
                .into_iter()
                .map(|writer| writer.join().expect("it works"))
                .collect::<Vec<_>>()
        });
        assert!(acknowledged.iter().sum::<usize>() > 20, "{acknowledged:?}");
        let counts = counted(whole_lines(&log).into_iter());
        for (writer, lines) in acknowledged.iter().enumerate() {
            each_once(&counts, &writer.to_string(), *lines);
        }
        let not_told = counts.len() - acknowledged.iter().sum::<usize>();
        assert!(
            not_told <= 4,
            "at most one a connection was written and not acknowledged"
        );
    }
}

/// Posts until the connection breaks; returns how many lines were acknowledged.
fn until_cut_off(address: SocketAddr, writer: &str) -> usize {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).expect("a connection");
    stream
        .set_read_timeout(Some(serving::PATIENCE))
        .expect("it works");
    for number in 0.. {
        let body = body(writer, number);
        let length = body.len();
        let head = format!(
            "POST /log/event HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: {length}\r\n\r\n"
        );
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return number;
        }
        let (mut answer, mut part) = (Vec::new(), [0; 4096]);
        while !answer.ends_with(b"}") {
            match stream.read(&mut part) {
                Ok(0) | Err(_) => return number,
                Ok(count) => answer.extend_from_slice(&part[..count]),
            }
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"));
    }
    unreachable!("it ends when it is cut off")
}

#[test]
fn under_a_rotation_no_line_is_lost_or_doubled() {
    let tree = empty_tree();
    let root = tree.path().to_str().expect("it works").to_owned();
    let server = Running::start("", &["--root", &root]);
    let (address, stop) = (server.address(), AtomicBool::new(false));
    let acknowledged = thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let stop = &stop;
                scope.spawn(move || posts(address, &writer.to_string(), usize::MAX, stop))
            })
            .collect();
        let at_work = RaisedAtEnd(&stop);
        let (begin, mut rotations) = (Instant::now(), 0);
        // There are fewer rotations where the disk is slow to sync, but some.
        while rotations < 2 || rotations < 4 && begin.elapsed() < Duration::from_secs(12) {
            let rotate = ["-q", "rotate", "0367", "--force", "--grace", "0s"];
            let rotated = testing::run(Path::new(&root), &rotate);
            let stderr = String::from_utf8_lossy(&rotated.stderr).into_owned();
            assert!(
                rotated.status.code().is_some_and(|code| code < 2),
                "{stderr}"
            );
            rotations += 1;
        }
        drop(at_work);
        writers
            .into_iter()
            .map(|writer| writer.join().expect("it works"))
            .collect::<Vec<_>>()
    });
    let all = [
        "search", "0367", "--lines", "--limit", "0", "--format", "raw",
    ];
    let text = testing::out(&testing::run(Path::new(&root), &all));
    let counts = counted(text.lines().map(str::to_owned));
    for (writer, lines) in acknowledged.iter().enumerate() {
        each_once(&counts, &writer.to_string(), *lines);
    }
    assert_eq!(counts.len(), acknowledged.iter().sum::<usize>());
    let files = fs::read_dir(tree.path().join("0367"))
        .expect("it works")
        .count();
    assert!(files > 1, "something was rotated");
}

/// A disk of 256 KiB, unmounted at the end.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Returns `None` where this user may not mount.
    fn mounted() -> Option<SmallDisk> {
        let dir = tempfile::tempdir().expect("a folder");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
            .arg(dir.path());
        let is_mounted = mount.output().is_ok_and(|output| output.status.success());
        is_mounted.then(|| SmallDisk(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_refuses_lines_and_loses_none_of_those_before_and_after() {
    let Some(disk) = SmallDisk::mounted() else {
        // The unit tests of `intake` try the same with writes that are made to fail.
        return testing::skipped("this user may not mount a small disk");
    };
    let root = disk.0.path();
    fs::create_dir(root.join("0367")).expect("it works");
    let (log, filler) = (root.join("0367/events.log"), root.join("filler"));
    let server = over(root).start();
    let mut acknowledged = Vec::new();
    let mut put = |number: usize| {
        let reply = post(server.address, "/log/event", &body("w", number));
        if reply.status == 200 {
            acknowledged.push(number);
            return true;
        }
        assert_eq!(reply.status, 503);
        assert_eq!(detail(&reply), "not logged: the disk is full");
        assert!(reply.header("retry-after").is_some());
        false
    };
    assert!(put(0));
    // Another writer fills the rest of the disk, and tears its own line while doing so.
    fs::write(&filler, vec![b'x'; 150 << 10]).expect("it works");
    let mut other = fs::OpenOptions::new()
        .append(true)
        .open(&log)
        .expect("it works");
    let torn = std::io::Write::write_all(&mut other, &vec![b'y'; 200 << 10]);
    assert!(torn.is_err(), "the disk is full");
    for number in 1..20 {
        assert!(!put(number));
    }
    fs::remove_file(&filler).expect("it works");
    for number in 20..40 {
        assert!(put(number));
    }
    assert_eq!(acknowledged.len(), 21);
    let lines = whole_lines(&log);
    let (torn, whole): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.starts_with('y'));
    assert_eq!(torn.len(), 1, "the torn line stands by itself");
    let counts = counted(whole.into_iter());
    assert_eq!(counts.len(), acknowledged.len());
    for number in acknowledged {
        assert_eq!(counts[&("w".to_owned(), number)], 1);
    }
}
