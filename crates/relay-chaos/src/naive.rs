//! A relay that works the way the first one did: everything inside the handler of the webhook, nothing stored but the sessions,
//! every error answered and forgotten. It relays texts. The rig breaks it like ours, to show what a store is for.
//!
//! Two kindnesses keep the comparison fair: it is sent nothing but texts, and it tells Chatwoot WhatsApp's ids, which the first
//! one did not, so that its messages can be counted at all.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use chatwoot::{Direction, MessageType, NewContact, NewConversation, NewMessage};
use codechat::{Auth, HookEvent, SendOptions, SendText, Upsert};
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

/// What it answers when anything went wrong.
type Answer = Result<StatusCode, StatusCode>;

struct Naive {
    codechat: codechat::Client,
    http: reqwest::Client,
    chatwoot_url: Url,
    api_url: Url,
    /// Sessions outlive the process, as they did in the first relay's one table.
    file: PathBuf,
    sessions: Mutex<Vec<Session>>,
}

#[derive(Clone)]
struct Session {
    name: String,
    account: i64,
    inbox: i64,
    token: String,
}

/// Listens where the environment says, until it is killed.
pub(crate) async fn serve() -> Result<()> {
    let env = |name: &str| std::env::var(name).with_context(|| format!("{name} is set"));
    let http = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(15)).build()?;
    let codechat_url = Url::parse(&env("CODECHAT_URL")?)?;
    let key = SecretString::from(env("CODECHAT_KEY")?);
    let folder = PathBuf::from(env("DATA_DIR")?);
    std::fs::create_dir_all(&folder)?;
    let naive = Naive {
        codechat: codechat::Client::new(http.clone(), codechat_url, Auth::Global(key)),
        http,
        chatwoot_url: Url::parse(&env("CHATWOOT_URL")?)?,
        api_url: Url::parse(&env("API_URL")?)?,
        sessions: Mutex::new(read_sessions(&folder.join("sessions.json"))),
        file: folder.join("sessions.json"),
    };
    let router = Router::new()
        .route("/readyz", get(async || "ok\n"))
        .route("/healthz", get(async || Json(json!({ "events": {} }))))
        .route("/session", post(create))
        .route("/codechat/webhook/{session}", post(from_codechat))
        .route("/chatwoot/webhook/{session}", post(from_chatwoot))
        .with_state(Arc::new(naive));
    let listener = tokio::net::TcpListener::bind(format!("{}:{}", env("HOST")?, env("PORT")?)).await?;
    Ok(axum::serve(listener, router).await?)
}

fn read_sessions(path: &std::path::Path) -> Vec<Session> {
    let stored: Vec<Value> =
        std::fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let session = |value: &Value| {
        Some(Session {
            name: value["name"].as_str()?.to_owned(),
            account: value["account"].as_i64()?,
            inbox: value["inbox"].as_i64()?,
            token: value["token"].as_str()?.to_owned(),
        })
    };
    stored.iter().filter_map(session).collect()
}

async fn create(
    State(naive): State<Arc<Naive>>,
    Json(wish): Json<Value>,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
    let chatwoot = &wish["chatwoot"];
    let session = Session {
        name: wish["session_id"].as_str().unwrap_or_default().to_owned(),
        account: chatwoot["account_id"].as_i64().unwrap_or_default(),
        inbox: chatwoot["inbox_id"].as_i64().unwrap_or_default(),
        token: chatwoot["token"].as_str().unwrap_or_default().to_owned(),
    };
    let door = |side: &str| {
        naive.api_url.join(&format!("{side}/webhook/{}", session.name)).map_err(|_| StatusCode::BAD_REQUEST)
    };
    naive.codechat.create_instance(&session.name, None).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    naive
        .codechat
        .set_webhook(&session.name, &door("codechat")?, HookEvent::ALL)
        .await
        .map_err(|_| StatusCode::BAD_GATEWAY)?;
    let hook = door("chatwoot")?;
    let client = naive.chatwoot(&session);
    client.set_inbox_webhook(session.inbox, hook.as_str()).await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    naive.keep(session).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok((StatusCode::CREATED, Json(json!({}))))
}

