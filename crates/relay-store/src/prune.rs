//! Removing what nobody needs any more: rows of events that ended well long ago, and of what they were on both sides.
//!
//! Invariant: the law of conservation stays exact. A removed event is counted in `tally` in the same transaction.

use std::collections::BTreeMap;

use relay_domain::Timestamp;

use crate::db::{Tx, on};
use crate::error::{Result, StoreError};
use crate::writer::Verb;

/// Removes a portion.
pub(crate) struct Prune {
    pub(crate) done_before: Timestamp,
    pub(crate) made_before: Timestamp,
    /// The counter of this process.
    pub(crate) shard: i64,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Events.
    pub events: u64,
    /// Links.
    pub links: u64,
}

impl Pruned {
    /// Whether a portion was full, so that there may be more.
    pub const fn is_full(self) -> bool {
        self.events >= PORTION || self.links >= PORTION
    }
}

/// Rows of one kind that one transaction removes at most; the statements below repeat it.
const PORTION: u64 = 500;

impl Verb for Prune {
    type Out = Pruned;

    async fn apply(&self, tx: &mut Tx) -> Result<Pruned> {
        let ended = self.remove_events(tx).await?;
        let links = self.remove_links(tx).await?;
        let events = ended.len() as u64;
        self.count(tx, ended).await?;
        Ok(Pruned { events, links })
    }
}

impl Prune {
    /// Returns session and state of each removed event. What has the place in order of a dead letter stays: its deletion, and its
    /// later turns, say whether that one may still be sent.
    async fn remove_events(&self, tx: &mut Tx) -> Result<Vec<(String, String)>> {
        on!(tx, |conn| {
            sqlx::query_as(
                "-- prune_events\nDELETE FROM event WHERE id IN (SELECT id FROM event AS old WHERE body IS NULL \
                 AND state IN ('delivered', 'ignored') AND finished_at < $1 AND NOT EXISTS (\
                   SELECT 1 FROM event AS failed WHERE failed.lane = old.lane AND failed.order_key = old.order_key \
                   AND failed.state IN ('dead', 'expired')) \
                 ORDER BY finished_at LIMIT 500) RETURNING session, state",
            )
            .bind(self.done_before.as_millis())
            .fetch_all(conn)
            .await
        })
        .map_err(StoreError::database("remove old events"))
    }

    async fn remove_links(&self, tx: &mut Tx) -> Result<u64> {
        on!(tx, |conn| {
            sqlx::query(
                "-- prune_links\nDELETE FROM link WHERE (session, direction, source_id, part) IN (\
                 SELECT session, direction, source_id, part FROM link AS old WHERE made_at < $1 \
                 AND NOT EXISTS (SELECT 1 FROM event WHERE event.id = old.event) ORDER BY made_at LIMIT 500)",
            )
            .bind(self.made_before.as_millis())
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
        })
        .map_err(StoreError::database("remove old links"))
    }

    async fn count(&self, tx: &mut Tx, ended: Vec<(String, String)>) -> Result<()> {
        let mut counts: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for (session, state) in ended {
            let (delivered, ignored) = counts.entry(session).or_default();
            *(if state == "delivered" { delivered } else { ignored }) += 1;
        }
        for (session, (delivered, ignored)) in counts {
            on!(tx, |conn| {
                sqlx::query(
                    "-- count_pruned\nINSERT INTO tally (session, shard, received, delivered, ignored) VALUES ($1, $2, 0, $3, $4) \
                     ON CONFLICT (session, shard) DO UPDATE SET delivered = tally.delivered + excluded.delivered, \
                     ignored = tally.ignored + excluded.ignored",
                )
                .bind(session)
                .bind(self.shard)
                .bind(delivered)
                .bind(ignored)
                .execute(conn)
                .await
                .map(drop)
            })
            .map_err(StoreError::database("count removed events"))?;
        }
        Ok(())
    }
}
