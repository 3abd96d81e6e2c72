//! calltrace reads telephony event logs. See `ARCHITECTURE.md` for the way of a line from disk to
//! screen.
//!
//! The rooms, from what is typed down to the bytes; each knows only those below it.

pub mod cli;
pub mod cmd;

pub mod web;

pub mod directory;

pub mod intake;

pub mod output;

pub mod follow;

pub mod doctor;

pub mod rotate;

pub mod engine;

pub mod index;

pub mod call;

pub mod scan;

pub mod source;

pub mod tree;

pub mod filter;

pub mod redact;

pub mod sanitise;

pub mod record;

pub mod fsx;

pub mod error;
