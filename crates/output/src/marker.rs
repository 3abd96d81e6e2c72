//! Finds the places in a text that match what a record was searched by.

use std::ops::Range;

use super::style;
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::phone::PhoneQuery;
use regex::bytes::Regex;
use unicode_width::UnicodeWidthStr;

/// Columns of a record that are shown before and after a match that its words don't contain.
const AROUND_COLUMNS: usize = 24;

/// Finds the texts and numbers that a filter asks for.
#[derive(Debug, Clone, Default)]
pub struct Marker {
    text: Option<String>,
    regex: Option<Regex>,
    phone: Option<PhoneQuery>,
    /// Whole words: an extension, a line, a chat.
    words: Vec<String>,
}

impl Marker {
    /// A marker for the texts that a filter requires in a record; its kind, event and status are not marked.
    pub fn of(filter: &RecordFilter) -> Marker {
        let words = [&filter.extensions, &filter.trunks, &filter.chats];
        Marker {
            text: filter.text.clone(),
            regex: filter.regex.clone(),
            phone: filter.phone.clone(),
            words: words.into_iter().flatten().cloned().collect(),
        }
    }

    /// The first match at `from` or after it.
    fn find(&self, text: &str, from: usize) -> Option<Range<usize>> {
        let literal = self.text.as_deref().and_then(|wanted| {
            let at = from + text[from..].find(wanted)?;
            Some(at..at + wanted.len())
        });
        let regex = self.regex.as_ref().and_then(|regex| {
            let found = regex.find_at(text.as_bytes(), from)?.range();
            let is_text = text.is_char_boundary(found.start) && text.is_char_boundary(found.end);
            (is_text && !found.is_empty()).then_some(found)
        });
        let words = self
            .words
            .iter()
            .filter_map(|word| find_word(text, word, from));
        let phone = self
            .phone
            .as_ref()
            .and_then(|phone| find_phone(text, phone, from));
        let all = [literal, regex, phone].into_iter().flatten().chain(words);
        all.min_by_key(|found| found.start)
    }

    /// The text with all matches marked by colour.
    pub(super) fn paint(&self, text: &str) -> String {
        let (mut painted, mut at) = (String::new(), 0);
        while let Some(found) = self.find(text, at) {
            painted.push_str(&text[at..found.start]);
            painted.push_str(&style::matched(&text[found.clone()]));
            at = found.end;
        }
        painted + &text[at..]
    }

    /// What is shown of a record in `room` columns (`None` for any number): its words if they contain the
    /// match, otherwise its words and the part of the record that contains the match.
    pub(super) fn shown(&self, words: String, whole: &str, room: Option<usize>) -> String {
        let fits = |end: usize| room.is_none_or(|room| words[..end].width() < room);
        match self.find(&words, 0) {
            Some(found) if fits(found.end) => return words,
            _ => {}
        }
        let Some(found) = self.find(whole, 0) else {
            return words;
        };
        let part = part_around(whole, found);
        let left = room.map(|room| room.saturating_sub(part.width() + 2));
        match left {
            Some(left) if left < AROUND_COLUMNS => part,
            Some(left) => format!("{}  {part}", super::layout::cut(&words, left)),
            None => format!("{words}  {part}"),
        }
    }
}

/// A match with a little text around it.
fn part_around(text: &str, found: Range<usize>) -> String {
    let before: Vec<(usize, char)> = text[..found.start].char_indices().collect();
    let from = before.len().saturating_sub(AROUND_COLUMNS);
    let from = before.get(from).map_or(found.start, |(at, _)| *at);
    let after = text[found.end..].char_indices().nth(AROUND_COLUMNS);
    let to = after.map_or(text.len(), |(at, _)| found.end + at);
    let mark = |is_cut: bool| if is_cut { "…" } else { "" };
    format!(
        "{}{}{}",
        mark(from > 0),
        &text[from..to],
        mark(to < text.len())
    )
}

