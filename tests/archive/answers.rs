//! Answers over shipped days: the same bytes as over local files, a few round trips, and, while the store is down,
//! what is local together with what is missing.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testing::fault_proxy::FaultProxy;
use testing::generator::{Plan, read_truth, write_tree};
use testing::nginx::Nginx;
use testing::object_stores::{BUCKET, KEY, Seaweed, archive_settings, own_prefix};

/// The longest time that a server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A sealed tree, and its archives in a bucket.
struct ShippedTree {
    dir: tempfile::TempDir,
    prefix: String,
    archives: BTreeSet<String>,
    ids: Vec<String>,
}

/// An answer of the program.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    code: i32,
    stdout: String,
    stderr: String,
}

impl ShippedTree {
    fn new(days: u32, calls_per_day: u32) -> ShippedTree {
        let dir = tempfile::tempdir().expect("a folder of its own");
        let root = dir.path().join("local");
        let plan = Plan {
            seed: 26,
            days,
            calls_per_day,
            ..Plan::default()
        };
        write_tree(&plan, &root).expect("written");
        let truth = read_truth(&root).expect("the truth");
        let calls = truth.map(|call| call.expect("a row").uids[0].clone());
        let ids = calls.step_by((days * calls_per_day / 6) as usize).collect();
        let mut tree = ShippedTree {
            prefix: own_prefix(),
            archives: BTreeSet::new(),
            ids,
            dir,
        };
        tree.write_settings("store.toml", &Seaweed::shared().endpoint(), "");
        tree.done(&tree.run("local", &[], &["rotate", "--yes", "--keep", "60d", "-q"]));
        let names = fs::read_dir(root.join("0367")).expect("a folder");
        let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        tree.archives = names.filter(|name| name.ends_with(".gz")).collect();
        assert_eq!(tree.archives.len(), days as usize);
        tree.done(&tree.run("local", &["--config", "store.toml"], &["ship", "-q"]));
        tree
    }

    fn done(&self, answer: &Answer) {
        assert_eq!(answer.code, 0, "{answer:?}");
    }

    /// Writes settings with the store at `endpoint`.
    fn write_settings(&self, name: &str, endpoint: &str, more: &str) {
        let text = archive_settings(endpoint, &self.prefix, self.dir.path());
        let text = format!("{text}cache_bytes = \"0\"\n{more}");
        testing::write_secret(&self.dir.path().join(name), &text);
    }

    /// A copy of the local tree without the archives that `is_gone` names, and without their indexes and tables.
    fn without(&self, name: &str, is_gone: impl Fn(usize) -> bool) {
        let root = self.dir.path().join(name);
        let mut copied = Command::new("cp");
        copied.arg("-a").arg(self.dir.path().join("local"));
        copied.arg(&root);
        assert!(copied.status().expect("there is cp").success());
        let folder = root.join("0367");
        let gone = self
            .archives
            .iter()
            .enumerate()
            .filter(|(at, _)| is_gone(*at));
        for (_, archive) in gone {
            for file in [
                archive.clone(),
                format!(".calltrace/{archive}.idx"),
                format!(".calltrace/{archive}.calls.parquet"),
            ] {
                fs::remove_file(folder.join(file)).expect("it was there");
            }
        }
        let _ = fs::remove_file(folder.join(".calltrace/catalog"));
    }

    /// The address of all days, as `--root`.
    fn address(&self) -> String {
        format!("s3://{BUCKET}/{}", self.prefix)
    }

    fn command(&self, root: &str) -> Command {
        let root: PathBuf = match root.starts_with("s3:") {
            true => root.into(),
            false => self.dir.path().join(root),
        };
        let mut command = testing::command(&root);
        command.current_dir(self.dir.path());
        command
    }

    fn run(&self, root: &str, options: &[&str], args: &[&str]) -> Answer {
        let output = self.command(root).args(args).args(options).output();
        let output = output.expect("the program starts");
        let own = self.dir.path().display().to_string();
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&own, "DIR");
        let answer = Answer {
            code: output.status.code().expect("it ends by itself"),
            stdout: shown(&output.stdout),
            stderr: shown(&output.stderr),
        };
        for text in [&answer.stdout, &answer.stderr] {
            assert!(!text.contains(KEY.0) && !text.contains(KEY.1), "{text}");
        }
        answer
    }

    /// Questions in every form of output.
    fn questions(&self) -> Vec<Vec<String>> {
        let mut questions: Vec<Vec<String>> = Vec::new();
        let mut ask = |text: &str| {
            questions.push(text.split(' ').map(str::to_owned).collect());
        };
        for id in &self.ids {
            ask(&format!("trace 0367 {id}"));
        }
        let id = &self.ids[0];
        for form in ["json", "raw"] {
            ask(&format!("trace 0367 {id} --format {form}"));
        }
        ask(&format!("trace 0367 {id} --why --ladder"));
        ask("trace 0367 1764000000.999999");
        for form in ["json", "ndjson", "csv"] {
            ask(&format!("search 0367 --status missed --format {form}"));
        }
        ask("search --limit 20");
        ask("search 0367 --phone +375449182736");
        ask("search 0367 --missed --not-returned --count");
        ask("search 0367 --lines --event hangup --limit 30");
        ask("stats 0367 --by day --format json");
        ask("stats 0367 --by person --format csv");
        ask("tail 0367 -n 50");
        questions
    }
}

fn words(question: &[String]) -> Vec<&str> {
    question.iter().map(String::as_str).collect()
}

