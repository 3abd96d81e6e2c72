//! Commands in the advice of `calltrace doctor`: they reach the same tree under the same settings, from this shell and
//! from a crontab, and can be copied.

use std::fs;
use std::process::Command;

use crate::doctoring::{Findings, Tree, calls, day, noon};

/// Duplicate files, which are handled once, and a day that is not rotated, which is for cron.
fn ill() -> Tree {
    let tree = Tree::healthy();
    tree.write(&format!("events.log.{}", day(2)), calls(&noon(2), 200));
    fs::create_dir(tree.root().join("0101")).expect("made");
    fs::write(tree.root().join("0101/events.log"), calls(&noon(4), 9)).expect("written");
    fs::write(tree.dir().join("mine.toml"), "[rotate]\nkeep = \"300d\"\n").expect("written");
    tree
}

/// Runs in the folder that holds the tree.
fn in_parent_folder(tree: &Tree, args: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = tree.command(&[&["doctor"], args].concat());
    command.env_remove("CALLTRACE_ROOT").current_dir(tree.dir());
    command.envs(env.iter().copied());
    command
}

/// The commands for here and for cron.
fn commands(tree: &Tree, args: &[&str], env: &[(&str, &str)]) -> [String; 2] {
    let mut command = in_parent_folder(tree, &[args, &["--format=json"]].concat(), env);
    let found = Findings::of(&command.output().expect("it starts"));
    ["twins", "not-rotated"].map(|code| {
        let remedy = found
            .remedy(code)
            .replace(&tree.dir().display().to_string(), "DIR");
        remedy.split('`').nth(1).expect("a command").to_owned()
    })
}

/// The typed arguments, the environment, and what the advised commands for this shell and for cron name.
type Case<'c> = (&'c [&'c str], &'c [(&'c str, &'c str)], &'c str, &'c str);

#[test]
fn commands_name_what_was_typed_and_cron_gets_whole_paths() {
    let tree = ill();
    let root = tree.root().display().to_string();
    let cases: [Case<'_>; 6] = [
        (&[], &[], "", " --root DIR/call_tracer"),
        (
            &["--config=mine.toml"],
            &[],
            " --config mine.toml",
            " --root DIR/call_tracer --config DIR/mine.toml",
        ),
        (
            &["--root=call_tracer"],
            &[],
            " --root call_tracer",
            " --root DIR/call_tracer",
        ),
        (&[], &[("CALLTRACE_ROOT", &root)], "", ""),
        (
            &[],
            &[("CALLTRACE_ROOT", "./call_tracer")],
            "",
            " --root DIR/call_tracer",
        ),
        (
            &[],
            &[("CALLTRACE_ROOT", &root), ("CALLTRACE_CONFIG", "mine.toml")],
            "",
            " --config DIR/mine.toml",
        ),
    ];
    for (args, env, here, cron) in cases {
        let wanted = [
            format!("calltrace rotate{here} 0367"),
            format!("calltrace rotate{cron} 0101"),
        ];
        assert_eq!(commands(&tree, args, env), wanted, "{args:?} {env:?}");
    }
}

#[test]
fn a_root_that_settings_name_is_named_for_cron_unless_they_are() {
    let tree = ill();
    let root = format!("root = \"{}\"\n", tree.root().display());
    fs::write(tree.dir().join("mine.toml"), &root).expect("written");
    let [here, cron] = commands(&tree, &["--config", "./mine.toml"], &[]);
    assert_eq!(here, "calltrace rotate --config ./mine.toml 0367");
    assert_eq!(cron, "calltrace rotate --config DIR/mine.toml 0101");
    let own = tree.dir().join("own");
    fs::create_dir_all(own.join("calltrace")).expect("made");
    fs::write(own.join("calltrace/config.toml"), &root).expect("written");
    let own = own.display().to_string();
    let [here, cron] = commands(&tree, &[], &[("XDG_CONFIG_HOME", &own)]);
    assert_eq!(here, "calltrace rotate 0367");
    assert_eq!(cron, "calltrace rotate --root DIR/call_tracer 0101");
}

#[test]
fn a_command_is_whole_on_a_line_however_narrow_the_screen() {
    let tree = ill();
    let long = tree
        .dir()
        .join("a/folder/that/is/rather/far/away/from/everything");
    fs::create_dir_all(&long).expect("made");
    let root = long.join("call_tracer");
    fs::rename(tree.root(), &root).expect("moved");
    let text = |columns: &str| {
        let args = ["--root", root.to_str().expect("UTF-8")];
        let mut command = in_parent_folder(&tree, &args, &[("COLUMNS", columns)]);
        String::from_utf8(command.output().expect("it starts").stdout).expect("UTF-8")
    };
    let commands = |text: &str| -> Vec<String> {
        let parts = text.split('`').skip(1).step_by(2);
        parts.map(str::to_owned).collect()
    };
    let shown = text("40");
    let all = commands(&shown);
    assert!(all.len() >= 2, "{shown}");
    for command in all {
        assert!(!command.contains('\n'), "{shown}");
        let rotate = format!("calltrace rotate --root {} 0", root.display());
        assert!(command.starts_with(&rotate), "{shown}");
    }
    // Nothing else is wider but names.
    let mut wide = shown.lines().filter(|line| line.chars().count() > 40);
    let is_usual = |line: &str| {
        let text = line.trim_start();
        text.starts_with("warning [") || text.trim_start_matches("do: ").starts_with('`')
    };
    assert!(wide.all(is_usual), "{shown}");
}

#[test]
fn a_root_that_begins_as_an_option_does_is_typed_as_a_path() {
    let tree = ill();
    fs::rename(tree.root(), tree.dir().join("-tree")).expect("moved");
    let [here, cron] = commands(&tree, &["--root=-tree"], &[]);
    assert_eq!(here, "calltrace rotate --root ./-tree 0367");
    assert_eq!(cron, "calltrace rotate --root DIR/-tree 0101");
}
