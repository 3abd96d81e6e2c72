//! What one record says about a call, small enough to keep thousands of them.

mod draft;
mod edges;
mod text_details;

use std::sync::Arc;

use memchr::memmem;

use crate::record::{Body, Place, Record, Stamp, json};
use draft::FactDraft;
pub use edges::Edge;
pub(super) use edges::{EDGES_MAX, local_stem, local_target};

pub(crate) use text_details::took_millis;
pub use text_details::{Lookup, RequestResult, TextDetails};

/// At most this many bytes of each field are kept; no value that decides about a call is longer.
const FIELD_BYTES_MAX: usize = 255;
const FIELDS: usize = 11;

/// The key under which the API keeps an integration's name in the request.
const INTEGRATION: &[u8] = b"_integration";

/// Slightly less than the usual length of a line, so that the list is allocated once.
const LINE_BYTES_USUAL: usize = 220;

/// Slightly more than the usual length of all fields of a record, so that they are allocated once.
const FIELDS_BYTES_USUAL: usize = 200;

// The position of each field in `Fact::text`. The kinds of record share the positions.
const UID: usize = 0;
const BRIDGE: usize = 1;
const PHONE: usize = 2;
const EXTENSIONS: usize = 3;
const TRUNK: usize = 4;
const CHANNEL: usize = 5;
const CALLER: usize = 6;
const CONNECTED: usize = 7;
const EXTEN: usize = 8;
const LINKED: usize = 9;
const DEST: usize = 10;
const CHAT: usize = 1;
const MESSAGE: usize = 2;
const MESSAGE_TYPE: usize = 3;
const NUMBERS: usize = 4;
const STATUS: usize = 1;
const HOST: usize = 2;

/// The kind of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The call came in.
    Start,
    /// A party is being rung.
    Dial,
    /// A channel entered a bridge.
    Bridge,
    /// A channel left a bridge.
    BridgeLeave,
    /// A bridge was created.
    BridgeCreate,
    /// A bridge was destroyed.
    BridgeDestroy,
    /// A channel's caller id changed.
    NewCallerid,
    /// A leg ended.
    Hangup,
    /// Another Asterisk event.
    Other,
    /// A Telegram message was sent, edited or deleted.
    Message(MessageAction),
    Http,
    Sql,
    /// A line that could not be parsed and contains an id of the call.
    Unparsed,
}

/// The operation on a Telegram message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageAction {
    Send,
    /// The text was changed.
    Edit,
    Delete,
    /// Another operation, which the line names.
    Other,
}

/// The CallType of the Asterisk dialplan: 0, 1 and 2, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallType {
    Incoming,
    Outgoing,
    Internal,
}

/// What a record says about a call.
#[derive(Debug, Clone)]
pub struct Fact {
    /// The time of the record; for an unparsed line, the time of the line before it.
    pub at: Stamp,
    /// The position of the line, which orders facts with the same time.
    pub place: Place,
    /// The kind of a record.
    pub event: Event,
    /// The CallType of start, dial and hangup, written as a number or a string. `None` for any value except
    /// 0, 1 and 2.
    pub call_type: Option<CallType>,
    /// The CallStatus of a hangup, one digit.
    pub call_status: Option<u8>,
    /// The host's mark "started from CRM". The host also sets it on other calls, so it is only a hint.
    pub crm: bool,
    /// The hash of the Token; `None` without a Token.
    pub token: Option<u64>,
    /// The bridge is a holding bridge, in which channels do not hear each other: parking, the music of a
    /// queue.
    pub holding: bool,
    /// BridgeNumChannels: the number of channels in the bridge after this event.
    pub channels_left: Option<u8>,
    /// Whether the called side was busy (`Cause` 17 of a hangup, or `DialStatus` BUSY). `None` if the line
    /// gives no reason, which is so on most hosts.
    pub busy: Option<bool>,
    /// The request was posted as the answer of an integration.
    pub integration: bool,
    /// The event never arrived and was recovered from the host's journal.
    pub recovered: bool,
    /// The record passed the question's filter for single records.
    pub matched: bool,
    /// Details from the text of the record; the default if texts were not read (see [`Facts::with_texts`]).
    pub text_details: TextDetails,
    /// The fields of all records of a block; see [`Facts`].
    text: Option<Arc<[u8]>>,
    start: u32,
    /// How long a request took (milliseconds); `u32::MAX` if its writer did not note it. An `Option` would
    /// take more room, and every byte of a fact is copied about ten times in a sweep.
    took: u32,
    ends: [u16; FIELDS],
}

/// Collects the facts of the records of one block. Their texts share one allocation: one allocation per
/// record takes a third of the time of a sweep.
#[derive(Debug, Default)]
pub struct Facts {
    facts: Vec<Fact>,
    text: Vec<u8>,
    with_texts: bool,
}

