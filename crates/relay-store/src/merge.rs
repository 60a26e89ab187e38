//! Joining two chats that turned out to be one person.
//!
//! The lanes of both must be free: what a worker has in hand ends where it began. Until then neither lane is claimed again, and
//! new events queue at the chat that stays. The lanes of the chat that goes remain as signposts: an event that another
//! process still names after the vanished chat is passed on when its lane is claimed.

use std::collections::BTreeMap;

use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, SessionId, WorkerId};
use relay_domain::lease::SILENCE_MS;

use crate::db::{Db, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::model::{Lane, LaneKind};
use crate::writer::Verb;

/// Lanes of a chat.
const KINDS: [LaneKind; 2] = [LaneKind::In, LaneKind::Out];

/// Rows that name their chat, apart from those of `chat` and `lane`. A new table with a chat in it gets its line here.
const REPOINT: [&str; 4] = [
    "-- repoint_links\nUPDATE link SET chat = $3 WHERE session = $1 AND chat = $2",
    "-- repoint_aliases\nUPDATE chat_alias SET chat = $3 WHERE session = $1 AND chat = $2",
    "-- repoint_contacts\nINSERT INTO contact_merge (session, chat, contact) \
     SELECT session, $3, contact FROM contact_merge WHERE session = $1 AND chat = $2 ON CONFLICT DO NOTHING",
    // PostgreSQL wants every parameter used
    "-- drop_contacts\nDELETE FROM contact_merge WHERE session = $1 AND chat = $2 AND chat <> $3",
];

/// Who asks whether lanes are free: its own leases that no task holds count as free.
pub(crate) struct Asking<'a> {
    worker: &'a str,
    at_work: &'a str,
}

impl Asking<'_> {
    /// Somebody for whom every lease of a living process stands in the way.
    pub(crate) const ANYBODY: Self = Self { worker: "", at_work: "" };
}

/// Notes that two chats are one, and joins them at once if nobody works on either.
pub(crate) async fn join(tx: &mut Tx, session: &SessionId, gone: &str, into: &str) -> Result<()> {
    for sql in [
        "-- note_merge\nINSERT INTO chat_merge (session, gone, into_chat) VALUES ($1, $2, $3) \
         ON CONFLICT (session, gone) DO UPDATE SET into_chat = excluded.into_chat",
        "-- redirect_merges\nUPDATE chat_merge SET into_chat = $3 WHERE session = $1 AND into_chat = $2",
    ] {
        run(tx, sql, session, gone, into).await?;
    }
    Pair { session, gone, into }.join_if_free(tx, &Asking::ANYBODY).await.map(drop)
}

/// Joins chats whose lanes have become free.
pub(crate) struct JoinWaiting {
    pub(crate) worker: WorkerId,
    /// Marks of the lanes that this process works on.
    pub(crate) at_work: String,
}

impl Verb for JoinWaiting {
    type Out = usize;

    async fn apply(&self, tx: &mut Tx) -> Result<usize> {
        let waiting: Vec<(String, String, String)> = on!(tx, |conn| {
            sqlx::query_as("-- waiting_merges\nSELECT session, gone, into_chat FROM chat_merge ORDER BY session, gone")
                .fetch_all(conn)
                .await
        })
        .map_err(StoreError::database("look for chats to join"))?;
        let asking = Asking { worker: self.worker.as_str(), at_work: &self.at_work };
        let mut joined = 0;
        for (session, gone, into) in waiting {
            let session = SessionId::new(session);
            joined +=
                usize::from(Pair { session: &session, gone: &gone, into: &into }.join_if_free(tx, &asking).await?);
        }
        Ok(joined)
    }
}

/// Whether chats wait to be joined.
pub(crate) async fn are_waiting(db: &Db) -> Result<bool> {
    let row: Option<(i64,)> = read!(db, |pool| {
        sqlx::query_as("-- are_merges_waiting\nSELECT CAST(1 AS BIGINT) FROM chat_merge LIMIT 1")
            .fetch_optional(pool)
            .await
    })
    .map_err(StoreError::database("look for chats to join"))?;
    Ok(row.is_some())
}

