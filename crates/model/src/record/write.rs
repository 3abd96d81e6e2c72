//! Writes the fields of a [`Record`] as a line.
//!
//! The format escapes nothing, so some values can't be written. A line is written only if [`Record::parse`]
//! reads it back as the same fields; other fields are refused and never altered.

use super::{Body, Record, Stamp};

/// Why a record can't be written as one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// A field holds a line feed, which would end the record.
    #[error("a field contains a line feed; flatten the text first")]
    LineFeed,
    /// The line would be read back as other fields.
    #[error(
        "the line would be read back as other fields; a field contains a pipe, or the body is malformed"
    )]
    Ambiguous,
    /// An unparsed line has no fields to write.
    #[error("an unparsed line can't be written")]
    Unparsed,
}

/// Appends the line of the record, with its newline, to `out`. On error, `out` is unchanged.
///
/// # Errors
/// [`Unwritable`] when the line would not be read back as these fields.
pub fn line(at: Stamp, body: &Body<'_>, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    let start = out.len();
    push_line(at, body, out)?;
    let written = &out[start..];
    let verdict = if written.contains(&b'\n') {
        Err(Unwritable::LineFeed)
    } else if (Record::parse(written).at, Record::parse(written).body) != (Some(at), *body) {
        Err(Unwritable::Ambiguous)
    } else {
        Ok(())
    };
    match verdict {
        Ok(()) => out.push(b'\n'),
        Err(_) => out.truncate(start),
    }
    verdict
}

/// The text in the form in which existing writers put it into a record: line feeds become spaces, carriage
/// returns are removed.
pub fn flatten(text: &str) -> String {
    text.replace('\n', " ").replace('\r', "")
}

fn push_line(at: Stamp, body: &Body<'_>, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    let mut put = |fields: &[&[u8]]| {
        out.extend_from_slice(at.to_record_text().as_bytes());
        for field in fields {
            out.push(b'|');
            out.extend_from_slice(field);
        }
    };
    match body {
        Body::Ast(ast) if ast.legacy => put(&[ast.event, ast.uid, ast.json]),
        Body::Ast(ast) => put(&[b"AST", ast.event, ast.uid, ast.json]),
        Body::Tg(tg) => put(&[
            b"TG",
            tg.action,
            tg.chat,
            tg.msg_type,
            tg.msg_id,
            tg.uid,
            tg.text,
        ]),
        Body::Http(it) => put(&[
            b"HTTP",
            it.uid,
            it.method,
            it.url,
            it.status,
            it.request,
            it.response,
        ]),
        Body::Sql(sql) => put(&[
            b"SQL",
            sql.uid,
            sql.query_type,
            sql.table,
            sql.params,
            sql.result,
        ]),
        Body::Unparsed => return Err(Unwritable::Unparsed),
    }
    Ok(())
}
