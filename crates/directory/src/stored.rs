//! Events as the telephony system keeps them in its database.

/// Which events are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvents {
    /// Received at this time or later, in milliseconds since 1970 UTC.
    pub from_millis: i64,
    /// Received at this time or earlier, likewise.
    pub to_millis: i64,
    /// Of these Tokens; of all where none is named. Events without a Token are always there.
    pub tokens: Vec<String>,
    /// At most so many, the oldest.
    pub limit: usize,
}

/// A row of `call_events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The row; 0 where the table numbers none.
    pub id: u64,
    /// When it was received, in milliseconds since 1970 UTC.
    pub at_millis: i64,
    /// `start`, `dial`, `hangup` and so on.
    pub event: String,
    /// `live`, `downloaded`, `recovery`, `migrated`, where the table says it.
    pub data_source: Option<String>,
    /// The body as JSON, with its Token.
    pub body: String,
}
