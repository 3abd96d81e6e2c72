//! Calls from a desk phone to a client.

use super::super::enterprise::{Client, Enterprise, TRUNKS};
use super::super::messages::Message;
use super::super::scene::{Bridge, Direction, Hangup, Leg, Scene, UNKNOWN};

/// An outgoing call: the desk phone's channel is the main one, the trunk's often a second younger.
pub struct Outgoing {
    pub t0: i64,
    pub client: Client,
    pub trunk: &'static str,
    pub extension: String,
    pub desk: Leg,
    pub far: Leg,
}

/// Two channels, not yet written about. `until` is when both sides are free again.
pub fn place(s: &mut Scene<'_>, t0: i64, until: i64) -> Outgoing {
    let client = s.e.take_client(t0, until);
    let extension = s.e.take_extension(t0, until);
    let trunk = *s.e.rng.pick(&TRUNKS);
    let uid = s.e.main_uid(t0);
    let desk = s.desk_leg(uid, &extension, UNKNOWN);
    let far_uid = s.later_uid(t0, 300, 1_200);
    let far = s.trunk_leg(far_uid, trunk, &client, &extension);
    Outgoing {
        t0,
        client,
        trunk,
        extension,
        desk,
        far,
    }
}

impl Outgoing {
    /// The dial event and its message.
    pub fn dial(&self, s: &mut Scene<'_>, at: i64) -> Message {
        let (uid, targets) = (&self.desk.uid, [self.extension.clone()]);
        s.dial(
            at,
            uid,
            &self.client.phone,
            &targets,
            Direction::Outgoing,
            self.trunk,
        );
        if s.e.rng.percent(8) {
            s.dispatch(at + 30, uid, "dial");
        }
        if s.e.rng.percent(3) {
            s.sql(at + 50, uid, Direction::Outgoing);
        }
        let text = format!("☎️{} ➡️ 💰+{}", self.extension, self.client.digits);
        s.send(at + 220, "dial", uid, &text)
    }

    pub fn far_callerid(&self, s: &mut Scene<'_>, at: i64) {
        s.new_callerid(at, &self.far, "from-out-office", &self.client.digits);
    }

    /// The client picks up.
    pub fn answer(&self, s: &mut Scene<'_>, at: i64) -> Bridge {
        s.join(at, [&self.far, &self.desk], &self.client.digits)
    }

    pub fn answered_messages(&self, s: &mut Scene<'_>, at: i64, dialled: Message) -> Message {
        let uid = &self.desk.uid;
        if s.e.rng.percent(25) {
            s.ask_name(at + 160, uid, &self.client);
        }
        s.delete(at + 450, dialled, uid);
        let text = format!("☎️{} 📞➡️ 💰+{}📞", self.extension, self.client.digits);
        s.send(at + 780, "bridge", uid, &text)
    }

    pub fn hang_up(&self, s: &mut Scene<'_>, at: i64, status: &str) {
        let uid = self.desk.uid.as_str();
        let facts = Hangup {
            uid,
            phone: &self.client.phone,
            extension: if status == "2" { &self.extension } else { "" },
            received_ms: self.t0,
            status,
            trunk: Some(self.trunk),
        };
        s.hangup(at, Direction::Outgoing, &facts);
        if s.e.rng.percent(8) {
            s.dispatch(at + 40, uid, "hangup");
        }
    }

    pub fn ended_messages(
        &self,
        s: &mut Scene<'_>,
        at: i64,
        standing: Message,
        talk_ms: Option<i64>,
    ) {
        let uid = &self.desk.uid;
        s.delete(at + 200, standing, uid);
        let (client, extension) = (&self.client, &self.extension);
        let text = s.ended_text(Direction::Outgoing, client, extension, self.t0, talk_ms);
        s.send(at + 420, "hangup", uid, &text);
    }
}

