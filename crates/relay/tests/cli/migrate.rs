//! `relay migrate`: the schema by hand.

use relay_testing::{Database, TempFolder};

use crate::support::Home;

async fn the_schema_is_shown_and_brought_up_to_date(home: Home) {
    let said = home.run(&["migrate", "status"]).await;
    let lines: Vec<Vec<_>> = said.succeeded().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["VERSION", "NAME", "STATE"]);
    assert!(lines.len() > 1 && lines[1..].iter().all(|line| line.last() == Some(&"pending")), "{said:?}");
    for _ in 0..2 {
        assert_eq!(home.run(&["migrate", "up"]).await.succeeded(), "  ✓ the schema is up to date\n");
    }
    let said = home.run(&["migrate", "status"]).await;
    assert!(said.succeeded().lines().skip(1).all(|line| line.ends_with("applied")), "{said:?}");
    assert!(home.serve(&["serve"]).await.stop().await.success());
}

#[tokio::test]
async fn the_schema_is_shown_and_brought_up_to_date_on_sqlite() {
    the_schema_is_shown_and_brought_up_to_date(Home::new()).await;
}

#[tokio::test]
async fn the_schema_is_shown_and_brought_up_to_date_on_postgres() {
    let folder = TempFolder::new();
    let url = Database::Postgres.fresh_url(folder.path());
    the_schema_is_shown_and_brought_up_to_date(Home::new().with("DB_URL", url)).await;
}