/// A chat that goes, and the one that stays.
struct Pair<'a> {
    session: &'a SessionId,
    gone: &'a str,
    into: &'a str,
}

#[derive(sqlx::FromRow)]
struct LaneRow {
    key: String,
    next_at: Option<i64>,
    backing_off: i64,
    done_to: i64,
}

#[derive(sqlx::FromRow)]
struct ChatRow {
    key: String,
    jid: Option<String>,
    contact: Option<i64>,
    choice: Option<String>,
    on_whatsapp: i64,
}

impl Pair<'_> {
    async fn join_if_free(&self, tx: &mut Tx, asking: &Asking<'_>) -> Result<bool> {
        let Some(lanes) = self.take_lanes(tx, asking).await? else {
            return Ok(false);
        };
        let moves = self.join_chats(tx).await?;
        for kind in KINDS {
            self.join_lanes(tx, kind, &lanes, moves).await?;
        }
        for sql in REPOINT {
            run(tx, sql, self.session, self.gone, self.into).await?;
        }
        let done = "-- merge_is_done\nDELETE FROM chat_merge WHERE session = $1 AND gone = $2 AND into_chat = $3";
        run(tx, done, self.session, self.gone, self.into).await?;
        tracing::info!(session.id = %self.session, "two chats turned out to be one person and were joined");
        Ok(true)
    }

    fn lane(&self, kind: LaneKind, chat: &str) -> String {
        Lane { session: self.session.clone(), kind, chat: ChatKey::new(chat) }.key()
    }

    /// The rows of all four lanes, locked until the commit; `None` when somebody works on one of them. It never waits for a row:
    /// whoever holds one may be waiting for ours.
    async fn take_lanes(&self, tx: &mut Tx, asking: &Asking<'_>) -> Result<Option<BTreeMap<String, LaneRow>>> {
        let chats = [self.gone, self.into];
        let mut keys: Vec<_> =
            KINDS.iter().flat_map(|kind| chats.map(|chat| (self.lane(*kind, chat), *kind, chat))).collect();
        keys.sort_by(|one, other| one.0.cmp(&other.0));
        for (key, kind, chat) in &keys {
            insert_lane(tx, key, self.session, *kind, chat).await?;
        }
        let sql = tx.dialect(
            "-- take_lanes\nSELECT key, next_at, backing_off, done_to FROM lane WHERE key IN ($1, $2, $3, $4) \
             AND (lease_token IS NULL \
               OR lease_worker = $5 AND instr($6, key || '#' || lease_token) = 0 \
               OR lease_worker <> $5 AND lease_worker NOT IN (\
                 SELECT id FROM worker WHERE beat_at > CAST(unixepoch('subsec') * 1000 AS INTEGER) - $7))",
            "-- take_lanes\nSELECT key, next_at, backing_off, done_to FROM lane WHERE key IN ($1, $2, $3, $4) \
             AND (lease_token IS NULL \
               OR lease_worker = $5 AND position(key || '#' || lease_token IN $6) = 0 \
               OR lease_worker <> $5 AND lease_worker NOT IN (\
                 SELECT id FROM worker WHERE beat_at > (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint - $7)) \
             ORDER BY key FOR UPDATE SKIP LOCKED",
        );
        let rows: Vec<LaneRow> = on!(tx, |conn| {
            let mut query = sqlx::query_as(sql);
            for (key, ..) in &keys {
                query = query.bind(key);
            }
            query.bind(asking.worker).bind(asking.at_work).bind(SILENCE_MS).fetch_all(conn).await
        })
        .map_err(StoreError::database("take the lanes of two chats"))?;
        if rows.len() < keys.len() {
            return Ok(None);
        }
        Ok(Some(rows.into_iter().map(|row| (row.key.clone(), row)).collect()))
    }

    /// Moves what is pending, in its order, and turns the lane that is left into a signpost.
    async fn join_lanes(
        &self,
        tx: &mut Tx,
        kind: LaneKind,
        lanes: &BTreeMap<String, LaneRow>,
        moves: bool,
    ) -> Result<()> {
        let (gone, into) = (self.lane(kind, self.gone), self.lane(kind, self.into));
        move_pending(tx, &gone, &into).await?;
        let rows = [&lanes[&gone], &lanes[&into]];
        // whoever waited after a failure goes on waiting
        let backing_off = rows.iter().filter(|row| row.backing_off == 1).filter_map(|row| row.next_at).max();
        // what was delivered to a conversation that comes along counts for being late
        let done_to = if moves { rows[0].done_to.max(rows[1].done_to) } else { rows[1].done_to };
        on!(tx, |conn| {
            sqlx::query(
                "-- join_lane\nUPDATE lane SET lease_worker = NULL, lease_token = NULL, moved_to = NULL, done_to = $2, \
                 backing_off = CASE WHEN $3 IS NULL THEN 0 ELSE 1 END, \
                 next_at = (SELECT COALESCE($3, MIN(run_at)) FROM event WHERE event.lane = $1 AND event.state = 'pending' \
                 HAVING COUNT(*) > 0) WHERE key = $1",
            )
            .bind(&into)
            .bind(done_to)
            .bind(backing_off)
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("join lanes"))?;
        on!(tx, |conn| {
            sqlx::query(
                "-- leave_lane\nUPDATE lane SET lease_worker = NULL, lease_token = NULL, next_at = NULL, backing_off = 0, \
                 moved_to = $2 WHERE key = $1",
            )
            .bind(&gone)
            .bind(self.into)
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("join lanes"))
    }

    /// Gives the chat that stays what only the other one had. Returns whether that includes its place in Chatwoot.
    async fn join_chats(&self, tx: &mut Tx) -> Result<bool> {
        let rows: Vec<ChatRow> = on!(tx, |conn| {
            sqlx::query_as(
                "-- chats_to_join\nSELECT key, jid, contact, choice, on_whatsapp FROM chat WHERE session = $1 AND key IN ($2, $3)",
            )
            .bind(self.session.as_str())
            .bind(self.gone)
            .bind(self.into)
            .fetch_all(conn)
            .await
        })
        .map_err(StoreError::database("read the chats to join"))?;
        let of = |key: &str| rows.iter().find(|row| row.key == key);
        let (Some(gone), Some(into)) = (of(self.gone), of(self.into)) else {
            return Ok(false);
        };
        let moves = into.contact.is_none() && gone.contact.is_some();
        if let (Some(one), Some(other)) = (into.contact, gone.contact)
            && one != other
        {
            self.owe_contact(tx, other).await?;
        }
        let known = |row: &ChatRow| row.jid.as_deref().map_or(2, |jid| u8::from(!jid.ends_with("@s.whatsapp.net")));
        let jid = if known(into) <= known(gone) { &into.jid } else { &gone.jid };
        self.fill(tx, gone, jid.as_deref(), moves).await?;
        run(
            tx,
            "-- leave_chat\nDELETE FROM chat WHERE session = $1 AND key = $2 AND key <> $3",
            self.session,
            self.gone,
            self.into,
        )
        .await?;
        Ok(moves)
    }

    async fn owe_contact(&self, tx: &mut Tx, contact: i64) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query(
                "-- owe_contact\nINSERT INTO contact_merge (session, chat, contact) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(self.session.as_str())
            .bind(self.into)
            .bind(contact)
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("note a contact to merge"))
    }

    async fn fill(&self, tx: &mut Tx, gone: &ChatRow, jid: Option<&str>, moves: bool) -> Result<()> {
        let sql = if moves {
            "-- take_place\nUPDATE chat SET jid = $4, contact_due = 1, choice = COALESCE(choice, $5), \
             on_whatsapp = CASE WHEN $6 = 1 THEN 1 ELSE on_whatsapp END, (name, push_name, picture, pictured_at, contact, \
             source_id, conversation, status, status_at) = (SELECT name, push_name, picture, pictured_at, contact, source_id, \
             conversation, status, status_at FROM chat AS gone WHERE gone.session = $1 AND gone.key = $3) \
             WHERE session = $1 AND key = $2"
        } else {
            "-- keep_place\nUPDATE chat SET jid = $4, choice = COALESCE(choice, $5), \
             on_whatsapp = CASE WHEN $6 = 1 THEN 1 ELSE on_whatsapp END, \
             contact_due = CASE WHEN contact IS NULL OR key = $3 THEN contact_due ELSE 1 END WHERE session = $1 AND key = $2"
        };
        on!(tx, |conn| {
            sqlx::query(sql)
                .bind(self.session.as_str())
                .bind(self.into)
                .bind(self.gone)
                .bind(jid)
                .bind(gone.choice.as_deref())
                .bind(gone.on_whatsapp)
                .execute(conn)
                .await
                .map(drop)
        })
        .map_err(StoreError::database("join chats"))
    }
}

