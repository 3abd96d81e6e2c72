//! Text in columns: padded, cut, broken.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::style;
use calltrace_model::record::KindName;

/// The kind of a record, in four columns.
pub(super) fn kind_column(kind: KindName) -> String {
    let text = format!(
        "{:<4}",
        match kind {
            KindName::Ast => "AST",
            KindName::Tg => "TG",
            KindName::Http => "HTTP",
            KindName::Sql => "SQL",
            KindName::Unparsed => "?",
        }
    );
    match kind {
        KindName::Ast => text,
        KindName::Unparsed => style::doubtful(&text),
        _ => style::faint(&text),
    }
}

/// A record takes at most this many lines of a screen, unless all of it is asked for.
pub(super) const RECORD_LINES_MAX: usize = 3;

/// Writes text, broken at spaces so that it fits, further lines under the first.
pub(super) fn wrapped(
    out: &mut impl Write,
    text: &str,
    indent: usize,
    width: Option<usize>,
) -> io::Result<()> {
    wrapped_at_most(out, text, indent, width, usize::MAX)
}

/// Writes text as [`wrapped`] does, in at most `lines` lines; what is left out is marked with `…`.
pub(super) fn wrapped_at_most(
    out: &mut impl Write,
    text: &str,
    indent: usize,
    width: Option<usize>,
    lines: usize,
) -> io::Result<()> {
    wrapped_painted(out, text, indent, width, lines, str::to_owned)
}

/// Columns for text after `indent` others; `None` if that is too narrow to keep the column.
pub(super) fn room(indent: usize, width: usize) -> Option<usize> {
    Some(width.saturating_sub(indent)).filter(|room| *room >= 24)
}

/// Writes text as [`wrapped_at_most`] does, each line painted once it is cut.
pub(super) fn wrapped_painted(
    out: &mut impl Write,
    text: &str,
    indent: usize,
    width: Option<usize>,
    lines: usize,
    paint: impl Fn(&str) -> String,
) -> io::Result<()> {
    let Some(room) = width.and_then(|width| room(indent, width)) else {
        // Too narrow to keep the column: the rest goes under the beginning.
        return match width {
            Some(width) if indent + text.width() > width => {
                writeln!(out)?;
                for part in at_most(pieces(text, width.saturating_sub(4).max(20)), lines) {
                    writeln!(out, "    {}", paint(&part))?;
                }
                Ok(())
            }
            _ => writeln!(out, "{}", paint(text)),
        };
    };
    for (i, part) in at_most(pieces(text, room), lines).iter().enumerate() {
        if i > 0 {
            write!(out, "{}", " ".repeat(indent))?;
        }
        writeln!(out, "{}", paint(part))?;
    }
    Ok(())
}

fn at_most(mut pieces: Vec<String>, lines: usize) -> Vec<String> {
    if pieces.len() > lines {
        pieces.truncate(lines);
        if let Some(last) = pieces.last_mut() {
            // The mark takes the place of the last sign: the line is full.
            last.pop();
            last.push('…');
        }
    }
    pieces
}

/// Text broken at spaces into lines of `room` columns; a longer word is broken as well.
pub(super) fn pieces(text: &str, room: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        if used > 0 && used + word.trim_end().width() > room {
            pieces.push(String::new());
            used = 0;
        }
        for c in word.chars() {
            let columns = c.width().unwrap_or(0);
            if used + columns > room && c != ' ' {
                pieces.push(String::new());
                used = 0;
            }
            used += columns;
            pieces.last_mut().expect("begins with one").push(c);
        }
    }
    pieces
        .iter()
        .map(|piece| piece.trim_end().to_owned())
        .collect()
}

/// At most `width` columns: cut with `…` if it is wider.
pub(super) fn cut(text: &str, width: usize) -> String {
    match text.width() <= width {
        true => text.to_owned(),
        false => fit(text, width),
    }
}

/// Exactly `width` columns: padded, or cut with `…`.
pub(super) fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return format!("{text}{}", " ".repeat(width - text.width()));
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in text.chars() {
        let columns = c.width().unwrap_or(0);
        if used + columns + 1 > width {
            break;
        }
        used += columns;
        cut.push(c);
    }
    format!("{cut}…{}", " ".repeat(width.saturating_sub(used + 1)))
}
