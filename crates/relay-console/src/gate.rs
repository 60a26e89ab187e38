//! Getting in and out: by the API key, by a link that works once, and the choice of a language.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use secrecy::ExposeSecret;

use crate::Console;
use crate::dress::render;
use crate::failure::Failure;
use crate::form::Fields;
use crate::frame::Frame;
use crate::guard;
use crate::visitor::{Posted, cookie, locale, own_fields};
use crate::words::T;

/// The cookie of a signed-in browser, by https and without; browsers bind the first to our host alone.
pub(crate) const COOKIES: [&str; 2] = ["__Host-relay", "relay-console"];
/// The cookie of the chosen language.
pub(crate) const LANGUAGE: &str = "relay-language";

/// Wrong keys a minute that are looked at, of all callers together.
const WRONG_A_MINUTE: usize = 20;
const MINUTE: Duration = Duration::from_mins(1);

/// When wrong keys were given.
#[derive(Debug, Default)]
pub(crate) struct WrongKeys(Mutex<VecDeque<Instant>>);

impl WrongKeys {
    fn are_too_many(&self) -> bool {
        let mut times = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        times.retain(|at| at.elapsed() < MINUTE);
        times.len() >= WRONG_A_MINUTE
    }

    fn note(&self) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push_back(Instant::now());
    }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    frame: Frame,
    next: String,
    problem: Option<T>,
}

#[derive(Template)]
#[template(path = "enter.html")]
struct Enter {
    frame: Frame,
    token: String,
}

pub(crate) async fn page(
    State(console): State<Console>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Html<String> {
    let next = Fields::of_query(query).get("next").unwrap_or_default().to_owned();
    sign_in_page(&console, &headers, next, None)
}

fn sign_in_page(console: &Console, headers: &HeaderMap, next: String, problem: Option<T>) -> Html<String> {
    let mut frame = Frame::bare(console, locale(headers, console));
    "/console/sign-in".clone_into(&mut frame.path);
    render(&SignIn { frame, next, problem })
}

/// Signs in with the API key.
pub(crate) async fn by_key(State(console): State<Console>, request: Request) -> Result<Response, Failure> {
    let headers = request.headers().clone();
    let fields = own_fields(request, &console).await?;
    let next = fields.get("next").unwrap_or_default().to_owned();
    if console.memory.wrong_keys.are_too_many() {
        let page = sign_in_page(&console, &headers, next, Some(T::TooManyWrongKeys));
        return Ok((StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "60")], page).into_response());
    }
    let given = fields.get("key").unwrap_or_default();
    if !guard::is_same(given, console.api_key.expose_secret()) {
        console.memory.wrong_keys.note();
        tracing::warn!("a sign-in to the console was refused: wrong key");
        let page = sign_in_page(&console, &headers, next, Some(T::WrongKey));
        return Ok((StatusCode::UNAUTHORIZED, page).into_response());
    }
    let token = console.engine.enter(&console.api_key).await?;
    tracing::info!("a browser signed in to the console with the key");
    Ok(let_in(&console, &headers, &token, &next))
}

/// What a link leads to. It is used up by the form on this page, not by looking at it.
pub(crate) async fn link_page(
    State(console): State<Console>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Html<String> {
    let token = Fields::of_query(query).get("token").unwrap_or_default().to_owned();
    render(&Enter { frame: Frame::bare(&console, locale(&headers, &console)), token })
}

/// Signs in with a link.
pub(crate) async fn by_link(State(console): State<Console>, request: Request) -> Result<Response, Failure> {
    let headers = request.headers().clone();
    let fields = own_fields(request, &console).await?;
    let link = fields.get("token").unwrap_or_default();
    let Some(token) = console.engine.enter_by_link(&console.api_key, link).await? else {
        let page = sign_in_page(&console, &headers, String::new(), Some(T::LinkUsed));
        return Ok((StatusCode::UNAUTHORIZED, page).into_response());
    };
    tracing::info!("a browser signed in to the console with a link");
    Ok(let_in(&console, &headers, &token, ""))
}

fn let_in(console: &Console, headers: &HeaderMap, token: &str, next: &str) -> Response {
    let next = if is_page_of_ours(next) { next } else { "/console" };
    let mut response = Redirect::to(next).into_response();
    let cookie = if guard::is_https(headers, &console.engine.config.api_url) {
        format!("{}={token}; Path=/; Secure; HttpOnly; SameSite=Strict", COOKIES[0])
    } else {
        format!("{}={token}; Path=/console; HttpOnly; SameSite=Strict", COOKIES[1])
    };
    set_cookie(&mut response, &cookie);
    response
}

/// Whether an address is a page of the console, and not one that only begins like it.
fn is_page_of_ours(path: &str) -> bool {
    let rest = path.strip_prefix("/console");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Ends the browser's stay, here and in the store.
pub(crate) async fn sign_out(
    State(console): State<Console>,
    headers: HeaderMap,
    _posted: Posted,
) -> Result<Response, Failure> {
    if let Some(token) = cookie(&headers, &COOKIES) {
        console.engine.leave(&console.api_key, token).await?;
    }
    let mut response = Redirect::to("/console/sign-in").into_response();
    set_cookie(&mut response, &format!("{}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0", COOKIES[0]));
    set_cookie(&mut response, &format!("{}=; Path=/console; HttpOnly; SameSite=Strict; Max-Age=0", COOKIES[1]));
    Ok(response)
}

/// Remembers a language. Nobody has to be signed in for that.
pub(crate) async fn language(State(console): State<Console>, request: Request) -> Result<Response, Failure> {
    let fields = own_fields(request, &console).await?;
    let locale = fields.get("language").and_then(relay_domain::note::Locale::parse).ok_or(Failure::Unreadable)?;
    let back = fields.get("path").filter(|path| is_page_of_ours(path)).unwrap_or("/console");
    let mut response = Redirect::to(back).into_response();
    let tag = crate::words::tag(locale);
    set_cookie(&mut response, &format!("{LANGUAGE}={tag}; Path=/console; HttpOnly; SameSite=Strict; Max-Age=31536000"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere_after_signing_in() {
        for ours in ["/console", "/console/log?state=dead", "/console?x=1"] {
            assert!(is_page_of_ours(ours), "{ours}");
        }
        for other in [
            "",
            "/",
            "//evil.example",
            "/consoles",
            "/console\\@evil.example",
            "https://evil.example/console",
            "/console\r\n",
        ] {
            assert!(!is_page_of_ours(other), "{other}");
        }
    }
}
