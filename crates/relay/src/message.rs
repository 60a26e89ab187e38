//! `relay message …`: what was received, what the other side sees of it, and what became of it.

mod tail;

use reqwest::Method;
use serde_json::Value;

use crate::api_client::{self, ApiClient};
use crate::cli::{ListArgs, MessageCommand, Settings};
use crate::dead;
use crate::printer::Printer;

const MESSAGES: [&str; 3] = ["api", "v1", "messages"];

pub(crate) async fn run(settings: &Settings, command: MessageCommand, printer: &Printer) -> anyhow::Result<()> {
    if matches!(command, MessageCommand::Tail(_)) {
        // one that lives as long as this command has nothing to show
        api_client::require_running(settings).await?;
    }
    let api = ApiClient::connect(settings).await?;
    match command {
        MessageCommand::Ls(args) => list(&api, args, printer).await,
        MessageCommand::Show { message, json } => show(&api, &message, json, printer).await,
        MessageCommand::Tail(args) => tail::follow(&api, &args, printer).await,
        MessageCommand::Retry { message } => dead::retry_one(&api, &message, printer).await,
    }
}

async fn list(api: &ApiClient, args: ListArgs, printer: &Printer) -> anyhow::Result<()> {
    let wanted = [
        ("session", args.session),
        ("direction", args.direction),
        ("state", args.state),
        ("chat", args.chat),
        ("since", args.since.map(|since| since.to_string())),
        ("limit", Some(args.limit.to_string())),
        ("cursor", args.cursor),
    ];
    let query: Vec<_> = wanted.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let page = api.list(&MESSAGES, &query).await?;
    if args.json {
        printer.json(&page);
        return Ok(());
    }
    let messages = page.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
    if messages.is_empty() {
        printer.line("no messages");
        return Ok(());
    }
    let heading = ["MESSAGE", "RECEIVED", "SESSION", "WAY", "CHAT", "STATE", "KIND", "TEXT"];
    let mut rows = vec![heading.map(ToOwned::to_owned).to_vec()];
    rows.extend(messages.iter().map(row));
    printer.table(&rows);
    if let Some(next) = page.get("next").and_then(Value::as_str) {
        printer.line(format!("more: relay message ls --cursor {next}"));
    }
    Ok(())
}

fn row(message: &Value) -> Vec<String> {
    let keys = ["id", "received_at", "session", "direction", "chat"];
    let mut row: Vec<_> = keys.iter().map(|key| text(message, key)).collect();
    row.extend([state(message), kind(message), text(message, "text")]);
    row
}

async fn show(api: &ApiClient, id: &str, as_json: bool, printer: &Printer) -> anyhow::Result<()> {
    let [first, second, third] = MESSAGES;
    let found = api.call(Method::GET, &[first, second, third, id], None).await;
    let message = found.map_err(|error| match error.to_string() {
        reason if reason.starts_with("there is no message") => {
            anyhow::anyhow!("{reason}\n  hint: relay message ls lists those there are")
        }
        _ => error,
    })?;
    if as_json {
        printer.json(&message);
        return Ok(());
    }
    print(&message, printer);
    Ok(())
}

/// One message with all that is known of it.
pub(crate) fn print(message: &Value, printer: &Printer) {
    let heading = ["direction", "session", "chat"].map(|key| text(message, key)).to_vec();
    printer.table(&[[heading, vec![kind(message), state(message)]].concat()]);
    for part in items(message, "parts") {
        printer.line("");
        print_part(part, printer);
    }
    printer.line("");
    printer.table(&course(message));
    let links: Vec<_> = items(message, "links").iter().map(link).collect();
    if !links.is_empty() {
        printer.line("");
        printer.table(&links);
    }
}

fn print_part(part: &Value, printer: &Printer) {
    let is = |key: &str| part.get(key).and_then(Value::as_bool).unwrap_or(false);
    if is("private") {
        printer.line("  (private note)");
    }
    if let Some(file) = part.get("file").filter(|file| !file.is_null()) {
        printer.quoted(&format!("[{}] {}", text(file, "kind"), text(file, "name")));
    }
    printer.quoted(&text(part, "text"));
}

/// What happened, in order.
fn course(message: &Value) -> Vec<Vec<String>> {
    let mut rows = vec![vec![text(message, "received_at"), "received".to_owned()]];
    for tried in items(message, "tries") {
        let what = format!("attempt {}", text(tried, "number"));
        let took = format!("{} ms", text(tried, "duration_ms"));
        let fields = ["outcome", "http_status", "detail"].map(|key| text(tried, key));
        let told = fields.into_iter().filter(|field| !field.is_empty()).collect::<Vec<_>>().join(" ");
        rows.push(vec![text(tried, "started_at"), what, took, told]);
    }
    let finished = text(message, "finished_at");
    if !finished.is_empty() {
        rows.push(vec![finished, state(message)]);
    }
    rows
}

fn link(link: &Value) -> Vec<String> {
    let number = |key: &str| link.get(key).and_then(Value::as_u64).unwrap_or(0);
    let chatwoot = match text(link, "chatwoot_message") {
        message if message.is_empty() => "not in Chatwoot yet".to_owned(),
        message => format!("Chatwoot conversation {} message {message}", text(link, "chatwoot_conversation")),
    };
    let deleted = if link.get("deleted").and_then(Value::as_bool).unwrap_or(false) { "deleted" } else { "" };
    vec![
        format!("part {} of {}", number("part") + 1, number("parts")),
        text(link, "state"),
        format!("WhatsApp {}", text(link, "whatsapp_id")),
        chatwoot,
        deleted.to_owned(),
    ]
}

pub(crate) fn state(message: &Value) -> String {
    match text(message, "reason") {
        reason if reason.is_empty() => text(message, "state"),
        reason => format!("{} ({reason})", text(message, "state")),
    }
}

pub(crate) fn kind(message: &Value) -> String {
    match text(message, "kind") {
        kind if kind.is_empty() => text(message, "event"),
        kind => kind,
    }
}

pub(crate) fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(crate) fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
