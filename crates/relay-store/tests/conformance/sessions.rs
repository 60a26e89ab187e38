//! Sessions: kept whole, with nothing secret in plain sight.

use relay_domain::id::{ChatKey, CwMessageId, WaMessageId};
use relay_domain::settings::{SessionSettings, VoiceFormat};
use relay_store::{
    Backlog, Deleted, Offer, OfferFile, OpenChat, Session, SessionState, Store, StoreConfig, StoreError, UpdateSession,
};
use relay_testing::Database;
use secrecy::{ExposeSecret, SecretString};

use crate::rig::{Rig, at, event, lane, session, session_id};

on_both!(
    a_session_is_kept_whole,
    sessions_come_oldest_first,
    each_value_is_changed_alone,
    no_token_lies_in_plain_sight,
    a_wrong_key_is_refused,
    names_and_inboxes_are_unique,
    a_session_with_pending_events_is_not_deleted,
    what_belongs_to_a_session_goes_with_it,
    a_corrupted_secret_is_named,
);

/// Everything of a session but its secrets' wrapping, to compare.
fn plain(session: &Session) -> String {
    let opened = [&session.codechat.token, &session.chatwoot.token].map(|secret| secret.expose_secret().to_owned());
    let secret = session.chatwoot.secret.as_ref().map(|secret| secret.expose_secret().to_owned());
    format!("{session:?} {opened:?} {secret:?}")
}

async fn a_session_is_kept_whole(database: Database) {
    let rig = Rig::without_session(database).await;
    let full = Session {
        description: Some("Balcão – \"loja\"".to_owned()),
        state: SessionState::Paused,
        state_reason: Some("chatwoot refuses the token".to_owned()),
        settings: SessionSettings { voice: VoiceFormat::Original, ..SessionSettings::default() },
        ..session("full", 1)
    };
    let mut bare = session("bare", 2);
    bare.chatwoot.secret = None;
    for session in [&full, &bare] {
        rig.store.insert_session(session.clone()).await.unwrap();
        let read = rig.store.session_by_name(&session.name).await.unwrap().unwrap();
        assert_eq!(plain(&read), plain(session));
    }
    assert!(plain(&full).contains("codechat-token-of-full") && plain(&full).contains("chatwoot-secret-of-full"));
    assert!(rig.store.session_by_name("nobody").await.unwrap().is_none());
    rig.finish().await;
}

async fn sessions_come_oldest_first(database: Database) {
    let rig = Rig::without_session(database).await;
    for (name, inbox) in [("second", 2), ("third", 3), ("first", 1)] {
        rig.store.insert_session(session(name, inbox)).await.unwrap();
    }
    let names: Vec<_> = rig.store.sessions().await.unwrap().into_iter().map(|session| session.name).collect();
    assert_eq!(names, ["first", "second", "third"]);
    rig.finish().await;
}

async fn each_value_is_changed_alone(database: Database) {
    let rig = Rig::on(database).await;
    rig.store.insert_session(session("loja02", 2)).await.unwrap();
    rig.set_state("loja01", SessionState::Paused).await;
    let read = rig.store.session_by_name("loja01").await.unwrap().unwrap();
    assert_eq!((read.state, read.state_reason.as_deref()), (SessionState::Paused, Some("holidays")));
    rig.set_state("loja01", SessionState::Active).await;
    let secret = Some(SecretString::from("another-secret"));
    rig.store
        .update_session(UpdateSession { chatwoot_secret: secret, ..UpdateSession::of(&session_id("loja01")) })
        .await
        .unwrap();
    let read = rig.store.session_by_name("loja01").await.unwrap().unwrap();
    assert_eq!(read.chatwoot.secret.unwrap().expose_secret(), "another-secret");
    assert_eq!(read.state, SessionState::Active);
    let doors = UpdateSession {
        chatwoot_token: Some(SecretString::from("another-chatwoot-token")),
        chatwoot_hook: Some([7; 32]),
        codechat_token: Some(SecretString::from("another-codechat-token")),
        codechat_hook: Some([8; 32]),
        ..UpdateSession::of(&session_id("loja01"))
    };
    rig.store.update_session(doors).await.unwrap();
    let read = rig.store.session_by_name("loja01").await.unwrap().unwrap();
    assert_eq!((read.chatwoot.hook_hash, read.codechat.hook_hash), ([7; 32], [8; 32]));
    let tokens = (read.chatwoot.token.expose_secret(), read.codechat.token.expose_secret());
    assert_eq!(tokens, ("another-chatwoot-token", "another-codechat-token"));
    let other = rig.store.session_by_name("loja02").await.unwrap().unwrap();
    assert_eq!(plain(&other), plain(&session("loja02", 2)));
    rig.finish().await;
}