impl Naive {
    fn keep(&self, session: Session) -> Result<()> {
        let mut sessions = self.sessions.lock().expect("nothing panics while holding the sessions");
        sessions.push(session);
        let all = sessions.iter();
        let rows: Vec<_> = all
            .map(|known| json!({ "name": known.name, "account": known.account, "inbox": known.inbox, "token": known.token }))
            .collect();
        Ok(std::fs::write(&self.file, serde_json::to_vec(&rows)?)?)
    }

    fn session(&self, name: &str) -> Result<Session, StatusCode> {
        let sessions = self.sessions.lock().expect("nothing panics while holding the sessions");
        sessions.iter().find(|session| session.name == name).cloned().ok_or(StatusCode::NOT_FOUND)
    }

    fn chatwoot(&self, session: &Session) -> chatwoot::Client {
        let token = SecretString::from(session.token.clone());
        chatwoot::Client::new(self.http.clone(), self.chatwoot_url.clone(), session.account, token)
    }
}

async fn from_codechat(State(naive): State<Arc<Naive>>, Path(name): Path<String>, body: Bytes) -> Answer {
    let session = naive.session(&name)?;
    let webhook = codechat::Webhook::parse(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    if webhook.event != codechat::Event::MessagesUpsert {
        return Ok(StatusCode::OK);
    }
    let message = Upsert::from_value(&webhook.data).map_err(|_| StatusCode::BAD_REQUEST)?;
    let chat = message.remote_jid.clone().unwrap_or_default();
    if message.from_me || message.is_group {
        return Ok(StatusCode::OK);
    }
    let text = message.content["text"].as_str().ok_or(StatusCode::BAD_REQUEST)?;
    let phone = chat.split('@').next().unwrap_or_default();
    relay_text(&naive, &session, phone, text, &message.key_id).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(StatusCode::OK)
}

async fn relay_text(
    naive: &Naive,
    session: &Session,
    phone: &str,
    text: &str,
    id: &str,
) -> Result<(), chatwoot::Error> {
    let chatwoot = naive.chatwoot(session);
    let contact = if let Some(contact) = chatwoot.find_contact_inbox(session.inbox, phone).await? {
        contact.id
    } else {
        let new = NewContact {
            name: phone.to_owned(),
            phone_number: Some(format!("+{phone}")),
            inbox_id: session.inbox,
            source_id: phone.to_owned(),
            ..NewContact::default()
        };
        chatwoot.create_contact(&new).await?.id
    };
    let conversation = if let Some(conversation) = chatwoot.conversations_of(session.inbox, phone).await?.first() {
        conversation.id
    } else {
        let new = NewConversation {
            inbox_id: session.inbox,
            contact_id: contact,
            source_id: phone.to_owned(),
            status: None,
            team_id: None,
        };
        chatwoot.create_conversation(&new).await?.id
    };
    let mut message = NewMessage::new(Direction::Incoming);
    message.content = Some(text.to_owned());
    message.source_id = Some(format!("WAID:{id}"));
    chatwoot.create_message(conversation, &message).await.map(drop)
}

async fn from_chatwoot(State(naive): State<Arc<Naive>>, Path(name): Path<String>, body: Bytes) -> Answer {
    let session = naive.session(&name)?;
    let webhook = chatwoot::Webhook::parse(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let chatwoot::Webhook::MessageCreated(message) = webhook else { return Ok(StatusCode::OK) };
    if message.private || message.message_type != MessageType::Outgoing {
        return Ok(StatusCode::OK);
    }
    let phone = message.conversation.source_id.clone().ok_or(StatusCode::BAD_REQUEST)?;
    let text = message.content.ok_or(StatusCode::BAD_REQUEST)?;
    let send = SendText { number: format!("{phone}@s.whatsapp.net"), text, options: SendOptions::default() };
    naive.codechat.send_text(&session.name, &send).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(StatusCode::OK)
}
