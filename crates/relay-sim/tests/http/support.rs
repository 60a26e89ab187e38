//! A webhook receiver that keeps what it gets and answers as told.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::sync::Notify;

pub(crate) const LONG: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) headers: HeaderMap,
    pub(crate) raw: Bytes,
    pub(crate) body: Value,
}

#[derive(Debug, Default)]
struct Inner {
    hooks: Mutex<Vec<Hook>>,
    arrived: Notify,
    status: AtomicU16,
}

#[derive(Debug, Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let inner = Arc::new(Inner::default());
        inner.status.store(200, Ordering::SeqCst);
        let app = Router::new().fallback(receive).with_state(Arc::clone(&inner));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, inner }
    }

    pub(crate) fn answer_with(&self, status: u16) {
        self.inner.status.store(status, Ordering::SeqCst);
    }

    pub(crate) fn hooks(&self) -> Vec<Hook> {
        self.inner.hooks.lock().unwrap().clone()
    }

    pub(crate) fn bodies(&self) -> Vec<Value> {
        self.hooks().into_iter().map(|hook| hook.body).collect()
    }

    /// Waits until `count` webhooks satisfy `wanted`, and returns their bodies in order of arrival.
    pub(crate) async fn wait_for(&self, count: usize, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let found = async {
            loop {
                let arrived = self.inner.arrived.notified();
                let matching: Vec<Value> = self.bodies().into_iter().filter(|body| wanted(body)).collect();
                if matching.len() >= count {
                    return matching;
                }
                arrived.await;
            }
        };
        tokio::time::timeout(LONG, found).await.expect("the webhooks should have arrived")
    }
}

async fn receive(State(inner): State<Arc<Inner>>, headers: HeaderMap, raw: Bytes) -> StatusCode {
    let body = serde_json::from_slice(&raw).unwrap_or_default();
    inner.hooks.lock().unwrap().push(Hook { headers, raw, body });
    inner.arrived.notify_waiters();
    StatusCode::from_u16(inner.status.load(Ordering::SeqCst)).unwrap()
}

pub(crate) fn client() -> reqwest::Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}
