//! The channels that the settings name.

use calltrace_alerts::channels::{Channels, DeliveryTimes};

use crate::cmd::{App, say};

/// All channels of `[notify]`, in a fixed order; none if the settings name none. Says what is wrong with them if this run
/// may use them.
pub(super) fn of_settings(app: &App, may_use: bool) -> Channels {
    let channels = Channels::open(&app.settings.notify.channels, DeliveryTimes::default());
    if may_use {
        channels.warnings.iter().for_each(|text| app.say(text));
        channels
            .wrong
            .iter()
            .for_each(|error| say(&error.to_string()));
    }
    channels
}
