//! Two chats that turn out to be one person: everything of both goes on under one key, in order, and nothing at work is lost.

use relay_domain::backoff::Direction;
use relay_domain::id::{ChatKey, CwContactId, CwConversationId, CwMessageId, WaMessageId};
use relay_domain::jid::Jid;
use relay_store::{
    CHATWOOT_NAME, Change, End, Finish, Lane, LaneKind, LinkChange, LinkKey, NewLink, OpenChat, Place, Recorded,
    Reserve, Reserved, SetPlace, SettleContact,
};
use relay_testing::Database;

use crate::rig::{Rig, at, event, finish, lane, placed, postpone, session_id};

const PHONE: &str = "5511900000001@s.whatsapp.net";
const LID: &str = "212345678901234@lid";

on_both!(
    what_waits_in_both_lanes_goes_on_in_order,
    whoever_is_at_work_ends_first,
    a_silent_worker_is_not_waited_for,
    an_orphaned_lease_is_not_waited_for,
    what_is_named_after_the_vanished_chat_is_passed_on,
    a_wait_after_a_failure_goes_on,
    the_number_stays_and_the_contacts_are_owed_to_each_other,
    the_only_place_comes_along,
    links_and_names_lead_to_the_chat_that_stays,
    a_third_chat_joins_while_two_wait,
    the_other_spelling_joins_too,
    who_changed_numbers_is_not_joined_to_the_old_owner,
    names_of_chatwoots_making_join_nobody_else,
    a_learnt_number_is_told_to_the_contact,
);

fn open(jid: &str, aliases: &[&str]) -> OpenChat {
    OpenChat {
        session: session_id("loja01"),
        jid: Some(Jid::parse(jid).unwrap()),
        aliases: aliases.iter().map(ToString::to_string).collect(),
        spellings: Vec::new(),
    }
}

fn out(chat: &str) -> Lane {
    Lane { kind: LaneKind::Out, ..lane(chat) }
}

fn place(contact: i64) -> Place {
    Place {
        contact: CwContactId::new(contact),
        source_id: format!("source-{contact}"),
        conversation: Some(CwConversationId::new(contact * 10)),
    }
}

impl Rig {
    /// Two chats of one person, known apart.
    async fn apart(database: Database) -> Self {
        let rig = Self::on(database).await;
        assert_eq!(rig.opened(LID, &[LID]).await, LID);
        assert_eq!(rig.opened(PHONE, &[PHONE]).await, PHONE);
        rig
    }

    async fn opened(&self, jid: &str, aliases: &[&str]) -> String {
        self.store.open_chat(open(jid, aliases)).await.unwrap().to_string()
    }

    /// A message names both.
    async fn meet(&self) -> String {
        self.opened(PHONE, &[PHONE, LID]).await
    }

    async fn put(&self, chat: &str, contact: i64) {
        let set = SetPlace {
            session: session_id("loja01"),
            chat: ChatKey::new(chat),
            place: Some(place(contact)),
            name: None,
            push_name: None,
        };
        self.store.set_place(set).await.unwrap();
    }

    async fn contact(&self, chat: &str) -> (Option<i64>, bool) {
        let chat = self.store.chat(&session_id("loja01"), &ChatKey::new(chat)).await.unwrap().unwrap();
        (chat.place.map(|place| place.contact.get()), chat.is_contact_due)
    }

    async fn owed(&self, chat: &str) -> Vec<i64> {
        let owed = self.store.contacts_to_merge(&session_id("loja01"), &ChatKey::new(chat)).await.unwrap();
        owed.into_iter().map(CwContactId::get).collect()
    }

    async fn joined(&self) -> usize {
        self.store.join_chats(String::new()).await.unwrap()
    }
}

async fn what_waits_in_both_lanes_goes_on_in_order(database: Database) {
    let rig = Rig::apart(database).await;
    rig.store_all([placed(&lane(LID), 1), placed(&lane(PHONE), 2), placed(&lane(LID), 3), placed(&lane(PHONE), 4)])
        .await;
    rig.store_all([placed(&out(LID), 6), placed(&out(PHONE), 5)]).await;
    assert_eq!(rig.meet().await, PHONE);
    rig.store_all([placed(&lane(PHONE), 5)]).await;
    assert!(!rig.store.has_chats_to_join().await.unwrap());
    let mut leases = rig.store.claim(at(0), 10, Vec::new()).await.unwrap();
    leases.sort_by_key(|lease| lease.lane.key());
    let lanes: Vec<_> = leases.iter().map(|lease| lease.lane.clone()).collect();
    assert_eq!(lanes, [lane(PHONE), out(PHONE)]);
    assert_eq!(rig.drain(&leases[0], at(0)).await, [1, 2, 3, 4, 5]);
    assert_eq!(rig.drain(&leases[1], at(0)).await, [5, 6]);
    rig.finish().await;
}

