//! Tells channels what they have not been told yet.
//!
//! **What is sent is noted afterwards**, for each channel as soon as it has delivered. A run that is killed in between
//! sends one notice to a channel again; none is lost. Channels are used at the same time, so one that is slow or dead
//! delays no other.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::alert_state_file::OpenedState;
use super::notice::{AlertNotice, DeliveryChannel, DeliveryError};
use super::state::{AlertState, Telling};
use calltrace_store::error::Error;
use calltrace_store::fsx::DiskOps;

/// The longest time for which a channel may ask to be left alone.
const REST_MAX: Duration = Duration::from_secs(3600);

/// What became of the notice for one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    pub channel: String,
    /// What it was to tell.
    pub notice: AlertNotice,
    /// Why it did not.
    pub error: Option<DeliveryError>,
}

impl AlertState {
    /// The notice of each channel that has something to tell, by the name of the channel. `link` adds links to findings.
    pub fn notices(
        &self,
        channels: &[Box<dyn DeliveryChannel>],
        how: Telling,
        now: DateTime<Utc>,
        link: &dyn Fn(&mut AlertNotice),
    ) -> Vec<(usize, AlertNotice)> {
        let mut notices = Vec::new();
        for (at, channel) in channels.iter().enumerate() {
            if let Some(mut notice) = self.notice(channel.name(), how, now) {
                link(&mut notice);
                notices.push((at, notice));
            }
        }
        notices
    }
}

impl OpenedState {
    /// Delivers these notices and notes each that was delivered. The state must have been saved before.
    ///
    /// # Errors
    /// When a delivery can't be noted. All channels are used all the same.
    pub async fn tell(
        &mut self,
        channels: &[Box<dyn DeliveryChannel>],
        notices: Vec<(usize, AlertNotice)>,
        ops: &dyn DiskOps,
    ) -> Result<Vec<Told>, Error> {
        let names: Vec<&str> = channels.iter().map(|channel| channel.name()).collect();
        let deliver = |(at, notice): (usize, AlertNotice)| async move {
            let delivered = channels[at].deliver(&notice).await;
            (at, notice, delivered.err())
        };
        let mut under_way: FuturesUnordered<_> = notices.into_iter().map(deliver).collect();
        let (mut told, mut failure) = (Vec::new(), None);
        while let Some((at, notice, error)) = under_way.next().await {
            let name = names[at];
            match &error {
                None => self.state.delivered(name, &notice),
                Some(error) => {
                    if let Some(rest) = error.retry_after {
                        let rest = TimeDelta::from_std(rest.min(REST_MAX));
                        let rest = rest.expect("an hour is a length of time");
                        self.state.rests(name, notice.at + rest);
                    }
                }
            }
            self.state.forget_told(&names);
            if let Err(error) = self.save(ops) {
                failure.get_or_insert(error);
            }
            told.push(Told {
                channel: name.to_owned(),
                notice,
                error,
            });
        }
        match failure {
            None => Ok(told),
            Some(error) => Err(error),
        }
    }
}
