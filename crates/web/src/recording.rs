//! The address of the recording of a call.
//!
//! There are three sources, the most reliable first: PostgreSQL (`calls.call_url`), a record of the call that
//! holds an address on one of the hosts in the settings, and the template in the settings. Only http and
//! https addresses without a user are accepted. An address from a log or a database only becomes a link; no
//! page loads it.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use calltrace_directory::Names;
use calltrace_engine::TracedCall;
use calltrace_model::record::{Body, Record};

/// The longest address (bytes).
const ADDRESS_BYTES_MAX: usize = 2_000;

/// How much of one record is searched for an address (bytes).
const RECORD_BYTES_MAX: usize = 16 << 10;

/// The settings of recordings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recordings {
    /// The template of the address of every call's recording.
    pub template: Option<RecordingUrl>,
    /// Addresses on these hosts in a record are recordings. The names are in lower case, with the port where
    /// they have one.
    pub hosts: Vec<String>,
}

/// The template of a recording's address, with `{unique_id}` or `{uuid}` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingUrl(String);

impl RecordingUrl {
    /// Reads `https://rec.example.org/{unique_id}.mp3`.
    ///
    /// Returns what is wrong with the template, for the person who typed it.
    /// Returns what is wrong with the template, for the person who typed it.
    pub fn parse(typed: &str) -> Result<RecordingUrl, String> {
        let filled = typed.replace("{unique_id}", "1").replace("{uuid}", "1");
        if filled == typed {
            return Err(
                "it must hold {unique_id} or {uuid}, which the call's own replaces".to_owned(),
            );
        }
        match host_of(&filled) {
            Some(_) if !filled.contains(['{', '}']) => Ok(RecordingUrl(typed.to_owned())),
            _ => Err("it must look like https://rec.example.org/{unique_id}.mp3".to_owned()),
        }
    }

    /// Returns the address for one call; `None` if a part of it is not known.
    fn of(&self, unique_id: &str, uuid: Option<&str>) -> Option<String> {
        let mut url = self.0.clone();
        for (place, value) in [("{unique_id}", Some(unique_id)), ("{uuid}", uuid)] {
            if url.contains(place) {
                let value = value.filter(|value| !value.is_empty())?;
                let value = utf8_percent_encode(value, PART).to_string();
                url = url.replace(place, &value);
            }
        }
        Some(url)
    }
}

/// The characters of an id that are not encoded.
const PART: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Recordings {
    /// Reads the name of a host as the settings contain it: `rec.example.org`, `10.0.0.5:8080`.
    ///
    /// # Errors
    /// Returns an error when it is not a host's name.
    pub fn host(typed: &str) -> Result<String, String> {
        match host_of(&format!("https://{typed}/")) {
            Some(host) if host == typed.to_ascii_lowercase() => Ok(host),
            _ => Err("one is like \"rec.example.org\"".to_owned()),
        }
    }

    /// Returns the address of a call's recording; `None` if the call was not answered, or no source has an
    /// address.
    pub(super) fn of(&self, call: &TracedCall, names: &Names) -> Option<String> {
        let s = &call.summary;
        let ids = || std::iter::once(&s.main_uid).chain(s.legs.iter().map(|leg| &leg.uid));
        let stated = ids().find_map(|id| names.recordings.get(id));
        let stated = stated.filter(|url| host_of(url).is_some());
        let uuid = ids().find_map(|id| names.uuids.get(id)).map(String::as_str);
        let made = || {
            let template = self
                .template
                .as_ref()
                .filter(|_| !s.heard.is_empty() && s.ended)?;
            template.of(&s.main_uid, uuid)
        };
        stated.cloned().or_else(|| self.in_log(call)).or_else(made)
    }

    /// Returns the last address in the call's records that is on one of the hosts.
    fn in_log(&self, call: &TracedCall) -> Option<String> {
        if self.hosts.is_empty() {
            return None;
        }
        call.lines.iter().rev().find_map(|line| {
            let record = Record::parse(&line.text);
            let texts = match &record.body {
                Body::Tg(tg) => [tg.text, b""],
                Body::Http(http) => [http.request, http.response],
                _ => return None,
            };
            texts.into_iter().find_map(|text| self.in_text(text))
        })
    }

    fn in_text(&self, text: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(&text[..text.len().min(RECORD_BYTES_MAX)]);
        // JSON may write a slash as `\/`, and the markup of a message may write `&` as `&amp;`.
        let text = text.replace("\\/", "/");
        let mut rest = text.as_str();
        while let Some(at) = rest.find("http") {
            rest = &rest[at..];
            let end = rest
                .find(|c: char| c.is_whitespace() || c.is_control() || "\"'<>\\|`{}".contains(c));
            let address = rest[..end.unwrap_or(rest.len())].replace("&amp;", "&");
            // A text that was cut at its end may hold half an address.
            let is_whole = end.is_some();
            if is_whole && host_of(&address).is_some_and(|host| self.hosts.contains(&host)) {
                return Some(address);
            }
            rest = &rest[4..];
        }
        None
    }
}

