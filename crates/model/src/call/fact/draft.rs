//! Collects the fields of a record that matter to a call.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

use super::{
    BRIDGE, CALLER, CHANNEL, CHAT, CONNECTED, CallType, DEST, EXTEN, EXTENSIONS, Event,
    FIELD_BYTES_MAX, FIELDS, Fact, LINKED, MESSAGE, MESSAGE_TYPE, MessageAction, PHONE, TRUNK, UID,
};
use crate::record::{Ast, RecoveryMark, Tg, id, json, recovery_mark};

/// The cause of ITU-T Q.850 that Asterisk sets on a channel when the other side was busy.
const USER_BUSY: &[u8] = b"17";

pub(super) struct FactDraft<'a> {
    pub(super) fields: [Cow<'a, [u8]>; FIELDS],
    /// The fact without the positions of its fields.
    pub(super) fact: Fact,
}

impl<'a> FactDraft<'a> {
    pub(super) fn set(&mut self, at: usize, value: &'a [u8]) {
        self.fields[at] = Cow::Borrowed(value);
    }

    pub(super) fn asterisk(&mut self, ast: &Ast<'a>) -> Event {
        let event = match ast.event {
            b"start" => Event::Start,
            b"dial" => Event::Dial,
            b"bridge" => Event::Bridge,
            b"bridge_leave" => Event::BridgeLeave,
            b"bridge_create" => Event::BridgeCreate,
            b"bridge_destroy" => Event::BridgeDestroy,
            b"new_callerid" => Event::NewCallerid,
            b"hangup" => Event::Hangup,
            _ => Event::Other,
        };
        let bridges = matches!(
            event,
            Event::Bridge | Event::BridgeLeave | Event::BridgeCreate | Event::BridgeDestroy
        );
        self.set(UID, ast.uid);
        for (key, value) in json::Fields::new(ast.json) {
            // The mark is the last field.
            self.fact.recovered =
                key == recovery_mark::KEY && RecoveryMark::parse(key, value).is_some();
            match key {
                b"UniqueId" if ast.uid.is_empty() => self.fields[UID] = value.text(),
                b"BridgeUniqueid" if bridges => self.fields[BRIDGE] = value.text(),
                b"Phone" => self.fields[PHONE] = value.text(),
                b"Extensions" => {
                    self.fields[EXTENSIONS] = match value {
                        json::Value::Nested(list) => Cow::Borrowed(list),
                        other => other.text(),
                    }
                }
                b"Trunk" => self.fields[TRUNK] = value.text(),
                b"Channel" => self.fields[CHANNEL] = value.text(),
                b"CallerIDNum" => self.fields[CALLER] = value.text(),
                b"ConnectedLineNum" => self.fields[CONNECTED] = value.text(),
                b"Exten" => self.fields[EXTEN] = value.text(),
                b"Linkedid" => self.fields[LINKED] = value.text(),
                b"DestUniqueid" | b"DestUniqueId" => self.fields[DEST] = value.text(),
                b"BridgeTechnology" => self.fact.holding |= *value.text() == *b"holding_bridge",
                // A number above 255 is taken as 255: only whether the bridge is empty matters.
                b"BridgeNumChannels" => self.fact.channels_left = count(&value.text()),
                b"CallType" => self.fact.call_type = call_type(&value.text()),
                b"CallStatus" => self.fact.call_status = value.text().first().copied(),
                // An empty reason says nothing, and 0 means "not defined".
                b"Cause" if !matches!(&*value.text(), b"" | b"0") => {
                    self.fact.busy = Some(*value.text() == *USER_BUSY);
                }
                b"DialStatus" if !value.text().is_empty() => {
                    self.fact.busy = Some(*value.text() == *b"BUSY");
                }
                b"ExternalInitiated" => self.fact.crm = *value.text() == *b"true",
                b"Token" => self.fact.token = Some(hash(&value.text())),
                _ => {}
            }
        }
        event
    }

    pub(super) fn telegram(&mut self, tg: &Tg<'a>) -> Event {
        self.set(UID, tg.uid);
        self.set(CHAT, tg.chat);
        self.set(
            MESSAGE,
            if id::is_known(tg.msg_id) {
                tg.msg_id
            } else {
                b""
            },
        );
        self.set(MESSAGE_TYPE, tg.msg_type);
        Event::Message(match tg.action {
            b"send" => MessageAction::Send,
            b"edit" => MessageAction::Edit,
            b"delete" => MessageAction::Delete,
            _ => MessageAction::Other,
        })
    }

    /// Appends the fields to `text`. Returns where each field ends, counted from the start of the first.
    pub(super) fn pack(&self, text: &mut Vec<u8>) -> [u16; FIELDS] {
        let start = text.len();
        let mut ends = [0; FIELDS];
        for (field, end) in self.fields.iter().zip(&mut ends) {
            // Most fields are empty.
            if !field.is_empty() {
                text.extend_from_slice(&field[..field.len().min(FIELD_BYTES_MAX)]);
            }
            *end = u16::try_from(text.len() - start).expect("so few fields are under 64 KiB");
        }
        ends
    }
}

fn count(text: &[u8]) -> Option<u8> {
    let all_digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    all_digits.then(|| {
        text.iter().fold(0u8, |n, digit| {
            n.saturating_mul(10).saturating_add(digit - b'0')
        })
    })
}

fn call_type(text: &[u8]) -> Option<CallType> {
    match text {
        b"0" => Some(CallType::Incoming),
        b"1" => Some(CallType::Outgoing),
        b"2" => Some(CallType::Internal),
        _ => None,
    }
}

fn hash(text: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(text);
    hasher.finish()
}
