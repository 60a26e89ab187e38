//! Where a request comes from: nothing is changed on behalf of another site.

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;

/// Whether a request was made by a page of ours. Browsers say so; who is no browser has to say it as well.
pub(crate) fn is_own(headers: &HeaderMap, api_url: &Url) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = text(header::ORIGIN.as_str()).and_then(|origin| Url::parse(origin).ok()) else { return false };
    let host = text(header::HOST.as_str());
    origin.origin() == api_url.origin() || host.is_some_and(|host| authority(&origin) == host.to_ascii_lowercase())
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether a person's browser came by https, as far as can be told.
pub(crate) fn is_https(headers: &HeaderMap, api_url: &Url) -> bool {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.map_or(api_url.scheme() == "https", |origin| origin.starts_with("https://"))
}

/// What a form of a signed-in page carries. It tells nothing of the token that it is made of.
pub(crate) fn form_token(token: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::new().chain_update(b"form").chain_update(token.as_bytes()).finalize())
}

/// Whether both are the same, in a time that does not depend on it.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    Sha256::digest(one.as_bytes()).ct_eq(&Sha256::digest(other.as_bytes())).into()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_our_own_pages_may_change_something() {
        let api_url = Url::parse("https://relay.example.com").unwrap();
        let judged = |headers: &[(&'static str, &'static str)]| {
            let headers =
                headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            is_own(&headers.collect(), &api_url)
        };
        let host = ("host", "10.0.0.5:8080");
        assert!(judged(&[("sec-fetch-site", "same-origin")]));
        assert!(judged(&[host, ("origin", "http://10.0.0.5:8080")]));
        assert!(judged(&[host, ("origin", "https://relay.example.com")]));
        for foreign in [
            &[host][..],
            &[host, ("origin", "null")],
            &[host, ("origin", "http://10.0.0.5")],
            &[host, ("origin", "https://relay.example.com.evil.example")],
            &[host, ("origin", "http://relay.example.com")],
            &[host, ("sec-fetch-site", "same-site"), ("origin", "http://10.0.0.5:8080")],
            &[host, ("sec-fetch-site", "none")],
        ] {
            assert!(!judged(foreign), "{foreign:?}");
        }
    }
}
