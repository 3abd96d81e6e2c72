//! calltrace reads telephony event logs. See `ARCHITECTURE.md` for the way of a line from disk to
//! screen.

pub mod call;
pub mod engine;
pub mod error;
pub mod filter;
pub mod fsx;
pub mod record;
pub mod scan;
pub mod source;
pub mod tree;
