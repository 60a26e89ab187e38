//! Who may use the console: a link that works once and soon expires, and browsers that are signed in.
//!
//! Invariant: the store knows tokens as hashes only, made together with the API key, so that a new key signs everybody out.

use std::time::Duration;

use relay_domain::Timestamp;
use relay_store::{KeepPass, PassKind, StoreError, TradeLink};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::Engine;
use crate::token::new_token;

/// How long a link waits to be used.
pub const LINK_LIVES: Duration = Duration::from_mins(10);
/// How long a browser stays signed in, however busy it is.
const BROWSER_LIVES: Duration = Duration::from_hours(72);
/// How long a browser stays signed in without being seen.
const BROWSER_RESTS: Duration = Duration::from_hours(8);
/// How exactly is noted when a browser was seen.
const SEEN_EVERY: Duration = Duration::from_mins(1);

impl Engine {
    /// Makes a link's token, and says until when it is good.
    pub async fn make_console_link(&self, key: &SecretString) -> Result<(String, Timestamp), StoreError> {
        let (token, pass) = self.new_pass(PassKind::Link, key, LINK_LIVES);
        let expires_at = pass.expires_at;
        self.store.keep_pass(pass).await?;
        Ok((token, expires_at))
    }

    /// Signs a browser in with a link's token; `None` when the link was used or is too old.
    pub async fn enter_by_link(&self, key: &SecretString, link: &str) -> Result<Option<String>, StoreError> {
        let (token, pass) = self.new_pass(PassKind::Browser, key, BROWSER_LIVES);
        let was_good = self.store.trade_link(TradeLink { link_hash: hash(key, link), pass }).await?;
        Ok(was_good.then_some(token))
    }

    /// Signs in a browser whose person has shown the API key.
    pub async fn enter(&self, key: &SecretString) -> Result<String, StoreError> {
        let (token, pass) = self.new_pass(PassKind::Browser, key, BROWSER_LIVES);
        self.store.keep_pass(pass).await?;
        Ok(token)
    }

    /// Whether a browser is signed in.
    pub async fn is_inside(&self, key: &SecretString, token: &str) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let token_hash = hash(key, token);
        let Some(seen) = self.store.pass_seen(token_hash, now).await? else { return Ok(false) };
        let rested = now.since(seen);
        if rested > BROWSER_RESTS {
            self.store.end_pass(token_hash).await?;
            return Ok(false);
        }
        if rested > SEEN_EVERY {
            self.store.see_pass(token_hash, now).await?;
        }
        Ok(true)
    }

    /// Signs a browser out.
    pub async fn leave(&self, key: &SecretString, token: &str) -> Result<(), StoreError> {
        self.store.end_pass(hash(key, token)).await
    }

    fn new_pass(&self, kind: PassKind, key: &SecretString, lives: Duration) -> (String, KeepPass) {
        let token = new_token();
        let now = self.clock.now();
        let pass = KeepPass { kind, token_hash: hash(key, &token), now, expires_at: now + lives };
        (token, pass)
    }
}

fn hash(key: &SecretString, token: &str) -> [u8; 32] {
    // hashed first, so that no key and token run into each other
    let key = Sha256::digest(key.expose_secret().as_bytes());
    Sha256::new().chain_update(b"console").chain_update(key).chain_update(token.as_bytes()).finalize().into()
}
