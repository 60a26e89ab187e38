//! `relay session …`: numbers and inboxes, from the command line.

use std::io::IsTerminal as _;

use anyhow::Context;
use relay_domain::note::Locale;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::api_client::{self, ApiClient};
use crate::cli::{AddArgs, SessionCommand, Settings};
use crate::config;
use crate::pair;
use crate::printer::Printer;
use crate::words::Say as _;

pub(crate) async fn run(settings: &Settings, command: SessionCommand, printer: &Printer) -> anyhow::Result<()> {
    let api = ApiClient::connect(settings).await?;
    match command {
        SessionCommand::Add(args) => add(&api, args, printer).await,
        SessionCommand::Ls { json } => list(&api, json, printer).await,
        SessionCommand::Show { session, json } => show(&api, &session, json, printer).await,
        SessionCommand::Set { session, settings, json } => set(&api, &session, settings, json, printer).await,
        SessionCommand::Connect { session, json } => connect(settings, &api, &session, json, printer).await,
        SessionCommand::Pause { session, reason } => {
            let body = json!({ "reason": reason });
            api.call(Method::POST, &["session", &session, "pause"], Some(&body)).await?;
            printer.done(format!("session {session} paused; what comes meanwhile is stored"));
            printer.line(format!("  next: relay session resume {session}"));
            Ok(())
        }
        SessionCommand::Resume { session } => {
            api.call(Method::POST, &["session", &session, "resume"], None).await?;
            printer.done(format!("session {session} resumed"));
            Ok(())
        }
        SessionCommand::Rm { session, force } => {
            api.remove(&session, force).await.map_err(|error| with_way_out(error, &session))?;
            printer.done(format!("session {session} removed; its CodeChat instance and pairing remain"));
            Ok(())
        }
    }
}

/// What to do instead of losing what a session still has.
fn with_way_out(error: anyhow::Error, session: &str) -> anyhow::Error {
    let said = error.to_string();
    let Some((backlog, _)) = said.split_once("; keep them with") else { return error };
    anyhow::anyhow!(
        "{backlog}\n  hint: relay dead export --session {session} writes dead letters out, with --state pending what waits\
         \n  hint: relay dead retry --session {session} tries dead letters again; relay session show {session} tells why events wait\
         \n  hint: relay session rm {session} --force removes the session and loses them"
    )
}

/// `relay health`.
pub(crate) async fn health(settings: &Settings, printer: &Printer) -> anyhow::Result<()> {
    let no_relay = || format!("no relay answers on port {}\n  hint: start one with relay serve", settings.port);
    let health = api_client::health(settings).await?.with_context(no_relay)?;
    printer.json(&health);
    Ok(())
}

async fn add(api: &ApiClient, args: AddArgs, printer: &Printer) -> anyhow::Result<()> {
    let token = config::given("CHATWOOT_TOKEN", args.token.as_deref())?;
    let token = token.context("no token is given\n  hint: set CHATWOOT_TOKEN, or use --token, with the access token of a Chatwoot administrator (Profile settings)")?;
    let body = json!({
        "session_id": args.name,
        "description": args.description,
        "chatwoot": { "account_id": args.account, "inbox_id": args.inbox, "token": token.expose_secret() },
    });
    let made = api.call(Method::POST, &["session"], Some(&body)).await?;
    if args.json {
        printer.json(&made);
        return Ok(());
    }
    let name = text(&made, "session_id");
    printer.done(format!("session {name} made"));
    if made.get("next_step").and_then(Value::as_str).is_none() {
        printer.done("the inbox's webhook is set");
    } else {
        printer.line("  The token is not an administrator's. Paste this into the inbox's webhook URL in Chatwoot:");
        printer.line(format!("  {}", text(&made, "chatwoot_inbox_webhook")));
    }
    printer.line(format!("  next: relay session connect {name}"));
    Ok(())
}

