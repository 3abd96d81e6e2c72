//! How findings are delivered: to a server that plays Telegram, to a webhook, and to Alertmanager itself. What is checked,
//! and what is told when, is tested elsewhere.

mod alertmanager;
mod failing;
mod program;
mod telegram;
mod webhook;

use std::time::Duration;

use calltrace_alerts::channels::{
    AlertmanagerConfig, Channels, ChannelsConfig, Chat, DeliveryTimes, TelegramConfig,
    WebhookConfig,
};
use calltrace_alerts::{
    AlertNotice, AlertSeverity, CheckFinding, DeliveryError, Ending, FigureValue, FindingFigure,
    ResolvedFinding, RuleKind, Scope, ScopePart,
};
use calltrace_directory::{Secret, SecretSource};
use calltrace_model::record::Zone;
use calltrace_output::Language;
use calltrace_store::tree::EnterpriseName;
use chrono::{DateTime, TimeDelta, Utc};

/// The token of a bot that never was.
const TOKEN: &str = "123456789:AA-made_up";

/// A client's number.
const CLIENT: &str = "375295305942";

/// The default times, of which a test would wait for too long.
fn times() -> DeliveryTimes {
    DeliveryTimes {
        connect: Duration::from_secs(2),
        answer: Duration::from_millis(600),
        total: Duration::from_millis(1600),
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text).expect("not blank")
}

fn here(text: &str) -> SecretSource {
    SecretSource::Here(secret(text))
}

/// Chats of a bot with its API at `url`.
fn telegram(url: &str, chats: &[&str]) -> ChannelsConfig {
    ChannelsConfig {
        telegram: TelegramConfig {
            token: Some(here(TOKEN)),
            chats: chats
                .iter()
                .map(|chat| Chat::parse(chat).expect("a chat"))
                .collect(),
            api_url: Some(secret(url)),
        },
        ..ChannelsConfig::default()
    }
}

fn webhook(url: &str, mask_phones: bool) -> ChannelsConfig {
    ChannelsConfig {
        webhook: WebhookConfig {
            url: Some(here(url)),
            authorization: None,
            mask_phones,
        },
        ..ChannelsConfig::default()
    }
}

fn alertmanager(url: &str, mask_phones: bool) -> ChannelsConfig {
    ChannelsConfig {
        alertmanager: AlertmanagerConfig {
            url: Some(secret(url)),
            mask_phones,
        },
        ..ChannelsConfig::default()
    }
}

/// What became of a notice in each channel, one after the other.
fn deliver(
    config: &ChannelsConfig,
    notice: &AlertNotice,
) -> Vec<(String, Result<(), DeliveryError>)> {
    deliver_within(config, times(), notice)
}

fn deliver_within(
    config: &ChannelsConfig,
    times: DeliveryTimes,
    notice: &AlertNotice,
) -> Vec<(String, Result<(), DeliveryError>)> {
    let channels = Channels::open(config, times);
    let runtime = tokio::runtime::Runtime::new().expect("threads are left");
    runtime.block_on(async {
        let mut results = Vec::new();
        for channel in &channels.all {
            results.push((channel.name().to_owned(), channel.deliver(notice).await));
        }
        results
    })
}

/// The one error of a notice in the one channel.
#[track_caller]
fn refusal(config: &ChannelsConfig, notice: &AlertNotice) -> DeliveryError {
    let results = deliver(config, notice);
    let [(_, Err(error))] = results.as_slice() else {
        panic!("{results:?}");
    };
    error.clone()
}

fn enterprise(number: &str) -> Option<EnterpriseName> {
    Some(EnterpriseName::new(number).expect("a name"))
}

/// Too many missed calls of an enterprise.
fn missed(number: &str) -> CheckFinding {
    CheckFinding {
        rule: "missed".to_owned(),
        kind: RuleKind::MissedShare,
        severity: AlertSeverity::Critical,
        scope: Scope {
            enterprise: enterprise(number),
            part: None,
        },
        since: testing::now() - TimeDelta::hours(2),
        figures: vec![
            FindingFigure {
                name: "missed",
                value: FigureValue::Count(31),
            },
            FindingFigure {
                name: "calls",
                value: FigureValue::Count(50),
            },
            FindingFigure {
                name: "share",
                value: FigureValue::Share(0.62),
            },
        ],
        links: vec![format!(
            "https://bot.example.org/call/{number}/1764493655.61?exp=1&sig=s"
        )],
    }
}

/// A client who was not called back.
fn waiting(number: &str) -> CheckFinding {
    CheckFinding {
        rule: "callback".to_owned(),
        kind: RuleKind::NotCalledBack,
        severity: AlertSeverity::Warning,
        scope: Scope {
            enterprise: enterprise(number),
            part: Some(ScopePart::Client(CLIENT.to_owned())),
        },
        since: testing::now() - TimeDelta::minutes(40),
        figures: vec![
            FindingFigure {
                name: "client",
                value: FigureValue::Phone(CLIENT.to_owned()),
            },
            FindingFigure {
                name: "waiting",
                value: FigureValue::Millis(4_200_000),
            },
        ],
        links: Vec::new(),
    }
}

fn notice(
    at: DateTime<Utc>,
    firing: Vec<CheckFinding>,
    resolved: Vec<CheckFinding>,
) -> AlertNotice {
    let over = |finding: CheckFinding| ResolvedFinding {
        ended: at - TimeDelta::minutes(5),
        ending: Ending::Over,
        finding,
    };
    AlertNotice {
        at,
        firing,
        resolved: resolved.into_iter().map(over).collect(),
        language: Language::English,
        zone: Zone::UTC,
    }
}

/// A notice of one finding, at the time of tests.
fn one() -> AlertNotice {
    notice(testing::now(), vec![missed("0367")], Vec::new())
}
