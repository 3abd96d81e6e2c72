//! Records for people, one after the other as they come.

use std::io::{self, Write};

use chrono::NaiveDate;
use unicode_width::UnicodeWidthStr;

use super::layout::{RECORD_LINES_MAX, kind_column, room, wrapped_painted};
use super::timeline::line_text;
use super::{Clock, Marker, Secrets, style, words};
use calltrace_model::call::Fact;
use calltrace_model::record::{Place, Record, Stamp};
use calltrace_model::sanitise::sanitise;

/// Nearly every id is as long or shorter, `1764666900.12345`.
const ID_WIDTH: usize = 16;

/// A record to be shown, with its position.
#[derive(Debug, Clone, Copy)]
pub struct StreamRecord<'r> {
    /// The enterprise.
    pub enterprise: &'r str,
    /// The file's name.
    pub file: &'r str,
    /// Content offset of the line.
    pub offset: u64,
    /// Its time; of a line without one that of the line before.
    pub at: Stamp,
    /// Its bytes, without the newline.
    pub text: &'r [u8],
}

/// How much is shown of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordDetail {
    /// Its words in one line of the screen, cut with `…`.
    Line,
    /// Its words in a few lines of the screen, cut with `…`.
    Few,
    /// All of its words.
    Words,
    /// All that was logged, except the time before it.
    Whole,
}

/// Lines of records. Knows which day was shown last.
#[derive(Debug)]
pub struct RecordStream {
    clock: Clock,
    /// Columns of the enterprise's name; `None` if only one can appear.
    name_width: Option<usize>,
    detail: RecordDetail,
    marker: Option<Marker>,
    /// The Tokens that the answer states; `None` for those that each record states itself.
    secrets: Option<Secrets>,
    /// Day and offset that were written last.
    head: Option<(NaiveDate, i32)>,
}

impl RecordStream {
    /// A stream of records. If `name_width` is given, each is shown with its enterprise in so many columns or more.
    pub fn new(clock: Clock, name_width: Option<usize>) -> RecordStream {
        RecordStream {
            clock,
            name_width,
            detail: RecordDetail::Few,
            marker: None,
            secrets: None,
            head: None,
        }
    }

    /// The stream, which shows so much of each record; without this call it shows [`RecordDetail::Few`].
    #[must_use]
    pub fn showing(self, detail: RecordDetail) -> RecordStream {
        RecordStream { detail, ..self }
    }

    /// The stream, which marks what `marker` finds, and shows it if the words of a record don't.
    #[must_use]
    pub fn marking(self, marker: Marker) -> RecordStream {
        RecordStream {
            marker: Some(marker),
            ..self
        }
    }

    /// The stream, which masks these Tokens.
    #[must_use]
    pub fn masking(self, secrets: Secrets) -> RecordStream {
        RecordStream {
            secrets: Some(secrets),
            ..self
        }
    }