async fn list(api: &ApiClient, as_json: bool, printer: &Printer) -> anyhow::Result<()> {
    let sessions = api.call(Method::GET, &["session"], None).await?;
    if as_json {
        printer.json(&sessions);
        return Ok(());
    }
    let sessions = sessions.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
    if sessions.is_empty() {
        printer.line("no sessions yet: relay session add --help");
        return Ok(());
    }
    let mut rows =
        vec![["SESSION", "STATUS", "WHATSAPP", "ACCOUNT", "INBOX", "DESCRIPTION"].map(ToOwned::to_owned).to_vec()];
    for session in &sessions {
        let chatwoot = session.get("chatwoot").unwrap_or(&Value::Null);
        rows.push(vec![
            text(session, "session_id"),
            text(session, "status"),
            text(session, "connection"),
            text(chatwoot, "account_id"),
            text(chatwoot, "inbox_id"),
            text(session, "description"),
        ]);
    }
    printer.table(&rows);
    Ok(())
}

async fn show(api: &ApiClient, session: &str, as_json: bool, printer: &Printer) -> anyhow::Result<()> {
    let session = api.call(Method::GET, &["session", session], None).await?;
    if as_json {
        printer.json(&session);
        return Ok(());
    }
    let chatwoot = session.get("chatwoot").unwrap_or(&Value::Null);
    let rows = [
        ("session", text(&session, "session_id")),
        ("description", text(&session, "description")),
        ("status", format!("{} {}", text(&session, "status"), text(&session, "status_reason"))),
        ("whatsapp", text(&session, "connection")),
        (
            "chatwoot",
            format!(
                "{} account {} inbox {}",
                text(chatwoot, "url"),
                text(chatwoot, "account_id"),
                text(chatwoot, "inbox_id")
            ),
        ),
        ("signed", text(chatwoot, "signed")),
        ("since", text(&session, "created_at")),
    ];
    printer.table(&rows.map(|(name, value)| vec![name.to_owned(), value]));
    printer.line("");
    print_settings(&session, printer);
    Ok(())
}

async fn set(
    api: &ApiClient,
    session: &str,
    settings: Vec<(String, Value)>,
    as_json: bool,
    printer: &Printer,
) -> anyhow::Result<()> {
    let mut changes = json!({});
    for (name, value) in settings {
        let mut place = &mut changes;
        for part in name.split('.') {
            if !place.is_object() {
                *place = json!({});
            }
            place = &mut place[part];
        }
        *place = value;
    }
    let body = json!({ "settings": changes });
    let changed = api.call(Method::PATCH, &["session", session], Some(&body)).await?;
    if as_json {
        printer.json(&changed);
        return Ok(());
    }
    printer.done(format!("settings of session {session} changed"));
    print_settings(&changed, printer);
    Ok(())
}

/// The settings, one a line, as `relay session set` takes them.
fn print_settings(session: &Value, printer: &Printer) {
    let mut rows = Vec::new();
    flatten("", session.get("settings").unwrap_or(&Value::Null), &mut rows);
    printer.table(&rows);
}

fn flatten(path: &str, value: &Value, rows: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(&path, value, rows);
            }
        }
        Value::String(text) => rows.push(vec![path.to_owned(), text.clone()]),
        value => rows.push(vec![path.to_owned(), value.to_string()]),
    }
}

/// On a terminal the code is shown until it is scanned, elsewhere once.
async fn connect(
    settings: &Settings,
    api: &ApiClient,
    session: &str,
    as_json: bool,
    printer: &Printer,
) -> anyhow::Result<()> {
    if !as_json && std::io::stdout().is_terminal() {
        let locale = settings.lang.unwrap_or(Locale::En);
        let owner = pair::pair(api, session, locale, printer).await?;
        printer.done(pair::Word::Connected(owner).say(locale));
        return Ok(());
    }
    let qr = api.call(Method::POST, &["session", session, "connect"], None).await?;
    if as_json {
        printer.json(&qr);
        return Ok(());
    }
    if qr.get("state").and_then(Value::as_str) == Some("open") {
        printer.done(format!("session {session} is connected"));
        return Ok(());
    }
    let code = qr.get("code").and_then(Value::as_str);
    let code = code.context("CodeChat gave no QR code yet\n  hint: try again in some seconds; if it goes on, check that CodeChat can reach the internet")?;
    printer.line("Scan with WhatsApp > Linked devices > Link a device:");
    printer.qr(code).map(drop)
}

fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
