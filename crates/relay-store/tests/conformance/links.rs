//! Links: what a message on one side is on the other, and how that may change.

use relay_domain::backoff::Direction;
use relay_domain::event::Ignored;
use relay_domain::id::{ChatKey, CwConversationId, CwMessageId, WaMessageId};
use relay_domain::status::Receipt;
use relay_store::{
    Change, End, Finish, Lane, LaneKind, Lease, Link, LinkChange, LinkKey, LinkState, NewLink, Note, PendingEvent,
    Recorded, Reserve, Reserved,
};
use relay_testing::Database;

use crate::rig::{Rig, at, event, finish, postpone, session, session_id};

on_both!(
    a_part_is_new_once,
    a_part_lies_on_both_sides,
    what_was_sent_stays_sent,
    a_try_is_remembered_until_it_is_known_to_have_failed,
    doubt_begins_when_it_is_noticed,
    how_far_a_lane_was_begun_is_told_with_what_is_due,
    a_copy_shows_how_far_the_other_lane_has_come,
    a_receipt_only_rises,
    what_was_deleted_stays_deleted,
    a_deletion_is_in_doubt_until_it_is_confirmed,
    an_end_and_a_wait_change_links_too,
    parts_are_found_in_order,
    sessions_do_not_see_each_others_messages,
);

/// A lane at work on one event.
struct Work<'a> {
    rig: &'a Rig,
    lease: Lease,
    event: PendingEvent,
}

impl<'a> Work<'a> {
    async fn begin(rig: &'a Rig, session: &str, kind: LaneKind) -> Self {
        let lane = Lane { session: session_id(session), kind, chat: ChatKey::new("a") };
        rig.store_all([event(&lane, kind.as_str())]).await;
        let lease = rig.claim_one(at(0)).await;
        let event = rig.due(&lease, at(0)).await.remove(0);
        Self { rig, lease, event }
    }

    async fn reserve(&self, parts: Vec<NewLink>) -> Vec<Link> {
        let (lease, event) = (self.lease.clone(), self.event.id.clone());
        let reserve = Reserve { lease, event, chat: ChatKey::new("a"), parts, now: at(10) };
        match self.rig.store.reserve(reserve).await.unwrap() {
            Reserved::Known(known) => known,
            Reserved::LeaseLost => panic!("the lease was lost"),
        }
    }

    async fn note(&self, part: &NewLink, change: Change) {
        let links = vec![LinkChange { key: part.key.clone(), change }];
        assert_eq!(self.rig.store.note(Note { lease: self.lease.clone(), links }).await.unwrap(), Recorded::Yes);
    }

    async fn by_wa(&self, id: &str) -> Vec<Link> {
        self.rig.store.links_by_wa(&self.lease.lane.session, &WaMessageId::new(id)).await.unwrap()
    }

    async fn by_cw(&self, message: i64) -> Vec<Link> {
        self.rig.store.links_by_cw(&self.lease.lane.session, CwMessageId::new(message)).await.unwrap()
    }

    async fn only(&self, id: &str) -> Link {
        let mut links = self.by_wa(id).await;
        assert_eq!(links.len(), 1, "{links:?}");
        links.remove(0)
    }
}

fn inward(wa_id: &str) -> NewLink {
    NewLink {
        key: LinkKey { direction: Direction::In, source_id: wa_id.to_owned(), part: 0 },
        parts: 1,
        wa_id: WaMessageId::new(wa_id),
        wa_from_me: false,
        wa_participant: Some("5511900000002".to_owned()),
        wa_row: Some(77),
        cw_conversation: None,
        cw_message: None,
        is_tried: true,
    }
}

fn outward(message: i64, part: u16, wa_id: &str) -> NewLink {
    NewLink {
        key: LinkKey { direction: Direction::Out, source_id: message.to_string(), part },
        parts: 3,
        wa_id: WaMessageId::new(wa_id),
        wa_from_me: true,
        wa_participant: None,
        wa_row: None,
        cw_conversation: Some(CwConversationId::new(5)),
        cw_message: Some(CwMessageId::new(message)),
        is_tried: part == 0,
    }
}

fn posted(conversation: i64, message: i64) -> Change {
    Change::PostedToChatwoot { conversation: CwConversationId::new(conversation), message: CwMessageId::new(message) }
}

