//! One call being written: Asterisk events with their full key sets.
//!
//! Patterns decide the actions and their times; this file knows the form of each event. Messages and requests
//! about a call are in `messages`.

use super::enterprise::{Client, Enterprise, TOKEN};
use super::lines::host_time;
use super::truth::OpenCall;

pub const UNKNOWN: &str = "<unknown>";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Incoming = 0,
    Outgoing = 1,
    Internal = 2,
}

/// A channel, and what its events say about both ends.
#[derive(Clone)]
pub struct Leg {
    pub uid: String,
    pub channel: String,
    /// CallerIDNum.
    pub num: String,
    /// CallerIDName.
    pub name: String,
    /// ConnectedLineNum.
    pub peer: String,
}

/// A bridge with the two channels in it.
pub struct Bridge {
    pub id: String,
    pub legs: [Leg; 2],
}

/// The fields of a hangup.
pub struct Hangup<'a> {
    pub uid: &'a str,
    pub phone: &'a str,
    /// Who answered; empty if the call was not answered.
    pub extension: &'a str,
    pub received_ms: i64,
    pub status: &'a str,
    /// `None` for internal calls: their hangups lack the key.
    pub trunk: Option<&'a str>,
}

pub struct Scene<'e> {
    pub e: &'e mut Enterprise,
    pub number: u32,
    pattern: &'static str,
    uids: Vec<String>,
    inferred: bool,
    lines: u32,
    /// The form before 30.11.2025: no `AST|`, CallType a string, one string of extensions.
    legacy: bool,
    /// ExternalInitiated, a mark that also leaks onto unrelated calls.
    pub external: bool,
    /// CallType as written, where it is not the direction (the emulator's pattern ids).
    pub call_type: Option<u32>,
    /// How many chats hear of this call, and from which on.
    pub chats: (usize, usize),
}

impl<'e> Scene<'e> {
    pub fn new(e: &'e mut Enterprise, pattern: &'static str) -> Self {
        let chats = match e.rng.below(100) {
            0..84 => 1,
            84..94 => 2,
            94..97 => 3,
            97..99 => 4,
            _ => 5,
        };
        let chats = (chats, e.rng.below(5) as usize);
        let legacy = e.legacy_share && e.rng.percent(3);
        let external = e.rng.percent(1);
        let number = e.count_call();
        Self {
            e,
            number,
            pattern,
            uids: Vec::with_capacity(4),
            inferred: false,
            lines: 0,
            legacy,
            external,
            call_type: None,
            chats,
        }
    }

    /// The call's ids alone do not join it.
    pub fn mark_inferred(&mut self) {
        self.inferred = true;
    }

    /// Ends the call's writing; `main` becomes its first id.
    pub fn close(mut self, main: &str) {
        let nth = self
            .uids
            .iter()
            .position(|uid| uid == main)
            .expect("the main id has a record");
        self.uids[..=nth].rotate_right(1);
        self.e.calls.push(OpenCall {
            number: self.number,
            pattern: self.pattern,
            uids: self.uids,
            inferred: self.inferred,
            awaited: self.lines,
            lines: Vec::with_capacity(self.lines as usize),
        });
    }

    /// Books a line of this call under `uid`.
    pub fn wrote(&mut self, uid: &str) {
        self.lines += 1;
        if !uid.is_empty() && !self.uids.iter().any(|known| known == uid) {
            self.uids.push(uid.to_owned());
        }
    }

    pub fn pause(&mut self, low_ms: i64, high_ms: i64) -> i64 {
        self.e.rng.range(low_ms, high_ms)
    }

    /// The id of a channel created `low_ms..=high_ms` after `at`: often of another second.
    pub fn later_uid(&mut self, at: i64, low_ms: i64, high_ms: i64) -> String {
        let created = at + self.pause(low_ms, high_ms);
        self.e.uid(created)
    }

    pub fn start(&mut self, at: i64, uid: &str, phone: &str, trunk: &str) {
        self.open(uid);
        self.e.body.text("Phone", phone);
        self.put_call_type(Direction::Incoming);
        self.e.body.text("Trunk", trunk);
        self.emit(at, "start", uid);
    }

