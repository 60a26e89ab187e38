//! A second way into the database, past the store: to look at what it keeps, and to break it.

use std::time::Duration;

use relay_store::StoreConfig;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Error};

/// A connection of the test's own.
pub(crate) enum Raw {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

macro_rules! on_pool {
    ($raw:expr, |$pool:ident| $body:expr) => {
        match $raw {
            Raw::Sqlite($pool) => $body,
            Raw::Postgres($pool) => $body,
        }
    };
}

impl Raw {
    pub(crate) async fn open(config: &StoreConfig) -> Self {
        let patience = Duration::from_secs(10);
        if config.url.starts_with("sqlite") {
            let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(patience);
            Self::Sqlite(pool.connect(&config.url).await.unwrap())
        } else {
            let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(patience);
            Self::Postgres(pool.connect(&config.url).await.unwrap())
        }
    }

    /// Runs a statement that may be refused; returns how many rows it touched.
    pub(crate) async fn attempt(&self, sql: &str) -> Result<u64, Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        on_pool!(self, |pool| sqlx::query(sql).execute(pool).await.map(|done| done.rows_affected()))
    }

    /// Runs a statement that must touch at least one row.
    pub(crate) async fn run(&self, sql: &str) {
        let touched = self.attempt(sql).await.unwrap();
        assert!(touched > 0, "no row was touched by: {sql}");
    }

    /// Reads one number.
    pub(crate) async fn number(&self, sql: &str) -> Option<i64> {
        let sql = AssertSqlSafe(sql.to_owned());
        on_pool!(self, |pool| sqlx::query_scalar(sql).fetch_one(pool).await.unwrap())
    }

    /// Reads a column of texts.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<Option<String>> {
        let sql = AssertSqlSafe(sql.to_owned());
        on_pool!(self, |pool| sqlx::query_scalar(sql).fetch_all(pool).await.unwrap())
    }

    /// Reads one text.
    pub(crate) async fn text(&self, sql: &str) -> Option<String> {
        self.texts(sql).await.remove(0)
    }

    pub(crate) async fn close(self) {
        on_pool!(self, |pool| pool.close().await);
    }

    /// Makes every worker look as if it had said nothing for longer than is allowed.
    pub(crate) async fn silence_workers(&self) {
        self.run("UPDATE worker SET beat_at = beat_at - 6000").await;
    }
}
