//! The exact formats of the services: whole, interleaved, torn and hostile.

use std::fs;
use std::io::Write as _;

use calltrace_model::record::{LogZone, Zone};
use calltrace_model::sighting::Delivery;

use super::*;

const UTC: LogZone = LogZone(Zone::UTC);

fn read_text(text: impl AsRef<[u8]>) -> LogContents {
    let dir = tempfile::tempdir().expect("a folder of its own");
    let path = dir.path().join("a.log");
    fs::write(&path, text).expect("its own file");
    read_path(&path)
}

fn read_path(path: &std::path::Path) -> LogContents {
    let log = ServiceLog {
        path,
        zone: UTC,
        since_millis: None,
    };
    read(&log).expect("it can be read")
}

/// One record per second, each with the logger.
fn log(records: &[&str]) -> String {
    let one = |(second, text): (usize, &&str)| {
        let level = if text.starts_with('❌') {
            "ERROR"
        } else {
            "INFO"
        };
        format!("2025-12-02 09:15:{second:02},000 [{level}] call_tester: {text}\n")
    };
    records.iter().enumerate().map(one).collect()
}

fn outcomes(sightings: &[Sighting]) -> Vec<(String, String, Delivery, u64)> {
    let one = |seen: &Sighting| {
        let id = seen.body.id();
        (
            seen.event.to_string(),
            id,
            seen.delivery,
            seen.seen_at.number,
        )
    };
    sightings.iter().map(one).collect()
}

fn named(reading: &LogContents) -> Vec<&str> {
    let named = reading.unread.named.iter();
    named.map(|(_, what)| what.as_str()).collect()
}

const DIAL: &str =
    "{\n  \"UniqueId\": \"1.1\",\n  \"Phone\": \"152\",\n  \"Extensions\": [\n    \"150\"\n  ]\n}";
const START: &str = "{\n  \"UniqueId\": \"1.1\",\n  \"Phone\": \"152\",\n  \"CallType\": 0\n}";

#[test]
fn events_that_a_page_sent_are_paired_with_their_answers() {
    let dial = format!("📊 Event Data: {DIAL}");
    let start = format!("📊 Event Data: {START}");
    let reading = read_text(log(&[
        "🚀 EMULATION REQUEST to https://example.org/dial",
        "🚀 EMULATION REQUEST to https://example.org/start",
        "📤 Event Type: dial",
        "HTTP Request: POST https://example.org/dial \"HTTP/1.1 200 OK\"",
        "📤 Event Type: start",
        &start,
        &dial,
        "📥 EMULATION RESPONSE for start",
        "📊 Response Status: 502",
        "📊 Response Data: {}",
        "📥 EMULATION RESPONSE for dial",
        "📊 Response Status: 200",
        "📊 Response Data: {\n  \"status\": \"ok\",\n  \"message\": \"Event queued for processing\"\n}",
    ]));
    assert_eq!(
        outcomes(&reading.sent),
        [
            ("start".into(), "1.1".into(), Delivery::Refused(502), 1),
            ("dial".into(), "1.1".into(), Delivery::Accepted, 2),
        ]
    );
    assert_eq!(reading.sent[0].waited_millis, 7_000);
    assert_eq!(reading.unread, Unread::default());
    assert_eq!(reading.form(), Some(LogSide::Sent));
}

#[test]
fn errors_and_silence_of_a_page() {
    let data = |id: &str| format!("📊 Event Data: {}", DIAL.replace("1.1", id));
    let reading = read_text(log(&[
        "🚀 EMULATION REQUEST to https://example.org/dial",
        "📤 Event Type: dial",
        &data("1.1"),
        "❌ EMULATION ERROR for dial",
        "❌ Error: The operation was aborted (timeout)",
        "🚀 EMULATION REQUEST to https://example.org/dial",
        "📤 Event Type: dial",
        &data("2.2"),
        "❌ EMULATION ERROR for dial",
        "❌ Error: NetworkError when attempting to fetch resource.",
        "🚀 EMULATION REQUEST to https://example.org/dial",
        "📤 Event Type: dial",
        &data("3.3"),
    ]));
    let deliveries: Vec<_> = reading.sent.iter().map(|sent| sent.delivery).collect();
    let expected = [Delivery::TimedOut, Delivery::Unreachable, Delivery::Unknown];
    assert_eq!(deliveries, expected);
    assert_eq!(reading.unread.count, 0);
}

