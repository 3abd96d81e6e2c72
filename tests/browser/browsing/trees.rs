//! Trees to serve: the sample tree, a hostile one, a call in progress, a call too long for one page.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;
use testing::sample;

/// A row of `calls.tsv`, which holds the truth about the sample tree.
pub(crate) struct SampleCall {
    pub(crate) enterprise: String,
    /// The kind of call; the pages of each kind have their own form.
    pub(crate) pattern: String,
    pub(crate) id: String,
    pub(crate) direction: String,
    pub(crate) client: String,
    pub(crate) result: String,
}

/// Returns all sample calls.
pub(crate) fn sample_calls() -> Vec<SampleCall> {
    let path = sample().with_file_name("calls.tsv");
    let table = fs::read_to_string(path).expect("the truth is there");
    let rows = table.lines().skip(1).map(|row| {
        let cells: Vec<String> = row.split('\t').map(str::to_owned).collect();
        SampleCall {
            enterprise: cells[0].clone(),
            pattern: cells[1].clone(),
            id: cells[2].clone(),
            direction: cells[5].clone(),
            client: cells[6].clone(),
            result: cells[7].clone(),
        }
    });
    rows.collect()
}

/// Returns the first call of each pattern.
pub(crate) fn sample_patterns() -> Vec<SampleCall> {
    let mut seen = BTreeSet::new();
    let calls = sample_calls().into_iter();
    calls
        .filter(|call| seen.insert(call.pattern.clone()))
        .collect()
}

/// A temporary root with enterprises in it.
pub(crate) struct Written {
    folder: TempDir,
}

impl Written {
    fn new() -> Written {
        Written {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("call_tracer")
    }

    /// Writes a file next to the enterprises.
    pub(crate) fn write_file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("written");
        path
    }

    fn write(&self, enterprise: &str, file: &str, bytes: &[u8]) {
        let folder = self.root().join(enterprise);
        fs::create_dir_all(&folder).expect("made");
        let open = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(file));
        open.expect("open").write_all(bytes).expect("written");
    }
}

/// Texts that an attacker who can choose his name, or write to a bot, might try.
pub(crate) const PAYLOADS: [&str; 20] = [
    "<script>window.__hit=1;alert(1)</script>",
    "<img src=x onerror=\"window.__hit=1;alert(1)\">",
    "\"onmouseover=\"window.__hit=1\" x=\"",
    "' onfocus='window.__hit=1' autofocus='",
    "<a href=\"javascript:window.__hit=1;alert(1)\">press me</a>",
    "javascript:window.__hit=1;alert(1)",
    "</style><script>window.__hit=1</script>",
    "</title></head><body onload=\"window.__hit=1\">",
    "--></summary></details></main><svg/onload=window.__hit=1>",
    "]]><![CDATA[<script>window.__hit=1</script>",
    "<meta http-equiv=refresh content=\"0;url=http://192.0.2.1/\">",
    "<base href=\"http://192.0.2.1/\"><form action=\"http://192.0.2.1/\"><input autofocus>",
    "<link rel=stylesheet href=\"http://192.0.2.1/x.css\"><style>*{display:none}</style>",
    "<iframe src=\"http://192.0.2.1/\"></iframe><object data=\"http://192.0.2.1/\"></object>",
    "{{7*7}} ${7*7} <%= 7*7 %>",
    "&lt;script&gt; &#x202e; &amp;nbsp;",
    "invoice\u{202e}gnp.exe \u{2066}turned\u{2069} \u{200f}back",
    "\u{1b}[2J\u{1b}]0;owned\u{7} \u{9b}31m",
    "one\u{2028}two\u{2029}three\u{85}four\u{0}five",
    "👨\u{200d}👩\u{200d}👧 👍🏽 ☎\u{fe0f} Доб.151",
];

/// The enterprise of the hostile tree, and its call.
pub(crate) const HOSTILE: (&str, &str) = ("0666", "1764500000.666");

/// The size of the long bodies (bytes).
const LONG: usize = 1 << 20;

/// A tree with one call in which every field that others can choose is hostile.
pub(crate) fn hostile() -> Written {
    let tree = Written::new();
    let mut log = Log::beginning_at(DateTime::from_timestamp(1_764_500_000, 0).expect("a time"));
    hostile_events(&mut log);
    for (at, payload) in PAYLOADS.iter().enumerate() {
        hostile_lines(&mut log, at, payload);
    }
    let word = "Ы".repeat(400);
    log.line(&format!(
        "TG|send|100000001|bridge|9001|{}|{word} {}",
        HOSTILE.1,
        "x".repeat(900)
    ));
    for what in ["a", "<b>"] {
        let body = json!({ "text": what.repeat(LONG / what.len()) });
        log.line(&format!(
            "HTTP|{}|POST|http://localhost:8020/{word}|500|{body}|{body}",
            HOSTILE.1
        ));
    }
    log.line(&format!(
        "HTTP|{}|POST|http://localhost:8020/list|200|{{}}|{}",
        HOSTILE.1,
        "[[".repeat(LONG / 2)
    ));
    log.ast(
        "hangup",
        HOSTILE.1,
        json!({"Phone": "375290001234", "Extensions": ["151"], "CallType": 0, "CallStatus": "2",
        "Trunk": PAYLOADS[1]}),
    );
    tree.write(HOSTILE.0, "events_2025-11-30.log", &log.bytes);
    // The file is cut short: the page names what could not be read.
    tree.write(
        HOSTILE.0,
        "events.log.2025-11-29.gz",
        &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3],
    );
    tree
}

