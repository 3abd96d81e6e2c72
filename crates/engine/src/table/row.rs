//! One call of a table, and which column holds what.
//!
//! [`SCHEMA`] names the columns for readers of the file in other programs. [`visit`] goes through the same
//! columns in the same order, whether a row is written or read.

use calltrace_model::call::{
    Digest, Direction, Outcome, Request, RingOutcome, Ringing, Summary, TalkSpan, Transfer,
    TransferKind, TransferResult,
};
use calltrace_model::record::Stamp;

/// The columns. Times are UTC, durations milliseconds; `*_after_ms` count from `start_time`.
pub(super) const SCHEMA: &str = "
message call {
  required binary enterprise_number (STRING);
  required binary unique_id (STRING);
  required int64 start_time (TIMESTAMP(MILLIS,true));
  required int64 end_time (TIMESTAMP(MILLIS,true));
  required binary direction (STRING);
  required binary result (STRING);
  required boolean ended;
  required int64 silence_ms;
  required binary client (STRING);
  required binary trunk (STRING);
  optional int64 ring_ms;
  optional int64 wait_ms;
  optional int64 talk_ms;
  optional int64 hold_ms;
  optional binary answered_by (STRING);
  required group rang (LIST) { repeated group list { required binary element (STRING); } }
  required group transferred_to (LIST) { repeated group list { required binary element (STRING); } }
  required group parties (LIST) { repeated group list { required binary element (STRING); } }
  required group numbers (LIST) { repeated group list { required binary element (STRING); } }
  required group trunks (LIST) { repeated group list { required binary element (STRING); } }
  required group chats (LIST) { repeated group list { required binary element (STRING); } }
  required group faults (LIST) { repeated group list { required binary element (STRING); } }
  required int64 messages_standing;
  required group message_lags_ms (LIST) { repeated group list { required int64 element; } }
  required group requests (LIST) { repeated group list { required group element {
    required binary host (STRING);
    optional int64 took_ms;
    required boolean failed;
  } } }
  optional binary call_status (STRING);
  optional binary hung_up_by (STRING);
  required boolean crm;
  required int64 messages_sent;
  required int64 messages_edited;
  required int64 messages_deleted;
  required int64 messages_chats;
  required int64 http_requests_count;
  required int64 http_failed;
  required int64 integrations;
  required int64 telegram_records;
  required int64 sql_queries_count;
  required int64 events_count;
  required int64 recovered_count;
  required group ringing (LIST) { repeated group list { required group element {
    required binary party (STRING);
    required int64 from_after_ms;
    optional int64 to_after_ms;
    required binary outcome (STRING);
  } } }
  required group heard (LIST) { repeated group list { required group element {
    required binary party (STRING);
    required int64 from_after_ms;
    optional int64 to_after_ms;
  } } }
  required group handed_on (LIST) { repeated group list { required group element {
    required binary kind (STRING);
    required binary result (STRING);
    required binary by (STRING);
    required binary to (STRING);
    required int64 at_after_ms;
  } } }
}
";

/// A call of a table: its summary (without its legs) and its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    pub enterprise: String,
    /// The call. Its outcome is not settled (see [`Summary::settle`]).
    pub call: Summary,
    pub digest: Digest,
}

impl Default for TableRow {
    fn default() -> TableRow {
        TableRow {
            enterprise: String::new(),
            call: Summary::empty(),
            digest: Digest::default(),
        }
    }
}