/// Returns the host of an http or https address, in lower case and with its port; `None` for any other
/// address, for one with a user, and for a malformed one.
fn host_of(url: &str) -> Option<String> {
    let lower = url.get(..8)?.to_ascii_lowercase();
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| lower.starts_with(scheme))?;
    let rest = &url[scheme.len()..];
    let host = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
    let is_plain = |c: char| c.is_ascii_graphic() && !"\"'<>\\`{}|^".contains(c);
    let is_right = !host.is_empty()
        && !host.starts_with(['.', ':', '-'])
        && host.bytes().all(is_host)
        && url.len() <= ADDRESS_BYTES_MAX
        && url.chars().all(|c| is_plain(c) || c.is_alphanumeric());
    is_right.then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_replaces_only_its_place_in_the_address() {
        let url =
            RecordingUrl::parse("https://rec.example.org/{unique_id}.mp3").expect("it is right");
        let made = url.of("1764666900.61", None);
        assert_eq!(
            made.as_deref(),
            Some("https://rec.example.org/1764666900.61.mp3")
        );
        let odd = url.of("../x?y=\"<", None);
        assert_eq!(
            odd.as_deref(),
            Some("https://rec.example.org/..%2Fx%3Fy%3D%22%3C.mp3")
        );
        let url = RecordingUrl::parse("http://10.0.0.5:8080/r?id={uuid}").expect("it is right");
        assert_eq!(
            url.of("1764666900.61", None),
            None,
            "without a uuid there is none"
        );
        let made = url.of("1", Some("6f9619ff-8b86-d011-b42d-00cf4fc964ff"));
        assert_eq!(
            made.as_deref(),
            Some("http://10.0.0.5:8080/r?id=6f9619ff-8b86-d011-b42d-00cf4fc964ff")
        );
    }

    #[test]
    fn a_template_that_is_not_an_address_of_recordings_is_refused() {
        for wrong in [
            "https://rec.example.org/",
            "ftp://rec.example.org/{unique_id}",
            "javascript:alert({unique_id})",
            "https://user:password@rec.example.org/{unique_id}",
            "https://{unique_id}@x/{uuid}",
            "https://rec.example.org/{unique_id}/{day}",
            "rec.example.org/{unique_id}",
        ] {
            let refusal = RecordingUrl::parse(wrong).expect_err(wrong);
            assert!(!refusal.contains("password"), "{refusal}");
        }
    }

    #[test]
    fn an_address_of_a_record_counts_only_on_a_host_that_is_named() {
        let settings = Recordings {
            template: None,
            hosts: vec!["rec.example.org".to_owned()],
        };
        let found = |text: &str| settings.in_text(text.as_bytes());
        for (text, address) in [
            (
                "<a href=\"https://rec.example.org/a?b=1&amp;c=2\">Запись</a>",
                "https://rec.example.org/a?b=1&c=2",
            ),
            (
                r#"{"record_url": "https:\/\/REC.example.org\/a.mp3"}"#,
                "https://REC.example.org/a.mp3",
            ),
            (
                "http://evil.example/ https://rec.example.org/a ",
                "https://rec.example.org/a",
            ),
        ] {
            assert_eq!(found(text).as_deref(), Some(address), "{text}");
        }
        for text in [
            "https://evil.example/?https://rec.example.org",
            "https://rec.example.org.evil.example/a ",
            "https://rec.example.org@evil.example/a ",
            "https://evil.example\\@rec.example.org/a ",
            "javascript:rec.example.org ",
            "https://user:p@rec.example.org/a ",
            "https://rec.example.org/cut-at-its-e",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn a_host_is_a_name_and_maybe_a_port() {
        assert_eq!(
            Recordings::host("Rec.example.org:8080").as_deref(),
            Ok("rec.example.org:8080")
        );
        for wrong in ["", "https://x", "x/y", "user@x", "x y", "*"] {
            assert!(Recordings::host(wrong).is_err(), "{wrong}");
        }
    }
}
