//! The dashboard app: how the conversation that is open in Chatwoot was delivered, in a frame beside it.
//!
//! The page itself holds nothing. Its script has Chatwoot tell which conversation is open, and asks for that with the token of its own
//! address; what comes back is rendered here, and a ticket that is good for that conversation alone.
//!
//! Invariant: only the configured Chatwoot may show it, no cookie lets anybody in, and nothing is shown of a conversation that
//! Chatwoot does not confirm.

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use relay_domain::id::EventId;
use relay_engine::Live;
use relay_engine::dashboard::{Claimed, NotOpened, Ticket};
use relay_store::{Browse, Decided, EventState, SessionState};

use crate::dress::render;
use crate::failure::Failure;
use crate::form::Fields;
use crate::frame::Frame;
use crate::log::lanes_of_chat;
use crate::message::{TryRow, attempt, next_turn};
use crate::view::{Mark, Row};
use crate::visitor::{locale, own_fields};
use crate::words::T;
use crate::{Console, LARGEST_FORM};

/// Messages shown, the newest first.
const ROWS: u32 = 25;

#[derive(Template)]
#[template(path = "inside.html")]
struct Page {
    frame: Frame,
    account: i64,
    /// Who may tell which conversation is open.
    origins: String,
}

#[derive(Template)]
#[template(path = "inside_deliveries.html")]
struct OpenPage {
    frame: Frame,
    ticket: String,
    session: String,
    phone: Mark,
    work: Mark,
    /// What just came of a wish.
    done: Option<T>,
    deliveries: Vec<Delivery>,
}

struct Delivery {
    row: Row,
    tries: Vec<TryRow>,
    next: Option<String>,
    can_resend: bool,
}

#[derive(Template)]
#[template(path = "inside_nothing.html")]
struct Nothing {
    frame: Frame,
    why: T,
}

/// The routes of the app, dressed for the frame they live in.
pub(crate) fn router(console: Console) -> Router {
    Router::new()
        .route("/app/{account}", get(page))
        .route("/app/{account}/conversation", post(conversation))
        .route("/app/{account}/resend", post(resend))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(from_fn_with_state(console.clone(), dress))
        .with_state(console)
}

async fn page(State(console): State<Console>, Path(account): Path<i64>, headers: HeaderMap) -> Response {
    let frame = Frame::bare(&console, locale(&headers, &console));
    let origins = console.engine.dashboard_origins(account);
    if origins.is_empty() {
        return (StatusCode::NOT_FOUND, render(&Nothing { frame, why: T::InsideNoAccount })).into_response();
    }
    render(&Page { frame, account, origins: origins.join(" ") }).into_response()
}

async fn conversation(State(console): State<Console>, Path(account): Path<i64>, request: Request) -> Response {
    let frame = Frame::bare(&console, locale(request.headers(), &console));
    let fields = match own_fields(request, &console).await {
        Ok(fields) => fields,
        Err(failure) => return refused(frame, &failure),
    };
    let ticket = match fields.get("ticket") {
        Some(ticket) => ticket.to_owned(),
        None => match open(&console, account, &fields).await {
            Ok(ticket) => ticket,
            Err(not_opened) => return closed(frame, &not_opened),
        },
    };
    show(&console, frame, account, ticket, None).await
}

async fn open(console: &Console, account: i64, fields: &Fields) -> Result<String, NotOpened> {
    let number = |name| fields.get(name).and_then(|text| text.parse::<i64>().ok()).filter(|number| *number > 0);
    let (Some(inbox), Some(conversation)) = (number("inbox"), number("conversation")) else {
        return Err(NotOpened::NotOurs);
    };
    let token = fields.get("token").unwrap_or_default();
    console.engine.open_dashboard(token, Claimed { account, inbox, conversation }).await
}

async fn resend(State(console): State<Console>, Path(account): Path<i64>, request: Request) -> Response {
    let frame = Frame::bare(&console, locale(request.headers(), &console));
    let fields = match own_fields(request, &console).await {
        Ok(fields) => fields,
        Err(failure) => return refused(frame, &failure),
    };
    let text = fields.get("ticket").unwrap_or_default().to_owned();
    let Some((ticket, _)) = console.engine.read_ticket(account, &text) else { return expired(frame) };
    let event = EventId::new(fields.get("event").unwrap_or_default());
    let done = match console.engine.resend_from_dashboard(&ticket, &event).await {
        Ok(Decided::Done) => T::InsideResent,
        Ok(Decided::Is(_) | Decided::BodyGone | Decided::Unknown) => T::InsideNotResent,
        Err(error) => return refused(frame, &Failure::from(error)),
    };
    show(&console, frame, account, text, Some(done)).await
}

