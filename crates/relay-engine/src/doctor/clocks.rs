//! What time it is for the others, from the header `Date` of an answer.

use std::time::Duration;

use relay_domain::Timestamp;
use url::Url;

use super::words::public::Clocks;
use super::words::skipped::Skipped;
use super::{CALL_WITHIN, Check, Visit};
use crate::sessions::Live;

/// The header is cut to whole seconds: half of one is missing on average.
const CUT_OFF: Duration = Duration::from_millis(500);

impl Visit<'_> {
    pub(super) async fn clocks(&self, live: &Live) {
        let mut chatwoot = live.chatwoot.base().clone();
        chatwoot.set_path("/api");
        let (chatwoot, codechat) = tokio::join!(self.skew(chatwoot), self.skew(live.codechat.base().clone()));
        if chatwoot.is_none() && codechat.is_none() {
            self.skip(&[Check::Clock], Some(live), Skipped::NoDate);
            return;
        }
        self.note(Check::Clock, Some(live), Clocks { chatwoot, codechat }.say(self.locale));
    }

    /// How far a server's clock is ahead of ours, in seconds.
    async fn skew(&self, url: Url) -> Option<i64> {
        let before = self.engine.clock.wall();
        let answer = self.engine.http.get(url).timeout(CALL_WITHIN).send().await.ok()?;
        let after = self.engine.clock.wall();
        let date = answer.headers().get(reqwest::header::DATE)?.to_str().ok()?;
        let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
        let theirs = Timestamp::from_millis(theirs.as_millisecond()) + CUT_OFF;
        let ours = before + after.since(before) / 2;
        let ahead = theirs.as_millis() - ours.as_millis();
        // a second more or less is the header's own
        Some((ahead + ahead.signum() * 500) / 1000)
    }
}
