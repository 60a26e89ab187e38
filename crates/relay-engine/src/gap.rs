//! Gap recovery: reading back what no webhook told, from both sides, and putting right what Chatwoot shows wrongly.
//!
//! The cast: a [`Course`] knows when one direction of a session is looked at next; a *sweep* goes through what the other side has
//! kept since its cursor; a *round* is as much of a sweep as is done at a stretch.
//!
//! Invariant: what is found is stored under the key that its webhook would have had, so it is delivered once whichever came
//! first; a cursor moves only when a sweep is complete.

mod course;
mod inbound;
mod outbound;
mod repair;
mod round;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use relay_domain::Timestamp;
use relay_domain::backoff::Direction;

use crate::Engine;
use crate::sessions::Live;
use crate::trouble::Side;
use course::Course;

/// How far back anything is looked for. Keys are kept for 30 days: what is older may be unknown although it was delivered.
const REACH: Duration = Duration::from_hours(20 * 24);

/// From when on messages of a session are ours to look for. Both sides date them with whole seconds.
pub(crate) fn begins(live: &Live, now: Timestamp) -> Timestamp {
    Timestamp::from_secs(live.session.created_at.max(now - REACH).as_secs())
}

/// What gap recovery remembers of a session while the process lives.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    inbound: Course,
    outbound: Course,
    /// Conversations that were looked at, with what was seen; see [`outbound`].
    looked: Mutex<HashMap<i64, Looked>>,
}

/// What a look at a conversation showed.
#[derive(Clone, Copy, Debug)]
struct Looked {
    /// Its last activity, in epoch milliseconds of Chatwoot's clock.
    activity: i64,
    /// When it was looked at.
    at: Timestamp,
    /// Whether nothing in it waits to be put right.
    is_settled: bool,
}

impl Gaps {
    fn course(&self, way: Direction) -> &Course {
        match way {
            Direction::In => &self.inbound,
            Direction::Out => &self.outbound,
        }
    }

    /// Something may have been missed: look as soon as possible.
    pub(crate) fn look_soon(&self, way: Direction) {
        self.course(way).want();
    }
}

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Swept {
    /// Everything was looked at; some of it was too young, so the next look comes early.
    Complete { is_early: bool },
    /// There is more.
    Partly,
}

impl Engine {
    /// A webhook of this side could not be stored: it is looked for.
    pub fn missed(&self, live: &Live, side: Side) {
        live.health.gaps.look_soon(match side {
            Side::CodeChat => Direction::In,
            Side::Chatwoot => Direction::Out,
        });
    }

    /// Looks for gaps of a session, both ways, as soon as possible. The result shows in what is delivered, and in the metrics.
    pub fn sweep_now(&self, session: &str) {
        for live in self.sessions.all().into_iter().filter(|live| live.name() == session) {
            live.health.gaps.look_soon(Direction::In);
            live.health.gaps.look_soon(Direction::Out);
        }
    }
}
