//! Follows the channels of a call and the bridges that they are in, record by record.

use super::fact::{Event, Fact, local_stem};
use crate::record::{phone, text};

/// An extension has at most this many digits; a channel that is named by more digits is a line.
const EXTENSION_DIGITS_MAX: usize = 5;

/// The state of a channel after the records that were followed so far.
pub(super) struct Channel<'f> {
    pub(super) uid: &'f [u8],
    pub(super) name: &'f [u8],
    pub(super) caller: &'f [u8],
    pub(super) bridge: Option<&'f [u8]>,
}

/// Two participants who heard each other.
pub(super) type PartyPair = (String, String);

/// Whether the fields of the record allow that it moves a channel.
pub(super) fn may_move(fact: &Fact) -> bool {
    !fact.channel().is_empty() || !fact.bridge().is_empty() || fact.event == Event::Hangup
}

/// All pairs of participants who hear each other now, and hear neither the channel `followed` nor the
/// `client`. Each pair is sorted.
pub(super) fn pairs_without(
    channels: &[Channel<'_>],
    followed: &[u8],
    client: impl Fn(&str) -> bool,
) -> Vec<PartyPair> {
    let mut pairs: Vec<PartyPair> = Vec::new();
    let mut reached = Vec::new();
    for (at, channel) in channels.iter().enumerate() {
        let Some(own) = party(channel.name, channel.caller) else {
            continue;
        };
        reached_from(channels, channel.uid, false, &mut reached);
        if reached.iter().any(|&i| {
            channels[i].uid == followed
                || i < at && party(channels[i].name, channels[i].caller).is_some()
        }) {
            continue;
        }
        let mut all = people(channels, &reached);
        all.push(own);
        all.sort();
        all.dedup();
        if all.iter().any(|party| client(party)) {
            continue;
        }
        for (i, a) in all.iter().enumerate() {
            pairs.extend(all[i + 1..].iter().map(|b| (a.clone(), b.clone())));
        }
    }
    pairs
}

/// Moves a channel as the record says. Returns false for a record that moves none.
pub(super) fn follow<'f>(channels: &mut Vec<Channel<'f>>, fact: &'f Fact) -> bool {
    match fact.event {
        Event::Bridge | Event::BridgeLeave | Event::NewCallerid => {
            let channel = channel_of(channels, fact);
            match fact.event {
                Event::Bridge if fact.holding => channel.bridge = None,
                Event::Bridge => channel.bridge = Some(fact.bridge()),
                // An attended transfer may enter the next bridge before it leaves this.
                Event::BridgeLeave if channel.bridge == Some(fact.bridge()) => {
                    channel.bridge = None;
                }
                _ => {}
            }
        }
        Event::BridgeDestroy => {
            for channel in channels {
                if channel.bridge == Some(fact.bridge()) {
                    channel.bridge = None;
                }
            }
        }
        // A channel that hung up is in no bridge; some hosts do not log that it left.
        Event::Hangup => {
            for channel in channels.iter_mut().filter(|c| c.uid == fact.uid()) {
                channel.bridge = None;
            }
        }
        _ => return false,
    }
    true
}

/// Whether any bridge ever holds two logged channels. For a call that was started from the CRM, a host logs
/// two bridges with one leg each, but not the Local channel between them.
pub(super) fn two_meet(order: &[&Fact]) -> bool {
    let mut inside: Vec<(&[u8], &[u8])> = Vec::new();
    for fact in order {
        match fact.event {
            Event::Bridge if !fact.holding => {
                inside.retain(|(uid, _)| *uid != fact.uid());
                if inside.iter().any(|(_, bridge)| *bridge == fact.bridge()) {
                    return true;
                }
                inside.push((fact.uid(), fact.bridge()));
            }
            Event::BridgeLeave => inside.retain(|at| *at != (fact.uid(), fact.bridge())),
            _ => {}
        }
    }
    false
}

