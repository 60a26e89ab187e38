//! The way from outside to the relay: a word is sent to the public address, and must come back here.

use std::time::Duration;

use relay_domain::id::SessionId;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;
use url::Url;

use super::echo::Answer;
use super::line::Broken;
use super::words::public::{Body, Headers, Loop};
use super::words::skipped::Skipped;
use super::{CALL_WITHIN, Check, Visit};
use crate::address::{Reach, origin, reach_of};

/// The largest body that the webhook doors take, in bytes.
const LARGEST: usize = 2 * 1024 * 1024;
const LARGE_WITHIN: Duration = Duration::from_secs(10);

impl Visit<'_> {
    pub(super) async fn public(&self) {
        let found = self.look_back().await;
        self.note(Check::PublicUrl, None, found.say(self.locale));
        if !matches!(found, Loop::Here(_) | Loop::OnlyThisMachine(_)) {
            self.skip(&[Check::PublicBody, Check::PublicHeaders], None, Skipped::NoPublicUrl);
            return;
        }
        let (body, headers) = tokio::join!(self.large_body(), self.headers());
        self.note(Check::PublicBody, None, body.say(self.locale));
        self.note(Check::PublicHeaders, None, headers.say(self.locale));
    }

    async fn look_back(&self) -> Loop {
        let api_url = &self.engine.config.api_url;
        let Some(nonce) = self.engine.echoes.expect(Answer::Heard) else { return Loop::Wrong(Broken::Silent) };
        let asked = self.engine.http.get(echo_url(api_url, nonce.word())).timeout(CALL_WITHIN).send().await;
        let answer = match asked {
            Ok(answer) => answer,
            Err(error) => return Loop::Wrong(Broken::of_request(&error)),
        };
        if nonce.heard().is_some() {
            let is_local = reach_of(api_url).await == Reach::Machine;
            return if is_local && self.has_a_far_chatwoot().await {
                Loop::OnlyThisMachine(origin(api_url))
            } else {
                Loop::Here(origin(api_url))
            };
        }
        let status = answer.status();
        let problem: Option<Value> = answer.json().await.ok();
        let is_a_relay = problem.and_then(|problem| Some(problem.get("code")?.as_str()? == "unknown_word"));
        if status == StatusCode::NOT_FOUND && is_a_relay == Some(true) {
            let shared = self.engine.store.living_workers().await.is_ok_and(|workers| workers > 1);
            return Loop::AnotherRelay { shared };
        }
        Loop::SomethingElse(status.as_u16())
    }

    async fn has_a_far_chatwoot(&self) -> bool {
        let sessions = self.engine.sessions.all();
        let of_sessions = sessions.iter().map(|live| live.chatwoot.base());
        for url in of_sessions.chain(&self.engine.config.chatwoot_url) {
            if reach_of(url).await != Reach::Machine {
                return true;
            }
        }
        false
    }

    async fn large_body(&self) -> Body {
        let Some(nonce) = self.engine.echoes.expect(Answer::Heard) else { return Body::Lost };
        let url = echo_url(&self.engine.config.api_url, nonce.word());
        let request = json(self.engine.http.post(url)).body(vec![b' '; LARGEST]).timeout(LARGE_WITHIN);
        let answer = request.send().await;
        match (nonce.heard(), answer) {
            (Some(echo), _) if echo.bytes == LARGEST as u64 => Body::Whole,
            (_, Ok(answer)) if !answer.status().is_success() => Body::Refused(answer.status().as_u16()),
            (_, Ok(_) | Err(_)) => Body::Lost,
        }
    }

    async fn headers(&self) -> Headers {
        let Some(nonce) = self.engine.echoes.expect(Answer::Heard) else { return Headers::Kept };
        let url = echo_url(&self.engine.config.api_url, nonce.word());
        let request = json(self.engine.http.post(url)).body("{}").timeout(CALL_WITHIN);
        let request = request
            .header("x-chatwoot-signature", format!("sha256={}", "0".repeat(64)))
            .header("x-chatwoot-timestamp", "0")
            .header("x-chatwoot-delivery", SessionId::generate().to_string());
        drop(request.send().await);
        match nonce.heard() {
            Some(echo) if !echo.is_json => Headers::NoType,
            Some(echo) if echo.has_signature => Headers::Kept,
            Some(_) | None => Headers::NoSignature,
        }
    }
}

/// Where a word comes back.
pub(super) fn echo_url(base: &Url, word: &str) -> Url {
    let mut url = base.clone();
    url.path_segments_mut().expect("our own address has a path").pop_if_empty().extend(["doctor", "echo", word]);
    url
}

fn json(request: RequestBuilder) -> RequestBuilder {
    request.header(reqwest::header::CONTENT_TYPE, "application/json")
}
