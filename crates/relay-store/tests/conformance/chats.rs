//! Chats: one key for all names of a conversation partner.

use futures_util::future::join_all;
use relay_domain::Timestamp;
use relay_domain::id::{ChatKey, CwContactId, CwConversationId, CwMessageId, WaMessageId};
use relay_domain::jid::Jid;
use relay_domain::menu::Choice;
use relay_store::{CHATWOOT_NAME, Chat, ConfirmNumber, OpenChat, Place, SetChoice, SetPlace, StoreError};
use relay_testing::{Database, eventually};

use crate::rig::{Rig, session, session_id};

const PHONE: &str = "5511900000001@s.whatsapp.net";
const LID: &str = "212345678901234@lid";

on_both!(
    a_chat_goes_by_all_its_names,
    a_chat_that_an_agent_began_gets_its_address_later,
    a_phone_number_replaces_a_hidden_one,
    a_name_is_led_to_the_right_chat,
    a_corrected_number_is_another_person,
    many_open_one_chat,
    a_chat_belongs_to_its_session,
    a_place_is_remembered_and_forgotten,
    a_confirmed_number_is_remembered,
    the_last_choice_is_remembered,
    a_chat_without_a_name_is_refused,
);

fn open(jid: Option<&str>, aliases: &[&str]) -> OpenChat {
    OpenChat {
        session: session_id("loja01"),
        jid: jid.map(|jid| Jid::parse(jid).unwrap()),
        aliases: aliases.iter().map(ToString::to_string).collect(),
        spellings: Vec::new(),
    }
}

impl Rig {
    async fn open(&self, jid: Option<&str>, aliases: &[&str]) -> String {
        self.store.open_chat(open(jid, aliases)).await.unwrap().to_string()
    }

    async fn named(&self, alias: &str) -> Option<String> {
        self.store.chat_by_alias(&session_id("loja01"), alias).await.unwrap().map(|key| key.to_string())
    }

    async fn chat(&self, key: &str) -> Chat {
        self.store.chat(&session_id("loja01"), &ChatKey::new(key)).await.unwrap().unwrap()
    }

    async fn jid(&self, key: &str) -> Option<String> {
        self.chat(key).await.jid.map(|jid| jid.to_string())
    }
}

async fn a_chat_goes_by_all_its_names(database: Database) {
    let rig = Rig::on(database).await;
    assert_eq!(rig.named(PHONE).await, None);
    assert_eq!(rig.open(Some(PHONE), &[PHONE]).await, PHONE);
    assert_eq!(rig.open(Some(PHONE), &[PHONE]).await, PHONE);
    // one known name is enough, wherever it stands
    assert_eq!(rig.open(None, &[LID, PHONE]).await, PHONE);
    assert_eq!(rig.open(None, &[LID]).await, PHONE);
    assert_eq!(rig.open(None, &["uuid-1", LID, "uuid-2"]).await, PHONE);
    for alias in [PHONE, LID, "uuid-1", "uuid-2"] {
        assert_eq!(rig.named(alias).await.as_deref(), Some(PHONE), "{alias}");
    }
    assert_eq!(rig.jid(PHONE).await.as_deref(), Some(PHONE));
    rig.finish().await;
}

async fn a_chat_that_an_agent_began_gets_its_address_later(database: Database) {
    let rig = Rig::on(database).await;
    assert_eq!(rig.open(None, &["uuid-1"]).await, "uuid-1");
    assert_eq!(rig.jid("uuid-1").await, None);
    assert_eq!(rig.open(None, &["uuid-1"]).await, "uuid-1");
    assert_eq!(rig.open(Some(PHONE), &["uuid-1", PHONE]).await, "uuid-1");
    assert_eq!(rig.jid("uuid-1").await.as_deref(), Some(PHONE));
    assert_eq!(rig.open(Some(PHONE), &[PHONE]).await, "uuid-1");
    rig.finish().await;
}

