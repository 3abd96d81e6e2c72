//! Output: timeline, table, JSON, CSV, sanitising.
//!
//! Makes text of `engine`'s answers and asks no questions itself. Three rules hold for all of it: bytes from a log
//! are shown only through [`calltrace_model::sanitise`], bodies only through [`calltrace_model::redact`] (the raw
//! format is the one exception to both, and to a terminal only to the second), and every shown time goes through
//! [`Clock`], which names its zone.

mod board;
mod calls;
pub mod check;
mod clock;
pub mod compare;
pub mod csv;
pub mod doctor;
pub mod json;
mod language;
mod layout;
mod lines;
mod marker;
mod number;
mod people;
pub mod rotation;
mod rows;
mod secrets;
pub mod shipping;
pub mod stats;
pub mod story;
mod stream;
mod style;
pub mod sync;
mod table;
mod timeline;
mod words;

pub use calls::{CallLine, CallMoment, CallRows};
pub use clock::Clock;
pub use language::Language;
pub use lines::{write_groups, write_lines};
pub use marker::Marker;
pub use number::{grouped, phone};
pub use people::People;
pub use rows::{NdjsonRows, ParquetRows, RowWriter};
pub use secrets::Secrets;
pub use stream::{RecordDetail, RecordStream, StreamRecord};
pub use table::{TableOptions, write_table};
pub use timeline::{TimelineOptions, write_timeline};
pub use words::{caller_name, duration, ending, glance};
