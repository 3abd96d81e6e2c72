//! Incoming calls that also ring a manager's mobile, through a Local channel.
//!
//! The mobile leg has dial and hangup events of its own under the id of `;2`: Phone is the mobile,
//! Extensions the client who called, CallType outgoing.

use super::super::enterprise::{Enterprise, TRUNKS, mobile_of};
use super::super::scene::{Bridge, Direction, Hangup, Leg, Scene};
use super::incoming::{self, Ringing};

/// A client calls; the first target is a desk phone, and its user's mobile is among the targets.
fn ring(s: &mut Scene<'_>, t0: i64, ring_ms: i64, until: i64) -> (Ringing, Vec<String>, String) {
    let client = s.e.take_client(t0, until);
    let desks = [
        s.e.take_extension(t0, until),
        s.e.take_extension(t0, t0 + ring_ms + 1_500),
    ];
    let mobile = mobile_of(&desks[0]);
    let targets = vec![desks[0].clone(), mobile.clone(), desks[1].clone()];
    let call = incoming::ring(s, t0, client, &targets, ring_ms);
    (call, targets, mobile)
}

/// The events of a mobile leg while it rings: both halves of the Local channel, and a dial event
/// per trunk that was tried. Takes under 2 s.
fn ring_mobile(
    s: &mut Scene<'_>,
    at: i64,
    call: &Ringing,
    mobile: &str,
    context: &str,
) -> [Leg; 2] {
    let halves = s.local_legs(at, mobile, context, &call.client.phone);
    s.new_callerid(at + 50, &halves[0], "set-extcall-callerid", mobile);
    s.new_callerid(at + 90, &halves[1], "set-extcall-callerid", mobile);
    let caller = [call.client.phone.clone()];
    let first = at + s.pause(150, 400);
    s.dial(
        first,
        &halves[1].uid,
        mobile,
        &caller,
        Direction::Outgoing,
        call.trunk,
    );
    if s.e.rng.percent(60) {
        let reserve = TRUNKS
            .iter()
            .find(|trunk| **trunk != call.trunk)
            .expect("several trunks");
        let second = first + s.pause(400, 1_300);
        s.dial(
            second,
            &halves[1].uid,
            mobile,
            &caller,
            Direction::Outgoing,
            reserve,
        );
    }
    halves
}

fn mobile_hangup(
    s: &mut Scene<'_>,
    at: i64,
    call: &Ringing,
    half: &Leg,
    mobile: &str,
    status: &str,
) {
    let facts = Hangup {
        uid: &half.uid,
        phone: mobile,
        extension: &call.client.phone,
        received_ms: call.t0 + 1_000,
        status,
        trunk: Some(call.trunk),
    };
    s.hangup(at, Direction::Outgoing, &facts);
}

/// The mobile picks up on the trunk: two bridges, joined by the Local channel's name.
fn mobile_joins(
    s: &mut Scene<'_>,
    at: i64,
    call: &Ringing,
    halves: &[Leg; 2],
    mobile: &str,
) -> [Bridge; 2] {
    let uid = s.e.uid(at - 1_500);
    let mut far = s.trunk_leg(uid, call.trunk, &call.client, &call.client.phone);
    far.num = mobile.to_owned();
    far.name = String::new();
    s.new_callerid(at - 900, &far, "from-out-office", mobile);
    let far_bridge = s.join(at, [&far, &halves[1]], mobile);
    let mut main = call.main.clone();
    main.peer = mobile.to_owned();
    [far_bridge, s.join(at + 200, [&halves[0], &main], "3")]
}

/// Pattern 2-5: one hangup, of the mobile leg; the main id gets none.
pub fn mobile_answered(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let mut s = Scene::new(e, pattern);
    let (ring_ms, talk_ms) = (s.pause(6_000, 30_000), s.e.talk_ms());
    let (call, _, mobile) = ring(&mut s, t0, ring_ms, t0 + ring_ms + talk_ms + 6_000);
    let halves = ring_mobile(&mut s, t0 + 2_000, &call, &mobile, "inoffice");
    let bridges = mobile_joins(&mut s, call.until, &call, &halves, &mobile);
    let end = call.until + talk_ms;
    bridges
        .iter()
        .enumerate()
        .for_each(|(nth, b)| s.part(end + 110 * nth as i64, b));
    mobile_hangup(&mut s, end + 900, &call, &halves[1], &mobile, "2");
    say_ended(s, call, &halves[1].uid, &mobile, end + 900, talk_ms);
    false
}

