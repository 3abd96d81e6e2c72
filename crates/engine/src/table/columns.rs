//! The columns of a group of rows that a question needs, each read as a whole.
//!
//! Building half a million rows only to count some of them takes longer than everything else. So each call is
//! judged and counted by its position in a few columns.

use parquet::errors::Result;

use super::leaf::{LeafValues, Lists};
use super::reading::RowGroup;
use super::texts::Texts;
use crate::window::TimeWindow;
use calltrace_model::call::{Criteria, Direction, Evidence, FaultCode, Outcome};
use calltrace_model::record::Stamp;
use calltrace_model::record::phone::{PhoneQuery, digits_of};
use calltrace_model::stats::{NameList, Requests, StatsCall, StatsRequest};

/// The columns that calls are judged by.
#[derive(Debug, Default)]
pub(super) struct JudgedColumns {
    first: Vec<Stamp>,
    outcome: Vec<Outcome>,
    direction: Vec<Direction>,
    client: Texts<Vec<i64>>,
    ring: Vec<Option<i64>>,
    talk: Vec<Option<i64>>,
    transferred_to: Texts<Lists<i64>>,
    recovered: Vec<i64>,
    parties: Texts<Lists<i64>>,
    numbers: Texts<Lists<i64>>,
    trunks: Texts<Lists<i64>>,
    chats: Texts<Lists<i64>>,
    faults: Texts<Lists<i64>>,
}

impl JudgedColumns {
    /// The names of the columns that the criteria need. With a present time `now`, some calls may be in progress.
    pub(super) fn names(criteria: &Criteria, now: Option<Stamp>) -> Vec<&'static str> {
        let phone = criteria.phone.as_ref();
        let is_short = phone.is_some_and(PhoneQuery::is_short);
        let is_long = phone.is_some() && !is_short;
        let asked = [
            (true, "start_time"),
            (true, "result"),
            (now.is_some(), "end_time"),
            (now.is_some(), "ended"),
            (now.is_some(), "silence_ms"),
            (is_short || criteria.direction.is_some(), "direction"),
            (is_short, "client"),
            (criteria.min_ring_millis.is_some(), "ring_ms"),
            (criteria.min_talk_millis.is_some(), "talk_ms"),
            (criteria.recovered, "recovered_count"),
            (criteria.transferred, "transferred_to"),
            (!criteria.extensions.is_empty() || is_long, "parties"),
            (is_long, "numbers"),
            (!criteria.trunks.is_empty(), "trunks"),
            (!criteria.chats.is_empty(), "chats"),
            (criteria.fault.is_some(), "faults"),
        ];
        let named = asked.into_iter().filter(|(is_asked, _)| *is_asked);
        named.map(|(_, name)| name).collect()
    }

    /// Reads the columns with these names, which [`JudgedColumns::names`] returned for the same `now`.
    pub(super) fn read(
        group: &RowGroup<'_>,
        names: &[&str],
        now: Option<Stamp>,
    ) -> Result<JudgedColumns> {
        let is_asked = |name: &str| names.contains(&name);
        let mut judged = JudgedColumns {
            first: group.moments("start_time")?,
            outcome: group.words("result", &Outcome::ALL, Outcome::name)?,
            ..JudgedColumns::default()
        };
        if let Some(now) = now {
            let last = group.moments("end_time")?;
            let ended = group.column("ended")?.one(LeafValues::flags)?;
            let silence = group.column("silence_ms")?.one(LeafValues::numbers)?;
            for (row, outcome) in judged.outcome.iter_mut().enumerate() {
                *outcome = outcome.settled(ended[row], || now.since(last[row]) < silence[row]);
            }
        }
        if is_asked("direction") {
            judged.direction = group.words("direction", &Direction::ALL, Direction::name)?;
        }
        if is_asked("client") {
            judged.client = texts(group, "client")?;
        }
        if is_asked("ring_ms") {
            judged.ring = group.column("ring_ms")?.maybe(LeafValues::numbers)?;
        }
        if is_asked("talk_ms") {
            judged.talk = group.column("talk_ms")?.maybe(LeafValues::numbers)?;
        }
        if is_asked("recovered_count") {
            judged.recovered = group.column("recovered_count")?.one(LeafValues::numbers)?;
        }
        for (lists, name) in [
            (&mut judged.transferred_to, "transferred_to"),
            (&mut judged.parties, "parties"),
            (&mut judged.numbers, "numbers"),
            (&mut judged.trunks, "trunks"),
            (&mut judged.chats, "chats"),
            (&mut judged.faults, "faults"),
        ] {
            if is_asked(name) {
                *lists = text_lists(group, name)?;
            }
        }
        Ok(judged)
    }

    /// The positions of the rows with calls that began within a window and match.
    pub(super) fn accepted(&self, criteria: &Criteria, window: TimeWindow) -> Vec<usize> {
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

pub(super) fn texts(group: &RowGroup<'_>, name: &str) -> Result<Texts<Vec<i64>>> {
    group.texts(name, |keys| keys.one(LeafValues::numbers))
}

fn text_lists(group: &RowGroup<'_>, name: &str) -> Result<Texts<Lists<i64>>> {
    group.texts(name, |keys| keys.list(LeafValues::numbers))
}

/// A call of which only the needed columns were read.
struct JudgedRow<'c> {
    columns: &'c JudgedColumns,
    row: usize,
}

