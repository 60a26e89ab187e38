//! A server that records what it is asked and answers what it is told, and the examples.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, Response, Uri};
use chatwoot::{Client, Webhook, WebhookError};
use serde_json::{Map, Value};
use url::Url;

/// One request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.uri)
    }
}

#[derive(Default)]
struct Script {
    asked: Vec<Asked>,
    answers: VecDeque<Response<Body>>,
}

/// The server. An answer that was not told is a 599.
#[derive(Clone)]
pub(crate) struct Server {
    script: Arc<Mutex<Script>>,
    pub(crate) url: Url,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { script, url: Url::parse(&url).unwrap() }
    }

    pub(crate) fn answers(&self, answer: Response<Body>) -> &Self {
        self.script.lock().unwrap().answers.push_back(answer);
        self
    }

    pub(crate) fn answers_json(&self, status: u16, body: &Value) -> &Self {
        self.answers(response(status, &[("content-type", "application/json")], body.to_string()))
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.lock().unwrap().asked.clone()
    }

    /// The only request there was.
    pub(crate) fn only(&self) -> Asked {
        let asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:#?}");
        asked[0].clone()
    }

    pub(crate) fn client(&self) -> Client {
        client(self.url.clone())
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap_or_default();
    let asked = Asked { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    let mut script = script.lock().unwrap();
    script.asked.push(asked);
    script.answers.pop_front().unwrap_or_else(|| response(599, &[], ""))
}

pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body.into()).unwrap()
}

pub(crate) const TOKEN: &str = "gT4kQ2bL9xZ7mN3pR6vW8yAa";

pub(crate) fn client(base: Url) -> Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    Client::new(http, base, 7, TOKEN.into()).with_deadlines(Duration::from_secs(10), Duration::from_secs(20))
}

fn examples() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/chatwoot/examples.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// An example of an answer.
pub(crate) fn rest(name: &str) -> Value {
    let example = examples()["rest"][name].clone();
    assert!(!example.is_null(), "no example {name}");
    example
}

/// The examples of webhooks.
pub(crate) fn webhooks() -> Map<String, Value> {
    examples()["webhooks"].as_object().unwrap().clone()
}

/// An example of a webhook.
pub(crate) fn webhook(name: &str) -> Value {
    webhooks().get(name).unwrap_or_else(|| panic!("no example {name}")).clone()
}

/// Parses `body` as it would arrive.
pub(crate) fn parse(body: &Value) -> Result<Webhook, WebhookError> {
    Webhook::parse(body.to_string().as_bytes())
}