fn sent(id: &str, row: Option<i64>) -> Change {
    Change::SentToWhatsApp { id: WaMessageId::new(id), row }
}

async fn a_part_is_new_once(database: Database) {
    let rig = Rig::on(database).await;
    let work = Work::begin(&rig, "loja01", LaneKind::Out).await;
    let parts = vec![outward(9, 0, "W0"), outward(9, 1, "W1")];
    assert!(work.reserve(parts.clone()).await.is_empty());
    // again with one more: what is known comes back as it was first written
    let again = vec![outward(9, 0, "other"), outward(9, 1, "W1"), outward(9, 2, "W2")];
    let known = work.reserve(again).await;
    let seen: Vec<_> =
        known.iter().map(|link| (link.key.part, link.wa_id.as_str(), link.state, link.tried_at)).collect();
    assert_eq!(seen, [(0, "W0", LinkState::Intent, Some(at(10))), (1, "W1", LinkState::Intent, None)]);
    assert_eq!(work.by_cw(9).await.len(), 3);
    // the same source id the other way is another message
    assert!(work.reserve(vec![inward("9")]).await.is_empty());
    rig.finish().await;
}

async fn a_part_lies_on_both_sides(database: Database) {
    let rig = Rig::on(database).await;
    let work = Work::begin(&rig, "loja01", LaneKind::In).await;
    let part = inward("M1");
    work.reserve(vec![part.clone()]).await;
    let link = work.only("M1").await;
    assert_eq!((link.key, link.parts, link.state), (part.key.clone(), 1, LinkState::Intent));
    assert_eq!((link.chat, link.event), (ChatKey::new("a"), work.event.id.clone()));
    assert_eq!(
        (link.wa_from_me, link.wa_participant.as_deref(), link.wa_row),
        (false, Some("5511900000002"), Some(77))
    );
    assert_eq!((link.receipt, link.cw_conversation, link.cw_message), (None, None, None));
    work.note(&part, posted(5, 41)).await;
    let link = work.by_cw(41).await.remove(0);
    assert_eq!((link.state, link.wa_id.as_str()), (LinkState::Sent, "M1"));
    assert_eq!(link.cw_conversation, Some(CwConversationId::new(5)));
    assert_eq!((link.wa_row, link.tried_at), (Some(77), Some(at(10))));
    rig.finish().await;
}

async fn what_was_sent_stays_sent(database: Database) {
    let rig = Rig::on(database).await;
    let work = Work::begin(&rig, "loja01", LaneKind::Out).await;
    let part = outward(9, 1, "planned");
    work.reserve(vec![part.clone()]).await;
    // what was given up and went through after all was sent
    work.note(&part, Change::Failed).await;
    assert_eq!(work.only("planned").await.state, LinkState::Failed);
    work.note(&part, sent("given", Some(12))).await;
    let link = work.only("given").await;
    assert_eq!((link.state, link.wa_row), (LinkState::Sent, Some(12)));
    assert!(work.by_wa("planned").await.is_empty());
    for change in
        [Change::Failed, Change::Untried, sent("given", None), Change::Tried { at: at(99), conversation: None }]
    {
        work.note(&part, change).await;
        let link = work.only("given").await;
        assert_eq!((link.state, link.wa_row), (LinkState::Sent, Some(12)));
    }
    rig.finish().await;
}

async fn a_try_is_remembered_until_it_is_known_to_have_failed(database: Database) {
    let rig = Rig::on(database).await;
    let work = Work::begin(&rig, "loja01", LaneKind::In).await;
    let part = NewLink { is_tried: false, ..inward("M1") };
    work.reserve(vec![part.clone()]).await;
    assert_eq!(work.only("M1").await.tried_at, None);
    let conversation = Some(CwConversationId::new(8));
    work.note(&part, Change::Tried { at: at(20), conversation }).await;
    work.note(&part, Change::Tried { at: at(30), conversation: None }).await;
    let link = work.only("M1").await;
    assert_eq!((link.state, link.tried_at, link.cw_conversation), (LinkState::Intent, Some(at(30)), conversation));
    work.note(&part, Change::Failed).await;
    assert_eq!(work.only("M1").await.tried_at, Some(at(30)));
    work.note(&part, Change::Untried).await;
    let link = work.only("M1").await;
    assert_eq!((link.tried_at, link.cw_conversation), (None, conversation));
    rig.finish().await;
}

