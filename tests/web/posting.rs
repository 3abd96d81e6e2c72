//! A client of the JSON API, a temporary tree to write to, and the lines in it afterwards.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::serving::{Client, Reply, Setup};

/// Makes a tree that holds only an empty folder for 0367.
pub(crate) fn empty_tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("0367")).expect("made");
    dir
}

/// A server in this process over that tree.
pub(crate) fn over(root: &Path) -> Setup {
    Setup {
        root: root.to_owned(),
        ..Setup::default()
    }
}

/// Sends one request as a program on this host does; each of `headers` has its line end.
pub(crate) fn ask(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &str,
    body: &[u8],
) -> Reply {
    let mut client = Client::connect(address);
    send(&mut client, method, target, headers, body);
    client.reply()
}

/// Sends a request on an open connection.
pub(crate) fn send(client: &mut Client, method: &str, target: &str, headers: &str, body: &[u8]) {
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost:8026\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    client.send(&[head.as_bytes(), body].concat());
}

pub(crate) const JSON: &str = "Content-Type: application/json\r\n";

pub(crate) fn post(address: SocketAddr, path: &str, body: &str) -> Reply {
    ask(address, "POST", path, JSON, body.as_bytes())
}

pub(crate) fn get(address: SocketAddr, target: &str) -> Reply {
    ask(address, "GET", target, "", b"")
}

pub(crate) fn json_of(reply: &Reply) -> Value {
    assert_eq!(
        reply.header("content-type"),
        Some("application/json"),
        "{}",
        reply.text()
    );
    serde_json::from_slice(&reply.body).expect("JSON")
}

/// Returns the reason of a failure, and checks that the answer holds nothing else.
pub(crate) fn detail(reply: &Reply) -> String {
    let value = json_of(reply);
    let fields = value.as_object().expect("an object");
    assert!(
        fields
            .keys()
            .all(|key| key == "detail" || key == "complete"),
        "{value}"
    );
    fields["detail"].as_str().expect("text").to_owned()
}

/// Returns an event of 0367 with this id.
pub(crate) fn event(unique_id: &str) -> String {
    format!(
        r#"{{"enterprise_number":"0367","unique_id":"{unique_id}","event_type":"dial","event_data":{{"Token":"375290000000","Phone":"375290001234","Extensions":["150"],"CallType":0}}}}"#
    )
}

/// Returns the text of all plain logs of an enterprise, one after the other.
pub(crate) fn logged(root: &Path, enterprise: &str) -> String {
    let Ok(folder) = fs::read_dir(root.join(enterprise)) else {
        return String::new();
    };
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.expect("listed").path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    let texts = paths
        .iter()
        .map(|path| fs::read_to_string(path).expect("text"));
    texts.collect()
}
