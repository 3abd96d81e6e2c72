//! Telegram: `sendMessage` of the Bot API, one message per notice and chat, as plain text.
//!
//! The address of a request holds the token of the bot, so no address gets into an error.

use std::fmt;

use async_trait::async_trait;
use calltrace_directory::{Secret, http};
use calltrace_model::sanitise::sanitise;
use calltrace_store::error::Error;
use serde_json::{Value, json};

use super::TelegramConfig;
use super::post::{ChannelAnswer, DeliveryTimes, Poster, asks_to_wait, patience};
use crate::notice::{AlertNotice, DeliveryChannel, DeliveryError};
use crate::wording;

const API: &str = "https://api.telegram.org";

/// The longest message that Telegram takes, in UTF-16 code units.
const MESSAGE_UNITS_MAX: usize = 4096;

/// What Telegram says about a refused message is cut after this many characters.
const DESCRIPTION_CHARS_MAX: usize = 160;

/// A chat: its number, or the name of a public one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat(String);

impl Chat {
    /// # Errors
    /// When it is neither a number, such as -1001234567890, nor a name, such as @duty_office.
    pub fn parse(text: &str) -> Result<Chat, String> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_number =
            (1..=18).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        let is_name = text.strip_prefix('@').is_some_and(|name| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            (4..=32).contains(&name.len()) && name.bytes().all(plain)
        });
        match is_number || is_name {
            true => Ok(Chat(text.to_owned())),
            false => Err("a chat is a number, such as -1001234567890, or the name of a public chat, such as \
                          @duty_office"
                .to_owned()),
        }
    }
}

impl fmt::Display for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Chat {
    /// The name of its channel.
    fn channel(&self) -> String {
        format!("telegram {self}")
    }
}

impl TelegramConfig {
    /// The chats without those that are named again, as each channel has a name of its own.
    fn distinct(&self) -> Vec<&Chat> {
        let mut chats: Vec<&Chat> = Vec::new();
        for chat in &self.chats {
            if !chats.contains(&chat) {
                chats.push(chat);
            }
        }
        chats
    }

    /// The names of the channels.
    pub(super) fn names(&self) -> Vec<String> {
        self.distinct().into_iter().map(Chat::channel).collect()
    }
}

/// One chat.
pub(super) struct Telegram {
    name: String,
    chat: Chat,
    poster: Poster,
    token: Secret,
}

impl Telegram {
    /// One channel per chat: if one chat refuses a message, the others must not get theirs again.
    ///
    /// # Errors
    /// When there is a token without chats or the other way round, or a value is wrong. The text shows no token.
    pub(super) fn open(
        config: &TelegramConfig,
        times: DeliveryTimes,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Telegram>, Error> {
        let wrong = |text: &str| Err(Error::Usage(format!("notify.telegram: {text}")));
        let token = match (&config.token, config.chats.is_empty()) {
            (None, true) => return Ok(Vec::new()),
            (None, false) => return wrong("no token of a bot; set token_file"),
            (Some(_), true) => return wrong("no chats; set chats = [\"-1001234567890\"]"),
            (Some(token), false) => token.read("notify.telegram.token", warnings)?,
        };
        let api = config.api_url.clone();
        let api = api.unwrap_or_else(|| Secret::new(API).expect("it is not blank"));
        let base = http::service_url("notify.telegram.api_url", &api, API)?;
        let Some(method) = method(&token) else {
            return wrong("the token is not that of a bot; it is like 123456789:LETTERS");
        };
        let url = base.join(&method).expect("a relative path");
        let client = http::client("notify.telegram.api_url", &base, times.connect)?;
        let open = |chat: &Chat| Telegram {
            name: chat.channel(),
            chat: chat.clone(),
            poster: Poster::new(client.clone(), url.clone(), times),
            token: token.clone(),
        };
        Ok(config.distinct().into_iter().map(open).collect())
    }

    fn judge(&self, answer: &ChannelAnswer) -> Result<(), DeliveryError> {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        let is_ok = body["ok"].as_bool();
        match (answer.status.is_success(), is_ok) {
            (true, Some(true)) => return Ok(()),
            (true, _) => {
                return Err(DeliveryError::plain(
                    "does not answer as Telegram does; is notify.telegram.api_url right?",
                ));
            }
            (false, _) => {}
        }
        let parameters = &body["parameters"];
        if let Some(wait) = parameters["retry_after"].as_u64().map(patience) {
            return Err(DeliveryError {
                text: asks_to_wait(wait),
                retry_after: Some(wait),
            });
        }
        if let Some(chat) = parameters["migrate_to_chat_id"].as_i64() {
            return Err(DeliveryError::plain(format!(
                "says that this group has become the chat {chat}; set that in notify.telegram.chats"
            )));
        }
        let description = body["description"].as_str().unwrap_or_default();
        Err(answer.refusal(&self.shown(description)))
    }

    /// A description as it may be shown: without the token, which another server than Telegram's might repeat.
    fn shown(&self, description: &str) -> String {
        let token = str::from_utf8(self.token.bytes()).expect("a secret is made of text");
        let holds_address = description.contains(token.trim()) || description.contains("://");
        if holds_address {
            return String::new();
        }
        let shown = sanitise(description.as_bytes());
        shown.chars().take(DESCRIPTION_CHARS_MAX).collect()
    }
}

/// The path of the method, relative to the address of the API; `None` for a text that is not the token of a bot. The
/// leading `./` keeps the token from being taken for the scheme of an address.
fn method(token: &Secret) -> Option<String> {
    let token = str::from_utf8(token.bytes())
        .expect("a secret is made of text")
        .trim();
    let (number, key) = token.split_once(':')?;
    let is_key = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let is_right = !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
        && !key.is_empty()
        && key.bytes().all(is_key);
    is_right.then(|| format!("./bot{token}/sendMessage"))
}

#[async_trait]
impl DeliveryChannel for Telegram {
    fn name(&self) -> &str {
        &self.name
    }