#[test]
fn answers_that_name_an_event_go_to_it_and_late_ones_to_none() {
    let data = |id: &str| format!("📊 Event Data: {}", DIAL.replace("1.1", id));
    let head = [
        "🚀 EMULATION REQUEST to https://example.org/dial",
        "📤 Event Type: dial",
    ];
    let (one, two) = (data("1.1"), data("2.2"));
    let mut records = [head.as_slice(), &[&one], &head, &[&two]].concat();
    records.extend([
        "📥 EMULATION RESPONSE for dial",
        "📊 Response Status: 404",
        "📊 Response Data: {\"UniqueId\": \"2.2\"}",
    ]);
    let reading = read_text(log(&records));
    let deliveries: Vec<_> = reading.sent.iter().map(|sent| sent.delivery).collect();
    assert_eq!(deliveries, [Delivery::Unknown, Delivery::Refused(404)]);
    // The answer of another event comes an hour later.
    let late = log(&records).replace("09:15:06,000 [INFO]", "10:15:06,000 [INFO]");
    let reading = read_text(late);
    assert_eq!(reading.sent.len(), 2);
    assert_eq!(
        named(&reading),
        ["an answer to a dial event without its request"]
    );
}

fn proxied(event: &str, body: &str, status: Option<u16>) -> Vec<String> {
    let mut all = vec![
        "=".repeat(80),
        format!("🚀 ЭМУЛИРОВАННОЕ СОБЫТИЕ: {event}"),
        "📡 URL назначения: https://example.org/x".into(),
        "📋 Полные данные события:".into(),
        body.into(),
        "📋 Заголовки запроса:".into(),
        "{\n  \"host\": \"example.org\",\n  \"Token\": \"375290000000\"\n}".into(),
        "=".repeat(80),
    ];
    if let Some(status) = status {
        all.extend([
            "-".repeat(80),
            format!("✅ ОТВЕТ ОТ СЕРВЕРА: {event}"),
            format!("📡 HTTP статус: {status}"),
            "📋 Полное тело ответа:".into(),
            "{\n  \"status\": \"ok\"\n}".into(),
            "📋 Заголовки ответа:".into(),
            "{'content-type': 'application/json', 'server': 'uvicorn'}".into(),
            "-".repeat(80),
        ]);
    }
    all
}

fn log_of(records: &[String]) -> String {
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    log(&records)
}

#[test]
fn events_that_pass_through_the_proxy_are_refused_with_any_mark() {
    let mut records = proxied("DIAL", DIAL, Some(500));
    records.extend(proxied("START", START, None));
    records.push("❌ Ошибка прокси webhook: ReadTimeout: timed out".into());
    let reading = read_text(log_of(&records));
    assert_eq!(
        outcomes(&reading.sent),
        [
            ("dial".into(), "1.1".into(), Delivery::Refused(500), 2),
            ("start".into(), "1.1".into(), Delivery::TimedOut, 29),
        ]
    );
    assert_eq!(reading.unread.count, 0, "{:?}", reading.unread);
}

#[test]
fn requests_through_the_proxy_that_stand_between_each_other() {
    let (dial, start) = (
        proxied("DIAL", DIAL, Some(200)),
        proxied("START", START, Some(400)),
    );
    let both = dial.into_iter().zip(start).flat_map(|(a, b)| [b, a]);
    let reading = read_text(log_of(&both.collect::<Vec<_>>()));
    let deliveries: Vec<_> = outcomes(&reading.sent)
        .into_iter()
        .map(|(event, _, delivery, _)| (event, delivery))
        .collect();
    let expected = [
        ("start".to_owned(), Delivery::Refused(400)),
        ("dial".to_owned(), Delivery::Accepted),
    ];
    assert_eq!(deliveries, expected);
}

