//! What would be made, shown before it is made, and confirmed once.

use anyhow::Context;
use relay_engine::setup::{
    Account, ChatwootSide, CodeChatSide, HookState, InboxPlan, InstancePlan, Known, Plan, PlanError, Wish, plan,
};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use url::Url;

use super::ask::{Asker, TRIES};
use super::env_file::{Change, EnvFile};
use super::relay::Relay;
use super::words::{Say, Step, Trouble, Word};
use super::{env_path, shown};
use crate::cli::{Settings, SetupArgs};
use crate::config;

/// Everything that was found, and what follows from it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) plan: Plan,
    /// Where both sides of a session that is there send their webhooks.
    pub(super) hooks: Option<(HookState, HookState)>,
    pub(super) env: EnvFile,
    pub(super) api_url: Url,
}

impl Found {
    /// Whether anything would be changed.
    fn is_change(&self) -> bool {
        !self.plan.has_session || self.env.is_changed() || !self.hooks_are_right()
    }

    pub(super) fn hooks_are_right(&self) -> bool {
        matches!(self.hooks, Some((HookState::Right, HookState::Right)))
    }
}

/// Looks at everything that matters, and decides what is to be made.
pub(super) async fn find(
    settings: &Settings,
    args: &SetupArgs,
    http: &reqwest::Client,
    asker: &Asker<'_>,
    relay: &Relay,
    chatwoot: &ChatwootSide,
    codechat: &CodeChatSide,
) -> anyhow::Result<Found> {
    let (id, name) = account(args, asker, chatwoot).await?;
    let account = chatwoot.account(http, id).await.map_err(|error| failed(asker, "Chatwoot", &error))?;
    let sessions = sessions(relay).await?;
    let known = Known {
        chatwoot: &chatwoot.url,
        account: &account,
        account_name: &name,
        instances: &codechat.instances,
        sessions: &sessions,
    };
    let wish = Wish { inbox: args.inbox, inbox_name: args.inbox_name.clone(), name: args.name.clone() };
    let plan = match plan(&known, &wish) {
        Err(PlanError::Choose { inboxes, usual }) => {
            let wish = choose_inbox(asker, wish, &account, &inboxes, usual).await?;
            plan(&known, &wish)
        }
        decided => decided,
    };
    let plan = plan.map_err(|error| asker.error(&Trouble::Plan(error)))?;
    let hooks = if plan.has_session { Some(hooks(relay, &plan.name).await?) } else { None };
    let env = EnvFile::with(env_path(), &lines(settings, codechat))?;
    Ok(Found { plan, hooks, env, api_url: config::api_url(settings) })
}

pub(super) fn failed(asker: &Asker<'_>, side: &'static str, error: &impl std::fmt::Display) -> anyhow::Error {
    asker.error(&Trouble::Failed { side, why: error.to_string() })
}

/// The account: the only one, the one that is wished, or the one that is chosen.
async fn account(args: &SetupArgs, asker: &Asker<'_>, chatwoot: &ChatwootSide) -> anyhow::Result<(i64, String)> {
    let all: Vec<_> = chatwoot.administered().map(|account| (account.id, account.name.clone())).collect();
    let known = || all.iter().map(|(id, name)| format!("{id} {name}")).collect::<Vec<_>>().join(", ");
    if let Some(account) = args.account {
        let found = all.iter().find(|(id, _)| *id == account).cloned();
        return found.ok_or_else(|| asker.error(&Trouble::NoAccount { account, known: known() }));
    }
    match all.as_slice() {
        [one] => Ok(one.clone()),
        _ if !asker.may_ask() => Err(asker.error(&Trouble::WhichAccount { known: known() })),
        _ => {
            let names: Vec<_> = all.iter().map(|(id, name)| format!("{name} (#{id})")).collect();
            let place = choose(asker, &Word::ChooseAccount, &names, 0, "--account").await?;
            Ok(all.into_iter().nth(place).expect("an answer is one of the choices"))
        }
    }
}