    async fn deliver(&self, notice: &AlertNotice) -> Result<(), DeliveryError> {
        let message = json!({
            "chat_id": self.chat.0,
            "text": message(notice),
            // A preview would open a page of a call for each reader.
            "link_preview_options": {"is_disabled": true},
        });
        self.poster
            .post(&message, |answer| self.judge(answer))
            .await
    }
}

/// The text of a notice, as long as one message may be: as many findings as fit, and how many do not.
fn message(notice: &AlertNotice) -> String {
    let whole = wording::text(notice, notice.language);
    if fits(&whole) {
        return whole;
    }
    let all = notice.firing.len() + notice.resolved.len();
    let part = |shown: usize| {
        let mut notice = notice.clone();
        let firing = shown.min(notice.firing.len());
        notice.firing.truncate(firing);
        notice.resolved.truncate(shown - firing);
        let text = wording::text(&notice, notice.language);
        let more = notice.language.more(all - shown);
        format!("{text}\n… {more}: calltrace check")
    };
    // The more findings, the longer the text: the largest number that fits is between these.
    let (mut fitting, mut too_many) = (0, all);
    while fitting + 1 < too_many {
        let middle = (fitting + too_many) / 2;
        match fits(&part(middle)) {
            true => fitting = middle,
            false => too_many = middle,
        }
    }
    match fitting {
        0 => cut(&whole),
        shown => part(shown),
    }
}

fn fits(text: &str) -> bool {
    text.encode_utf16().count() <= MESSAGE_UNITS_MAX
}

/// As much of a text as fits, with a sign that it goes on.
fn cut(text: &str) -> String {
    let mut units = 1;
    let fitting = text.chars().take_while(|c| {
        units += c.len_utf16();
        units <= MESSAGE_UNITS_MAX
    });
    let mut cut: String = fitting.collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_is_a_number_or_a_public_name() {
        for right in ["100000001", "-1001234567890", "@duty_office"] {
            assert_eq!(
                Chat::parse(right).map(|chat| chat.to_string()).as_deref(),
                Ok(right)
            );
        }
        for wrong in [
            "",
            "-",
            "@",
            "@a b",
            "duty",
            "1.5",
            "1234567890123456789",
            "@дежурный",
        ] {
            assert!(Chat::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_a_number_and_a_key() {
        let method = |token| method(&Secret::new(token).expect("not blank"));
        assert_eq!(
            method(" 123:AA-b_9 ").as_deref(),
            Some("./bot123:AA-b_9/sendMessage")
        );
        for wrong in ["123", ":AA", "123:", "123:a/b", "123:a?b", "x:AA"] {
            assert_eq!(method(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_cut_text_has_as_many_units_as_telegram_counts() {
        // Each of these signs counts twice.
        let cut = cut(&"🔔".repeat(3000));
        assert_eq!(cut.encode_utf16().count(), 4095);
        assert!(fits(&cut) && cut.ends_with('…'));
        assert_eq!(super::cut(&"я".repeat(5000)).encode_utf16().count(), 4096);
    }
}
