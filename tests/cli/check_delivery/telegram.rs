//! Telegram, played by the test: what is sent, its limits, and its refusals.

use std::thread;
use std::time::{Duration, Instant};

use calltrace_alerts::channels::{Channels, ChannelsConfig, DeliveryTimes};
use testing::peer::{Peer, Reply, Request};

use super::{
    TOKEN, deliver, deliver_within, missed, notice, one, refusal, telegram, times, waiting,
};

/// Answers as Telegram does: it checks path, chat and length.
fn bot_api(request: &Request, _: usize) -> Reply {
    let refuse = |status, description: &str| {
        let body =
            serde_json::json!({"ok": false, "error_code": status, "description": description});
        Reply::Http(status, body.to_string())
    };
    if request.path() != format!("/bot{TOKEN}/sendMessage") {
        return refuse(401, "Unauthorized");
    }
    let message = request.json();
    let text = message["text"].as_str().unwrap_or_default();
    match (message["chat_id"].as_str(), text.encode_utf16().count()) {
        (_, 0) => refuse(400, "Bad Request: message text is empty"),
        (_, 4097..) => refuse(400, "Bad Request: message is too long"),
        (Some("100000001" | "-1001234567890"), _) => sent(),
        (Some("100000002"), _) => refuse(403, "Forbidden: bot was blocked by the user"),
        _ => refuse(400, "Bad Request: chat not found"),
    }
}

fn sent() -> Reply {
    Reply::Http(
        200,
        r#"{"ok": true, "result": {"message_id": 1}}"#.to_owned(),
    )
}

fn wait_for(seconds: u64) -> Reply {
    let body = serde_json::json!({
        "ok": false, "error_code": 429, "description": format!("Too Many Requests: retry after {seconds}"),
        "parameters": {"retry_after": seconds},
    });
    Reply::Http(429, body.to_string())
}

#[test]
fn each_chat_gets_the_message_once_whatever_the_others_say() {
    let server = Peer::start(bot_api);
    let chats = ["100000002", "100000001", "5", "-1001234567890", "5"];
    let results = deliver(&telegram(&server.url(), &chats), &one());
    let shown: Vec<String> = results
        .iter()
        .map(|(name, result)| match result {
            Ok(()) => format!("{name}: sent"),
            Err(error) => format!("{name} {}", error.text),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "telegram 100000002 answers with 403: Forbidden: bot was blocked by the user",
            "telegram 100000001: sent",
            "telegram 5 answers with 400: Bad Request: chat not found",
            "telegram -1001234567890: sent",
        ]
    );
    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    let message = requests[1].json();
    assert!(
        message["text"]
            .as_str()
            .is_some_and(|text| text.contains("0367")),
        "{message}"
    );
    assert_eq!(message["link_preview_options"]["is_disabled"], true);
    // Text from logs must not become markup.
    assert_eq!(message.get("parse_mode"), None);
}

#[test]
fn a_message_is_as_long_as_it_may_be_and_says_how_much_is_missing() {
    let server = Peer::start(bot_api);
    let config = telegram(&server.url(), &["100000001"]);
    let many: Vec<_> = (0..300).map(|n| missed(&format!("{n:04}"))).collect();
    let over: Vec<_> = (300..400).map(|n| missed(&format!("{n:04}"))).collect();
    let results = deliver(&config, &notice(testing::now(), many, over));
    assert!(results[0].1.is_ok(), "{results:?}");
    // One finding alone may be too long as well.
    let mut long = missed("0367");
    long.links = vec![format!("https://bot.example.org/{}", "🔔".repeat(3000))];
    let results = deliver(&config, &notice(testing::now(), vec![long], Vec::new()));
    assert!(results[0].1.is_ok(), "{results:?}");

    let texts: Vec<String> = server
        .requests()
        .iter()
        .map(|request| {
            request.json()["text"]
                .as_str()
                .expect("it has a text")
                .to_owned()
        })
        .collect();
    let word = |n: usize| regex::Regex::new(&format!(r"\b{n:04}\b")).expect("a pattern");
    let shown = (0..400).filter(|n| word(*n).is_match(&texts[0])).count();
    let units = texts[0].encode_utf16().count();
    assert!((3500..=4096).contains(&units), "{units}");
    assert!(shown > 5 && word(0).is_match(&texts[0]), "{shown}");
    let rest = format!("\n… and {} more: calltrace check", 400 - shown);
    assert!(texts[0].ends_with(&rest), "{}", texts[0]);
    assert!(texts[1].ends_with('…') && texts[1].encode_utf16().count() > 4000);
}

