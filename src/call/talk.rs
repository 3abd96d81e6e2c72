//! Who was in a bridge with whom, and when: the events of a call replayed.

use super::fact::{Event, Fact, local_stem};
use crate::record::{Stamp, phone};

/// Extensions are shorter than this; a channel named by more digits is a line.
const EXTENSION_DIGITS_MAX: usize = 5;

/// What the bridges of a call tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Talk {
    /// When the second channel of the call entered a bridge.
    pub begin: Option<Stamp>,
    /// When the last channel left, or the last bridge ended.
    pub end: Option<Stamp>,
    /// Somebody is still in a bridge after the last record.
    pub open: bool,
    /// Two are still in one bridge.
    pub together: bool,
    /// Whom the asked leg talked to, one after the other; each time the others are other people.
    pub partners: Vec<String>,
}

struct Channel<'f> {
    uid: &'f [u8],
    name: &'f [u8],
    caller: &'f [u8],
    bridge: Option<&'f [u8]>,
}

impl Talk {
    /// Replays without following anybody.
    pub(super) fn of(facts: &[Fact]) -> Talk {
        Talk::followed(facts, b"")
    }

    /// Replays and notes whom the channel `uid` talks to. Facts in any order.
    pub(super) fn followed(facts: &[Fact], uid: &[u8]) -> Talk {
        let mut talk = Talk::default();
        if facts.iter().all(|f| f.bridge().is_empty()) {
            return talk;
        }
        let mut order: Vec<&Fact> = facts
            .iter()
            .filter(|f| {
                !f.channel().is_empty() || !f.bridge().is_empty() || f.event == Event::Hangup
            })
            .collect();
        order.sort_by_key(|f| (f.at, f.place));
        let mut channels: Vec<Channel<'_>> = Vec::new();
        let mut entered: Vec<&[u8]> = Vec::new();
        let mut now: Vec<String> = Vec::new();
        for fact in order {
            match fact.event {
                Event::Bridge | Event::BridgeLeave | Event::NewCallerid => {
                    let channel = channel_of(&mut channels, fact);
                    match fact.event {
                        Event::Bridge => channel.bridge = Some(fact.bridge()),
                        // An attended transfer may enter the next bridge before it leaves this.
                        Event::BridgeLeave if channel.bridge == Some(fact.bridge()) => {
                            channel.bridge = None;
                        }
                        _ => {}
                    }
                }
                Event::BridgeDestroy => {
                    for channel in &mut channels {
                        if channel.bridge == Some(fact.bridge()) {
                            channel.bridge = None;
                        }
                    }
                }
                // Who hung up is in no bridge; some hosts log no leaving.
                Event::Hangup => {
                    for channel in channels.iter_mut().filter(|c| c.uid == fact.uid()) {
                        channel.bridge = None;
                    }
                }
                _ => continue,
            }
            match fact.event {
                Event::Bridge => {
                    if !entered.contains(&fact.uid()) {
                        entered.push(fact.uid());
                    }
                    if entered.len() == 2 {
                        talk.begin.get_or_insert(fact.at);
                    }
                }
                Event::BridgeLeave => talk.end = Some(fact.at),
                _ => {}
            }
            if !uid.is_empty() {
                let with = partners(&channels, uid);
                if !with.is_empty() {
                    if !with.iter().any(|party| now.contains(party)) {
                        talk.partners.push(with[0].clone());
                    }
                    now = with;
                }
            }
        }
        talk.open = channels.iter().any(|c| c.bridge.is_some());
        talk.together = channels.iter().enumerate().any(|(i, a)| {
            channels[..i]
                .iter()
                .any(|b| a.bridge.is_some() && a.bridge == b.bridge)
        });
        talk
    }
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
    // What a Local half shows as its caller changes with the transfer; the first is the party.
    if channel.caller.is_empty() {
        channel.caller = fact.caller();
    }
    channel
}

/// The people that `uid` is connected to now: through its bridge, and through Local channels into
/// other bridges.
fn partners(channels: &[Channel<'_>], uid: &[u8]) -> Vec<String> {
    let Some(start) = channels.iter().position(|c| c.uid == uid) else {
        return Vec::new();
    };
    if channels[start].bridge.is_none() {
        return Vec::new();
    }
    let mut reached = vec![start];
    let mut next = 0;
    while let Some(&from) = reached.get(next) {
        next += 1;
        for (i, other) in channels.iter().enumerate() {
            if !reached.contains(&i) && connected(&channels[from], other) {
                reached.push(i);
            }
        }
    }
    let mut people: Vec<String> = reached[1..]
        .iter()
        .filter_map(|&i| party(channels[i].name, channels[i].caller))
        .collect();
    people.sort();
    people
}

fn connected(a: &Channel<'_>, b: &Channel<'_>) -> bool {
    let bridged = a.bridge.is_some() && a.bridge == b.bridge;
    bridged || (local_stem(a.name).is_some() && local_stem(a.name) == local_stem(b.name))
}

/// Who is behind a channel: `SIP/151-0000002c` is extension 151, `SIP/0001363-0000002a` is whoever
/// the line leads to. A Local channel is nobody.
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
    (!shown.is_empty()).then(|| String::from_utf8_lossy(shown).into_owned())
}

/// `SIP/151-0000002c` -> `151`.
pub(super) fn endpoint(channel: &[u8]) -> &[u8] {
    let name = channel
        .iter()
        .position(|&b| b == b'/')
        .map_or(channel, |slash| &channel[slash + 1..]);
    name.iter()
        .rposition(|&b| b == b'-')
        .map_or(name, |dash| &name[..dash])
}

/// Whether it can be an extension: 1 to 5 digits.
pub(super) fn is_extension(name: &[u8]) -> bool {
    (1..=EXTENSION_DIGITS_MAX).contains(&name.len()) && name.iter().all(u8::is_ascii_digit)
}
