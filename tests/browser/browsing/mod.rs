//! What the browser tests are made of: Chromium on a leash, the server over a tree, trees to serve.

// Each test binary uses a part of it.
mod chromium;
pub(crate) mod order;
mod server;
pub(crate) mod trees;

pub(crate) use chromium::{Action, Browser, Seen, Viewer, screenshot};
pub(crate) use server::{Server, signed_link};

use std::sync::mpsc::{self, Receiver};
use std::thread;

/// Runs what may wait for ever beside the test, which takes from the channel for as long as it
/// wants to.
fn beside<T: Send + 'static>(read: impl FnMut() -> Option<T> + Send + 'static) -> Receiver<T> {
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
