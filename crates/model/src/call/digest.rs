//! What is kept of a call's records once they are gone.

/// What the records of a call show, kept without them: of a call that nothing can be added to. Each list is
/// sorted, and holds what is text; nothing else can be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digest {
    /// Extensions and numbers as they are written.
    pub parties: Vec<String>,
    /// Digits of the other numbers that Asterisk names, as far as they are long enough for a query that is long.
    pub numbers: Vec<String>,
    /// Names of lines.
    pub trunks: Vec<String>,
    /// Ids of Telegram chats that got a message.
    pub chats: Vec<String>,
    /// Names of the faults that the call has once all has come that may come.
    pub faults: Vec<String>,
    /// How long after its last record more could follow (milliseconds); see [`super::reach::silence`].
    pub silence_millis: i64,
}
