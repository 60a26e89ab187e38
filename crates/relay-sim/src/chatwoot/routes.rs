//! The routes of Chatwoot, behind the fault guard.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, patch, post};
use axum::{Router, middleware};
use http::StatusCode;

use super::state::Shared;
use super::{admin, attachments, contacts, conversations, dashboard, inboxes, members, messages, public};
use crate::admin::Admin;
use crate::fault::guard;

/// Everything the stand-in answers.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let control = Arc::clone(&shared.control);
    let common = Admin { control: Arc::clone(&control), poster: Arc::clone(&shared.poster) };
    let account = Router::new().merge(contact_routes()).merge(conversation_routes()).merge(inbox_routes());
    Router::new()
        .route("/api", get(inboxes::api))
        .route("/health", get(inboxes::health))
        .route("/api/v1/profile", get(inboxes::profile))
        .route("/api/v1/accounts/{account}", get(inboxes::account))
        .merge(account)
        .route("/rails/active_storage/blobs/redirect/{id}/{name}", get(attachments::redirect))
        .route("/rails/active_storage/disk/{id}/{name}", get(attachments::disk))
        .route(
            "/public/api/v1/inboxes/{inbox}/contacts/{source}/conversations/{conversation}/toggle_typing",
            post(public::toggle_typing),
        )
        .route(
            "/public/api/v1/inboxes/{inbox}/contacts/{source}/conversations/{conversation}/update_last_seen",
            post(public::update_last_seen),
        )
        .route("/app/accounts/{account}/conversations/{conversation}", get(dashboard::show))
        .merge(admin::routes())
        .fallback(|| async { StatusCode::NOT_FOUND })
        .with_state(Arc::clone(shared))
        .merge(crate::admin::routes(common))
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn(move |request, next| guard(Arc::clone(&control), request, next)))
}

fn contact_routes() -> Router<Arc<Shared>> {
    const CONTACTS: &str = "/api/v1/accounts/{account}/contacts";
    let path = |rest: &str| format!("{CONTACTS}{rest}");
    Router::new()
        .route(CONTACTS, post(contacts::create))
        .route(&path("/search"), get(contacts::search))
        .route(&path("/filter"), post(contacts::filter))
        .route(
            &path("/{contact}"),
            get(contacts::show).patch(contacts::update).put(contacts::update).delete(contacts::remove),
        )
        .route(&path("/{contact}/contact_inboxes"), post(contacts::create_link))
        .route(&path("/{contact}/contactable_inboxes"), get(contacts::contactable))
        .route(&path("/{contact}/conversations"), get(contacts::conversations))
        .route("/api/v1/accounts/{account}/contact_inboxes/filter", post(contacts::filter_links))
        .route("/api/v1/accounts/{account}/actions/contact_merge", post(contacts::merge))
}

fn conversation_routes() -> Router<Arc<Shared>> {
    const CONVERSATIONS: &str = "/api/v1/accounts/{account}/conversations";
    let path = |rest: &str| format!("{CONVERSATIONS}/{{conversation}}{rest}");
    Router::new()
        .route(CONVERSATIONS, get(conversations::list).post(conversations::create))
        .route(&path(""), get(conversations::show).delete(conversations::remove))
        .route(&path("/toggle_status"), post(conversations::toggle_status))
        .route(&path("/toggle_typing_status"), post(conversations::toggle_typing))
        .route(&path("/update_last_seen"), post(conversations::update_last_seen))
        .route(&path("/custom_attributes"), post(conversations::custom_attributes))
        .route(&path("/labels"), post(conversations::labels))
        .route(&path("/assignments"), post(conversations::assign))
        .route(&path("/messages"), get(messages::list).post(messages::create))
        .route(
            &path("/messages/{message}"),
            patch(messages::set_status).put(messages::set_status).merge(delete(messages::remove)),
        )
        .route(&path("/messages/{message}/retry"), post(messages::retry))
}

fn inbox_routes() -> Router<Arc<Shared>> {
    const INBOXES: &str = "/api/v1/accounts/{account}/inboxes";
    let path = |rest: &str| format!("{INBOXES}{rest}");
    Router::new()
        .route(INBOXES, get(inboxes::list).post(inboxes::create))
        .route(&path("/{inbox}"), get(inboxes::show).patch(inboxes::update).put(inboxes::update))
        .route(&path("/{inbox}/reset_secret"), post(inboxes::reset_secret))
        .route("/api/v1/accounts/{account}/webhooks", get(inboxes::account_webhooks))
        .route("/api/v1/accounts/{account}/agents", get(members::agents))
        .route("/api/v1/accounts/{account}/inbox_members", post(members::add))
        .route("/api/v1/accounts/{account}/inbox_members/{inbox}", get(members::list))
}
