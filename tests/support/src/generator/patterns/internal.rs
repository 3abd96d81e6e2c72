//! One desk phone calls another: no trunk, and a hangup without that key.

use super::super::enterprise::Enterprise;
use super::super::scene::{Direction, Hangup, Scene};

/// A call with its dial event; one in four is not answered.
pub fn with_dial(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let answered = !e.rng.one_in(4);
    play(e, pattern, t0, true, answered)
}

/// The dial event never arrives.
pub fn without_dial(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    play(e, pattern, t0, false, true)
}

fn play(e: &mut Enterprise, pattern: &'static str, t0: i64, dial: bool, answered: bool) -> bool {
    let mut s = Scene::new(e, pattern);
    let (ring_ms, talk_ms) = (s.e.ring_ms(), s.e.talk_ms());
    let until = t0 + ring_ms + talk_ms + 5_000;
    let (from, to) = (s.e.take_extension(t0, until), s.e.take_extension(t0, until));
    let uid = s.e.main_uid(t0);
    let caller = s.desk_leg(uid.clone(), &from, &to);
    let uid_of_other = s.later_uid(t0, 0, 900);
    let other = s.desk_leg(uid_of_other, &to, &from);

    let mut at = t0 + s.pause(50, 300);
    let mut standing = None;
    if dial {
        let targets = [to.clone()];
        s.dial(at, &uid, &from, &targets, Direction::Internal, "");
        standing = Some(s.send(at + 250, "dial", &uid, &format!("☎️{from} ➡️ ☎️{to}")));
    }
    at += ring_ms;
    if answered {
        let bridge = s.join(at, [&other, &caller], &to);
        if let Some(message) = standing.take() {
            s.delete(at + 300, message, &uid);
        }
        standing = Some(s.send(at + 400, "bridge", &uid, &format!("☎️{from} 📞➡️ ☎️{to}📞")));
        at += talk_ms;
        s.part(at, &bridge);
        at += s.pause(100, 2_000);
    }
    let (extension, status) = if answered {
        (to.as_str(), "2")
    } else {
        ("", "0")
    };
    let facts = Hangup {
        uid: &uid,
        phone: &from,
        extension,
        received_ms: t0,
        status,
        trunk: None,
    };
    s.hangup(at, Direction::Internal, &facts);
    if let Some(message) = standing {
        s.delete(at + 180, message, &uid);
    }
    let text = match answered {
        true => format!("✅ Успешный внутренний звонок ☎️{from} ➡️ ☎️{to}"),
        false => format!("❌ Коллега не поднял трубку ☎️{to}"),
    };
    s.send(at + 360, "hangup", &uid, &text);
    s.close(&uid);
    false
}
