//! Parses the lines of an event log and joins them into calls. The crate is pure: it opens no file and reads
//! no clock.
//!
//! [`record::Record::parse`] reads a line, and a [`call::Fact`] holds what that line says about a call. A
//! [`call::Joiner`] sorts facts into calls, and a [`call::Summary`] says how a call went:
//!
//! ```
//! use calltrace_model::call::{Direction, Fact, Joiner, Outcome, Summary};
//! use calltrace_model::record::{Place, Record, Stamp};
//!
//! let log = r#"
//! 2025-12-02 09:15:00,000|AST|start|1764666900.1|{"UniqueId": "1764666900.1", "Phone": "375290001234", "CallType": 0}
//! 2025-12-02 09:15:01,000|AST|dial|1764666900.1|{"UniqueId": "1764666900.1", "Phone": "375290001234", "Extensions": ["151"], "CallType": 0}
//! 2025-12-02 09:15:20,000|AST|hangup|1764666900.1|{"UniqueId": "1764666900.1", "Phone": "375290001234", "CallType": 0, "CallStatus": "0"}
//! "#;
//! let mut joiner = Joiner::default();
//! for (number, line) in (0..).zip(log.trim().lines()) {
//!     let record = Record::parse(line.as_bytes());
//!     let at = record.at.expect("each line has a time");
//!     joiner.push(Fact::of(&record, at, Place { source: 0, offset: number }));
//! }
//! let calls = joiner.take_all();
//! assert_eq!(calls.len(), 1);
//!
//! let mut call = Summary::of(&calls[0].facts).expect("it has records");
//! let later = Stamp::parse_prefix(b"2025-12-02 10:00:00,000").expect("a time");
//! call.settle(&calls[0].facts, later);
//! assert_eq!(call.direction, Direction::Incoming);
//! assert_eq!(call.outcome, Outcome::Missed);
//! assert_eq!(call.rang, ["151"]);
//! ```

#![allow(
    missing_docs,
    reason = "a field or a variant with a name that says all has no comment"
)]

pub mod call;
pub mod entry;
pub mod filter;
pub mod record;
pub mod redact;
pub mod sanitise;
pub mod sighting;
pub mod stats;
