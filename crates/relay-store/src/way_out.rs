//! When a session's messages could not go out: what tells a message that an outage kept from one that merely queued.
//!
//! Whichever process sees the way out open or closed writes it down, so that a process which has just started knows as much as
//! the others. When no process lived for a while, nobody could have sent anything: then every way out was closed meanwhile, and
//! is until something was sent.

use relay_domain::Timestamp;
use relay_domain::id::{SessionId, WorkerId};
use relay_domain::unsent::Outage;

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
        if let Some(began_at) = silent_since(tx).await? {
            on!(tx, |conn| {
                sqlx::query(
                    "-- notice_gap\nINSERT INTO outage (session, began_at) SELECT id, $1 FROM session WHERE NOT EXISTS (\
                       SELECT 1 FROM outage WHERE outage.session = session.id AND ended_at IS NULL) \
                     ON CONFLICT (session, began_at) DO UPDATE SET ended_at = NULL",
                )
                .bind(began_at.as_millis())
                .execute(conn)
                .await
                .map(drop)
            })
            .map_err(StoreError::database("note a gap"))?;
        }
        Beat(self.0.clone()).apply(tx).await
    }
}

/// Since when no process lived, when that is an outage.
async fn silent_since(tx: &mut Tx) -> Result<Option<Timestamp>> {
    // the database's own clock, as for every beat
    let sql = tx.dialect(
        "-- last_beat\nSELECT MAX(beat_at), CAST(unixepoch('subsec') * 1000 AS INTEGER) FROM worker",
        "-- last_beat\nSELECT MAX(beat_at), (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint FROM worker",
    );
    let (last, now): (Option<i64>, i64) =
        on!(tx, |conn| sqlx::query_as(sql).fetch_one(conn).await).map_err(StoreError::database("look for a gap"))?;
    Ok(match last.map(|last| (last, now - last)) {
        Some((_, silence)) if silence.abs() < GAP_MS => None,
        Some((last, silence)) if silence > 0 => Some(Timestamp::from_millis(last)),
        // never, or the clock was set back: nobody knows for how long
        Some(_) | None => Some(Timestamp::default()),
    })
}

/// Notes whether messages can go out.
#[derive(Clone, Debug)]
pub struct NoteWayOut {
    /// Of which session.
    pub session: SessionId,
    /// Whether they can. Nothing changes when that was so before.
    pub is_open: bool,
    /// Since when, as far as was seen.
    pub since: Timestamp,
}

impl Verb for NoteWayOut {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        if !self.is_open {
            return begin(tx, &self.session, self.since).await;
        }
        // a paused session sends nothing, whatever its last message had to tell
        on!(tx, |conn| {
            sqlx::query(
                "-- open_way_out\nUPDATE outage SET ended_at = $2 WHERE session = $1 AND ended_at IS NULL \
                 AND EXISTS (SELECT 1 FROM session WHERE id = $1 AND state = 'active')",
            )
            .bind(self.session.as_str())
            .bind(self.since.as_millis())
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("note the way out"))
    }
}

/// Notes that messages cannot go out since then, unless that is known.
pub(crate) async fn begin(tx: &mut Tx, session: &SessionId, since: Timestamp) -> Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "-- close_way_out\nINSERT INTO outage (session, began_at) SELECT id, $2 FROM session WHERE id = $1 \
             AND NOT EXISTS (SELECT 1 FROM outage WHERE session = $1 AND ended_at IS NULL) \
             ON CONFLICT (session, began_at) DO UPDATE SET ended_at = NULL",
        )
        .bind(session.as_str())
        .bind(since.as_millis())
        .execute(conn)
        .await
        .map(drop)
    })
    .map_err(StoreError::database("note an outage"))
}

/// The outages of a session that lasted beyond a moment.
pub(crate) async fn since(db: &Db, session: &SessionId, moment: Timestamp) -> Result<Vec<Outage>> {
    let rows: Vec<(i64, Option<i64>)> = read!(db, |pool| {
        sqlx::query_as(
            "-- list_outages\nSELECT began_at, ended_at FROM outage WHERE session = $1 AND (ended_at IS NULL OR ended_at > $2)",
        )
        .bind(session.as_str())
        .bind(moment.as_millis())
        .fetch_all(pool)
        .await
    })
    .map_err(StoreError::database("look up outages"))?;
    let outage = |(began_at, ended_at): (i64, Option<i64>)| Outage {
        began_at: Timestamp::from_millis(began_at),
        ended_at: ended_at.map(Timestamp::from_millis),
    };
    Ok(rows.into_iter().map(outage).collect())
}
