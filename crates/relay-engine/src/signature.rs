//! Whether a webhook really comes from Chatwoot.

use std::time::Duration;

use chatwoot::SignatureError;
use relay_store::{Session, UpdateSession};

use crate::Engine;
use crate::sessions::Live;

/// How old a signature may be.
const TOLERANCE: Duration = Duration::from_mins(5);
/// How often a secret is asked for anew, at most.
const ASK_EVERY: Duration = Duration::from_mins(1);
/// How long Chatwoot may take over it: it waits for our answer meanwhile.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

impl Engine {
    /// Checks a webhook's signature when its secret is known; otherwise the token in the URL has to do.
    ///
    /// A signature that does not match may be right all the same, made with a secret that was reset since we read it: then,
    /// at most once a minute, the secret is read anew.
    pub async fn verify(
        &self,
        live: &Live,
        timestamp: Option<&str>,
        signature: Option<&str>,
        body: &[u8],
    ) -> Result<(), SignatureError> {
        let check = |session: &Session| {
            let Some(secret) = &session.chatwoot.secret else { return Ok(()) };
            chatwoot::verify(secret, timestamp, signature, body, self.clock.wall().as_secs(), TOLERANCE)
        };
        let result = match check(&live.session) {
            Err(SignatureError::Mismatch) if live.health.may_ask_for_secret(ASK_EVERY) => {
                match self.renew_secret(live).await {
                    Some(session) => check(&session),
                    None => Err(SignatureError::Mismatch),
                }
            }
            result => result,
        };
        live.health.heard.signed(result != Err(SignatureError::Mismatch));
        result
    }

    async fn renew_secret(&self, live: &Live) -> Option<Session> {
        let asked = live.chatwoot.inbox(live.session.chatwoot.inbox);
        let secret = tokio::time::timeout(ANSWER_WITHIN, asked).await.ok()?.ok()?.secret?;
        let mut session = live.session.clone();
        session.chatwoot.secret = Some(secret.clone());
        let update = UpdateSession { chatwoot_secret: Some(secret), ..UpdateSession::of(live.id()) };
        if let Err(error) = self.store.update_session(update).await {
            tracing::error!(session.id = %live.id(), %error, "a new signing secret could not be stored");
        } else if let Err(error) = self.sessions.refresh().await {
            tracing::error!(%error, "the sessions could not be read anew");
        }
        tracing::info!(session.id = %live.id(), "Chatwoot's signing secret was read anew");
        Some(session)
    }
}
