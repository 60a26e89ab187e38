//! Looking at the database itself, for people who want to know whether it is well. Reads only.

use relay_domain::Timestamp;
use relay_domain::id::SessionId;

use crate::db::{Db, read};
use crate::error::{Result, StoreError};
use crate::model::Source;

/// The state of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkup {
    /// Which database, with its version.
    pub product: String,
    /// Its size, in bytes.
    pub bytes: u64,
    /// Size of SQLite's write-ahead log, in bytes.
    pub log_bytes: Option<u64>,
    /// Migrations of this version that it lacks.
    pub missing_migrations: usize,
    /// What the database says is damaged; `None` when nothing is, or nobody looked.
    pub damage: Option<String>,
}

/// Looks; thoroughly means reading every page of an SQLite file.
pub(crate) async fn look(db: &Db, thoroughly: bool) -> Result<Checkup> {
    let missing_migrations = db.migrations().await?.iter().filter(|migration| !migration.is_applied).count();
    let failed = StoreError::database("look at itself");
    let text = |sql: &'static str| async move {
        let row: (String,) = read!(db, |pool| sqlx::query_as(sql).fetch_one(pool).await)?;
        Ok::<_, sqlx::Error>(row.0)
    };
    let number = |sql: &'static str| async move {
        let row: (i64,) = read!(db, |pool| sqlx::query_as(sql).fetch_one(pool).await)?;
        Ok::<_, sqlx::Error>(u64::try_from(row.0).unwrap_or(0))
    };
    let looked = async {
        let product = text(db.dialect(
            "-- checkup_version\nSELECT 'SQLite ' || sqlite_version()",
            "-- checkup_version\nSELECT 'PostgreSQL ' || current_setting('server_version')",
        ))
        .await?;
        let bytes = number(db.dialect(
            "-- checkup_size\nSELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
            "-- checkup_size\nSELECT pg_database_size(current_database())",
        ))
        .await?;
        let (mut log_bytes, mut damage) = (None, None);
        if matches!(db, Db::Sqlite { .. }) {
            let path = text("-- checkup_path\nSELECT file FROM pragma_database_list() WHERE name = 'main'").await?;
            log_bytes = std::fs::metadata(format!("{path}-wal")).ok().map(|file| file.len());
            if thoroughly {
                damage = Some(text("-- checkup_damage\nPRAGMA quick_check(1)").await?).filter(|said| said != "ok");
            }
        }
        Ok(Checkup { product, bytes, log_bytes, missing_migrations, damage })
    };
    looked.await.map_err(failed)
}

/// When a side was last heard of by a webhook that is kept.
pub(crate) async fn last_heard(db: &Db, session: &SessionId, source: Source) -> Result<Option<Timestamp>> {
    let row: Option<(i64,)> = read!(db, |pool| {
        sqlx::query_as(
            "-- last_heard\nSELECT received_at FROM event WHERE session = $1 AND source = $2 AND origin = 'webhook' \
             ORDER BY id DESC LIMIT 1",
        )
        .bind(session.as_str())
        .bind(source.as_str())
        .fetch_optional(pool)
        .await
    })
    .map_err(StoreError::database("find the last webhook"))?;
    Ok(row.map(|(at,)| Timestamp::from_millis(at)))
}
