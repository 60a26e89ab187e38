//! Sessions that do not work: those whose token is refused, paused with one alert, asked about once a minute, resumed by themselves;
//! and those that a person paused, which wait for a person.

use std::sync::Arc;

use relay_domain::id::SessionId;
use relay_store::{SessionState, StoreError, Turn, TurnSession};

use crate::Engine;
use crate::sessions::Live;
use crate::trouble::{Failed, Side, Trouble, from_chatwoot, from_codechat};

const REFUSED: &str = "refuses the token";
/// What the reason of a pause by hand begins with.
const BY_HAND: &str = "paused by a person";

impl Engine {
    /// Stops a session until its token works again. Nothing is lost meanwhile: webhooks are stored as ever.
    pub(crate) async fn pause(&self, live: &Live, side: Side) -> Result<(), StoreError> {
        // every lane at work finds out by itself; the first one tells
        if self.turn(live.id(), Turn::Stop(refusal(side))).await? {
            tracing::error!(session.id = %live.id(), side = side.as_str(), "the token is refused: session paused");
        }
        Ok(())
    }

    /// Stops a session until a person resumes it. What is on its way to the other side goes on.
    pub async fn pause_by_hand(&self, session: &SessionId, why: Option<&str>) -> Result<(), StoreError> {
        let reason = why.map_or_else(|| BY_HAND.to_owned(), |why| format!("{BY_HAND}: {why}"));
        self.turn(session, Turn::Pause(reason)).await.map(drop)
    }

    /// Lets a session work again, whatever stopped it.
    pub async fn resume(&self, session: &SessionId) -> Result<(), StoreError> {
        self.turn(session, Turn::Resume).await.map(drop)
    }

    /// Whether a session does not work, as far as this process knows.
    pub(crate) fn is_paused(&self, session: &SessionId) -> bool {
        self.sessions.of_id(session).is_some_and(|live| live.session.state == SessionState::Paused)
    }

    /// Asks on behalf of every session that was paused for its token whether it works again.
    pub(crate) async fn probe_paused(&self) -> Result<(), StoreError> {
        for live in self.sessions.all() {
            let Some(side) = refused_by(&live) else { continue };
            if self.answers(&live, side).await {
                tracing::info!(session.id = %live.id(), side = side.as_str(), "the token works again: session resumed");
                self.turn(live.id(), Turn::Recover(refusal(side))).await?;
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

    /// Whether a side answers at all, be it with a refusal.
    pub(crate) async fn is_there(&self, live: &Arc<Live>, side: Side) -> bool {
        let failure = match side {
            Side::Chatwoot => live.chatwoot.version().await.err().map(from_chatwoot),
            Side::CodeChat => live.codechat.connection_state(live.name()).await.err().map(from_codechat),
        };
        !matches!(failure, Some(Trouble::Failed(Failed { is_outage: true, .. })))
    }

    /// Whether that changed anything.
    async fn turn(&self, session: &SessionId, turn: Turn) -> Result<bool, StoreError> {
        let has_changed =
            self.store.turn_session(TurnSession { id: session.clone(), turn, now: self.clock.now() }).await?;
        self.sessions.refresh().await?;
        Ok(has_changed)
    }
}

fn refusal(side: Side) -> String {
    format!("{} {REFUSED}", side.as_str())
}

/// Who refused the token of a paused session; a session that a person paused is left alone.
pub(crate) fn refused_by(live: &Live) -> Option<Side> {
    let reason = live.session.state_reason.as_deref().filter(|_| live.session.state == SessionState::Paused)?;
    [Side::Chatwoot, Side::CodeChat].into_iter().find(|side| reason == refusal(*side))
}