    pub fn dial(
        &mut self,
        at: i64,
        uid: &str,
        phone: &str,
        extensions: &[String],
        direction: Direction,
        trunk: &str,
    ) {
        self.open(uid);
        self.e.body.text("Phone", phone);
        match self.legacy && extensions.len() > 1 {
            true => self.e.body.list("Extensions", &[extensions.join("&")]),
            false => self.e.body.list("Extensions", extensions),
        }
        self.put_call_type(direction);
        self.e.body.text("Trunk", trunk);
        self.e.body.text("ExtTrunk", "");
        let ext_phone = if direction == Direction::Incoming {
            phone
        } else {
            ""
        };
        self.e.body.text("ExtPhone", ext_phone);
        self.emit(at, "dial", uid);
    }

    pub fn hangup(&mut self, at: i64, direction: Direction, facts: &Hangup<'_>) {
        self.open(facts.uid);
        self.e.body.text("Phone", facts.phone);
        self.e.body.list("Extensions", &[facts.extension]);
        self.put_call_type(direction);
        let start = match self.e.rng.one_in(12) {
            true => String::new(),
            false => host_time(facts.received_ms + self.e.rng.range(0, 1) * 1000),
        };
        self.e
            .body
            .text("DateReceived", &host_time(facts.received_ms));
        self.e.body.text("StartTime", &start);
        self.e.body.text("EndTime", &host_time(at - 1_000));
        self.e.body.text("CallStatus", facts.status);
        if let Some(trunk) = facts.trunk {
            self.e.body.text("Trunk", trunk);
        }
        self.emit(at, "hangup", facts.uid);
    }

    pub fn new_callerid(&mut self, at: i64, leg: &Leg, context: &str, exten: &str) {
        self.open(&leg.uid);
        if self.call_type.is_some() {
            // The emulator alone puts a bridge here, one that exists nowhere else.
            let bridge = self.e.rng.uuid();
            self.e.body.text("BridgeUniqueid", &bridge);
        }
        self.e.body.text("Channel", &leg.channel);
        self.put_ends(leg);
        self.e.body.text("Context", context);
        self.e.body.text("Exten", exten);
        self.emit(at, "new_callerid", &leg.uid);
    }

    pub fn bridge(&mut self, at: i64, leg: &Leg, bridge: &str, exten: &str) {
        self.open(&leg.uid);
        self.e.body.text("BridgeUniqueid", bridge);
        self.e.body.text("Channel", &leg.channel);
        self.e.body.text("Exten", exten);
        self.put_ends(leg);
        self.emit(at, "bridge", &leg.uid);
    }

    /// `left` is how many channels stay in the bridge.
    pub fn leave(&mut self, at: i64, leg: &Leg, bridge: &str, left: &str) {
        self.open(&leg.uid);
        self.e.body.text("BridgeUniqueid", bridge);
        self.e.body.text("Channel", &leg.channel);
        self.put_ends(leg);
        self.e.body.text("BridgeNumChannels", left);
        self.emit(at, "bridge_leave", &leg.uid);
    }

    pub fn create(&mut self, at: i64, bridge: &str) {
        self.bridge_itself(at, "bridge_create", bridge);
    }

    pub fn destroy(&mut self, at: i64, bridge: &str) {
        self.bridge_itself(at, "bridge_destroy", bridge);
    }

    /// Creates a bridge and puts both legs in, either first; takes under 150 ms. `exten` is what
    /// the second leg's channel dialled.
    pub fn join(&mut self, at: i64, legs: [&Leg; 2], exten: &str) -> Bridge {
        let id = self.e.rng.uuid();
        self.create(at, &id);
        let first = usize::from(self.e.rng.one_in(3));
        let mut at = at;
        for nth in [first, 1 - first] {
            at += self.pause(20, 60);
            self.bridge(at, legs[nth], &id, if nth == 1 { exten } else { "" });
        }
        Bridge {
            id,
            legs: legs.map(Leg::clone),
        }
    }

