//! Whether a session delivers, or is paused.

use relay_store::SessionState;

use super::words::session::State;
use super::{Check, Visit};
use crate::pause::refused_by;
use crate::sessions::Live;

impl Visit<'_> {
    pub(super) fn session(&self, live: &Live) {
        let name = live.name().to_owned();
        let state = match (live.session.state, refused_by(live)) {
            (SessionState::Active, _) => State::Active,
            (SessionState::Paused, Some(side)) => State::Refused(side),
            (SessionState::Paused, None) => State::Paused(name),
        };
        self.note(Check::Session, Some(live), state.say(self.locale));
    }
}
