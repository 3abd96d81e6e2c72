//! Statistics as a picture that needs nothing else: no script, no font, no address of another file.

use maud::{Markup, PreEscaped, html};

use super::StatsView;
use super::names::StatsWords;
use calltrace_model::call::Outcome;
use calltrace_model::stats::WeekCounts;

/// Measures (pixels).
const WIDTH: usize = 720;
const LINE: usize = 24;
const LABEL: usize = 190;
const NUMBERS: usize = 150;
const CELL: usize = 26;
const DAY: usize = 48;

/// Colours for a light ground, and for a dark one if the reader's system has that. Text against its ground is 4.5:1 or
/// more; the missed part of a bar is also shown by its place and number.
const STYLE: &str = "\
svg{color-scheme:light dark;background:#fff;font:13px system-ui,sans-serif}\
text{fill:#1c1c1c}.quiet{fill:#595959}.calls{fill:#2f6fb3}.missed{fill:#b3261e}.none{fill:#ececec}\
@media(prefers-color-scheme:dark){svg{background:#161616}text{fill:#ededed}.quiet{fill:#a8a8a8}\
.calls{fill:#6fa8e0}.missed{fill:#f2877f}.none{fill:#2b2b2b}}";

/// Draws a bar for each group; without groups the hours of the week, of all calls and of missed ones.
pub fn svg(shown: &StatsView<'_>, words: &StatsWords) -> String {
    let (height, content) = match shown.stats.by {
        Some(_) => bars(shown, words),
        None => week(shown, words),
    };
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {height}")) width=(WIDTH) height=(height) role="img" aria-label=(words.calls) {
            style { (PreEscaped(STYLE)) }
            (content)
        }
    };
    markup.into_string()
}

fn bars(shown: &StatsView<'_>, words: &StatsWords) -> (usize, Markup) {
    let groups = shown.groups();
    let room = WIDTH - LABEL - NUMBERS;
    let most = groups
        .iter()
        .map(|group| group.figures.outcomes.all())
        .max();
    let most = most.unwrap_or(0).max(1);
    let length = |count: usize| match count {
        0 => 0,
        count => (count * room / most).max(2),
    };
    let row = |(at, group): (usize, &calltrace_model::stats::Group)| {
        let (top, outcomes) = ((at + 1) * LINE, group.figures.outcomes);
        let name = words.key(shown, &group.key);
        let missed = length(outcomes.of(Outcome::Missed));
        let others = length(outcomes.all() - outcomes.of(Outcome::Missed)).min(room - missed);
        let numbers = match outcomes.of(Outcome::Missed) {
            0 => outcomes.all().to_string(),
            missed => format!("{} · {missed} {}", outcomes.all(), words.missed),
        };
        let tooltip = format!(
            "{name}: {} {}, {} {}",
            outcomes.all(),
            words.calls,
            outcomes.of(Outcome::Missed),
            words.missed
        );
        let mark = html! {
            g {
                title { (tooltip) }
                rect.none x=(LABEL) y=(top + 4) width=(room) height=(LINE - 8) fill-opacity="0.5" {}
                rect.calls x=(LABEL) y=(top + 4) width=(others) height=(LINE - 8) {}
                rect.missed x=(LABEL + others) y=(top + 4) width=(missed) height=(LINE - 8) {}
            }
        };
        html! {
            text x=(LABEL - 8) y=(top + 17) text-anchor="end" { (name) }
            (mark)
            text x=(LABEL + room + 8) y=(top + 17) { (numbers) }
        }
    };
    let content = html! {
        (legend(words))
        @for each in groups.iter().enumerate() { (row(each)) }
    };
    ((groups.len() + 1) * LINE + 8, content)
}

fn legend(words: &StatsWords) -> Markup {
    html! {
        rect.calls x=(LABEL) y="6" width="12" height="12" {}
        text.quiet x=(LABEL + 18) y="17" { (words.calls) }
        rect.missed x=(LABEL + 110) y="6" width="12" height="12" {}
        text.quiet x=(LABEL + 128) y="17" { (words.missed) }
    }
}

fn week(shown: &StatsView<'_>, words: &StatsWords) -> (usize, Markup) {
    let stats = shown.stats;
    let height = 10 * CELL;
    let mut parts = vec![(words.calls, "calls", &stats.calls)];
    if stats.total.outcomes.of(Outcome::Missed) > 0 {
        parts.push((words.missed, "missed", &stats.missed));
    }
    let content = html! {
        @for (at, part) in parts.iter().enumerate() {
            (map(words, *part, at * height))
        }
    };
    (parts.len() * height, content)
}

/// Draws the hours of the week for one kind of calls, with the number of calls in each cell.
fn map(
    words: &StatsWords,
    (title, class, counts): (&str, &str, &WeekCounts),
    top: usize,
) -> Markup {
    let most = counts.iter().flatten().copied().max().unwrap_or(0).max(1);
    let total: usize = counts.iter().flatten().sum();
    let cell = |weekday: usize, hour: usize, count: usize| {
        let (x, y) = (DAY + hour * CELL, top + (weekday + 2) * CELL);
        let tooltip = format!("{} {hour:02}:00: {count} {title}", words.weekdays[weekday]);
        // Strong enough to be seen, and light enough for a number to be read on it.
        let opacity = format!("{:.2}", 0.15 + 0.45 * count as f64 / most as f64);
        html! {
            g {
                title { (tooltip) }
                @match count {
                    0 => rect.none x=(x) y=(y) width=(CELL - 2) height=(CELL - 2) {},
                    _ => rect class=(class) x=(x) y=(y) width=(CELL - 2) height=(CELL - 2) fill-opacity=(opacity) {},
                }
                @if count > 0 {
                    text x=(x + (CELL - 2) / 2) y=(y + 16) text-anchor="middle" font-size="10" { (short(count)) }
                }
            }
        }
    };
    html! {
        text x="4" y=(top + 17) font-weight="bold" { (title) " " (total) }
        @for hour in 0..24 {
            text.quiet x=(DAY + hour * CELL + (CELL - 2) / 2) y=(top + 2 * CELL - 6) text-anchor="middle" font-size="11" { (format!("{hour:02}")) }
        }
        @for (weekday, hours) in counts.iter().enumerate() {
            text x="4" y=(top + (weekday + 2) * CELL + 16) { (words.weekdays[weekday]) }
            @for (hour, count) in hours.iter().enumerate() { (cell(weekday, hour, *count)) }
        }
    }
}

/// At most four characters: `999`, `1.2k`, `45k`.
fn short(count: usize) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..10_000 => format!("{}.{}k", count / 1000, count % 1000 / 100),
        _ => format!("{}k", count / 1000),
    }
}