#[test]
fn an_event_that_a_page_sends_through_the_proxy_is_one_event() {
    let page = [
        "🚀 EMULATION REQUEST to /api/proxy-webhook/dial".to_owned(),
        "📤 Event Type: dial".to_owned(),
        format!("📊 Event Data: {DIAL}"),
    ];
    let mut records = page.to_vec();
    records.extend(proxied("DIAL", DIAL, Some(200)));
    assert_eq!(read_text(log_of(&records)).sent.len(), 1);
    // An event that was sent directly and through the proxy counts twice.
    records[0] = "🚀 EMULATION REQUEST to https://example.org/dial".into();
    assert_eq!(read_text(log_of(&records)).sent.len(), 2);
}

#[test]
fn calls_that_the_service_makes_have_no_bodies() {
    let reading = read_text(log(&[
        "✅ Event start sent successfully",
        "❌ Event dial failed: HTTP 422",
        "❌ Error sending hangup: timed out",
        "Unknown event type: bridge_create",
        "❌ Call simulation failed: no line",
    ]));
    let events: Vec<_> = (outcomes(&reading.sent).into_iter())
        .map(|(event, _, delivery, _)| (event, delivery))
        .collect();
    let expected = [
        ("start", Delivery::Accepted),
        ("dial", Delivery::Refused(422)),
        ("hangup", Delivery::TimedOut),
        ("bridge_create", Delivery::NotTried),
    ];
    assert_eq!(
        events,
        expected.map(|(event, delivery)| (event.to_owned(), delivery))
    );
    assert!(reading.sent.iter().all(|sent| sent.body.is_unknown()));
    assert_eq!(reading.complaints.len(), 1);
}

/// The format of the guide, without the logger's name.
const ARRIVED: &str = "\
2025-10-01 14:23:45,123 [INFO] 🧪 TEST EVENT: hangup
2025-10-01 14:23:45,124 [INFO] 📋 Token: 375290000000, UniqueId: 1759230684.16
2025-10-01 14:23:45,125 [INFO] 📦 Full Body: {
  \"Token\": \"375290000000\",
  \"CallStatus\": \"2\",
  \"Extensions\": [\"150\"],
  \"UniqueId\": \"1759230684.16\",
  \"StartTime\": \"\",
  \"CallType\": 0
}
";

#[test]
fn the_log_of_one_enterprise_is_read_as_the_guide_shows_it() {
    for text in [ARRIVED.to_owned(), ARRIVED.replace('\n', "\r\n")] {
        let reading = read_text(&text);
        let expected = [(
            "hangup".into(),
            "1759230684.16".into(),
            Delivery::Accepted,
            1,
        )];
        assert_eq!(outcomes(&reading.received), expected);
        assert_eq!(reading.received[0].at_millis, 1_759_328_625_125);
        assert_eq!(reading.unread.count, 0);
        assert_eq!(reading.form(), Some(LogSide::Received));
    }
}

#[test]
fn records_of_two_workers_are_distinguished_by_their_ids() {
    let of = |text: &str| format!("2025-10-01 14:23:45,125 [INFO] {text}\n");
    let text = [
        of("🧪 TEST EVENT: dial"),
        of("🧪 TEST EVENT: bridge_create"),
        of("📋 Token: 1, UniqueId: "),
        of("📋 Token: 1, UniqueId: 1.1"),
        of("📦 Full Body: {\n  \"UniqueId\": \"\",\n  \"BridgeUniqueid\": \"b-1\"\n}"),
        of(&format!("📦 Full Body: {DIAL}")),
        of("🧪 TEST EVENT: start"),
    ];
    let reading = read_text(text.concat());
    let events: Vec<_> = (outcomes(&reading.received).into_iter())
        .map(|(event, id, ..)| (event, id))
        .collect();
    let expected = [("bridge_create", "b-1"), ("dial", "1.1")];
    assert_eq!(
        events,
        expected.map(|(event, id)| (event.to_owned(), id.to_owned()))
    );
    assert_eq!(named(&reading), ["a start event without its body"]);
}

