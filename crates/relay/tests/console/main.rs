//! The web console as browsers and strangers meet it: over HTTP on the real program's routes, and in headless Chromium.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

/// Makes a test per database of each case, which is an async function of the same name.
macro_rules! both {
    ($($case:ident),* $(,)?) => {
        $(mod $case {
            #[tokio::test]
            async fn sqlite() {
                super::$case(relay_testing::Database::Sqlite).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$case(relay_testing::Database::Postgres).await;
            }
        })*
    };
}

mod actions;
mod browser;
mod entrance;
mod hostile;
mod inside;
mod pages;
mod paging;
mod support;
