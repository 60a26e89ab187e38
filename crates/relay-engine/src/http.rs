//! The one place where HTTP clients are made, and the guard over where they may go.
//!
//! Names that strangers chose are resolved by a `PublicNames`, which answers with public addresses only; the addresses it
//! checked are those connected to, so a name that changes its mind in between leads nowhere else. Redirects are off: whoever needs one follows it by hand, through the guard. Certificates are checked against the roots
//! compiled into the binary.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::pki_types::CertificateDer;
use url::{Host, Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Makes a client with our timeouts and roots.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    builder().build()
}

/// Makes a client for addresses that strangers chose: names that lead into a private network are refused.
pub fn public_client() -> Result<reqwest::Client, reqwest::Error> {
    builder().dns_resolver(Arc::new(PublicNames { lookup: system_lookup })).build()
}

fn builder() -> reqwest::ClientBuilder {
    // a second call finds the provider installed, which is fine
    drop(rustls::crypto::ring::default_provider().install_default());
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .filter_map(|der: &CertificateDer<'_>| reqwest::Certificate::from_der(der).ok());
    reqwest::Client::builder()
        .tls_certs_only(roots)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("relay/", env!("CARGO_PKG_VERSION")))
}

type Found = BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

/// Resolves names to public addresses.
struct PublicNames {
    lookup: fn(String) -> Found,
}

fn system_lookup(name: String) -> Found {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.lookup)(name.as_str().to_owned());
        Box::pin(async move {
            let public: Vec<_> = found.await?.into_iter().filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(chatwoot::NameRefused("the name leads into a private network").into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Why an address may not be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// Neither http nor https.
    #[error("only http and https addresses are fetched")]
    Scheme,
    /// An address of the machine or its network that is not the configured Chatwoot.
    #[error("the address leads into a private network")]
    Private,
}

/// Allows the configured Chatwoot, wherever it is, and public addresses.
pub fn allowed(url: &Url, chatwoot: &Url) -> Result<(), Forbidden> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Forbidden::Scheme);
    }
    if url.origin() == chatwoot.origin() {
        return Ok(());
    }
    let is_private = match url.host() {
        Some(Host::Ipv4(ip)) => !is_public(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => !is_public(IpAddr::V6(ip)),
        Some(Host::Domain(name)) => is_local_name(name),
        None => true,
    };
    if is_private { Err(Forbidden::Private) } else { Ok(()) }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            let special = ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_broadcast()
                || ip.is_documentation();
            let shared = a == 100 && (64..128).contains(&b);
            let benchmark = a == 198 && (b == 18 || b == 19);
            let protocol = a == 192 && b == 0 && c == 0;
            !(special || shared || benchmark || protocol || a == 0 || a >= 240)
        }
        IpAddr::V6(ip) => {
            if let Some(mapped) = ip.to_ipv4_mapped() {
                return is_public(IpAddr::V4(mapped));
            }
            let [first, second, ..] = ip.segments();
            // global unicast without documentation, 6to4 and Teredo, which can carry a private address inside
            let is_global = (0x2000..0x4000).contains(&first);
            let is_tunnel = first == 0x2002 || (first == 0x2001 && second == 0);
            let is_documentation = first == 0x2001 && second == 0xdb8;
            is_global && !is_tunnel && !is_documentation
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn answer(addresses: &[&str]) -> Found {
        let found = addresses.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect();
        Box::pin(async move { Ok(found) })
    }

    async fn resolved(lookup: fn(String) -> Found) -> Result<Vec<String>, String> {
        let answer = PublicNames { lookup }.resolve("files.example".parse().unwrap()).await;
        answer.map(|found| found.map(|at| at.ip().to_string()).collect()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn only_public_addresses_of_a_name_are_connected_to() {
        let mixed = |_| answer(&["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1111", "169.254.169.254"]);
        assert_eq!(resolved(mixed).await.unwrap(), ["1.1.1.1", "2606:4700::1111"]);
        let private =
            |_| answer(&["100.64.0.1", "fd00::1", "64:ff9b::7f00:1", "2002:7f00:1::", "0.0.0.0", "224.0.0.1"]);
        assert_eq!(resolved(private).await.unwrap_err(), "the name leads into a private network");
        let unknown = |_| -> Found { Box::pin(async { Err(io::Error::other("no such host")) }) };
        assert_eq!(resolved(unknown).await.unwrap_err(), "no such host");
    }

    /// The classic: harmless when it is looked at, the machine itself when it is connected to.
    #[tokio::test]
    async fn a_name_that_changes_its_mind_is_never_connected_to() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        fn flips(_: String) -> Found {
            let is_first = ASKED.fetch_add(1, Ordering::Relaxed) == 0;
            answer(&[if is_first { "1.1.1.1" } else { "127.0.0.1" }])
        }
        assert_eq!(resolved(flips).await.unwrap(), ["1.1.1.1"]);
        let canary = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = canary.local_addr().unwrap().port();
        let http = builder().dns_resolver(Arc::new(PublicNames { lookup: flips })).build().unwrap();
        let base = Url::parse("http://chatwoot.example").unwrap();
        let client = chatwoot::Client::new(client().unwrap(), base.clone(), 1, "token".into()).with_stores(http);
        let file = format!("http://files.example:{port}/a.pdf");
        let refused = client.download(&file, |url| allowed(url, &base)).await.unwrap_err();
        assert_eq!(refused, chatwoot::DownloadError::Refused("the name leads into a private network".to_owned()));
        let knocked = tokio::time::timeout(Duration::from_millis(100), canary.accept()).await;
        assert!(knocked.is_err(), "somebody connected");
        assert_eq!(ASKED.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn private_addresses_are_refused_unless_chatwoot_lives_there() {
        let chatwoot = Url::parse("http://10.0.0.5:3000").unwrap();
        let refused = [
            "http://127.0.0.1/x",
            "http://[::1]/x",
            "http://[::ffff:127.0.0.1]/x",
            "http://0.0.0.0/",
            "http://169.254.169.254/latest",
            "http://100.64.0.1/",
            "http://10.0.0.6:3000/",
            "http://10.0.0.5:3001/",
            "http://[fd00::1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://localhost./",
            "http://user@127.0.0.1/",
        ];
        for address in refused {
            assert_eq!(allowed(&Url::parse(address).unwrap(), &chatwoot), Err(Forbidden::Private), "{address}");
        }
        assert_eq!(allowed(&Url::parse("ftp://example.com/").unwrap(), &chatwoot), Err(Forbidden::Scheme));
        for address in ["http://10.0.0.5:3000/rails/x", "https://s3.amazonaws.com/x", "https://1.1.1.1/"] {
            assert_eq!(allowed(&Url::parse(address).unwrap(), &chatwoot), Ok(()), "{address}");
        }
    }
}
