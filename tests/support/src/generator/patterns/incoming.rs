//! Calls from outside that a desk phone answers, or no phone.

use super::super::enterprise::{Client, Enterprise, TRUNKS};
use super::super::messages::Message;
use super::super::scene::{Bridge, Direction, Hangup, Leg, Scene, UNKNOWN};

/// An incoming call while phones ring.
pub struct Ringing {
    pub t0: i64,
    pub client: Client,
    pub trunk: &'static str,
    pub main: Leg,
    pub message: Message,
    /// When it is answered or given up.
    pub until: i64,
}

/// start, new_callerid and dial, with what is sent and asked meanwhile; about a second from `t0`.
pub fn ring(
    s: &mut Scene<'_>,
    t0: i64,
    client: Client,
    targets: &[String],
    ring_ms: i64,
) -> Ringing {
    let trunk = *s.e.rng.pick(&TRUNKS);
    let uid = s.e.main_uid(t0);
    let main = s.trunk_leg(uid, trunk, &client, UNKNOWN);
    let at = t0 + s.pause(40, 300);
    s.start(at, &main.uid, &client.phone, trunk);
    let at = at + s.pause(20, 90);
    s.new_callerid(at, &main, "from-out-office", trunk);
    let greeting = s.e.rng.percent(6).then(|| {
        let text = format!("💰+{} ➡️ Приветствие", client.digits);
        s.send(at + 120, "start", &main.uid, &text)
    });
    let dial_at = at + s.pause(600, 900);
    s.dial(
        dial_at,
        &main.uid,
        &client.phone,
        targets,
        Direction::Incoming,
        trunk,
    );
    if s.e.rng.percent(8) {
        s.dispatch(dial_at + 30, &main.uid, "dial");
    }
    if s.e.rng.percent(25) {
        s.ask_name(dial_at + 60, &main.uid, &client);
    }
    if s.e.rng.percent(3) {
        s.sql(dial_at + 80, &main.uid, Direction::Incoming);
    }
    let at = dial_at + s.pause(150, 300);
    if let Some(greeting) = greeting {
        s.delete(at - 40, greeting, &main.uid);
    }
    let text = s.ringing_text(&client, targets, trunk);
    let message = s.send(at, "dial", &main.uid, &text);
    Ringing {
        t0,
        client,
        trunk,
        main,
        message,
        until: dial_at + ring_ms,
    }
}

/// The desk phone picks up: the bridge, and the messages that change with it.
fn answer(s: &mut Scene<'_>, call: Ringing, desk: &Leg, with_create: bool) -> Talking {
    let Ringing {
        t0,
        client,
        trunk,
        mut main,
        message,
        until: at,
    } = call;
    main.peer.clone_from(&desk.num);
    let bridge = match with_create {
        true => s.join(at, [desk, &main], "3"),
        false => {
            let id = s.e.rng.uuid();
            s.bridge(at, desk, &id, "");
            Bridge {
                id,
                legs: [desk.clone(), main.clone()],
            }
        }
    };
    s.delete(at + 250, message, &main.uid);
    if s.e.rng.percent(20) {
        s.ask_manager(at + 260, &desk.uid, &desk.num);
    }
    let text = format!("☎️{} 📞➡️ 💰+{}📞", desk.num, client.digits);
    let message = s.send(at + 330, "bridge", &desk.uid, &text);
    if s.e.rng.percent(4) {
        s.ask_profile(at + 400, &main.uid, &client);
    }
    Talking {
        t0,
        at,
        client,
        trunk,
        main,
        extension: desk.num.clone(),
        bridge,
        message,
    }
}

struct Talking {
    t0: i64,
    at: i64,
    client: Client,
    trunk: &'static str,
    main: Leg,
    extension: String,
    bridge: Bridge,
    message: Message,
}

fn hang_up(s: &mut Scene<'_>, call: Talking, at: i64) {
    let uid = call.main.uid.as_str();
    let facts = Hangup {
        uid,
        phone: &call.client.phone,
        extension: &call.extension,
        received_ms: call.t0,
        status: "2",
        trunk: Some(call.trunk),
    };
    s.hangup(at, Direction::Incoming, &facts);
    if s.e.rng.percent(8) {
        s.dispatch(at + 40, uid, "hangup");
    }
    s.delete(at + 200, call.message, uid);
    let talk = Some(at - call.at);
    let text = s.ended_text(
        Direction::Incoming,
        &call.client,
        &call.extension,
        call.t0,
        talk,
    );
    s.send(at + 420, "hangup", uid, &text);
}

/// One to five phones ring; the ids of their channels are counted whether they answer or not.
pub fn ring_group(s: &mut Scene<'_>, t0: i64, until: i64) -> Vec<String> {
    let count = 1 + s.e.rng.skewed(5);
    (0..count).map(|_| s.e.take_extension(t0, until)).collect()
}