/// What a worker has in hand ends where it began, with its links; only then do the lanes join, and until then none is claimed.
async fn whoever_is_at_work_ends_first(database: Database) {
    for busy in [LID, PHONE] {
        let rig = Rig::apart(database).await;
        rig.store_all([placed(&lane(busy), 1), placed(&lane(busy), 2)]).await;
        let lease = rig.claim_one(at(0)).await;
        let due = rig.due(&lease, at(0)).await;
        assert_eq!(rig.meet().await, PHONE);
        // the message that told it, and one that names the vanishing chat alone
        rig.store_all([placed(&lane(PHONE), 4), placed(&lane(LID), 3)]).await;
        let second = rig.second().await;
        assert!(second.claim(at(0), 10, Vec::new()).await.unwrap().is_empty());
        assert!(rig.due(&lease, at(0)).await.is_empty(), "nothing new is begun");
        assert_eq!(rig.store.join_chats(lease.mark()).await.unwrap(), 0);
        assert_eq!(second.join_chats(lease.mark()).await.unwrap(), 0);
        let link = LinkKey { direction: Direction::In, source_id: "them|A".to_owned(), part: 0 };
        let reserve = Reserve {
            lease: lease.clone(),
            event: due[0].id.clone(),
            chat: ChatKey::new(busy),
            parts: vec![part(&link)],
            now: at(0),
        };
        assert!(matches!(rig.store.reserve(reserve).await.unwrap(), Reserved::Known(known) if known.is_empty()));
        let posted = Change::PostedToChatwoot { conversation: CwConversationId::new(7), message: CwMessageId::new(70) };
        let done = Finish {
            links: vec![LinkChange { key: link, change: posted }],
            ..finish(&rig.store, &lease, &due[0], End::Delivered)
        };
        assert_eq!(rig.store.finish(done).await.unwrap(), Recorded::Yes);
        assert_eq!(rig.store.release(lease.clone()).await.unwrap(), Recorded::Yes);
        assert!(second.claim(at(0), 10, Vec::new()).await.unwrap().is_empty());
        assert_eq!(second.next_due().await.unwrap(), None);
        assert_eq!(rig.joined().await, 1);
        let again = rig.claim_one(at(0)).await;
        assert_eq!(again.lane, lane(PHONE));
        assert_eq!(rig.drain(&again, at(0)).await, [2, 3, 4]);
        let links = rig.store.links_by_wa(&session_id("loja01"), &WaMessageId::new("A")).await.unwrap();
        assert_eq!(links[0].chat, ChatKey::new(PHONE));
        assert_eq!(links[0].cw_message, Some(CwMessageId::new(70)));
        // the old lease is worth nothing
        assert_eq!(rig.store.release(lease).await.unwrap(), Recorded::LeaseLost);
        rig.finish().await;
    }
}

fn part(key: &LinkKey) -> NewLink {
    NewLink {
        key: key.clone(),
        parts: 1,
        wa_id: WaMessageId::new("A"),
        wa_from_me: false,
        wa_participant: None,
        wa_row: None,
        cw_conversation: None,
        cw_message: None,
        is_tried: true,
    }
}

async fn a_silent_worker_is_not_waited_for(database: Database) {
    let rig = Rig::apart(database).await;
    rig.store_all([placed(&lane(LID), 1)]).await;
    let lease = rig.claim_one(at(0)).await;
    let due = rig.due(&lease, at(0)).await;
    rig.meet().await;
    let raw = rig.raw().await;
    raw.silence_workers().await;
    let second = rig.second().await;
    second.beat().await.unwrap();
    if database == Database::Postgres {
        assert_eq!(second.join_chats(String::new()).await.unwrap(), 1);
        let done = finish(&rig.store, &lease, &due[0], End::Delivered);
        assert_eq!(rig.store.finish(done).await.unwrap(), Recorded::LeaseLost);
        assert_eq!(second.claim(at(0), 10, Vec::new()).await.unwrap()[0].lane, lane(PHONE));
    }
    raw.close().await;
    rig.finish().await;
}