/// Notes the pairs of participants who hear each other, without the followed channel.
pub(super) fn note_meetings(
    channels: &[Channel<'_>],
    followed: &[u8],
    client: &str,
    met: &mut Vec<PartyPair>,
) {
    let mut reached = Vec::new();
    for channel in channels {
        if channel.uid == followed || channel.bridge.is_none() {
            continue;
        }
        let Some(own) = party(channel.name, channel.caller) else {
            continue;
        };
        reached_from(channels, channel.uid, false, &mut reached);
        for other in people(channels, &reached) {
            let pair = if own < other {
                (own.clone(), other)
            } else {
                (other, own.clone())
            };
            let is_client = same_party(&pair.0, client) || same_party(&pair.1, client);
            if pair.0 != pair.1 && !is_client && !met.contains(&pair) {
                met.push(pair);
            }
        }
    }
}

pub(super) fn same_party(a: &str, b: &str) -> bool {
    a == b || phone::same_number(a.as_bytes(), b.as_bytes())
}

fn channel_of<'c, 'f>(channels: &'c mut Vec<Channel<'f>>, fact: &'f Fact) -> &'c mut Channel<'f> {
    let at = match channels.iter().position(|c| c.uid == fact.uid()) {
        Some(at) => at,
        None => {
            channels.push(Channel {
                uid: fact.uid(),
                name: b"",
                caller: b"",
                bridge: None,
            });
            channels.len() - 1
        }
    };
    let channel = &mut channels[at];
    if !fact.channel().is_empty() {
        channel.name = fact.channel();
    }
    // The caller that half of a Local channel shows changes with a transfer; the first one is the party.
    if channel.caller.is_empty() {
        channel.caller = fact.caller();
    }
    channel
}

/// Puts into `reached` the channels that `uid` is connected to now: through its bridge, and through Local
/// channels into other bridges. These are indexes: the channel's own first, then the others in order. Empty
/// when the channel is in no bridge.
pub(super) fn reached_from(
    channels: &[Channel<'_>],
    uid: &[u8],
    halves_only: bool,
    reached: &mut Vec<usize>,
) {
    reached.clear();
    let own = channels.iter().position(|c| c.uid == uid);
    let Some(start) = own.filter(|&own| channels[own].bridge.is_some()) else {
        return;
    };
    reached.push(start);
    let mut next = 0;
    while let Some(&from) = reached.get(next) {
        next += 1;
        for (i, other) in channels.iter().enumerate() {
            let both = halves_only && channels[from].bridge.is_some() && other.bridge.is_some();
            if !reached.contains(&i) && (both || connected(&channels[from], other)) {
                reached.push(i);
            }
        }
    }
    reached[1..].sort_unstable();
}

/// The parties of those channels, except the first channel.
pub(super) fn people(channels: &[Channel<'_>], reached: &[usize]) -> Vec<String> {
    let mut people: Vec<String> = reached
        .iter()
        .skip(1)
        .filter_map(|&i| party(channels[i].name, channels[i].caller))
        .collect();
    people.sort();
    people.dedup();
    people
}

fn connected(a: &Channel<'_>, b: &Channel<'_>) -> bool {
    let bridged = a.bridge.is_some() && a.bridge == b.bridge;
    bridged || (local_stem(a.name).is_some() && local_stem(a.name) == local_stem(b.name))
}

/// The party of a channel: `SIP/151-0000002c` is extension 151, `SIP/0001363-0000002a` is the party at the
/// other end of the line. A Local channel has none.
pub(super) fn party(channel: &[u8], caller: &[u8]) -> Option<String> {
    if channel.starts_with(b"Local/") {
        return None;
    }
    let name = endpoint(channel);
    let shown = if is_extension(name) {
        name
    } else {
        match phone::digits_of(caller) {
            b"" => name,
            digits => digits,
        }
    };
    (!shown.is_empty()).then(|| text(shown))
}

/// `SIP/151-0000002c` -> `151`.
pub fn endpoint(channel: &[u8]) -> &[u8] {
    let name = channel
        .iter()
        .position(|&b| b == b'/')
        .map_or(channel, |slash| &channel[slash + 1..]);
    name.iter()
        .rposition(|&b| b == b'-')
        .map_or(name, |dash| &name[..dash])
}

/// Whether `name` can be an extension: 1 to 5 digits.
pub fn is_extension(name: &[u8]) -> bool {
    (1..=EXTENSION_DIGITS_MAX).contains(&name.len()) && name.iter().all(u8::is_ascii_digit)
}
