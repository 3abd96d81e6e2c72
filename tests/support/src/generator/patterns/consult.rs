//! Talks that move between phones: consultation by a Local channel, refused, accepted or given up,
//! and a call handed from A to B to C.

use super::super::enterprise::Enterprise;
use super::super::messages::Message;
use super::super::scene::{Bridge, Direction, Hangup, Leg, Scene};
use super::incoming;
use super::outgoing::{self, Outgoing};

/// The manager holds the client and talks to a colleague through a Local channel.
struct Consultation {
    /// Manager and `;1`.
    near: Bridge,
    /// `;2` and colleague.
    far: Bridge,
    colleague: String,
}

/// A client is called and answers; then a consultation is due at the returned time.
fn talk_first(s: &mut Scene<'_>, t0: i64, rest_ms: i64) -> (Outgoing, Bridge, Message, i64) {
    let (ring_ms, talk_ms) = (s.e.ring_ms(), s.e.talk_ms().min(600_000));
    let call = outgoing::place(s, t0, t0 + ring_ms + talk_ms + rest_ms + 8_000);
    let dialled = call.dial(s, t0 + 200);
    call.far_callerid(s, t0 + 900);
    let at = t0 + 900 + ring_ms;
    let bridge = call.answer(s, at);
    let standing = call.answered_messages(s, at, dialled);
    (call, bridge, standing, at + talk_ms)
}

/// `at` is when the colleague picks up; the Local channel is some seconds older.
fn consult(s: &mut Scene<'_>, at: i64, manager: &Leg, until: i64) -> Consultation {
    let colleague = s.e.take_extension(at, until);
    let dialled_at = at - s.pause(1_500, 2_500);
    let [near_half, far_half] = s.local_legs(dialled_at, &colleague, "inoffice", &manager.num);
    let uid = s.later_uid(dialled_at, 0, 900);
    let other = s.desk_leg(uid, &colleague, &manager.num);
    let mut manager = manager.clone();
    manager.peer.clone_from(&colleague);
    let far = s.join(at, [&far_half, &other], &colleague);
    let near = s.join(at + 200, [&manager, &near_half], &colleague);
    Consultation {
        near,
        far,
        colleague,
    }
}

/// E6: the colleague declines; the consultation's own hangup (internal, id of `;2`) comes in the
/// middle, and the manager goes back to the client.
pub fn refused(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let mut s = Scene::new(e, pattern);
    let (consultation_ms, rest_ms) = (s.pause(5_000, 60_000), s.pause(5_000, 120_000));
    let (call, first, standing, at) = talk_first(&mut s, t0, consultation_ms + rest_ms + 5_000);
    s.leave(at, &call.desk, &first.id, "1");
    let met_at = at + 3_000;
    let consultation = consult(&mut s, met_at, &call.desk, met_at + consultation_ms);
    let at = met_at + consultation_ms;
    s.part(at, &consultation.near);
    s.part(at + 110, &consultation.far);
    let facts = Hangup {
        uid: &consultation.far.legs[0].uid,
        phone: &call.extension,
        extension: &consultation.colleague,
        received_ms: met_at - 2_000,
        status: "2",
        trunk: None,
    };
    s.hangup(at + 240, Direction::Internal, &facts);
    s.bridge(at + 400, &call.desk, &first.id, "");
    let end = at + 400 + rest_ms;
    s.part(end, &first);
    call.hang_up(&mut s, end + 900, "2");
    call.ended_messages(&mut s, end + 900, standing, Some(end - t0));
    s.close(&call.desk.uid);
    false
}

/// The manager hands over and hangs up: the main hangup is not the end, the client talks on with
/// the colleague in the other bridge.
pub fn accepted(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let mut s = Scene::new(e, pattern);
    let (consultation_ms, rest_ms) = (s.pause(5_000, 60_000), s.pause(8_000, 300_000));
    let (call, first, standing, at) = talk_first(&mut s, t0, consultation_ms + rest_ms + 5_000);
    s.leave(at, &call.desk, &first.id, "1");
    let met_at = at + 3_000;
    let consultation = consult(
        &mut s,
        met_at,
        &call.desk,
        met_at + consultation_ms + rest_ms,
    );
    let at = met_at + consultation_ms;
    s.part(at, &consultation.near);
    call.hang_up(&mut s, at + 150, "2");
    call.ended_messages(&mut s, at + 150, standing, Some(at - t0));
    hand_over(
        &mut s,
        at + 300,
        &call.far,
        &first.id,
        &consultation,
        rest_ms,
    );
    s.close(&call.desk.uid);
    false
}

