//! Parses a line into a [`Record`]; finds field boundaries only.

use memchr::{memchr, memchr_iter};

use super::{Ast, Body, Http, Record, Sql, Stamp, Tg, json};

/// The longest status. In practice it is three digits; a writer's `None` or `timeout` must fit as well.
const STATUS_BYTES_MAX: usize = 16;

impl<'a> Record<'a> {
    /// Reads one line (without its newline). It never fails: a line that fits no kind is [`Body::Unparsed`].
    ///
    /// NUL bytes at the front are skipped, so that the record after them is not lost. A truncation under a
    /// writer without O_APPEND leaves such a hole.
    pub fn parse(line: &'a [u8]) -> Record<'a> {
        let nuls = line.iter().take_while(|&&b| b == 0).count();
        let text = &line[nuls..];
        let parsed = Stamp::parse_prefix(text).and_then(|at| {
            let rest = text[Stamp::BYTES..].strip_prefix(b"|")?;
            Some((at, body(rest)?))
        });
        let (at, body) = parsed.map_or((None, Body::Unparsed), |(at, body)| (Some(at), body));
        Record { line, at, body }
    }
}

fn body(rest: &[u8]) -> Option<Body<'_>> {
    let (mark, rest) = cut(rest)?;
    match mark {
        b"AST" => {
            let (event, rest) = cut(rest)?;
            let (uid, json) = cut(rest)?;
            Some(Body::Ast(Ast {
                legacy: false,
                event,
                uid,
                json,
            }))
        }
        b"TG" => {
            let (action, rest) = cut(rest)?;
            let (chat, rest) = cut(rest)?;
            let (msg_type, rest) = cut(rest)?;
            let (msg_id, rest) = cut(rest)?;
            let (uid, text) = cut(rest)?;
            Some(Body::Tg(Tg {
                action,
                chat,
                msg_type,
                msg_id,
                uid,
                text,
            }))
        }
        b"HTTP" => {
            let (uid, rest) = cut(rest)?;
            let (method, rest) = cut(rest)?;
            Some(Body::Http(split_http(uid, method, rest)?))
        }
        b"SQL" => {
            let (uid, rest) = cut(rest)?;
            let (query_type, rest) = cut(rest)?;
            let (table, rest) = cut(rest)?;
            let (params, result) = split_after_json(rest).or_else(|| cut(rest))?;
            Some(Body::Sql(Sql {
                uid,
                query_type,
                table,
                params,
                result,
            }))
        }
        event => legacy(event, rest),
    }
}

/// A line without a mark is accepted only if its event is a name and its body is an object: the old writer
/// wrote nothing else.
fn legacy<'a>(event: &'a [u8], rest: &'a [u8]) -> Option<Body<'a>> {
    let name = !event.is_empty()
        && event
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_');
    let (uid, json) = cut(rest)?;
    (name && json.first() == Some(&b'{')).then_some(Body::Ast(Ast {
        legacy: true,
        event,
        uid,
        json,
    }))
}

/// Splits at the first pipe.
fn cut(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr(b'|', bytes)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

/// `url|status|request|response`, where the URL and both JSONs may hold pipes.
///
/// The URL ends at the first pipe that is followed by a status, a pipe, one whole JSON value and a pipe. A
/// line without such a place (a torn line) is split at its first pipes.
fn split_http<'a>(uid: &'a [u8], method: &'a [u8], rest: &'a [u8]) -> Option<Http<'a>> {
    let http = |url, status, (request, response)| Http {
        uid,
        method,
        url,
        status,
        request,
        response,
    };
    for url_end in memchr_iter(b'|', rest) {
        let after = &rest[url_end + 1..];
        let Some((status, bodies)) = cut(after) else {
            break;
        };
        if status.len() > STATUS_BYTES_MAX || !status.iter().all(u8::is_ascii_alphanumeric) {
            continue;
        }
        // A bare number is a JSON value as well, but more likely a piece of the URL.
        let is_body = matches!(bodies.first(), Some(b'{' | b'[' | b'"'));
        if let Some(pair) = split_after_json(bodies).filter(|_| is_body) {
            return Some(http(&rest[..url_end], status, pair));
        }
    }
    let (url, rest) = cut(rest)?;
    let (status, rest) = cut(rest)?;
    Some(http(url, status, cut(rest)?))
}

/// Splits at the pipe that must follow one whole JSON value.
fn split_after_json(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = json::value_end(rest)?;
    (rest.get(end) == Some(&b'|')).then(|| (&rest[..end], &rest[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Record<'_> {
        Record::parse(line.as_bytes())
    }

    #[test]
    fn a_pipe_inside_json_never_shifts_a_field() {
        let r = parse(
            "2025-12-02 09:15:00,410|AST|start|1764666900.61|{\"Phone\": \"1|2\", \"X\": \"|\"}",
        );
        let Body::Ast(ast) = r.body else {
            panic!("{r:?}")
        };
        assert_eq!(ast.uid, b"1764666900.61");
        assert_eq!(ast.json, b"{\"Phone\": \"1|2\", \"X\": \"|\"}");
    }

    #[test]
    fn legacy_line_is_an_asterisk_event() {
        let r = parse("2025-11-29 09:15:00,410|dial|1764666900.61|{}");
        let Body::Ast(ast) = r.body else {
            panic!("{r:?}")
        };
        assert!(ast.legacy);
        assert_eq!((ast.event, ast.uid), (&b"dial"[..], &b"1764666900.61"[..]));
    }

    #[test]
    fn http_url_and_request_may_hold_pipes() {
        let r = parse(
            "2025-12-02 10:05:44,300|HTTP|1.5|GET|http://h/a|b?x=1|2|200|{\"p\": \"a|b\"}|{\"n\": \"|\"...",
        );
        let Body::Http(http) = r.body else {
            panic!("{r:?}")
        };
        assert_eq!(http.url, b"http://h/a|b?x=1|2");
        assert_eq!(http.status, b"200");
        assert_eq!(http.request, b"{\"p\": \"a|b\"}");
        assert_eq!(http.response, b"{\"n\": \"|\"...");
    }

    #[test]
    fn text_of_a_message_keeps_its_pipes() {
        let r = parse("2025-12-02 10:05:44,300|TG|send|100000001|dial|45001|1.5|a|b||c");
        let Body::Tg(tg) = r.body else {
            panic!("{r:?}")
        };
        assert_eq!(tg.text, b"a|b||c");
    }

    #[test]
    fn record_after_a_nul_run_is_read() {
        let r = parse("\0\0\0\x002025-12-02 10:05:44,300|TG|delete|1|dial|2|1.5|");
        assert!(matches!(r.body, Body::Tg(_)));
    }

    #[test]
    fn junk_is_unparsed() {
        for line in [
            "",
            "|",
            "2025-12-02 10:05:44,300",
            "2025-12-02 10:05:44,300|",
            "2025-12-02 10:05:44,300|AST|start",
            "2025-12-02 10:05:44,300|HTTP|1.5|GET|http://h/|200",
            "2025-13-02 10:05:44,300|AST|start|1.5|{}",
            "2025-12-02 10:05:44,300|Not an event|1.5|{}",
        ] {
            assert_eq!(parse(line).body, Body::Unparsed, "{line}");
        }
    }
}
