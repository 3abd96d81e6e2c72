//! What one record says of a call, small enough to keep thousands of them.

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

/// Kept of each field; nothing that a call is judged by is longer.
const FIELD_BYTES_MAX: usize = 255;
const FIELDS: usize = 11;

/// The key under which the API keeps an integration's name in the request.
const INTEGRATION: &[u8] = b"_integration";

/// Length of a line, usually; a little less, so that room is made once.
const LINE_BYTES_USUAL: usize = 220;

/// Length of all fields of a record, usually; a little more, so that room is made once.
const FIELDS_BYTES_USUAL: usize = 200;

// Which field stands where in `Fact::text`. Kinds share the places.
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

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The call came in.
    Start,
    /// Somebody is being rung.
    Dial,
    /// A channel entered a bridge.
    Bridge,
    /// A channel left a bridge.
    BridgeLeave,
    /// A bridge came to be.
    BridgeCreate,
    /// A bridge is gone.
    BridgeDestroy,
    /// A channel's caller id changed.
    NewCallerid,
    /// A leg ended.
    Hangup,
    /// An Asterisk event of another name.
    Other,
    /// A Telegram message was sent, edited or deleted.
    Message(MessageAction),
    /// An HTTP request.
    Http,
    /// An SQL query.
    Sql,
    /// A line that could not be parsed and names the call.
    Unparsed,
}

/// What was done with a Telegram message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageAction {
    /// Sent.
    Send,
    /// Its text changed.
    Edit,
    /// Taken back.
    Delete,
    /// Something else, named in the line.
    Other,
}

/// Asterisk dialplan's CallType.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallType {
    /// `0`
    Incoming,
    /// `1`
    Outgoing,
    /// `2`
    Internal,
}

/// What a record says of a call.
#[derive(Debug, Clone)]
pub struct Fact {
    /// When; for an unparsed line the time of the line before it.
    pub at: Stamp,
    /// Where the line stands: orders facts of the same time.
    pub place: Place,
    /// What happened.
    pub event: Event,
    /// CallType of start, dial and hangup, number or string. `None` for anything but 0, 1, 2.
    pub call_type: Option<CallType>,
    /// CallStatus of a hangup, its one digit.
    pub call_status: Option<u8>,
    /// The host's mark "started from CRM". Leaks onto other calls: a hint.
    pub crm: bool,
    /// Hash of the Token; `None` without one.
    pub token: Option<u64>,
    /// The bridge holds channels that do not hear each other: parking, the music of a queue.
    pub holding: bool,
    /// BridgeNumChannels: the channels in the bridge after this event.
    pub channels_left: Option<u8>,
    /// Whether the called side was busy (a hangup's `Cause` 17, or `DialStatus` BUSY); `None` where the line
    /// gives no reason, as those of most hosts.
    pub busy: Option<bool>,
    /// A request that was posted as an integration's answer.
    pub integration: bool,
    /// An event that never arrived and was recovered from the host's journal.
    pub recovered: bool,
    /// The record passed the filter that the question has for single records.
    pub matched: bool,
    /// What its text says; nothing where texts were not read (see [`Facts::with_texts`]).
    pub text_details: TextDetails,
    /// The fields of all records of a block; see [`Facts`].
    text: Option<Arc<[u8]>>,
    start: u32,
    /// How long a request took (milliseconds); `u32::MAX` where its writer did not note it. Every byte of a
    /// fact is copied some ten times in a sweep.
    took: u32,
    ends: [u16; FIELDS],
}

/// Facts being taken from the records of one block. Their texts share one allocation: asking for
/// memory record by record takes a third of the time of a sweep.
#[derive(Debug, Default)]
pub struct Facts {
    facts: Vec<Fact>,
    text: Vec<u8>,
    with_texts: bool,
}

impl Facts {
    /// Room for the records of a block of `bytes`.
    pub fn for_block(bytes: usize) -> Facts {
        Facts {
            facts: Vec::with_capacity(bytes / LINE_BYTES_USUAL),
            text: Vec::with_capacity(bytes / 2),
            with_texts: false,
        }
    }

    /// Also reads what messages and answers say, which only some questions need.
    #[must_use]
    pub fn with_texts(self, with_texts: bool) -> Facts {
        Facts { with_texts, ..self }
    }

    /// Takes what `record`, standing at `place`, says. `at` is for lines without a time of their
    /// own. The fact is handed out to be marked, not to be asked.
    pub fn push(&mut self, record: &Record<'_>, at: Stamp, place: Place) -> &mut Fact {
        let fact = Fact::draft(record, at, place, &mut self.text, self.with_texts);
        self.facts.push(fact);
        self.facts.last_mut().expect("one was just added")
    }