    /// Writes a record in words: its time, the enterprise, the leg's id, its kind, what happened; before it the day, if
    /// it differs from that of the record before. `width` is what it should fit in; `None` for any width.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn write(
        &mut self,
        out: &mut impl Write,
        shown: &StreamRecord<'_>,
        width: Option<usize>,
    ) -> io::Result<()> {
        self.write_after_lead(out, "", shown, width)
    }

    /// Writes a record as [`RecordStream::write`] does, with `lead` before the time.
    pub(super) fn write_after_lead(
        &mut self,
        out: &mut impl Write,
        lead: &str,
        shown: &StreamRecord<'_>,
        width: Option<usize>,
    ) -> io::Result<()> {
        self.day(out, shown.at)?;
        let record = Record::parse(shown.text);
        let uid = sanitise(record.uid());
        let id = format!("{uid:<ID_WIDTH$}");
        let name = match self.name_width {
            Some(width) => format!("{:<width$}  ", shown.enterprise),
            None => String::new(),
        };
        write!(
            out,
            "{lead}{}  {}{}  {}  ",
            self.clock.time_millis(shown.at),
            style::named(shown.enterprise.as_bytes(), &name),
            style::named(record.uid(), &id),
            kind_column(record.kind()),
        )?;
        let indent = lead.width() + 12 + 2 + name.width() + id.width() + 2 + 4 + 2;
        let own = || Secrets::of_lines(std::iter::once(shown.text));
        let own = self.secrets.is_none().then(own);
        let masked = |text: &str| {
            let secrets = self.secrets.as_ref().or(own.as_ref());
            secrets.map_or_else(
                || text.to_owned(),
                |secrets| secrets.mask(text).into_owned(),
            )
        };
        let whole = || {
            let time_end = record.at.map_or(0, |_| Stamp::BYTES);
            let text = shown.text.get(time_end..).unwrap_or_default();
            masked(&line_text(text.strip_prefix(b"|").unwrap_or(text)))
        };
        let what = match self.detail {
            RecordDetail::Whole => whole(),
            _ => {
                let fact = Fact::of(&record, shown.at, Place::default());
                masked(&words::record(&record, &fact))
            }
        };
        let what = match (&self.marker, self.detail) {
            (Some(marker), RecordDetail::Line) => {
                let room = width.map(|width| room(indent, width).unwrap_or(width));
                marker.shown(what, &whole(), room)
            }
            _ => what,
        };
        let lines = match self.detail {
            RecordDetail::Line => 1,
            RecordDetail::Few => RECORD_LINES_MAX,
            RecordDetail::Words | RecordDetail::Whole => usize::MAX,
        };
        wrapped_painted(out, &what, indent, width, lines, |part| {
            let marker = self.marker.as_ref();
            marker.map_or_else(|| part.to_owned(), |marker| marker.paint(part))
        })
    }

    fn day(&mut self, out: &mut impl Write, at: Stamp) -> io::Result<()> {
        let head = self.clock.day_and_offset(at);
        if self.head.replace(head) == Some(head) {
            return Ok(());
        }
        let line = format!("--- {} ({})", head.0, self.clock.zone(at));
        writeln!(out, "{}", style::faint(&line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calltrace_model::record::LogZone;
    use calltrace_model::record::Zone;

    const DIAL: &str = "2025-12-02 20:59:59,900|AST|dial|1764666900.61|{\"Phone\": \"375290001234\", \"Extensions\": [\"150\", \"151\"], \"CallType\": 0, \"Trunk\": \"0001363\"}";
    const SENT: &str =
        "2025-12-02 21:00:00,100|TG|send|100000001|dial|45001|1764666900.61|a\u{1b}[2Jb token=c";

    fn stream(name_width: Option<usize>) -> RecordStream {
        let clock = Clock {
            log: LogZone::default(),
            shown: Zone::named("Europe/Minsk").expect("a zone"),
        };
        RecordStream::new(clock, name_width)
    }

    fn write(stream: &mut RecordStream, line: &str, width: Option<usize>) -> String {
        let record = StreamRecord {
            enterprise: "0367",
            file: "events.log",
            offset: 0,
            at: Stamp::parse_prefix(line.as_bytes()).expect("a time"),
            text: line.as_bytes(),
        };
        let mut out = Vec::new();
        stream.write(&mut out, &record, width).expect("into memory");
        style::plain(&String::from_utf8(out).expect("UTF-8"))
    }

    #[test]
    fn a_new_day_is_written_once_in_the_displayed_zone() {
        let mut stream = stream(Some(4));
        let first = write(&mut stream, DIAL, None);
        assert_eq!(
            first,
            "--- 2025-12-02 (Europe/Minsk, UTC+03:00)\n\
             23:59:59.900  0367  1764666900.61     AST   rings 150, 151 for +375 29 000-12-34 over line 0001363\n"
        );
        let next = write(&mut stream, SENT, None);
        assert_eq!(
            next,
            "--- 2025-12-03 (Europe/Minsk, UTC+03:00)\n\
             00:00:00.100  0367  1764666900.61     TG    sent dial 45001 to 100000001: a\\u{1b}[2Jb token=***\n"
        );
        assert!(!write(&mut stream, SENT, None).contains("---"));
    }

    #[test]
    fn a_long_text_takes_a_few_lines_and_all_of_them_only_when_it_is_asked_for() {
        let long = format!("{SENT}{}", " word".repeat(200));
        let lines = |detail: RecordDetail| {
            let mut stream = stream(None).showing(detail);
            write(&mut stream, SENT, None);
            let written = write(&mut stream, &long, Some(80));
            (written.lines().count(), written.contains('…'))
        };
        assert_eq!(lines(RecordDetail::Line), (1, true));
        assert_eq!(lines(RecordDetail::Few), (3, true));
        let (all, is_cut) = lines(RecordDetail::Words);
        assert!(all > 20 && !is_cut, "{all}");
    }

    #[test]
    fn a_whole_record_has_one_clock_and_no_token() {
        let mut stream = stream(None).showing(RecordDetail::Whole);
        let line = DIAL.replace("{\"Phone\"", "{\"Token\": \"375290000000\", \"Phone\"");
        let written = write(&mut stream, &line, None);
        let record = written.lines().next_back().unwrap_or_default();
        assert!(
            record.starts_with("23:59:59.900  1764666900.61     AST   AST|dial|1764666900.61|{"),
            "{record}"
        );
        assert!(
            !record.contains("20:59:59") && !record.contains("375290000000"),
            "{record}"
        );
    }

    #[test]
    fn text_stays_in_its_column_or_is_written_under_it_without_room() {
        let mut stream = stream(None);
        write(&mut stream, DIAL, None);
        for width in [30, 50, 70, 90, 200] {
            for line in write(&mut stream, DIAL, Some(width)).lines() {
                assert!(line.width() <= width.max(38), "{width}: {line}");
            }
        }
        let wide = write(&mut stream, DIAL, Some(70));
        let under = " ".repeat(38);
        let folded = format!("rings 150, 151 for +375 29\n{under}000-12-34 over line 0001363\n");
        assert!(wide.ends_with(&folded), "{wide}");
    }
}
