//! The columns of a group of rows that a question looks at, each read as a whole.
//!
//! To put half a million rows together only to count some of them takes longer than all else; so each call is
//! judged, and counted, by its place in a few columns.

use parquet::data_type::ByteArray;
use parquet::errors::Result;

use super::leaf::{Lists, Values};
use super::reading::Group;
use crate::window::Window;
use calltrace_model::call::{Criteria, Direction, Evidence, FaultCode, Outcome};
use calltrace_model::record::Stamp;
use calltrace_model::record::phone::{PhoneQuery, digits_of};
use calltrace_model::stats::{Names, Requests, StatsCall, StatsRequest};

/// What calls are judged by.
#[derive(Debug, Default)]
pub(super) struct Judged {
    first: Vec<Stamp>,
    outcome: Vec<Outcome>,
    direction: Vec<Direction>,
    client: Vec<ByteArray>,
    ring: Vec<Option<i64>>,
    talk: Vec<Option<i64>>,
    transferred_to: Lists<ByteArray>,
    recovered: Vec<i64>,
    parties: Lists<ByteArray>,
    numbers: Lists<ByteArray>,
    trunks: Lists<ByteArray>,
    chats: Lists<ByteArray>,
    faults: Lists<ByteArray>,
}

impl Judged {
    /// Reads what criteria ask for. With the time of day `now` some calls may be in progress.
    pub(super) fn read(
        group: &Group<'_>,
        criteria: &Criteria,
        now: Option<Stamp>,
    ) -> Result<Judged> {
        let mut judged = Judged {
            first: group.moments("start_time")?,
            outcome: group.words("result", &Outcome::ALL, Outcome::name)?,
            ..Judged::default()
        };
        if let Some(now) = now {
            let last = group.moments("end_time")?;
            let ended = group.one("ended", Values::flags)?;
            let silence = group.one("silence_ms", Values::numbers)?;
            for (row, outcome) in judged.outcome.iter_mut().enumerate() {
                *outcome = outcome.settled(ended[row], || now.since(last[row]) < silence[row]);
            }
        }
        let phone = criteria.phone.as_ref();
        let is_short = phone.is_some_and(PhoneQuery::is_short);
        if is_short || criteria.direction.is_some() {
            judged.direction = directions(group)?;
        }
        if is_short {
            judged.client = group.one("client", Values::texts)?;
        }
        if criteria.min_ring_millis.is_some() {
            judged.ring = group.maybe("ring_ms", Values::numbers)?;
        }
        if criteria.min_talk_millis.is_some() {
            judged.talk = group.maybe("talk_ms", Values::numbers)?;
        }
        if criteria.recovered {
            judged.recovered = group.one("recovered_count", Values::numbers)?;
        }
        let is_long = phone.is_some() && !is_short;
        for (is_asked, lists, name) in [
            (
                criteria.transferred,
                &mut judged.transferred_to,
                "transferred_to",
            ),
            (
                !criteria.extensions.is_empty() || is_long,
                &mut judged.parties,
                "parties",
            ),
            (is_long, &mut judged.numbers, "numbers"),
            (!criteria.trunks.is_empty(), &mut judged.trunks, "trunks"),
            (!criteria.chats.is_empty(), &mut judged.chats, "chats"),
            (criteria.fault.is_some(), &mut judged.faults, "faults"),
        ] {
            if is_asked {
                *lists = group.list(name, Values::texts)?;
            }
        }
        Ok(judged)
    }

    /// The rows of the calls that began within a window and are asked for.
    pub(super) fn accepted(&self, criteria: &Criteria, window: Window) -> Vec<usize> {
        let is_accepted = |row: &usize| {
            let call = JudgedRow {
                columns: self,
                row: *row,
            };
            window.holds(call.first()) && criteria.accepts(&call)
        };
        (0..self.first.len()).filter(is_accepted).collect()
    }

    pub(super) fn first(&self, row: usize) -> Stamp {
        self.first[row]
    }

    pub(super) fn outcome(&self, row: usize) -> Outcome {
        self.outcome[row]
    }

    /// When the first and the last of the calls began.
    pub(super) fn span(&self) -> Option<(Stamp, Stamp)> {
        let all = || self.first.iter().copied();
        all().min().zip(all().max())
    }
}

fn directions(group: &Group<'_>) -> Result<Vec<Direction>> {
    group.words("direction", &Direction::ALL, Direction::name)
}

/// A call, of which only what is asked for was read.
struct JudgedRow<'c> {
    columns: &'c Judged,
    row: usize,
}

impl JudgedRow<'_> {
    fn has(&self, lists: &Lists<ByteArray>, one: &[u8]) -> bool {
        lists.of(self.row).iter().any(|known| known.data() == one)
    }
}

