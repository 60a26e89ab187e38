//! Making what was planned, in an order in which an interruption leaves nothing that the next run does not find.

use anyhow::Context;
use relay_engine::setup::{ChatwootSide, InboxPlan, make_inbox};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::ask::Asker;
use super::plan::{Found, failed};
use super::relay::Relay;
use super::words::{Step, Trouble};
use super::{env_path, shown};
use crate::api_client::Refused;

/// A session that is there.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) name: String,
    pub(super) account: i64,
    pub(super) inbox: i64,
}

pub(super) async fn make(
    found: &Found,
    http: &reqwest::Client,
    asker: &Asker<'_>,
    relay: &Relay,
    chatwoot: &ChatwootSide,
) -> anyhow::Result<Made> {
    if found.env.is_changed() {
        found.env.write(env_path())?;
        asker.done(&Step::EnvWritten);
    }
    let plan = &found.plan;
    let made = |inbox| Made { name: plan.name.clone(), account: plan.account, inbox };
    if let InboxPlan::InPlace { id, .. } = plan.inbox {
        mend(found, asker, relay, chatwoot).await?;
        return Ok(made(id));
    }
    let client = chatwoot.client(http, plan.account);
    let inbox = make_inbox(&client, &plan.inbox).await.map_err(|error| failed(asker, "Chatwoot", &error))?;
    let (name, is_new) = match &plan.inbox {
        InboxPlan::Create { name, .. } => (name, true),
        InboxPlan::Adopt { name, .. } | InboxPlan::InPlace { name, .. } => (name, false),
    };
    asker.done(&Step::InboxDone(inbox, name.clone(), is_new));
    let body = json!({
        "session_id": plan.name,
        "chatwoot": {
            "url": shown(&chatwoot.url), "account_id": plan.account, "inbox_id": inbox, "token": chatwoot.token.expose_secret(),
        },
    });
    let session = relay.api.call(Method::POST, &["session"], Some(&body)).await.map_err(|error| {
        // it was started before there was anything to configure
        if error.to_string().contains("is not set") {
            asker.error(&Trouble::OtherSettings)
        } else {
            of_relay(asker, error)
        }
    })?;
    let hook = session.get("chatwoot_inbox_webhook").and_then(Value::as_str).context("the relay names no webhook")?;
    check_address(found, asker, relay, hook)?;
    let is_signed = session.pointer("/chatwoot/signed").and_then(Value::as_bool).unwrap_or(false);
    asker.done(&Step::SessionDone(plan.name.clone(), is_signed));
    Ok(made(inbox))
}

/// What the relay refused, in the language of the one who asked.
pub(super) fn of_relay(asker: &Asker<'_>, error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Refused>() {
        Ok(Refused { code, detail }) => asker.error(&Trouble::ByRelay { code, detail }),
        Err(other) => other,
    }
}

/// Puts right what is not, and hands over the token, which may be a new one.
async fn mend(found: &Found, asker: &Asker<'_>, relay: &Relay, chatwoot: &ChatwootSide) -> anyhow::Result<()> {
    let body = json!({ "chatwoot": { "token": chatwoot.token.expose_secret() } });
    let path = ["session", found.plan.name.as_str(), "sides"];
    let sides = relay.api.call(Method::POST, &path, Some(&body)).await.map_err(|error| of_relay(asker, error))?;
    let address = sides.pointer("/chatwoot/address").and_then(Value::as_str).unwrap_or_default();
    check_address(found, asker, relay, address)?;
    if !found.hooks_are_right() {
        asker.done(&Step::SidesMended);
    }
    Ok(())
}

/// A relay that runs may have been started with another public address.
fn check_address(found: &Found, asker: &Asker<'_>, relay: &Relay, address: &str) -> anyhow::Result<()> {
    if relay.is_of_others && !address.starts_with(&shown(&found.api_url)) {
        return Err(asker.error(&Trouble::OtherSettings));
    }
    Ok(())
}
