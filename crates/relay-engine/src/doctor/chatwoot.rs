//! Looking at Chatwoot: the server, the token, the account, the inbox and its webhook.

use ::chatwoot::{Capability, Client, ErrorKind, Inbox, Version};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use url::Url;

use super::line::Broken;
use super::words::chatwoot as words;
use super::words::inbox;
use super::words::skipped::Skipped;
use super::{CALL_WITHIN, Check, Visit};
use crate::address::{Shape, origin, shape_of};
use crate::sessions::{Live, hash_token};
use crate::trouble::Side;

/// What needs Chatwoot to answer.
const OF_THE_SERVER: [Check; 3] = [Check::ChatwootToken, Check::ChatwootAccount, Check::ChatwootInbox];
/// What needs the inbox.
const OF_THE_INBOX: [Check; 5] =
    [Check::ChatwootWebhook, Check::ChatwootSignature, Check::ChatwootReach, Check::ChatwootAck, Check::ChatwootFiles];
/// Signatures that do not match in a row before that is no accident.
const MISMATCHES: u32 = 3;
/// What the addresses of other bridges to WhatsApp have in them.
const BRIDGES: [&str; 7] = ["chatwoot/webhook", "evolution", "waha", "codewoot", "openwa", "wppconnect", "codechat"];

