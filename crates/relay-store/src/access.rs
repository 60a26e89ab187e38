//! Who may use the console: links that work once, and browsers that are signed in. The store knows hashes of their tokens only.

use relay_domain::Timestamp;

use crate::db::{Db, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::writer::Verb;

/// What a pass to the console is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassKind {
    /// A link: it can be traded for a browser's pass, once.
    Link,
    /// A browser that is signed in.
    Browser,
}

impl PassKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Browser => "browser",
        }
    }
}

/// Keeps a new pass, and forgets those whose time is over.
#[derive(Debug)]
pub struct KeepPass {
    /// What it is.
    pub kind: PassKind,
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// Now.
    pub now: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

impl Verb for KeepPass {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query("-- forget_passes\nDELETE FROM console_pass WHERE expires_at <= $1")
                .bind(self.now.as_millis())
                .execute(conn)
                .await
                .map(drop)
        })
        .map_err(StoreError::database("forget old passes"))?;
        on!(tx, |conn| {
            sqlx::query(
                "-- keep_pass\nINSERT INTO console_pass (token_hash, kind, seen_at, expires_at) VALUES ($1, $2, $3, $4)",
            )
            .bind(&self.token_hash[..])
            .bind(self.kind.as_str())
            .bind(self.now.as_millis())
            .bind(self.expires_at.as_millis())
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("keep a pass"))
    }
}

/// Trades a link for a browser's pass. Whether the link was good.
#[derive(Debug)]
pub struct TradeLink {
    /// SHA-256 of the link's token.
    pub link_hash: [u8; 32],
    /// The pass that takes its place.
    pub pass: KeepPass,
}

impl Verb for TradeLink {
    type Out = bool;

    async fn apply(&self, tx: &mut Tx) -> Result<bool> {
        let was_good = on!(tx, |conn| {
            sqlx::query(
                "-- use_link\nDELETE FROM console_pass WHERE token_hash = $1 AND kind = 'link' AND expires_at > $2",
            )
            .bind(&self.link_hash[..])
            .bind(self.pass.now.as_millis())
            .execute(conn)
            .await
            .map(|done| done.rows_affected() == 1)
        })
        .map_err(StoreError::database("use a link to the console"))?;
        if was_good {
            self.pass.apply(tx).await?;
        }
        Ok(was_good)
    }
}

/// Notes that a browser was seen.
pub(crate) struct SeePass {
    pub(crate) token_hash: [u8; 32],
    pub(crate) now: Timestamp,
}

impl Verb for SeePass {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query("-- see_pass\nUPDATE console_pass SET seen_at = $2 WHERE token_hash = $1 AND seen_at < $2")
                .bind(&self.token_hash[..])
                .bind(self.now.as_millis())
                .execute(conn)
                .await
                .map(drop)
        })
        .map_err(StoreError::database("note that a browser was seen"))
    }
}

/// Signs a browser out.
pub(crate) struct EndPass(pub(crate) [u8; 32]);

impl Verb for EndPass {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query("-- end_pass\nDELETE FROM console_pass WHERE token_hash = $1")
                .bind(&self.0[..])
                .execute(conn)
                .await
                .map(drop)
        })
        .map_err(StoreError::database("sign a browser out"))
    }
}

/// When a browser that is signed in was last seen; `None` when it is not signed in, or no longer.
pub(crate) async fn last_seen(db: &Db, token_hash: [u8; 32], now: Timestamp) -> Result<Option<Timestamp>> {
    let row: Option<(i64,)> = read!(db, |pool| {
        sqlx::query_as(
            "-- last_seen\nSELECT seen_at FROM console_pass WHERE token_hash = $1 AND kind = 'browser' AND expires_at > $2",
        )
        .bind(&token_hash[..])
        .bind(now.as_millis())
        .fetch_optional(pool)
        .await
    })
    .map_err(StoreError::database("look whether a browser is signed in"))?;
    Ok(row.map(|(seen,)| Timestamp::from_millis(seen)))
}
