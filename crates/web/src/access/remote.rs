//! The address that a request comes from: the peer of the connection, or the address that a proxy names.
//! Pure.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The address that limits count by; for IPv6 the /64, because one customer has all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RemoteNetwork(IpAddr);

impl RemoteNetwork {
    pub(crate) fn of(address: IpAddr) -> RemoteNetwork {
        match address.to_canonical() {
            IpAddr::V6(six) => {
                let network = six.to_bits() >> 64 << 64;
                RemoteNetwork(IpAddr::V6(Ipv6Addr::from_bits(network)))
            }
            four => RemoteNetwork(four),
        }
    }
}

/// Returns the address that a request comes from. A trusted proxy (loopback, or one of `proxies`) is
/// believed: the rightmost entry of `X-Forwarded-For` that is not a trusted proxy counts, and `X-Real-IP` if
/// that header is missing. Entries further left may be forged by the client.
pub(crate) fn address(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    let ours = |address: &IpAddr| address.is_loopback() || proxies.contains(address);
    let peer = peer.to_canonical();
    if !ours(&peer) {
        return peer;
    }
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut entries = lines
        .flat_map(|line| line.as_bytes().rsplit(|&b| b == b','))
        .map(entry)
        .peekable();
    if entries.peek().is_none() {
        let real = headers.get(REAL_IP).and_then(|line| entry(line.as_bytes()));
        return real.unwrap_or(peer);
    }
    // Entries to the left of one that is not an address can't be trusted.
    let known = entries.map_while(|entry| entry);
    known.into_iter().find(|entry| !ours(entry)).unwrap_or(peer)
}

/// Reads an address, maybe with a port, as proxies write it.
fn entry(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text).ok()?.trim();
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = text.parse::<IpAddr>().ok();
    let address = address
        .or_else(|| {
            text.parse::<SocketAddr>()
                .ok()
                .map(|with_port| with_port.ip())
        })
        .or_else(bare)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("it is right"));
        }
        let proxies = ["10.0.0.5".parse().expect("it is right")];
        address(peer.parse().expect("it is right"), &map, &proxies).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        let forwarded = [("x-forwarded-for", "192.0.2.1"), ("x-real-ip", "192.0.2.1")];
        assert_eq!(from("198.51.100.7", &forwarded), "198.51.100.7");
        assert_eq!(from("::ffff:198.51.100.7", &forwarded), "198.51.100.7");
    }

    #[test]
    fn the_rightmost_entry_of_a_proxy_counts() {
        for (peer, header, wanted) in [
            ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
            ("::1", "192.0.2.1", "192.0.2.1"),
            ("::ffff:127.0.0.1", "192.0.2.1", "192.0.2.1"),
            ("10.0.0.5", "192.0.2.1", "192.0.2.1"),
            ("127.0.0.1", "1.1.1.1, 192.0.2.1", "192.0.2.1"),
            (
                "127.0.0.1",
                "1.1.1.1, 192.0.2.1, 10.0.0.5, 127.0.0.1",
                "192.0.2.1",
            ),
            ("127.0.0.1", "192.0.2.1:4711", "192.0.2.1"),
            ("127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
            ("127.0.0.1", "[2001:db8::1]", "2001:db8::1"),
            ("127.0.0.1", "1.1.1.1, unknown", "127.0.0.1"),
            ("127.0.0.1", "1.1.1.1,", "127.0.0.1"),
            ("127.0.0.1", "", "127.0.0.1"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ] {
            assert_eq!(
                from(peer, &[("x-forwarded-for", header)]),
                wanted,
                "{header}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_of_a_visitor_changes_the_address_of_its_request(
            written in "[ -~\\t]{0,40}",
            spoofed in proptest::prelude::any::<IpAddr>(),
        ) {
            let header = format!("{spoofed}, {written}, 192.0.2.1");
            let forwarded = [("x-forwarded-for", header.as_str()), ("x-real-ip", "192.0.2.9")];
            proptest::prop_assert_eq!(from("127.0.0.1", &forwarded), "192.0.2.1");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = [
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "192.0.2.1, 10.0.0.5"),
        ];
        assert_eq!(from("127.0.0.1", &lines), "192.0.2.1");
    }

    #[test]
    fn x_real_ip_counts_without_other_headers() {
        assert_eq!(
            from("127.0.0.1", &[("x-real-ip", "192.0.2.1")]),
            "192.0.2.1"
        );
        assert_eq!(from("127.0.0.1", &[("x-real-ip", "unknown")]), "127.0.0.1");
        let both = [("x-real-ip", "192.0.2.1"), ("x-forwarded-for", "192.0.2.2")];
        assert_eq!(from("127.0.0.1", &both), "192.0.2.2");
        assert_eq!(from("127.0.0.1", &[]), "127.0.0.1");
    }
}
