//! Names for the outputs of the shell: what the settings hold, what their sources say in a moment, and
//! what the call's own requests were told.

use std::time::Duration;

use super::Desk;
use super::serve::runtime;
use calltrace_directory::{Directory, Names, Times};
use calltrace_engine::TracedCall;
use calltrace_output::People;
use calltrace_store::tree::EnterpriseName;
use calltrace_web::pages::{client_in_log, wanted};

/// A source that takes longer is not waited for: names are not worth more to somebody who asked for a call.
const PATIENCE: Duration = Duration::from_millis(500);

/// The names of those who took part in a call. A source that does not answer costs its names, and is named
/// to those who asked with `-v`.
pub(super) fn people(desk: &Desk, enterprise: &EnterpriseName, call: &TracedCall) -> People {
    let times = Times {
        budget: PATIENCE,
        ..Times::default()
    };
    let asked = runtime(1).and_then(|runtime| {
        runtime.block_on(async {
            let (directory, _) = Directory::open_with(&desk.settings.directory, times)?;
            Ok(directory.names(enterprise, &wanted(call)).await)
        })
    });
    let names = asked.unwrap_or_else(|error| {
        desk.explain(|| format!("no names: {error}"));
        Names::default()
    });
    for source in &names.missing {
        desk.explain(|| format!("{source} did not answer; names may be missing"));
    }
    let mut people = People {
        extensions: names.extensions,
        clients: names.clients,
        lines: names.lines,
        chats: names.chats,
    };
    if let Some((number, name)) = client_in_log(call) {
        people.clients.entry(number).or_insert(name);
    }
    people
}
