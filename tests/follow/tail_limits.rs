//! When the kernel has no more watches to give out, following goes on by looking.

use std::os::fd::OwnedFd;

use rustix::fs::inotify;

use crate::tailing::{Running, append, tree};

/// More than a user may have (`fs.inotify.max_user_instances`, usually 128), if it is not raised.
const INSTANCES_MAX: usize = 4096;

fn all_there_are() -> Vec<OwnedFd> {
    let more = || inotify::init(inotify::CreateFlags::CLOEXEC).ok();
    std::iter::from_fn(more).take(INSTANCES_MAX).collect()
}

#[test]
fn without_watches_one_warning_is_said_and_lines_come_all_the_same() {
    let dir = tree();
    let taken = all_there_are();
    if taken.len() == INSTANCES_MAX {
        // No limit that could be reached: then the descriptors are.
        return;
    }
    append(&dir, "2025-12-02 09:15:00,410|AST|start|1.1|{}\n");
    let tail = Running::start(&dir, &["-f", "--raw"]);
    tail.take(1);
    tail.wait_for("they are looked at every second instead");
    for number in 2..5 {
        let line = format!("2025-12-02 09:15:00,410|AST|start|{number}.1|{{}}\n");
        append(&dir, &line);
        assert_eq!(tail.take(1), line);
    }
    drop(taken);
    let silence = tail.said.try_iter().count();
    assert_eq!(silence, 0, "it is said once");
}