    /// The facts, in the order of their records.
    pub fn finish(mut self) -> Vec<Fact> {
        let text: Arc<[u8]> = self.text.into();
        for fact in &mut self.facts {
            fact.text = Some(Arc::clone(&text));
        }
        self.facts
    }
}

impl Fact {
    /// What `record`, standing at `place`, says. `at` is for lines that have no time of their own.
    pub fn of(record: &Record<'_>, at: Stamp, place: Place) -> Fact {
        Fact::alone(record, at, place, true)
    }

    /// The same, but for what messages and answers say: enough to tell which call it belongs to.
    pub fn without_texts(record: &Record<'_>, at: Stamp, place: Place) -> Fact {
        Fact::alone(record, at, place, false)
    }

    fn alone(record: &Record<'_>, at: Stamp, place: Place, with_texts: bool) -> Fact {
        let mut text = Vec::with_capacity(FIELDS_BYTES_USUAL);
        let mut fact = Fact::draft(record, at, place, &mut text, with_texts);
        fact.text = Some(text.into());
        fact
    }

    /// Bytes that its fields take.
    pub fn bytes(&self) -> usize {
        self.ends[FIELDS - 1].into()
    }

    /// The fact without its text, which is appended to `text`.
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
                // Most requests are of no integration, and long.
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

    /// The bridge of a bridge event; empty for others (the emulator puts a made-up one into
    /// new_callerid, which joins nothing).
    pub fn bridge(&self) -> &[u8] {
        self.field_if(self.is_asterisk(), BRIDGE)
    }

    /// The other party's number, as written.
    pub fn phone(&self) -> &[u8] {
        self.field_if(self.is_asterisk(), PHONE)
    }

    /// The Extensions, empty ones left out. An old host writes one string, `152&151`.
    pub fn extensions(&self) -> impl Iterator<Item = &[u8]> {
        // Kept as the JSON it came in: most are never asked for, and numbers hold none of these.
        let list = self.field_if(self.is_asterisk(), EXTENSIONS);
        list.split(|b| matches!(b, b'&' | b'"' | b',' | b'[' | b']' | b' '))
            .filter(|e| !e.is_empty())
    }

    /// The line it went over.
    pub fn trunk(&self) -> &[u8] {
        self.field_if(self.is_asterisk(), TRUNK)
    }

    /// The channel's name.
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

    /// Exten: what was dialled.
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

    /// The stage a message is about: start, dial, bridge, hangup.
    pub fn message_type(&self) -> &[u8] {
        self.field_if(self.is_message(), MESSAGE_TYPE)
    }

    /// The status of an HTTP request, as written.
    pub fn http_status(&self) -> &[u8] {
        self.field_if(self.event == Event::Http, STATUS)
    }

    /// The host, with its port, that an HTTP request went to; empty where the URL names none.
    pub fn http_host(&self) -> &[u8] {
        self.field_if(self.event == Event::Http, HOST)
    }

    /// How long an HTTP request took (milliseconds), where its writer noted it.
    pub fn took_millis(&self) -> Option<u32> {
        Some(self.took).filter(|took| *took != u32::MAX)
    }

    /// What came of an HTTP request; `None` for any other record.
    pub fn request_result(&self) -> Option<RequestResult> {
        let of = || RequestResult::of(self.http_status(), self.integration);
        (self.event == Event::Http).then(of)
    }

    /// The numbers in a message's text, digits only; none where texts were not read.
    pub fn numbers_in_text(&self) -> impl Iterator<Item = &[u8]> {
        let numbers = self.field_if(self.is_message(), NUMBERS);
        numbers.split(|b| *b == b' ').filter(|n| !n.is_empty())
    }

    /// The id that Asterisk gives to all channels of one call, that of its first channel; empty where
    /// the line has none.
    pub fn linked(&self) -> &[u8] {
        self.field_if(self.is_asterisk(), LINKED)
    }

    /// Whether a message was changed or taken back rather than sent.
    pub fn changes_message(&self) -> bool {
        matches!(
            self.event,
            Event::Message(MessageAction::Edit | MessageAction::Delete)
        )
    }

    /// Whether it is an Asterisk event.
    pub fn is_asterisk(&self) -> bool {
        !matches!(
            self.event,
            Event::Message(_) | Event::Http | Event::Sql | Event::Unparsed
        )
    }

    /// Whether it speaks of a call as a whole: start, dial, hangup.
    pub fn is_call_event(&self) -> bool {
        matches!(self.event, Event::Start | Event::Dial | Event::Hangup)
    }

    fn is_message(&self) -> bool {
        matches!(self.event, Event::Message(_))
    }

    /// A field of the kinds of record that have it there.
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
