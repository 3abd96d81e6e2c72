//! A webhook: a notice as one JSON document, posted to an address of the settings. Its fields stand in
//! calltrace-format(5).

use async_trait::async_trait;
use calltrace_directory::http;
use calltrace_store::error::Error;
use serde_json::{Map, Value, json};

use super::WebhookConfig;
use super::mask::masked;
use super::post::{Answer, DeliveryTimes, Poster};
use super::values::{id, time};
use crate::finding::{FigureValue, Finding};
use crate::notice::{Channel, DeliveryError, Ending, Notice};
use crate::wording;

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
        let mut poster = Poster::new("notify.webhook.url", url, times)?;
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
impl Channel for Webhook {
    fn name(&self) -> &str {
        "webhook"
    }

    async fn deliver(&self, notice: &Notice) -> Result<(), DeliveryError> {
        let document = match self.mask_phones {
            true => document(notice, &masked(notice)),
            false => document(notice, notice),
        };
        self.poster.post(&document, Answer::success).await
    }
}

/// The document of a notice that is shown as `shown`. The ids are those of `notice`, whose numbers are not masked.
fn document(notice: &Notice, shown: &Notice) -> Value {
    let firing = notice.firing.iter().zip(&shown.firing);
    let firing: Vec<Value> = firing.map(|(own, shown)| finding(own, shown)).collect();
    let resolved = notice.resolved.iter().zip(&shown.resolved);
    let resolved = resolved.map(|(own, shown)| {
        let mut value = finding(&own.finding, &shown.finding);
        value["ended"] = time(own.ended);
        value["ending"] = match own.ending {
            Ending::Over => "over".into(),
            Ending::Dropped => "dropped".into(),
        };
        value
    });
    let resolved: Vec<Value> = resolved.collect();
    json!({
        "version": VERSION,
        "at": time(notice.at),
        "test": notice.is_test(),
        "text": wording::text(shown, notice.language),
        "firing": firing,
        "resolved": resolved,
    })
}

fn finding(own: &Finding, shown: &Finding) -> Value {
    let part = shown.scope.part.as_ref();
    let figures = shown.figures.iter();
    let figures: Map<String, Value> = figures
        .map(|figure| (figure.name.to_owned(), value(&figure.value)))
        .collect();
    json!({
        "id": id(own),
        "rule": shown.rule,
        "kind": shown.kind.name(),
        "severity": shown.severity.name(),
        "enterprise": shown.scope.enterprise.as_ref().map(|name| name.as_str()),
        "part": part.map(|part| json!({"kind": part.kind(), "value": part.value()})),
        "since": time(shown.since),
        "figures": figures,
        "links": shown.links,
    })
}

fn value(value: &FigureValue) -> Value {
    match value {
        FigureValue::Count(count) => json!(count),
        FigureValue::Share(share) | FigureValue::Factor(share) => json!(share),
        FigureValue::Millis(millis) => json!(millis),
        FigureValue::Time(at) => time(*at),
        FigureValue::Text(text) | FigureValue::Phone(text) => json!(text),
    }
}