/// Asks which inbox; without anybody to ask, the usual one is taken.
async fn choose_inbox(
    asker: &Asker<'_>,
    wish: Wish,
    account: &Account,
    inboxes: &[(i64, String)],
    usual: Option<i64>,
) -> anyhow::Result<Wish> {
    let new = Wish { inbox_name: Some(new_name(account)), ..wish.clone() };
    if !asker.may_ask() {
        return Ok(usual.map_or(new, |id| Wish { inbox: Some(id), ..wish }));
    }
    let mut names: Vec<_> = inboxes.iter().map(|(id, name)| format!("{name} (#{id})")).collect();
    names.push(asker.say(&Word::NewInbox));
    let usual = inboxes.iter().position(|(id, _)| Some(*id) == usual).unwrap_or(names.len() - 1);
    let place = choose(asker, &Word::ChooseInbox, &names, usual, "--inbox").await?;
    Ok(inboxes.get(place).map_or(new, |(id, _)| Wish { inbox: Some(*id), ..wish }))
}

/// A name that no inbox has yet.
fn new_name(account: &Account) -> String {
    let usual = relay_engine::setup::DEFAULT_INBOX;
    let numbered = (2..).map(|number| format!("{usual} {number}"));
    let is_free = |name: &String| !account.inboxes.iter().any(|inbox| inbox.name == *name);
    let mut names = std::iter::once(usual.to_owned()).chain(numbered);
    names.find(is_free).expect("there are more numbers than inboxes")
}

/// Shows numbered choices and asks for one; returns its place.
async fn choose(
    asker: &Asker<'_>,
    word: &dyn Say,
    names: &[String],
    usual: usize,
    flag: &'static str,
) -> anyhow::Result<usize> {
    let rows: Vec<_> =
        names.iter().enumerate().map(|(place, name)| vec![format!("    {}", place + 1), name.clone()]).collect();
    asker.printer.table(&rows);
    for _ in 0..TRIES {
        let answer = asker.ask(word, Some(&(usual + 1).to_string()), flag).await?;
        let place = answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        match place.filter(|place| *place < names.len()) {
            Some(place) => return Ok(place),
            None => asker.trouble(&Word::NotChosen),
        }
    }
    Err(asker.error(&Trouble::GaveUp))
}

/// The relay's sessions: name, Chatwoot, account, inbox.
async fn sessions(relay: &Relay) -> anyhow::Result<Vec<(String, Url, i64, i64)>> {
    let list = relay.api.call(Method::GET, &["session"], None).await?;
    let read = |session: &Value| {
        let chatwoot = session.get("chatwoot")?;
        let number = |key| chatwoot.get(key).and_then(Value::as_i64);
        let url = Url::parse(chatwoot.get("url")?.as_str()?).ok()?;
        Some((session.get("session_id")?.as_str()?.to_owned(), url, number("account_id")?, number("inbox_id")?))
    };
    let sessions = list.get("data").and_then(Value::as_array).context("the relay's list of sessions cannot be read")?;
    Ok(sessions.iter().filter_map(read).collect())
}

/// Where both sides of a session send their webhooks, as the relay sees it.
async fn hooks(relay: &Relay, session: &str) -> anyhow::Result<(HookState, HookState)> {
    let sides = relay.api.call(Method::GET, &["session", session, "sides"], None).await?;
    let state = |side: &str| {
        let text = |key| sides.get(side).and_then(|side| side.get(key)).and_then(Value::as_str).unwrap_or_default();
        match text("state") {
            "right" => HookState::Right,
            "missing" => HookState::Missing,
            "stale" => HookState::Stale,
            "elsewhere" => HookState::Elsewhere(text("found").to_owned()),
            "no_instance" => HookState::NoInstance,
            _ => HookState::Unknown(text("found").to_owned()),
        }
    };
    Ok((state("chatwoot"), state("codechat")))
}

