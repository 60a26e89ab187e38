//! Whether both sides of a session report to us, and putting right what does not.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header;
use relay_engine::setup::{HookState, Sides};
use relay_engine::{Engine, Live, Side};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::session::{interrupted, read, refused, unavailable, unknown};
use crate::{App, Problem};

#[derive(Serialize)]
pub(crate) struct SidesOut {
    chatwoot: SideOut,
    codechat: SideOut,
    signed: bool,
}

#[derive(Serialize)]
struct SideOut {
    state: &'static str,
    /// Where its webhooks go instead, or why nobody knows.
    found: Option<String>,
    /// Where they are to go.
    address: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with the field chatwoot")]
struct MendIn {
    chatwoot: Option<TokenIn>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with the field token")]
struct TokenIn {
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

pub(crate) async fn show(State(app): State<App>, Path(name): Path<String>) -> Result<Json<SidesOut>, Problem> {
    let live = live(&app, &name).await?;
    let sides = app.engine.sides(&live).await;
    Ok(Json(SidesOut::new(&app.engine, &name, sides)))
}

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
