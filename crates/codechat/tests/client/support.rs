//! A server that records what it is asked and answers what it is told, and the recordings of a real one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, Response, Uri};
use codechat::{Auth, Client, Deadlines};
use serde_json::Value;
use url::Url;

pub(crate) const KEY: &str = "test-global-apikey";
pub(crate) const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJpbnN0YW5jZU5hbWUiOiJsb2phMDEifQ.c2lnbmF0dXJl";

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

/// The server. An answer that was not told never comes.
#[derive(Clone)]
pub(crate) struct Server {
    script: Arc<Mutex<Script>>,
    url: Url,
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

    /// Answers as the real server did in the recording `name`.
    pub(crate) fn answers_recorded(&self, name: &str) -> &Self {
        let answer = rest(name)["response"].take();
        let status = u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
        match answer["body"].as_str() {
            Some(text) => self.answers(response(status, &[], text.to_owned())),
            None => self.answers_json(status, &answer["body"]),
        }
    }

    /// The only request there was.
    pub(crate) fn only(&self) -> Asked {
        let asked = self.script.lock().unwrap().asked.clone();
        assert_eq!(asked.len(), 1, "{asked:#?}");
        asked[0].clone()
    }

    pub(crate) fn was_asked(&self) -> bool {
        !self.script.lock().unwrap().asked.is_empty()
    }

    pub(crate) fn client(&self) -> Client {
        client(self.url.clone(), Auth::Instance(TOKEN.into()))
    }

    pub(crate) fn global_client(&self) -> Client {
        client(self.url.clone(), Auth::Global(KEY.into()))
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap_or_default();
    let asked = Asked { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    let answer = {
        let mut script = script.lock().unwrap();
        script.asked.push(asked);
        script.answers.pop_front()
    };
    match answer {
        Some(answer) => answer,
        None => std::future::pending().await,
    }
}

pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body.into()).unwrap()
}

pub(crate) fn client(base: Url, auth: Auth) -> Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    Client::new(http, base, auth)
}

/// Deadlines that end at once what never comes.
pub(crate) fn hurried() -> Deadlines {
    let soon = Duration::from_millis(200);
    Deadlines { call: soon, send: soon, connect: soon, media: soon, silence: soon }
}

pub(crate) fn rest(name: &str) -> Value {
    let path = format!("{}/../../fixtures/codechat/rest/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
