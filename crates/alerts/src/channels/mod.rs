//! The channels of the settings: chats of Telegram, a webhook, and Alertmanager.
//!
//! `post` sends a request within limits and waits where the other side asks for that; each channel makes the request and
//! judges the answer. `mask` hides the numbers of clients. Nothing here is printed, and no error holds an address or a token.

mod alertmanager;
mod identity;
mod mask;
mod post;
mod telegram;
mod webhook;

use super::notice::{AlertNotice, DeliveryChannel, DeliveryError};
use alertmanager::Alertmanager;
use async_trait::async_trait;
use calltrace_directory::{Secret, SecretSource};
use calltrace_store::error::Error;
use telegram::Telegram;
use webhook::Webhook;

pub use post::DeliveryTimes;
pub use telegram::Chat;

/// `[notify]` of the settings: where notices go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelsConfig {
    /// `[notify.telegram]`
    pub telegram: TelegramConfig,
    /// `[notify.webhook]`
    pub webhook: WebhookConfig,
    /// `[notify.alertmanager]`
    pub alertmanager: AlertmanagerConfig,
}

/// `[notify.telegram]`: each chat is a channel of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TelegramConfig {
    /// The token of the bot.
    pub token: Option<SecretSource>,
    /// Who gets the messages.
    pub chats: Vec<Chat>,
    /// The address of another server of the Bot API; `None` for Telegram's.
    pub api_url: Option<Secret>,
}

/// `[notify.webhook]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookConfig {
    /// Where documents are posted; `None` for no webhook.
    pub url: Option<SecretSource>,
    /// The value of the header `Authorization`.
    pub authorization: Option<SecretSource>,
    /// Whether only the last two digits of clients' numbers are sent.
    pub mask_phones: bool,
}

/// `[notify.alertmanager]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertmanagerConfig {
    /// The address of Alertmanager; `None` for none.
    pub url: Option<Secret>,
    /// Whether only the last two digits of clients' numbers are sent.
    pub mask_phones: bool,
}

/// The channels of the settings.
#[derive(Default)]
pub struct Channels {
    /// All of them, in the order of the documentation. One with wrong settings delivers nothing, so that what it was not
    /// told is kept for it.
    pub all: Vec<Box<dyn DeliveryChannel>>,
    /// What is wrong with settings.
    pub wrong: Vec<Error>,
    /// What the user should know about files of secrets.
    pub warnings: Vec<String>,
}

impl Channels {
    /// The channels that the settings name. Nothing is sent yet. A channel with wrong settings does not stop the others.
    pub fn open(config: &ChannelsConfig, times: DeliveryTimes) -> Channels {
        let mut channels = Channels::default();
        let telegram = Telegram::open(&config.telegram, times, &mut channels.warnings);
        channels.add(&config.telegram.names(), telegram);
        let webhook = Webhook::open(&config.webhook, times, &mut channels.warnings);
        channels.add(&[webhook::NAME.to_owned()], webhook);
        let alertmanager = Alertmanager::open(&config.alertmanager, times);
        channels.add(&[alertmanager::NAME.to_owned()], alertmanager);
        channels
    }

    /// Adds what was opened, or channels of these names that deliver nothing.
    fn add<C: DeliveryChannel + 'static>(
        &mut self,
        names: &[String],
        opened: Result<impl IntoIterator<Item = C>, Error>,
    ) {
        match opened {
            Ok(opened) => self
                .all
                .extend(opened.into_iter().map(|channel| Box::new(channel) as _)),
            Err(error) => {
                self.wrong.push(error);
                let unusable = names.iter().cloned();
                self.all
                    .extend(unusable.map(|name| Box::new(UnusableChannel(name)) as _));
            }
        }
    }
}

/// A channel with wrong settings.
struct UnusableChannel(String);

#[async_trait]
impl DeliveryChannel for UnusableChannel {
    fn name(&self) -> &str {
        &self.0
    }

    async fn deliver(&self, _: &AlertNotice) -> Result<(), DeliveryError> {
        Err(DeliveryError::plain(
            "can't be used, its settings are wrong",
        ))
    }
}