async fn doubt_begins_when_it_is_noticed(database: Database) {
    let rig = Rig::on(database).await;
    let work = Work::begin(&rig, "loja01", LaneKind::In).await;
    let part = inward("M1");
    work.reserve(vec![part.clone()]).await;
    let doubt = async || {
        let link = work.only("M1").await;
        (link.is_in_doubt, link.tried_at)
    };
    assert_eq!(doubt().await, (false, Some(at(10))));
    work.note(&part, Change::InDoubt { at: at(25) }).await;
    assert_eq!(doubt().await, (true, Some(at(25))));
    work.note(&part, Change::Receipt(Receipt::Sent)).await;
    assert_eq!(doubt().await, (true, Some(at(25))));
    work.note(&part, Change::Tried { at: at(30), conversation: None }).await;
    assert_eq!(doubt().await, (false, Some(at(30))));
    work.note(&part, Change::InDoubt { at: at(40) }).await;
    work.note(&part, Change::Untried).await;
    assert_eq!(doubt().await, (false, None));
    rig.finish().await;
}

async fn a_receipt_only_rises(database: Database) {
    use Receipt::{Delivered, Failed, Read, Sent};
    let rig = Rig::on(database).await;
    let work = Work::begin(&rig, "loja01", LaneKind::Out).await;
    let part = outward(9, 0, "W0");
    work.reserve(vec![part.clone()]).await;
    for (said, kept) in [
        (Sent, Sent),
        (Failed, Failed),
        (Sent, Failed),
        (Delivered, Delivered),
        (Failed, Delivered),
        (Read, Read),
        (Delivered, Read),
    ] {
        work.note(&part, Change::Receipt(said)).await;
        let link = work.only("W0").await;
        assert_eq!((link.receipt, link.state), (Some(kept), LinkState::Intent), "after {said:?}");
    }
    work.note(&part, sent("W0", None)).await;
    assert_eq!(work.only("W0").await.receipt, Some(Read));
    rig.finish().await;
}

async fn what_was_deleted_stays_deleted(database: Database) {
    let rig = Rig::on(database).await;
    let work = Work::begin(&rig, "loja01", LaneKind::Out).await;
    let part = outward(9, 0, "W0");
    work.reserve(vec![part.clone()]).await;
    assert!(!work.only("W0").await.is_deleted);
    work.note(&part, Change::Deleted).await;
    work.note(&part, sent("W0", Some(1))).await;
    let link = work.only("W0").await;
    assert_eq!((link.is_deleted, link.state), (true, LinkState::Sent));
    rig.finish().await;
}

async fn a_deletion_is_in_doubt_until_it_is_confirmed(database: Database) {
    let rig = Rig::on(database).await;
    let work = Work::begin(&rig, "loja01", LaneKind::Out).await;
    let part = outward(9, 0, "W0");
    work.reserve(vec![part.clone()]).await;
    work.note(&part, sent("W0", Some(1))).await;
    for (change, in_doubt) in [(Change::Deleting, true), (Change::Deleted, false)] {
        work.note(&part, change).await;
        let link = work.only("W0").await;
        assert_eq!((link.is_deleted, link.is_in_doubt, link.state), (true, in_doubt, LinkState::Sent));
    }
    rig.finish().await;
}

async fn an_end_and_a_wait_change_links_too(database: Database) {
    let rig = Rig::on(database).await;
    let work = Work::begin(&rig, "loja01", LaneKind::Out).await;
    let parts = [outward(9, 0, "W0"), outward(9, 1, "W1")];
    work.reserve(parts.to_vec()).await;
    let change = |part: &NewLink, change| vec![LinkChange { key: part.key.clone(), change }];
    let mut wait = postpone(&rig.store, &work.lease, &work.event, at(0), at(5));
    wait.links = change(&parts[0], sent("W0", Some(1)));
    assert_eq!(rig.store.postpone(wait).await.unwrap(), Recorded::Yes);
    let lease = rig.claim_one(at(5)).await;
    let links = change(&parts[1], sent("W1", Some(2)));
    let end = Finish { links, release: true, ..finish(&rig.store, &lease, &work.event, End::Delivered) };
    assert_eq!(rig.store.finish(end).await.unwrap(), Recorded::Yes);
    let rows: Vec<_> = work.by_cw(9).await.into_iter().map(|link| (link.state, link.wa_row)).collect();
    assert_eq!(rows, [(LinkState::Sent, Some(1)), (LinkState::Sent, Some(2))]);
    rig.finish().await;
}

