//! Addresses as people type them: pasted with a path, without a scheme, in quotes.

use url::{Host, Url};

/// An address as it was typed, and what may be meant by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// What to try, in this order; never empty.
    pub candidates: Vec<Url>,
    /// The path that was typed and cut off, such as `/app/accounts/1`.
    pub cut: Option<String>,
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Nothing was typed.
    #[error("the address is empty")]
    Empty,
    /// Neither http nor https.
    #[error("the address is neither http nor https")]
    Scheme,
    /// It holds a user name or a password.
    #[error("the address holds a user name or a password")]
    Credentials,
    /// It cannot be read.
    #[error("this is no address")]
    Unreadable,
}

impl Typed {
    /// Reads what was typed. Only the origin stays: neither side is served below a path. Without a scheme https is tried
    /// before http; http that was typed is kept, with https behind it for servers that redirect.
    pub fn read(text: &str) -> Result<Self, BadAddress> {
        let text = text.trim().trim_matches(|sign: char| sign.is_whitespace() || "\"'<>`".contains(sign));
        if text.is_empty() {
            return Err(BadAddress::Empty);
        }
        let (schemes, rest): (&[&str], &str) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (&["https"], rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (&["http", "https"], rest),
            Some(_) => return Err(BadAddress::Scheme),
            None => (&["https", "http"], text),
        };
        let mut cut = None;
        let candidates = schemes.iter().map(|scheme| {
            let url = parse(&format!("{scheme}://{rest}"))?;
            let path = url.path().trim_end_matches('/');
            let has_more = url.query().is_some() || url.fragment().is_some();
            cut =
                (!path.is_empty() || has_more).then(|| if path.is_empty() { "/".to_owned() } else { path.to_owned() });
            Ok(origin_of(url))
        });
        let candidates = candidates.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { candidates, cut })
    }
}

fn parse(text: &str) -> Result<Url, BadAddress> {
    let url = Url::parse(text).map_err(|_| BadAddress::Unreadable)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadAddress::Credentials);
    }
    match url.host() {
        // what `mailto` and words without a dot become is for the network to find out; spaces are not
        Some(Host::Domain(name)) if name.is_empty() || name.contains('%') => Err(BadAddress::Unreadable),
        Some(_) => Ok(url),
        None => Err(BadAddress::Unreadable),
    }
}

fn origin_of(mut url: Url) -> Url {
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> (Vec<String>, Option<String>) {
        let typed = Typed::read(text).unwrap();
        (typed.candidates.iter().map(ToString::to_string).collect(), typed.cut)
    }

    #[test]
    fn what_was_pasted_is_cleaned() {
        let https = |cut: Option<&str>| (vec!["https://chat.example.com/".to_owned()], cut.map(str::to_owned));
        assert_eq!(read("https://chat.example.com"), https(None));
        assert_eq!(read("  \"HTTPS://chat.example.com/\" "), https(None));
        assert_eq!(
            read("https://chat.example.com/app/accounts/1/dashboard?x=1"),
            https(Some("/app/accounts/1/dashboard"))
        );
        assert_eq!(read("https://chat.example.com/#top"), https(Some("/")));
        let both = vec!["https://10.0.0.5:8084/".to_owned(), "http://10.0.0.5:8084/".to_owned()];
        assert_eq!(read("10.0.0.5:8084/docs"), (both, Some("/docs".to_owned())));
        assert_eq!(read("http://localhost:3000").0, ["http://localhost:3000/", "https://localhost:3000/"]);
        assert_eq!(read("[::1]:3000").0[0], "https://[::1]:3000/");
    }

    #[test]
    fn what_is_no_address_is_told_apart() {
        let table = [
            ("", BadAddress::Empty),
            (" \"\" ", BadAddress::Empty),
            ("ftp://chat.example.com", BadAddress::Scheme),
            ("https://ana:pass@chat.example.com", BadAddress::Credentials),
            ("ana@example.com", BadAddress::Credentials),
            ("https://", BadAddress::Unreadable),
            ("not an address", BadAddress::Unreadable),
            ("https://chat.example.com:port", BadAddress::Unreadable),
        ];
        for (text, expected) in table {
            assert_eq!(Typed::read(text), Err(expected), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_brings_it_down(text in ".{0,80}") {
            if let Ok(typed) = Typed::read(&text) {
                prop_assert!(!typed.candidates.is_empty());
                prop_assert!(typed.candidates.iter().all(|url| url.path() == "/" && url.query().is_none()));
            }
        }
    }
}