/// A visitor of the columns of a row, in the order of [`SCHEMA`]. It reads the values or sets them.
pub(super) trait RowVisitor {
    fn text(&mut self, value: &mut String);
    fn maybe_text(&mut self, value: &mut Option<String>);
    fn number(&mut self, value: &mut i64);
    fn maybe_number(&mut self, value: &mut Option<i64>);
    fn flag(&mut self, value: &mut bool);
    /// The moment of a record.
    fn moment(&mut self, value: &mut Stamp);
    /// One of a few words; an unknown word leaves the value unchanged.
    fn word<T: Copy>(&mut self, value: &mut T, all: &[T], name: impl Fn(T) -> &'static str);
    /// A list; `each` visits the columns of one element.
    fn list<T: Default>(&mut self, values: &mut Vec<T>, each: impl FnMut(&mut Self, &mut T));
}

/// Visits all columns.
pub(super) fn visit(v: &mut impl RowVisitor, row: &mut TableRow) {
    visit_judged(v, row);
    visit_rest(v, &mut row.call);
}

/// Visits the columns that calls are judged and counted by.
fn visit_judged(v: &mut impl RowVisitor, row: &mut TableRow) {
    let TableRow {
        enterprise,
        call,
        digest,
    } = row;
    v.text(enterprise);
    v.text(&mut call.main_uid);
    v.moment(&mut call.first);
    v.moment(&mut call.last);
    v.word(&mut call.direction, &Direction::ALL, Direction::name);
    v.word(&mut call.outcome, &Outcome::ALL, Outcome::name);
    v.flag(&mut call.ended);
    v.number(&mut digest.silence_millis);
    v.text(&mut call.client);
    v.text(&mut call.trunk);
    v.maybe_number(&mut call.ring_millis);
    v.maybe_number(&mut call.wait_millis);
    v.maybe_number(&mut call.talk_millis);
    v.maybe_number(&mut call.hold_millis);
    v.maybe_text(&mut call.answered_by);
    texts(v, &mut call.rang);
    texts(v, &mut call.transferred_to);
    call.transfers = call.transferred_to.len();
    texts(v, &mut digest.parties);
    texts(v, &mut digest.numbers);
    texts(v, &mut digest.trunks);
    texts(v, &mut digest.chats);
    texts(v, &mut digest.faults);
    count(v, &mut call.messages.standing);
    v.list(&mut call.message_lags, RowVisitor::number);
    let none = || Request {
        host: String::new(),
        millis: None,
        failed: false,
    };
    list_of(v, &mut call.requests, none, |v, request| {
        v.text(&mut request.host);
        v.maybe_number(&mut request.millis);
        v.flag(&mut request.failed);
    });
}

/// Visits the other columns.
fn visit_rest(v: &mut impl RowVisitor, call: &mut Summary) {
    let mut status = call
        .call_status
        .map(|status| char::from(status).to_string());
    v.maybe_text(&mut status);
    let status = status.and_then(|status| status.chars().next());
    call.call_status = status.and_then(|status| u8::try_from(status).ok());
    v.maybe_text(&mut call.hung_up_by);
    v.flag(&mut call.crm);
    for counted in [
        &mut call.messages.sent,
        &mut call.messages.edited,
        &mut call.messages.deleted,
        &mut call.messages.chats,
        &mut call.http,
        &mut call.http_failed,
        &mut call.integrations,
        &mut call.telegram,
        &mut call.sql,
        &mut call.events,
        &mut call.recovered,
    ] {
        count(v, counted);
    }
    let start = call.first;
    let silent = || Ringing {
        party: String::new(),
        from: start,
        to: None,
        outcome: RingOutcome::NotAnswered,
    };
    list_of(v, &mut call.ringing, silent, |v, ringing| {
        v.text(&mut ringing.party);
        after(v, start, &mut ringing.from);
        maybe_after(v, start, &mut ringing.to);
        v.word(&mut ringing.outcome, &RingOutcome::ALL, RingOutcome::name);
    });
    heard(v, start, &mut call.heard);
    let no_transfer = || Transfer {
        kind: TransferKind::Blind,
        result: TransferResult::Completed,
        by: String::new(),
        to: String::new(),
        at: start,
    };
    list_of(v, &mut call.handed_on, no_transfer, |v, transfer| {
        v.word(&mut transfer.kind, &TransferKind::ALL, TransferKind::name);
        v.word(
            &mut transfer.result,
            &TransferResult::ALL,
            TransferResult::name,
        );
        v.text(&mut transfer.by);
        v.text(&mut transfer.to);
        after(v, start, &mut transfer.at);
    });
}

/// Visits the stretches of talk as a list with one element for each person; elements with the same times are
/// one stretch.
fn heard(v: &mut impl RowVisitor, start: Stamp, all: &mut Vec<TalkSpan>) {
    let alone = |heard: &TalkSpan| {
        let (from, to) = (heard.from, heard.to);
        let one = move |party: &String| (party.clone(), from, to);
        heard.with.iter().map(one).collect::<Vec<_>>()
    };
    let mut parties: Vec<(String, Stamp, Option<Stamp>)> = all.iter().flat_map(alone).collect();
    let none = || (String::new(), start, None);
    list_of(v, &mut parties, none, |v, (party, from, to)| {
        v.text(party);
        after(v, start, from);
        maybe_after(v, start, to);
    });
    all.clear();
    for (party, from, to) in parties {
        match all.last_mut() {
            Some(last) if (last.from, last.to) == (from, to) => last.with.push(party),
            _ => all.push(TalkSpan {
                from,
                to,
                with: vec![party],
            }),
        }
    }
}

fn texts(v: &mut impl RowVisitor, all: &mut Vec<String>) {
    v.list(all, RowVisitor::text);
}

fn count(v: &mut impl RowVisitor, count: &mut usize) {
    let mut number = i64::try_from(*count).unwrap_or(i64::MAX);
    v.number(&mut number);
    *count = usize::try_from(number).unwrap_or_default();
}

fn after(v: &mut impl RowVisitor, start: Stamp, at: &mut Stamp) {
    let mut millis = at.0.wrapping_sub(start.0);
    v.number(&mut millis);
    *at = Stamp(start.0.wrapping_add(millis));
}

fn maybe_after(v: &mut impl RowVisitor, start: Stamp, at: &mut Option<Stamp>) {
    let mut millis = at.map(|at| at.0.wrapping_sub(start.0));
    v.maybe_number(&mut millis);
    *at = millis.map(|millis| Stamp(start.0.wrapping_add(millis)));
}

/// A list of a type without a default value.
fn list_of<V: RowVisitor, T>(
    v: &mut V,
    all: &mut Vec<T>,
    none: impl Fn() -> T,
    mut each: impl FnMut(&mut V, &mut T),
) {
    let mut listed: Vec<Option<T>> = all.drain(..).map(Some).collect();
    v.list(&mut listed, |v, one| each(v, one.get_or_insert_with(&none)));
    all.extend(listed.into_iter().flatten());
}
