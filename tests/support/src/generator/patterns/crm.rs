//! A call started from the CRM (E5): three groups of ids that only phone and time join.
//!
//! The PBX drops the bridge events of the Local channel in between, so the id of dial and hangup is
//! in no bridge, and the manager's bridge and the client's have no id in common.

use super::super::enterprise::{Enterprise, TRUNKS};
use super::super::scene::{Direction, Hangup, Leg, Scene, UNKNOWN};

pub fn crm(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let mut s = Scene::new(e, pattern);
    s.external = true;
    s.mark_inferred();
    let (ring_ms, talk_ms) = (s.e.ring_ms(), s.e.talk_ms());
    let desk_ring_ms = s.pause(1_000, 6_000);
    let until = t0 + desk_ring_ms + ring_ms + talk_ms + 8_000;
    let client = s.e.take_client(t0, until);
    let extension = s.e.take_extension(t0, until);
    let trunk = *s.e.rng.pick(&TRUNKS);

    let peer = if s.e.rng.percent(75) {
        client.phone.as_str()
    } else {
        UNKNOWN
    };
    let desk_uid = s.e.uid(t0);
    let desk = s.desk_leg(desk_uid, &extension, peer);
    let picked_up = t0 + desk_ring_ms;
    // The Local channel's two ids; only the second one is ever logged.
    let _silent = s.e.uid(picked_up);
    let main = s.e.main_uid(picked_up);
    let far_uid = s.later_uid(picked_up, 200, 1_200);
    let far = s.trunk_leg(far_uid, trunk, &client, &extension);

    let (near_bridge, far_bridge) = (s.e.rng.uuid(), s.e.rng.uuid());
    s.create(picked_up, &near_bridge);
    s.bridge(picked_up + 40, &desk, &near_bridge, "");
    let dial_at = picked_up + s.pause(200, 700);
    let targets = [extension.clone()];
    s.dial(
        dial_at,
        &main,
        &client.phone,
        &targets,
        Direction::Outgoing,
        trunk,
    );
    let text = format!("☎️{extension} ➡️ 💰+{}", client.digits);
    let dialled = s.send(dial_at + 220, "dial", &main, &text);
    s.new_callerid(dial_at + 500, &far, "web-originate", &client.digits);

    let answered = dial_at + 600 + ring_ms;
    if s.e.rng.percent(50) {
        s.create(answered - 30, &far_bridge);
    }
    s.bridge(answered, &far, &far_bridge, "");
    // A delete keeps the id of its send here: any other would join what the PBX left apart.
    s.delete(answered + 300, dialled, &main);
    let text = format!("☎️{extension} 📞➡️ 💰+{}📞", client.digits);
    let standing = s.send(answered + 400, "bridge", &far.uid, &text);

    let end = answered + talk_ms;
    s.leave(end, &far, &far_bridge, "0");
    s.destroy(end + 20, &far_bridge);
    let hangup_at = end + s.pause(60, 900);
    let facts = Hangup {
        uid: &main,
        phone: &client.phone,
        extension: "",
        received_ms: picked_up,
        status: "2",
        trunk: Some(trunk),
    };
    s.hangup(hangup_at, Direction::Outgoing, &facts);
    s.delete(hangup_at + 200, standing, &far.uid);
    let text = s.ended_text(Direction::Outgoing, &client, &extension, t0, Some(talk_ms));
    s.send(hangup_at + 400, "hangup", &main, &text);
    last_leave(&mut s, hangup_at + 90, &desk, &near_bridge);
    s.close(&main);
    false
}

fn last_leave(s: &mut Scene<'_>, at: i64, desk: &Leg, bridge: &str) {
    s.leave(at, desk, bridge, "0");
    if s.e.rng.percent(70) {
        s.destroy(at + 15, bridge);
    }
}
