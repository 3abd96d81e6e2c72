//! The address under which people reach the pages.

use std::fmt;

/// The beginning of every link: scheme, host, maybe a port and a folder, without a slash at the end.
///
/// The proxy removes a folder before it passes a request on, and signatures do not cover it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Reads `https://bot.example.org`, `http://127.0.0.1:8026`, `https://example.org/details/`.
    ///
    /// # Errors
    /// Returns what is wrong with the address, for the person who typed it.
    pub fn parse(typed: &str) -> Result<PublicUrl, String> {
        let url = typed.trim().trim_end_matches('/');
        let rest = ["https://", "http://"]
            .iter()
            .find_map(|scheme| url.strip_prefix(scheme));
        let is_plain = |rest: &&str| {
            !rest.is_empty() && !rest.starts_with(['/', ':']) && rest.bytes().all(is_url_byte)
        };
        match rest.filter(is_plain) {
            Some(_) => Ok(PublicUrl(url.to_owned())),
            // A password may be before an `@`, a token after a `?`.
            None if url.contains(['@', '?']) => Err(
                "no address of a site that links may show; it is like https://bot.example.org, \
                 without a user, a password and a query"
                    .to_owned(),
            ),
            None => Err(format!(
                "{typed:?} is not the address of a site, such as https://bot.example.org"
            )),
        }
    }

    /// Returns the address of a path, which begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `@` is not allowed because a link must not hold a password, `?` and `#` because a path follows.
fn is_url_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b".-_~:/[]%".contains(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_is_not_doubled() {
        let url = PublicUrl::parse("https://bot.example.org/details/").expect("it is right");
        assert_eq!(
            url.join("/call/1/2"),
            "https://bot.example.org/details/call/1/2"
        );
    }

    #[test]
    fn a_password_in_an_address_is_refused_without_showing_it() {
        let message = PublicUrl::parse("https://user:s3cret@host").expect_err("it has a password");
        assert!(!message.contains("s3cret"), "{message}");
    }

    #[test]
    fn an_address_that_is_not_the_beginning_of_a_link_is_refused() {
        for wrong in [
            "",
            "bot.example.org",
            "https://",
            "https:///x",
            "http://:80",
            "ftp://x",
            "https://user:password@x",
            "https://x/?a=b",
            "https://x y",
        ] {
            assert!(PublicUrl::parse(wrong).is_err(), "{wrong}");
        }
    }
}