#[test]
fn a_log_goes_on_in_its_rotated_files() {
    let dir = tempfile::tempdir().expect("a folder of its own");
    let path = dir.path().join("0367.log");
    let (begin, end) = ARRIVED.split_at(ARRIVED.find("2025-10-01 14:23:45,125").expect("it is"));
    fs::write(dir.path().join("0367.log.2"), ARRIVED).expect("its own file");
    fs::write(dir.path().join("0367.log.1"), begin).expect("its own file");
    fs::write(&path, end.replace(".16", ".17")).expect("its own file");
    let reading = read_path(&path);
    let places: Vec<_> = (reading.received.iter())
        .map(|seen| (seen.seen_at.source.rsplit('/').next(), seen.seen_at.number))
        .collect();
    assert_eq!(places, [(Some("0367.log.2"), 1), (Some("0367.log.1"), 1)]);
    assert_eq!(reading.unread.count, 0);
    // A file under two names counts once.
    fs::hard_link(dir.path().join("0367.log.2"), dir.path().join("0367.log.3")).expect("a link");
    assert_eq!(read_path(&path).received.len(), 2);
}

#[test]
fn packed_logs_are_read_as_they_are() {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(ARRIVED.as_bytes()).expect("memory");
    let packed = packer.finish().expect("memory");
    assert_eq!(read_text(&packed).received.len(), 1);
    let torn = read_text(&packed[..packed.len() - 12]);
    assert!(
        named(&torn)
            .iter()
            .any(|what| what.starts_with("can't be read to its end"))
    );
}

#[test]
fn every_event_of_all_enterprises_is_read_with_its_error() {
    let of = |level: &str, text: &str| format!("2025-12-02 09:15:00,000 [{level}] main: {text}\n");
    let text = [
        of(
            "INFO",
            r#"BRIDGE_CREATE REQUEST from 192.0.2.7: {"UniqueId": "", "BridgeUniqueid": "b-1"}"#,
        ),
        of(
            "DEBUG",
            "Detected event_type: dial from handler: process_dial",
        ),
        of(
            "INFO",
            r#"DIAL REQUEST from ::1: {"UniqueId": "1.1", "Name": "REQUEST from x: {"}"#,
        ),
        of(
            "INFO",
            "_dispatch_to_all: Token='375290000000', UniqueId='1.1', body keys: ['Token']",
        ),
        of(
            "ERROR",
            "Asterisk dispatch to 100000001 failed: Bad Gateway",
        ),
        of(
            "INFO",
            "[_dispatch_to_all] Skipping bridge b-1 - already sent 1.2s ago (duplicate)",
        ),
        "2025-12-02 09:15:00,000 [WARNING] call_tracer: Failed to log asterisk event: disk full\n"
            .into(),
        of(
            "ERROR",
            "Call tracer logging failed for token 375290000000: x",
        ),
        of("INFO", "Found bot_token: 123:ABC"),
        of(
            "INFO",
            r#"HANGUP REQUEST from 192.0.2.7: {"UniqueId": "1.1", "Phone": "37"#,
        ),
    ];
    let reading = read_text(text.concat());
    let events: Vec<_> = (outcomes(&reading.received).into_iter())
        .map(|(event, id, ..)| (event, id))
        .collect();
    let expected = [("bridge_create", "b-1"), ("dial", "1.1"), ("hangup", "1.1")];
    assert_eq!(
        events,
        expected.map(|(event, id)| (event.to_owned(), id.to_owned()))
    );
    assert_eq!(named(&reading), ["the event's body is cut off"]);
    let complaints: Vec<_> = (reading.complaints.iter())
        .map(|complaint| (complaint.seen_at.number, complaint.id.as_deref()))
        .collect();
    let about = |line, id| (line, Some(id));
    let expected = [
        about(5, "1.1"),
        about(6, "b-1"),
        about(7, "1.1"),
        about(8, "1.1"),
    ];
    assert_eq!(complaints, expected);
}