impl JudgedRow<'_> {
    fn has(&self, lists: &Texts<Lists<i64>>, one: &str) -> bool {
        lists.of(self.row).any(|known| known == one)
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
        self.columns.client.of(self.row).as_bytes()
    }

    fn ring_millis(&self) -> Option<i64> {
        self.columns.ring[self.row]
    }

    fn talk_millis(&self) -> Option<i64> {
        self.columns.talk[self.row]
    }

    fn was_transferred(&self) -> bool {
        self.columns.transferred_to.of(self.row).next().is_some()
    }

    fn was_recovered(&self) -> bool {
        self.columns.recovered[self.row] > 0
    }

    fn has_trunk(&self, trunk: &str) -> bool {
        self.has(&self.columns.trunks, trunk)
    }

    fn has_party(&self, party: &str) -> bool {
        self.has(&self.columns.parties, party)
    }

    fn has_chat(&self, chat: &str) -> bool {
        self.has(&self.columns.chats, chat)
    }

    fn has_number(&self, query: &PhoneQuery) -> bool {
        let (numbers, parties) = (&self.columns.numbers, &self.columns.parties);
        let mut all = numbers.of(self.row).chain(parties.of(self.row));
        all.any(|number| query.matches_digits(digits_of(number.as_bytes())))
    }

    fn has_fault(&self, code: FaultCode, _: Option<Stamp>) -> bool {
        self.has(&self.columns.faults, code.name())
    }

    /// A table keeps no records that could be matched.
    fn has_match(&self) -> bool {
        false
    }
}

/// The figures that statistics are made of.
#[derive(Debug)]
pub(super) struct FigureColumns {
    direction: Vec<Direction>,
    client: Texts<Vec<i64>>,
    trunk: Texts<Vec<i64>>,
    rang: Texts<Lists<i64>>,
    answered_by: Texts<Vec<Option<i64>>>,
    wait: Vec<Option<i64>>,
    talk: Vec<Option<i64>>,
    hold: Vec<Option<i64>>,
    message_lags: Lists<i64>,
    standing: Vec<i64>,
    hosts: Texts<Lists<i64>>,
    took: Lists<Option<i64>>,
    failed: Lists<bool>,
}

impl FigureColumns {
    /// The names of its columns.
    pub(super) const NAMES: [&'static str; 13] = [
        "direction",
        "client",
        "trunk",
        "rang",
        "answered_by",
        "wait_ms",
        "talk_ms",
        "hold_ms",
        "message_lags_ms",
        "messages_standing",
        "requests.host",
        "requests.took_ms",
        "requests.failed",
    ];

    pub(super) fn read(group: &RowGroup<'_>) -> Result<FigureColumns> {
        let [
            direction,
            client,
            trunk,
            rang,
            answered_by,
            wait,
            talk,
            hold,
            lags,
            standing,
            host,
            took,
            failed,
        ] = FigureColumns::NAMES;
        Ok(FigureColumns {
            direction: group.words(direction, &Direction::ALL, Direction::name)?,
            client: texts(group, client)?,
            trunk: texts(group, trunk)?,
            rang: text_lists(group, rang)?,
            answered_by: group.texts(answered_by, |keys| keys.maybe(LeafValues::numbers))?,
            wait: group.column(wait)?.maybe(LeafValues::numbers)?,
            talk: group.column(talk)?.maybe(LeafValues::numbers)?,
            hold: group.column(hold)?.maybe(LeafValues::numbers)?,
            message_lags: group.column(lags)?.list(LeafValues::numbers)?,
            standing: group.column(standing)?.one(LeafValues::numbers)?,
            hosts: text_lists(group, host)?,
            took: group.column(took)?.list_of_maybe(LeafValues::numbers)?,
            failed: group.column(failed)?.list(LeafValues::flags)?,
        })
    }

    /// Hands out the calls of these rows.
    pub(super) fn each(
        &self,
        judged: &JudgedColumns,
        rows: &[usize],
        add: &mut dyn FnMut(&StatsCall<'_>),
    ) {
        let (mut rang, mut requests) = (Vec::new(), Vec::new());
        for row in rows.iter().copied() {
            rang.clear();
            rang.extend(self.rang.of(row));
            requests.clear();
            let hosts = self.hosts.of(row);
            let rest = self.took.of(row).iter().zip(self.failed.of(row));
            requests.extend(hosts.zip(rest).map(|(host, (took, failed))| StatsRequest {
                host,
                millis: *took,
                failed: *failed,
            }));
            add(&StatsCall {
                first: judged.first[row],
                direction: self.direction[row],
                outcome: judged.outcome[row],
                client: self.client.of(row),
                trunk: self.trunk.of(row),
                rang: NameList::Borrowed(&rang),
                answered_by: self.answered_by.of(row),
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
