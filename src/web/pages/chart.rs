//! Calls by hour, answered and missed: small bars over one day's hours.

use chrono::{NaiveDate, Timelike};
use maud::{Markup, html};

use super::Look;
use crate::engine::{Outcomes, Tally};

/// Height of the tallest bar, of the letters below (pixels).
const BARS: usize = 72;
const LETTERS: usize = 18;

/// A chart of the hours of a day; of several days all their same hours together.
pub(super) fn chart(look: &Look, tally: &Tally, period: Option<(NaiveDate, NaiveDate)>) -> Markup {
    let l = look.language;
    let hours = by_hour(look, tally);
    let most = hours
        .iter()
        .map(|hour| hour.all())
        .max()
        .unwrap_or(0)
        .max(1);
    let many_days = period.is_none_or(|(from, to)| from != to);
    let heading = if many_days {
        l.of("По часам, все дни вместе", "By hour, all days together")
    } else {
        l.of("По часам", "By hour")
    };
    let height = |calls: usize| calls * BARS / most;
    html! {
        section.chart {
            h2 { (heading) }
            svg role="img" width="100%" height=(BARS + LETTERS + 14) aria-label=(gist(look, &hours)) {
                text x="0" y="10" { (l.number(most)) }
                line.tick x1="0" x2="100%" y1="14" y2="14" {}
                line.tick x1="0" x2="100%" y1=(14 + BARS) y2=(14 + BARS) {}
                @for (hour, calls) in hours.iter().enumerate() {
                    @let x = format!("{:.2}%", (hour as f64 + 0.15) * 100.0 / 24.0);
                    @let width = format!("{:.2}%", 0.7 * 100.0 / 24.0);
                    @let lost = calls.missed + calls.not_reached + calls.busy;
                    @let others = calls.all() - lost;
                    @let answered = visible(height(others), others);
                    @let missed = visible(height(lost), lost);
                    @if answered > 0 {
                        rect.answered x=(x) width=(width) y=(14 + BARS - answered) height=(answered) {}
                    }
                    @if missed > 0 {
                        rect.missed x=(x) width=(width) y=((14 + BARS).saturating_sub(answered + missed)) height=(missed) {}
                    }
                    @if hour % 3 == 0 {
                        text x=(format!("{:.2}%", (hour as f64 + 0.5) * 100.0 / 24.0)) y=(14 + BARS + 15) text-anchor="middle" { (hour) }
                    }
                }
            }
            ul.legend {
                li { svg width="14" height="14" aria-hidden="true" { rect.answered x="1" y="1" width="12" height="12" {} } (l.of("отвечено", "answered")) }
                li { svg width="14" height="14" aria-hidden="true" { rect.missed x="1" y="1" width="12" height="12" {} } (l.of("не отвечено", "not answered")) }
            }
            details {
                summary { (l.of("Числами", "In numbers")) }
                div.wide tabindex="0" role="region" aria-label=(heading) {
                table {
                    thead { tr {
                        th scope="col" { (l.of("Час", "Hour")) }
                        th scope="col" { (l.of("Отвечено", "Answered")) }
                        th scope="col" { (l.of("Пропущено", "Missed")) }
                        th scope="col" { (l.of("Не дозвонились", "Not reached")) }
                        th scope="col" { (l.of("Занято", "Busy")) }
                        th scope="col" { (l.of("Идёт сейчас", "In progress")) }
                        th scope="col" { (l.of("Без завершения", "No end")) }
                    } }
                    tbody {
                        @for (hour, calls) in hours.iter().enumerate().filter(|(_, calls)| calls.all() > 0) {
                            tr {
                                th scope="row" { (hour) ":00" }
                                td { (l.number(calls.answered)) }
                                td { (l.number(calls.missed)) }
                                td { (l.number(calls.not_reached)) }
                                td { (l.number(calls.busy)) }
                                td { (l.number(calls.in_progress)) }
                                td { (l.number(calls.unknown)) }
                            }
                        }
                    }
                }
                }
            }
        }
    }
}

fn by_hour(look: &Look, tally: &Tally) -> [Outcomes; 24] {
    let mut hours = [Outcomes::default(); 24];
    for (at, outcomes) in tally.quarters() {
        let hour = &mut hours[look.clock.moment(at).hour() as usize];
        *hour = hour.plus(outcomes);
    }
    hours
}

/// One call among thousands is still to be seen.
fn visible(height: usize, calls: usize) -> usize {
    if calls > 0 { height.max(2) } else { 0 }
}

fn gist(look: &Look, hours: &[Outcomes; 24]) -> String {
    let l = look.language;
    let busy = hours
        .iter()
        .enumerate()
        .max_by_key(|(_, calls)| calls.all());
    let (hour, calls) = busy.map_or((0, Outcomes::default()), |(hour, calls)| (hour, *calls));
    l.of(
        format!(
            "Звонки по часам; больше всего в {hour} ч: {}, из них пропущено {}",
            calls.all(),
            calls.missed
        ),
        format!(
            "Calls by hour; most at {hour}:00: {}, of which {} missed",
            calls.all(),
            calls.missed
        ),
    )
}