async fn a_phone_number_replaces_a_hidden_one(database: Database) {
    let rig = Rig::on(database).await;
    assert_eq!(rig.open(Some(LID), &[LID]).await, LID);
    assert_eq!(rig.open(Some(PHONE), &[LID, PHONE]).await, LID);
    assert_eq!(rig.jid(LID).await.as_deref(), Some(PHONE));
    // and is not replaced by it, nor by another number, nor by nothing
    for jid in [Some(LID), Some("5511900000002@s.whatsapp.net"), None] {
        assert_eq!(rig.open(jid, &[LID]).await, LID);
        assert_eq!(rig.jid(LID).await.as_deref(), Some(PHONE));
    }
    rig.finish().await;
}

/// A hidden number and a phone number that were two chats turn out to be one person.
async fn a_name_is_led_to_the_right_chat(database: Database) {
    let rig = Rig::on(database).await;
    assert_eq!(rig.open(Some(LID), &[LID]).await, LID);
    assert_eq!(rig.open(Some(PHONE), &[PHONE]).await, PHONE);
    assert_eq!(rig.open(Some(PHONE), &[PHONE, LID]).await, PHONE);
    assert_eq!(rig.open(Some(LID), &[LID]).await, PHONE);
    assert_eq!(rig.jid(PHONE).await.as_deref(), Some(PHONE));
    rig.finish().await;
}

/// An agent corrects a contact's number: Chatwoot's name for it leads to another person from then on.
async fn a_corrected_number_is_another_person(database: Database) {
    let rig = Rig::on(database).await;
    let name = format!("{CHATWOOT_NAME}uuid-1");
    let other = "5511900000002@s.whatsapp.net";
    assert_eq!(rig.open(Some(PHONE), &[PHONE, &name]).await, PHONE);
    // the same number spelt otherwise is the same person
    let spelt = "551100000001@s.whatsapp.net";
    let open_spelt = OpenChat { spellings: vec![PHONE.to_owned()], ..open(Some(spelt), &[&name]) };
    assert_eq!(rig.store.open_chat(open_spelt).await.unwrap().as_str(), PHONE);
    assert_eq!(rig.open(Some(other), &[&name, other]).await, other);
    assert_eq!(rig.named(&name).await.as_deref(), Some(other));
    rig.finish().await;
}

async fn many_open_one_chat(database: Database) {
    let rig = Rig::on(database).await;
    let second = rig.second().await;
    let opened = join_all((0..50).map(|number| {
        let store = if number % 2 == 0 { &rig.store } else { &second };
        store.open_chat(open(Some(PHONE), &[PHONE, LID]))
    }));
    for key in opened.await {
        assert_eq!(key.unwrap().as_str(), PHONE);
    }
    let raw = rig.raw().await;
    assert_eq!(raw.number("SELECT COUNT(*) FROM chat").await, Some(1));
    assert_eq!(raw.number("SELECT COUNT(*) FROM chat_alias").await, Some(2));
    raw.close().await;
    rig.finish().await;
}

/// The same person reaches two processes at one moment: one knows the phone number too, the other was faster by a commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_agree_on_one_chat() {
    let rig = Rig::on(Database::Postgres).await;
    let raw = rig.raw().await;
    let faster = sqlx::PgPool::connect(&rig.config.url).await.unwrap();
    let mut opening = faster.begin().await.unwrap();
    for (table, column) in [("chat", "key"), ("chat_alias", "chat, alias")] {
        let values = column.split(", ").map(|_| format!("'{LID}'")).collect::<Vec<_>>().join(", ");
        let sql = format!("INSERT INTO {table} (session, {column}) VALUES ('{}', {values})", session_id("loja01"));
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *opening).await.unwrap();
    }
    let store = rig.store.clone();
    let slower = tokio::spawn(async move { store.open_chat(open(Some(PHONE), &[PHONE, LID])).await });
    eventually("the slower one waits", async || {
        raw.number("SELECT COUNT(*) FROM pg_locks WHERE NOT granted").await > Some(0)
    })
    .await;
    opening.commit().await.unwrap();
    assert_eq!(slower.await.unwrap().unwrap().as_str(), LID);
    assert_eq!(rig.named(PHONE).await.as_deref(), Some(LID));
    assert_eq!(raw.number("SELECT COUNT(*) FROM chat").await, Some(1));
    faster.close().await;
    raw.close().await;
    rig.finish().await;
}

