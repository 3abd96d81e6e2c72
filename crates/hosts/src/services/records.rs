//! Joins lines of a service's log to records: a first line, and the lines that continue it.
//!
//! `2025-12-02 09:15:00,410 [INFO] logger: message`; some logs name no logger. A line without such a beginning
//! belongs to the record before it. Bytes that are not UTF-8 become U+FFFD; only `\n` ends a line.

use std::io::{self, BufRead};

use calltrace_model::record::Stamp;
use memchr::memchr;

/// The longest text of a record (bytes); the rest is skipped.
pub(super) const TEXT_BYTES_MAX: usize = 32 << 20;

/// A record of a service's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogRecord {
    /// Number of its first line, from 1.
    pub(super) line: u64,
    /// Its time.
    pub(super) at: Stamp,
    /// Whether its level is a warning or higher.
    pub(super) is_warning: bool,
    /// The message with all its lines, without the level and the name of the logger.
    pub(super) text: String,
}

/// Joins lines to records.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    /// Number of lines so far.
    lines: u64,
    begun: Option<PartialRecord>,
    /// Lines before the first record.
    pub(super) stray: u64,
    /// Records of which a part was skipped.
    pub(super) cut: u64,
}

#[derive(Debug)]
struct PartialRecord {
    line: u64,
    at: Stamp,
    is_warning: bool,
    text: Vec<u8>,
    is_cut: bool,
}

impl Splitter {
    /// Reads a line without its newline; returns the record that ended before it.
    pub(super) fn push(&mut self, line: &[u8]) -> Option<LogRecord> {
        self.lines += 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match beginning(line) {
            Some((at, is_warning, text)) => {
                let before = self.rest();
                self.begun = Some(PartialRecord {
                    line: self.lines,
                    at,
                    is_warning,
                    text: text.to_vec(),
                    is_cut: false,
                });
                before
            }
            None => {
                match &mut self.begun {
                    Some(begun) => begun.add(line),
                    None => self.stray += u64::from(!line.is_empty()),
                }
                None
            }
        }
    }

    /// Returns the current record.
    pub(super) fn rest(&mut self) -> Option<LogRecord> {
        let begun = self.begun.take()?;
        self.cut += u64::from(begun.is_cut);
        let text = String::from_utf8(begun.text)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Some(LogRecord {
            line: begun.line,
            at: begun.at,
            is_warning: begun.is_warning,
            text,
        })
    }

    /// Counts lines without reading them.
    pub(super) fn skip_lines(&mut self, lines: u64) {
        self.lines += lines;
    }

    /// Starts at the first line of another file.
    pub(super) fn begin_file(&mut self) {
        self.lines = 0;
    }
}

impl PartialRecord {
    fn add(&mut self, line: &[u8]) {
        match self.text.len() + line.len() < TEXT_BYTES_MAX {
            true => {
                self.text.push(b'\n');
                self.text.extend_from_slice(line);
            }
            false => self.is_cut = true,
        }
    }
}

/// Time, whether it is a warning, and text of a record's first line.
fn beginning(line: &[u8]) -> Option<(Stamp, bool, &[u8])> {
    let at = Stamp::parse_prefix(line)?;
    let rest = line[Stamp::BYTES..].strip_prefix(b" [")?;
    let end = memchr(b']', &rest[..rest.len().min(10)])?;
    let is_warning = match &rest[..end] {
        b"DEBUG" | b"INFO" => false,
        b"WARNING" | b"ERROR" | b"CRITICAL" => true,
        _ => return None,
    };
    let text = &rest[end + 1..];
    Some((at, is_warning, without_logger(text.strip_prefix(b" ")?)))
}

/// The message without the name of the logger: a word, a colon and a space.
fn without_logger(text: &[u8]) -> &[u8] {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
    let name = text.iter().take_while(|b| is_name(b)).count();
    match text[name..].strip_prefix(b": ") {
        Some(message) if name > 0 => message,
        _ => text,
    }
}

/// Reads the next line into `line`, without its newline and at most [`TEXT_BYTES_MAX`] of it. Returns `None` at the
/// end of the file, otherwise whether the line ended with a newline.
///
/// # Errors
/// When the content cannot be read.
pub(super) fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let mut is_empty = true;
    loop {
        let piece = match from.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if piece.is_empty() {
            return Ok((!is_empty).then_some(false));
        }
        is_empty = false;
        let end = memchr(b'\n', piece);
        let text = &piece[..end.unwrap_or(piece.len())];
        let room = TEXT_BYTES_MAX.saturating_sub(line.len());
        line.extend_from_slice(&text[..text.len().min(room)]);
        let taken = text.len() + usize::from(end.is_some());
        from.consume(taken);
        if end.is_some() {
            return Ok(Some(true));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &[u8]) -> (Vec<LogRecord>, Splitter) {
        let (mut splitter, mut found) = (Splitter::default(), Vec::new());
        let (mut from, mut line) = (text, Vec::new());
        while read_line(&mut from, &mut line).expect("memory").is_some() {
            found.extend(splitter.push(&line));
        }
        found.extend(splitter.rest());
        (found, splitter)
    }

    #[test]
    fn lines_belong_to_the_record_before_them() {
        let text = "stray\r\n2025-12-02 09:15:00,410 [INFO] call_tester: one {\r\n  \"a\u{2028}b\"\r\n}\n\
                    2025-12-02 09:15:00,411 [ERROR] \u{274c} two: x\n2025-12-02 09:15:00,411 [NOTE] no record";
        let (found, splitter) = records(text.as_bytes());
        let texts: Vec<&str> = found.iter().map(|record| record.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "one {\n  \"a\u{2028}b\"\n}",
                "\u{274c} two: x\n2025-12-02 09:15:00,411 [NOTE] no record"
            ]
        );
        assert_eq!((found[0].line, found[1].line), (2, 5));
        assert!(!found[0].is_warning && found[1].is_warning);
        assert_eq!(splitter.stray, 1);
    }

    #[test]
    fn invalid_text_and_endless_lines_are_kept_within_bounds() {
        let (found, _) = records(b"2025-12-02 09:15:00,410 [INFO] \xff\xfe");
        assert_eq!(found[0].text, "\u{fffd}\u{fffd}");
        let mut text = b"2025-12-02 09:15:00,410 [INFO] {\n".to_vec();
        text.resize(TEXT_BYTES_MAX * 2, b'x');
        let (found, splitter) = records(&text);
        assert!(found[0].text.len() <= TEXT_BYTES_MAX);
        assert_eq!(splitter.cut, 1);
    }
}
