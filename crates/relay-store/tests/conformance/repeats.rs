//! What was posted again is looked at once it is due, by one process at a time, until nobody asks for it any more.

use std::time::Duration;

use relay_domain::id::CwConversationId;
use relay_store::{NoteRepeat, Repeat, SettleRepeat};
use relay_testing::Database;

use crate::rig::{Rig, at, session_id};

on_both!(a_repeat_is_taken_once_it_is_due);

async fn a_repeat_is_taken_once_it_is_due(database: Database) {
    let rig = Rig::on(database).await;
    let repeat = |source_id: &str| Repeat {
        session: session_id("loja01"),
        source_id: source_id.to_owned(),
        conversation: CwConversationId::new(7),
        posted_at: at(10),
    };
    for (source_id, look_at) in [("WAID:2", at(80)), ("WAID:1", at(70))] {
        rig.store.note_repeat(NoteRepeat { repeat: repeat(source_id), look_at }).await.unwrap();
    }
    assert_eq!(rig.store.take_repeats(at(69), 9).await.unwrap(), []);
    assert_eq!(rig.store.take_repeats(at(90), 1).await.unwrap(), [repeat("WAID:1")]);
    assert_eq!(rig.store.take_repeats(at(90), 9).await.unwrap(), [repeat("WAID:2")], "the first is taken");
    let later = at(90) + Duration::from_mins(5);
    assert_eq!(rig.store.take_repeats(later, 9).await.unwrap().len(), 2, "whoever took them failed");

    let settle = |source_id: &str, look_at| SettleRepeat {
        session: session_id("loja01"),
        source_id: source_id.to_owned(),
        look_at,
    };
    rig.store.settle_repeat(settle("WAID:1", None)).await.unwrap();
    rig.store.settle_repeat(settle("WAID:2", Some(at(900)))).await.unwrap();
    assert_eq!(rig.store.take_repeats(at(899), 9).await.unwrap(), []);
    assert_eq!(rig.store.take_repeats(at(900), 9).await.unwrap(), [repeat("WAID:2")]);
    rig.finish().await;
}
