//! Sessions whose token is refused: paused with one alert, asked about once a minute, resumed by themselves.

use std::sync::Arc;

use relay_store::{SessionState, StoreError, UpdateSession};

use crate::Engine;
use crate::sessions::Live;
use crate::trouble::Side;

const REFUSED: &str = "refuses the token";

impl Engine {
    /// Stops a session until its token works again. Nothing is lost meanwhile: webhooks are stored as ever.
    pub(crate) async fn pause(&self, live: &Live, side: Side) -> Result<(), StoreError> {
        tracing::error!(session.id = %live.id(), side = side.as_str(), "the token is refused: session paused");
        let reason = format!("{} {REFUSED}", side.as_str());
        self.set_state(live, SessionState::Paused, Some(reason)).await
    }

    /// Asks on behalf of every session that was paused for its token whether it works again.
    pub(crate) async fn probe_paused(&self) -> Result<(), StoreError> {
        for live in self.sessions.all() {
            let Some(side) = refused_by(&live) else { continue };
            if self.answers(&live, side).await {
                tracing::info!(session.id = %live.id(), side = side.as_str(), "the token works again: session resumed");
                self.set_state(&live, SessionState::Active, None).await?;
            }
        }
        Ok(())
    }

    /// Whether a side answers something simple, with the session's token.
    pub(crate) async fn answers(&self, live: &Arc<Live>, side: Side) -> bool {
        match side {
            Side::Chatwoot => live.chatwoot.profile().await.is_ok(),
            Side::CodeChat => live.codechat.connection_state(live.name()).await.is_ok(),
        }
    }

    async fn set_state(&self, live: &Live, state: SessionState, reason: Option<String>) -> Result<(), StoreError> {
        let update = UpdateSession { state: Some((state, reason)), ..UpdateSession::of(live.id()) };
        self.store.update_session(update).await?;
        self.sessions.refresh().await
    }
}

/// Who refused the token of a paused session; a session that a person paused is left alone.
fn refused_by(live: &Live) -> Option<Side> {
    let reason = live.session.state_reason.as_deref().filter(|_| live.session.state == SessionState::Paused)?;
    [Side::Chatwoot, Side::CodeChat].into_iter().find(|side| reason == format!("{} {REFUSED}", side.as_str()))
}
