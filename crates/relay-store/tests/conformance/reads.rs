//! How far a chat was read, and what is unread.

use relay_domain::backoff::Direction;
use relay_domain::id::{ChatKey, CwConversationId, CwMessageId, WaMessageId};
use relay_domain::jid::Jid;
use relay_store::{
    Change, Lease, LinkChange, LinkKey, NewLink, Note, OpenChat, PendingEvent, Recorded, Reserve, Reserved,
};
use relay_testing::Database;

use crate::rig::{Rig, at, event, lane, session_id};

on_both!(the_mark_only_rises, only_what_was_posted_and_not_read_is_unread);

const CHAT: &str = "5511900000001@s.whatsapp.net";

async fn open(rig: &Rig) {
    let jid = Jid::parse(CHAT).unwrap();
    let open = OpenChat {
        session: session_id("loja01"),
        jid: Some(jid),
        aliases: vec![CHAT.to_owned()],
        spellings: Vec::new(),
    };
    rig.store.open_chat(open).await.unwrap();
}

async fn mark(rig: &Rig, to: i64) {
    rig.store.raise_read_mark(&session_id("loja01"), &ChatKey::new(CHAT), CwMessageId::new(to)).await.unwrap();
}

async fn the_mark_only_rises(database: Database) {
    let rig = Rig::on(database).await;
    let read = async || rig.store.read_mark(&session_id("loja01"), &ChatKey::new(CHAT)).await.unwrap().get();
    mark(&rig, 5).await;
    assert_eq!(read().await, 0, "a chat that is gone has no mark");
    open(&rig).await;
    for (to, expected) in [(5, 5), (3, 5), (9, 9)] {
        mark(&rig, to).await;
        assert_eq!(read().await, expected, "after {to}");
    }
    rig.finish().await;
}

async fn reserve(rig: &Rig, lease: &Lease, event: &PendingEvent, id: &str, from_me: bool, tried_at: i64) -> LinkKey {
    let key = LinkKey { direction: Direction::In, source_id: id.to_owned(), part: 0 };
    let part = NewLink {
        key: key.clone(),
        parts: 1,
        wa_id: WaMessageId::new(id),
        wa_from_me: from_me,
        wa_participant: None,
        wa_row: Some(77),
        cw_conversation: Some(CwConversationId::new(42)),
        cw_message: None,
        is_tried: true,
    };
    let (lease, event) = (lease.clone(), event.id.clone());
    let reserve = Reserve { lease, event, chat: ChatKey::new(CHAT), parts: vec![part], now: at(tried_at) };
    assert!(matches!(rig.store.reserve(reserve).await.unwrap(), Reserved::Known(known) if known.is_empty()));
    key
}

async fn only_what_was_posted_and_not_read_is_unread(database: Database) {
    let rig = Rig::on(database).await;
    open(&rig).await;
    rig.store_all([event(&lane(CHAT), "e")]).await;
    let lease = rig.claim_one(at(0)).await;
    let pending = rig.due(&lease, at(0)).await.remove(0);
    let mut changes = Vec::new();
    for (number, (id, from_me)) in (1..).zip([("old", false), ("first", false), ("ours", true), ("second", false)]) {
        let key = reserve(&rig, &lease, &pending, id, from_me, number * 1000).await;
        let (conversation, message) = (CwConversationId::new(42), CwMessageId::new(100 + number));
        changes.push(LinkChange { key, change: Change::PostedToChatwoot { conversation, message } });
    }
    reserve(&rig, &lease, &pending, "on its way", false, 5000).await;
    assert_eq!(rig.store.note(Note { lease, links: changes }).await.unwrap(), Recorded::Yes);
    let unread = async |since: i64| -> Vec<String> {
        let unread = rig.store.unread(&session_id("loja01"), at(since)).await.unwrap();
        assert!(unread.iter().all(|message| message.conversation.get() == 42 && message.wa_row == Some(77)));
        unread.into_iter().map(|message| message.wa_id.to_string()).collect()
    };
    assert_eq!(unread(2000).await, ["second", "first"]);
    mark(&rig, 102).await;
    assert_eq!(unread(0).await, ["second"]);
    mark(&rig, 104).await;
    assert_eq!(unread(0).await, Vec::<String>::new());
    rig.finish().await;
}
