//! The URL test that CodeChat applies to media and to its global webhook.

use url::{Host, Url};

/// Says whether class-validator's `isURL` accepts `text`: http or https, and an IP address or a dotted host without underscores.
pub(super) fn is_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    if !matches!(url.scheme(), "http" | "https") {
        return false;
    }
    match url.host() {
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        Some(Host::Domain(domain)) => is_dotted_domain(domain),
        None => false,
    }
}

fn is_dotted_domain(domain: &str) -> bool {
    let Some((rest, top)) = domain.rsplit_once('.') else {
        return false;
    };
    let top_is_name =
        top.len() >= 2 && top.chars().all(|letter| letter.is_ascii_alphabetic()) || top.starts_with("xn--");
    top_is_name && rest.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let plain = label.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    !label.is_empty() && plain && !label.starts_with('-') && !label.ends_with('-')
}

/// Says whether `text` looks like base64, which is refused in words instead of in silence.
pub(super) fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len() >= 4
        && text.len().is_multiple_of(4)
        && body.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '+' || letter == '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_pass_and_hosts_that_are_silently_refused() {
        for good in ["http://127.0.0.1:8080/x", "https://files.example/a.ogg", "http://relay.local/foto.jpg"] {
            assert!(is_url(good), "{good}");
        }
        for bad in [
            "http://relay:3000/x",
            "http://localhost/x",
            "http://my_relay.local/x",
            "data:image/png;base64,AAAA",
            "ftp://a.example/x",
        ] {
            assert!(!is_url(bad), "{bad}");
        }
    }

    #[test]
    fn base64_is_told_from_urls() {
        assert!(is_base64("iVBORw0KGgo="));
        assert!(!is_base64("http://relay:3000/x"));
    }
}
