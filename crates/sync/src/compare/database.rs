//! The received side, read from the table `call_events` of the telephony system.

use std::sync::Arc;

use calltrace_directory::StoredEvent;
use calltrace_model::sighting::{Delivery, EventBody, SeenAt, Sighting};

use super::SideEvents;

/// Makes a side of the rows. Rows that were not written when the event came name their source: `call_events
/// (downloaded)`. `is_cut` says that there are more rows than were read.
pub fn side(rows: Vec<StoredEvent>, is_cut: bool) -> SideEvents {
    let mut side = SideEvents::default();
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