fn hostile_events(log: &mut Log) {
    let id = HOSTILE.1;
    log.ast(
        "start",
        id,
        json!({"Phone": "375290001234", "CallType": 0, "Trunk": PAYLOADS[1]}),
    );
    log.ast(
        "dial",
        id,
        json!({"Phone": "375290001234", "Extensions": ["151", PAYLOADS[0], PAYLOADS[2], PAYLOADS[16], "W".repeat(300)],
            "CallType": 0, "Trunk": PAYLOADS[1], "ExtTrunk": PAYLOADS[3], "ExtPhone": PAYLOADS[4]}),
    );
    for (at, payload) in PAYLOADS.iter().enumerate() {
        let body = json!({"Channel": format!("SIP/{payload}-0000{at:04}"), "CallerIDNum": payload, "CallerIDName": payload,
            "ConnectedLineNum": payload, "ConnectedLineName": payload, "Context": payload, "Exten": payload});
        log.ast("new_callerid", id, body);
    }
    let bridge = format!("{}-{}", PAYLOADS[0], PAYLOADS[16]);
    for (uid, name) in [("1764500001.667", PAYLOADS[7]), (id, PAYLOADS[17])] {
        log.ast("bridge", uid, json!({"BridgeUniqueid": bridge, "Channel": format!("SIP/{}-1", PAYLOADS[8]),
            "CallerIDNum": "151", "CallerIDName": name, "ConnectedLineNum": PAYLOADS[4], "ConnectedLineName": name, "Exten": name}));
    }
    log.ast(PAYLOADS[0], id, json!({"Phone": PAYLOADS[0]}));
}

/// Writes a payload into each field of each other kind of line.
fn hostile_lines(log: &mut Log, at: usize, payload: &str) {
    let id = HOSTILE.1;
    let word = payload.replace('|', "");
    log.line(&format!("TG|send|10000000{at}|dial|{at}|{id}|{payload}"));
    log.line(&format!("TG|send|{word}|{word}|{word}|{id}|{payload}"));
    log.line(&format!("TG|{word}|100000001|dial|{at}|{id}|{payload}"));
    let body = json!({payload: payload, "token": payload});
    log.line(&format!(
        "HTTP|{id}|GET|http://localhost:8020/{word}?q={word}|{word}|{body}|{body}"
    ));
    log.line(&format!("HTTP|{id}|{word}|{word}|404|{payload}|{payload}"));
    log.line(&format!("SQL|{id}|{word}|{word}|{body}|[{body}]"));
    log.line(&format!("XX|{id}|{payload}"));
}

/// The enterprise and the call of [`long`].
pub(crate) const LONG_CALL: (&str, &str) = ("0777", "1764500000.777");

/// A tree with one call that has more records than one page shows, and bodies of several megabytes.
pub(crate) fn long() -> Written {
    let tree = Written::new();
    let (enterprise, id) = LONG_CALL;
    let mut log = Log::beginning_at(DateTime::from_timestamp(1_764_500_000, 0).expect("a time"));
    log.ast(
        "start",
        id,
        json!({"Phone": "375290001234", "CallType": 0, "Trunk": "0001363"}),
    );
    let extensions: Vec<String> = (100..160).map(|extension| extension.to_string()).collect();
    log.ast("dial", id, json!({"Phone": "375290001234", "Extensions": extensions, "CallType": 0, "Trunk": "0001363"}));
    let rows: Vec<Value> = (0..200)
        .map(|at| json!({"row": at, "text": "Тестовый покупатель"}))
        .collect();
    let body = json!({ "rows": rows });
    for at in 0..700 {
        log.line(&format!(
            "HTTP|{id}|POST|http://localhost:8020/rows/{at}|200|{body}|{{}}"
        ));
    }
    log.ast(
        "hangup",
        id,
        json!({"Phone": "375290001234", "Extensions": [""], "CallType": 0, "CallStatus": "0"}),
    );
    tree.write(enterprise, "events_2025-11-30.log", &log.bytes);
    tree
}

/// The enterprise of [`busy`].
pub(crate) const BUSY: &str = "0888";