/// The client leaves `from` for the colleague's bridge and stays there for `rest_ms`.
fn hand_over(
    s: &mut Scene<'_>,
    at: i64,
    client: &Leg,
    from: &str,
    consultation: &Consultation,
    rest_ms: i64,
) {
    s.leave(at, client, from, "0");
    s.destroy(at + 30, from);
    s.leave(
        at + 60,
        &consultation.far.legs[0],
        &consultation.far.id,
        "1",
    );
    let mut client = client.clone();
    client.peer.clone_from(&consultation.colleague);
    s.bridge(at + 90, &client, &consultation.far.id, "");
    let legs = [client, consultation.far.legs[1].clone()];
    s.part(
        at + 90 + rest_ms,
        &Bridge {
            id: consultation.far.id.clone(),
            legs,
        },
    );
}

/// Pattern 1-5: the colleague does not pick up. The consultation's hangup (internal, the manager's
/// extension as Phone) has an id that nothing else has.
pub fn orphan_hangup(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let mut s = Scene::new(e, pattern);
    s.mark_inferred();
    let (ring_ms, rest_ms) = (s.e.ring_ms(), s.pause(5_000, 120_000));
    let (call, first, standing, at) = talk_first(&mut s, t0, ring_ms + rest_ms + 5_000);
    let colleague = s.e.take_extension(at, at + ring_ms);
    s.leave(at, &call.desk, &first.id, "1");
    let [near_half, unseen] = s.local_legs(at + 300, &colleague, "inoffice", &call.extension);
    let near = s.join(at + 500, [&call.desk, &near_half], &colleague);
    let at = at + 700 + ring_ms;
    s.part(at, &near);
    let facts = Hangup {
        uid: &unseen.uid,
        phone: &call.extension,
        extension: "",
        received_ms: at - ring_ms - 400,
        status: "0",
        trunk: None,
    };
    s.hangup(at + 200, Direction::Internal, &facts);
    s.bridge(at + 350, &call.desk, &first.id, "");
    let end = at + 350 + rest_ms;
    s.part(end, &first);
    call.hang_up(&mut s, end + 900, "2");
    call.ended_messages(&mut s, end + 900, standing, Some(end - t0));
    s.close(&call.desk.uid);
    false
}

/// Pattern 2-18: A answers, asks B and hands over, B asks C and hands over. Five bridges.
pub fn transfer(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let mut s = Scene::new(e, pattern);
    let ring_ms = s.e.ring_ms();
    let talks: [i64; 3] = std::array::from_fn(|_| s.e.talk_ms().min(600_000));
    let until = t0 + ring_ms + talks.iter().sum::<i64>() + 120_000;
    let client = s.e.take_client(t0, until);
    let a = s.e.take_extension(t0, until);
    let call = incoming::ring(&mut s, t0, client, std::slice::from_ref(&a), ring_ms);
    let uid = s.e.uid(t0 + 900);
    let mut desk = s.desk_leg(uid, &a, &call.client.phone);
    let mut main = call.main.clone();
    main.peer.clone_from(&a);

    let mut at = call.until;
    let mut bridge = s.join(at, [&desk, &main], "3").id;
    s.delete(at + 300, call.message, &main.uid);
    let text = format!("☎️{a} 📞➡️ 💰+{}📞", call.client.digits);
    let standing = s.send(at + 420, "bridge", &desk.uid, &text);
    for talk_ms in &talks[..2] {
        at += talk_ms;
        s.leave(at, &desk, &bridge, "1");
        let consultation = consult(&mut s, at + 3_000, &desk, until);
        at += 3_000 + s.pause(4_000, 20_000);
        s.part(at, &consultation.near);
        s.leave(at + 120, &main, &bridge, "0");
        s.destroy(at + 140, &bridge);
        s.leave(
            at + 170,
            &consultation.far.legs[0],
            &consultation.far.id,
            "1",
        );
        main.peer.clone_from(&consultation.colleague);
        s.bridge(at + 200, &main, &consultation.far.id, "");
        bridge = consultation.far.id;
        desk = consultation.far.legs[1].clone();
        desk.peer.clone_from(&call.client.phone);
    }
    let end = at + talks[2].max(1_000);
    s.part(
        end,
        &Bridge {
            id: bridge,
            legs: [desk.clone(), main.clone()],
        },
    );
    let facts = Hangup {
        uid: &main.uid,
        phone: &call.client.phone,
        extension: &desk.num,
        received_ms: t0,
        status: "2",
        trunk: Some(call.trunk),
    };
    s.hangup(end + 800, Direction::Incoming, &facts);
    s.delete(end + 1_000, standing, &main.uid);
    let talk = Some(end - call.until);
    let text = s.ended_text(Direction::Incoming, &call.client, &desk.num, t0, talk);
    s.send(end + 1_200, "hangup", &main.uid, &text);
    s.close(&call.main.uid);
    false
}
