//! What every store must do, whichever database it stands on: each case runs on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it does not expect")]

/// Stamps a case for both databases.
macro_rules! on_both {
    ($($case:ident),* $(,)?) => {
        $(mod $case {
            use relay_testing::Database;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$case(Database::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$case(Database::Postgres).await;
            }
        })*
    };
}

mod chats;
mod checkups;
mod connections;
mod console;
mod dead;
mod endings;
mod gaps;
mod ingest;
mod lanes;
mod links;
mod media;
mod merges;
mod messages;
mod model;
mod opening;
mod pausing;
mod people;
mod processes;
mod prune;
mod raw;
mod reads;
mod repeats;
mod replay;
mod rig;
mod sessions;
mod wake;
mod way_out;
