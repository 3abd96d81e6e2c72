//! Shells on a terminal of their own, with the scripts installed where packages put them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use testing::sample;

pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program that finds calltrace by its name, the sample tree, and none of the tester's settings.
pub(crate) fn program(name: &str, home: &Path) -> Command {
    let calltrace = testing::program();
    let bin = calltrace.parent().expect("it lies in a folder");
    let path = std::env::var("PATH").expect("there is a PATH");
    let mut command = Command::new(name);
    command
        .env_clear()
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("HOME", home)
        .env("TERM", "dumb")
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC")
        .env("CALLTRACE_NOW", testing::NOW)
        .env("CALLTRACE_ROOT", sample());
    command
}

pub(crate) fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Types at a shell on a terminal of 100 columns: each step waits for a text, then types another. All
/// that was shown.
pub(crate) fn typed(shell: &mut Command, steps: &[(&str, &str)]) -> String {
    let steps: Vec<Value> = steps
        .iter()
        .map(|(wait, keys)| json!([wait, {"type": keys}]))
        .collect();
    let program = shell.get_program().to_owned();
    let args: Vec<_> = shell.get_args().map(ToOwned::to_owned).collect();
    let path = text(
        &Command::new("sh")
            .arg("-c")
            .arg("command -v \"$0\"")
            .arg(&program)
            .output()
            .expect("sh")
            .stdout,
    );
    assert!(
        !path.is_empty(),
        "{} is missing; tests/run installs it",
        program.display()
    );
    let mut driver = Command::new("python3");
    driver.arg(project().join("tests/terminal/drive.py")).args([
        "100",
        "50",
        &json!(steps).to_string(),
    ]);
    driver.arg(path.trim()).args(args).env_clear();
    for (name, value) in shell.get_envs() {
        driver.env(name, value.expect("only set variables"));
    }
    let output = driver.output().expect("python3 starts");
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    let shown = answer["output"].as_str().expect("text").to_owned();
    assert_eq!(answer["left"], 0, "a step was never reached: {shown}");
    shown
}

/// A folder of the user's in which the script has the name that a package gives it.
fn installed(script: &str, folder: &Path, name: &str) {
    fs::create_dir_all(folder).expect("made");
    fs::copy(
        project().join("completions").join(script),
        folder.join(name),
    )
    .expect("copied");
}

pub(crate) fn bash(home: &Path) -> Command {
    installed("calltrace.bash", &home.join("completions"), "calltrace");
    let rc = home.join("rc");
    fs::write(
        &rc,
        "PS1='READY> '\nsource /usr/share/bash-completion/bash_completion\n",
    )
    .expect("written");
    let mut bash = program("bash", home);
    bash.env("BASH_COMPLETION_USER_DIR", home);
    bash.args(["--noprofile", "--rcfile"]).arg(rc).arg("-i");
    bash
}

pub(crate) fn zsh(home: &Path) -> Command {
    installed("_calltrace", &home.join("functions"), "_calltrace");
    let rc = "fpath=(~/functions $fpath)\nautoload -Uz compinit && compinit -u -D\nPS1='READY> '\n";
    fs::write(home.join(".zshrc"), rc).expect("written");
    let mut zsh = program("zsh", home);
    zsh.env("ZDOTDIR", home).args(["--no-globalrcs", "-i"]);
    zsh
}

/// What fish offers for a line, loading the script from where packages put it.
pub(crate) fn fish(home: &Path, line: &str) -> String {
    installed(
        "calltrace.fish",
        &home.join("data/fish/vendor_completions.d"),
        "calltrace.fish",
    );
    let mut fish = program("fish", home);
    fish.env("XDG_DATA_DIRS", home.join("data"))
        .current_dir(home);
    let output = fish
        .args(["-c", "complete -C $argv[1]", line])
        .output()
        .expect("fish starts");
    assert_eq!(text(&output.stderr), "", "{line}");
    text(&output.stdout)
}
