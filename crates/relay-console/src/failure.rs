//! What goes wrong, as people see it.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use relay_store::StoreError;
use url::form_urlencoded;

use crate::visitor::Visitor;
use crate::words::T;

/// Why there is no page.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The browser is not signed in; with where it wanted to go.
    SignIn(String),
    /// A form came from a browser that is not signed in any more.
    SignedOut,
    /// A form was not sent by a page of ours, or by one of an earlier sign-in.
    Foreign,
    /// A form cannot be read.
    Unreadable,
    /// There is no such page, message or session.
    Unknown,
    /// What was asked for cannot be understood; with what is wrong.
    Wrong(T),
    /// The same, in words that name a value.
    Refused(String),
    /// Too many live pages are open.
    Crowded,
    /// CodeChat did not do its part.
    CodeChat(String),
    /// The database cannot be used.
    Store,
}

impl Failure {
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::SignIn(_) => StatusCode::SEE_OTHER,
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::Foreign => StatusCode::FORBIDDEN,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Wrong(_) | Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::CodeChat(_) => StatusCode::BAD_GATEWAY,
            Self::Crowded | Self::Store => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What happened, and what to do.
    pub(crate) const fn words(&self) -> (T, T) {
        match self {
            Self::SignIn(_) | Self::SignedOut => (T::SignedOut, T::SignedOutHint),
            Self::Foreign => (T::Foreign, T::ForeignHint),
            Self::Unreadable => (T::Unreadable, T::UnreadableHint),
            Self::Unknown => (T::NotFound, T::NotFoundHint),
            Self::Wrong(what) => (T::NotUnderstood, *what),
            Self::Refused(_) => (T::NotUnderstood, T::GoBack),
            Self::Crowded => (T::Crowded, T::CrowdedHint),
            Self::CodeChat(_) => (T::CodeChatFailed, T::CodeChatFailedHint),
            Self::Store => (T::StoreFailed, T::StoreFailedHint),
        }
    }

    /// What somebody else said of it.
    pub(crate) fn detail(&self) -> Option<&str> {
        match self {
            Self::Refused(detail) | Self::CodeChat(detail) => Some(detail),
            Self::SignIn(_)
            | Self::SignedOut
            | Self::Foreign
            | Self::Unreadable
            | Self::Unknown
            | Self::Wrong(_)
            | Self::Crowded
            | Self::Store => None,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the console could not use the store");
        Self::Store
    }
}

impl IntoResponse for Failure {
    /// The page itself is made where the language is known: see [`crate::dress`].
    fn into_response(self) -> Response {
        if let Self::SignIn(path) = &self {
            let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
            return Redirect::to(&format!("/console/sign-in?next={next}")).into_response();
        }
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

pub(crate) async fn nowhere(_visitor: Visitor) -> Failure {
    Failure::Unknown
}
