//! Seeing that it works: both sides reach the relay, a phone is paired, a message crosses.

use std::time::Duration;

use chatwoot::Client;
use codechat::State;
use relay_engine::setup::{ChatwootSide, CodeChatSide, Knock, Saving};
use reqwest::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::ask::Asker;
use super::make::{Made, of_relay};
use super::plan::failed;
use super::relay::Relay;
use super::words::{Reach, Say as _, Step, Trouble, Word};
use crate::cli::SetupArgs;
use crate::pair;

/// How often is looked whether something came.
const LOOK: Duration = Duration::from_millis(50);
/// How long Chatwoot may take: its workers queue, and time out after five seconds.
const CHATWOOT_WITHIN: Duration = Duration::from_secs(12);
/// How often Chatwoot is asked why nothing came.
const ASK_WHY: Duration = Duration::from_millis(500);
/// How long CodeChat may take to tell that it connects.
const CODECHAT_WITHIN: Duration = Duration::from_secs(5);

/// What is known of whether CodeChat reaches us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// It told us that it connects.
    Told,
    /// It connects already, and tells with its next code: this many webhooks came before.
    WithNextCode(u64),
    /// A phone is connected already, and nothing is told until a message comes.
    Connected,
}

/// Proves that both sides reach the relay, and pairs a phone; true when one was paired now.
pub(super) async fn prove(
    session: &Made,
    args: &SetupArgs,
    http: &reqwest::Client,
    asker: &Asker<'_>,
    relay: &Relay,
    (chatwoot, codechat): (&ChatwootSide, &CodeChatSide),
) -> anyhow::Result<bool> {
    asker.line(&Step::Knocking);
    let client = chatwoot.client(http, session.account);
    until_reached(asker, async || chatwoot_reaches(session, asker, relay, chatwoot, &client).await).await?;
    let codechat = codechat.client(http);
    let proof = until_reached(asker, async || codechat_reaches(session, asker, relay, &codechat).await).await?;
    match proof {
        Proof::Told => {}
        Proof::WithNextCode(_) => asker.line(&Step::ReachedWithNextCode),
        Proof::Connected => asker.line(&Step::ReachedWithMessage),
    }
    if args.no_qr {
        return Ok(false);
    }
    let paired = pair::pair(&relay.api, &session.name, asker.locale, asker.printer).await;
    let owner = paired.map_err(|error| of_relay(asker, error))?;
    asker.printer.done(pair::Word::Connected(owner).say(asker.locale));
    if let Proof::WithNextCode(before) = proof {
        let told = until_heard(session, relay, before);
        if tokio::time::timeout(CODECHAT_WITHIN, told).await.is_err() {
            return Err(asker.error(&unreached(relay, session).await?));
        }
    }
    Ok(proof != Proof::Connected)
}

/// Tries until a side reaches us, as long as somebody says that it is to be tried again.
async fn until_reached<T>(
    asker: &Asker<'_>,
    attempt: impl AsyncFn() -> anyhow::Result<Result<T, Trouble>>,
) -> anyhow::Result<T> {
    loop {
        let trouble = match attempt().await? {
            Ok(reached) => return Ok(reached),
            Err(trouble) => trouble,
        };
        if !asker.may_ask() {
            return Err(asker.error(&trouble));
        }
        asker.trouble(&trouble);
        if !asker.confirm(&Word::TryAgain).await? {
            return Err(asker.error(&Word::Interrupted));
        }
    }
}

/// Has Chatwoot knock at our door, and removes what the knock left, whatever came of it.
async fn chatwoot_reaches(
    session: &Made,
    asker: &Asker<'_>,
    relay: &Relay,
    chatwoot: &ChatwootSide,
    client: &Client,
) -> anyhow::Result<Result<(), Trouble>> {
    let before = heard(relay, &session.name, "chatwoot").await?;
    let since = Instant::now();
    let knock = Knock::at(client, session.inbox, &asker.say(&Word::KnockNote)).await;
    let knock = knock.map_err(|error| failed(asker, "Chatwoot", &error))?;
    let reach = answered(session, relay, chatwoot, client, &knock, before).await?;
    if let Err(error) = knock.clean_up(client).await {
        tracing::debug!(error = %error.kind, "the conversation of a knock stays");
    }
    match reach {
        None => {
            asker.done(&Step::Reached("Chatwoot", since.elapsed().as_millis()));
            Ok(Ok(()))
        }
        Some(reach) => {
            let address = address(relay, &session.name, "chatwoot").await?;
            Ok(Err(Trouble::Unreachable { side: "Chatwoot", address, reach }))
        }
    }
}

