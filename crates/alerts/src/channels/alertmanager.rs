//! Alertmanager: findings as alerts of its API v2. It groups, silences and repeats by itself.
//!
//! The labels are the identity of an alert, so they hold nothing that changes while a finding lasts, and only words of
//! this program, names of the settings and names of bounded length. Figures are annotations.

use async_trait::async_trait;
use calltrace_directory::http;
use calltrace_model::sanitise::sanitise;
use calltrace_store::error::Error;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::AlertmanagerConfig;
use super::identity::id;
use super::mask::shown;
use super::post::{ChannelAnswer, DeliveryTimes, Poster};
use crate::finding::CheckFinding;
use crate::json::time;
use crate::notice::{AlertNotice, DeliveryChannel, DeliveryError};
use crate::wording;

pub(super) const NAME: &str = "alertmanager";

/// How long an alert lasts without another word about it. It is told again only with `repeat`, and its end in any case, so
/// this is for a checker that never runs again.
const LASTS: TimeDelta = TimeDelta::days(7);

/// A test of the channel lasts this long.
const TEST_LASTS: TimeDelta = TimeDelta::minutes(1);

/// Names from logs are cut after this many characters.
const LABEL_CHARS_MAX: usize = 100;

pub(super) struct Alertmanager {
    poster: Poster,
    mask_phones: bool,
}

impl Alertmanager {
    /// `None` without an address.
    ///
    /// # Errors
    /// When the address is wrong. The text does not show it.
    pub(super) fn open(
        config: &AlertmanagerConfig,
        times: DeliveryTimes,
    ) -> Result<Option<Alertmanager>, Error> {
        let Some(url) = &config.url else {
            return Ok(None);
        };
        let setting = "notify.alertmanager.url";
        let base = http::service_url(setting, url, "http://localhost:9093")?;
        let url = base.join("api/v2/alerts").expect("a relative path");
        Ok(Some(Alertmanager {
            poster: Poster::new(http::client(setting, &base, times.connect)?, url, times),
            mask_phones: config.mask_phones,
        }))
    }
}

#[async_trait]
impl DeliveryChannel for Alertmanager {
    fn name(&self) -> &str {
        NAME
    }

    async fn deliver(&self, notice: &AlertNotice) -> Result<(), DeliveryError> {
        let alerts = alerts(notice, &shown(notice, self.mask_phones));
        self.poster.post(&alerts, ChannelAnswer::success).await
    }
}

/// The alerts of a notice that is shown as `shown`. The ids are those of `notice`: its numbers are not masked.
fn alerts(notice: &AlertNotice, shown: &AlertNotice) -> Value {
    if notice.is_test() {
        let text = wording::text(notice, notice.language);
        return json!([{
            "labels": {"alertname": "calltrace_test", "severity": "none"},
            "annotations": {"summary": text},
            "startsAt": time(notice.at),
            "endsAt": time(notice.at + TEST_LASTS),
        }]);
    }
    let firing = notice.firing.iter().zip(&shown.firing);
    let firing = firing.map(|(own, shown_as)| alert(shown, (own, shown_as), notice.at + LASTS));
    let resolved = notice.resolved.iter().zip(&shown.resolved);
    let resolved = resolved.map(|(own, over)| {
        alert(
            shown,
            (&own.finding, &over.finding),
            own.ended.min(notice.at),
        )
    });
    firing.chain(resolved).collect()
}

/// The alert of a finding that ends at `ends`. `finding` is the finding itself, and as it is shown.
fn alert(
    notice: &AlertNotice,
    (own, shown): (&CheckFinding, &CheckFinding),
    ends: DateTime<Utc>,
) -> Value {
    let label = |text: &str| {
        let shown = sanitise(text.as_bytes());
        Value::from(shown.chars().take(LABEL_CHARS_MAX).collect::<String>())
    };
    let mut labels = Map::new();
    labels.insert(
        "alertname".to_owned(),
        format!("calltrace_{}", shown.kind.name()).into(),
    );
    labels.insert("rule".to_owned(), label(&shown.rule));
    labels.insert("severity".to_owned(), shown.severity.name().into());
    if let Some(enterprise) = &shown.scope.enterprise {
        labels.insert("enterprise".to_owned(), enterprise.as_str().into());
    }
    if let Some(part) = &shown.scope.part {
        labels.insert(part.kind().to_owned(), label(part.value()));
    }
    labels.insert("id".to_owned(), id(own).into());
    let alone = AlertNotice {
        firing: vec![CheckFinding {
            links: Vec::new(),
            ..shown.clone()
        }],
        resolved: Vec::new(),
        ..notice.clone()
    };
    let mut alert = json!({
        "labels": labels,
        "annotations": {
            "summary": wording::text(&alone, notice.language),
            "calls": shown.links.join("\n"),
        },
        // An alert that ends when it begins is refused.
        "startsAt": time(shown.since.min(ends - TimeDelta::seconds(1))),
        "endsAt": time(ends),
    });
    if let Some(page) = shown.links.first() {
        alert["generatorURL"] = page.as_str().into();
    }
    alert
}
