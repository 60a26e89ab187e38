//! `relay setup`: from nothing to the first relayed message.
//!
//! The flow: both sides are asked for and looked at ([`sides`]), the relay is started or found running ([`relay`]), what would be
//! made is shown and confirmed ([`plan`]), made ([`make`]), proven and paired ([`prove`]). What the engine finds out and decides is
//! in `relay_engine::setup`; here are the questions and the screen.
//!
//! Invariant: nothing on either side changes before the plan is confirmed, and an interruption at any point is mended by
//! running the command again.

mod ask;
pub(crate) mod env_file;
mod make;
mod plan;
mod prove;
mod relay;
mod sides;
mod words;

use std::path::Path;

use reqwest::Method;
use tokio::signal::unix::{SignalKind, signal};
use url::Url;

use self::ask::{Asker, Terminal};
use self::relay::Relay;
use self::words::{Step, Word};
use crate::Interrupted;
use crate::cli::{Settings, SetupArgs};
use crate::config;
use crate::listener::{Next, Start};
use crate::logging;
use crate::printer::Printer;
use crate::serve::Serving;

/// Where the answers are kept.
const ENV_FILE: &str = ".env";
/// Runs the command; what it returns is the process's end.
pub(crate) async fn run(
    settings: Settings,
    args: SetupArgs,
    start: Start,
    printer: &Printer,
) -> anyhow::Result<Option<Next>> {
    let locale = config::language(&settings);
    let asker = Asker::new(printer, locale, args.yes);
    let terminal = Terminal::note();
    let turn_log_up = logging::start_quiet(&settings)?;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut serving = None;
    let done = tokio::select! {
        biased;
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        done = flow(settings, &args, start.into_serve(), &asker, &mut serving) => Some(done),
    };
    let Some(done) = done else {
        terminal.restore();
        if let Some(serving) = serving {
            serving.stop.cancel();
            serving.until_end().await?;
        }
        return Err(Interrupted(asker.say(&Word::Interrupted)).into());
    };
    let Some(serving) = serving else { return done.map(|_| None) };
    if args.exit || !done.as_ref().is_ok_and(|done| *done == Done::All) {
        serving.stop.cancel();
        serving.until_end().await?;
        return done.map(|_| None);
    }
    asker.line(&Step::NextTime);
    asker.line(&Step::Serving(serving.address.to_string()));
    turn_log_up();
    serving.until_end().await
}

/// How far the flow came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    /// To its end.
    All,
    /// To the plan, which was declined.
    Nothing,
}

async fn flow(
    mut settings: Settings,
    args: &SetupArgs,
    start: Start,
    asker: &Asker<'_>,
    serving: &mut Option<Serving>,
) -> anyhow::Result<Done> {
    asker.line(&Word::Intro);
    sides::require_answers(&settings, args, asker)?;
    let http = relay_engine::http::client()?;
    let chatwoot = sides::chatwoot(&settings, args, &http, asker).await?;
    settings.chatwoot_url = Some(chatwoot.url.clone());
    let codechat = sides::codechat(&settings, &http, asker).await?;
    settings.codechat_url = Some(codechat.url.clone());
    settings.api_url = Some(sides::public_url(&settings, &chatwoot, asker).await?);
    let relay = Relay::begin(&settings, &codechat.key, start, serving).await?;
    let found = plan::find(&settings, args, &http, asker, &relay, &chatwoot, &codechat).await?;
    let is_agreed = plan::show(&found, asker).await?;
    if !is_agreed {
        asker.line(&Word::Declined);
        return Ok(Done::Nothing);
    }
    let session = make::make(&found, &http, asker, &relay, &chatwoot).await?;
    let is_paired = prove::prove(&session, args, &http, asker, &relay, (&chatwoot, &codechat)).await?;
    // agents find it in the inbox from the first day on
    relay.api.call(Method::POST, &["session", &session.name, "relay-contact"], None).await?;
    if is_paired && !args.no_qr {
        prove::first_message(&session, &http, asker, &relay, &codechat).await?;
    }
    if relay.is_of_others {
        asker.line(&Step::AlreadyRuns);
    }
    Ok(Done::All)
}

/// An address as people write it: without the slash that stands for nothing.
fn shown(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn env_path() -> &'static Path {
    Path::new(ENV_FILE)
}
