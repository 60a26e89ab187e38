//! How commands talk to a relay: the one that runs, or, when none does, one that lives as long as the command.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cli::Settings;
use crate::config::Secrets;
use crate::serve::{self, Life};

const DEADLINE: Duration = Duration::from_mins(1);
/// How long an export may take.
const LONG_DEADLINE: Duration = Duration::from_hours(6);

/// What the relay refused: the code of its answer, and the reason in English.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) detail: String,
}

/// A relay to talk to.
#[derive(Debug)]
pub(crate) struct ApiClient {
    http: reqwest::Client,
    base: String,
    key: SecretString,
    /// Ends the relay that was started for this command.
    own: Option<CancellationToken>,
}

/// Where to call somebody who listens at an address: everywhere is also here.
fn callable(address: SocketAddr) -> SocketAddr {
    let is_everywhere = address.ip().is_unspecified();
    SocketAddr::new(if is_everywhere { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() }, address.port())
}

/// The address of the running relay; `None` when none answers.
async fn running(settings: &Settings, http: &reqwest::Client) -> Option<String> {
    let base = format!("http://{}", callable(SocketAddr::new(settings.host, settings.port)));
    let answer = http.get(format!("{base}/livez")).timeout(Duration::from_secs(2)).send().await;
    answer.is_ok_and(|answer| answer.status().is_success()).then_some(base)
}

/// What the running relay says of itself, which takes no key; `None` when none answers.
pub(crate) async fn health(settings: &Settings) -> anyhow::Result<Option<Value>> {
    let http = relay_engine::http::client()?;
    let Some(base) = running(settings, &http).await else { return Ok(None) };
    let answer =
        http.get(format!("{base}/healthz")).timeout(DEADLINE).send().await.context("the relay does not answer")?;
    let is_well = answer.status().is_success();
    let value: Value = answer.json().await.context("the relay's answer is not JSON")?;
    if !is_well {
        bail!("{}", value.get("detail").and_then(Value::as_str).unwrap_or("the relay cannot take webhooks"));
    }
    Ok(Some(value))
}

/// That a relay runs, whatever its health.
pub(crate) async fn require_running(settings: &Settings) -> anyhow::Result<()> {
    let http = relay_engine::http::client()?;
    if running(settings, &http).await.is_none() {
        bail!("no relay answers on port {}\n  hint: start one with relay serve", settings.port);
    }
    Ok(())
}

impl Drop for ApiClient {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            own.cancel();
        }
    }
}

impl ApiClient {
    /// The relay at an address, which goes on when the command ends.
    pub(crate) fn at(base: String, key: SecretString) -> anyhow::Result<Self> {
        Ok(Self { http: relay_engine::http::client()?, base, key, own: None })
    }

    /// The running relay, if one answers.
    pub(crate) async fn running(settings: &Settings, key: SecretString) -> anyhow::Result<Option<Self>> {
        let http = relay_engine::http::client()?;
        running(settings, &http).await.map(|base| Self::at(base, key)).transpose()
    }

    /// The running relay, or one of our own.
    pub(crate) async fn connect(settings: &Settings) -> anyhow::Result<Self> {
        Self::connect_by(settings, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// The running relay, or one of our own at the address where it would run, so that both sides can reach it. When something
    /// else is there, one of our own elsewhere.
    pub(crate) async fn connect_in_place(settings: &Settings) -> anyhow::Result<Self> {
        Self::connect_by(settings, SocketAddr::new(settings.host, settings.port)).await
    }

    async fn connect_by(settings: &Settings, address: SocketAddr) -> anyhow::Result<Self> {
        let http = relay_engine::http::client()?;
        let running = running(settings, &http).await;
        let secrets = Secrets::load(settings)?;
        if let Some(base) = running {
            return Ok(Self { http, base, key: secrets.api_key, own: None });
        }
        let engine = serve::open(settings, &secrets, Life::Command).await?;
        let listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
        };
        let base = format!("http://{}", callable(listener.local_addr()?));
        let own = CancellationToken::new();
        let key = secrets.api_key.clone();
        tokio::spawn(serve::work(engine, listener, secrets.api_key, Vec::new(), own.clone()));
        Ok(Self { http, base, key, own: Some(own) })
    }

    /// Calls the session API; an error answer becomes an error that says what to do.
    pub(crate) async fn call(&self, method: Method, path: &[&str], body: Option<&Value>) -> anyhow::Result<Value> {
        let mut url = url::Url::parse(&self.base)?;
        url.path_segments_mut().map_err(|()| anyhow::anyhow!("the relay's address has no path"))?.extend(path);
        self.send(method, url, body).await
    }

    /// Reads a list, with what narrows it.
    pub(crate) async fn list(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<Value> {
        let mut url = url::Url::parse(&self.base)?;
        url.path_segments_mut().map_err(|()| anyhow::anyhow!("the relay's address has no path"))?.extend(path);
        url.query_pairs_mut().extend_pairs(query);
        self.send(Method::GET, url, None).await
    }

    /// Reads a long answer line by line, however long it takes.
    pub(crate) async fn lines(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        mut each: impl FnMut(&str),
    ) -> anyhow::Result<()> {
        let mut url = url::Url::parse(&self.base)?;
        url.path_segments_mut().map_err(|()| anyhow::anyhow!("the relay's address has no path"))?.extend(path);
        url.query_pairs_mut().extend_pairs(query);
        let request = self.http.get(url).timeout(LONG_DEADLINE).header("api-key", self.key.expose_secret());
        let mut answer = request.send().await.context("the relay does not answer")?;
        if !answer.status().is_success() {
            return Err(refusal(answer).await);
        }
        let mut rest = Vec::new();
        while let Some(chunk) = answer.chunk().await.context("the answer broke off: it is not complete")? {
            rest.extend_from_slice(&chunk);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<_> = rest.drain(..=end).collect();
                each(String::from_utf8_lossy(&line).trim_end());
            }
        }
        Ok(())
    }

    /// Removes a session.
    pub(crate) async fn remove(&self, session: &str, force: bool) -> anyhow::Result<()> {
        let mut url = url::Url::parse(&self.base)?;
        url.path_segments_mut()
            .map_err(|()| anyhow::anyhow!("the relay's address has no path"))?
            .extend(["session", session]);
        url.query_pairs_mut().append_pair("force", if force { "true" } else { "false" });
        self.send(Method::DELETE, url, None).await.map(drop)
    }

    async fn send(&self, method: Method, url: url::Url, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = self.http.request(method, url).timeout(DEADLINE).header("api-key", self.key.expose_secret());
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.context("the relay does not answer")?;
        let status = answer.status();
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        if !status.is_success() {
            return Err(refusal(answer).await);
        }
        answer.json().await.context("the relay's answer is not JSON")
    }
}

/// What an error answer says, and what to do.
async fn refusal(answer: reqwest::Response) -> anyhow::Error {
    if answer.status() == StatusCode::UNAUTHORIZED {
        return anyhow::anyhow!(
            "the running relay uses another API_KEY\n  hint: run this command with the same DATA_DIR or API_KEY as relay serve"
        );
    }
    let value: Value = match answer.json().await {
        Ok(value) => value,
        Err(error) => return anyhow::Error::new(error).context("the relay's answer is not JSON"),
    };
    let text = |key, otherwise: &str| value.get(key).and_then(Value::as_str).unwrap_or(otherwise).to_owned();
    Refused { code: text("code", ""), detail: text("detail", "no reason given") }.into()
}
