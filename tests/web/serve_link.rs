//! `calltrace link`: it makes the same link as any program that has the secret, and the link opens its call.

use std::process::Command;

use crate::serving::{Client, Running, SETTINGS, TOKEN, command};

/// The code that the README gives to authors of bots.
const PYTHON: &str = r#"
import base64, hashlib, hmac, time
def call_link(site, secret, enterprise, unique_id, seconds=14 * 86400):
    path = f"/call/{enterprise}/{unique_id}?exp={int(time.time()) + seconds}"
    tag = hmac.new(secret.encode(), path.encode(), hashlib.sha256).digest()
    return f"{site}{path}&sig={base64.urlsafe_b64encode(tag).decode().rstrip('=')}"
"#;

/// The exit code, stdout and stderr of `calltrace link`.
fn link(settings: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let (_dir, mut command) = command(settings);
    let output = command.arg("link").args(args).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let (link, stderr) = (text(output.stdout), text(output.stderr));
    (output.status.code(), link.trim_end().to_owned(), stderr)
}

/// Returns what that code makes of the same arguments, with the clock at `expires` minus the time it adds.
fn python_link(expires: &str, secret: &str, id: &str) -> String {
    let call = format!(
        "import sys\n{PYTHON}\ntime.time = lambda: {expires} - 14 * 86400\n\
         print(call_link('http://127.0.0.1:8026', sys.argv[1], '0367', sys.argv[2]))"
    );
    let output = Command::new("python3")
        .args(["-c", &call, secret, id])
        .output()
        .expect("there is python3; it is needed to compare links");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim_end()
        .to_owned()
}

#[test]
fn python_makes_the_same_link() {
    let secrets = [TOKEN, "п а р о л ь", "x", &"long".repeat(50)];
    for secret in secrets {
        let settings = format!("[enterprises.0367]\nsecret = \"{secret}\"\n");
        for id in ["1764493655.61", "PBX-1_a-1764493655.61"] {
            let (code, ours, why) = link(&settings, &["0367", id]);
            assert_eq!((code, why.as_str()), (Some(0), ""));
            let (_, rest) = ours.split_once("?exp=").expect("an end");
            let (expires, _) = rest.split_once('&').expect("a signature");
            assert_eq!(ours, python_link(expires, secret, id));
        }
    }
}

#[test]
fn a_link_opens_its_call() {
    let running = Running::start(SETTINGS, &[]);
    let address = running.address();
    let site = format!("http://{address}");
    let args = [
        "0367",
        "1764493655.61",
        "--for",
        "1m",
        "--public-url",
        &site,
    ];
    let (code, link, _) = link(SETTINGS, &args);
    assert_eq!(code, Some(0));
    let target = link.strip_prefix(&site).expect("its address");
    let mut client = Client::connect(address);
    client.ask("GET", target, "");
    assert_eq!(client.reply().status, 200);
    client.ask("GET", &target.replace("61?", "63?"), "");
    assert_eq!(client.reply().status, 403);
}

#[test]
fn a_link_needs_no_logs_and_no_call() {
    let (dir, mut command) = command(SETTINGS);
    command.env("CALLTRACE_ROOT", dir.path().join("nothing"));
    let output = command
        .args(["link", "0367", "1.1"])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(0));
    let link = String::from_utf8(output.stdout).expect("text");
    assert!(
        link.starts_with("http://127.0.0.1:8026/call/0367/1.1?exp="),
        "{link}"
    );
}

#[test]
fn a_link_that_can_not_be_signed_is_an_error_with_advice() {
    for (args, expected) in [
        (
            vec!["0376", "1.1"],
            "calltrace: no secret is known for 0376; add secret = \"...\" to the settings, \
             under [enterprises.0376], or name the database that has it under [postgres]\n",
        ),
        (
            vec!["../x", "1.1"],
            "calltrace: \"../x\" is not an enterprise; an enterprise has the name of its folder, such as 0367\n",
        ),
        (
            vec!["0367", "abc"],
            "calltrace: \"abc\" is not a call id; an id looks like 1764493655.61\n",
        ),
        (
            vec!["0367", "1.1", "--for", "401d"],
            "calltrace: invalid value '401d' for '--for <TIME>': a link is valid from 1m to 400d, \
             such as 14d or 12h\n",
        ),
    ] {
        let wanted = (Some(2), String::new(), expected.to_owned());
        assert_eq!(link(SETTINGS, &args), wanted, "{args:?}");
    }
}
