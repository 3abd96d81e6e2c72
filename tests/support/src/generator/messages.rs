//! Messages and requests about a call: Telegram messages, HTTP requests, SQL queries.

use super::enterprise::{Client, MANAGER_NAMES, TOKEN};
use super::lines::{HOST_OFFSET_MS, MESSAGE_ID_DIGITS, MessageMark, put, put_time};
use super::scene::{Direction, Scene};

/// The service cuts an answer here and appends `...`; requests stay whole.
const ANSWER_CHARS: usize = 500;

/// A message in every chat it was sent to.
pub struct Message {
    kind: &'static str,
    /// Chat and slot; no slot if the id was logged as `None`.
    posts: Vec<(u32, Option<u32>)>,
}

impl Scene<'_> {
    /// Sends `text` to the call's chats, the first at `at`.
    pub fn send(&mut self, at: i64, kind: &'static str, uid: &str, text: &str) -> Message {
        let (count, first) = self.chats;
        let mut posts = Vec::with_capacity(count);
        let mut at = at;
        for nth in 0..count {
            let chat = self.e.chats[(first + nth) % self.e.chats.len()];
            let slot = (!self.e.rng.one_in(2_000)).then_some(self.e.message_slots);
            self.e.message_slots += u32::from(slot.is_some());
            self.telegram(at, "send", kind, (chat, slot), uid, text);
            posts.push((chat, slot));
            at += self.pause(30, 90);
        }
        Message { kind, posts }
    }

    pub fn delete(&mut self, at: i64, message: Message, uid: &str) {
        let mut at = at;
        for (chat, slot) in message.posts {
            if slot.is_some() {
                self.telegram(at, "delete", message.kind, (chat, slot), uid, "");
            }
            at += self.pause(20, 60);
        }
    }

    fn telegram(
        &mut self,
        at: i64,
        action: &str,
        kind: &str,
        (chat, slot): (u32, Option<u32>),
        uid: &str,
        text: &str,
    ) {
        self.wrote(uid);
        self.e.book.line(at, self.number, |out| {
            let start = out.len();
            put(out, format_args!("TG|{action}|{chat}|{kind}|"));
            let mark = slot.map(|slot| MessageMark {
                slot,
                id_at: (out.len() - start) as u8,
                sends: action == "send",
            });
            match slot {
                Some(_) => out.extend([b'0'; MESSAGE_ID_DIGITS]),
                None => out.extend_from_slice(b"None"),
            }
            put(out, format_args!("|{uid}|{text}"));
            mark
        });
    }

    /// `💰+375290001234 ➡️ Доб.150,151 📡Линия 1`
    pub fn ringing_text(&mut self, client: &Client, extensions: &[String], trunk: &str) -> String {
        let line = trunk.trim_start_matches('0');
        let separator = if self.e.rng.one_in(8) { " | " } else { " " };
        let extensions = extensions.join(",");
        format!(
            "💰+{} ➡️ Доб.{extensions}{separator}📡Линия {line}",
            client.digits
        )
    }

    /// The text after a hangup; `talk_ms` is `None` if the call was not answered.
    pub fn ended_text(
        &mut self,
        direction: Direction,
        client: &Client,
        extension: &str,
        received_ms: i64,
        talk_ms: Option<i64>,
    ) -> String {
        let Some(talk_ms) = talk_ms else {
            return match direction {
                Direction::Internal => format!("❌ Коллега не поднял трубку ☎️{extension}"),
                _ => format!("❌ Абонент не поднял трубку 💰+{}", client.digits),
            };
        };
        let kind = ["входящий", "исходящий", "внутренний"][direction as usize];
        let mut out = Vec::with_capacity(400);
        let (minutes, seconds) = (talk_ms / 60_000, talk_ms / 1000 % 60);
        put(
            &mut out,
            format_args!(
                "✅ Успешный {kind} звонок 💰+{} ☎️{extension} ",
                client.digits
            ),
        );
        put(
            &mut out,
            format_args!("⌛ Длительность: {minutes:02}:{seconds:02} ⏰Начало звонка "),
        );
        let date_at = out.len();
        put_time(&mut out, received_ms + HOST_OFFSET_MS);
        out.drain(date_at..date_at + "2025-11-30 ".len());
        match (client.name, self.e.rng.below(12)) {
            (Some(name), 0) => put(&mut out, format_args!(" 👤 <b>{name}</b>")),
            // A line separator that an editor put into the CRM.
            (Some(name), 1) => put(
                &mut out,
                format_args!(" 👤 {name}\u{2028}постоянный клиент"),
            ),
            (Some(name), 2) => put(&mut out, format_args!(" | 👤 {name} | VIP")),
            (Some(name), _) => put(&mut out, format_args!(" 👤 {name}")),
            (None, _) => {}
        }
        if direction != Direction::Internal && self.e.rng.percent(60) {
            let id = self.e.rng.draw();
            let link =
                format_args!(" 🔉<a href=\"https://bot.example.org/r/{id:016x}\">Запись</a>");
            put(&mut out, link);
        }
        String::from_utf8(out).expect("made of text")
    }

    /// Asks the CRM for the client's name, as happens while the phone rings.
    pub fn ask_name(&mut self, at: i64, uid: &str, client: &Client) {
        let digits = &client.digits;
        let mut url = format!(
            "http://localhost:8020/customer-name/{}/{digits}",
            self.e.number
        );
        let mut request = format!("{{\"phone\": \"{digits}\"}}");
        match self.e.rng.below(40) {
            0 => url.push_str("?fields=name|source"),
            1 => request = format!("{{\"phone\": \"{digits}\", \"tags\": \"vip|опт\"}}"),
            _ => {}
        }
        let (status, answer) = match (self.e.rng.below(60), client.name) {
            (0, _) => (500, "{\"detail\": \"Internal Server Error\"}".to_owned()),
            (1, _) => (404, "{\"detail\": \"Enterprise not found\"}".to_owned()),
            (_, Some(name)) => (
                200,
                format!("{{\"name\": \"{}\"}}", name.replace('"', "\\\"")),
            ),
            (_, None) => (200, "{\"name\": null}".to_owned()),
        };
        self.http(at, uid, ("GET", &url), status, request.as_bytes(), &answer);
    }

    /// Asks for the person at `extension`.
    pub fn ask_manager(&mut self, at: i64, uid: &str, extension: &str) {
        let nth: usize = extension.parse().unwrap_or(0);
        let (full, short) = MANAGER_NAMES[nth % MANAGER_NAMES.len()];
        let number = &self.e.number;
        let url = format!("http://localhost:8020/metadata/{number}/manager/{extension}");
        let mobile = super::enterprise::mobile_of(extension);
        let answer = format!(
            "{{\"full_name\": \"{full}\", \"short_name\": \"{short}\", \"personal_phone\": \
             \"{mobile}\", \"follow_me_number\": \"300\", \"follow_me_enabled\": false}}"
        );
        self.http(at, uid, ("GET", &url), 200, b"{}", &answer);
    }

    /// Asks for all that the CRM knows: an answer that is always cut.
    pub fn ask_profile(&mut self, at: i64, uid: &str, client: &Client) {
        let number = &self.e.number;
        let url = format!(
            "http://localhost:8020/customer-profile/{number}/{}",
            client.digits
        );
        let name = client.name.unwrap_or("Неизвестный").replace('"', "\\\"");
        let mut answer = format!("{{\"full_name\": \"{name}\", \"orders\": [");
        for nth in 0..8 {
            let order = 10_000 + self.e.rng.below(90_000);
            let comma = if nth == 0 { "" } else { ", " };
            answer.push_str(&format!(
                "{comma}{{\"id\": {order}, \"status\": \"Выполнен\", \"url\": \
                 \"https://crm.example.org/orders/{order}\"}}"
            ));
        }
        answer.push_str("]}");
        self.http(at, uid, ("GET", &url), 200, b"{}", &answer);
    }

    /// Passes the event that was written last on to the integrations, body and all.
    pub fn dispatch(&mut self, at: i64, uid: &str, event_type: &str) {
        let mut request = Vec::with_capacity(512);
        put(
            &mut request,
            format_args!(
                "{{\"token\": \"{TOKEN}\", \"uniqueId\": \"{uid}\", \"event_type\": \
                 \"{event_type}\", \"raw\": "
            ),
        );
        request.extend_from_slice(&self.e.body.json);
        request.push(b'}');
        let url = "http://localhost:8020/dispatch/call-event";
        let (status, answer) = match self.e.rng.one_in(50) {
            true => (500, "{\"detail\": \"timeout | retailcrm\"}"),
            false => (200, "{\"status\": \"ok\", \"delivered\": [\"retailcrm\"]}"),
        };
        self.http(at, uid, ("POST", url), status, &request, answer);
    }

    fn http(
        &mut self,
        at: i64,
        uid: &str,
        (method, url): (&str, &str),
        status: u16,
        request: &[u8],
        answer: &str,
    ) {
        let due = std::mem::take(&mut self.e.carriage_return_due);
        let odd = due || (self.e.mess && self.e.rng.one_in(2_000));
        let tail = if odd { "\r?retry=1" } else { "" };
        let cut = answer
            .char_indices()
            .nth(ANSWER_CHARS)
            .map(|(at, _)| &answer[..at]);
        self.wrote(uid);
        self.e.book.line(at, self.number, |out| {
            put(
                out,
                format_args!("HTTP|{uid}|{method}|{url}{tail}|{status}|"),
            );
            out.extend_from_slice(request);
            out.push(b'|');
            match cut {
                Some(cut) => put(out, format_args!("{cut}...")),
                None => out.extend_from_slice(answer.as_bytes()),
            }
            None
        });
    }

    /// A query about the call; `table` and JSON of parameters and result.
    pub fn sql(&mut self, at: i64, uid: &str, direction: Direction) {
        let kind = direction as u32;
        let number = &self.e.number;
        let chat = self.e.chats[0];
        let (query, table, params, result) = match self.e.rng.one_in(2) {
            true => (
                "SELECT",
                "telegram_users",
                format!("{{\"enterprise_number\": \"{number}\"}}"),
                format!("{{\"rows\": [{{\"tg_id\": {chat}, \"verified\": true}}]}}"),
            ),
            false => (
                "INSERT",
                "calls",
                format!("{{\"unique_id\": \"{uid}\", \"call_type\": \"{kind}\"}}"),
                "{\"id\": 1, \"note\": \"new | live\"}".to_owned(),
            ),
        };
        self.wrote(uid);
        self.e.book.line(at, self.number, |out| {
            put(
                out,
                format_args!("SQL|{uid}|{query}|{table}|{params}|{result}"),
            );
            None
        });
    }
}
