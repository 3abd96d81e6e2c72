//! When the kernel has no more watches to give out, following goes on by looking.

use std::process::Command;

use crate::tailing::{Running, append, command, tree};

/// In a user namespace of its own this user may have no inotify instance at all.
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
fn without_watches_one_warning_is_said_and_lines_come_all_the_same() {
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
    let silence = tail.said.try_iter().count();
    assert_eq!(silence, 0, "it is said once");
}
