//! The key to the session API.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{App, Problem};

/// Lets a request through when its `Api-Key` header is right. Hashes are compared, so that neither content nor length of the
/// key shows in the time it takes.
pub(crate) async fn require_key(State(app): State<App>, request: Request, next: Next) -> Result<Response, Problem> {
    let given = request.headers().get("api-key").map(|value| Sha256::digest(value.as_bytes()));
    let expected = Sha256::digest(app.api_key.expose_secret().as_bytes());
    let is_right = given.is_some_and(|given| bool::from(given.ct_eq(&expected)));
    if !is_right {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "wrong_api_key",
            "send the relay's key in the header Api-Key",
        ));
    }
    Ok(next.run(request).await)
}
