//! Bar charts over time. The upper part of a bar shows missed calls, the lower part the others; each bar
//! leads to its calls.

use maud::{Markup, html};

use super::Language;

/// The height of the tallest bar, of the labels below and above it (pixels).
const BARS: usize = 72;
const LETTERS: usize = 18;
const TOP: usize = 14;

/// More bars than this in a row are too narrow for a finger on a telephone of 320 pixels.
pub(super) const BARS_MAX: u32 = 11;

pub(super) struct Bar {
    /// The label below the bar.
    pub(super) label: String,
    /// The full text, for readers who can't see the bar.
    pub(super) aria_label: String,
    pub(super) calls: usize,
    /// The calls that the upper part shows.
    pub(super) lost: usize,
    /// The link to the list of its calls.
    pub(super) link: String,
}

/// Draws bars in rows of `in_row`, all in one scale.
pub(super) fn bars(l: Language, heading: &str, all: &[Bar], in_row: usize) -> Markup {
    let most = all.iter().map(|bar| bar.calls).max().unwrap_or(0).max(1);
    html! {
        @for row in all.chunks(in_row.max(1)) { (drawn(l, heading, row, (most, in_row))) }
    }
}

fn drawn(l: Language, heading: &str, row: &[Bar], (most, in_row): (usize, usize)) -> Markup {
    let width = 100.0 / in_row as f64;
    let per_cent = |part: f64| format!("{part:.2}%");
    // Labels of many days would overlap.
    let every = row.len().div_ceil(BARS_MAX as usize);
    html! {
        svg role="group" width="100%" height=(TOP + BARS + LETTERS) aria-label=(heading) {
            text x="0" y="10" { (l.number(most)) }
            line.tick x1="0" x2="100%" y1=(TOP) y2=(TOP) {}
            line.tick x1="0" x2="100%" y1=(TOP + BARS) y2=(TOP + BARS) {}
            @for (at, bar) in row.iter().enumerate() {
                @let x = at as f64 * width;
                @let label = html! {
                    @if at % every == 0 {
                        text x=(per_cent(x + width / 2.0)) y=(TOP + BARS + 15) text-anchor="middle" { (bar.label) }
                    }
                };
                @if bar.calls > 0 {
                    a href=(bar.link) aria-label=(bar.aria_label) {
                        rect.touch x=(per_cent(x)) width=(per_cent(width)) y="0" height=(TOP + BARS + LETTERS) {}
                        (stack(bar, most, &per_cent(x + width * 0.15), &per_cent(width * 0.7)))
                        (label)
                    }
                } @else {
                    (label)
                }
            }
        }
    }
}

fn stack(bar: &Bar, most: usize, x: &str, width: &str) -> Markup {
    let height = |calls: usize| match calls {
        0 => 0,
        // One call among thousands stays visible.
        _ => (calls * BARS / most).max(2),
    };
    let (others, lost) = (height(bar.calls - bar.lost), height(bar.lost));
    html! {
        @if others > 0 {
            rect.answered x=(x) width=(width) y=(TOP + BARS - others) height=(others) {}
        }
        @if lost > 0 {
            rect.missed x=(x) width=(width) y=((TOP + BARS).saturating_sub(others + lost)) height=(lost) {}
        }
    }
}

/// Explains the lower and the upper part.
pub(super) fn legend(others: &str, lost: &str) -> Markup {
    html! {
        ul.legend {
            li { svg width="14" height="14" aria-hidden="true" { rect.answered x="1" y="1" width="12" height="12" {} } (others) }
            li { svg width="14" height="14" aria-hidden="true" { rect.missed x="1" y="1" width="12" height="12" {} } (lost) }
        }
    }
}
