//! Chromium, driven by `tests/browser/drive.mjs`: one command per line, one answer per line.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::in_background;

/// The driver itself waits for less time than this.
const PATIENCE: Duration = Duration::from_secs(40);

/// The browser that looks at a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer {
    /// `phone` is 360 x 740 with two device pixels per pixel, `desktop` is 1280 x 900.
    pub(crate) viewport: &'static str,
    /// `light` or `dark`.
    pub(crate) scheme: &'static str,
    /// The language that the browser accepts.
    pub(crate) locale: &'static str,
    /// Whether scripts run.
    pub(crate) script: bool,
    /// The User-Agent, if it is not the browser's own.
    pub(crate) agent: Option<&'static str>,
}

impl Viewer {
    /// A telephone in the light scheme, in Russian.
    pub(crate) const PHONE: Viewer = Viewer {
        viewport: "phone",
        scheme: "light",
        locale: "ru-RU",
        script: true,
        agent: None,
    };

    /// A desktop browser in the light scheme, in Russian.
    pub(crate) const DESKTOP: Viewer = Viewer {
        viewport: "desktop",
        ..Viewer::PHONE
    };

    /// Each of these sizes in all colour schemes and languages.
    pub(crate) fn of_sizes(sizes: &[&'static str]) -> Vec<Viewer> {
        let mut all = Vec::new();
        for viewport in sizes.iter().copied() {
            for scheme in ["light", "dark"] {
                for locale in ["ru-RU", "en-GB"] {
                    all.push(Viewer {
                        viewport,
                        scheme,
                        locale,
                        ..Viewer::PHONE
                    });
                }
            }
        }
        all
    }

    /// `phone-dark-ru`, for the names of screenshots.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}-{}", self.viewport, self.scheme, &self.locale[..2])
    }
}

/// An action on a page: its name in the driver, then its arguments.
pub(crate) type Action<'a> = &'a [&'a str];

/// An element of a page.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Found {
    pub(crate) tag: String,
    pub(crate) text: String,
    pub(crate) attributes: std::collections::BTreeMap<String, String>,
    /// Whether a `details` element is open.
    pub(crate) open: Option<bool>,
    /// It has a visible outline.
    pub(crate) outlined: bool,
    /// The lower edge, from the top of the page (CSS pixels).
    pub(crate) bottom: f64,
}

/// An axe rule that a page breaks.
#[derive(Debug, Deserialize)]
pub(crate) struct Violation {
    pub(crate) id: String,
    pub(crate) help: String,
    pub(crate) nodes: Vec<Value>,
}

/// The state of a page.
#[derive(Debug, Deserialize)]
pub(crate) struct PageReport {
    pub(crate) url: String,
    pub(crate) status: u16,
    pub(crate) html: String,
    pub(crate) title: String,
    pub(crate) lang: String,
    pub(crate) text: String,
    pub(crate) links: Vec<Link>,
    pub(crate) cookies: Vec<String>,
    pub(crate) stored: Vec<String>,
    /// From all pages since the first: console messages, script errors, requested addresses, opened
    /// dialogs.
    pub(crate) console: Vec<String>,
    pub(crate) errors: Vec<String>,
    pub(crate) requests: Vec<String>,
    pub(crate) dialogs: Vec<String>,
    /// Names of attributes that would run a script.
    pub(crate) handlers: Vec<String>,
    /// A script from a log ran.
    pub(crate) hit: bool,
    pub(crate) scroll_width: f64,
    pub(crate) client_width: f64,
    /// Elements that overflow the page sideways.
    pub(crate) hanging: Vec<Found>,
    /// Elements that show only a part of themselves; an input scrolls too.
    pub(crate) cut: Vec<Found>,
    /// Texts of a drawing that overlap.
    pub(crate) overlaps: Vec<String>,
    /// Short words that are broken across two lines.
    pub(crate) broken: Vec<String>,
    pub(crate) focus: Option<Found>,
    /// One list for each requested selector.
    pub(crate) found: Vec<Vec<Found>>,
    #[serde(default)]
    pub(crate) violations: Vec<Violation>,
}