async fn an_orphaned_lease_is_not_waited_for(database: Database) {
    let rig = Rig::apart(database).await;
    rig.store_all([placed(&lane(LID), 1)]).await;
    let lease = rig.claim_one(at(0)).await;
    rig.meet().await;
    assert_eq!(rig.store.join_chats(lease.mark()).await.unwrap(), 0);
    assert_eq!(rig.store.join_chats(String::new()).await.unwrap(), 1);
    assert_eq!(rig.store.release(lease).await.unwrap(), Recorded::LeaseLost);
    assert_eq!(rig.claim_one(at(0)).await.lane, lane(PHONE));
    rig.finish().await;
}

/// Another process still has the old key in memory.
async fn what_is_named_after_the_vanished_chat_is_passed_on(database: Database) {
    let rig = Rig::apart(database).await;
    rig.meet().await;
    rig.store_all([placed(&lane(LID), 1), placed(&lane(PHONE), 2), placed(&out(LID), 3)]).await;
    let mut drained = Vec::new();
    for _ in 0..3 {
        for lease in rig.store.claim(at(0), 10, Vec::new()).await.unwrap() {
            assert_eq!(lease.lane.chat, ChatKey::new(PHONE));
            drained.extend(rig.drain(&lease, at(0)).await);
        }
    }
    drained.sort_unstable();
    assert_eq!(drained, [1, 2, 3]);
    let chat = rig.store.chat(&session_id("loja01"), &ChatKey::new(LID)).await.unwrap().unwrap();
    assert_eq!(chat.key, ChatKey::new(PHONE));
    rig.finish().await;
}

async fn a_wait_after_a_failure_goes_on(database: Database) {
    let rig = Rig::apart(database).await;
    rig.store_all([placed(&lane(LID), 1)]).await;
    let lease = rig.claim_one(at(0)).await;
    let due = rig.due(&lease, at(0)).await;
    let wait = postpone(&rig.store, &lease, &due[0], at(0), at(9000));
    assert_eq!(rig.store.postpone(wait).await.unwrap(), Recorded::Yes);
    rig.meet().await;
    rig.store_all([placed(&lane(PHONE), 2)]).await;
    assert_eq!(rig.store.next_due().await.unwrap(), Some(at(9000)));
    let lease = rig.claim_one(at(9000)).await;
    assert_eq!(rig.drain(&lease, at(9000)).await, [1, 2]);
    rig.finish().await;
}

async fn the_number_stays_and_the_contacts_are_owed_to_each_other(database: Database) {
    let rig = Rig::apart(database).await;
    rig.put(LID, 1).await;
    rig.put(PHONE, 2).await;
    // whatever is named first
    assert_eq!(rig.opened(PHONE, &[LID, PHONE]).await, PHONE);
    assert_eq!(rig.contact(PHONE).await, (Some(2), true));
    assert_eq!(rig.owed(PHONE).await, [1]);
    let settle = |jid: &str, merged: &[i64]| SettleContact {
        session: session_id("loja01"),
        chat: ChatKey::new(PHONE),
        jid: Some(Jid::parse(jid).unwrap()),
        contact: CwContactId::new(2),
        merged: merged.iter().map(|contact| CwContactId::new(*contact)).collect(),
    };
    // neither as long as one is owed, nor when the contact was told another address
    for unsettled in [settle(PHONE, &[]), settle(LID, &[1])] {
        rig.store.settle_contact(unsettled).await.unwrap();
        assert_eq!(rig.contact(PHONE).await, (Some(2), true));
    }
    rig.store.settle_contact(settle(PHONE, &[])).await.unwrap();
    assert_eq!(rig.contact(PHONE).await, (Some(2), false));
    assert_eq!(rig.owed(PHONE).await, [0; 0]);
    rig.finish().await;
}

async fn the_only_place_comes_along(database: Database) {
    let rig = Rig::apart(database).await;
    rig.put(LID, 1).await;
    rig.meet().await;
    let chat = rig.store.chat(&session_id("loja01"), &ChatKey::new(PHONE)).await.unwrap().unwrap();
    assert_eq!((chat.place, chat.is_contact_due), (Some(place(1)), true));
    assert_eq!(chat.jid.unwrap().to_string(), PHONE);
    assert_eq!(rig.owed(PHONE).await, [0; 0]);
    rig.finish().await;
}