async fn a_chat_belongs_to_its_session(database: Database) {
    let rig = Rig::on(database).await;
    rig.store.insert_session(session("loja02", 2)).await.unwrap();
    rig.open(Some(PHONE), &[PHONE, LID]).await;
    let theirs = OpenChat { session: session_id("loja02"), ..open(None, &[LID]) };
    assert_eq!(rig.store.open_chat(theirs).await.unwrap().as_str(), LID);
    assert_eq!(rig.named(LID).await.as_deref(), Some(PHONE));
    assert!(rig.store.chat(&session_id("loja02"), &ChatKey::new(PHONE)).await.unwrap().is_none());
    let nobody = OpenChat { session: session_id("nobody"), ..open(None, &[LID]) };
    assert!(matches!(rig.store.open_chat(nobody).await, Err(StoreError::Database { verb: "open a chat", .. })));
    rig.finish().await;
}

async fn a_place_is_remembered_and_forgotten(database: Database) {
    let rig = Rig::on(database).await;
    rig.open(Some(PHONE), &[PHONE]).await;
    let place = Place {
        contact: CwContactId::new(3),
        source_id: "uuid-3".to_owned(),
        conversation: Some(CwConversationId::new(4)),
    };
    let homeless = Place { conversation: None, ..place.clone() };
    let steps = [(Some(place), Some("Ana"), "Ana"), (Some(homeless), None, "Ana"), (None, Some("Bia"), "Bia")];
    for (place, name, expected) in steps {
        let chat = ChatKey::new(PHONE);
        let name = name.map(str::to_owned);
        let set = SetPlace { session: session_id("loja01"), chat, place: place.clone(), name, push_name: None };
        rig.store.set_place(set).await.unwrap();
        let chat = rig.chat(PHONE).await;
        assert_eq!(chat.place, place);
        assert_eq!(chat.name.as_deref(), Some(expected));
    }
    rig.finish().await;
}

async fn a_confirmed_number_is_remembered(database: Database) {
    let rig = Rig::on(database).await;
    rig.open(Some(PHONE), &[PHONE]).await;
    assert!(!rig.chat(PHONE).await.is_on_whatsapp);
    let jid = Jid::parse("551100000001@s.whatsapp.net").unwrap();
    let confirm = ConfirmNumber { session: session_id("loja01"), chat: ChatKey::new(PHONE), jid: jid.clone() };
    rig.store.confirm_number(confirm).await.unwrap();
    let chat = rig.chat(PHONE).await;
    assert_eq!((chat.is_on_whatsapp, chat.jid), (true, Some(jid)));
    rig.finish().await;
}

async fn the_last_choice_is_remembered(database: Database) {
    let rig = Rig::on(database).await;
    rig.open(Some(PHONE), &[PHONE]).await;
    assert_eq!(rig.chat(PHONE).await.choice, None);
    let choice = |title: &str, answer: Option<&str>| Choice {
        message: CwMessageId::new(7),
        titles: vec![title.to_owned()],
        offered_at: Timestamp::from_secs(1),
        answer: answer.map(WaMessageId::new),
    };
    for choice in [choice("Sim", None), choice("Sim", Some("A")), choice("Não", None)] {
        let set = SetChoice { session: session_id("loja01"), chat: ChatKey::new(PHONE), choice: choice.clone() };
        rig.store.set_choice(set).await.unwrap();
        assert_eq!(rig.chat(PHONE).await.choice, Some(choice));
    }
    rig.finish().await;
}

async fn a_chat_without_a_name_is_refused(database: Database) {
    let rig = Rig::on(database).await;
    let refused = rig.store.open_chat(open(Some(PHONE), &[])).await;
    assert!(matches!(refused, Err(StoreError::Row { table: "chat_alias", .. })), "{refused:?}");
    rig.finish().await;
}