/// Calls around the clock for two weeks, of more persons, lines and unreturned calls than a page has room
/// for, and a file that is cut short.
pub(crate) fn busy() -> Written {
    let tree = Written::new();
    let now = testing::now();
    let mut log = Log::beginning_at(now);
    for n in (0..14 * 24 * 3).rev() {
        log.next = now - TimeDelta::minutes(20 * n);
        let id = format!("{}.{n}", log.next.timestamp());
        let (extension, line) = (150 + n % 30, 1_360 + n % 12);
        let client = format!("37529{:07}", 1_000 + n);
        let is_missed = n % 3 == 0;
        let (extension, status) = match is_missed {
            true => (String::new(), "0"),
            false => (extension.to_string(), "2"),
        };
        log.ast(
            "hangup",
            &id,
            json!({"Phone": client, "Extensions": [extension], "CallType": 0, "CallStatus": status,
                "Trunk": format!("{line:07}")}),
        );
    }
    tree.write(BUSY, "events.log", &log.bytes);
    tree.write(
        BUSY,
        "events.log.2025-11-29.gz",
        &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3],
    );
    tree
}

/// A call that has just begun.
pub(crate) struct LiveCall {
    pub(crate) tree: Written,
    pub(crate) enterprise: &'static str,
    pub(crate) id: String,
    leg: String,
}

impl LiveCall {
    /// Starts ringing.
    pub(crate) fn begin() -> LiveCall {
        let now = testing::now();
        let live = LiveCall {
            tree: Written::new(),
            enterprise: "0555",
            id: format!("{}.1", now.timestamp() - 1),
            leg: format!("{}.2", now.timestamp()),
        };
        let mut log = Log::beginning_at(now - TimeDelta::milliseconds(900));
        log.ast(
            "start",
            &live.id,
            json!({"Phone": "375290001234", "CallType": 0, "Trunk": "0001363"}),
        );
        log.ast("dial", &live.id, json!({"Phone": "375290001234", "Extensions": ["150", "151"], "CallType": 0, "Trunk": "0001363"}));
        live.append(&log);
        live
    }

    /// Extension 151 answers, they talk and hang up.
    pub(crate) fn end(&self) {
        let bridge = "2f1c7d1e-90ac-4c53-9a35-0c6d7e1f0a11";
        let mut log = Log::beginning_at(testing::now() + TimeDelta::seconds(1));
        for (uid, channel) in [
            (&self.leg, "SIP/151-00000002"),
            (&self.id, "SIP/0001363-00000001"),
        ] {
            log.ast(
                "bridge",
                uid,
                json!({"BridgeUniqueid": bridge, "Channel": channel, "CallerIDNum": "151"}),
            );
        }
        for (uid, channel) in [
            (&self.leg, "SIP/151-00000002"),
            (&self.id, "SIP/0001363-00000001"),
        ] {
            log.ast(
                "bridge_leave",
                uid,
                json!({"BridgeUniqueid": bridge, "Channel": channel, "CallerIDNum": "151"}),
            );
        }
        log.ast(
            "hangup",
            &self.id,
            json!({"Phone": "375290001234", "Extensions": ["151"], "CallType": 0, "CallStatus": "2",
            "Trunk": "0001363"}),
        );
        self.append(&log);
    }

    fn append(&self, log: &Log) {
        self.tree.write(self.enterprise, "events.log", &log.bytes);
    }
}

/// Lines of a log, 10 ms apart.
struct Log {
    bytes: Vec<u8>,
    next: DateTime<Utc>,
}

impl Log {
    fn beginning_at(first: DateTime<Utc>) -> Log {
        Log {
            bytes: Vec::new(),
            next: first,
        }
    }

    fn line(&mut self, text: &str) {
        let time = self.next.format("%Y-%m-%d %H:%M:%S,%3f");
        writeln!(self.bytes, "{time}|{text}").expect("a vector takes all");
        self.next += TimeDelta::milliseconds(10);
    }

    fn ast(&mut self, event: &str, uid: &str, mut body: Value) {
        body["Token"] = json!("375290000000");
        body["UniqueId"] = json!(uid);
        self.line(&format!("AST|{event}|{uid}|{body}"));
    }
}

/// Settings with names as hostile as the log, and the enterprise's secret.
pub(crate) fn hostile_settings(secret: &str) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let title = quoted(&format!("{} {}", PAYLOADS[6], PAYLOADS[2]));
    let (enterprise, _) = HOSTILE;
    format!(
        "[enterprises.{enterprise}]\nname = {title}\nsecret = \"{secret}\"\n\
         [enterprises.{enterprise}.extensions]\n151 = {}\n\
         [enterprises.{enterprise}.lines]\n{} = {}\n\
         [people]\n100000001 = {}\n",
        quoted(&format!("{} {}", PAYLOADS[0], "Щ".repeat(80))),
        quoted(PAYLOADS[1]),
        quoted(PAYLOADS[4]),
        quoted(PAYLOADS[8]),
    )
}
