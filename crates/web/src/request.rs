//! Reads requests: the segments of the path, and the parameters of the query. Pure.
//!
//! All texts that leave this module are percent-decoded. A text that is not UTF-8, holds a control character
//! or means another folder is refused before any other module sees it.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use calltrace_model::record::id;
use calltrace_store::tree::EnterpriseName;

/// The request is written in a way that no page can be found for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

fn segment(raw: &str) -> Result<String, Malformed> {
    let is_whole = |escape: &str| {
        let digits = escape.as_bytes().first_chunk::<2>();
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !raw.split('%').skip(1).all(is_whole) {
        return Err(Malformed);
    }
    let text = decoded(raw)?;
    let is_wrong = |c: char| c.is_control() || matches!(c, '/' | '\\');
    let leaves = matches!(text.as_str(), "." | "..");
    if leaves || text.contains(is_wrong) {
        return Err(Malformed);
    }
    Ok(text)
}

fn decoded(raw: &str) -> Result<String, Malformed> {
    let text = percent_decode_str(raw).decode_utf8();
    text.map(String::from).map_err(|_| Malformed)
}

/// The path of a request, decoded, and its query. The middleware reads it once.
#[derive(Debug, Clone)]
pub(super) struct RequestTarget {
    /// The segments of the path, decoded. `/` has one, which is empty.
    pub(super) path: Vec<String>,
    pub(super) query: Query,
}

impl RequestTarget {
    /// # Errors
    /// Returns an error when a segment of the path is not UTF-8, is `.` or `..`, or holds a slash, a
    /// backslash, a control character or a percent sign without its two digits.
    pub(super) fn read(path: &str, query: Option<&str>) -> Result<RequestTarget, Malformed> {
        let path = path.strip_prefix('/').ok_or(Malformed)?;
        Ok(RequestTarget {
            path: path.split('/').map(segment).collect::<Result<_, _>>()?,
            query: Query::new(query),
        })
    }

    /// Returns the call that `/call/{enterprise}/{unique_id}` names.
    ///
    /// # Errors
    /// Returns an error when one of the two can't be a name.
    pub(super) fn call(&self) -> Result<(EnterpriseName, &str), Malformed> {
        let [_, enterprise, unique_id] = self.path.as_slice() else {
            return Err(Malformed);
        };
        let enterprise = EnterpriseName::new(enterprise).ok_or(Malformed)?;
        match id::is_addressable(unique_id) {
            true => Ok((enterprise, unique_id)),
            false => Err(Malformed),
        }
    }

    /// Returns the enterprise that `/calls/{enterprise}` and `/stats/{enterprise}` name.
    ///
    /// # Errors
    /// Returns an error when it can't be a name.
    pub(super) fn enterprise(&self) -> Result<EnterpriseName, Malformed> {
        match self.path.as_slice() {
            [_, enterprise] => EnterpriseName::new(enterprise).ok_or(Malformed),
            _ => Err(Malformed),
        }
    }
}

/// The parameters of a query, undecoded.
#[derive(Debug, Clone)]
pub(super) struct Query(String);

impl Query {
    /// Takes the text after the question mark.
    pub(super) fn new(raw: Option<&str>) -> Query {
        Query(raw.unwrap_or_default().to_owned())
    }

    /// Returns a parameter as a form encodes it (`+` is a space); `None` if it is missing.
    ///
    /// # Errors
    /// Returns an error when it is given twice, or is not UTF-8.
    pub(super) fn field(&self, name: &str) -> Result<Option<String>, Malformed> {
        let raw = self.only(name)?;
        raw.map(|raw| decoded(&raw.replace('+', " "))).transpose()
    }

    /// Returns a parameter in which `+` stays a plus, because tokens are often put into links as they are.
    ///
    /// # Errors
    /// Returns an error when it is given twice, or is not UTF-8.
    pub(super) fn verbatim(&self, name: &str) -> Result<Option<String>, Malformed> {
        self.only(name)?.map(decoded).transpose()
    }

    fn only(&self, name: &str) -> Result<Option<&str>, Malformed> {
        // A name that is percent-encoded is the same parameter.
        let is_it = |key: &str| percent_decode_str(key).eq(name.bytes());
        let mut found = self.pairs().filter(|(key, _)| is_it(key));
        let first = found.next();
        match found.next() {
            Some(_) => Err(Malformed),
            None => Ok(first.map(|(_, value)| value)),
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }
}

/// Encodes a text as the value of a parameter.
pub(super) fn in_query(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The characters of a path's segment that are not encoded.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// Encodes a text as a segment of a path. ASCII ids as Asterisk makes them stay as they are.
pub(super) fn in_path(text: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(text, PLAIN)
}

/// Returns the beginning of a path that is safe to log: it ends before any character that could split a line,
/// and before a parameter that was pasted without its question mark.
pub(super) fn loggable(path: &str) -> String {
    const BYTES_MAX: usize = 200;
    let plain = |b: u8| id::is_id_byte(b) || b == b'/';
    let end = path.bytes().position(|b| !plain(b)).unwrap_or(path.len());
    let cut = end.min(BYTES_MAX);
    let more = if cut < path.len() { "..." } else { "" };
    format!("{}{more}", &path[..cut])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(path: &str) -> Result<RequestTarget, Malformed> {
        RequestTarget::read(path, None)
    }

    fn call_named(path: &str) -> Result<(EnterpriseName, String), Malformed> {
        let target = read(path)?;
        target
            .call()
            .map(|(enterprise, id)| (enterprise, id.to_owned()))
    }

    #[test]
    fn a_call_is_named_by_its_enterprise_and_id() {
        let (enterprise, id) = call_named("/call/0367/1764493655.61").expect("it is right");
        assert_eq!(
            (enterprise.as_str(), id.as_str()),
            ("0367", "1764493655.61")
        );
        assert!(call_named("/call/03%367/1764493655%2E61").is_ok());
    }

    #[test]
    fn a_call_of_an_odd_id_is_named_by_it_percent_encoded() {
        for (path, wanted) in [
            ("PBX%201-1764666900.20", "PBX 1-1764666900.20"),
            ("PBX%201-%317%364666900%2e20", "PBX 1-1764666900.20"),
            ("%D0%B7%d0%b2-1.1", "зв-1.1"),
            ("зв-1.1", "зв-1.1"),
            ("%25%3f%23%26%22%3c", "%?#&\"<"),
        ] {
            let named = call_named(&format!("/call/0367/{path}"));
            assert_eq!(named.map(|(_, id)| id), Ok(wanted.to_owned()), "{path}");
        }
        assert_eq!(in_path("зв 1/..%").to_string(), "%D0%B7%D0%B2%201%2F..%25");
        assert_eq!(in_path("PBX-1_a-1.61").to_string(), "PBX-1_a-1.61");
        for path in [
            "%20",
            "%201.1",
            "1.1%20",
            "a%7C1",
            "abc",
            "None",
            "%EF%BF%BD1",
            "1.1%",
            "1.1%4",
        ] {
            assert_eq!(
                call_named(&format!("/call/0367/{path}")),
                Err(Malformed),
                "{path}"
            );
        }
    }

    #[test]
    fn a_path_that_leaves_its_folder_is_refused() {
        let long = format!("/call/0367/{}", "1".repeat(5000));
        for path in [
            "/call/../1.1",
            "/call/%2e%2e/1.1",
            "/call/0367/..",
            "/call/0367/.",
            "/call/0367/%2e%2E",
            "/call/0367/1%00.1",
            "/call/0367/1%2f.1",
            "/call/0367/1%5c.1",
            "/call/0367/1%ff.1",
            "/call/0367/1%0a.1",
            "/call/0367/%2",
            "/call/0367/",
            "/call//1.1",
            "/call/-rf/1.1",
            "/call/0367/1.1/x",
            "call/0367/1.1",
            long.as_str(),
        ] {
            assert_eq!(call_named(path), Err(Malformed), "{path}");
        }
    }

    #[test]
    fn a_parameter_that_is_there_twice_is_refused() {
        let query = Query::new(Some("token=a&lang=ru&tok%65n=b"));
        assert_eq!(query.verbatim("token"), Err(Malformed));
        assert_eq!(query.field("lang"), Ok(Some("ru".to_owned())));
        assert_eq!(query.field("sig"), Ok(None));
    }

    #[test]
    fn a_plus_in_a_token_stays_a_plus() {
        let query = Query::new(Some("token=a+b%2Bc%20d&q=a+b&flag&&=x&bad=%ff"));
        assert_eq!(query.verbatim("token"), Ok(Some("a+b+c d".to_owned())));
        assert_eq!(query.field("q"), Ok(Some("a b".to_owned())));
        assert_eq!(query.field("flag"), Ok(Some(String::new())));
        assert_eq!(query.field("bad"), Err(Malformed));
        assert_eq!(Query::new(None).field("q"), Ok(None));
    }

    #[test]
    fn a_token_without_its_question_mark_is_not_logged() {
        for path in [
            "/call/0367/1.1&token=s3cret",
            "/call/0367/1.1%3Ftoken=s3cret",
            "/call/0367/1.1;token=s3cret",
        ] {
            assert_eq!(loggable(path), "/call/0367/1.1...", "{path}");
        }
        assert_eq!(loggable("/calls/0367"), "/calls/0367");
        assert_eq!(loggable(&"/a".repeat(500)).len(), 203);
    }

    proptest! {
        #[test]
        fn no_path_breaks_the_parser_or_yields_an_invalid_name(path in "/(call|calls)?[/%.a-zA-Z0-9\\\\ ~а-я-]{0,60}") {
            if let Ok((enterprise, id)) = call_named(&path) {
                prop_assert!(EnterpriseName::new(enterprise.as_str()).is_some());
                prop_assert!(id::is_addressable(&id));
                let again = format!("/call/{enterprise}/{}", in_path(&id));
                prop_assert_eq!(call_named(&again), Ok((enterprise, id)));
            }
            let read = read(&path);
            let _ = read.as_ref().map(RequestTarget::enterprise);
            for segment in read.map(|target| target.path).unwrap_or_default() {
                prop_assert!(segment != ".." && !segment.contains(['/', '\\', '\0']));
            }
            prop_assert!(loggable(&path).is_ascii());
        }

        #[test]
        fn an_encoded_value_is_decoded_to_itself(value in "\\PC{0,40}", other in "[a-z]{1,5}") {
            let encoded = in_query(&value);
            let raw = format!("x{other}=1&token={encoded}&y{other}");
            let query = Query::new(Some(&raw));
            prop_assert_eq!(query.verbatim("token"), Ok(Some(value.clone())));
            prop_assert_eq!(query.field("token"), Ok(Some(value)));
        }

        #[test]
        fn no_query_breaks_the_parser(raw in "[&=%+a-f0-9token]{0,60}") {
            let query = Query::new(Some(&raw));
            let _ = (query.field("token"), query.verbatim("token"));
        }
    }
}
