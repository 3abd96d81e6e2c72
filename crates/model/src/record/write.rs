//! [`Record`] fields -> line.
//!
//! The format escapes nothing, so not everything can be written. A line is written only if
//! [`Record::parse`] reads it back as the same fields; anything else is refused, never altered.

use super::{Ast, Body, Http, Record, Sql, Stamp, Tg};

/// Why a record can't be written as one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// A field holds a line feed, which would end the record.
    #[error("a field holds a line feed; flatten it first")]
    LineFeed,
    /// The line would be read back as other fields.
    #[error("the fields would be read back as others; a pipe or a malformed body is in the way")]
    Ambiguous,
    /// An unparsed line has no fields to write.
    #[error("an unparsed line can't be written")]
    Unparsed,
}

/// Appends the record's line, newline included, to `out`. On error `out` is as it was.
///
/// # Errors
/// [`Unwritable`] when no line reads back as these fields.
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

/// Text as the field's writer puts it into a record: line feeds become spaces, carriage returns go.
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
    match *body {
        Body::Ast(Ast {
            legacy,
            event,
            uid,
            json,
        }) if legacy => put(&[event, uid, json]),
        Body::Ast(Ast {
            event, uid, json, ..
        }) => put(&[b"AST", event, uid, json]),
        Body::Tg(Tg {
            action,
            chat,
            msg_type,
            msg_id,
            uid,
            text,
        }) => put(&[b"TG", action, chat, msg_type, msg_id, uid, text]),
        Body::Http(Http {
            uid,
            method,
            url,
            status,
            request,
            response,
        }) => put(&[b"HTTP", uid, method, url, status, request, response]),
        Body::Sql(Sql {
            uid,
            query_type,
            table,
            params,
            result,
        }) => put(&[b"SQL", uid, query_type, table, params, result]),
        Body::Unparsed => return Err(Unwritable::Unparsed),
    }
    Ok(())
}
