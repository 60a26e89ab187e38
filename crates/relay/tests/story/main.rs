//! Stories told over HTTP: what a customer and an agent do, and what the other one sees. Each runs on both databases.

#![expect(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

/// Makes a test per database of each story, which is an async function of the same name.
macro_rules! both {
    ($($story:ident),+ $(,)?) => {
        $(mod $story {
            #[tokio::test]
            async fn on_sqlite() {
                Box::pin(super::$story(relay_testing::Database::Sqlite)).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                Box::pin(super::$story(relay_testing::Database::Postgres)).await;
            }
        })+
    };
}

mod about;
mod basics;
mod calls;
mod cards_out;
mod connections;
mod contacts;
mod conversations;
mod desk;
mod disk;
mod doubts;
mod expiry;
mod failures;
mod feeds;
mod files;
mod first_contact;
mod forms;
mod gaps_in;
mod gaps_out;
mod groups;
mod held;
mod identity;
mod inbound;
mod kinds;
mod mentions;
mod menus;
mod mistakes;
mod oddities;
mod outages;
mod outbound;
mod pacing;
mod pausing;
mod poison;
mod profiles;
mod reactions_out;
mod reading;
mod receipts;
mod replay;
mod retries;
mod revocations;
mod signatures;
mod strict;
mod support;
mod twice;
mod typing;
mod walls;
