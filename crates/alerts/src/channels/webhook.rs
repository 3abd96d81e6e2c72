//! A webhook: a notice as one JSON document, posted to an address of the settings. Its fields stand in
//! calltrace-format(5).

use async_trait::async_trait;
use calltrace_directory::http;
use calltrace_store::error::Error;
use serde_json::{Map, Value, json};

use super::WebhookConfig;
use super::identity::id;
use super::mask::shown;
use super::post::{ChannelAnswer, DeliveryTimes, Poster};
use crate::finding::CheckFinding;
use crate::json;
use crate::notice::{AlertNotice, DeliveryChannel, DeliveryError};
use crate::wording;

pub(super) const NAME: &str = "webhook";

/// The version of the document. Fields may be added without a new one.
const VERSION: u8 = 1;

pub(super) struct Webhook {
    poster: Poster,
    mask_phones: bool,
}

impl Webhook {
    /// `None` without an address.
    ///
    /// # Errors
    /// When the address or the header is wrong, or the file of a secret does not hold one. The text shows neither.
    pub(super) fn open(
        config: &WebhookConfig,
        times: DeliveryTimes,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Webhook>, Error> {
        let Some(url) = &config.url else {
            return Ok(None);
        };
        let url = url.read("notify.webhook.url", warnings)?;
        let url = http::url("notify.webhook.url", &url, "https://example.org/calltrace")?;
        let client = http::client("notify.webhook.url", &url, times.connect)?;
        let mut poster = Poster::new(client, url, times);
        if let Some(value) = &config.authorization {
            let setting = "notify.webhook.authorization";
            poster = poster.authorized(setting, &value.read(setting, warnings)?)?;
        }
        Ok(Some(Webhook {
            poster,
            mask_phones: config.mask_phones,
        }))
    }
}

#[async_trait]
impl DeliveryChannel for Webhook {
    fn name(&self) -> &str {
        NAME
    }

    async fn deliver(&self, notice: &AlertNotice) -> Result<(), DeliveryError> {
        let document = document(notice, &shown(notice, self.mask_phones));
        self.poster.post(&document, ChannelAnswer::success).await
    }
}

/// The document of a notice that is shown as `shown`. The ids are those of `notice`: its numbers are not masked.
fn document(notice: &AlertNotice, shown: &AlertNotice) -> Value {
    let with_id = |own: &CheckFinding, mut value: Map<String, Value>| {
        value.insert("id".to_owned(), id(own).into());
        Value::Object(value)
    };
    let firing = notice.firing.iter().zip(&shown.firing);
    let firing = firing.map(|(own, shown)| with_id(own, json::finding(shown)));
    let resolved = notice.resolved.iter().zip(&shown.resolved);
    let resolved = resolved.map(|(own, shown)| with_id(&own.finding, json::resolved(shown)));
    json!({
        "version": VERSION,
        "at": json::time(notice.at),
        "test": notice.is_test(),
        "text": wording::text(shown, notice.language),
        "firing": firing.collect::<Vec<Value>>(),
        "resolved": resolved.collect::<Vec<Value>>(),
    })
}
