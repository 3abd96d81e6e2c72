//! Names from the metadata service, which the test plays itself: right, slow, broken and hostile.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use calltrace_directory::{Config, Directory, DirectoryTimes, NameQuery, Names, Secret};
use calltrace_store::tree::EnterpriseName;

/// Two seconds, and the delay of a busy machine.
const TWO_SECONDS: Duration = Duration::from_millis(2300);

/// Answers a request by its path.
type Answer = dyn Fn(&str, &mut TcpStream) + Send + Sync;

struct Service {
    url: String,
    paths: Arc<Mutex<Vec<String>>>,
    /// The largest number of concurrent requests.
    most: Arc<AtomicUsize>,
}

impl Service {
    /// Its threads end with the test program.
    fn start(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let service = Service {
            url: format!("http://{}", listener.local_addr().expect("it is bound")),
            paths: Arc::default(),
            most: Arc::default(),
        };
        let answer: Arc<Answer> = Arc::new(answer);
        let (paths, most) = (Arc::clone(&service.paths), Arc::clone(&service.most));
        let now = Arc::new(AtomicUsize::new(0));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, paths) = (Arc::clone(&answer), Arc::clone(&paths));
                let (most, now) = (Arc::clone(&most), Arc::clone(&now));
                thread::spawn(move || serve(stream, &*answer, &paths, &most, &now));
            }
        });
        service
    }

    fn directory(&self) -> Directory {
        open(&self.url)
    }

    fn request_count(&self) -> usize {
        self.paths
            .lock()
            .expect("no thread panics while holding it")
            .len()
    }
}

/// Serves the requests of one connection until it closes.
fn serve(
    mut stream: TcpStream,
    answer: &Answer,
    paths: &Mutex<Vec<String>>,
    most: &AtomicUsize,
    now: &AtomicUsize,
) {
    let mut lines = BufReader::new(stream.try_clone().expect("a descriptor is left")).lines();
    while let Some(Ok(first)) = lines.next() {
        while lines
            .next()
            .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
        {}
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        paths
            .lock()
            .expect("no thread panics while holding it")
            .push(path.clone());
        most.fetch_max(now.fetch_add(1, Relaxed) + 1, Relaxed);
        answer(&path, &mut stream);
        now.fetch_sub(1, Relaxed);
    }
}

fn send(stream: &mut TcpStream, status: &str, body: &str) {
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
}

