//! `relay setup` killed after each of its steps, and run again: nothing is made twice.

use relay_sim::{FakeChatwoot, Fault, FaultAction};
use relay_testing::eventually;
use serde_json::Value;

use crate::setup::{Talk, bare_sides};
use crate::support::{Home, Sides};

async fn instances(sides: &Sides) -> Vec<String> {
    let http = relay_engine::http::client().unwrap();
    let url = format!("{}/instance/fetchInstances", sides.codechat.base_url());
    let list = http.get(url).header("apikey", sides.codechat.api_key()).send().await.unwrap();
    let list: Vec<Value> = list.json().await.unwrap();
    list.iter().map(|instance| instance["name"].as_str().unwrap().to_owned()).collect()
}

fn was_called(sides: &Sides, step: &str) -> bool {
    sides.chatwoot.calls().contains_key(step) || sides.codechat.calls().contains_key(step)
}

async fn is_killed_after(step: &str) {
    let sides = bare_sides().await;
    let home = Home::new().between(&sides).with("CHATWOOT_TOKEN", FakeChatwoot::ADMIN_TOKEN);
    let hang = || Fault::on(step, FaultAction::Hang { commit: true }).times(1);
    sides.chatwoot.fault(hang());
    sides.codechat.fault(hang());
    let talk = Talk::begin(&home, &["--yes", "--no-qr", "--exit"]);
    eventually(step, async || was_called(&sides, step)).await;
    // the effect is committed before the answer would begin
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    talk.dies().await;
    sides.chatwoot.clear_faults();
    sides.codechat.clear_faults();

    let said = home.run(&["setup", "--lang", "en", "--yes", "--no-qr", "--exit"]).await;
    for line in ["✓ Chatwoot reached us", "✓ CodeChat reached us"] {
        assert!(said.succeeded().contains(line), "{step}: {said:?}");
    }
    assert_eq!(sides.chatwoot.inboxes(1), [(1, "WhatsApp".to_owned())], "{step}");
    assert_eq!(sides.chatwoot.inbox_members(1), [1, 2], "{step}");
    assert_eq!(instances(&sides).await, ["acme-inc"], "{step}");
    let list: Value = serde_json::from_str(home.run(&["session", "ls", "--json"]).await.succeeded()).unwrap();
    assert_eq!(list["data"].as_array().unwrap().len(), 1, "{step}");
}

#[tokio::test]
async fn the_inbox_is_not_made_twice() {
    is_killed_after("POST /api/v1/accounts/{account}/inboxes").await;
}

#[tokio::test]
async fn its_members_are_added_by_the_next_run() {
    is_killed_after("POST /api/v1/accounts/{account}/inbox_members").await;
}

#[tokio::test]
async fn the_instance_is_not_made_twice() {
    is_killed_after("POST /instance/create").await;
}

#[tokio::test]
async fn a_session_whose_inbox_was_just_set_is_found() {
    is_killed_after("PATCH /api/v1/accounts/{account}/inboxes/{inbox}").await;
}

#[tokio::test]
async fn a_session_whose_instance_was_just_set_is_found() {
    is_killed_after("PUT /webhook/set/{instance}").await;
}