#[test]
fn every_command_prints_the_same_local_shipped_and_half_shipped() {
    let tree = ShippedTree::new(4, 60);
    tree.without("shipped", |_| true);
    tree.without("half", |at| at % 2 == 0);
    // The store alone has no live file, and so has what it is compared with.
    let moved = tree.dir.path().join("local/0367/events.log");
    assert!(!moved.exists(), "the rotation leaves archives only");
    let address = tree.address();
    for question in tree.questions() {
        let question = words(&question);
        let local = tree.run("local", &[], &question);
        for root in ["shipped", "half", address.as_str()] {
            let answer = tree.run(root, &["--config", "store.toml"], &question);
            assert_eq!(answer, local, "{root}: {question:?}");
        }
    }
    let checked = tree.run("half", &["--config", "store.toml"], &["index", "--check"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    assert_eq!(
        checked.stdout.matches("s3://").count(),
        4,
        "two indexes and two tables: {checked:?}"
    );
}

#[test]
fn a_question_over_a_slow_store_makes_a_short_chain_of_requests() {
    let tree = ShippedTree::new(15, 60);
    let proxy = FaultProxy::start(Seaweed::shared().port());
    proxy.delay(Duration::from_millis(20));
    tree.write_settings("slow.toml", &proxy.endpoint(), "");
    let address = tree.address();
    let id = &tree.ids[3];
    for (question, chain_max) in [
        (format!("trace 0367 {id}"), 8),
        ("search 0367 --phone +375449182736".to_owned(), 5),
        ("search 0367 --status missed --limit 50".to_owned(), 12),
        ("stats 0367 --by day --format json".to_owned(), 10),
    ] {
        proxy.reset();
        let question: Vec<&str> = question.split(' ').collect();
        let answer = tree.run(&address, &["--config", "slow.toml"], &question);
        assert_eq!(answer, tree.run("local", &[], &question));
        let chain = proxy.longest_chain();
        assert!((1..=chain_max).contains(&chain), "{question:?}: {chain}");
    }
}

#[test]
fn while_the_store_is_down_local_days_answer_and_the_rest_is_named() {
    let tree = ShippedTree::new(2, 60);
    tree.without("half", |at| at == 0);
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", closed.local_addr().expect("an address"));
    drop(closed);
    tree.write_settings("down.toml", &endpoint, "request_timeout = \"1s\"\n");
    let id = tree.ids.last().expect("an id");
    let begin = Instant::now();
    let answer = tree.run("half", &["--config", "down.toml"], &["trace", "0367", id]);
    assert!(begin.elapsed() < Duration::from_secs(10));
    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(answer.stdout.contains(id), "{answer:?}");
    let address = format!("{}/0367", tree.address());
    assert!(answer.stderr.contains(&address), "{answer:?}");
    let none = tree.run(&tree.address(), &["--config", "down.toml"], &["search"]);
    assert_eq!(none.code, 2, "{none:?}");
    let page = Server::start(&tree, "half", "down.toml").get(&format!("/call/0367/{id}"));
    let warning = "Хранилище архивных дней не читается";
    assert!(page.contains(warning), "{page}");
}

#[test]
fn two_servers_behind_nginx_answer_the_same_links() {
    let tree = ShippedTree::new(2, 60);
    tree.without("shipped", |_| true);
    let address = tree.address();
    let servers = [
        Server::start(&tree, &address, "store.toml"),
        Server::start(&tree, "shipped", "store.toml"),
    ];
    let nginx = nginx(tree.dir.path(), &servers);
    for id in &tree.ids {
        let target = format!("/call/0367/{id}");
        let pages: BTreeSet<String> = servers.iter().map(|server| server.get(&target)).collect();
        assert_eq!(pages.len(), 1, "{id}");
        // nginx asks one after the other.
        for _ in 0..2 {
            assert!(pages.contains(&get(nginx.address(), &target)));
        }
    }
    drop(servers);
}

/// `calltrace serve`, ended when dropped.
struct Server {
    child: Child,
    at: SocketAddr,
}

impl Server {
    fn start(tree: &ShippedTree, root: &str, settings: &str) -> Server {
        let text = fs::read_to_string(tree.dir.path().join(settings)).expect("settings");
        let text = format!("{text}[enterprises.0367]\nsecret = \"{TOKEN}\"\n");
        let own = format!("serve-{settings}");
        testing::write_secret(&tree.dir.path().join(&own), &text);
        let mut command = tree.command(root);
        command.args(["serve", "--listen", "127.0.0.1:0", "--config", &own]);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let mut printed = Vec::new();
        let at = lines.find_map(|line| {
            printed.push(line.expect("text"));
            printed
                .last()?
                .split_once("on http://")?
                .1
                .trim()
                .parse()
                .ok()
        });
        // What it prints later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Server {
            child,
            at: at.unwrap_or_else(|| panic!("it does not say where it listens: {printed:?}")),
        }
    }

    fn get(&self, target: &str) -> String {
        get(self.at, target)
    }
}

const TOKEN: &str = "a-token-of-this-test";

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of a page. Its head holds the time of the answer.
fn get(at: SocketAddr, target: &str) -> String {
    let mut stream = TcpStream::connect(at).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let request = format!(
        "GET {target}?token={TOKEN} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).expect("answered");
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let (head, body) = reply.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{target}: {head}");
    body.to_owned()
}

/// An nginx in front of servers, which it asks in turn.
fn nginx(dir: &Path, servers: &[Server]) -> Nginx {
    let servers = servers
        .iter()
        .map(|server| format!("server {};", server.at));
    let servers: String = servers.collect();
    Nginx::start(dir, |at| {
        format!(
            "upstream calltrace {{ {servers} }}\n\
             server {{ listen {at}; location / {{ proxy_pass http://calltrace; }} }}\n"
        )
    })
}
