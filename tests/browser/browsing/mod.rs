//! Parts of the browser tests: a driven Chromium, the server over a tree, and trees to serve.

// Each test binary uses a part of it.
mod chromium;
pub(crate) mod order;
mod server;
pub(crate) mod trees;

pub(crate) use chromium::{Action, Browser, PageReport, Viewer, screenshot};
pub(crate) use server::{Server, signed_link};

use std::sync::mpsc::{self, Receiver};
use std::thread;

/// Runs a read that may block for ever on a thread, so that the test can wait for its channel with a timeout.
fn in_background<T: Send + 'static>(
    read: impl FnMut() -> Option<T> + Send + 'static,
) -> Receiver<T> {
    let (sender, receiver) = mpsc::channel();
    let mut read = read;
    thread::spawn(move || {
        while let Some(value) = read() {
            if sender.send(value).is_err() {
                break;
            }
        }
    });
    receiver
}
