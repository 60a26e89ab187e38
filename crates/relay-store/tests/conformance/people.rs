//! People seen among others: names and numbers are kept until others are told.

use std::collections::BTreeMap;

use relay_domain::jid::Jid;
use relay_store::{MeetPeople, Person};
use relay_testing::Database;

use crate::rig::{Rig, session_id};

on_both!(what_is_not_told_of_somebody_stays, many_are_met_at_once);

fn jid(text: &str) -> Jid {
    Jid::parse(text).unwrap()
}

fn person(name: Option<&str>, phone: Option<&str>) -> Person {
    Person { name: name.map(ToOwned::to_owned), phone: phone.map(jid) }
}

fn meet(people: impl IntoIterator<Item = (Jid, Person)>) -> MeetPeople {
    MeetPeople { session: session_id("loja01"), people: people.into_iter().collect::<BTreeMap<_, _>>() }
}

async fn what_is_not_told_of_somebody_stays(database: Database) {
    let rig = Rig::on(database).await;
    let known = async || rig.store.person(&session_id("loja01"), &jid("2@lid")).await.unwrap();
    assert_eq!(known().await, None);
    let number = "5511900000001@s.whatsapp.net";
    rig.store.meet(meet([(jid("2@lid"), person(Some("Ana"), None))])).await.unwrap();
    rig.store.meet(meet([(jid("2@lid"), person(None, Some(number)))])).await.unwrap();
    assert_eq!(known().await, Some(person(Some("Ana"), Some(number))));
    rig.store.meet(meet([(jid("2@lid"), person(Some("Ana Souza"), None))])).await.unwrap();
    assert_eq!(known().await, Some(person(Some("Ana Souza"), Some(number))));
    assert_eq!(rig.store.person(&session_id("loja02"), &jid("2@lid")).await.unwrap(), None);
    rig.finish().await;
}

async fn many_are_met_at_once(database: Database) {
    let rig = Rig::on(database).await;
    let many = (0..1000).map(|number| (jid(&format!("{number}@lid")), person(Some(&format!("n{number}")), None)));
    rig.store.meet(meet(many)).await.unwrap();
    let last = rig.store.person(&session_id("loja01"), &jid("999@lid")).await.unwrap();
    assert_eq!(last, Some(person(Some("n999"), None)));
    rig.store.meet(meet([])).await.unwrap();
    rig.finish().await;
}
