//! A generated day of events: as a host and an emulator note them, and as they arrived, with the truth of what became
//! of each.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value, json};

pub(crate) const TOKEN: &str = "375290000000";

/// The fate of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrives,
    Dropped,
    Doubled,
    Altered,
    /// It is sent a second time on purpose, and arrives twice.
    SentTwice,
    /// The sender got no answer in time, and it arrived.
    LateAnswer,
    /// The sender believed that it was offline.
    NotTried,
    /// The answer was 502, and it arrived.
    Refused,
}

pub(crate) struct Sent {
    pub(crate) at: DateTime<Utc>,
    pub(crate) event: &'static str,
    pub(crate) id: String,
    pub(crate) body: Map<String, Value>,
    pub(crate) fate: Fate,
}

/// Time, type, id and body of an event that arrived.
type Arrived = (DateTime<Utc>, &'static str, String, Map<String, Value>);

pub(crate) struct Day {
    pub(crate) sent: Vec<Sent>,
    random: u64,
}

const EVENTS: [&str; 6] = [
    "start",
    "new_callerid",
    "dial",
    "bridge",
    "bridge_leave",
    "hangup",
];

impl Day {
    /// One in a hundred of the `count` events is dropped, one doubled, one altered, and one is of each kind of trap.
    pub(crate) fn generate(count: usize, seed: u64) -> Day {
        let mut day = Day {
            sent: Vec::new(),
            random: seed | 1,
        };
        let begin: DateTime<Utc> = "2025-12-02T06:00:00.250Z".parse().expect("a time");
        for number in 0..count {
            let at = begin + Duration::milliseconds(number as i64 * 600);
            let event = EVENTS[number % EVENTS.len()];
            let fate = match day.next(100) {
                0 => Fate::Dropped,
                1 => Fate::Doubled,
                2 => Fate::Altered,
                3 => Fate::SentTwice,
                4 => Fate::LateAnswer,
                5 => Fate::NotTried,
                6 => Fate::Refused,
                _ => Fate::Arrives,
            };
            let id = format!("{}.{number}", at.timestamp());
            let body = body(event, &id, day.next(1_000_000));
            day.sent.push(Sent {
                at,
                event,
                id,
                body,
                fate,
            });
        }
        day
    }

    fn next(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    /// The ids of events that came to this.
    pub(crate) fn ids(&self, fates: &[Fate]) -> Vec<String> {
        let of = self.sent.iter().filter(|sent| fates.contains(&sent.fate));
        let mut ids: Vec<String> = of.map(|sent| sent.id.clone()).collect();
        ids.sort();
        ids
    }

    /// Time, type and JSON of all that arrived; other white space and another order of keys than were sent.
    fn arrived(&self) -> Vec<Arrived> {
        let mut all = Vec::new();
        for (number, sent) in self.sent.iter().enumerate() {
            let lag = Duration::milliseconds(20 + number as i64 % 61);
            let mut body: Map<String, Value> = Map::new();
            for (key, value) in sent.body.iter().rev() {
                body.insert(key.clone(), value.clone());
            }
            let times = match sent.fate {
                Fate::Dropped | Fate::NotTried => 0,
                Fate::Doubled | Fate::SentTwice => 2,
                _ => 1,
            };
            if sent.fate == Fate::Altered {
                body.insert("CallerIDNum".into(), json!("999"));
            }
            let late = match sent.fate {
                Fate::LateAnswer => Duration::seconds(40),
                _ => Duration::zero(),
            };
            for time in 0..times {
                let at = sent.at + lag + late + Duration::milliseconds(time * 150);
                all.push((at, sent.event, sent.id.clone(), body.clone()));
            }
        }
        all.sort_by_key(|(at, ..)| *at);
        all
    }

    /// Writes `call_tracer/0367/events_2025-12-02.log`.
    pub(crate) fn write_tree(&self, root: &Path) {
        let folder = root.join("0367");
        fs::create_dir_all(&folder).expect("its own folder");
        let mut text = String::new();
        for (at, event, id, body) in self.arrived() {
            let json = spaced(&body);
            let at = at.format("%Y-%m-%d %H:%M:%S,%3f");
            let _ = writeln!(text, "{at}|AST|{event}|{id}|{json}");
        }
        fs::write(folder.join("events_2025-12-02.log"), text).expect("its own file");
    }

    /// Writes `0367.log`, the triples of two workers between each other.
    pub(crate) fn write_one_enterprise(&self, folder: &Path) -> PathBuf {
        let mut text = String::new();
        let arrived = self.arrived();
        for pair in arrived.chunks(2) {
            let of = |part: usize| {
                pair.iter().map(move |(at, event, id, body)| {
                    let at = at.format("%Y-%m-%d %H:%M:%S,%3f [INFO]");
                    match part {
                        0 => format!("{at} 🧪 TEST EVENT: {event}\n"),
                        1 => format!("{at} 📋 Token: {TOKEN}, UniqueId: {id}\n"),
                        _ => format!("{at} 📦 Full Body: {}\n", pretty(body)),
                    }
                })
            };
            text.extend(of(0).chain(of(1)));
            let bodies: Vec<String> = of(2).collect();
            text.extend(bodies.into_iter().rev());
        }
        let path = folder.join("0367.log");
        fs::write(&path, text).expect("its own file");
        path
    }

    /// Writes `app.log`.
    pub(crate) fn write_all_events(&self, folder: &Path) -> PathBuf {
        let mut text = String::new();
        for (at, event, _, body) in self.arrived() {
            let at = at.format("%Y-%m-%d %H:%M:%S,%3f [INFO] main:");
            let event = event.to_uppercase();
            let _ = writeln!(
                text,
                "{at} {event} REQUEST from 192.0.2.7: {}",
                spaced(&body)
            );
        }
        let path = folder.join("app.log");
        fs::write(&path, text).expect("its own file");
        path
    }

    /// Writes `call_tester_events.log`, with all events as the page reports them.
    pub(crate) fn write_tester(&self, folder: &Path) -> PathBuf {
        let mut text = String::new();
        for sent in &self.sent {
            let times = if sent.fate == Fate::SentTwice { 2 } else { 1 };
            for time in 0..times {
                let at = sent.at + Duration::milliseconds(time * 150);
                let line = |after: i64, level: &str, what: String| {
                    let at = (at + Duration::milliseconds(after)).format("%Y-%m-%d %H:%M:%S,%3f");
                    format!("{at} [{level}] call_tester: {what}\n")
                };
                let event = sent.event;
                text += &line(
                    0,
                    "INFO",
                    format!("🚀 EMULATION REQUEST to https://x/{event}"),
                );
                text += &line(0, "INFO", format!("📤 Event Type: {event}"));
                text += &line(1, "INFO", format!("📊 Event Data: {}", pretty(&sent.body)));
                let status = match sent.fate {
                    Fate::LateAnswer => {
                        text += &line(3, "ERROR", format!("❌ EMULATION ERROR for {event}"));
                        text += &line(3, "ERROR", "❌ Error: timeout of 3000ms exceeded".into());
                        continue;
                    }
                    Fate::NotTried => continue,
                    Fate::Refused => 502,
                    _ => 200,
                };
                text += &line(90, "INFO", format!("📥 EMULATION RESPONSE for {event}"));
                text += &line(90, "INFO", format!("📊 Response Status: {status}"));
                text += &line(
                    91,
                    "INFO",
                    "📊 Response Data: {\n  \"status\": \"ok\"\n}".into(),
                );
            }
        }
        let path = folder.join("call_tester_events.log");
        fs::write(&path, text).expect("its own file");
        path
    }

    /// Writes `Listen_AMI_2025-12-02.db`, in the host's own time (UTC+3).
    pub(crate) fn write_journal(&self, folder: &Path) -> PathBuf {
        let mut sql = String::from("PRAGMA synchronous=OFF; BEGIN;\n");
        for table in ["APIlogs", "AlternativeAPIlogs", "Alternative2APIlogs"] {
            let _ = writeln!(
                sql,
                "CREATE TABLE {table} (id INTEGER PRIMARY KEY, DateTime, event, Uniqueid, request, status, response, \
                 responseTime);"
            );
        }
        for sent in &self.sent {
            let times = if sent.fate == Fate::SentTwice { 2 } else { 1 };
            let (status, response, took) = match sent.fate {
                Fate::LateAnswer => ("Timeout", "", "0"),
                Fate::NotTried => ("<Response [404]>", "None connection (Not ping)", "0"),
                Fate::Refused => ("<Response [502]>", "", "0.09"),
                _ => ("<Response [200]>", "{\"status\":\"ok\"}", "0.09"),
            };
            let waited = if sent.fate == Fate::LateAnswer {
                3_000
            } else {
                90
            };
            let body = ascii(&Value::Object(sent.body.clone()).to_string()).replace('\'', "''");
            for time in 0..times {
                let at = sent.at + Duration::milliseconds(time * 150 + waited) + Duration::hours(3);
                let at = at.format("%Y-%m-%d %H:%M:%S");
                let (event, id) = (sent.event, &sent.id);
                let row = |status: &str, response: &str, took: &str| {
                    format!(
                        "INSERT INTO AlternativeAPIlogs (DateTime, event, Uniqueid, request, status, response, responseTime) \
                         VALUES ('{at}', '{event}', '{id}', '{body}', '{status}', '{response}', {took});\n"
                    )
                };
                sql += &row(status, response, took);
                if sent.fate == Fate::LateAnswer {
                    sql += &row("''''", "", "0");
                }
            }
        }
        sql += "COMMIT;\n";
        let path = folder.join("Listen_AMI_2025-12-02.db");
        let mut sqlite = Command::new("sqlite3")
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("apt-get install sqlite3");
        let mut input = sqlite.stdin.take().expect("it was piped");
        input.write_all(sql.as_bytes()).expect("it reads");
        drop(input);
        assert!(sqlite.wait().expect("it ends").success());
        path
    }

    /// `INSERT`s of what arrived, for the table `call_events`.
    pub(crate) fn rows(&self) -> String {
        let mut sql = String::new();
        for (at, event, id, body) in self.arrived() {
            let json = Value::Object(body).to_string().replace('\'', "''");
            let at = at.format("%Y-%m-%d %H:%M:%S%.3f");
            let _ = writeln!(
                sql,
                "INSERT INTO call_events (unique_id, event_type, event_timestamp, data_source, raw_data) \
                 VALUES ('{id}', '{event}', '{at}', 'live', '{json}');"
            );
        }
        sql
    }
}

fn body(event: &str, id: &str, random: u64) -> Map<String, Value> {
    let own = match event {
        "start" => json!({"Phone": format!("3752{random:08}"), "CallType": 0, "Trunk": "0001363"}),
        "dial" => {
            json!({"Phone": format!("3752{random:08}"), "Extensions": ["150", "151"], "CallType": 0})
        }
        "hangup" => json!({
            "Phone": format!("3752{random:08}"), "Extensions": [""], "CallStatus": "0", "StartTime": "", "CallType": 0,
        }),
        "new_callerid" => {
            json!({"Context": "from-out-office", "CallerIDName": "Анна | «1'»", "Exten": "3"})
        }
        "bridge" => {
            json!({"BridgeUniqueid": format!("b-{random}"), "Channel": "SIP/151-1", "Exten": ""})
        }
        _ => {
            json!({"BridgeUniqueid": format!("b-{random}"), "Channel": "SIP/151-1", "BridgeNumChannels": "1"})
        }
    };
    let mut body = Map::new();
    body.insert("Token".into(), json!(TOKEN));
    body.insert("UniqueId".into(), json!(id));
    body.extend(own.as_object().cloned().expect("an object"));
    body.insert("CallerIDNum".into(), json!("151"));
    body
}

/// With `", "` and `": "`, as Python writes it, in another order than it was sent.
fn spaced(body: &Map<String, Value>) -> String {
    let fields = body
        .iter()
        .map(|(key, value)| format!("\"{key}\": {value}"));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
}

fn pretty(body: &Map<String, Value>) -> String {
    serde_json::to_string_pretty(body).expect("a map of values")
}

/// With escapes instead of other letters than those of ASCII, as the host writes it.
fn ascii(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c.is_ascii() {
            true => escaped.push(c),
            false => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    escaped
}
