//! Since when a session's messages can go out: what tells a message that an outage kept from one that merely queued.
//!
//! Whichever process sees the way out open or closed writes it down, so that a process which has just started knows as much as
//! the others. When no process lived for a while, nobody could have sent anything: then every way out counts as closed until
//! something was sent.

use relay_domain::Timestamp;
use relay_domain::id::{SessionId, WorkerId};

use crate::db::{Db, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::lane::Beat;
use crate::writer::Verb;

/// A time without any process that is not yet an outage, in milliseconds: a restart takes less.
const GAP_MS: i64 = 30_000;

/// Says that a process is alive that was not, or not known to be.
pub(crate) struct AfterSilence(pub(crate) WorkerId);

impl Verb for AfterSilence {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        // the database's own clock, as for every beat; one that was set back proves nothing
        let sql = tx.dialect(
            "-- notice_gap\nUPDATE session SET way_out_since = NULL WHERE way_out_since IS NOT NULL AND NOT EXISTS (\
               SELECT 1 FROM worker WHERE abs(beat_at - CAST(unixepoch('subsec') * 1000 AS INTEGER)) < $1)",
            "-- notice_gap\nUPDATE session SET way_out_since = NULL WHERE way_out_since IS NOT NULL AND NOT EXISTS (\
               SELECT 1 FROM worker WHERE abs(beat_at - (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint) < $1)",
        );
        on!(tx, |conn| sqlx::query(sql).bind(GAP_MS).execute(conn).await.map(drop))
            .map_err(StoreError::database("look for a gap"))?;
        Beat(self.0.clone()).apply(tx).await
    }
}

/// Notes whether messages can go out.
#[derive(Clone, Debug)]
pub struct NoteWayOut {
    /// Of which session.
    pub session: SessionId,
    /// Whether they can. If they could before, that goes on since then.
    pub is_open: bool,
    /// Now.
    pub now: Timestamp,
}

impl Verb for NoteWayOut {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        // a paused session sends nothing, whatever its last message had to tell
        let sql = if self.is_open {
            "-- open_way_out\nUPDATE session SET way_out_since = $2 \
             WHERE id = $1 AND way_out_since IS NULL AND state = 'active' AND $2 > 0"
        } else {
            "-- close_way_out\nUPDATE session SET way_out_since = NULL \
             WHERE id = $1 AND way_out_since IS NOT NULL AND $2 > 0"
        };
        on!(tx, |conn| {
            sqlx::query(sql).bind(self.session.as_str()).bind(self.now.as_millis()).execute(conn).await.map(drop)
        })
        .map_err(StoreError::database("note the way out"))
    }
}

/// Since when the way out is open.
pub(crate) async fn since(db: &Db, session: &SessionId) -> Result<Option<Timestamp>> {
    let row: Option<(Option<i64>,)> = read!(db, |pool| {
        sqlx::query_as("-- way_out_since\nSELECT way_out_since FROM session WHERE id = $1")
            .bind(session.as_str())
            .fetch_optional(pool)
            .await
    })
    .map_err(StoreError::database("look up the way out"))?;
    Ok(row.and_then(|(since,)| since).map(Timestamp::from_millis))
}
