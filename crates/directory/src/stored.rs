//! Events in the telephony system's own database.

/// The events to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvents {
    /// Earliest time of receipt, inclusive, in milliseconds since 1970 UTC.
    pub from_millis: i64,
    /// Latest time of receipt, inclusive, in milliseconds since 1970 UTC.
    pub to_millis: i64,
    /// The Tokens of the events; empty for all. Events without a Token are always included.
    pub tokens: Vec<String>,
    /// The maximum number of events; the oldest are returned.
    pub limit: usize,
}

/// A row of `call_events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The id of the row; 0 if the table has no such column.
    pub id: u64,
    /// When it was received, in milliseconds since 1970 UTC.
    pub at_millis: i64,
    /// `start`, `dial`, `hangup` and so on.
    pub event: String,
    /// `live`, `downloaded`, `recovery` or `migrated`; `None` if the table does not say.
    pub data_source: Option<String>,
    /// The body as JSON, with its Token.
    pub body: String,
}