impl Rig {
    /// Whatever the database holds, as bytes.
    async fn everything_kept(&self) -> Vec<u8> {
        if self.database == Database::Sqlite {
            let files = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
            return files.flat_map(|file| std::fs::read(file).unwrap()).collect();
        }
        let raw = self.raw().await;
        let tables = raw.texts("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'").await;
        let mut kept = Vec::new();
        for table in tables.into_iter().flatten() {
            for row in raw.texts(&format!("SELECT row::text FROM {table} row")).await.into_iter().flatten() {
                kept.extend_from_slice(row.as_bytes());
            }
        }
        raw.close().await;
        kept
    }
}

async fn no_token_lies_in_plain_sight(database: Database) {
    let rig = Rig::on(database).await;
    let kept = rig.everything_kept().await;
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let holds = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    // the search finds what is there: text as it is, and bytes, which PostgreSQL shows as digits
    assert!(holds("loja01") && holds("http://codechat.test/"));
    assert!(if database == Database::Postgres {
        holds(&"01".repeat(32))
    } else {
        kept.windows(32).any(|window| window == [1; 32])
    });
    for secret in ["codechat-token-of-loja01", "chatwoot-token-of-loja01", "chatwoot-secret-of-loja01", "a-secret-key"]
    {
        assert!(!holds(secret) && !holds(&hex(secret)), "{secret}");
    }
    rig.finish().await;
}

async fn a_wrong_key_is_refused(database: Database) {
    let rig = Rig::on(database).await;
    rig.store.close().await.unwrap();
    let Rig { store, config, folder: _folder, .. } = rig;
    drop(store);
    let wrong = StoreConfig { secret_key: SecretString::from("another-key"), ..config.clone() };
    for _ in 0..2 {
        assert!(matches!(Store::open(&wrong).await, Err(StoreError::WrongKey)));
    }
    let store = Store::open(&config).await.unwrap();
    assert_eq!(plain(&store.sessions().await.unwrap()[0]), plain(&session("loja01", 1)));
    store.close().await.unwrap();
}

async fn names_and_inboxes_are_unique(database: Database) {
    let rig = Rig::on(database).await;
    let same_name = Session { id: session_id("other"), ..session("loja01", 2) };
    let refused = rig.store.insert_session(same_name).await;
    assert!(matches!(refused, Err(StoreError::Taken { what: "this session name" })), "{refused:?}");
    let refused = rig.store.insert_session(session("loja02", 1)).await;
    assert!(matches!(refused, Err(StoreError::Taken { what: "this Chatwoot inbox" })), "{refused:?}");
    // inbox 1 of another account is another inbox
    let mut neighbour = session("loja03", 1);
    neighbour.chatwoot.account = 2;
    // a refusal does not take down what is written with it
    let (taken, fine) =
        tokio::join!(rig.store.insert_session(session("loja04", 1)), rig.store.insert_session(neighbour));
    assert!(matches!(taken, Err(StoreError::Taken { .. })), "{taken:?}");
    fine.unwrap();
    assert_eq!(rig.store.sessions().await.unwrap().len(), 2);
    rig.finish().await;
}

async fn a_session_with_pending_events_is_not_deleted(database: Database) {
    let rig = Rig::on(database).await;
    rig.store_all([event(&lane("a"), "1"), event(&lane("a"), "2")]).await;
    assert_eq!(
        rig.store.delete_session(&session_id("loja01"), false).await.unwrap(),
        Deleted::Kept(Backlog { pending: 2, dead: 0 })
    );
    assert_eq!(rig.store.tally().await.unwrap().pending, 2);
    let lease = rig.claim_one(at(0)).await;
    rig.drain(&lease, at(0)).await;
    assert_eq!(rig.store.delete_session(&session_id("loja01"), false).await.unwrap(), Deleted::Yes);
    assert!(rig.store.sessions().await.unwrap().is_empty());
    rig.finish().await;
}

