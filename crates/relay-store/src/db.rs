//! The two databases behind one door: pools, transactions, and the macro that stamps one SQL text for both.

use std::str::FromStr;
use std::time::Duration;

use relay_fault::{Sabotage, is_sabotaged};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Postgres, Sqlite, Transaction};

use crate::error::{Result, StoreError};

const READERS: u32 = 4;
/// Statements that a connection keeps prepared: each batch size has its own.
const STATEMENTS: usize = 200;
/// Rows up to which a statement of many rows is kept prepared. Larger batches are rare, and each would be a statement of its own.
pub(crate) const KEPT: usize = 16;
/// What a failure to reach the database for writing is called.
pub(crate) const BEGIN: &str = "begin a transaction";
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(5);

/// Pools of one database: a single writing connection, several that read, and one of its own that looks after SQLite's log or
/// listens to the other processes on a PostgreSQL.
#[derive(Clone, Debug)]
pub(crate) enum Db {
    Sqlite { write: SqlitePool, read: SqlitePool, checkpoint: SqlitePool },
    Postgres { write: PgPool, read: PgPool, listen: PgPool },
}

/// A write transaction on either database.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Runs the same statements on whichever database a [`Tx`] belongs to: `on!(tx, |conn| { … })`.
macro_rules! on {
    ($tx:expr, |$conn:ident| $body:expr) => {
        match $tx {
            $crate::db::Tx::Sqlite(tx) => {
                let $conn = &mut **tx;
                $body
            }
            $crate::db::Tx::Postgres(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}

/// Runs the same query on the reading pool of either database: `read!(db, |pool| { … })`.
macro_rules! read {
    ($db:expr, |$pool:ident| $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite { read: $pool, .. } => $body,
            $crate::db::Db::Postgres { read: $pool, .. } => $body,
        }
    };
}

pub(crate) use {on, read};

/// One step of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its number.
    pub version: i64,
    /// What it does.
    pub name: String,
    /// Whether the database has it.
    pub is_applied: bool,
}

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

impl Db {
    pub(crate) async fn sqlite(path: &str) -> Result<Self> {
        let open = StoreError::database("open the SQLite file");
        let options = SqliteConnectOptions::from_str(&format!("sqlite://{path}"))
            .map_err(open)?
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(if is_sabotaged(Sabotage::Fsync) { SqliteSynchronous::Off } else { SqliteSynchronous::Full })
            .busy_timeout(WAIT_FOR_CONNECTION)
            .statement_cache_capacity(STATEMENTS)
            // see `checkpoint`
            .pragma("wal_autocheckpoint", "0")
            .pragma("temp_store", "memory");
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(WAIT_FOR_CONNECTION)
                .test_before_acquire(false)
        };
        let write = pool(1)
            // when the disk is full SQLite rolls back by itself, and the connection goes on to believe in its transaction
            .after_release(|connection, _| {
                Box::pin(async move {
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                })
            })
            .connect_with(options.clone())
            .await
            .map_err(StoreError::database("open the SQLite file"))?;
        let checkpoint = pool(1).connect_lazy_with(options.clone());
        let read = pool(READERS).connect_lazy_with(options.pragma("query_only", "on"));
        Ok(Self::Sqlite { write, read, checkpoint })
    }

    pub(crate) async fn postgres(url: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(url)
            .map_err(StoreError::database("read DB_URL"))?
            .application_name("relay")
            .statement_cache_capacity(STATEMENTS)
            // the contract of an acknowledgement, whatever the server's default
            .options([("synchronous_commit", "on")]);
        let pool = |connections| PgPoolOptions::new().max_connections(connections).acquire_timeout(WAIT_FOR_CONNECTION);
        // the writer tries again when its connection was cut; who reads does not, so those are looked at first
        let write = match pool(1).test_before_acquire(false).connect_with(options.clone()).await {
            // the pool has tried for a while, and does not say what was in the way
            Err(sqlx::Error::PoolTimedOut) => Err(reason(&options).await),
            connected => connected,
        };
        let write = write.map_err(StoreError::database("connect to PostgreSQL"))?;
        // as long as it listens it says nothing, which is no reason to close it
        let listen = pool(1).idle_timeout(None).max_lifetime(None).connect_lazy_with(options.clone());
        Ok(Self::Postgres { write, read: pool(READERS).connect_lazy_with(options), listen })
    }

    pub(crate) async fn migrate(&self) -> Result<()> {
        match self {
            Self::Sqlite { write, .. } => MIGRATOR.run(write).await,
            Self::Postgres { write, .. } => MIGRATOR.run(write).await,
        }
        .map_err(|error| StoreError::Migrate(error.into()))
    }

    pub(crate) async fn migrations(&self) -> Result<Vec<Migration>> {
        let applied: Vec<(i64,)> = read!(self, |pool| {
            sqlx::query_as("-- applied_migrations\nSELECT version FROM _sqlx_migrations").fetch_all(pool).await
        })
        // a new database has no such table
        .unwrap_or_default();
        let step = |migration: &sqlx::migrate::Migration| Migration {
            version: migration.version,
            name: migration.description.to_string(),
            is_applied: applied.iter().any(|(version,)| *version == migration.version),
        };
        Ok(MIGRATOR.iter().map(step).collect())
    }

    /// Begins a write transaction. SQLite takes its write lock at once, because upgrading a read transaction fails
    /// without waiting.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        let failed = StoreError::database(BEGIN);
        match self {
            Self::Sqlite { write, .. } => write.begin_with("BEGIN IMMEDIATE").await.map(Tx::Sqlite),
            Self::Postgres { write, .. } => write.begin().await.map(Tx::Postgres),
        }
        .map_err(failed)
    }

    /// One of two texts, for the few queries that must differ.
    pub(crate) fn dialect(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite { .. } => sqlite,
            Self::Postgres { .. } => postgres,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { write, read, checkpoint } => {
                checkpoint.close().await;
                read.close().await;
                write.close().await;
            }
            Self::Postgres { write, read, listen } => {
                listen.close().await;
                read.close().await;
                write.close().await;
            }
        }
    }
}

/// Why no connection can be made.
async fn reason(options: &PgConnectOptions) -> sqlx::Error {
    let tried = tokio::time::timeout(WAIT_FOR_CONNECTION, options.connect()).await;
    tried.ok().and_then(std::result::Result::err).unwrap_or(sqlx::Error::PoolTimedOut)
}

impl Tx {
    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
        .map_err(StoreError::database("commit"))
    }

    pub(crate) async fn rollback(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await,
            Self::Postgres(tx) => tx.rollback().await,
        }
        .map_err(StoreError::database("roll back"))
    }

    /// One of two texts, for the few statements that must differ.
    pub(crate) fn dialect(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }
}
