//! The lower lines of a terminal, written over again and again.
//!
//! What is permanent scrolls out above them. No alternate screen: all stays readable when the
//! command has ended.

use crate::cmd::talk::Out;
use calltrace_output::CallLine;
use calltrace_store::error::Error;

const HIDE_CURSOR: &[u8] = b"\x1b[?25l";
const SHOW_CURSOR: &[u8] = b"\x1b[?25h";
const ERASE_BELOW: &[u8] = b"\x1b[J";

/// A terminal with rows at its lower end, without a cursor from the first drawing on. Whatever ends
/// the command, it shows again.
pub(super) struct Screen {
    out: Out,
    /// Columns of the rows that were drawn last.
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

    /// Columns that a row fits in, and how many rows fit.
    pub(super) fn room(&self) -> (usize, usize) {
        let (columns, lines) = self.out.size().unwrap_or((80, 24));
        // The cursor stands below the last row.
        (columns.max(1), lines.saturating_sub(1).max(1))
    }

    /// Writes permanent lines, and under them the rows as they are now, which must fit in the width.
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

    /// Lines that the rows take now: a terminal that became narrower has broken them.
    fn height(&self, width: usize) -> usize {
        let lines = |columns: &usize| columns.div_ceil(width).max(1);
        self.drawn.iter().map(lines).sum()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nobody can be told when that fails.
        let _ = self.out.bytes(|out| out.write_all(SHOW_CURSOR));
    }
}
