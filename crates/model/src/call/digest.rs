//! What is kept of a call's records when the records themselves are not kept.

/// The searchable values of a call's records, kept without the records. It is made for calls that no record
/// can be added to. Each list is sorted and holds only valid text, since no question can ask for anything
/// else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digest {
    /// Extensions and numbers, as they are written.
    pub parties: Vec<String>,
    /// Digits of the other numbers in Asterisk events that are long enough for a query by a long number.
    pub numbers: Vec<String>,
    pub trunks: Vec<String>,
    /// Ids of the Telegram chats that got a message.
    pub chats: Vec<String>,
    /// Names of the faults that the call has when no more records can come.
    pub faults: Vec<String>,
    /// How long after the last record more records can follow (milliseconds); see [`super::reach::silence`].
    pub silence_millis: i64,
}
