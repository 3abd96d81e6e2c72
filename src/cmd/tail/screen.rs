//! The lower lines of a terminal, which are overwritten at each update.
//!
//! Permanent lines scroll out above them. There is no alternate screen, so that everything stays readable after the
//! command has ended.

use crate::cmd::talk::Out;
use calltrace_output::CallLine;
use calltrace_store::error::Error;

const HIDE_CURSOR: &[u8] = b"\x1b[?25l";
const SHOW_CURSOR: &[u8] = b"\x1b[?25h";
const ERASE_BELOW: &[u8] = b"\x1b[J";

/// A terminal with rows at its lower end. The cursor is hidden from the first drawing on, and shown again when the
/// screen is dropped.
pub(super) struct Screen {
    out: Out,
    /// Width of each row of the last drawing (columns).
    drawn: Vec<usize>,
}

impl Screen {
    pub(super) fn new(out: Out) -> Screen {
        let drawn = Vec::new();
        Screen { out, drawn }
    }

    pub(super) fn out(&self) -> &Out {
        &self.out
    }

    /// The maximum columns of a row, and the maximum number of rows.
    pub(super) fn room(&self) -> (usize, usize) {
        let (columns, lines) = self.out.size().unwrap_or((80, 24));
        // The cursor is below the last row.
        (columns.max(1), lines.saturating_sub(1).max(1))
    }

    /// Writes permanent lines, and below them the current rows, which must fit in the width.
    pub(super) fn draw(
        &mut self,
        permanent: &[u8],
        rows: &[CallLine],
        width: usize,
    ) -> Result<(), Error> {
        if permanent.is_empty() && rows.is_empty() && self.drawn.is_empty() {
            return Ok(());
        }
        let text = self.out.dressed(|out| {
            rows.iter()
                .try_for_each(|row| writeln!(out, "{}", row.text))
        })?;
        let up = self.height(width);
        self.drawn = rows.iter().map(|row| row.columns).collect();
        self.out.bytes(|out| {
            out.write_all(HIDE_CURSOR)?;
            match up {
                0 => {}
                up => write!(out, "\r\x1b[{up}A")?,
            }
            out.write_all(ERASE_BELOW)?;
            out.write_all(permanent)?;
            out.write_all(&text)
        })
    }

    /// Number of lines that the drawn rows take now: a terminal that became narrower has wrapped them.
    fn height(&self, width: usize) -> usize {
        let lines = |columns: &usize| columns.div_ceil(width).max(1);
        self.drawn.iter().map(lines).sum()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // `drop` has no way to report an error.
        let _ = self.out.bytes(|out| out.write_all(SHOW_CURSOR));
    }
}
