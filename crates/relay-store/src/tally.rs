//! The law of conservation: whatever was received is in exactly one state.

use relay_domain::Timestamp;

use crate::db::{Db, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::model::Tally;
use crate::writer::Verb;

/// Counts all events, in one snapshot: those whose rows were removed since they ended are counted apart.
pub(crate) async fn count(db: &Db) -> Result<Tally> {
    let rows: Vec<(String, i64)> = read!(db, |pool| {
        sqlx::query_as(
            "-- tally\nSELECT state, COUNT(*) FROM event GROUP BY state \
             UNION ALL SELECT 'received', CAST(COALESCE(SUM(received), 0) AS BIGINT) FROM tally \
             UNION ALL SELECT 'delivered', CAST(COALESCE(SUM(delivered), 0) AS BIGINT) FROM tally \
             UNION ALL SELECT 'ignored', CAST(COALESCE(SUM(ignored), 0) AS BIGINT) FROM tally",
        )
        .fetch_all(pool)
        .await
    })
    .map_err(StoreError::database("count events"))?;
    let mut tally = Tally::default();
    for (state, count) in rows {
        match state.as_str() {
            "received" => tally.received += count,
            "pending" => tally.pending += count,
            "delivered" => tally.delivered += count,
            "ignored" => tally.ignored += count,
            "dead" => tally.dead += count,
            "expired" => tally.expired += count,
            other => return Err(StoreError::row("event", "state", other)),
        }
    }
    Ok(tally)
}

/// When the oldest pending event arrived.
pub(crate) async fn oldest_pending(db: &Db) -> Result<Option<Timestamp>> {
    let (oldest,): (Option<i64>,) = read!(db, |pool| {
        sqlx::query_as("-- oldest_pending\nSELECT MIN(received_at) FROM event WHERE state = 'pending'")
            .fetch_one(pool)
            .await
    })
    .map_err(StoreError::database("find the oldest pending event"))?;
    Ok(oldest.map(Timestamp::from_millis))
}

/// Empties the bodies of events that ended well before a moment. Their keys stay, so that a late copy is still recognised.
pub(crate) struct Purge {
    pub(crate) done_before: Timestamp,
    pub(crate) dead_before: Timestamp,
}

impl Verb for Purge {
    type Out = u64;

    async fn apply(&self, tx: &mut Tx) -> Result<u64> {
        let mut purged = 0;
        let done = "-- purge_done\nUPDATE event SET body = NULL WHERE id IN (SELECT id FROM event WHERE body IS NOT NULL \
                    AND state IN ('delivered', 'ignored') AND finished_at < $1 ORDER BY finished_at LIMIT 1000)";
        let failed = "-- purge_failed\nUPDATE event SET body = NULL WHERE id IN (SELECT id FROM event WHERE body IS NOT NULL \
                      AND state IN ('dead', 'expired') AND finished_at < $1 ORDER BY finished_at LIMIT 1000)";
        let over = "-- purge_outages\nDELETE FROM outage WHERE ended_at < $1";
        let silent = "-- purge_workers\nDELETE FROM worker WHERE beat_at < $1";
        for (sql, before) in [(done, self.done_before), (failed, self.dead_before)] {
            purged += self.run(tx, sql, before).await?;
            relay_fault::reach(relay_fault::Point::DuringPurge);
        }
        self.run(tx, silent, self.done_before).await?;
        self.run(tx, over, self.done_before).await?;
        Ok(purged)
    }
}

impl Purge {
    async fn run(&self, tx: &mut Tx, sql: &'static str, before: Timestamp) -> Result<u64> {
        on!(tx, |conn| sqlx::query(sql).bind(before.as_millis()).execute(conn).await.map(|done| done.rows_affected()))
            .map_err(StoreError::database("purge"))
    }
}