/// What a ticket lets its holder see.
async fn show(console: &Console, frame: Frame, account: i64, text: String, done: Option<T>) -> Response {
    let Some((ticket, live)) = console.engine.read_ticket(account, &text) else { return expired(frame) };
    let deliveries = match deliveries(console, &ticket, &live, &frame).await {
        Ok(deliveries) => deliveries,
        Err(failure) => return refused(frame, &failure),
    };
    let session = &live.session;
    let phone = match session.connection.as_str() {
        "open" => Mark::new("well", "●", T::Connected, &frame),
        _ => Mark::new("bad", "○", T::Disconnected, &frame),
    };
    let work = match session.state {
        SessionState::Active => Mark::new("well", "▶", T::InsideDelivers, &frame),
        SessionState::Paused => Mark::new("waits", "Ⅱ", T::Paused, &frame),
    };
    let page = OpenPage { ticket: text, session: session.name.clone(), phone, work, done, deliveries, frame };
    render(&page).into_response()
}

async fn deliveries(console: &Console, ticket: &Ticket, live: &Live, frame: &Frame) -> Result<Vec<Delivery>, Failure> {
    let Some(chat) = ticket.chat() else { return Ok(Vec::new()) };
    let wanted = Browse { lanes: lanes_of_chat(live.id(), chat).into(), limit: ROWS, ..Browse::default() };
    let (messages, _) = console.engine.browse(&wanted).await?;
    let store = &console.engine.store;
    let mut deliveries = Vec::new();
    for message in messages.iter().filter(|message| message.stored.state != EventState::Ignored) {
        let stored = &message.stored;
        let turn = if stored.state == EventState::Pending { store.next_turn(&stored.id).await? } else { None };
        deliveries.push(Delivery {
            row: Row::of(message, frame),
            tries: store.tries(&stored.id).await?.iter().map(|tried| attempt(tried, frame)).collect(),
            next: turn.map(|turn| next_turn(turn, frame)),
            can_resend: matches!(stored.state, EventState::Dead | EventState::Expired) && stored.body.is_some(),
        });
    }
    Ok(deliveries)
}

/// Tells the script to have the conversation told anew.
fn expired(frame: Frame) -> Response {
    (StatusCode::UNAUTHORIZED, render(&Nothing { frame, why: T::InsideExpired })).into_response()
}

fn closed(frame: Frame, why: &NotOpened) -> Response {
    let (status, why) = match why {
        NotOpened::WrongToken => (StatusCode::FORBIDDEN, T::InsideWrongToken),
        NotOpened::NotOurs => (StatusCode::NOT_FOUND, T::InsideNotOurs),
        NotOpened::Chatwoot(error) => {
            tracing::warn!(error = %error.kind, "the dashboard app was not told of a conversation");
            (StatusCode::BAD_GATEWAY, T::InsideChatwootFailed)
        }
        NotOpened::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, T::StoreFailed),
    };
    (status, render(&Nothing { frame, why })).into_response()
}

fn refused(frame: Frame, failure: &Failure) -> Response {
    (failure.status(), render(&Nothing { frame, why: failure.words().0 })).into_response()
}

/// The console's headers, but for who may show the page in a frame.
async fn dress(State(console): State<Console>, request: Request, next: Next) -> Response {
    let account = request.uri().path().split('/').nth(2).and_then(|segment| segment.parse().ok());
    let origins = account.map(|account| console.engine.dashboard_origins(account)).unwrap_or_default();
    let ancestors = if origins.is_empty() { "'none'".to_owned() } else { origins.join(" ") };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
         object-src 'none'; form-action 'self'; frame-ancestors {ancestors}"
    );
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // an origin is ASCII without white space
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // as in the console: browsers would hide the origin of our own forms from us
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    if console.engine.config.api_url.scheme() == "https" {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