impl Visit<'_> {
    pub(super) async fn chatwoot(&self, live: &Live) {
        self.address(Some(live), live.chatwoot.base());
        self.pace(live);
        let client = live.chatwoot.clone().with_deadlines(CALL_WITHIN, 2 * CALL_WITHIN);
        let Some(version) = self.server(Some(live), &client).await else {
            self.skip(&OF_THE_SERVER, Some(live), Skipped::SideAway(Side::Chatwoot));
            self.skip(&OF_THE_INBOX, Some(live), Skipped::SideAway(Side::Chatwoot));
            return;
        };
        let Some(is_administrator) = self.token(live, &client).await else {
            self.skip(&OF_THE_INBOX, Some(live), Skipped::NoToken);
            return;
        };
        let Some(inbox) = self.inbox(live, &client).await else {
            self.skip(&OF_THE_INBOX, Some(live), Skipped::NoInbox);
            return;
        };
        self.signature(live, version, &inbox);
        tokio::join!(
            self.webhook(live, &client, &inbox, is_administrator),
            self.chatwoot_reach(live, &client, version, &inbox),
        );
    }

    /// The configured server, while no session uses it.
    pub(super) async fn configured_chatwoot(&self) {
        let Some(url) = &self.engine.config.chatwoot_url else { return };
        self.address(None, url);
        let client = Client::new(self.engine.http.clone(), url.clone(), 0, SecretString::default());
        self.server(None, &client.with_deadlines(CALL_WITHIN, CALL_WITHIN)).await;
    }

    fn address(&self, live: Option<&Live>, url: &Url) {
        let address = words::Address { shape: shape_of(url), origin: origin(url) };
        self.note(Check::ChatwootUrl, live, address.say(self.locale));
    }

    fn pace(&self, live: &Live) {
        let pace = match live.health.heard.slowdowns() {
            None => inbox::Pace::Never,
            Some((times, at)) => inbox::Pace::Slowed { times, ago: self.engine.clock.now().since(at) },
        };
        self.note(Check::ChatwootRate, Some(live), pace.say(self.locale));
    }

    async fn server(&self, live: Option<&Live>, client: &Client) -> Option<Version> {
        let server = match client.version().await {
            Ok(version) if version < Version::OLDEST => words::Server::TooOld(version),
            Ok(version) if version < Version::RECOMMENDED => words::Server::Lacks(version),
            Ok(version) => words::Server::Fine(version),
            // beneath a page's path anything may answer: the finding about the address says it all
            Err(_) if shape_of(client.base()) == Shape::Page => words::Server::Down(Broken::Strange),
            Err(error) => words::Server::Down(Broken::of_chatwoot(&error).unwrap_or(Broken::Strange)),
        };
        self.note(Check::ChatwootServer, live, server.say(self.locale));
        match server {
            words::Server::Fine(version) | words::Server::Lacks(version) | words::Server::TooOld(version) => {
                Some(version)
            }
            words::Server::Down(_) => None,
        }
    }

    /// Whether the token is good, and an administrator's.
    async fn token(&self, live: &Live, client: &Client) -> Option<bool> {
        let account = live.session.chatwoot.account;
        let profile = match client.profile().await {
            Ok(profile) => profile,
            Err(error) => {
                let rest = &OF_THE_SERVER[1..];
                if error.kind != ErrorKind::Unauthorized {
                    self.skip(&OF_THE_SERVER, Some(live), Skipped::SideAway(Side::Chatwoot));
                    return None;
                }
                let is_bot = error.detail.to_ascii_lowercase().contains("bot");
                let token = if is_bot { words::Token::Bot } else { words::Token::Unknown };
                self.note(Check::ChatwootToken, Some(live), token.say(self.locale));
                self.skip(rest, Some(live), Skipped::NoToken);
                return None;
            }
        };
        self.note(Check::ChatwootToken, Some(live), words::Token::User.say(self.locale));
        let is_administrator = profile.is_administrator(account);
        let found = if is_administrator {
            words::Account::Administrator(account)
        } else if profile.belongs_to(account) {
            words::Account::Agent(account)
        } else {
            let seen = profile.accounts.iter().map(|account| account.id).collect();
            words::Account::NotSeen { wanted: account, seen }
        };
        self.note(Check::ChatwootAccount, Some(live), found.say(self.locale));
        if matches!(found, words::Account::NotSeen { .. }) {
            self.skip(&[Check::ChatwootInbox], Some(live), Skipped::NoToken);
            return None;
        }
        Some(is_administrator)
    }

    async fn inbox(&self, live: &Live, client: &Client) -> Option<Inbox> {
        let id = live.session.chatwoot.inbox;
        match client.inbox(id).await {
            Ok(inbox) if inbox.is_api() => {
                self.note(Check::ChatwootInbox, Some(live), inbox::Inbox::Api(id).say(self.locale));
                Some(inbox)
            }
            Ok(inbox) => {
                let other = inbox::Inbox::Other { id, kind: inbox.channel_type };
                self.note(Check::ChatwootInbox, Some(live), other.say(self.locale));
                None
            }
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Unauthorized) => {
                self.note(Check::ChatwootInbox, Some(live), inbox::Inbox::Missing(id).say(self.locale));
                None
            }
            Err(_) => {
                self.skip(&[Check::ChatwootInbox], Some(live), Skipped::SideAway(Side::Chatwoot));
                None
            }
        }
    }

    async fn webhook(&self, live: &Live, client: &Client, inbox: &Inbox, is_administrator: bool) {
        let url = inbox.webhook_url.as_deref().and_then(|url| Url::parse(url).ok());
        let found = match &url {
            None => inbox::Webhook::Nowhere,
            Some(url) if has_token(url, live.session.chatwoot.hook_hash) => inbox::Webhook::Ours,
            Some(url) if self.is_our_door(url) => inbox::Webhook::Stale,
            Some(url) => inbox::Webhook::Elsewhere { there: origin(url), ours: origin(&self.engine.config.api_url) },
        };
        self.note(Check::ChatwootWebhook, Some(live), found.say(self.locale));
        if !is_administrator {
            return;
        }
        let Ok(of_account) = client.account_webhooks().await else { return };
        for url in of_account.iter().filter_map(|webhook| Url::parse(&webhook.url).ok()) {
            let is_bridge = || BRIDGES.iter().any(|sign| url.as_str().to_ascii_lowercase().contains(sign));
            let found = if self.is_our_door(&url) {
                inbox::Webhook::AccountToo
            } else if is_bridge() {
                inbox::Webhook::AccountElsewhere(origin(&url))
            } else {
                continue;
            };
            self.note(Check::ChatwootWebhook, Some(live), found.say(self.locale));
        }
    }

    fn is_our_door(&self, url: &Url) -> bool {
        let path: Vec<_> = url.path_segments().into_iter().flatten().collect();
        let is_a_door = path.windows(2).any(|pair| pair == ["chatwoot", "webhook"]);
        is_a_door && url.origin() == self.engine.config.api_url.origin()
    }

    fn signature(&self, live: &Live, version: Version, inbox: &Inbox) {
        let mismatches = live.health.heard.bad_signatures();
        let found = match (&live.session.chatwoot.secret, &inbox.secret) {
            (None, _) if !version.supports(Capability::SignedInboxWebhooks) => inbox::Signature::Unsigned,
            (None, _) => inbox::Signature::Unread,
            (Some(known), Some(current)) if known.expose_secret() != current.expose_secret() => {
                inbox::Signature::Changed
            }
            (Some(_), _) if mismatches >= MISMATCHES => inbox::Signature::Mismatches(mismatches),
            (Some(_), _) => inbox::Signature::Checked,
        };
        self.note(Check::ChatwootSignature, Some(live), found.say(self.locale));
    }
}

/// Whether an address carries the token with this hash.
pub(super) fn has_token(url: &Url, hash: [u8; 32]) -> bool {
    url.query_pairs().any(|(name, value)| name == "token" && bool::from(hash_token(&value).ct_eq(&hash)))
}
