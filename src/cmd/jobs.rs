//! Works on several enterprises at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;

use calltrace_store::tree::EnterpriseName;

/// How many enterprises are worked on at a time: `asked`, or `usual` for none or 0.
pub(super) fn at_once(asked: Option<u16>, usual: usize) -> usize {
    let asked = asked.filter(|&jobs| jobs > 0);
    asked.map_or(usual, usize::from)
}

/// Calls `work` for each of them, `at_once` at a time, and passes what the workers send to `hear`, on this thread.
pub(super) fn run<M: Send>(
    enterprises: &[EnterpriseName],
    at_once: usize,
    work: impl Fn(&EnterpriseName, &Sender<M>) + Sync,
    mut hear: impl FnMut(M),
) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..at_once.min(enterprises.len()) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some(name) = enterprises.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(name, &sender);
                }
            });
        }
        drop(sender);
        for heard in receiver {
            hear(heard);
        }
    });
}
