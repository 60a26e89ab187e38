//! A call to one of the sides: when it takes effect there, if it does, and what is answered when. The two are apart: an effect
//! may come without an answer, and long after the connection broke.
//!
//! No effect comes later than eight seconds after an attempt that seemed to fail, which is what the relay relies on.

use std::rc::Rc;
use std::time::Duration;

use relay_domain::Timestamp;
use relay_engine::Side;

use crate::content::{Content, Poison};
use crate::time::Sim;
use crate::weather::SpellKind;
use crate::world::{Deed, World};

/// The longest an effect may lag behind a failure.
const LAG: u64 = 8_000;

/// A call that changes something at its destination.
pub(crate) struct Call {
    pub(crate) process: usize,
    pub(crate) session: usize,
    pub(crate) action: Action,
    pub(crate) effect_at: Option<Timestamp>,
    /// The id that the destination gave.
    pub(crate) result: Option<i64>,
}

/// What a call does.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Posts to Chatwoot.
    Post { chat: u8, content: Content, source_id: String, is_late: bool, is_placeholder: bool },
    /// Sends to WhatsApp.
    Send { chat: u8, content: Content, id: String },
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fail {
    /// No connection.
    Refused,
    /// The connection broke after the call was written.
    Broke,
    TimedOut,
    /// 5xx.
    Failed,
    /// 401.
    Denied,
    /// 429.
    Walled(Option<Duration>),
    /// A refusal of Chatwoot, which did nothing; of CodeChat, which may have.
    Rejected,
    /// CodeChat does not find the number.
    NotFound,
    /// CodeChat says that the phone is not connected; possibly after the message left.
    NotConnected {
        is_certain: bool,
    },
}

/// What a call meets with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fortune {
    /// After how long it takes effect.
    pub(crate) effect: Option<Duration>,
    /// After how long there is an answer, or none any more.
    pub(crate) answer: Duration,
    pub(crate) fail: Option<Fail>,
}

impl World {
    /// What a call to a side meets with now.
    pub(crate) fn fortune(&mut self, session: usize, side: Side, poison: Option<Poison>) -> Fortune {
        if let Some(kind) = self.weather.spell(session, side, self.now) {
            return self.fortune_in(kind, side);
        }
        if self.chance(self.weather.flaky) {
            return self.misfortune(side);
        }
        match poison {
            Some(Poison::Crashes) => self.failing(Fail::Failed, None),
            Some(Poison::Refused | Poison::Mute) => self.failing(Fail::Rejected, None),
            None => {
                let effect = self.millis(2, 40);
                let lag = self.millis(1, 60);
                Fortune { effect: Some(effect), answer: effect + lag, fail: None }
            }
        }
    }

    /// What a question meets with: CodeChat answers those without WhatsApp.
    fn fortune_of_question(&mut self, session: usize, side: Side) -> Fortune {
        let is_offline = self.weather.spell(session, side, self.now) == Some(SpellKind::Offline);
        if !is_offline {
            return self.fortune(session, side, None);
        }
        Fortune { effect: None, answer: self.millis(2, 60), fail: None }
    }

    fn failing(&mut self, fail: Fail, effect: Option<Duration>) -> Fortune {
        Fortune { effect, answer: self.millis(1, 100), fail: Some(fail) }
    }

    fn fortune_in(&mut self, kind: SpellKind, side: Side) -> Fortune {
        match kind {
            SpellKind::Down => self.failing(Fail::Refused, None),
            SpellKind::Failing => {
                let effect = self.effect_after(0);
                self.failing(Fail::Failed, effect)
            }
            SpellKind::Silent => self.silence(side),
            SpellKind::Denied => self.failing(Fail::Denied, None),
            SpellKind::Walled => {
                let pause = self.rng.bool().then(|| Duration::from_secs(self.rng.u64(1..40)));
                self.failing(Fail::Walled(pause), None)
            }
            SpellKind::Offline => match self.rng.u8(0..4) {
                0 => self.failing(Fail::NotConnected { is_certain: true }, None),
                1 => self.failing(Fail::NotConnected { is_certain: false }, None),
                _ => self.failing(Fail::NotFound, None),
            },
        }
    }

    /// One call that fails for no lasting reason.
    fn misfortune(&mut self, side: Side) -> Fortune {
        match self.rng.u8(0..10) {
            0 => self.failing(Fail::Refused, None),
            1 => self.silence(side),
            2 => self.failing(Fail::Walled(Some(Duration::from_secs(2))), None),
            3 => {
                let effect = self.effect_after(0);
                self.failing(Fail::Failed, effect)
            }
            4 | 5 if side == Side::CodeChat => {
                let effect = self.effect_after(0);
                self.failing(Fail::Rejected, effect)
            }
            6 if side == Side::CodeChat => {
                let effect = self.effect_after(0);
                self.failing(Fail::NotConnected { is_certain: false }, effect)
            }
            _ => {
                let effect = self.effect_after(0);
                self.failing(Fail::Broke, effect)
            }
        }
    }

