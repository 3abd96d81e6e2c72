//! The pictures in `docs/images` show what calltrace prints today. Next to each lies the text that it was
//! drawn from: all bytes of the terminal, or the words of a page above its steps.
//!
//! `docs/images/make` draws them anew. It runs these tests with `DRAW_PICTURES` set: they write the texts, and
//! what Chromium is to draw into `target/pictures`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::readme::{folder, project, typed};

/// The call of both pictures, in enterprise 0367 of the sample tree: two transfers.
const CALL: &str = "1764514800.140";
const SECRET: &str = "the-secret-of-the-pictures";
/// All pictures together (bytes).
const BYTES_MAX: u64 = 400_000;

/// A page's language, and names for the three extensions of the call.
const PAGES: [(&str, [&str; 3]); 2] = [
    ("en", ["Anna Sidorova", "Boris Novik", "Vera Lis"]),
    ("ru", ["Анна Сидорова", "Борис Новик", "Вера Лис"]),
];

fn images() -> PathBuf {
    project().join("docs/images")
}

/// Compares `text` with the text that lies next to the picture, or writes it there and writes `drawn` for Chromium.
fn check(picture: &str, text: &str, drawn: &str) {
    let path = images().join(picture);
    if std::env::var_os("DRAW_PICTURES").is_some() {
        let folder = project().join("target/pictures");
        fs::create_dir_all(&folder).expect("target can be written to");
        fs::write(folder.join(picture), drawn).expect("target can be written to");
        fs::write(&path, text).expect("docs can be written to");
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == text,
        "docs/images/{picture} shows what is not printed any more; run docs/images/make\n{text}"
    );
}

#[test]
fn the_picture_of_the_terminal_shows_what_trace_prints() {
    let folder = folder();
    let line = format!("calltrace trace 0367 {CALL}");
    let printed = typed(&format!("{line} --color always"), folder.path());
    let text = format!("$ {line}\n{}\n", printed.join("\n"));
    check("trace.ansi", &text, &text);
}

#[test]
fn the_pictures_of_the_page_show_what_is_served() {
    for (language, names) in PAGES {
        let folder = folder();
        let server = Server::start(folder.path(), &names);
        let page = server.page(language);
        check(&format!("call.{language}.txt"), &words(&page), &page);
    }
}

#[test]
fn pictures_are_small_and_each_is_shown_somewhere() {
    let mut bytes = 0;
    let readmes = ["README.md", "README.ru.md"];
    let shown = readmes.map(|name| fs::read_to_string(project().join(name)).expect("it is there"));
    for entry in fs::read_dir(images()).expect("it is there") {
        let path = entry.expect("it can be listed").path();
        if path.extension().is_some_and(|kind| kind == "png") {
            bytes += fs::metadata(&path).expect("it is there").len();
            let name = path.file_name().and_then(|name| name.to_str());
            let link = format!("](docs/images/{})", name.expect("text"));
            assert!(shown.iter().any(|text| text.contains(&link)), "{link}");
        }
    }
    assert!((1..=BYTES_MAX).contains(&bytes), "{bytes} bytes");
}

/// `calltrace serve` over the sample tree, until dropped.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(folder: &Path, names: &[&str; 3]) -> Server {
        let [one, two, three] = names;
        let settings = format!(
            "[enterprises.0367]\nsecret = \"{SECRET}\"\n\
             extensions = {{ 150 = \"{one}\", 151 = \"{two}\", 152 = \"{three}\" }}\n"
        );
        let path = folder.join("settings.toml");
        fs::write(&path, settings).expect("written");
        let mut command: Command = testing::command(&folder.join("call_tracer"));
        let mut process = command
            .args(["--tz", "Europe/Minsk", "--config"])
            .arg(&path)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(process.stderr.take().expect("it is piped")).lines();
        let mut lines = lines.map(|line| line.expect("UTF-8"));
        let address = lines.find_map(|line| Some(line.rsplit_once(" on http://")?.1.to_owned()));
        let address = address.expect("it says where it listens");
        Server { process, address }
    }

    /// The page of the call.
    fn page(&self, language: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let request = format!(
            "GET /call/0367/{CALL}?token={SECRET} HTTP/1.1\r\nHost: {}\r\n\
             Accept-Language: {language}\r\nConnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, page) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        page.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The words of a page above its steps, one element's per line.
fn words(page: &str) -> String {
    let body = page.split_once("<body").expect("a page has a body").1;
    let (body, _) = body
        .split_once("<section class=\"story\"")
        .expect("it tells the call");
    let texts = body.split('<').skip(1);
    let texts = texts.filter_map(|element| Some(element.split_once('>')?.1.trim()));
    let lines = texts.filter(|text| !text.is_empty());
    lines.map(|text| format!("{text}\n")).collect()
}