/// What `.env` is to say: the answers, and what the command line says of the relay itself.
fn lines(settings: &Settings, codechat: &CodeChatSide) -> Vec<(&'static str, String)> {
    let address = |url: &Option<Url>| url.as_ref().map(shown).unwrap_or_default();
    let mut lines = vec![
        ("CHATWOOT_URL", address(&settings.chatwoot_url)),
        ("CODECHAT_URL", address(&settings.codechat_url)),
        ("API_URL", address(&settings.api_url)),
    ];
    // a key that is in a file stays there
    if !config::is_given("CODECHAT_KEY_FILE") {
        lines.push(("CODECHAT_KEY", codechat.key.expose_secret().to_owned()));
    }
    let mut also = |name, value: Option<String>| {
        if let Some(value) = value.filter(|_| !config::is_given(name)) {
            lines.push((name, value));
        }
    };
    also("CODECHAT_CALLBACK_URL", settings.codechat_callback_url.as_ref().map(shown));
    also("PORT", (settings.port != 8080).then(|| settings.port.to_string()));
    also("HOST", (!settings.host.is_unspecified()).then(|| settings.host.to_string()));
    let folder = settings.data_dir.display().to_string();
    also("DATA_DIR", (folder != "data").then_some(folder));
    also("DB_URL", settings.db_url.clone().filter(|_| !config::is_given("DB_URL_FILE")));
    lines
}

/// Shows the plan and has it confirmed; true when there is nothing to confirm.
pub(super) async fn show(found: &Found, asker: &Asker<'_>) -> anyhow::Result<bool> {
    if !found.is_change() {
        asker.done(&Word::NothingToDo);
        return Ok(true);
    }
    asker.printer.line("");
    asker.line(&Word::PlanHeader);
    let plan = &found.plan;
    let (inbox, is_new) = match &plan.inbox {
        InboxPlan::Create { name, members } => (Step::InboxToMake(name.clone(), members.len()), true),
        InboxPlan::Adopt { id, name, members, replaces } => {
            (Step::InboxToUse(*id, name.clone(), members.len(), replaces.clone()), true)
        }
        InboxPlan::InPlace { id, name } => (Step::InboxInPlace(*id, name.clone()), false),
    };
    step(asker, &inbox, is_new);
    let (instance, is_new) = match &plan.instance {
        InstancePlan::Create => (Step::InstanceToMake(plan.name.clone()), true),
        InstancePlan::Adopt { is_connected, replaces } => {
            (Step::InstanceToUse(plan.name.clone(), *is_connected, replaces.clone()), true)
        }
        InstancePlan::InPlace => (Step::InstanceInPlace(plan.name.clone()), false),
    };
    step(asker, &instance, is_new);
    match &found.hooks {
        None => step(asker, &Step::HooksToSet, true),
        Some((chatwoot, codechat)) => {
            for (side, state) in [("Chatwoot", chatwoot), ("CodeChat", codechat)] {
                step(asker, &Step::Hook(side, state.clone()), *state != HookState::Right);
            }
        }
    }
    let (env, is_new) = env_word(&found.env);
    step(asker, &env, is_new);
    asker.confirm(&Word::Confirm).await
}

/// A line of the plan: `+` is to be done, `✓` is done.
fn step(asker: &Asker<'_>, word: &dyn Say, is_new: bool) {
    if is_new {
        asker.printer.quoted(&format!("  + {}", asker.say(word)));
    } else {
        asker.printer.quoted(&format!("  ✓ {}", asker.say(word)));
    }
}

fn env_word(env: &EnvFile) -> (Step, bool) {
    let names = |wanted: &[Change]| {
        let names = env.changes.iter().filter(|(_, change)| wanted.contains(change)).map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(", ")
    };
    if !env.is_changed() {
        (Step::EnvInPlace, false)
    } else if env.exists() {
        (Step::EnvToChange(names(&[Change::New, Change::Other])), true)
    } else {
        (Step::EnvToWrite(names(&[Change::New])), true)
    }
}