    /// Both legs leave and the bridge goes; takes under 100 ms.
    pub fn part(&mut self, at: i64, bridge: &Bridge) {
        let first = usize::from(self.e.rng.one_in(3));
        self.leave(at, &bridge.legs[first], &bridge.id, "1");
        let at = at + self.pause(5, 30);
        self.leave(at, &bridge.legs[1 - first], &bridge.id, "0");
        let at = at + self.pause(5, 40);
        self.destroy(at, &bridge.id);
    }

    /// The channel of a client on a trunk.
    pub fn trunk_leg(&mut self, uid: String, trunk: &str, client: &Client, peer: &str) -> Leg {
        let name = match self.e.rng.below(4) {
            0 => String::new(),
            1 => UNKNOWN.to_owned(),
            2 => format!("-{}", client.digits),
            // The PBX cannot hold spaces in a name.
            _ => client
                .name
                .map_or(String::new(), |name| name.replace(' ', "..")),
        };
        let channel = self.e.sip_channel(trunk);
        Leg {
            uid,
            channel,
            num: client.phone.clone(),
            name,
            peer: peer.to_owned(),
        }
    }

    /// The channel of a desk phone.
    pub fn desk_leg(&mut self, uid: String, extension: &str, peer: &str) -> Leg {
        let channel = self.e.sip_channel(extension);
        let (num, name) = (extension.to_owned(), extension.to_owned());
        Leg {
            uid,
            channel,
            num,
            name,
            peer: peer.to_owned(),
        }
    }

    /// The two halves of a Local channel: `;1` towards `caller`, `;2` towards `number`.
    pub fn local_legs(&mut self, at: i64, number: &str, context: &str, caller: &str) -> [Leg; 2] {
        let [first, second] = self.e.local_channels(number, context);
        let leg = |uid, channel, num: &str, peer: &str| Leg {
            uid,
            channel,
            num: num.to_owned(),
            name: UNKNOWN.to_owned(),
            peer: peer.to_owned(),
        };
        let near = leg(self.e.uid(at), first, number, caller);
        [near, leg(self.e.uid(at), second, caller, number)]
    }

    fn open(&mut self, uid: &str) {
        self.e.body.clear();
        self.e.body.text("Token", TOKEN);
        self.e.body.text("UniqueId", uid);
    }

    fn put_call_type(&mut self, direction: Direction) {
        let value = self.call_type.unwrap_or(direction as u32);
        match self.legacy {
            true => self.e.body.text("CallType", &value.to_string()),
            false => self.e.body.plain("CallType", &value.to_string()),
        }
    }

    fn put_ends(&mut self, leg: &Leg) {
        self.e.body.text("CallerIDNum", &leg.num);
        self.e.body.text("CallerIDName", &leg.name);
        self.e.body.text("ConnectedLineNum", &leg.peer);
        self.e.body.text("ConnectedLineName", UNKNOWN);
    }

    fn bridge_itself(&mut self, at: i64, kind: &str, bridge: &str) {
        self.open("");
        self.e.body.text("BridgeUniqueid", bridge);
        self.e.body.text("BridgeType", "");
        self.e.body.text("BridgeTechnology", "simple_bridge");
        self.e.body.text("BridgeCreator", UNKNOWN);
        self.e.body.text("BridgeName", UNKNOWN);
        self.e.body.text("BridgeNumChannels", "0");
        self.emit(at, kind, "");
    }

    fn emit(&mut self, at: i64, kind: &str, uid: &str) {
        if self.external {
            self.e.body.plain("ExternalInitiated", "true");
        }
        self.e.body.render(&mut self.e.rng);
        self.wrote(uid);
        let (prefix, json) = (if self.legacy { "" } else { "AST|" }, &self.e.body.json);
        self.e.book.line(at, self.number, |out| {
            for part in [prefix, kind, "|", uid, "|"] {
                out.extend_from_slice(part.as_bytes());
            }
            out.extend_from_slice(json);
            None
        });
    }
}
