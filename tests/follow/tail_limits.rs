//! When the kernel has no more watches, following continues by looking.

use std::process::Command;

use crate::tailing::{Running, append, command, tree};

/// In a separate user namespace this user may have no inotify instance at all.
fn without_watches(args: &[&str], dir: &tempfile::TempDir) -> Command {
    let mut unshare = Command::new("unshare");
    let none = "echo 0 >/proc/sys/user/max_inotify_instances && exec \"$@\"";
    unshare.args(["--user", "--map-root-user", "sh", "-ec", none, "sh"]);
    let tail = command(dir.path());
    unshare
        .arg(tail.get_program())
        .args(tail.get_args())
        .args(args);
    let env = tail.get_envs();
    unshare.env_clear();
    unshare.envs(env.filter_map(|(key, value)| Some((key, value?))));
    unshare
}

#[test]
fn without_watches_one_warning_is_printed_and_lines_still_arrive() {
    let dir = tree();
    append(&dir, "2025-12-02 09:15:00,410|AST|start|1.1|{}\n");
    let tried = without_watches(&["--raw"], &dir).output();
    if !tried.is_ok_and(|output| output.status.success()) {
        return testing::skipped("this user may make no user namespace");
    }
    let tail = Running::of(without_watches(&["-f", "--raw"], &dir));
    tail.take(1);
    tail.wait_for("they are looked at every second instead");
    for number in 2..5 {
        let line = format!("2025-12-02 09:15:00,410|AST|start|{number}.1|{{}}\n");
        append(&dir, &line);
        assert_eq!(tail.take(1), line);
    }
    let silence = tail.stderr.try_iter().count();
    assert_eq!(silence, 0, "it is said once");
}

/// The program with a limit on open files.
fn with_files(limit: &str, args: &[&str], dir: &tempfile::TempDir) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit $0 && exec \"$@\"", limit]);
    let program = testing::command(dir.path());
    shell
        .arg(program.get_program())
        .args(program.get_args())
        .args(args);
    let env = program.get_envs();
    shell.env_clear();
    shell.envs(env.filter_map(|(key, value)| Some((key, value?))));
    shell
}

/// This many enterprises with this many days of one line each.
fn many(enterprises: usize, days: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for enterprise in 0..enterprises {
        let folder = dir.path().join(format!("{:04}", 1000 + enterprise));
        std::fs::create_dir(&folder).expect("made");
        for day in 0..days {
            let (month, day) = (1 + day / 28, 1 + day % 28);
            let date = format!("2025-{month:02}-{day:02}");
            let line = format!("{date} 09:15:00,410|AST|start|1764580500.{enterprise}|{{}}\n");
            let name = format!("events_{date}.log");
            std::fs::write(folder.join(name), line).expect("written");
        }
    }
    dir
}

#[test]
fn files_of_many_enterprises_are_not_kept_open() {
    let dir = many(40, 8);
    // 320 files. Both limits are 128, so the soft one cannot be raised.
    let args = ["--threads=2", "tail", "-n", "400", "--raw"];
    let output = with_files("-n 128", &args, &dir).output().expect("run");
    assert_eq!(testing::text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(testing::text(&output.stdout).lines().count(), 320);
    let args = ["--threads=2", "tail", "--call", "1764580500.39"];
    let output = with_files("-n 128", &args, &dir).output().expect("run");
    assert_eq!(testing::text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_soft_limit_is_raised_by_every_command() {
    let dir = many(1, 300);
    for command in [
        &["tail", "-n", "400", "--raw"][..],
        &["search", "--lines", "--format=raw", "--limit=0"],
    ] {
        let args = [&["--threads=2"], command].concat();
        let output = with_files("-Sn 64", &args, &dir).output().expect("run");
        assert_eq!(testing::text(&output.stderr), "", "{command:?}");
        assert_eq!(testing::text(&output.stdout).lines().count(), 300);
    }
}

#[test]
fn past_the_hard_limit_one_line_says_what_to_do() {
    let dir = many(3, 200);
    for command in [
        &["tail", "-n", "9", "--raw"][..],
        &["tail", "-f", "--raw", "--timeout=2s"],
        &["search", "--count"],
        &["search", "--lines", "--count"],
        &["trace", "1764580500.1"],
    ] {
        let args = [&["--threads=2"], command].concat();
        let output = with_files("-n 100", &args, &dir).output().expect("run");
        let stderr = testing::text(&output.stderr);
        let of_limit = stderr
            .lines()
            .filter(|line| line.contains("100 open at a time"));
        assert_eq!(of_limit.count(), 1, "{command:?}: {stderr}");
        assert!(stderr.contains("LimitNOFILE="), "{stderr}");
        assert!(stderr.lines().count() <= 3, "{command:?}: {stderr}");
        assert_eq!(output.status.code(), Some(2), "{command:?}");
    }
}