impl Facts {
    /// Reserves room for the records of a block of `bytes`.
    pub fn for_block(bytes: usize) -> Facts {
        Facts {
            facts: Vec::with_capacity(bytes / LINE_BYTES_USUAL),
            text: Vec::with_capacity(bytes / 2),
            with_texts: false,
        }
    }

    /// Also reads the texts of messages and answers, which only some questions need.
    #[must_use]
    pub fn with_texts(self, with_texts: bool) -> Facts {
        Facts { with_texts, ..self }
    }

    /// Adds the fact of `record`, which is at `place`. `at` is the time for lines without a time of their
    /// own. The returned fact can be marked, but its fields can't be read yet.
    pub fn push(&mut self, record: &Record<'_>, at: Stamp, place: Place) -> &mut Fact {
        let fact = Fact::draft(record, at, place, &mut self.text, self.with_texts);
        self.facts.push(fact);
        self.facts.last_mut().expect("one was just added")
    }

    /// The facts in the order of their records.
    pub fn finish(mut self) -> Vec<Fact> {
        let text: Arc<[u8]> = self.text.into();
        for fact in &mut self.facts {
            fact.text = Some(Arc::clone(&text));
        }
        self.facts
    }
}

impl Fact {
    /// The fact of `record`, which is at `place`. `at` is the time for lines without a time of their own.
    pub fn of(record: &Record<'_>, at: Stamp, place: Place) -> Fact {
        Fact::alone(record, at, place, true)
    }

    /// The same as [`Fact::of`] without the texts of messages and answers. This is enough to find out which
    /// call the record belongs to.
    pub fn without_texts(record: &Record<'_>, at: Stamp, place: Place) -> Fact {
        Fact::alone(record, at, place, false)
    }

    fn alone(record: &Record<'_>, at: Stamp, place: Place, with_texts: bool) -> Fact {
        let mut text = Vec::with_capacity(FIELDS_BYTES_USUAL);
        let mut fact = Fact::draft(record, at, place, &mut text, with_texts);
        fact.text = Some(text.into());
        fact
    }

    /// The number of bytes that the fields take.
    pub fn bytes(&self) -> usize {
        self.ends[FIELDS - 1].into()
    }

    /// Makes the fact without its fields, which are appended to `text`.
    fn draft(
        record: &Record<'_>,
        at: Stamp,
        place: Place,
        text: &mut Vec<u8>,
        with_texts: bool,
    ) -> Fact {
        let fact = Fact {
            at: record.at.unwrap_or(at),
            place,
            event: Event::Unparsed,
            call_type: None,
            call_status: None,
            crm: false,
            token: None,
            holding: false,
            channels_left: None,
            busy: None,
            integration: false,
            recovered: false,
            took: u32::MAX,
            matched: false,
            text_details: TextDetails::default(),
            text: None,
            start: u32::try_from(text.len()).expect("a block's fields are under 4 GiB"),
            ends: [0; FIELDS],
        };
        let fields = Default::default();
        let mut draft = FactDraft { fields, fact };
        draft.fact.event = match &record.body {
            Body::Ast(ast) => draft.asterisk(ast),
            Body::Tg(tg) => {
                if with_texts {
                    let numbers;
                    (draft.fact.text_details, numbers) = text_details::message(tg.text);
                    draft.fields[NUMBERS] = numbers.into();
                }
                draft.telegram(tg)
            }
            Body::Http(http) => {
                // Most requests are long and do not come from an integration.
                draft.fact.integration = memmem::find(http.request, INTEGRATION).is_some()
                    && json::Fields::new(http.request).any(|(key, _)| key == INTEGRATION);
                draft.set(UID, http.uid);
                draft.set(STATUS, http.status);
                draft.set(HOST, text_details::host(http.url));
                draft.fact.took = took_millis(http.request).unwrap_or(u32::MAX);
                if with_texts {
                    let result = RequestResult::of(http.status, draft.fact.integration);
                    draft.fact.text_details =
                        text_details::http(http, result == RequestResult::Good);
                }
                Event::Http
            }
            Body::Sql(sql) => {
                draft.set(UID, sql.uid);
                if with_texts {
                    draft.fact.text_details = text_details::sql(sql);
                }
                Event::Sql
            }
            Body::Unparsed => Event::Unparsed,
        };
        draft.fact.ends = draft.pack(text);
        draft.fact
    }

    /// The channel's UniqueId; empty for bridge_create and bridge_destroy.
    pub fn uid(&self) -> &[u8] {
        self.field(UID)
    }