/// A channel for every ringing phone; the one that answers is returned.
fn pick_up(s: &mut Scene<'_>, call: &Ringing, targets: &[String]) -> Leg {
    let winner = s.e.rng.below(targets.len() as u32) as usize;
    let created = call.t0 + s.pause(700, 1_600);
    let uids: Vec<String> = targets.iter().map(|_| s.e.uid(created)).collect();
    s.desk_leg(uids[winner].clone(), &targets[winner], &call.client.phone)
}

/// Rings and is answered after `ring_ms`, the phone busy for `talk_ms` more.
fn answered_by(
    s: &mut Scene<'_>,
    t0: i64,
    (ring_ms, talk_ms): (i64, i64),
    client: Client,
    with_create: bool,
) -> Talking {
    let targets = ring_group(s, t0, t0 + ring_ms + 1_500);
    let call = ring(s, t0, client, &targets, ring_ms);
    let desk = pick_up(s, &call, &targets);
    s.e.keep_extension(&desk.num, call.until + talk_ms + 5_000);
    answer(s, call, &desk, with_create)
}

fn finish(s: &mut Scene<'_>, call: Talking, talk_ms: i64) -> String {
    let uid = call.main.uid.clone();
    let end = call.at + talk_ms;
    s.part(end, &call.bridge);
    let at = end + s.pause(100, 3_000);
    hang_up(s, call, at);
    uid
}

fn play_answered(
    e: &mut Enterprise,
    pattern: &'static str,
    t0: i64,
    client: Client,
    durations: (i64, i64),
) {
    let mut s = Scene::new(e, pattern);
    let call = answered_by(&mut s, t0, durations, client, true);
    let uid = finish(&mut s, call, durations.1);
    s.close(&uid);
}

pub fn answered(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let durations = (e.ring_ms(), e.talk_ms());
    let client = e.take_client(t0, t0 + durations.0 + durations.1 + 5_000);
    play_answered(e, pattern, t0, client, durations);
    false
}

fn play_missed(e: &mut Enterprise, pattern: &'static str, t0: i64, client: Client, ring_ms: i64) {
    let mut s = Scene::new(e, pattern);
    let targets = ring_group(&mut s, t0, t0 + ring_ms + 1_500);
    let call = ring(&mut s, t0, client, &targets, ring_ms);
    let uid = call.main.uid.as_str();
    let facts = Hangup {
        uid,
        phone: &call.client.phone,
        extension: "",
        received_ms: t0,
        status: "0",
        trunk: Some(call.trunk),
    };
    s.hangup(call.until, Direction::Incoming, &facts);
    if s.e.rng.percent(8) {
        s.dispatch(call.until + 30, uid, "hangup");
    }
    s.delete(call.until + 180, call.message, uid);
    let text = s.ended_text(Direction::Internal, &call.client, &targets[0], t0, None);
    s.send(call.until + 380, "hangup", uid, &text);
    s.close(&call.main.uid);
}

/// Four events, one id, no bridge.
pub fn missed(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let ring_ms = e.ring_ms();
    let client = e.take_client(t0, t0 + ring_ms + 5_000);
    play_missed(e, pattern, t0, client, ring_ms);
    false
}

/// Pattern 2-3: of the bridge, only who entered it is known; it is neither created nor destroyed.
pub fn simple(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let durations = (e.ring_ms(), e.talk_ms());
    let client = e.take_client(t0, t0 + durations.0 + durations.1 + 5_000);
    let mut s = Scene::new(e, pattern);
    let call = answered_by(&mut s, t0, durations, client, false);
    let at = call.at + s.pause(20, 80);
    s.bridge(at, &call.main, &call.bridge.id, "3");
    let uid = call.main.uid.clone();
    let at = call.at + durations.1;
    hang_up(&mut s, call, at);
    s.close(&uid);
    false
}

pub fn without_hangup(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let durations = (e.ring_ms(), e.talk_ms());
    let client = e.take_client(t0, t0 + durations.0 + durations.1 + 5_000);
    let mut s = Scene::new(e, pattern);
    let call = answered_by(&mut s, t0, durations, client, true);
    s.part(call.at + durations.1, &call.bridge);
    s.close(&call.main.uid);
    false
}

/// Two calls of one client within a minute, not to be mixed: given up and tried again, or a second
/// line of the same company that stays unanswered while the first one talks.
pub fn same_phone(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let again = t0 + e.rng.range(15_000, 50_000);
    let talk_ms = e.talk_ms().max(60_000);
    let client = e.take_client(t0, again + talk_ms + 45_000);
    let same_client = client.clone();
    if e.rng.one_in(2) {
        let ring_ms = e.rng.range(2_000, 10_000);
        play_missed(e, pattern, t0, client, ring_ms);
        let ring_ms = e.ring_ms();
        play_answered(e, pattern, again, same_client, (ring_ms, talk_ms));
    } else {
        let ring_ms = e.rng.range(2_000, 10_000);
        play_answered(e, pattern, t0, client, (ring_ms, talk_ms));
        let ring_ms = e.ring_ms();
        play_missed(e, pattern, again, same_client, ring_ms);
    }
    true
}
