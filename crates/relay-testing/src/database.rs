//! Fresh stores for tests.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::postgres;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// The embedded one.
    Sqlite,
    /// A server that the tests start themselves.
    Postgres,
}

impl Database {
    /// Both, for tests that run on each.
    pub const BOTH: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// The address of a new, empty database.
    pub fn fresh_url(self, folder: &Path) -> String {
        match self {
            Self::Sqlite => format!("sqlite://{}", folder.join("relay.db").display()),
            Self::Postgres => postgres::fresh_database(),
        }
    }
}

/// A folder that goes away with its owner.
#[derive(Debug)]
pub struct TempFolder(PathBuf);

impl TempFolder {
    /// Makes a folder.
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("relay-test-{}", Uuid::now_v7()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for TempFolder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
