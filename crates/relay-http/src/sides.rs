//! Whether both sides of a session report to us, and putting right what does not.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header;
use relay_engine::setup::{HookState, Sides};
use relay_engine::{Engine, Live, Side};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::Path;
use crate::session::{interrupted, read, refused, unavailable, unknown};
use crate::{App, Problem};

/// Where both sides of a session send their webhooks.
#[derive(Serialize, ToSchema)]
pub(crate) struct SidesOut {
    chatwoot: SideOut,
    codechat: SideOut,
    /// Whether Chatwoot's webhooks are checked by signature.
    signed: bool,
}

#[derive(Serialize, ToSchema)]
struct SideOut {
    /// `right`, `missing`, `stale` (ours, with a secret of the past), `elsewhere`, `no_instance`, or `unknown`.
    #[schema(value_type = String)]
    state: &'static str,
    /// Where its webhooks go instead, or why nobody knows.
    found: Option<String>,
    /// Where they are to go.
    address: String,
}

/// What the session is to work with from now on.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with the field chatwoot")]
pub(crate) struct MendIn {
    chatwoot: Option<TokenIn>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with the field token")]
struct TokenIn {
    /// Access token of a Chatwoot user.
    #[schema(value_type = String, format = Password)]
    token: SecretString,
}

impl SidesOut {
    fn new(engine: &Engine, name: &str, sides: Sides) -> Self {
        let side = |side, state| {
            let (state, found) = match state {
                HookState::Right => ("right", None),
                HookState::Missing => ("missing", None),
                HookState::Stale => ("stale", None),
                HookState::Elsewhere(url) => ("elsewhere", Some(url)),
                HookState::NoInstance => ("no_instance", None),
                HookState::Unknown(why) => ("unknown", Some(why)),
            };
            SideOut { state, found, address: engine.address_for(side, name) }
        };
        Self {
            chatwoot: side(Side::Chatwoot, sides.chatwoot),
            codechat: side(Side::CodeChat, sides.codechat),
            signed: sides.is_signed,
        }
    }
}

/// Ask both sides where they send their webhooks
#[utoipa::path(get, path = "/session/{session}/sides", tag = "sessions", operation_id = "showSides",
    responses((status = 200, description = "What they say now", body = SidesOut), (status = 404, description = "`unknown_session`")))]
pub(crate) async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Json<SidesOut>, Problem> {
    let live = live(&app, &name).await?;
    let sides = app.engine.sides(&live).await;
    Ok(Json(SidesOut::new(&app.engine, &name, sides)))
}

/// Put right what is not right, with new secrets
///
/// What is right stays as it is. The body may be missing.
#[utoipa::path(post, path = "/session/{session}/sides", tag = "sessions", operation_id = "mendSides", request_body = Option<MendIn>,
    responses(
        (status = 200, description = "What both sides say now", body = SidesOut),
        (status = 400, description = "`not_json`"),
        (status = 404, description = "`unknown_session`"),
        (status = 415, description = "`not_json_type`"),
        (status = 422, description = "`invalid_session`, `chatwoot_token_refused`, `no_such_inbox`"),
        (status = 502, description = "`chatwoot_failed`, `codechat_failed`"),
    ))]
pub(crate) async fn mend(
    State(app): State<App>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<SidesOut>, Problem> {
    let has_body = request.headers().contains_key(header::CONTENT_TYPE);
    let wanted = if has_body { read(request).await? } else { MendIn::default() };
    let live = live(&app, &name).await?;
    // in a task of its own: a caller that hangs up does not stop it half-way
    let (engine, token) = (app.engine.clone(), wanted.chatwoot.map(|chatwoot| chatwoot.token));
    let mended = tokio::spawn(async move { engine.mend_sides(&live, token).await });
    let sides = mended.await.map_err(|error| interrupted(&error))?.map_err(refused)?;
    Ok(Json(SidesOut::new(&app.engine, &name, sides)))
}

async fn live(app: &App, name: &str) -> Result<Arc<Live>, Problem> {
    app.engine.sessions.named(name).await.map_err(unavailable)?.ok_or_else(|| unknown(name))
}