fn find_word(text: &str, word: &str, from: usize) -> Option<Range<usize>> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let ends = |at: usize| !text[at..].starts_with(is_part);
    let mut found = text.match_indices(word).filter(|(at, _)| *at >= from);
    let (at, _) = found.find(|(at, _)| !text[..*at].ends_with(is_part) && ends(at + word.len()))?;
    Some(at..at + word.len())
}

/// A number as it is written or as we show it, `+375 29 000-12-34`.
fn find_phone(text: &str, phone: &PhoneQuery, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let begins = |at: &usize| is_digit(*at) && !(*at > 0 && is_digit(at - 1));
    (from..bytes.len()).filter(begins).find_map(|start| {
        let mut digits = Vec::new();
        let mut at = start;
        loop {
            while is_digit(at) {
                digits.push(bytes[at]);
                at += 1;
            }
            if phone.matches_digits(&digits) {
                let plus = start > from && bytes[start - 1] == b'+';
                return Some(start - usize::from(plus)..at);
            }
            let is_gap = matches!(bytes.get(at), Some(b' ' | b'-')) && is_digit(at + 1);
            if !is_gap {
                return None;
            }
            at += 1;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(filter: &RecordFilter, text: &str) -> String {
        let marked = Marker::of(filter).paint(text);
        let (open, close) = style::matched("|").split_once('|').map_or_else(
            || unreachable!("the text is in it"),
            |(open, close)| (open.to_owned(), close.to_owned()),
        );
        marked.replace(&open, "[").replace(&close, "]")
    }

    #[test]
    fn a_number_is_marked_as_it_is_written_and_as_it_is_shown() {
        let filter = RecordFilter {
            phone: PhoneQuery::parse("80290001234").ok(),
            ..RecordFilter::default()
        };
        for (text, marked) in [
            (
                "rings 150 for +375 29 000-12-34 over line 1",
                "rings 150 for [+375 29 000-12-34] over line 1",
            ),
            ("/name/375290001234 -> 200", "/name/[375290001234] -> 200"),
            ("375290001235", "375290001235"),
        ] {
            assert_eq!(painted(&filter, text), marked);
        }
    }

    #[test]
    fn texts_and_whole_words_are_marked_everywhere() {
        let filter = RecordFilter {
            text: Some("ring".to_owned()),
            extensions: vec!["15".to_owned()],
            ..RecordFilter::default()
        };
        assert_eq!(
            painted(&filter, "rings 150, 15; rings"),
            "[ring]s 150, [15]; [ring]s"
        );
        let nothing = RecordFilter::default();
        assert_eq!(painted(&nothing, "rings"), "rings");
        let empty = RecordFilter {
            regex: Regex::new("x*").ok(),
            ..RecordFilter::default()
        };
        assert_eq!(painted(&empty, "rings"), "rings");
    }

    #[test]
    fn a_match_that_the_words_do_not_show_is_shown_next_to_them() {
        let filter = RecordFilter {
            text: Some("out-office".to_owned()),
            ..RecordFilter::default()
        };
        let marker = Marker::of(&filter);
        let whole = "AST|new_callerid|1.5|{\"Context\": \"from-out-office\", \"Exten\": \"0001363\", \"Token\": 1}";
        let part = "…|{\"Context\": \"from-out-office\", \"Exten\": \"0001363\"…";
        let shown = |room| marker.shown("caller is 375".to_owned(), whole, room);
        assert!(
            shown(None).starts_with("caller is 375  …"),
            "{}",
            shown(None)
        );
        assert!(
            shown(None).contains("from-out-office"),
            "{} {part}",
            shown(None)
        );
        assert!(shown(Some(60)).width() <= 60 && shown(Some(60)).contains("out-office"));
        let in_words = marker.shown("to out-office".to_owned(), whole, Some(40));
        assert_eq!(in_words, "to out-office");
    }
}
