//! calltrace reads telephony event logs. See `ARCHITECTURE.md` for the way of a line from disk to
//! screen. Here is the program; what it is made of are the crates in `crates/`.

pub mod cli;
pub mod cmd;
pub mod settings;
