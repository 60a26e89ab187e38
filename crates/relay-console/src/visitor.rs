//! Who asks: a browser that is signed in, and forms that it sent.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use relay_domain::note::Locale;

use crate::failure::Failure;
use crate::form::Fields;
use crate::{Console, gate, guard};

/// A browser that is signed in.
#[derive(Debug)]
pub(crate) struct Visitor {
    /// Its language.
    pub(crate) locale: Locale,
    /// What its forms carry.
    pub(crate) form_token: String,
    /// What it asked for, with the query.
    pub(crate) path: String,
}

/// A form of ours, sent by a browser that is signed in.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) visitor: Visitor,
    pub(crate) fields: Fields,
}

impl FromRequestParts<Console> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Failure> {
        let path = parts.uri.path_and_query().map_or("/console", |path| path.as_str()).to_owned();
        let refused = || if parts.method == Method::GET { Failure::SignIn(path.clone()) } else { Failure::SignedOut };
        let token = cookie(&parts.headers, &gate::COOKIES).ok_or_else(refused)?;
        if !console.engine.is_inside(&console.api_key, token).await? {
            return Err(refused());
        }
        Ok(Self { locale: locale(&parts.headers, console), form_token: guard::form_token(token), path })
    }
}

impl FromRequest<Console> for Posted {
    type Rejection = Failure;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, console).await?;
        let fields = own_fields(Request::from_parts(parts, body), console).await?;
        if !guard::is_same(fields.get("form_token").unwrap_or_default(), &visitor.form_token) {
            return Err(Failure::Foreign);
        }
        Ok(Self { visitor, fields })
    }
}

/// The fields of a form that a page of ours sent, whoever looks at it.
pub(crate) async fn own_fields(request: Request, console: &Console) -> Result<Fields, Failure> {
    if !guard::is_own(request.headers(), &console.engine.config.api_url) {
        return Err(Failure::Foreign);
    }
    let body = Bytes::from_request(request, console).await.map_err(|_| Failure::Unreadable)?;
    Ok(Fields::parse(&body))
}

/// The first cookie of one of these names.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, names: &[&str]) -> Option<&'a str> {
    let cookies = || {
        headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'))
    };
    let named =
        |name: &str| cookies().filter_map(|cookie| cookie.trim().split_once('=')).find(|(known, _)| *known == name);
    names.iter().find_map(|name| named(name)).map(|(_, value)| value)
}

/// The language that was chosen, else the best of those that the browser reads.
pub(crate) fn locale(headers: &HeaderMap, console: &Console) -> Locale {
    let chosen = cookie(headers, &[gate::LANGUAGE]).and_then(Locale::parse);
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    chosen.or_else(|| accepted.and_then(best)).unwrap_or(console.engine.config.locale)
}

fn best(accepted: &str) -> Option<Locale> {
    let mut ranges: Vec<_> = accepted.split(',').filter_map(range).collect();
    ranges.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    ranges.first().map(|(_, locale)| *locale)
}

/// A language that we speak, with how much it is liked.
fn range(text: &str) -> Option<(f32, Locale)> {
    let mut parts = text.split(';');
    let language = parts.next()?.trim().split('-').next()?;
    let liking =
        parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(Some(1.0), |liking| liking.parse().ok())?;
    Locale::parse(language).filter(|_| liking > 0.0).map(|locale| (liking, locale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_language_that_we_speak_is_taken() {
        assert_eq!(best("de-DE, es-419;q=0.8, en;q=0.9"), Some(Locale::En));
        assert_eq!(best("pt-PT"), Some(Locale::PtBr));
        assert_eq!(best("es;q=0.5, pt;q=0.5"), Some(Locale::Es));
        assert_eq!(best("en;q=0, fr"), None);
        assert_eq!(best("en;q=x"), None);
    }

    #[test]
    fn cookies_are_told_apart() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=1; relay=two; b=3".parse().unwrap());
        assert_eq!(cookie(&headers, &["none", "relay"]), Some("two"));
        assert_eq!(cookie(&headers, &["rel"]), None);
    }
}
