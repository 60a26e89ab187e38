//! The relay that is set up: the one that runs, or one that this command starts on the configured port.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use secrecy::SecretString;

use crate::api_client::ApiClient;
use crate::cli::Settings;
use crate::config::Secrets;
use crate::listener::Start;
use crate::serve::{Serving, Signals};

/// A relay to set up.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) api: ApiClient,
    /// Somebody else started it, with settings of its own.
    pub(super) is_of_others: bool,
}

impl Relay {
    /// Finds the running relay, or starts one.
    pub(super) async fn begin(
        settings: &Settings,
        codechat_key: &SecretString,
        start: Start,
        serving: &mut Option<Serving>,
    ) -> anyhow::Result<Self> {
        let mut secrets = Secrets::load(settings)?;
        secrets.codechat_key = Some(codechat_key.clone());
        if let Some(api) = ApiClient::running(settings, secrets.api_key.clone()).await? {
            return Ok(Self { api, is_of_others: true });
        }
        let begun = Serving::begin(settings, &secrets, start, Signals::listen()?).await?;
        let base = format!("http://{}", reachable(begun.address));
        *serving = Some(begun);
        Ok(Self { api: ApiClient::at(base, secrets.api_key)?, is_of_others: false })
    }
}

/// How this machine reaches a socket that it listens on.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    SocketAddr::new(ip, address.port())
}
