//! calltrace reads telephony event logs. `ARCHITECTURE.md` describes the path of a line from disk to
//! screen. This crate is the program; the libraries it uses are in `crates/`.

#![allow(
    missing_docs,
    reason = "only the program uses this crate, and fields that explain themselves need no comment"
)]

pub mod cli;
pub mod cmd;
pub mod settings;