#[test]
fn a_body_of_ten_megabytes_is_one_event() {
    let body = format!(
        "{{\"UniqueId\": \"1.1\", \"Phone\": \"{}\u{2028}\", \"Extensions\": []}}",
        "7".repeat(10 << 20)
    );
    let text = format!("2025-12-02 09:15:00,000 [INFO] main: DIAL REQUEST from x: {body}");
    let reading = read_text(text);
    assert_eq!((reading.received.len(), reading.unread.count), (1, 0));
}

#[test]
fn a_path_that_is_not_a_file_is_an_error_in_one_sentence() {
    let dir = tempfile::tempdir().expect("a folder of its own");
    for path in [dir.path().to_owned(), dir.path().join("nowhere")] {
        let log = ServiceLog {
            path: &path,
            zone: UTC,
            since_millis: None,
        };
        let error = read(&log).expect_err("it is none").to_string();
        assert!(error.contains("can't be read: "), "{error}");
    }
}

#[test]
fn appended_lines_come_once_and_a_new_file_from_its_beginning() {
    let dir = tempfile::tempdir().expect("a folder of its own");
    let path = dir.path().join("0367.log");
    fs::write(&path, ARRIVED).expect("its own file");
    let mut growing = GrowingLog::begin(&path, UTC).expect("it can be read");
    assert_eq!(growing.look().received.len(), 0);
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .expect("there");
    let (begin, end) = ARRIVED.split_at(150);
    file.write_all(begin.as_bytes()).expect("its own file");
    assert_eq!(growing.look().received.len(), 0);
    file.write_all(end.as_bytes()).expect("its own file");
    let looks: Vec<_> = (0..3)
        .flat_map(|_| outcomes(&growing.look().received))
        .collect();
    assert_eq!(looks.len(), 1);
    assert_eq!(looks[0].3, 11);
    fs::rename(&path, dir.path().join("0367.log.1")).expect("its own file");
    fs::write(&path, ARRIVED.repeat(2)).expect("its own file");
    let came: usize = (0..3).map(|_| growing.look().received.len()).sum();
    assert_eq!(came, 2);
    fs::write(&path, "").expect("its own file");
    growing.look();
    fs::write(&path, ARRIVED).expect("its own file");
    let came: usize = (0..3).map(|_| growing.look().received.len()).sum();
    assert_eq!(came, 1);
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_panic(
            text in prop::collection::vec(prop_oneof![
                Just(&b"2025-12-02 09:15:00,000 [INFO] "[..]),
                Just("🚀 EMULATION REQUEST to ".as_bytes()),
                Just("📤 Event Type: dial".as_bytes()),
                Just("📊 Event Data: {".as_bytes()),
                Just("📥 EMULATION RESPONSE for dial".as_bytes()),
                Just("📊 Response Status: 9999999".as_bytes()),
                Just("📊 Response Data: ".as_bytes()),
                Just("🚀 ЭМУЛИРОВАННОЕ СОБЫТИЕ: \n".as_bytes()),
                Just("📋 Полные данные события:".as_bytes()),
                Just("🧪 TEST EVENT: ".as_bytes()),
                Just("📋 Token: ".as_bytes()),
                Just("📦 Full Body: {".as_bytes()),
                Just("DIAL REQUEST from x: {".as_bytes()),
                Just(&b"\n"[..]), Just(&b"\r\n"[..]), Just(&b"\xff\xfe\0"[..]), Just(&b"{\"a\":"[..]),
            ], 0..60)
        ) {
            read_text(text.concat());
        }
    }
}