impl Evidence for JudgedRow<'_> {
    fn first(&self) -> Stamp {
        self.columns.first[self.row]
    }

    fn direction(&self) -> Direction {
        self.columns.direction[self.row]
    }

    fn outcome(&self) -> Outcome {
        self.columns.outcome[self.row]
    }

    fn client(&self) -> &[u8] {
        self.columns.client[self.row].data()
    }

    fn ring_millis(&self) -> Option<i64> {
        self.columns.ring[self.row]
    }

    fn talk_millis(&self) -> Option<i64> {
        self.columns.talk[self.row]
    }

    fn was_transferred(&self) -> bool {
        !self.columns.transferred_to.of(self.row).is_empty()
    }

    fn was_recovered(&self) -> bool {
        self.columns.recovered[self.row] > 0
    }

    fn has_trunk(&self, trunk: &str) -> bool {
        self.has(&self.columns.trunks, trunk.as_bytes())
    }

    fn has_party(&self, party: &str) -> bool {
        self.has(&self.columns.parties, party.as_bytes())
    }

    fn has_chat(&self, chat: &str) -> bool {
        self.has(&self.columns.chats, chat.as_bytes())
    }

    fn has_number(&self, query: &PhoneQuery) -> bool {
        let (numbers, parties) = (&self.columns.numbers, &self.columns.parties);
        let mut all = numbers.of(self.row).iter().chain(parties.of(self.row));
        all.any(|number| query.matches_digits(digits_of(number.data())))
    }

    fn has_fault(&self, code: FaultCode, _: Option<Stamp>) -> bool {
        self.has(&self.columns.faults, code.name().as_bytes())
    }

    /// No record is kept that could be asked.
    fn has_match(&self) -> bool {
        false
    }
}

/// The figures that statistics are made of.
#[derive(Debug)]
pub(super) struct Figures {
    direction: Vec<Direction>,
    client: Vec<ByteArray>,
    trunk: Vec<ByteArray>,
    rang: Lists<ByteArray>,
    answered_by: Vec<Option<ByteArray>>,
    wait: Vec<Option<i64>>,
    talk: Vec<Option<i64>>,
    hold: Vec<Option<i64>>,
    message_lags: Lists<i64>,
    standing: Vec<i64>,
    hosts: Lists<ByteArray>,
    took: Lists<Option<i64>>,
    failed: Lists<bool>,
}

impl Figures {
    pub(super) fn read(group: &Group<'_>) -> Result<Figures> {
        Ok(Figures {
            direction: directions(group)?,
            client: group.one("client", Values::texts)?,
            trunk: group.one("trunk", Values::texts)?,
            rang: group.list("rang", Values::texts)?,
            answered_by: group.maybe("answered_by", Values::texts)?,
            wait: group.maybe("wait_ms", Values::numbers)?,
            talk: group.maybe("talk_ms", Values::numbers)?,
            hold: group.maybe("hold_ms", Values::numbers)?,
            message_lags: group.list("message_lags_ms", Values::numbers)?,
            standing: group.one("messages_standing", Values::numbers)?,
            hosts: group.list("requests.host", Values::texts)?,
            took: group.list_of_maybe("requests.took_ms", Values::numbers)?,
            failed: group.list("requests.failed", Values::flags)?,
        })
    }

    /// Hands out the call of each of these rows.
    pub(super) fn each(
        &self,
        judged: &Judged,
        rows: &[usize],
        add: &mut dyn FnMut(&StatsCall<'_>),
    ) {
        let (mut rang, mut requests) = (Vec::new(), Vec::new());
        for row in rows.iter().copied() {
            rang.clear();
            rang.extend(self.rang.of(row).iter().map(text));
            requests.clear();
            let hosts = self.hosts.of(row).iter();
            let rest = self.took.of(row).iter().zip(self.failed.of(row));
            requests.extend(hosts.zip(rest).map(|(host, (took, failed))| StatsRequest {
                host: text(host),
                millis: *took,
                failed: *failed,
            }));
            add(&StatsCall {
                first: judged.first[row],
                direction: self.direction[row],
                outcome: judged.outcome[row],
                client: text(&self.client[row]),
                trunk: text(&self.trunk[row]),
                rang: Names::Borrowed(&rang),
                answered_by: self.answered_by[row].as_ref().map(text),
                wait_millis: self.wait[row],
                talk_millis: self.talk[row],
                hold_millis: self.hold[row],
                message_lags: self.message_lags.of(row),
                messages_standing: usize::try_from(self.standing[row]).unwrap_or_default(),
                requests: Requests::Borrowed(&requests),
            });
        }
    }
}

/// Empty where a forged table has bytes that are no text.
pub(super) fn text(bytes: &ByteArray) -> &str {
    bytes.as_utf8().unwrap_or_default()
}
