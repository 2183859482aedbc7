//! Proxies before the server, which say for whom they ask.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::fault::Fault;

/// The header to which each proxy appends the address that asked it.
///
/// RFC 7239's `Forwarded` is not read: a proxy that writes only one of the two passes on what a stranger wrote into the other.
const HEADER: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Longest part of a header that is shown.
const SHOWN: usize = 60;

/// Addresses whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<Network>);

/// An address, or a network as `ADDRESS/PREFIX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

/// Why a text is no network of proxies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// It is neither an address nor a network.
    #[error("expected an address or a network, such as 10.0.0.0/8")]
    Malformed,
    /// Every address is in it.
    #[error("every address is in this network: each client could name any other")]
    Everybody,
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let network: IpNet = match text.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().into(),
            Err(_) => text.parse().map_err(|_| NetworkError::Malformed)?,
        };
        if network.prefix_len() == 0 { Err(NetworkError::Everybody) } else { Ok(Self(network)) }
    }
}

impl FromIterator<Network> for Proxies {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

impl Proxies {
    /// Whether an address is that of a trusted proxy.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|Network(network)| network.contains(&address))
    }

    /// Who asks: the last address on the way that is not a trusted proxy's, or the first if all are.
    ///
    /// What is before it was written by a stranger and is not looked at.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Result<IpAddr, Fault> {
        let mut client = peer;
        for value in headers.get_all(HEADER).iter().rev() {
            for element in value.as_bytes().rsplit(|byte| *byte == b',') {
                if !self.trusts(client) {
                    return Ok(client);
                }
                client = address(element)?;
            }
        }
        Ok(client)
    }
}

/// An address, with or without a port.
fn address(element: &[u8]) -> Result<IpAddr, Fault> {
    let text = String::from_utf8_lossy(element.trim_ascii());
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(&text);
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    bare.parse().or_else(|_| with_port()).map_err(|_| Fault::Forwarded { element: text.chars().take(SHOWN).collect() })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Whom `10.0.0.1` or another peer asks for.
    fn client(peer: &str, lines: &[&str]) -> Result<IpAddr, Fault> {
        let proxies: Proxies = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"].map(|network| network.parse().unwrap()).into_iter().collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HEADER, HeaderValue::from_str(line).unwrap());
        }
        proxies.client(ip(peer), &headers)
    }

    #[test]
    fn header_of_a_client_that_is_no_proxy_is_ignored() {
        assert_eq!(client("203.0.113.1", &["198.51.100.1"]), Ok(ip("203.0.113.1")));
        assert_eq!(client("203.0.113.1", &["garbage"]), Ok(ip("203.0.113.1")));
        assert_eq!(client("192.0.2.8", &["198.51.100.1"]), Ok(ip("192.0.2.8")));
    }

    #[test]
    fn last_address_that_is_no_proxy_is_the_client_whatever_is_written_before_it() {
        let client_is = |lines: &[&str], expected: &str| assert_eq!(client("10.0.0.1", lines), Ok(ip(expected)), "{lines:?}");
        client_is(&["198.51.100.1"], "198.51.100.1");
        client_is(&["127.0.0.1, garbage, 198.51.100.1, 10.9.9.9"], "198.51.100.1");
        client_is(&["1.2.3.4", "198.51.100.1", "192.0.2.7,2001:db8::9"], "198.51.100.1");
        client_is(&["198.51.100.1:4711"], "198.51.100.1");
        client_is(&["[2001:dead::1]:80, [2001:db8::2]"], "2001:dead::1");
        client_is(&[" 2001:dead::1\t"], "2001:dead::1");
        client_is(&["::ffff:198.51.100.1, ::ffff:10.0.0.2"], "::ffff:198.51.100.1");
        assert_eq!(client("::ffff:10.0.0.1", &["198.51.100.1"]), Ok(ip("198.51.100.1")), "as a socket for both kinds of address has it");
    }

    #[test]
    fn proxy_that_names_nobody_asks_for_itself() {
        assert_eq!(client("10.0.0.1", &[]), Ok(ip("10.0.0.1")));
        assert_eq!(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), Ok(ip("10.0.0.3")), "all of them are proxies");
    }

    #[test]
    fn what_is_no_address_where_a_proxy_should_have_written_one_is_refused() {
        for line in [
            "",
            ",",
            "unknown",
            "198.51.100.1,",
            "198.51.100.1, 10.0.0.2, 300.1.1.1",
            "1.2.3.4:99999",
            "[1.2.3.4",
            "198.51.100.1;",
            "_hidden",
        ] {
            assert!(matches!(client("10.0.0.1", &[line]), Err(Fault::Forwarded { .. })), "{line:?}");
        }
        let mut headers = HeaderMap::new();
        headers.append(HEADER, HeaderValue::from_bytes(b"\xff\xfe").unwrap());
        let proxies: Proxies = ["10.0.0.1".parse().unwrap()].into_iter().collect();
        assert!(matches!(proxies.client(ip("10.0.0.1"), &headers), Err(Fault::Forwarded { .. })));
        let long = "x".repeat(10_000);
        let Err(Fault::Forwarded { element }) = client("10.0.0.1", &[&long]) else { panic!("taken") };
        assert_eq!(element.len(), SHOWN);
    }

    #[test]
    fn networks_are_addresses_with_or_without_a_prefix_and_not_everybody() {
        for text in ["10.0.0.0/8", "10.1.2.3/8", "10.1.2.3", "::1", "2001:db8::/32"] {
            assert!(text.parse::<Network>().is_ok(), "{text}");
        }
        for text in ["0.0.0.0/0", "::/0", "10.1.2.3/0"] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::Everybody), "{text}");
        }
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0/8", "10.0.0.1:80"] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::Malformed), "{text}");
        }
    }
}
