//! The program with channels: what it prints, how it ends, and what it tells again.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;
use testing::peer::{Peer, Reply};
use testing::text;

use super::TOKEN;
use crate::readme::{blocks, folder, typed};

/// A folder with the sample tree, settings, the token of a bot, and a state.
struct Place {
    folder: TempDir,
}

impl Place {
    /// `settings` may hold `FOLDER`.
    fn new(settings: &str) -> Place {
        let folder = folder();
        let at = folder.path().display().to_string();
        fs::write(
            folder.path().join("config.toml"),
            settings.replace("FOLDER", &at),
        )
        .expect("its own file");
        let token = folder.path().join("token");
        fs::write(&token, TOKEN).expect("its own file");
        fs::set_permissions(&token, Permissions::from_mode(0o600)).expect("its own file");
        Place { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = testing::command(&self.path("call_tracer"));
        command.env("CALLTRACE_CONFIG", self.path("config.toml"));
        command.env("CALLTRACE_CHECK_STATE", self.path("check.json"));
        command
    }

    fn run_at(&self, now: &str, args: &[&str]) -> Output {
        let mut command = self.command();
        command.env("CALLTRACE_NOW", now).arg("check").args(args);
        command.output().expect("it starts")
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command()
            .arg("check")
            .args(args)
            .output()
            .expect("it starts")
    }

    /// What a run said, and that nothing of it, nor of the state, is secret.
    fn said(&self, output: &Output) -> String {
        let said = text(&output.stderr);
        let state = fs::read_to_string(self.path("check.json")).unwrap_or_default();
        for text in [&said, &text(&output.stdout), &state] {
            for secret in ["made_up", "http://", "s3cret"] {
                assert!(!text.contains(secret), "{text}");
            }
        }
        said
    }
}

fn bot() -> Peer {
    Peer::start(|_, _| Reply::Http(200, r#"{"ok": true}"#.to_owned()))
}

fn telegram(url: &str) -> String {
    format!(
        "[notify.telegram]\ntoken_file = \"FOLDER/token\"\nchats = [\"100000001\"]\napi_url = \"{url}\"\n"
    )
}

#[test]
fn a_test_message_goes_to_each_channel_and_the_failed_ones_are_named() {
    let (bot, hook) = (bot(), Peer::start(|_, _| Reply::Http(500, String::new())));
    let settings = format!(
        "{}[notify.webhook]\nurl = \"{}/s3cret\"\n",
        telegram(&bot.url()),
        hook.url()
    );
    let place = Place::new(&settings);
    let output = place.run(&["--test"]);
    assert_eq!(
        place.said(&output),
        "calltrace: telegram 100000001: delivered\ncalltrace: webhook answers with 500\n"
    );
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(bot.requests().len(), 1);
    let message = bot.requests()[0].json();
    assert_eq!(
        message["text"],
        "calltrace: пробное сообщение, канал работает"
    );
    assert_eq!(hook.requests()[0].json()["test"], true);
}

#[test]
fn a_dead_channel_is_tried_again_and_the_others_are_not_told_twice() {
    let bot = bot();
    let hook =
        Peer::start(|_, before| Reply::Http(if before < 2 { 502 } else { 200 }, String::new()));
    let settings = format!(
        "{}[notify.webhook]\nurl = \"{}/s3cret\"\n",
        telegram(&bot.url()),
        hook.url()
    );
    let place = Place::new(&settings);
    // An hour after a missed call, and every five minutes from then on.
    for (minute, ends, tried) in [(0, 2, 1), (5, 2, 2), (10, 0, 3), (15, 0, 3)] {
        let output = place.run_at(
            &format!("2025-12-02T11:{minute:02}:00Z"),
            &["0367", "--notify"],
        );
        let said = place.said(&output);
        assert_eq!(output.status.code(), Some(ends), "{minute}: {said}");
        let is_dead = said.contains("webhook answers with 502; the next run tries again");
        assert_eq!(is_dead, ends == 2, "{minute}: {said}");
        assert_eq!(
            (bot.requests().len(), hook.requests().len()),
            (1, tried),
            "{minute}: {said}"
        );
    }
    let text = bot.requests()[0].json()["text"].as_str().map(str::to_owned);
    assert!(text.is_some_and(|text| text.contains("+375 29 000-56-78")));
    assert_eq!(
        hook.requests()[2].json()["firing"][0]["part"]["value"],
        "375290005678"
    );
}

#[test]
fn a_channel_with_wrong_settings_gets_what_it_was_not_told_when_they_are_right() {
    let (bot, hook) = (bot(), Peer::start(|_, _| Reply::Http(200, String::new())));
    let settings = format!(
        "{}[notify.webhook]\nurl = \"{}\"\n",
        telegram(&bot.url()),
        hook.url()
    );
    let place = Place::new(&settings);
    let token = place.path("token");
    fs::rename(&token, place.path("away")).expect("its own file");
    let run = |minute: u32| {
        let output = place.run_at(
            &format!("2025-12-02T11:{minute:02}:00Z"),
            &["0367", "--notify"],
        );
        (output.status.code(), place.said(&output))
    };
    let (code, said) = run(0);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("notify.telegram.token_file: "), "{said}");
    assert!(said.contains("telegram 100000001 can't be used"), "{said}");
    assert_eq!(
        (bot.requests().len(), hook.requests().len()),
        (0, 1),
        "{said}"
    );
    fs::rename(place.path("away"), &token).expect("its own file");
    fs::set_permissions(&token, Permissions::from_mode(0o644)).expect("its own file");
    let (code, said) = run(5);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("is open to every user of this machine"),
        "{said}"
    );
    assert_eq!(
        (bot.requests().len(), hook.requests().len()),
        (1, 1),
        "{said}"
    );
}

#[test]
fn https_is_checked_with_the_certificates_of_the_system() {
    let folder = tempfile::tempdir().expect("a folder of its own");
    let server = super::failing::TlsServer::start(folder.path());
    let place = Place::new(&format!(
        "[notify.alertmanager]\nurl = \"https://{}\"\n",
        server.at
    ));
    let said = |certificates: Option<PathBuf>| {
        let mut command = place.command();
        command.envs(certificates.map(|file| ("SSL_CERT_FILE", file)));
        let output = command.args(["check", "--test"]).output();
        place.said(&output.expect("it starts"))
    };
    let untrusted = said(None);
    assert!(
        untrusted.contains("alertmanager can't be reached: invalid peer certificate"),
        "{untrusted}"
    );
    let trusted = said(Some(folder.path().join("certificate")));
    assert_eq!(trusted, "calltrace: alertmanager: delivered\n");
}

#[test]
fn what_the_pages_about_alerts_show_is_printed() {
    for page in ["docs/alerts.md", "docs/ru/alerts.md"] {
        let blocks = blocks(page).into_iter();
        let shown = blocks
            .map(|block| block.text)
            .find(|text| text[0].starts_with("$ calltrace check"));
        let shown = shown.expect("it shows a run");
        let command = shown[0].trim_start_matches("$ ");
        let printed = typed(
            &format!("CALLTRACE_NOW=2025-12-02T15:15:00Z {command}"),
            folder().path(),
        );
        assert_eq!(shown[1..], printed, "{page}");
    }
}