fn play(e: &mut Enterprise, pattern: &'static str, t0: i64, with_hangup: bool) -> bool {
    let mut s = Scene::new(e, pattern);
    let (ring_ms, talk_ms) = (s.e.ring_ms(), s.e.talk_ms());
    let call = place(&mut s, t0, t0 + ring_ms + talk_ms + 6_000);
    let dial_at = t0 + s.pause(60, 400);
    let dialled = call.dial(&mut s, dial_at);
    let at = dial_at + s.pause(500, 1_200);
    call.far_callerid(&mut s, at);
    let answered_at = at + ring_ms;
    let bridge = call.answer(&mut s, answered_at);
    let standing = call.answered_messages(&mut s, answered_at, dialled);
    let end = answered_at + talk_ms;
    s.part(end, &bridge);
    if with_hangup {
        let at = end + s.pause(100, 3_000);
        call.hang_up(&mut s, at, "2");
        call.ended_messages(&mut s, at, standing, Some(talk_ms));
    }
    s.close(&call.desk.uid);
    false
}

pub fn answered(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    play(e, pattern, t0, true)
}

pub fn without_hangup(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    play(e, pattern, t0, false)
}

/// One id: the trunk's channel never gets as far as an event.
pub fn missed(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let mut s = Scene::new(e, pattern);
    let ring_ms = s.e.ring_ms();
    let call = place(&mut s, t0, t0 + ring_ms + 3_000);
    let dial_at = t0 + s.pause(60, 400);
    let dialled = call.dial(&mut s, dial_at);
    if s.e.rng.percent(50) {
        s.new_callerid(dial_at + 600, &call.desk, "inoffice", &call.client.digits);
    }
    let at = dial_at + ring_ms;
    call.hang_up(&mut s, at, "0");
    call.ended_messages(&mut s, at, dialled, None);
    s.close(&call.desk.uid);
    false
}

/// The dial event is late: file order and time both put the bridge first.
pub fn bridge_before_dial(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let mut s = Scene::new(e, pattern);
    let (ring_ms, talk_ms) = (s.e.ring_ms(), s.e.talk_ms());
    let call = place(&mut s, t0, t0 + ring_ms + talk_ms + 6_000);
    let at = t0 + s.pause(500, 1_200);
    call.far_callerid(&mut s, at);
    let answered_at = at + ring_ms;
    let bridge = call.answer(&mut s, answered_at);
    let dial_at = answered_at + s.pause(130, 400);
    let dialled = call.dial(&mut s, dial_at);
    let standing = call.answered_messages(&mut s, dial_at + 400, dialled);
    let end = answered_at + talk_ms;
    s.part(end, &bridge);
    let at = end + s.pause(100, 3_000);
    call.hang_up(&mut s, at, "2");
    call.ended_messages(&mut s, at, standing, Some(talk_ms));
    s.close(&call.desk.uid);
    false
}

/// The test console's call: ids that are no channel's, CallType a pattern number 1..=45, and a
/// bridge id in new_callerid that no other record knows.
pub fn emulator(e: &mut Enterprise, pattern: &'static str, t0: i64) -> bool {
    let uid = format!("test_{}.{:08x}", t0.div_euclid(1000), e.rng.draw() >> 32);
    e.next_main_uid = Some(uid.clone());
    let mut s = Scene::new(e, pattern);
    s.call_type = Some(1 + s.e.rng.below(45));
    let talk_ms = s.pause(5_000, 20_000);
    let mut call = place(&mut s, t0, t0 + talk_ms + 6_000);
    call.far.uid = format!("{uid}.377");
    let dialled = call.dial(&mut s, t0 + 100);
    call.far_callerid(&mut s, t0 + 600);
    let answered_at = t0 + s.pause(1_100, 1_900);
    let bridge = call.answer(&mut s, answered_at);
    let standing = call.answered_messages(&mut s, answered_at, dialled);
    let end = answered_at + talk_ms;
    s.part(end, &bridge);
    let status = *s.e.rng.pick(&["2", "2", "0", "3", "4", "5"]);
    call.hang_up(&mut s, end + 500, status);
    call.ended_messages(
        &mut s,
        end + 500,
        standing,
        (status == "2").then_some(talk_ms),
    );
    s.close(&uid);
    false
}