    /// The bridge of a bridge event; empty for other events (the emulator puts an invented bridge into
    /// new_callerid, which joins nothing).
    pub fn bridge(&self) -> &[u8] {
        self.field_if(self.is_asterisk(), BRIDGE)
    }

    /// The number of the other party, as written.
    pub fn phone(&self) -> &[u8] {
        self.field_if(self.is_asterisk(), PHONE)
    }

    /// The Extensions without empty ones. An old host writes them as one string, `152&151`.
    pub fn extensions(&self) -> impl Iterator<Item = &[u8]> {
        // The list is kept as JSON: most lists are never read, and no number contains one of these
        // characters.
        let list = self.field_if(self.is_asterisk(), EXTENSIONS);
        list.split(|b| matches!(b, b'&' | b'"' | b',' | b'[' | b']' | b' '))
            .filter(|e| !e.is_empty())
    }

    /// The line that the call used.
    pub fn trunk(&self) -> &[u8] {
        self.field_if(self.is_asterisk(), TRUNK)
    }

    /// The name of the channel.
    pub fn channel(&self) -> &[u8] {
        self.field_if(self.is_asterisk(), CHANNEL)
    }

    /// CallerIDNum.
    pub fn caller(&self) -> &[u8] {
        self.field_if(self.is_asterisk(), CALLER)
    }

    /// ConnectedLineNum.
    pub fn connected(&self) -> &[u8] {
        self.field_if(self.is_asterisk(), CONNECTED)
    }

    /// Exten: the number that was dialled.
    pub fn exten(&self) -> &[u8] {
        self.field_if(self.is_asterisk(), EXTEN)
    }

    /// The chat of a message.
    pub fn chat(&self) -> &[u8] {
        self.field_if(self.is_message(), CHAT)
    }

    /// The id of a message in its chat; empty when the writer had none.
    pub fn message(&self) -> &[u8] {
        self.field_if(self.is_message(), MESSAGE)
    }

    /// The stage of the call that a message is about: start, dial, bridge, hangup.
    pub fn message_type(&self) -> &[u8] {
        self.field_if(self.is_message(), MESSAGE_TYPE)
    }

    /// The status of an HTTP request, as written.
    pub fn http_status(&self) -> &[u8] {
        self.field_if(self.event == Event::Http, STATUS)
    }

    /// The host and port of an HTTP request; empty if the URL names no host.
    pub fn http_host(&self) -> &[u8] {
        self.field_if(self.event == Event::Http, HOST)
    }

    /// How long an HTTP request took (milliseconds); `None` if its writer did not note it.
    pub fn took_millis(&self) -> Option<u32> {
        Some(self.took).filter(|took| *took != u32::MAX)
    }

    /// The result of an HTTP request; `None` for any other record.
    pub fn request_result(&self) -> Option<RequestResult> {
        let of = || RequestResult::of(self.http_status(), self.integration);
        (self.event == Event::Http).then(of)
    }

    /// The numbers in the text of a message, digits only; none if texts were not read.
    pub fn numbers_in_text(&self) -> impl Iterator<Item = &[u8]> {
        let numbers = self.field_if(self.is_message(), NUMBERS);
        numbers.split(|b| *b == b' ').filter(|n| !n.is_empty())
    }

    /// Linkedid: Asterisk gives the id of the first channel of a call to all its channels. Empty if the line
    /// has none.
    pub fn linked(&self) -> &[u8] {
        self.field_if(self.is_asterisk(), LINKED)
    }

    /// Whether a message was edited or deleted rather than sent.
    pub fn changes_message(&self) -> bool {
        matches!(
            self.event,
            Event::Message(MessageAction::Edit | MessageAction::Delete)
        )
    }

    /// Whether the record is an Asterisk event.
    pub fn is_asterisk(&self) -> bool {
        !matches!(
            self.event,
            Event::Message(_) | Event::Http | Event::Sql | Event::Unparsed
        )
    }

    /// Whether the record is about a call as a whole: start, dial, hangup.
    pub fn is_call_event(&self) -> bool {
        matches!(self.event, Event::Start | Event::Dial | Event::Hangup)
    }

    fn is_message(&self) -> bool {
        matches!(self.event, Event::Message(_))
    }

    /// A field, for the kinds of record that have it at this position.
    fn field_if(&self, has_it: bool, at: usize) -> &[u8] {
        match has_it {
            true => self.field(at),
            false => b"",
        }
    }

    fn field(&self, at: usize) -> &[u8] {
        let text = self.text.as_deref().unwrap_or_default();
        let begin = if at == 0 { 0 } else { self.ends[at - 1] };
        let own = self.start as usize;
        &text[own + usize::from(begin)..own + usize::from(self.ends[at])]
    }
}