async fn links_and_names_lead_to_the_chat_that_stays(database: Database) {
    let rig = Rig::apart(database).await;
    let name = format!("{CHATWOOT_NAME}uuid-1");
    assert_eq!(rig.opened(LID, &[LID, &name]).await, LID);
    rig.meet().await;
    for alias in [LID, PHONE, &name] {
        let chat = rig.store.chat_by_alias(&session_id("loja01"), alias).await.unwrap();
        assert_eq!(chat, Some(ChatKey::new(PHONE)), "{alias}");
    }
    let raw = rig.raw().await;
    assert_eq!(raw.number("SELECT COUNT(*) FROM chat").await, Some(1));
    raw.close().await;
    let names = rig.store.names_of_chat(&session_id("loja01"), &ChatKey::new(PHONE)).await.unwrap();
    assert_eq!(names, [LID, PHONE, &name]);
    rig.finish().await;
}

async fn a_third_chat_joins_while_two_wait(database: Database) {
    let rig = Rig::apart(database).await;
    let third = "212345678909999@lid";
    assert_eq!(rig.opened(third, &[third]).await, third);
    rig.store_all([placed(&lane(LID), 1), placed(&lane(third), 2)]).await;
    let leases = rig.store.claim(at(0), 10, Vec::new()).await.unwrap();
    assert_eq!(leases.len(), 2);
    rig.meet().await;
    assert_eq!(rig.opened(PHONE, &[PHONE, third]).await, PHONE);
    // named alone it leads to the one that stays, too
    assert_eq!(rig.opened(LID, &[LID]).await, PHONE);
    for lease in leases {
        assert_eq!(rig.store.release(lease).await.unwrap(), Recorded::Yes);
    }
    assert_eq!(rig.joined().await, 2);
    let lease = rig.claim_one(at(0)).await;
    assert_eq!(rig.drain(&lease, at(0)).await, [1, 2]);
    rig.finish().await;
}

async fn the_other_spelling_joins_too(database: Database) {
    let rig = Rig::on(database).await;
    let (typed, told) = ("5531987654321@s.whatsapp.net", "553187654321@s.whatsapp.net");
    rig.opened(typed, &[typed]).await;
    rig.opened(LID, &[LID]).await;
    rig.put(typed, 1).await;
    rig.store_all([placed(&lane(typed), 1), placed(&lane(LID), 2)]).await;
    let both = OpenChat { spellings: vec![typed.to_owned()], ..open(told, &[told, LID]) };
    assert_eq!(rig.store.open_chat(both).await.unwrap().as_str(), typed);
    assert_eq!(rig.opened(LID, &[LID]).await, typed);
    let lease = rig.claim_one(at(0)).await;
    assert_eq!(rig.drain(&lease, at(0)).await, [1, 2]);
    rig.finish().await;
}

async fn who_changed_numbers_is_not_joined_to_the_old_owner(database: Database) {
    let rig = Rig::apart(database).await;
    rig.meet().await;
    let new = "5511900000009@s.whatsapp.net";
    assert_eq!(rig.opened(new, &[new]).await, new);
    rig.store_all([event(&lane(PHONE), "old")]).await;
    assert_eq!(rig.opened(new, &[new, LID]).await, new);
    assert_eq!(rig.opened(LID, &[LID]).await, new);
    assert_eq!(rig.claim_one(at(0)).await.lane, lane(PHONE));
    rig.finish().await;
}

async fn names_of_chatwoots_making_join_nobody_else(database: Database) {
    let rig = Rig::on(database).await;
    let name = format!("{CHATWOOT_NAME}uuid-1");
    let other = "5511900000002@s.whatsapp.net";
    rig.opened(PHONE, &[PHONE, &name]).await;
    rig.opened(other, &[other]).await;
    assert_eq!(rig.opened(other, &[other, &name]).await, other);
    let raw = rig.raw().await;
    assert_eq!(raw.number("SELECT COUNT(*) FROM chat").await, Some(2));
    raw.close().await;
    rig.finish().await;
}

async fn a_learnt_number_is_told_to_the_contact(database: Database) {
    let rig = Rig::on(database).await;
    rig.opened(LID, &[LID]).await;
    rig.put(LID, 1).await;
    assert_eq!(rig.contact(LID).await, (Some(1), false));
    assert_eq!(rig.meet().await, LID);
    assert_eq!(rig.contact(LID).await, (Some(1), true));
    rig.finish().await;
}
