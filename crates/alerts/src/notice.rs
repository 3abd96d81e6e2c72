//! The message of one run, and the trait of what delivers it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::finding::CheckFinding;
use calltrace_model::record::Zone;
use calltrace_output::Language;

/// Why a finding is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The rule is kept again.
    Over,
    /// It is no longer looked at: it is too old, or the settings have no such check any more.
    Dropped,
}

/// A finding that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedFinding {
    /// The finding as it was last seen.
    pub finding: CheckFinding,
    /// When it ended.
    pub ended: DateTime<Utc>,
    /// Why.
    pub ending: Ending,
}

/// What one run tells one channel. It is never empty, except in a test of the channels.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertNotice {
    /// The time of the run.
    pub at: DateTime<Utc>,
    /// Findings to tell: new ones, and those that are repeated.
    pub firing: Vec<CheckFinding>,
    /// Findings that are over.
    pub resolved: Vec<ResolvedFinding>,
    /// The language of texts.
    pub language: Language,
    /// The zone of times in texts.
    pub zone: Zone,
}

/// Why a notice was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryError {
    /// The rest of a sentence that begins with the name of the channel, such as "did not answer in time". It holds no
    /// address, token or phone number.
    pub text: String,
    /// How long the other side asks to wait before the next try.
    pub retry_after: Option<Duration>,
}

/// Delivers notices.
#[async_trait]
pub trait DeliveryChannel: Send + Sync {
    /// The name in messages and in the state, such as `telegram`. It is different for each channel of the settings, the
    /// same in each run, and holds no secret.
    fn name(&self) -> &str;

    /// Delivers the notice as a whole, or returns an error within a bounded time. The same notice may be delivered twice
    /// if a run is killed after the delivery.
    ///
    /// # Errors
    /// When it is not certain that the other side has it.
    async fn deliver(&self, notice: &AlertNotice) -> Result<(), DeliveryError>;
}

impl AlertNotice {
    /// A notice without findings, which tests a channel.
    pub fn is_test(&self) -> bool {
        self.firing.is_empty() && self.resolved.is_empty()
    }
}
