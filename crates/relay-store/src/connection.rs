//! What is known of a phone's connection to WhatsApp: its state, since when it is so, and what agents were told last.

use relay_domain::Timestamp;
use relay_domain::id::SessionId;

use crate::db::{Tx, on};
use crate::error::{Result, StoreError};
use crate::model::Announced;
use crate::writer::Verb;

/// Notes what was said of a phone's connection.
#[derive(Clone, Debug)]
pub struct NoteConnection {
    /// Of which session.
    pub session: SessionId,
    /// CodeChat's word for it.
    pub connection: String,
    /// Now.
    pub now: Timestamp,
}

impl Verb for NoteConnection {
    type Out = bool;

    async fn apply(&self, tx: &mut Tx) -> Result<bool> {
        on!(tx, |conn| {
            sqlx::query(
                "-- note_connection\nUPDATE session SET connection = $2, \
                 connection_since = CASE WHEN (connection = 'open') = ($2 = 'open') THEN connection_since ELSE $3 END, \
                 announced = CASE WHEN announced IS NULL AND $2 = 'open' THEN 'connected' ELSE announced END \
                 WHERE id = $1 AND connection <> $2",
            )
            .bind(self.session.as_str())
            .bind(self.connection.as_str())
            .bind(self.now.as_millis())
            .execute(conn)
            .await
            .map(|done| done.rows_affected() == 1)
        })
        .map_err(StoreError::database("note the connection"))
    }
}

/// Notes what agents were told of a phone's connection.
#[derive(Clone, Debug)]
pub struct NoteAnnounced {
    /// Of which session.
    pub session: SessionId,
    /// What they were told.
    pub announced: Announced,
}

impl Verb for NoteAnnounced {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query("-- note_announced\nUPDATE session SET announced = $2 WHERE id = $1")
                .bind(self.session.as_str())
                .bind(self.announced.as_str())
                .execute(conn)
                .await
                .map(drop)
        })
        .map_err(StoreError::database("note what agents were told"))
    }
}
