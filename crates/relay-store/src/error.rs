//! What can go wrong in the store.

use std::sync::Arc;

use crate::db;

/// A failure of the store; cheap to clone, because one failed commit answers many callers.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not do what it was asked.
    #[error("the database failed to {verb}")]
    Database {
        /// What was being done.
        verb: &'static str,
        /// The driver's own error.
        #[source]
        source: Arc<sqlx::Error>,
    },
    /// The schema could not be brought up to date.
    #[error("the database schema could not be migrated")]
    Migrate(#[source] Arc<sqlx::migrate::MigrateError>),
    /// A row holds what this version cannot read.
    #[error("column {column} of table {table} cannot be read: {reason}")]
    Row {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Too many writes are waiting.
    #[error("too many writes are waiting for the database")]
    Busy,
    /// The writer has stopped.
    #[error("the store is closed")]
    Closed,
    /// The address of the database is of no known kind.
    #[error("DB_URL must start with sqlite:// or postgres://, not with {scheme}")]
    UnknownScheme {
        /// What it starts with.
        scheme: String,
    },
    /// Another process has the SQLite database open.
    #[error("another relay already uses this database; stop it first, or use PostgreSQL for several processes")]
    Locked,
    /// Files beside the database cannot be used.
    #[error("{path} cannot be used")]
    File {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// The secret key is not the one the database was made with.
    #[error("SECRET_KEY is not the key this database was encrypted with; restore the original key")]
    WrongKey,
    /// A sealed value was tampered with or belongs elsewhere.
    #[error("an encrypted value of {column} cannot be opened")]
    Sealed {
        /// Where it is kept.
        column: &'static str,
    },
    /// Something with this name, or for this inbox, exists.
    #[error("{what} is already in use by another session")]
    Taken {
        /// What clashes.
        what: &'static str,
    },
}

impl StoreError {
    pub(crate) fn database(verb: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { verb, source: Arc::new(source) }
    }

    /// Whether not even a transaction could be begun.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::Database { verb: db::BEGIN, .. })
    }

    /// Whether the disk failed under SQLite. What it holds in memory may then differ from what is on the disk, and a repeated
    /// flush may report success without having flushed (<https://www.sqlite.org/rescode.html#ioerr>).
    pub(crate) fn is_disk_failure(&self) -> bool {
        let Self::Database { source, .. } = self else { return false };
        is_disk_failure(source)
    }

    pub(crate) fn row(table: &'static str, column: &'static str, reason: impl std::fmt::Display) -> Self {
        Self::Row { table, column, reason: reason.to_string() }
    }
}

/// Whether SQLite could not read, write or flush its file. A full disk is another error, and passes.
pub(crate) fn is_disk_failure(error: &sqlx::Error) -> bool {
    const IO_ERROR: i32 = 10;
    let sqlite = error.as_database_error().and_then(|error| error.try_downcast_ref::<sqlx::sqlite::SqliteError>());
    let code = sqlite.and_then(|error| sqlx::error::DatabaseError::code(error)?.parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == IO_ERROR)
}

/// What store methods return.
pub type Result<T> = std::result::Result<T, StoreError>;