/// A link as the browser resolved it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Link {
    pub(crate) href: String,
}

/// A browser, which ends when it is dropped.
pub(crate) struct Browser {
    driver: Child,
    commands: Option<ChildStdin>,
    answers: Receiver<String>,
    /// Holds the profiles and temporary files of the browser, and removes them.
    _home: TempDir,
}

impl Browser {
    /// Starts a browser.
    pub(crate) fn start() -> Browser {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
        let chromium = chromium(&folder);
        let home = tempfile::tempdir().expect("a folder");
        let mut driver = Command::new("node")
            .arg(folder.join("drive.mjs"))
            .arg(chromium)
            .env("HOME", home.path())
            .env("TMPDIR", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts; tests/run installs it");
        let mut lines = BufReader::new(driver.stdout.take().expect("it is piped")).lines();
        let commands = driver.stdin.take();
        Browser {
            driver,
            commands,
            answers: in_background(move || lines.next()?.ok()),
            _home: home,
        }
    }

    /// Opens an address as a new visitor.
    pub(crate) fn open(&mut self, viewer: &Viewer, url: &str) -> PageReport {
        self.open_and(viewer, url, &[], json!({}))
    }

    /// Opens an address as a new visitor and acts on the page; `more` holds further options for the
    /// driver.
    pub(crate) fn open_and(
        &mut self,
        viewer: &Viewer,
        url: &str,
        actions: &[Action<'_>],
        more: Value,
    ) -> PageReport {
        let viewer = json!({
            "viewport": viewer.viewport,
            "scheme": viewer.scheme,
            "locale": viewer.locale,
            "script": viewer.script,
            "agent": viewer.agent,
        });
        let command = json!({"open": url, "as": viewer, "do": actions});
        self.obey(command, more)
    }

    /// Acts on the open page.
    pub(crate) fn act(&mut self, actions: &[Action<'_>]) -> PageReport {
        self.act_and(actions, json!({}))
    }

    /// The same, with further options for the driver.
    pub(crate) fn act_and(&mut self, actions: &[Action<'_>], more: Value) -> PageReport {
        self.obey(json!({"do": actions}), more)
    }

    fn obey(&mut self, mut command: Value, more: Value) -> PageReport {
        if let (Some(fields), Value::Object(more)) = (command.as_object_mut(), more) {
            fields.extend(more);
        }
        let commands = self.commands.as_mut().expect("it was not dropped");
        writeln!(commands, "{command}").expect("the driver listens");
        let answer = self.answers.recv_timeout(PATIENCE);
        let answer = answer.unwrap_or_else(|_| panic!("no answer of the driver to {command}"));
        let answer: Value = serde_json::from_str(&answer).expect("an answer is JSON");
        if let Some(why) = answer["failed"].as_str() {
            panic!("{command}\n{why}");
        }
        serde_json::from_value(answer).expect("an answer is what is seen")
    }
}

impl Drop for Browser {
    /// The driver ends the browser and itself when its stdin closes.
    fn drop(&mut self) {
        drop(self.commands.take());
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            if matches!(self.driver.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // The browser ends when the pipe to its driver breaks.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Returns the browser's program.
fn chromium(folder: &Path) -> PathBuf {
    let known = folder.join("node_modules/playwright-core/package.json");
    assert!(
        known.is_file() && folder.join("node_modules/axe-core/package.json").is_file(),
        "{}: node modules are missing; tests/run installs them, or: npm ci --prefix tests/browser",
        folder.display(),
    );
    let chromium = std::env::var_os("CHROMIUM").unwrap_or_else(|| "/usr/bin/chromium".into());
    let chromium = PathBuf::from(chromium);
    assert!(
        chromium.is_file(),
        "{}: no Chromium; tests/run installs it, or: apt-get install chromium; another one is named by CHROMIUM",
        chromium.display(),
    );
    chromium
}

/// Returns the path of a screenshot for people to look at: in `screenshots` in the target folder.
pub(crate) fn screenshot(name: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
    fs::create_dir_all(&folder).expect("the target folder can be written");
    let folder = folder.canonicalize().expect("it is there");
    folder.join(format!("{name}.png")).display().to_string()
}