async fn what_belongs_to_a_session_goes_with_it(database: Database) {
    let rig = Rig::on(database).await;
    rig.store.insert_session(session("loja02", 2)).await.unwrap();
    for name in ["loja01", "loja02"] {
        let lane = relay_store::Lane { session: session_id(name), ..lane("a") };
        rig.store_all([event(&lane, "1")]).await;
        let aliases = vec!["a".to_owned(), "b".to_owned()];
        rig.store
            .open_chat(OpenChat { session: session_id(name), jid: None, aliases, spellings: Vec::new() })
            .await
            .unwrap();
        let offer =
            Offer { session: session_id(name), path: name.to_owned(), mime: String::new(), file_name: String::new() };
        let token_hash = [name.as_bytes()[5]; 32];
        rig.store.offer_file(OfferFile { token_hash, offer, expires_at: at(1000), fetches: 1 }).await.unwrap();
    }
    let gone = session_id("loja01");
    assert_eq!(rig.store.delete_session(&gone, true).await.unwrap(), Deleted::Yes);
    assert!(rig.store.chat(&gone, &ChatKey::new("a")).await.unwrap().is_none());
    assert!(rig.store.chat_by_alias(&gone, "b").await.unwrap().is_none());
    assert!(rig.store.links_by_wa(&gone, &WaMessageId::new("M1")).await.unwrap().is_empty());
    assert!(rig.store.links_by_cw(&gone, CwMessageId::new(1)).await.unwrap().is_empty());
    assert_eq!(rig.store.offered_paths().await.unwrap(), ["loja02"]);
    assert_eq!(rig.store.tally().await.unwrap().received, 1);
    assert_eq!(rig.claimed_chats(at(0)).await, ["a"]);
    let raw = rig.raw().await;
    for table in ["chat", "chat_alias", "lane", "event", "tally", "link", "media"] {
        let left = raw.number(&format!("SELECT COUNT(*) FROM {table} WHERE session = '{gone}'")).await;
        assert_eq!(left, Some(0), "{table}");
    }
    raw.close().await;
    // its name and inbox are free again
    rig.store.insert_session(session("loja01", 1)).await.unwrap();
    rig.finish().await;
}

async fn a_corrupted_secret_is_named(database: Database) {
    let rig = Rig::on(database).await;
    let raw = rig.raw().await;
    for (column, name) in [
        ("codechat_token_sealed", "session.codechat_token"),
        ("chatwoot_token_sealed", "session.chatwoot_token"),
        ("chatwoot_secret_sealed", "session.chatwoot_secret"),
    ] {
        let corrupt = match database {
            Database::Sqlite => format!(
                "UPDATE session SET {column} = CAST(SUBSTR({column}, 1, LENGTH({column}) - 1) || X'00' AS BLOB)"
            ),
            Database::Postgres => {
                format!("UPDATE session SET {column} = set_byte({column}, 30, 255 - get_byte({column}, 30))")
            }
        };
        raw.run(&corrupt).await;
        let refused = rig.store.session_by_name("loja01").await;
        assert!(matches!(refused, Err(StoreError::Sealed { column }) if column == name), "{refused:?}");
        assert!(matches!(rig.store.sessions().await, Err(StoreError::Sealed { .. })));
        raw.run("DELETE FROM session").await;
        rig.store.insert_session(session("loja01", 1)).await.unwrap();
    }
    // a secret moved to another row does not open there either
    rig.store.insert_session(session("loja02", 2)).await.unwrap();
    raw.run("UPDATE session SET codechat_token_sealed = (SELECT codechat_token_sealed FROM session WHERE name = 'loja02') WHERE name = 'loja01'")
        .await;
    let refused = rig.store.session_by_name("loja01").await;
    assert!(matches!(refused, Err(StoreError::Sealed { column: "session.codechat_token" })), "{refused:?}");
    raw.run("UPDATE session SET chatwoot_hook_hash = chatwoot_token_sealed WHERE name = 'loja02'").await;
    let refused = rig.store.session_by_name("loja02").await;
    assert!(matches!(refused, Err(StoreError::Row { column: "chatwoot_hook_hash", .. })), "{refused:?}");
    raw.close().await;
    rig.finish().await;
}