/// Passes on what was queued at a chat after it was joined to another; its lane, just claimed, is given back.
pub(crate) async fn pass_on(tx: &mut Tx, from: &Lane, to: &ChatKey, now: Timestamp) -> Result<()> {
    let to = Lane { chat: to.clone(), ..from.clone() };
    insert_lane(tx, &to.key(), &to.session, to.kind, to.chat.as_str()).await?;
    move_pending(tx, &from.key(), &to.key()).await?;
    on!(tx, |conn| {
        sqlx::query(
            "-- wake_joined\nUPDATE lane SET next_at = CASE \
             WHEN next_at IS NULL OR (backing_off = 0 AND next_at > $2) THEN $2 ELSE next_at END WHERE key = $1",
        )
        .bind(to.key())
        .bind(now.as_millis())
        .execute(conn)
        .await
        .map(drop)
    })
    .map_err(StoreError::database("pass events on"))?;
    on!(tx, |conn| {
        sqlx::query(
            "-- leave_passed\nUPDATE lane SET lease_worker = NULL, lease_token = NULL, next_at = NULL, backing_off = 0 WHERE key = $1",
        )
        .bind(from.key())
        .execute(conn)
        .await
        .map(drop)
    })
    .map_err(StoreError::database("pass events on"))
}

async fn move_pending(tx: &mut Tx, from: &str, to: &str) -> Result<()> {
    on!(tx, |conn| {
        sqlx::query("-- move_events\nUPDATE event SET lane = $2 WHERE lane = $1 AND state = 'pending'")
            .bind(from)
            .bind(to)
            .execute(conn)
            .await
            .map(drop)
    })
    .map_err(StoreError::database("move events"))
}

async fn insert_lane(tx: &mut Tx, key: &str, session: &SessionId, kind: LaneKind, chat: &str) -> Result<()> {
    on!(tx, |conn| {
        sqlx::query(
            "-- make_lane\nINSERT INTO lane (key, session, kind, chat) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(key)
        .bind(session.as_str())
        .bind(kind.as_str())
        .bind(chat)
        .execute(conn)
        .await
        .map(drop)
    })
    .map_err(StoreError::database("make a lane"))
}

/// Runs a statement about a session, the chat that goes and the one that stays.
async fn run(tx: &mut Tx, sql: &'static str, session: &SessionId, gone: &str, into: &str) -> Result<()> {
    on!(tx, |conn| sqlx::query(sql).bind(session.as_str()).bind(gone).bind(into).execute(conn).await.map(drop))
        .map_err(StoreError::database("join chats"))
}
