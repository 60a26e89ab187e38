//! What every answer of the console wears: headers that keep it to itself, and a page for what went wrong.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use crate::Console;
use crate::failure::Failure;
use crate::frame::Frame;
use crate::visitor::locale;
use crate::words::T;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'";

/// Headers of every answer. The policy on referrers is not `no-referrer`: browsers would hide the origin of our own forms from us.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    frame: Frame,
    what: T,
    hint: T,
    detail: Option<&'a str>,
}

pub(crate) async fn dress(State(console): State<Console>, request: Request, next: Next) -> Response {
    let locale = locale(request.headers(), &console);
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        let (what, hint) = failure.words();
        let page = FailurePage { frame: Frame::bare(&console, locale), what, hint, detail: failure.detail() };
        response = (failure.status(), render(&page)).into_response();
    }
    put_on(response.headers_mut(), console.engine.config.api_url.scheme() == "https");
    response
}

fn put_on(headers: &mut HeaderMap, is_https: bool) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    // pages hold what customers wrote; styles and script say for themselves how long they are good
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// A page as HTML.
pub(crate) fn render(page: &impl Template) -> Html<String> {
    Html(page.render().expect("templates write into memory, which does not fail"))
}
