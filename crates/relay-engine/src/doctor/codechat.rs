//! Looking at CodeChat: the server, the key, the instance, and whether it reaches the relay.

use std::time::{Duration, Instant};

use ::codechat::{Auth, Client, Deadlines, ErrorKind, FindMessages, MediaKind, SendMedia, SendOptions, State};
use relay_store::{LaneKind, Wanted};
use reqwest::StatusCode;
use url::Url;

use super::chatwoot::has_token;
use super::echo::Answer;
use super::line::Broken;
use super::public::echo_url;
use super::words::codechat as words;
use super::words::skipped::Skipped;
use super::words::way;
use super::{CALL_WITHIN, Check, Visit};
use crate::address::{Reach, is_refused_by_codechat, origin, reach_of};
use crate::sessions::Live;
use crate::trouble::Side;

/// What needs CodeChat to answer.
const OF_THE_SERVER: [Check; 5] = [
    Check::CodeChatInstance,
    Check::CodeChatHistory,
    Check::CodeChatReach,
    Check::CodeChatMedia,
    Check::CodeChatExposed,
];
/// How long a test may take to come back.
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// How often it is looked whether it did.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often CodeChat may tell the same before it is no accident.
const REPEATS: u32 = 3;

impl Visit<'_> {
    pub(super) async fn codechat(&self, live: &Live) {
        self.twice(live);
        let client = live.codechat.clone().with_deadlines(deadlines());
        let Some(state) = self.codechat_server(Some(live), &client, live.name()).await else { return };
        tokio::join!(self.exposed(live), async {
            if !self.instance(live, &client, &state).await {
                let rest = [Check::CodeChatHistory, Check::CodeChatReach, Check::CodeChatMedia];
                self.skip(&rest, Some(live), Skipped::NoInstance);
                return;
            }
            self.history(live, &client).await;
            self.codechat_reach(live, &client, &state).await;
        });
    }

    /// The configured server, while no session uses it.
    pub(super) async fn configured_codechat(&self) {
        let config = &self.engine.config;
        let (Some(url), Some(key)) = (&config.codechat_url, &config.codechat_key) else {
            self.note(Check::CodeChatServer, None, words::Server::NotConfigured.say(self.locale));
            return;
        };
        let client = Client::new(self.engine.http.clone(), url.clone(), Auth::Global(key.clone()));
        // the state is told for any name, once the key is good
        self.codechat_server(None, &client.with_deadlines(deadlines()), "relay-doctor").await;
    }

    async fn codechat_server(&self, live: Option<&Live>, client: &Client, name: &str) -> Option<State> {
        let (server, key, state, why) = match client.connection_state(name).await {
            Ok(found) => (words::Server::Fine(origin(client.base())), Some(words::Key::Taken), Some(found.state), None),
            Err(error) if error.kind == ErrorKind::Unauthorized => {
                let server = words::Server::Fine(origin(client.base()));
                (server, Some(words::Key::Refused), None, Some(Skipped::NoKey))
            }
            Err(error) => {
                let reason = Broken::of_codechat(&error).unwrap_or(Broken::Strange);
                (words::Server::Down(reason), None, None, Some(Skipped::SideAway(Side::CodeChat)))
            }
        };
        self.note(Check::CodeChatServer, live, server.say(self.locale));
        match key {
            Some(key) => self.note(Check::CodeChatKey, live, key.say(self.locale)),
            None => self.skip(&[Check::CodeChatKey], live, Skipped::SideAway(Side::CodeChat)),
        }
        if let (Some(why), Some(_)) = (why, live) {
            self.skip(&OF_THE_SERVER, live, why);
        }
        state
    }

    /// Says how the instance is; whether it is there.
    async fn instance(&self, live: &Live, client: &Client, state: &State) -> bool {
        let name = || live.name().to_owned();
        let found = match state {
            State::Open => {
                match client.find_messages(live.name(), &FindMessages { page_size: 1, ..FindMessages::default() }).await
                {
                    Err(error) if error.kind == ErrorKind::NotConnected => words::Instance::Torn,
                    Ok(_) | Err(_) => words::Instance::Connected,
                }
            }
            State::Connecting => words::Instance::Connecting(name()),
            State::Close | State::Refused | State::Other(_) => match client.fetch_instance(live.name()).await {
                Err(error) if error.kind == ErrorKind::NotFound => words::Instance::Missing(name()),
                Ok(_) | Err(_) => words::Instance::Closed(name()),
            },
        };
        self.note(Check::CodeChatInstance, Some(live), found.say(self.locale));
        !matches!(found, words::Instance::Missing(_))
    }

    async fn history(&self, live: &Live, client: &Client) {
        let page = client.find_messages(live.name(), &FindMessages { page_size: 1, ..FindMessages::default() }).await;
        let Ok(page) = page else {
            self.skip(&[Check::CodeChatHistory], Some(live), Skipped::NotConnected);
            return;
        };
        let wanted =
            Wanted { session: Some(live.id().clone()), kind: Some(LaneKind::In), limit: 1, ..Wanted::default() };
        let has_come = self.engine.store.messages(&wanted).await.is_ok_and(|messages| !messages.is_empty());
        let found = match (live.health.heard.has_rows(), page.total > 0) {
            (Some(false), _) => words::History::Off,
            (Some(true), _) | (None, true) => words::History::On,
            (None, false) if has_come => words::History::Off,
            (None, false) => {
                self.skip(&[Check::CodeChatHistory], Some(live), Skipped::NoMessageYet);
                return;
            }
        };
        self.note(Check::CodeChatHistory, Some(live), found.say(self.locale));
    }

    async fn codechat_reach(&self, live: &Live, client: &Client, state: &State) {
        let ours = &self.engine.config.callback_url;
        if let Some(found) = self.hook(live, client).await {
            self.note(Check::CodeChatReach, Some(live), found.say(self.locale));
            self.media(live);
            return;
        }
        if self.is_deep {
            match state {
                State::Open => self.have_it_fetch(live, client).await,
                State::Connecting | State::Close | State::Refused | State::Other(_) => {
                    self.have_it_call(live, client).await;
                }
            }
            return;
        }
        self.media(live);
        let heard = self.last_heard(live, Side::CodeChat).await;
        let found = if let Some(heard) = heard {
            way::CodeChat::Heard(self.engine.clock.now().since(heard))
        } else if reach_of(ours).await == Reach::Machine && reach_of(client.base()).await != Reach::Machine {
            way::CodeChat::Loopback(origin(ours))
        } else {
            self.skip(&[Check::CodeChatReach], Some(live), Skipped::NothingHeard);
            return;
        };
        self.note(Check::CodeChatReach, Some(live), found.say(self.locale));
    }

    /// What is wrong with where CodeChat sends its webhooks, if anything.
    async fn hook(&self, live: &Live, client: &Client) -> Option<way::CodeChat> {
        let hook = client.find_webhook(live.name()).await.ok()?;
        let Some(hook) = hook.filter(|hook| hook.enabled) else { return Some(way::CodeChat::Off) };
        let url = Url::parse(&hook.url).ok();
        if url.as_ref().is_some_and(|url| has_token(url, live.session.codechat.hook_hash)) {
            return None;
        }
        let there = url.map_or_else(|| "?".to_owned(), |url| origin(&url));
        Some(way::CodeChat::Elsewhere { there, ours: origin(&self.engine.config.callback_url) })
    }

    /// Whether files could be fetched from the address, by its form.
    fn media(&self, live: &Live) {
        let ours = &self.engine.config.callback_url;
        let found = if is_refused_by_codechat(ours) {
            way::Media::RefusedHost(origin(ours))
        } else {
            way::Media::Plausible(origin(ours))
        };
        self.note(Check::CodeChatMedia, Some(live), found.say(self.locale));
    }

    /// Has CodeChat fetch a file to send to the session's own number. CodeChat fetches before it sends, and finds no file: there
    /// is nothing that could be sent.
    async fn have_it_fetch(&self, live: &Live, client: &Client) {
        let ours = &self.engine.config.callback_url;
        let owner = client.fetch_instance(live.name()).await.ok().and_then(|instance| instance.owner_jid);
        let (Some(nonce), Some(owner)) = (self.engine.echoes.expect(Answer::NoFile), owner) else {
            self.skip(&[Check::CodeChatReach, Check::CodeChatMedia], Some(live), Skipped::NotConnected);
            return;
        };
        let media = SendMedia {
            number: owner,
            kind: MediaKind::Document,
            url: echo_url(ours, nonce.word()),
            file_name: Some("relay-doctor.txt".to_owned()),
            caption: None,
            options: SendOptions::default(),
        };
        let started = Instant::now();
        let refused = client.send_media(live.name(), &media).await.err().map(|error| error.kind);
        let (came, file) = if nonce.heard().is_some() {
            (Some(way::CodeChat::Came(started.elapsed())), way::Media::Fetched)
        } else if refused == Some(ErrorKind::NothingSent) {
            (None, way::Media::RefusedHost(origin(ours)))
        } else {
            (Some(way::CodeChat::Lost(origin(ours))), way::Media::Unfetched(origin(ours)))
        };
        self.note(Check::CodeChatMedia, Some(live), file.say(self.locale));
        match came {
            Some(came) => self.note(Check::CodeChatReach, Some(live), came.say(self.locale)),
            None => self.skip(&[Check::CodeChatReach], Some(live), Skipped::NothingHeard),
        }
    }

    /// Has CodeChat begin to connect, of which it tells by webhook.
    async fn have_it_call(&self, live: &Live, client: &Client) {
        self.media(live);
        let heard = || live.health.heard.count(Side::CodeChat);
        let (before, started) = (heard(), Instant::now());
        let asked = client.connect(live.name());
        let came = async {
            while heard() == before && started.elapsed() < BACK_WITHIN {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            started.elapsed()
        };
        let (_, took) = tokio::join!(asked, came);
        let found = if heard() > before {
            way::CodeChat::Came(took)
        } else {
            way::CodeChat::Lost(origin(&self.engine.config.callback_url))
        };
        self.note(Check::CodeChatReach, Some(live), found.say(self.locale));
    }

    /// Asks something that needs the key, without it.
    async fn exposed(&self, live: &Live) {
        let base = live.codechat.base();
        let mut url = base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["instance", "connectionState", live.name()]);
        }
        let answer = self.engine.http.get(url).timeout(CALL_WITHIN).send().await;
        let found = if answer.is_ok_and(|answer| answer.status() == StatusCode::OK) {
            words::Exposed::Open
        } else if reach_of(base).await == Reach::World {
            words::Exposed::Public
        } else {
            words::Exposed::Inside
        };
        self.note(Check::CodeChatExposed, Some(live), found.say(self.locale));
    }

    fn twice(&self, live: &Live) {
        let found = match live.health.heard.strays() {
            (_, others) if others > 0 => words::Twice::Others(others),
            (repeated, _) if repeated >= REPEATS => words::Twice::Repeated(repeated),
            _ => words::Twice::Once,
        };
        self.note(Check::CodeChatTwice, Some(live), found.say(self.locale));
    }
}

fn deadlines() -> Deadlines {
    Deadlines { call: CALL_WITHIN, send: BACK_WITHIN, connect: BACK_WITHIN, ..Deadlines::default() }
}
