//! Whether Chatwoot reaches the relay, how long it waits, and whether its files can be fetched.
//!
//! Without `deep` nothing is made to happen: what came through the door tells, or the text that Chatwoot left on a message whose
//! webhook failed.

use std::time::{Duration, Instant};

use ::chatwoot::{Client, Inbox, MessageStatus, Version};
use relay_domain::Timestamp;
use relay_store::Source;
use url::Url;

use super::diagnostics::Test;
use super::words::reach as words;
use super::words::skipped::Skipped;
use super::{Check, Visit};
use crate::address::{Reach, origin, reach_of};
use crate::http::allowed;
use crate::sessions::Live;
use crate::trouble::Side;

/// How long a test may take to come back.
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// How often the test message is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Conversations whose last messages are looked at for a webhook that failed.
const CONVERSATIONS: usize = 5;
/// The slowest answer that is nothing to worry about.
const QUICK: Duration = Duration::from_secs(1);
/// How often a fresh file is asked for: storage may take seconds to have it.
const FETCHES: usize = 5;
/// The first version that refuses to call private addresses.
const REFUSES_PRIVATE: Version = Version::new(4, 14, 0);

impl Visit<'_> {
    pub(super) async fn chatwoot_reach(&self, live: &Live, client: &Client, version: Version, inbox: &Inbox) {
        if self.is_deep {
            self.try_chatwoot(live, client).await;
        } else {
            self.skip(&[Check::ChatwootFiles], Some(live), Skipped::NeedsDeep);
            match self.told_by_chatwoot(live, client, version, inbox).await {
                Some(found) => self.note(Check::ChatwootReach, Some(live), found.say(self.locale)),
                None => self.skip(&[Check::ChatwootReach], Some(live), Skipped::NothingHeard),
            }
        }
        match live.health.heard.slowest(Side::Chatwoot) {
            None => self.skip(&[Check::ChatwootAck], Some(live), Skipped::NothingHeard),
            Some(slowest) if slowest <= QUICK => {
                self.note(Check::ChatwootAck, Some(live), words::Ack::Quick(slowest).say(self.locale));
            }
            Some(slowest) => self.note(Check::ChatwootAck, Some(live), words::Ack::Slow(slowest).say(self.locale)),
        }
    }

    /// What is known without asking Chatwoot to call.
    async fn told_by_chatwoot(
        &self,
        live: &Live,
        client: &Client,
        version: Version,
        inbox: &Inbox,
    ) -> Option<words::Chatwoot> {
        let heard = self.last_heard(live, Side::Chatwoot).await;
        if let Some((at, refusal)) = last_refusal(client, inbox.id).await
            && heard.is_none_or(|heard| at > heard)
        {
            return Some(words::Chatwoot::Refused(refusal));
        }
        if let Some(heard) = heard {
            return Some(words::Chatwoot::Heard(self.engine.clock.now().since(heard)));
        }
        let url = inbox.webhook_url.as_deref().and_then(|url| Url::parse(url).ok())?;
        let is_private = matches!(reach_of(&url).await, Reach::Machine | Reach::Network);
        (is_private && version >= REFUSES_PRIVATE).then_some(words::Chatwoot::LikelyPrivate)
    }

    /// When a side was last heard of, by this process or before it.
    pub(super) async fn last_heard(&self, live: &Live, side: Side) -> Option<Timestamp> {
        let source = match side {
            Side::Chatwoot => Source::Chatwoot,
            Side::CodeChat => Source::CodeChat,
        };
        let before = self.engine.store.last_heard(live.id(), source).await.ok().flatten();
        live.health.heard.last(side).max(before)
    }

    /// Has Chatwoot call, with a message that only agents could see.
    async fn try_chatwoot(&self, live: &Live, client: &Client) {
        let started = Instant::now();
        let test = match Test::begin(self.engine, live, client).await {
            Ok(test) => test,
            Err(detail) => {
                self.note(Check::ChatwootReach, Some(live), words::Chatwoot::NoTest(detail).say(self.locale));
                self.skip(&[Check::ChatwootFiles], Some(live), Skipped::NothingHeard);
                return;
            }
        };
        let came = async {
            let found = came_back(&test, client, started).await;
            self.note(Check::ChatwootReach, Some(live), found.say(self.locale));
        };
        let fetched = async {
            let found = fetched(&test, client).await;
            self.note(Check::ChatwootFiles, Some(live), found.say(self.locale));
        };
        tokio::join!(came, fetched);
        test.end(client).await;
    }
}

/// Waits for the test, and looks at the message meanwhile: Chatwoot writes on it why it could not call.
async fn came_back(test: &Test<'_>, client: &Client, started: Instant) -> words::Chatwoot {
    while started.elapsed() < BACK_WITHIN {
        if test.nonce.wait(LOOK_EVERY).await.is_some() {
            return words::Chatwoot::Came(started.elapsed());
        }
        let latest = client.latest_messages(test.conversation).await.unwrap_or_default();
        let ours = latest.iter().find(|message| message.id == test.message);
        if let Some(text) = ours.and_then(|message| message.content_attributes.external_error()) {
            return words::Refusal::read(text).map_or(words::Chatwoot::Lost, words::Chatwoot::Refused);
        }
    }
    words::Chatwoot::Lost
}

/// Fetches the file of the test as any file of an agent is fetched.
async fn fetched(test: &Test<'_>, client: &Client) -> words::Files {
    let Some(data_url) = &test.data_url else { return words::Files::Unfetchable("no data_url".to_owned()) };
    let base = client.base().clone();
    let mut last = String::new();
    for fetch in 0..FETCHES {
        if fetch > 0 {
            tokio::time::sleep(2 * LOOK_EVERY).await;
        }
        match client.download(data_url, |url| allowed(url, &base)).await {
            Ok(_) => {
                let there = Url::parse(data_url).ok().filter(|url| url.origin() != base.origin());
                return there.map_or(words::Files::Fetched, |url| words::Files::OtherHost(origin(&url)));
            }
            Err(error) => last = error.to_string(),
        }
    }
    words::Files::Unfetchable(last)
}

/// The newest message of an agent whose webhook Chatwoot could not deliver, and why.
async fn last_refusal(client: &Client, inbox: i64) -> Option<(Timestamp, words::Refusal)> {
    let recent = client.recent_conversations(inbox, 1).await.ok()?;
    let pages = recent.iter().take(CONVERSATIONS).map(|conversation| client.latest_messages(conversation.id));
    let pages = futures_util::future::join_all(pages).await;
    let messages = pages.into_iter().filter_map(Result::ok).flatten();
    let failed = messages.filter(|message| message.status == MessageStatus::Failed);
    let refused = failed.filter_map(|message| {
        let refusal = words::Refusal::read(message.content_attributes.external_error()?)?;
        Some((Timestamp::from_millis(message.created_at), refusal))
    });
    refused.max_by_key(|(at, _)| *at)
}
