//! `relay dead …`: what could not be delivered, and what becomes of it.

use anyhow::bail;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::api_client::ApiClient;
use crate::cli::{DeadCommand, DeadFilter, ManyArgs, Settings};
use crate::message::{self, items, kind, state, text};
use crate::printer::Printer;

const DEAD: [&str; 3] = ["api", "v1", "dead"];

/// A change of many dead letters.
struct Change {
    /// Its name in the API.
    name: &'static str,
    /// What was done, as the API counts it.
    done: &'static str,
    /// Why, when they are dropped.
    why: Option<String>,
}

pub(crate) async fn run(settings: &Settings, command: DeadCommand, printer: &Printer) -> anyhow::Result<()> {
    let api = ApiClient::connect(settings).await?;
    match command {
        DeadCommand::Ls { filter, groups: true, json, .. } => groups(&api, &filter, json, printer).await,
        DeadCommand::Ls { filter, groups: false, limit, cursor, json } => {
            let mut query = filter.pairs();
            query.push(("limit", limit.to_string()));
            query.extend(cursor.map(|cursor| ("cursor", cursor)));
            list(&api, &query, json, printer).await
        }
        DeadCommand::Show { message, json } => show(&api, &message, json, printer).await,
        DeadCommand::Retry(which) => {
            change(&api, which, &Change { name: "retry", done: "retried", why: None }, printer).await
        }
        DeadCommand::Drop { which, why } => {
            change(&api, which, &Change { name: "drop", done: "dropped", why: Some(why) }, printer).await
        }
        DeadCommand::Export(filter) => {
            api.lines(&within(&["export"]), &filter.pairs(), |line| printer.json_line(line)).await
        }
    }
}

/// `relay message retry`.
pub(crate) async fn retry_one(api: &ApiClient, id: &str, printer: &Printer) -> anyhow::Result<()> {
    let path = ["api", "v1", "messages", id, "retry"];
    api.call(Method::POST, &path, None).await.map_err(with_hint)?;
    printer.done(format!("message {id} waits for another turn"));
    Ok(())
}

fn within<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    DEAD.into_iter().chain(rest.iter().copied()).collect()
}

async fn list(api: &ApiClient, query: &[(&str, String)], as_json: bool, printer: &Printer) -> anyhow::Result<()> {
    let page = api.list(&DEAD, query).await?;
    if as_json {
        printer.json(&page);
        return Ok(());
    }
    let letters = items(&page, "data");
    if letters.is_empty() {
        printer.line("no dead letters");
        return Ok(());
    }
    let heading = ["MESSAGE", "DIED", "SESSION", "WAY", "CHAT", "TRIES", "KIND", "STATE"];
    let mut rows = vec![heading.map(ToOwned::to_owned).to_vec()];
    rows.extend(letters.iter().map(|letter| {
        let keys = ["id", "finished_at", "session", "direction", "chat", "attempts"];
        let mut row: Vec<_> = keys.iter().map(|key| text(letter, key)).collect();
        row.extend([kind(letter), state(letter)]);
        row
    }));
    printer.table(&rows);
    if let Some(next) = page.get("next").and_then(Value::as_str) {
        printer.line(format!("more: relay dead ls --cursor {next}"));
    }
    Ok(())
}

async fn groups(api: &ApiClient, filter: &DeadFilter, as_json: bool, printer: &Printer) -> anyhow::Result<()> {
    let page = api.list(&within(&["groups"]), &filter.pairs()).await?;
    if as_json {
        printer.json(&page);
        return Ok(());
    }
    let groups = items(&page, "data");
    if groups.is_empty() {
        printer.line("no dead letters");
        return Ok(());
    }
    let heading = ["COUNT", "SESSION", "WAY", "STATE", "REASON", "FIRST", "LAST"];
    let mut rows = vec![heading.map(ToOwned::to_owned).to_vec()];
    let keys = ["count", "session", "direction", "state", "reason", "first_at", "last_at"];
    rows.extend(groups.iter().map(|group| keys.iter().map(|key| text(group, key)).collect()));
    printer.table(&rows);
    Ok(())
}

async fn show(api: &ApiClient, id: &str, as_json: bool, printer: &Printer) -> anyhow::Result<()> {
    let letter = api.call(Method::GET, &within(&[id]), None).await.map_err(with_hint)?;
    if as_json {
        printer.json(&letter);
        return Ok(());
    }
    message::print(&letter, printer);
    printer.line("");
    printer.line(format!("next: relay dead retry {id}, or relay dead drop {id} --why …"));
    Ok(())
}

async fn change(api: &ApiClient, which: ManyArgs, change: &Change, printer: &Printer) -> anyhow::Result<()> {
    let has_filter = !which.filter.pairs().is_empty();
    if !which.messages.is_empty() && has_filter {
        bail!("give either ids of messages or what they have in common, not both");
    }
    if which.messages.is_empty() && !has_filter && !which.all {
        bail!(
            "no dead letter is named\n  hint: give ids, as relay dead ls prints them, or --session, --reason, --since …, or --all"
        );
    }
    if which.messages.is_empty() {
        change_many(api, &which, change, printer).await
    } else {
        change_each(api, &which, change, printer).await
    }
}

async fn change_each(api: &ApiClient, which: &ManyArgs, change: &Change, printer: &Printer) -> anyhow::Result<()> {
    let body = change.why.as_ref().map(|why| json!({ "why": why }));
    for id in &which.messages {
        api.call(Method::POST, &within(&[id, change.name]), body.as_ref()).await.map_err(with_hint)?;
        if !which.json {
            printer.done(format!("message {id} {}", change.done));
        }
    }
    if which.json {
        printer.json(&json!({ change.done: which.messages.len(), "refused": 0 }));
    }
    Ok(())
}

/// Portion by portion, with progress; interrupted, it can be given again.
async fn change_many(api: &ApiClient, which: &ManyArgs, change: &Change, printer: &Printer) -> anyhow::Result<()> {
    let mut body: Map<String, Value> =
        which.filter.pairs().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    body.insert("all".to_owned(), json!(which.all));
    if let Some(why) = &change.why {
        body.insert("why".to_owned(), json!(why));
    }
    let (mut done, mut refused) = (0, 0);
    loop {
        let portion = api.call(Method::POST, &within(&[change.name]), Some(&Value::Object(body.clone()))).await?;
        let count = |key: &str| portion.get(key).and_then(Value::as_u64).unwrap_or(0);
        done += count(change.done);
        refused += count("refused");
        let Some(next) = portion.get("next").filter(|next| next.is_string()) else { break };
        printer.progress(format!("{done} {}", change.done));
        body.insert("cursor".to_owned(), next.clone());
    }
    if which.json {
        printer.json(&json!({ change.done: done, "refused": refused }));
        return Ok(());
    }
    let letters = if done == 1 { "dead letter" } else { "dead letters" };
    printer.done(format!("{done} {letters} {}", change.done));
    if refused > 0 {
        printer.line(format!("  {refused} cannot be tried again: what was received was emptied; relay dead drop"));
    }
    Ok(())
}

fn with_hint(error: anyhow::Error) -> anyhow::Error {
    match error.to_string() {
        reason if reason.starts_with("there is no message") || reason.ends_with("not a dead letter") => {
            anyhow::anyhow!("{reason}\n  hint: relay dead ls lists those there are")
        }
        _ => error,
    }
}