/// Deletes what stands, says how it ended, and closes the call.
fn say_ended(
    mut s: Scene<'_>,
    call: Ringing,
    ended_by: &str,
    answered_by: &str,
    at: i64,
    talk_ms: i64,
) {
    s.delete(call.until + 450, call.message, &call.main.uid);
    let text = format!("☎️{answered_by} 📞➡️ 💰+{}📞", call.client.digits);
    let standing = s.send(call.until + 560, "bridge", &call.main.uid, &text);
    s.delete(at + 180, standing, ended_by);
    let talk = Some(talk_ms);
    let text = s.ended_text(
        Direction::Incoming,
        &call.client,
        answered_by,
        call.t0,
        talk,
    );
    s.send(at + 380, "hangup", ended_by, &text);
    s.close(&call.main.uid);
}

/// E7, pattern 2-6: the mobile rings too, a desk phone is faster. The mobile leg's ids meet the
/// call's nowhere.
pub fn mobile_tried(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let mut s = Scene::new(e, pattern);
    s.mark_inferred();
    let (ring_ms, talk_ms) = (s.pause(6_000, 30_000), s.e.talk_ms());
    let (call, targets, mobile) = ring(&mut s, t0, ring_ms, t0 + ring_ms + talk_ms + 6_000);
    let halves = ring_mobile(&mut s, t0 + 2_000, &call, &mobile, "inoffice");
    let uid = s.e.uid(t0 + 1_000);
    let desk = s.desk_leg(uid, &targets[0], &call.client.phone);
    let mut main = call.main.clone();
    main.peer.clone_from(&targets[0]);
    let bridge = s.join(call.until, [&desk, &main], "3");
    let at = call.until + s.pause(300, 1_200);
    mobile_hangup(&mut s, at, &call, &halves[1], &mobile, "0");
    let end = call.until + talk_ms;
    s.part(end, &bridge);
    let facts = Hangup {
        uid: &main.uid,
        phone: &call.client.phone,
        extension: &targets[0],
        received_ms: t0,
        status: "2",
        trunk: Some(call.trunk),
    };
    s.hangup(end + 900, Direction::Incoming, &facts);
    say_ended(s, call, &main.uid, &targets[0], end + 900, talk_ms);
    false
}

/// FollowMe (connected line 300) tries the desk phone, then the mobile, over one Local channel.
pub fn followme(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let mut s = Scene::new(e, pattern);
    let (ring_ms, talk_ms) = (s.pause(10_000, 30_000), s.e.talk_ms());
    let (mut call, _, mobile) = ring(&mut s, t0, ring_ms, t0 + ring_ms + talk_ms + 6_000);
    call.main.peer = "300".to_owned();
    s.new_callerid(t0 + 1_600, &call.main, "inoffice", "300");
    let mut halves = ring_mobile(&mut s, t0 + 2_000, &call, &mobile, "followme");
    for (nth, at) in [t0 + 4_500, t0 + 6_000].into_iter().enumerate() {
        halves[nth].peer = "300".to_owned();
        s.new_callerid(at, &halves[nth], "inoffice", "300");
    }
    let bridges = mobile_joins(&mut s, call.until, &call, &halves, &mobile);
    let end = call.until + talk_ms;
    bridges
        .iter()
        .enumerate()
        .for_each(|(nth, b)| s.part(end + 110 * nth as i64, b));
    mobile_hangup(&mut s, end + 600, &call, &halves[1], &mobile, "2");
    let facts = Hangup {
        uid: &call.main.uid,
        phone: &call.client.phone,
        extension: &mobile,
        received_ms: t0,
        status: "2",
        trunk: Some(call.trunk),
    };
    s.hangup(end + 900, Direction::Incoming, &facts);
    let main = call.main.uid.clone();
    say_ended(s, call, &main, &mobile, end + 900, talk_ms);
    false
}
