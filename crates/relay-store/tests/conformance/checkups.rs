//! The database told about itself, and when each side was last heard.

use relay_store::{NewEvent, Origin, Source};
use relay_testing::Database;

use crate::rig::{Rig, at, event, lane, session_id};

on_both!(a_database_tells_what_it_is, the_last_webhook_of_each_side_is_found);

async fn a_database_tells_what_it_is(database: Database) {
    let rig = Rig::on(database).await;
    let looked = rig.store.checkup(true).await.unwrap();
    let name = match database {
        Database::Sqlite => "SQLite 3.",
        Database::Postgres => "PostgreSQL ",
    };
    assert!(looked.product.starts_with(name), "{looked:?}");
    assert!(looked.bytes > 10_000, "{looked:?}");
    assert_eq!(looked.log_bytes.is_some(), database == Database::Sqlite, "{looked:?}");
    assert_eq!((looked.missing_migrations, looked.damage), (0, None));
    rig.finish().await;
}

async fn the_last_webhook_of_each_side_is_found(database: Database) {
    let rig = Rig::on(database).await;
    let last = async |session: &str, source| rig.store.last_heard(&session_id(session), source).await.unwrap();
    assert_eq!(last("loja01", Source::CodeChat).await, None);
    let told = |name: &str, source, origin, received| NewEvent {
        source,
        origin,
        received_at: at(received),
        ..event(&lane("ana"), name)
    };
    rig.store_all([
        told("a", Source::CodeChat, Origin::Webhook, 1000),
        told("b", Source::CodeChat, Origin::Webhook, 2000),
        told("c", Source::CodeChat, Origin::Sweep, 3000),
        told("d", Source::Chatwoot, Origin::Webhook, 500),
    ])
    .await;
    assert_eq!(last("loja01", Source::CodeChat).await, Some(at(2000)));
    assert_eq!(last("loja01", Source::Chatwoot).await, Some(at(500)));
    assert_eq!(last("loja02", Source::Chatwoot).await, None);
    rig.finish().await;
}
