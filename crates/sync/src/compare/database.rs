//! What arrived, out of the table `call_events` of the telephony system.

use std::sync::Arc;

use calltrace_directory::StoredEvent;
use calltrace_model::sighting::{Delivery, EventBody, SeenAt, Sighting};

use super::Side;

/// Rows as one side. Those that were not written as the events came say where they are from: `call_events
/// (downloaded)`. `is_cut`: there are more than were read.
pub fn side(rows: Vec<StoredEvent>, is_cut: bool) -> Side {
    let mut side = Side::default();
    let mut sources: Vec<(Option<String>, Arc<str>)> = Vec::new();
    for row in rows {
        let known = sources.iter().find(|(from, _)| *from == row.data_source);
        let source = known.map(|(_, source)| Arc::clone(source));
        let source = source.unwrap_or_else(|| {
            let text = match row.data_source.as_deref() {
                None | Some("live" | "") => "call_events".to_owned(),
                Some(other) => format!("call_events ({other})"),
            };
            let source: Arc<str> = text.into();
            sources.push((row.data_source.clone(), Arc::clone(&source)));
            source
        });
        side.sightings.push(Sighting {
            at_millis: row.at_millis,
            waited_millis: 0,
            event: row.event.into(),
            body: EventBody::parse(&row.body),
            delivery: Delivery::Accepted,
            seen_at: SeenAt {
                source,
                number: row.id,
            },
        });
    }
    if is_cut {
        let what = "call_events has more rows in that time than were read";
        side.incomplete.push(what.to_owned());
    }
    side
}
