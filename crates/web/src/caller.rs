//! Tells who sends a request: a program on this host, a client with a token, or a stranger. Pure.
//!
//! A loopback address is not enough: a proxy on this host passes on requests of strangers, and a browser on
//! this host sends requests that any web page makes it send. So a request that has forwarding headers, comes
//! from a web page or names another host is not a local program's. A request of HTTP/1.0 is not one either:
//! proxies that add no headers use it, programs do not. A proxy that adds nothing and speaks HTTP/1.1 can't
//! be distinguished from a program; it must not pass these paths on.

use std::net::IpAddr;

use axum::http::Version;
use axum::http::header::{
    AUTHORIZATION, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, VIA,
};

/// Headers that proxies add.
const FORWARDING: [HeaderName; 7] = [
    FORWARDED,
    VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("cf-connecting-ip"),
];

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The sender of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Caller<'h> {
    /// A program on this host.
    Local,
    /// A client that sends this token, which alone decides.
    Bearer(&'h str),
    /// A sender that may not use the API; holds the reason.
    Stranger(&'static str),
}

/// Classifies a request by the peer of its connection, the version and host of its request line, and its
/// headers.
pub(super) fn caller<'h>(
    peer: Option<IpAddr>,
    (version, authority): (Version, Option<&str>),
    headers: &'h HeaderMap,
) -> Caller<'h> {
    match bearer(headers) {
        Ok(None) => {}
        Ok(Some(token)) => return Caller::Bearer(token),
        Err(why) => return Caller::Stranger(why),
    }
    if !peer.is_some_and(|peer| peer.to_canonical().is_loopback()) {
        return Caller::Stranger("the API is for programs on its own host; others need a token");
    }
    let is_old = version < Version::HTTP_11;
    if is_old || FORWARDING.iter().any(|name| headers.contains_key(name)) {
        return Caller::Stranger("a request that was forwarded needs a token");
    }
    let site = headers.get(FETCH_SITE).map(HeaderValue::as_bytes);
    let from_elsewhere = site.is_some_and(|site| site != b"none" && site != b"same-origin");
    if headers.contains_key(ORIGIN) || from_elsewhere {
        return Caller::Stranger("a request that a web page sends needs a token");
    }
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    let is_ours = host.is_some_and(is_this_host) && authority.is_none_or(is_this_host);
    if !is_ours || hosts.next().is_some() {
        return Caller::Stranger(
            "without a token the API answers only requests to localhost or 127.0.0.1",
        );
    }
    Caller::Local
}

/// Returns the token. An authorization of another scheme than `Bearer` is ignored.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, &'static str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let Some(first) = all.next() else {
        return Ok(None);
    };
    if all.next().is_some() {
        return Err("there is more than one Authorization");
    }
    let unreadable = "Authorization must be \"Bearer TOKEN\"";
    let text = first.to_str().map_err(|_| unreadable)?;
    let (scheme, token) = text.split_once(' ').ok_or(unreadable)?;
    match scheme.eq_ignore_ascii_case("bearer") {
        true => Ok(Some(token.trim())),
        false => Err(unreadable),
    }
}

/// `localhost`, `127.0.0.1` or `[::1]`, with or without a port.
fn is_this_host(text: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    let name = match text.rsplit_once(':') {
        Some((name, port)) if is_port(port) && !name.ends_with(':') => name,
        _ => text,
    };
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let is_loopback = |name: &str| name.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
    name.eq_ignore_ascii_case("localhost") || is_loopback(bare.unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: (Version, Option<&str>) = (Version::HTTP_11, None);

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in given {
            map.append(*name, value.parse().expect("it is right"));
        }
        map
    }

    fn is_local(peer: &str, given: &[(&'static str, &str)]) -> bool {
        let peer = peer.parse().expect("it is right");
        caller(Some(peer), PLAIN, &headers(given)) == Caller::Local
    }

    #[test]
    fn a_program_on_this_host_needs_no_token() {
        for peer in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            for host in [
                "localhost:8026",
                "127.0.0.1:8026",
                "[::1]:8026",
                "LocalHost",
                "127.0.0.1",
                "[::1]",
            ] {
                assert!(is_local(peer, &[("host", host)]), "{peer} {host}");
            }
        }
    }

    #[test]
    fn a_request_that_this_host_only_passed_on_needs_a_token() {
        let ours = ("host", "localhost:8026");
        for given in [
            ("x-forwarded-for", "127.0.0.1"),
            ("x-real-ip", "127.0.0.1"),
            ("forwarded", "for=127.0.0.1"),
            ("via", "1.1 proxy"),
            ("x-forwarded-proto", "https"),
            ("origin", "http://localhost:8026"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("authorization", "Basic dTpw"),
            ("authorization", "Bearer"),
            ("host", "localhost"),
        ] {
            assert!(!is_local("127.0.0.1", &[ours, given]), "{given:?}");
        }
        assert!(is_local("127.0.0.1", &[ours, ("sec-fetch-site", "none")]));
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "[::1",
            "",
            "2130706433",
            "localhost@evil.example:80",
        ] {
            assert!(!is_local("127.0.0.1", &[("host", host)]), "{host}");
        }
        assert!(!is_local("127.0.0.1", &[]));
        assert!(!is_local("192.0.2.1", &[ours]));
        assert_ne!(caller(None, PLAIN, &headers(&[ours])), Caller::Local);
        let peer = Some(IpAddr::from([127, 0, 0, 1]));
        let given = headers(&[ours]);
        let old = caller(peer, (Version::HTTP_10, None), &given);
        assert!(
            matches!(old, Caller::Stranger(_)),
            "a proxy that says nothing of itself"
        );
        assert_ne!(
            caller(
                peer,
                (Version::HTTP_11, Some("evil.example")),
                &headers(&[ours])
            ),
            Caller::Local
        );
    }

    #[test]
    fn a_token_decides_alone() {
        let given = headers(&[
            ("authorization", "bearer  s3cret "),
            ("x-real-ip", "192.0.2.1"),
        ]);
        assert_eq!(caller(None, PLAIN, &given), Caller::Bearer("s3cret"));
        let twice = headers(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]);
        assert!(matches!(caller(None, PLAIN, &twice), Caller::Stranger(_)));
    }
}
