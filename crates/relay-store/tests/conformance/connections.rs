//! What is known of a phone's connection: whatever word comes last counts, and the time runs from when it was won or lost.

use relay_store::{Announced, NoteAnnounced, NoteConnection};
use relay_testing::Database;

use crate::rig::{Rig, at, session_id};

on_both!(the_time_runs_from_when_it_was_won_or_lost, nobody_is_told_of_a_phone_that_never_was_connected);

impl Rig {
    async fn hears(&self, connection: &str, millis: i64) -> bool {
        let note = NoteConnection { session: session_id("loja01"), connection: connection.to_owned(), now: at(millis) };
        self.store.note_connection(note).await.unwrap()
    }

    async fn phone(&self) -> (String, i64, Option<Announced>) {
        let session = self.store.session_by_name("loja01").await.unwrap().unwrap();
        (session.connection, session.connection_since.as_millis() - at(0).as_millis(), session.announced)
    }
}

async fn the_time_runs_from_when_it_was_won_or_lost(database: Database) {
    let rig = Rig::on(database).await;
    let steps = [
        ("open", 1, false, 0),
        ("close", 2, true, 2),
        ("connecting", 3, true, 2),
        ("connecting", 4, false, 2),
        ("open", 5, true, 5),
        ("close", 6, true, 6),
    ];
    for (word, millis, is_news, since) in steps {
        assert_eq!(rig.hears(word, millis).await, is_news, "{word} at {millis}");
        let (connection, known_since, _) = rig.phone().await;
        assert_eq!((connection.as_str(), known_since), (word, since), "at {millis}");
    }
    rig.finish().await;
}

async fn nobody_is_told_of_a_phone_that_never_was_connected(database: Database) {
    let rig = Rig::on(database).await;
    rig.hears("close", 1).await;
    assert_eq!(rig.phone().await.2, None);
    rig.hears("open", 2).await;
    assert_eq!(rig.phone().await.2, Some(Announced::Connected));
    let note = NoteAnnounced { session: session_id("loja01"), announced: Announced::Lost };
    rig.store.note_announced(note).await.unwrap();
    rig.hears("close", 3).await;
    rig.hears("open", 4).await;
    assert_eq!(rig.phone().await.2, Some(Announced::Lost), "until they are told otherwise");
    rig.finish().await;
}
