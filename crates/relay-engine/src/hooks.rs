//! What CodeChat is asked to tell: the events a session's settings need, and no others.
//!
//! Invariant: an instance whose webhook leads elsewhere is left alone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use codechat::HookEvent;
use relay_domain::settings::SessionSettings;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::Engine;
use crate::sessions::Live;
use crate::setup::HOOK_EVENTS;

/// How often the settings are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How long CodeChat is left in peace after it did not answer.
const AFTER_FAILURE: Duration = Duration::from_mins(1);

/// The events that a session with these settings needs.
pub(crate) fn hook_events(settings: &SessionSettings) -> Vec<HookEvent> {
    let typing = settings.typing.then_some(HookEvent::PresenceUpdate);
    HOOK_EVENTS.into_iter().chain(typing).collect()
}

/// What an instance was last asked to tell.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    state: Mutex<(Option<Vec<HookEvent>>, Option<Instant>)>,
}

impl Asked {
    /// It was asked for these.
    pub(crate) fn note(&self, events: Vec<HookEvent>) {
        *self.state.lock().expect("nothing panics while holding the events") = (Some(events), None);
    }

    fn is_due(&self, events: &[HookEvent]) -> bool {
        let state = self.state.lock().expect("nothing panics while holding the events");
        state.0.as_deref() != Some(events) && state.1.is_none_or(|at| Instant::now() >= at)
    }

    fn failed(&self) {
        self.state.lock().expect("nothing panics while holding the events").1 = Some(Instant::now() + AFTER_FAILURE);
    }
}

impl Engine {
    /// Keeps what CodeChat tells in step with the settings: at start, and when they change.
    pub(crate) async fn keep_hooks(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.ask_for_events() => {}
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep(EVERY) => {}
            }
        }
    }

    async fn ask_for_events(&self) {
        for live in self.sessions.all() {
            let events = hook_events(&live.session.settings);
            if !live.health.asked.is_due(&events) {
                continue;
            }
            // a session in the making has the word about its webhook
            let _alone = self.making.lock().await;
            if !live.health.asked.is_due(&events) {
                continue;
            }
            match ask(&live, &events).await {
                Ok(()) => live.health.asked.note(events),
                Err(error) => {
                    tracing::debug!(session.id = %live.id(), error = %error.kind, "CodeChat's events could not be set");
                    live.health.asked.failed();
                }
            }
        }
    }
}

/// The address holds a secret that we keep no copy of, so it is the one that CodeChat has.
async fn ask(live: &Live, events: &[HookEvent]) -> Result<(), codechat::Error> {
    let Some(hook) = live.codechat.find_webhook(live.name()).await? else { return Ok(()) };
    let Some(url) = Url::parse(&hook.url).ok().filter(|url| leads_here(url, live.name())) else { return Ok(()) };
    let is_asked = |event: &HookEvent| hook.events.as_ref().is_none_or(|asked| asked.contains(event));
    let is_same = hook.events.as_ref().is_some_and(|asked| asked.len() == events.len());
    if hook.enabled && is_same && events.iter().all(is_asked) {
        return Ok(());
    }
    live.codechat.set_webhook(live.name(), &url, events).await.map(drop)
}

fn leads_here(url: &Url, name: &str) -> bool {
    let path: Vec<_> = url.path_segments().into_iter().flatten().collect();
    path.ends_with(&["codechat", "webhook", name])
}