async fn how_far_a_lane_was_begun_is_told_with_what_is_due(database: Database) {
    let rig = Rig::on(database).await;
    let work = Work::begin(&rig, "loja01", LaneKind::Out).await;
    let parts = [0, 1].map(|part| outward(9, part, "W0"));
    let begun_to = async || rig.store.due_events(&work.lease.lane, at(1_000_000_000)).await.unwrap().begun_to;
    assert_eq!(begun_to().await, 0, "nothing was tried yet");
    work.reserve(parts.to_vec()).await;
    assert_eq!(begun_to().await, work.event.order_key);
    work.note(&parts[0], Change::Untried).await;
    assert_eq!(begun_to().await, 0, "it cannot have been sent");
    work.note(&parts[0], sent("W0", None)).await;
    assert_eq!(begun_to().await, work.event.order_key, "a part of it was");
    rig.finish().await;
}

async fn a_copy_shows_how_far_the_other_lane_has_come(database: Database) {
    let rig = Rig::on(database).await;
    let sending = Work::begin(&rig, "loja01", LaneKind::Out).await;
    let part = outward(9, 0, "W0");
    sending.reserve(vec![part.clone()]).await;
    let copy = Work::begin(&rig, "loja01", LaneKind::In).await;
    let links = vec![LinkChange { key: part.key.clone(), change: sent("W0", Some(1)) }];
    let end = Finish { links, ..finish(&rig.store, &copy.lease, &copy.event, End::Ignored(Ignored::OwnCopy)) };
    assert_eq!(rig.store.finish(end).await.unwrap(), Recorded::Yes);
    assert_eq!(sending.only("W0").await.state, LinkState::Sent);
    let due = rig.store.due_events(&sending.lease.lane, at(1_000_000_000)).await.unwrap();
    assert_eq!(
        (due.events.len(), due.begun_to),
        (1, sending.event.order_key),
        "it is sent, and not yet recorded there"
    );
    rig.finish().await;
}

async fn parts_are_found_in_order(database: Database) {
    let rig = Rig::on(database).await;
    let work = Work::begin(&rig, "loja01", LaneKind::Out).await;
    work.reserve([2, 0, 1].map(|part| outward(9, part, "same")).to_vec()).await;
    let numbers = |links: Vec<Link>| links.into_iter().map(|link| link.key.part).collect::<Vec<_>>();
    assert_eq!(numbers(work.by_cw(9).await), [0, 1, 2]);
    assert_eq!(numbers(work.by_wa("same").await), [0, 1, 2]);
    assert!(work.by_cw(10).await.is_empty());
    assert!(work.by_wa("SAME").await.is_empty());
    rig.finish().await;
}

async fn sessions_do_not_see_each_others_messages(database: Database) {
    let rig = Rig::on(database).await;
    rig.store.insert_session(session("loja02", 2)).await.unwrap();
    let ours = Work::begin(&rig, "loja01", LaneKind::Out).await;
    let theirs = Work::begin(&rig, "loja02", LaneKind::Out).await;
    let part = outward(9, 0, "W0");
    assert!(ours.reserve(vec![part.clone()]).await.is_empty());
    assert!(theirs.reserve(vec![part.clone()]).await.is_empty(), "the other session's part was taken for its own");
    theirs.note(&part, sent("W0", Some(1))).await;
    theirs.note(&part, Change::Receipt(Receipt::Read)).await;
    for link in [ours.only("W0").await, ours.by_cw(9).await.remove(0)] {
        assert_eq!((link.state, link.receipt, link.event), (LinkState::Intent, None, ours.event.id.clone()));
    }
    for link in [theirs.only("W0").await, theirs.by_cw(9).await.remove(0)] {
        assert_eq!(
            (link.state, link.receipt, link.event),
            (LinkState::Sent, Some(Receipt::Read), theirs.event.id.clone())
        );
    }
    rig.finish().await;
}