/// Answers as the real service does, for known and for unknown names.
fn names(path: &str, stream: &mut TcpStream) {
    let body = match path {
        "/metadata/0367/manager/151" => {
            r#"{"full_name": "Анна Сидорова", "short_name": "Анна", "personal_phone": null}"#
        }
        "/metadata/0367/manager/152" => r#"{"full_name": "", "short_name": "Борис"}"#,
        "/metadata/0367/manager/153" => r#"{"full_name": "Доб.153", "short_name": "Доб.153"}"#,
        "/metadata/0367/line/0001363" => r#"{"name": "Линия продаж", "operator": "МТС"}"#,
        "/metadata/0367/line/0001364" => r#"{"name": "Линия 0001364"}"#,
        "/customer-name/0367/375290000001" => r#"{"name": "Тестовый покупатель"}"#,
        "/customer-name/0367/375290000002" => r#"{"name": null}"#,
        "/customer-name/0367/375290000003" => r#"{"name": "Неизвестный"}"#,
        _ => return send(stream, "404 Not Found", r#"{"detail": "Not Found"}"#),
    };
    send(stream, "200 OK", body);
}

fn open(url: &str) -> Directory {
    let config = Config {
        metadata: Secret::new(url),
        ..Config::default()
    };
    Directory::open_with(&config, DirectoryTimes::default())
        .expect("it is an address")
        .0
}

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn clients(count: usize) -> NameQuery {
    let phones = (0..count).map(|n| format!("37529000{n:04}"));
    NameQuery {
        clients: phones.collect(),
        ..NameQuery::default()
    }
}

async fn names_of(directory: &Directory, wanted: &NameQuery) -> Names {
    let begun = Instant::now();
    let number = EnterpriseName::new("0367").expect("a name");
    let names = directory.names(&number, wanted).await;
    assert!(begun.elapsed() < TWO_SECONDS, "{:?}", begun.elapsed());
    names
}

#[tokio::test]
async fn names_are_found_and_made_up_ones_are_none() {
    let service = Service::start(names);
    let directory = service.directory();
    let wanted = NameQuery {
        chats: ids(&["100000001"]),
        extensions: ids(&["151", "152", "153", "154"]),
        lines: ids(&["0001363", "0001364", "../x"]),
        clients: ids(&["375290000001", "375290000002", "375290000003"]),
        ..NameQuery::default()
    };
    let found = names_of(&directory, &wanted).await;
    let pair = |id: &str, name: &str| (id.to_owned(), name.to_owned());
    let expected = Names {
        extensions: [pair("151", "Анна Сидорова"), pair("152", "Борис")].into(),
        lines: [pair("0001363", "Линия продаж")].into(),
        clients: [pair("375290000001", "Тестовый покупатель")].into(),
        ..Names::default()
    };
    assert_eq!(found, expected);
    assert_eq!(service.request_count(), 10);
    assert!(
        service
            .paths
            .lock()
            .expect("no thread panics while holding it")
            .contains(&"/metadata/0367/line/%2E%2E%2Fx".to_owned())
    );

    assert_eq!(
        names_of(&directory, &wanted).await,
        expected,
        "and that there is none, is remembered"
    );
    assert_eq!(service.request_count(), 10);
    assert_eq!(directory.check().await, [("metadata", Ok(()))]);
    let other = EnterpriseName::new("0270").expect("a name");
    let others = directory.names(&other, &wanted).await;
    assert_eq!(
        others,
        Names::default(),
        "names of one enterprise are not another's"
    );
    assert!(
        directory
            .enterprise(&other)
            .await
            .expect("it answers")
            .is_none()
    );
}

#[tokio::test]
async fn requests_go_side_by_side_and_not_all_at_once() {
    let service = Service::start(|_: &str, stream: &mut TcpStream| {
        thread::sleep(Duration::from_millis(100));
        send(stream, "200 OK", r#"{"name": "Клиент"}"#);
    });
    let found = names_of(&service.directory(), &clients(48)).await;
    assert_eq!((found.clients.len(), found.missing.len()), (48, 0));
    assert_eq!(service.most.load(Relaxed), 16);
}

#[tokio::test]
async fn a_silent_service_costs_two_seconds_once() {
    let service = Service::start(|_: &str, _: &mut TcpStream| {
        thread::sleep(Duration::from_secs(10));
    });
    let directory = service.directory();
    assert_eq!(
        names_of(&directory, &clients(40)).await.missing,
        ["metadata"]
    );
    let begun = Instant::now();
    assert_eq!(
        names_of(&directory, &clients(50)).await.missing,
        ["metadata"]
    );
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
    let silent = "did not answer in time".to_owned();
    assert_eq!(directory.check().await, [("metadata", Err(silent))]);
}

#[tokio::test]
async fn names_that_arrive_in_time_are_used() {
    let service = Service::start(|path: &str, stream: &mut TcpStream| {
        if path.ends_with("0007") {
            thread::sleep(Duration::from_secs(10));
        }
        send(stream, "200 OK", r#"{"name": "Клиент"}"#);
    });
    let directory = service.directory();
    let found = names_of(&directory, &clients(40)).await;
    assert_eq!(found.clients.len(), 39);
    assert_eq!(found.missing, ["metadata"]);
    let begun = Instant::now();
    assert_eq!(names_of(&directory, &clients(40)).await, found);
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "the failed service is not asked again at once"
    );
}

#[tokio::test]
async fn a_broken_answer_costs_its_own_name() {
    let trap = TcpListener::bind("127.0.0.1:0").expect("a free port");
    trap.set_nonblocking(true).expect("the mode can be set");
    let elsewhere = format!(
        "302 Found\r\nLocation: http://{}/",
        trap.local_addr().expect("it is bound")
    );
    let service = Service::start(move |path: &str, stream: &mut TcpStream| {
        let id = path.rsplit('/').next().unwrap_or_default();
        match id {
            "500" => send(
                stream,
                "500 Internal Server Error",
                r#"{"full_name": "Нет"}"#,
            ),
            "302" => send(stream, &elsewhere, r#"{"full_name": "Нет"}"#),
            "1" => send(stream, "200 OK", "<html>Анна</html>"),
            "2" => send(stream, "200 OK", r#"{"full_name": "Ан"#),
            "3" => {
                let huge = format!(r#"{{"full_name": "{}"}}"#, "я".repeat(100_000));
                send(stream, "200 OK", &huge);
            }
            "4" => drop(stream.shutdown(std::net::Shutdown::Both)),
            "5" => drop(stream.write_all(b"SSH-2.0-OpenSSH\r\n\r\n")),
            // The answer never ends, and has no length.
            "6" => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                while stream.write_all(b"400\r\n").is_ok()
                    && stream.write_all(&[b' '; 0x400]).is_ok()
                    && stream.write_all(b"\r\n").is_ok()
                {}
            }
            _ => send(stream, "200 OK", r#"{"full_name": "Анна"}"#),
        }
    });
    let directory = service.directory();
    let wanted = NameQuery {
        extensions: ids(&["500", "302", "1", "2", "3", "4", "5", "6", "151"]),
        ..NameQuery::default()
    };
    let begun = Instant::now();
    let found = names_of(&directory, &wanted).await;
    assert!(
        begun.elapsed() < Duration::from_millis(1500),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(found.extensions.into_keys().collect::<Vec<_>>(), ["151"]);
    assert_eq!(found.missing, ["metadata"]);
    let refused = trap.accept().expect_err("no redirect is followed");
    assert_eq!(refused.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_service_that_is_gone_is_told_without_its_address() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .expect("a free port")
        .local_addr()
        .expect("it is bound");
    let directory = open(&format!("http://user:s3cret@{gone}/"));
    let begun = Instant::now();
    assert_eq!(
        names_of(&directory, &clients(100)).await.missing,
        ["metadata"]
    );
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
    let reason = "can't be reached: connection refused".to_owned();
    assert_eq!(directory.check().await, [("metadata", Err(reason))]);
}

#[tokio::test]
async fn a_service_that_is_back_is_asked_again() {
    let silent = Arc::new(AtomicUsize::new(1));
    let is_silent = Arc::clone(&silent);
    let service =
        Service::start(
            move |path: &str, stream: &mut TcpStream| match is_silent.load(Relaxed) {
                1 => send(stream, "500 Internal Server Error", ""),
                _ => names(path, stream),
            },
        );
    let directory = service.directory();
    assert!(directory.check().await[0].1.is_err());
    let wanted = NameQuery {
        extensions: ids(&["151"]),
        ..NameQuery::default()
    };
    assert_eq!(names_of(&directory, &wanted).await.missing, ["metadata"]);
    assert_eq!(service.request_count(), 1, "it was left alone");
    silent.store(0, Relaxed);
    assert_eq!(directory.check().await, [("metadata", Ok(()))]);
    assert_eq!(
        names_of(&directory, &wanted).await.extensions["151"],
        "Анна Сидорова"
    );
}

#[test]
fn oddities_of_a_service_that_answers_are_found() {
    let service = Service::start(|path, stream| {
        let body = match path {
            "/stats" => {
                r#"{"hits": 1, "misses": 9, "cache_size": 0, "hit_rate_percent": 10.0, "last_full_refresh": "2025-12-03 10:00:00"}"#
            }
            "/integrations/0367" => r#"{"integrations": {"ms": true}}"#,
            _ => {
                let gone = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}";
                stream.write_all(gone.as_bytes()).expect("written");
                return;
            }
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all((head + body).as_bytes()).expect("written");
    });
    let directory = service.directory();
    let names = ["0367", "0999"].map(|name| EnterpriseName::new(name).expect("a name"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let concerns = runtime.block_on(directory.concerns(&names, testing::now()));
    let lines: Vec<String> = concerns
        .iter()
        .map(|(name, it)| format!("{name}: {it}"))
        .collect();
    assert_eq!(
        lines,
        [
            "metadata: its cache is empty",
            "metadata: only 10% of its answers come from its cache",
            "metadata: its last full refresh was 300 minutes ago",
            "metadata: it does not know enterprise 0999",
        ]
    );

    let dir = tempfile::tempdir().expect("a folder");
    let config = dir.path().join("config.toml");
    std::fs::create_dir_all(dir.path().join("logs/0999")).expect("made");
    std::fs::write(&config, format!("[metadata]\nurl = \"{}\"\n", service.url)).expect("written");
    let config = config.to_str().expect("a name");
    let args = ["doctor", "--config", config];
    let output = testing::run(&dir.path().join("logs"), &args);
    let report = testing::text(&output.stdout);
    for part in ["its cache is empty", "it does not know enterprise 0999"] {
        assert!(report.contains(part), "{part}: {report}");
    }
}
