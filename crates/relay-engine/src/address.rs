//! Addresses of servers: copied from a page, leading to a machine that others cannot reach, or such as CodeChat refuses.

use std::net::IpAddr;

use url::{Host, Url};

use crate::http::is_public;

/// Where Chatwoot's own pages begin. An address with one of them was copied from the browser.
const PAGES: [&str; 7] = ["app", "auth", "api", "super_admin", "widget", "public", "rails"];

/// The form of a server's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A server alone.
    Server,
    /// With the path of one of Chatwoot's pages.
    Page,
    /// With another path.
    Path,
}

/// The form of Chatwoot's address.
pub(crate) fn shape_of(url: &Url) -> Shape {
    let first = url.path_segments().and_then(|mut path| path.next()).unwrap_or_default();
    match first {
        "" => Shape::Server,
        page if PAGES.contains(&page) => Shape::Page,
        _ => Shape::Path,
    }
}

/// The address without path, query and password.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// From where a host can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// From the same machine.
    Machine,
    /// From the same network.
    Network,
    /// From everywhere.
    World,
    /// Nobody knows: its name leads nowhere from here.
    Unknown,
}

/// From where the host of an address can be reached, by the addresses that its name has here.
pub(crate) async fn reach_of(url: &Url) -> Reach {
    let addresses: Vec<IpAddr> = match url.host() {
        Some(Host::Ipv4(ip)) => vec![IpAddr::V4(ip)],
        Some(Host::Ipv6(ip)) => vec![IpAddr::V6(ip)],
        Some(Host::Domain(name)) => {
            let found = tokio::net::lookup_host((name, 0)).await;
            found.into_iter().flatten().map(|address| address.ip()).collect()
        }
        None => Vec::new(),
    };
    reach_of_all(&addresses)
}

fn reach_of_all(addresses: &[IpAddr]) -> Reach {
    if addresses.is_empty() {
        Reach::Unknown
    } else if addresses.iter().any(|ip| is_public(*ip)) {
        Reach::World
    } else if addresses.iter().all(IpAddr::is_loopback) {
        Reach::Machine
    } else {
        Reach::Network
    }
}

/// Whether CodeChat refuses to fetch files from a host: neither an IP address nor a name with a dot and without underscores.
pub fn is_refused_by_codechat(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Domain(name)) if !name.contains('.') || name.contains('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_page_is_told_from_a_server() {
        let table = [
            ("https://chat.example.com", Shape::Server),
            ("https://chat.example.com/", Shape::Server),
            ("https://chat.example.com/app/accounts/1/inbox/8", Shape::Page),
            ("https://chat.example.com/api/v1", Shape::Page),
            ("https://example.com/chatwoot", Shape::Path),
        ];
        for (text, expected) in table {
            assert_eq!(shape_of(&Url::parse(text).unwrap()), expected, "{text}");
        }
        let url = Url::parse("https://ana:secret@chat.example.com:8443/app?x=y").unwrap();
        assert_eq!(origin(&url), "https://chat.example.com:8443");
    }

    #[test]
    fn one_public_address_is_enough_for_the_world() {
        let ips = |texts: &[&str]| texts.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
        assert_eq!(reach_of_all(&[]), Reach::Unknown);
        assert_eq!(reach_of_all(&ips(&["127.0.0.1", "::1"])), Reach::Machine);
        assert_eq!(reach_of_all(&ips(&["127.0.0.1", "10.0.0.5"])), Reach::Network);
        assert_eq!(reach_of_all(&ips(&["10.0.0.5", "1.1.1.1"])), Reach::World);
    }

    #[test]
    fn codechat_fetches_from_addresses_and_dotted_names() {
        for (text, is_refused) in [
            ("http://relay:8080", true),
            ("http://localhost:8080", true),
            ("http://my_relay.lan", true),
            ("http://relay.lan:8080", false),
            ("http://10.0.0.5:8080", false),
        ] {
            assert_eq!(is_refused_by_codechat(&Url::parse(text).unwrap()), is_refused, "{text}");
        }
    }
}
