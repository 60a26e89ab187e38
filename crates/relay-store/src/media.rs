//! Files that CodeChat may fetch from us, each under a token that works a few times and for a few minutes.

use relay_domain::Timestamp;
use relay_domain::id::SessionId;

use crate::db::{Db, Tx, on, read};
use crate::error::{Result, StoreError};
use crate::writer::Verb;

/// A file on offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its session.
    pub session: SessionId,
    /// Where it lies in the spool.
    pub path: String,
    /// What it is.
    pub mime: String,
    /// What it is called.
    pub file_name: String,
}

/// Puts a file on offer.
#[derive(Debug)]
pub struct OfferFile {
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
    /// The file.
    pub offer: Offer,
    /// Until when.
    pub expires_at: Timestamp,
    /// How often it may be fetched.
    pub fetches: u32,
}

impl Verb for OfferFile {
    type Out = ();

    async fn apply(&self, tx: &mut Tx) -> Result<()> {
        on!(tx, |conn| {
            sqlx::query(
                "-- offer_file\nINSERT INTO media (token_hash, session, path, mime, file_name, expires_at, fetches_left) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(&self.token_hash[..])
            .bind(self.offer.session.as_str())
            .bind(self.offer.path.as_str())
            .bind(self.offer.mime.as_str())
            .bind(self.offer.file_name.as_str())
            .bind(self.expires_at.as_millis())
            .bind(i64::from(self.fetches))
            .execute(conn)
            .await
            .map(drop)
        })
        .map_err(StoreError::database("offer a file"))
    }
}

/// Uses up one fetch of a file on offer.
pub(crate) struct TakeFile {
    pub(crate) token_hash: [u8; 32],
    pub(crate) now: Timestamp,
}

#[derive(sqlx::FromRow)]
struct OfferRow {
    session: String,
    path: String,
    mime: String,
    file_name: String,
}

impl Verb for TakeFile {
    type Out = Option<Offer>;

    async fn apply(&self, tx: &mut Tx) -> Result<Option<Offer>> {
        let row: Option<OfferRow> = on!(tx, |conn| {
            sqlx::query_as(
                "-- take_file\nUPDATE media SET fetches_left = fetches_left - 1 \
                 WHERE token_hash = $1 AND expires_at > $2 AND fetches_left > 0 RETURNING session, path, mime, file_name",
            )
            .bind(&self.token_hash[..])
            .bind(self.now.as_millis())
            .fetch_optional(conn)
            .await
        })
        .map_err(StoreError::database("hand out a file"))?;
        Ok(row.map(|row| Offer {
            session: SessionId::new(row.session),
            path: row.path,
            mime: row.mime,
            file_name: row.file_name,
        }))
    }
}

/// Withdraws files whose time is over, and says where they lay.
pub(crate) struct WithdrawExpired(pub(crate) Timestamp);

impl Verb for WithdrawExpired {
    type Out = Vec<String>;

    async fn apply(&self, tx: &mut Tx) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = on!(tx, |conn| {
            sqlx::query_as("-- withdraw_expired\nDELETE FROM media WHERE expires_at <= $1 RETURNING path")
                .bind(self.0.as_millis())
                .fetch_all(conn)
                .await
        })
        .map_err(StoreError::database("withdraw expired files"))?;
        Ok(rows.into_iter().map(|(path,)| path).collect())
    }
}

/// Paths of all files on offer.
pub(crate) async fn offered_paths(db: &Db) -> Result<Vec<String>> {
    let rows: Vec<(String,)> =
        read!(db, |pool| { sqlx::query_as("-- offered_paths\nSELECT path FROM media").fetch_all(pool).await })
            .map_err(StoreError::database("list offered files"))?;
    Ok(rows.into_iter().map(|(path,)| path).collect())
}