    /// No answer within the caller's deadline.
    fn silence(&mut self, side: Side) -> Fortune {
        let seconds = match side {
            Side::Chatwoot => 15,
            Side::CodeChat => 75,
        };
        let effect = self.effect_after(seconds * 1000);
        Fortune { effect, answer: Duration::from_secs(seconds), fail: Some(Fail::TimedOut) }
    }

    /// Never, at once, or later; at the latest [`LAG`] after the call seemed to fail.
    fn effect_after(&mut self, failed_after: u64) -> Option<Duration> {
        match self.rng.u8(0..3) {
            0 => None,
            1 => Some(self.millis(1, 30)),
            _ => Some(self.millis(30, failed_after + LAG)),
        }
    }

    /// Cuts short what a process has under way, now that others may believe that it failed.
    pub(crate) fn break_connections(&mut self, process: usize) {
        for index in 0..self.calls.len() {
            let latest = self.now + Duration::from_millis(LAG);
            let call = &mut self.calls[index];
            if call.process == process && call.effect_at.is_some_and(|at| at > latest) {
                call.effect_at = Some(latest);
                self.at(latest, Deed::Effect(index));
            }
        }
    }

    /// Starts a call; returns its number.
    pub(crate) fn call(&mut self, process: usize, session: usize, action: Action, fortune: &Fortune) -> usize {
        self.say(|| format!("p{process} s{session} calls {action:?}: {fortune:?}"));
        let mut effect_at = fortune.effect.map(|after| self.now + after);
        if !self.processes[process].may_be_heard(self.now) {
            effect_at = effect_at.map(|at| at.min(self.now + Duration::from_millis(LAG / 2)));
        }
        self.calls.push(Call { process, session, action, effect_at, result: None });
        let index = self.calls.len() - 1;
        if let Some(at) = effect_at {
            self.at(at, Deed::Effect(index));
        }
        index
    }
}

/// Waits for the answer of a call that only asks, or whose effect comes with the answer.
pub(crate) async fn ask(sim: &Rc<Sim>, session: usize, side: Side) -> Option<Fail> {
    let fortune = sim.w().fortune_of_question(session, side);
    sim.sleep(fortune.answer).await;
    fortune.fail
}

/// What the client of Chatwoot makes of a failure.
pub(crate) fn chatwoot_error(fail: Fail) -> chatwoot::Error {
    use chatwoot::{Certainty, ErrorKind};
    let (kind, certainty) = match fail {
        Fail::Refused => (ErrorKind::Unreachable, Certainty::NotDelivered),
        Fail::Broke => (ErrorKind::Unreachable, Certainty::MaybeDelivered),
        Fail::TimedOut => (ErrorKind::TimedOut, Certainty::MaybeDelivered),
        Fail::Failed => (ErrorKind::ServerError, Certainty::MaybeDelivered),
        Fail::Denied => (ErrorKind::Unauthorized, Certainty::NotDelivered),
        Fail::Walled(retry_after) => (ErrorKind::RateLimited { retry_after }, Certainty::NotDelivered),
        Fail::Rejected | Fail::NotFound | Fail::NotConnected { .. } => (ErrorKind::Invalid, Certainty::NotDelivered),
    };
    chatwoot::Error { kind, certainty, status: None, detail: String::new() }
}

/// What the client of CodeChat makes of a failure.
pub(crate) fn codechat_error(fail: Fail) -> codechat::Error {
    use codechat::{Certainty, ErrorKind};
    let (kind, certainty) = match fail {
        Fail::Refused => (ErrorKind::Unreachable, Certainty::NotDelivered),
        Fail::Broke => (ErrorKind::Unreachable, Certainty::MaybeDelivered),
        Fail::TimedOut => (ErrorKind::TimedOut, Certainty::MaybeDelivered),
        Fail::Failed => (ErrorKind::ServerError, Certainty::MaybeDelivered),
        Fail::Denied => (ErrorKind::Unauthorized, Certainty::NotDelivered),
        Fail::Walled(retry_after) => (ErrorKind::RateLimited { retry_after }, Certainty::NotDelivered),
        Fail::Rejected => (ErrorKind::Rejected, Certainty::MaybeDelivered),
        Fail::NotFound => (ErrorKind::NotOnWhatsApp, Certainty::NotDelivered),
        Fail::NotConnected { is_certain: true } => (ErrorKind::NotConnected, Certainty::NotDelivered),
        Fail::NotConnected { is_certain: false } => (ErrorKind::NotConnected, Certainty::MaybeDelivered),
    };
    codechat::Error { kind, certainty, status: None, detail: String::new() }
}
