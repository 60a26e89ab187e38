//! One session: its state and how it changed, the phone's pairing, pause and resume, and its settings.

mod fields;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use codechat::{ConnectionUpdate, State as Connection, Webhook};
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::convert::{Builder, Shape};
use fast_qr::qr::QRBuilder;
use relay_domain::id::ChatKey;
use relay_engine::{Live, Side};
use relay_store::{Browse, Lane, LaneKind, SessionState, Stored, UpdateSession};

use self::fields::Input;
use crate::Console;
use crate::dress::render;
use crate::failure::Failure;
use crate::frame::Frame;
use crate::overview::state_of;
use crate::reason::reason;
use crate::view::{Mark, When};
use crate::visitor::{Posted, Visitor};
use crate::words::{self, T};

/// Changes of the connection that are shown.
const CHANGES: u32 = 20;
/// Seconds for which a QR code is good: CodeChat makes a new one then.
const QR_LIVES: u32 = 20;

#[derive(Template)]
#[template(path = "session.html")]
struct SessionPage {
    frame: Frame,
    name: String,
    path: String,
    description: Option<String>,
    number: Option<String>,
    state: Mark,
    reason: Option<String>,
    is_paused: bool,
    is_open: bool,
    created: When,
    chatwoot: String,
    account: i64,
    inbox: i64,
    is_signed: bool,
    codechat: String,
    sides: Vec<(&'static str, Mark)>,
    pairing: Option<Pairing>,
    changes: Vec<Change>,
    fields: Vec<fields::Field>,
}

/// What there is to scan or to type.
struct Pairing {
    svg: Option<Svg>,
    code: Option<String>,
    seconds: u32,
    outcome: Option<T>,
}

/// A picture that we drew.
struct Svg(String);

impl std::fmt::Display for Svg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Svg {}

struct Change {
    at: When,
    state: Mark,
    status: Option<i64>,
}

pub(crate) async fn page(
    State(console): State<Console>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Html<String>, Failure> {
    show(&console, visitor, &name, None).await
}

async fn show(
    console: &Console,
    visitor: Visitor,
    name: &str,
    pairing: Option<Pairing>,
) -> Result<Html<String>, Failure> {
    let mut frame = Frame::of(console, visitor, None);
    frame.path = words::session_path(name);
    console.engine.sessions.refresh().await?;
    let live = console.engine.sessions.named(name).await?.ok_or(Failure::Unknown)?;
    let session = &live.session;
    let page = SessionPage {
        name: session.name.clone(),
        path: words::session_path(&session.name),
        description: session.description.clone(),
        number: console.memory.numbers.of(&live),
        state: state_of(&live, &frame),
        reason: session.state_reason.clone(),
        is_paused: session.state == SessionState::Paused,
        is_open: session.connection == "open",
        created: frame.when(session.created_at),
        chatwoot: session.chatwoot.url.origin().ascii_serialization(),
        account: session.chatwoot.account,
        inbox: session.chatwoot.inbox,
        is_signed: session.chatwoot.secret.is_some(),
        codechat: session.codechat.url.origin().ascii_serialization(),
        sides: sides(&live, &frame),
        pairing,
        changes: changes(console, &live, &frame).await?,
        fields: fields::of(&session.settings, frame.locale),
        frame,
    };
    Ok(render(&page))
}

/// Whether both sides answer, as far as their breakers know.
fn sides(live: &Live, frame: &Frame) -> Vec<(&'static str, Mark)> {
    let mark = |side| {
        if live.health.breaker(side).is_open() {
            Mark::new("bad", "○", T::Silent, frame)
        } else {
            Mark::new("well", "●", T::Answers, frame)
        }
    };
    vec![("Chatwoot", mark(Side::Chatwoot)), ("CodeChat", mark(Side::CodeChat))]
}

/// What CodeChat last told of the connection, newest first; those without a body are older than bodies are kept.
async fn changes(console: &Console, live: &Live, frame: &Frame) -> Result<Vec<Change>, Failure> {
    // events that belong to no chat queue in the first of the receipt lanes
    let lane = Lane { session: live.id().clone(), kind: LaneKind::Receipt, chat: ChatKey::new("shard-0") };
    let event = Some("connection.update".to_owned());
    let wanted = Browse { lanes: vec![lane], event, limit: CHANGES, ..Browse::default() };
    let page = console.engine.store.browse(&wanted).await?;
    Ok(page.messages.iter().filter_map(|stored| told(stored, frame)).collect())
}

fn told(stored: &Stored, frame: &Frame) -> Option<Change> {
    let webhook = Webhook::parse(stored.body.as_deref()?).ok()?;
    let update = ConnectionUpdate::from_value(&webhook.data).ok()?;
    let state = match update.state {
        Connection::Open => Mark::new("well", "●", T::Connected, frame),
        Connection::Connecting => Mark::new("waits", "◔", T::Connecting, frame),
        Connection::Close | Connection::Refused => Mark::new("bad", "○", T::Disconnected, frame),
        Connection::Other(word) => Mark { class: "quiet", shape: "?", word },
    };
    Some(Change { at: frame.when(stored.received_at), state, status: update.status_reason })
}

/// Asks CodeChat for a code to scan. It is shown in the answer and kept nowhere.
pub(crate) async fn connect(
    State(console): State<Console>,
    Path(name): Path<String>,
    posted: Posted,
) -> Result<Html<String>, Failure> {
    let live = console.engine.sessions.named(&name).await?.ok_or(Failure::Unknown)?;
    let qr = live.codechat.connect(live.name()).await.map_err(|error| Failure::CodeChat(error.to_string()))?;
    console.memory.numbers.forget(live.id());
    let outcome = match qr.state {
        Connection::Open => Some(T::AlreadyConnected),
        Connection::Refused => Some(T::CodesRanOut),
        Connection::Close if !qr.has_code() => Some(T::WhatsAppUnreachable),
        Connection::Connecting | Connection::Close | Connection::Other(_) => None,
    };
    let svg = qr.code.as_deref().and_then(drawn);
    let pairing = Pairing { svg, code: qr.pairing_code, seconds: QR_LIVES, outcome };
    show(&console, posted.visitor, &name, Some(pairing)).await
}

fn drawn(code: &str) -> Option<Svg> {
    let qr = QRBuilder::new(code).build().ok()?;
    Some(Svg(SvgBuilder::default().shape(Shape::Square).margin(4).to_str(&qr)))
}

/// Stops a session until a person resumes it.
pub(crate) async fn pause(
    State(console): State<Console>,
    Path(name): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let why = reason(&posted.fields)?;
    let live = console.engine.sessions.named(&name).await?.ok_or(Failure::Unknown)?;
    console.engine.pause_by_hand(live.id(), why.as_deref()).await?;
    Ok(back(&name, "paused"))
}

/// Lets a session work again.
pub(crate) async fn resume(
    State(console): State<Console>,
    Path(name): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    drop(posted);
    let live = console.engine.sessions.named(&name).await?.ok_or(Failure::Unknown)?;
    console.engine.resume(live.id()).await?;
    Ok(back(&name, "resumed"))
}

/// Changes the settings of a session.
async fn change_settings(console: &Console, name: &str, posted: &Posted) -> Result<(), Failure> {
    let session = console.engine.store.session_by_name(name).await?.ok_or(Failure::Unknown)?;
    let changes = fields::changes(&posted.fields).map_err(Failure::Wrong)?;
    let settings = session.settings.changed(&changes).map_err(Failure::Refused)?;
    let update = UpdateSession { settings: Some(settings), ..UpdateSession::of(&session.id) };
    console.engine.store.update_session(update).await?;
    Ok(console.engine.sessions.refresh().await?)
}

pub(crate) async fn change(
    State(console): State<Console>,
    Path(name): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    change_settings(&console, &name, &posted).await?;
    Ok(back(&name, "saved"))
}

fn back(name: &str, done: &str) -> Redirect {
    Redirect::to(&format!("{}?done={done}", words::session_path(name)))
}
