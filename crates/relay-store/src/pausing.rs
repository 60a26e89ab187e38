//! Stopping sessions and letting them work again, so that who did it last is not overruled: a session that a person stopped does not
//! resume because a token works again.

use relay_domain::Timestamp;
use relay_domain::id::SessionId;

use crate::db::{Tx, on};
use crate::error::{Result, StoreError};
use crate::model::SessionState;
use crate::way_out;
use crate::writer::Verb;

/// A change of whether a session works.
#[derive(Clone, Debug)]
pub struct TurnSession {
    /// The session.
    pub id: SessionId,
    /// What becomes of it.
    pub turn: Turn,
    /// Now.
    pub now: Timestamp,
}

/// What becomes of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A person stops it, for this reason, whatever stopped it before.
    Pause(String),
    /// A person lets it work again, whatever stopped it.
    Resume,
    /// It stops by itself, if it works.
    Stop(String),
    /// What stopped it by itself, for this reason, is over.
    Recover(String),
}

impl Turn {
    /// The state afterwards and its reason; the state and the reason that it must have before.
    fn states(&self) -> (SessionState, Option<&str>, Option<SessionState>, Option<&str>) {
        let (active, paused) = (SessionState::Active, SessionState::Paused);
        match self {
            Self::Pause(why) => (paused, Some(why), None, None),
            Self::Resume => (active, None, None, None),
            Self::Stop(why) => (paused, Some(why), Some(active), None),
            Self::Recover(why) => (active, None, Some(paused), Some(why)),
        }
    }
}

impl Verb for TurnSession {
    type Out = bool;

    fn brings_events(&self) -> bool {
        matches!(self.turn, Turn::Resume | Turn::Recover(_))
    }

    async fn apply(&self, tx: &mut Tx) -> Result<bool> {
        let (state, reason, before, because) = self.turn.states();
        let has_changed = on!(tx, |conn| {
            sqlx::query(
                "-- turn_session\nUPDATE session SET state = $2, state_reason = $3 \
                 WHERE id = $1 AND ($4 IS NULL OR state = $4) AND ($5 IS NULL OR state_reason = $5)",
            )
            .bind(self.id.as_str())
            .bind(state.as_str())
            .bind(reason)
            .bind(before.map(SessionState::as_str))
            .bind(because)
            .execute(conn)
            .await
            .map(|done| done.rows_affected() == 1)
        })
        .map_err(StoreError::database("stop or resume a session"))?;
        if has_changed && state == SessionState::Paused {
            way_out::begin(tx, &self.id, self.now).await?;
        }
        Ok(has_changed)
    }
}
