//! Files on offer: each for a few fetches and for a while.

use relay_store::{Offer, OfferFile};
use relay_testing::Database;

use crate::rig::{Rig, at, session_id};

on_both!(
    fetches_use_an_offer_up,
    time_uses_an_offer_up,
    no_more_fetches_than_offered_at_once,
    expired_files_are_withdrawn
);

fn offer(token: u8, fetches: u32, expires_at: i64) -> OfferFile {
    let offer = Offer {
        session: session_id("loja01"),
        path: format!("spool/{token}"),
        mime: "image/png".to_owned(),
        file_name: "logo – façade.png".to_owned(),
    };
    OfferFile { token_hash: [token; 32], offer, expires_at: at(expires_at), fetches }
}

async fn fetches_use_an_offer_up(database: Database) {
    let rig = Rig::on(database).await;
    rig.store.offer_file(offer(1, 2, 1000)).await.unwrap();
    rig.store.offer_file(offer(2, 0, 1000)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(rig.store.take_file([1; 32], at(0)).await.unwrap(), Some(offer(1, 2, 1000).offer));
    }
    for token in [1, 2, 3] {
        assert_eq!(rig.store.take_file([token; 32], at(0)).await.unwrap(), None);
    }
    rig.finish().await;
}

async fn time_uses_an_offer_up(database: Database) {
    let rig = Rig::on(database).await;
    rig.store.offer_file(offer(1, 5, 1000)).await.unwrap();
    assert!(rig.store.take_file([1; 32], at(999)).await.unwrap().is_some());
    assert!(rig.store.take_file([1; 32], at(1000)).await.unwrap().is_none());
    assert!(rig.store.offer_file(offer(1, 5, 2000)).await.is_err(), "a token was given out twice");
    rig.finish().await;
}

async fn no_more_fetches_than_offered_at_once(database: Database) {
    let rig = Rig::on(database).await;
    let second = rig.second().await;
    rig.store.offer_file(offer(1, 3, 1000)).await.unwrap();
    let fetches = (0..20).map(|number| if number % 2 == 0 { &rig.store } else { &second }.take_file([1; 32], at(0)));
    let taken =
        futures_util::future::join_all(fetches).await.into_iter().filter(|taken| taken.as_ref().unwrap().is_some());
    assert_eq!(taken.count(), 3);
    rig.finish().await;
}

async fn expired_files_are_withdrawn(database: Database) {
    let rig = Rig::on(database).await;
    for (token, expires_at) in [(1, 1000), (2, 2000), (3, 3000)] {
        rig.store.offer_file(offer(token, 1, expires_at)).await.unwrap();
    }
    let sorted = |mut paths: Vec<String>| {
        paths.sort();
        paths
    };
    assert_eq!(sorted(rig.store.offered_paths().await.unwrap()), ["spool/1", "spool/2", "spool/3"]);
    assert!(rig.store.withdraw_expired(at(999)).await.unwrap().is_empty());
    assert_eq!(sorted(rig.store.withdraw_expired(at(2000)).await.unwrap()), ["spool/1", "spool/2"]);
    assert_eq!(rig.store.offered_paths().await.unwrap(), ["spool/3"]);
    assert!(rig.store.take_file([3; 32], at(2000)).await.unwrap().is_some());
    rig.finish().await;
}
