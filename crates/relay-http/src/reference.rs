//! The description of the API, for programs and for people: one document, and one page made from it.
//!
//! The page is drawn here, without script and without anything from elsewhere: the usual viewers are megabytes of script, more than
//! the whole console.

mod view;

use std::sync::LazyLock;

use askama::Template;
use axum::http::{HeaderName, header};
use axum::response::{Html, IntoResponse};

use crate::openapi;
use view::View;

const STYLE: &str = include_str!("../assets/reference.css");
/// Nothing but its own styles, and nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; object-src 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of the page.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

#[derive(Template)]
#[template(path = "reference.html")]
struct Page {
    view: View,
}

/// This description
#[utoipa::path(get, path = "/openapi.json", tag = "description", operation_id = "describe",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = serde_json::Value)))]
pub(crate) async fn json() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], openapi::document())
}

/// This description, for people
#[utoipa::path(get, path = "/reference", tag = "description", operation_id = "reference",
    responses((status = 200, description = "A page", body = String, content_type = "text/html")))]
pub(crate) async fn page() -> impl IntoResponse {
    static PAGE: LazyLock<String> = LazyLock::new(|| {
        let page = Page { view: View::of(openapi::document()) };
        page.render().expect("templates write into memory, which does not fail")
    });
    (HEADERS, Html(PAGE.as_str()))
}

/// How the page looks
#[utoipa::path(get, path = "/reference.css", tag = "description", operation_id = "referenceStyle",
    responses((status = 200, description = "A style sheet", body = String, content_type = "text/css")))]
pub(crate) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], STYLE)
}