/// Waits for a webhook of Chatwoot; says why none came.
async fn answered(
    session: &Made,
    relay: &Relay,
    chatwoot: &ChatwootSide,
    client: &Client,
    knock: &Knock,
    before: u64,
) -> anyhow::Result<Option<Reach>> {
    let (since, mut asked) = (Instant::now(), Instant::now());
    while since.elapsed() < CHATWOOT_WITHIN {
        if heard(relay, &session.name, "chatwoot").await? > before {
            return Ok(None);
        }
        if asked.elapsed() >= ASK_WHY {
            asked = Instant::now();
            if let Ok(Some(said)) = knock.failure(client).await {
                return Ok(Some(Reach::Said(said, chatwoot.version)));
            }
        }
        sleep(LOOK).await;
    }
    Ok(Some(Reach::Silence))
}

/// Has CodeChat connect, of which it has to tell.
async fn codechat_reaches(
    session: &Made,
    asker: &Asker<'_>,
    relay: &Relay,
    codechat: &codechat::Client,
) -> anyhow::Result<Result<Proof, Trouble>> {
    let path = ["session", session.name.as_str(), "connect"];
    let state =
        codechat.connection_state(&session.name).await.map_err(|error| failed(asker, "CodeChat", &error))?.state;
    let before = heard(relay, &session.name, "codechat").await?;
    match state {
        State::Open => return Ok(Ok(Proof::Connected)),
        State::Connecting => return Ok(Ok(Proof::WithNextCode(before))),
        State::Close | State::Refused | State::Other(_) => {}
    }
    let since = Instant::now();
    let mut told = std::pin::pin!(until_heard(session, relay, before));
    // it answers three seconds after it told
    let mut connect = std::pin::pin!(relay.api.call(Method::POST, &path, None));
    let elapsed = tokio::select! {
        told = &mut told => {
            told?;
            let elapsed = since.elapsed();
            connect.await.map_err(|error| of_relay(asker, error))?;
            Some(elapsed)
        }
        qr = &mut connect => {
            qr.map_err(|error| of_relay(asker, error))?;
            tokio::time::timeout(CODECHAT_WITHIN, told).await.ok().transpose()?.map(|()| since.elapsed())
        }
    };
    let Some(elapsed) = elapsed else { return Ok(Err(unreached(relay, session).await?)) };
    asker.done(&Step::Reached("CodeChat", elapsed.as_millis()));
    Ok(Ok(Proof::Told))
}

async fn unreached(relay: &Relay, session: &Made) -> anyhow::Result<Trouble> {
    let address = address(relay, &session.name, "codechat").await?;
    Ok(Trouble::Unreachable { side: "CodeChat", address, reach: Reach::Silence })
}

/// Waits for a webhook of CodeChat.
async fn until_heard(session: &Made, relay: &Relay, before: u64) -> anyhow::Result<()> {
    while heard(relay, &session.name, "codechat").await? <= before {
        sleep(LOOK).await;
    }
    Ok(())
}

/// How many webhooks of a side the relay has taken.
async fn heard(relay: &Relay, session: &str, side: &str) -> anyhow::Result<u64> {
    let shown = relay.api.call(Method::GET, &["session", session], None).await?;
    Ok(shown.pointer(&format!("/heard/{side}/webhooks")).and_then(Value::as_u64).unwrap_or(0))
}

/// Where a side is to send its webhooks, without what is secret.
async fn address(relay: &Relay, session: &str, side: &str) -> anyhow::Result<String> {
    let sides = relay.api.call(Method::GET, &["session", session, "sides"], None).await?;
    Ok(sides.pointer(&format!("/{side}/address")).and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// Waits for the first message to cross, and tells how long it took.
pub(super) async fn first_message(
    session: &Made,
    http: &reqwest::Client,
    asker: &Asker<'_>,
    relay: &Relay,
    codechat: &CodeChatSide,
) -> anyhow::Result<()> {
    asker.line(&Step::SendYourself);
    let query = [
        ("session", session.name.clone()),
        ("direction", "in".to_owned()),
        ("state", "delivered".to_owned()),
        ("limit", "1".to_owned()),
    ];
    let seconds = loop {
        let list = relay.api.list(&["api", "v1", "messages"], &query).await?;
        if let Some(message) = list.pointer("/data/0") {
            break took(message).unwrap_or_default();
        }
        sleep(4 * LOOK).await;
    };
    asker.done(&Step::FirstMessage(format!("{seconds:.1}")));
    match (codechat.saving, codechat.look_again(http, &session.name).await) {
        (Saving::On, _) => {}
        (Saving::Off | Saving::Unknown, Saving::On) => asker.done(&Step::SavingFound),
        (Saving::Off | Saving::Unknown, Saving::Off | Saving::Unknown) => asker.warn(&Word::SavingOff),
    }
    Ok(())
}

/// How long a message was under way, in seconds.
fn took(message: &Value) -> Option<f64> {
    let time = |key| message.get(key)?.as_str()?.parse::<jiff::Timestamp>().ok();
    Some(time("finished_at")?.duration_since(time("received_at")?).as_secs_f64())
}