#[test]
fn a_short_wait_is_waited_and_a_long_one_is_left_to_the_next_run() {
    let server = Peer::start(|request, before| match before {
        0 => wait_for(1),
        _ => bot_api(request, before),
    });
    let begin = Instant::now();
    let results = deliver(&telegram(&server.url(), &["100000001"]), &one());
    assert!(results[0].1.is_ok(), "{results:?}");
    assert!(begin.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.requests().len(), 2);

    let server = Peer::start(|_, _| wait_for(900));
    let begin = Instant::now();
    let error = refusal(&telegram(&server.url(), &["100000001"]), &one());
    assert_eq!(error.text, "asks to wait for 900 s");
    assert_eq!(error.retry_after, Some(Duration::from_secs(900)));
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn waits_without_end_are_bounded() {
    thread::scope(|scope| {
        for seconds in [0, 1, u64::MAX] {
            scope.spawn(move || a_wait_without_end_is_bounded(seconds));
        }
    });
}

fn a_wait_without_end_is_bounded(seconds: u64) {
    let server = Peer::start(move |_, _| wait_for(seconds));
    let begin = Instant::now();
    let error = refusal(&telegram(&server.url(), &["100000001"]), &one());
    let took = begin.elapsed();
    assert!(took < times().total + Duration::from_secs(1), "{took:?}");
    assert!(
        error.text.starts_with("asks to wait for "),
        "{}",
        error.text
    );
    assert!(server.requests().len() <= 21, "{}", server.requests().len());
    assert!(error.retry_after <= Some(Duration::from_secs(86_400)));
}

#[test]
fn a_group_that_became_another_chat_is_named() {
    let server = Peer::start(|_, _| {
        let body = r#"{"ok": false, "error_code": 400, "parameters": {"migrate_to_chat_id": -1009876543210},
            "description": "Bad Request: group chat was upgraded to a supergroup chat"}"#;
        Reply::Http(400, body.to_owned())
    });
    let error = refusal(&telegram(&server.url(), &["-5"]), &one());
    assert_eq!(
        error.text,
        "says that this group has become the chat -1009876543210; set that in notify.telegram.chats"
    );
}

#[test]
fn neither_the_token_nor_an_address_is_in_an_error() {
    // Another server than Telegram's may say anything.
    let hostile = |request: &Request, before: usize| {
        let description = match before {
            0 => format!("no such page: {}", request.path()),
            1 => "see https://bot.example.org/secret".to_owned(),
            _ => format!("\u{1b}[31m{}", "a".repeat(5000)),
        };
        let body = serde_json::json!({"ok": false, "description": description});
        Reply::Http(404, body.to_string())
    };
    let server = Peer::start(hostile);
    let config = telegram(&server.url(), &["100000001"]);
    for _ in 0..3 {
        let error = refusal(&config, &one());
        for hidden in ["AA-made", "123456789", "://", "127.0.0.1", "\u{1b}"] {
            assert!(!error.text.contains(hidden), "{}", error.text);
        }
        assert!(error.text.starts_with("answers with 404"), "{}", error.text);
        assert!(error.text.chars().count() < 220, "{}", error.text);
    }
    let printed = format!("{config:?}");
    assert!(!printed.contains("made_up"), "{printed}");
}

#[test]
fn an_answer_that_is_not_telegrams_is_no_delivery() {
    for body in ["", "[]", "<html>", r#"{"ok": false}"#, r#"{"result": 1}"#] {
        let server = Peer::start(move |_, _| Reply::Http(200, body.to_owned()));
        let error = refusal(&telegram(&server.url(), &["100000001"]), &one());
        assert_eq!(
            error.text, "does not answer as Telegram does; is notify.telegram.api_url right?",
            "{body}"
        );
    }
}

#[test]
fn wrong_settings_are_named_without_the_token_and_do_not_stop_other_channels() {
    let open = |config: &ChannelsConfig| Channels::open(config, DeliveryTimes::default());
    let usual = telegram("http://localhost:1/", &["1"]);
    let mut no_chats = usual.clone();
    no_chats.telegram.chats.clear();
    let mut no_token = usual.clone();
    no_token.telegram.token = None;
    let mut other_token = usual.clone();
    other_token.telegram.token = Some(super::here("s3cret"));
    let mut other_api = usual.clone();
    other_api.telegram.api_url = Some(super::secret("s3cret.example.org"));
    for (mut config, wrong) in [
        (
            no_chats,
            "notify.telegram: no chats; set chats = [\"-1001234567890\"]",
        ),
        (
            no_token,
            "notify.telegram: no token of a bot; set token_file",
        ),
        (
            other_token,
            "notify.telegram: the token is not that of a bot; it is like 123456789:LETTERS",
        ),
        (
            other_api,
            "notify.telegram.api_url: not the address of a service; it is like https://api.telegram.org",
        ),
    ] {
        config.webhook = super::webhook("http://localhost:1/", false).webhook;
        let channels = open(&config);
        let said: Vec<String> = channels.wrong.iter().map(ToString::to_string).collect();
        assert_eq!(said, [wrong]);
        // What was not told is kept for the channel, so it is still there.
        let names = channels.all.iter().map(|channel| channel.name());
        let chats = config.telegram.chats.iter().map(|_| "telegram 1");
        assert!(names.eq(chats.chain(["webhook"])));
    }
    assert!(open(&ChannelsConfig::default()).all.is_empty());
}

#[test]
fn the_token_comes_from_a_file_that_others_may_not_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder of its own");
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("its own file");
    let server = Peer::start(bot_api);
    let mut config = telegram(&server.url(), &["100000001"]);
    config.telegram.token = Some(calltrace_directory::SecretSource::File(file.clone()));
    for (mode, warned) in [(0o600, 0), (0o644, 1)] {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).expect("its own file");
        let warnings = Channels::open(&config, times()).warnings;
        assert_eq!(warnings.len(), warned, "{warnings:?}");
        assert!(
            warnings
                .iter()
                .all(|text| text.starts_with("notify.telegram.token_file: "))
        );
    }
    let results = deliver_within(
        &config,
        times(),
        &notice(testing::now(), vec![waiting("0367")], vec![]),
    );
    assert!(results[0].1.is_ok(), "{results:?}");
}
