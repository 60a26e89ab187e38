//! What goes wrong in one world: drawn from the seed, a few kinds of trouble at a time, so that some worlds are gentle and each
//! kind is also met alone.

use std::time::Duration;

use fastrand::Rng;
use relay_domain::Timestamp;
use relay_engine::Side;

/// A time in which one side of one session fails in one way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spell {
    pub(crate) session: usize,
    pub(crate) side: Side,
    pub(crate) kind: SpellKind,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

/// How a side fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpellKind {
    /// Connections are refused.
    Down,
    /// 500, which may come after the deed.
    Failing,
    /// No answer; the deed may be done all the same, even after the deadline.
    Silent,
    /// The token is refused.
    Denied,
    /// 429.
    Walled,
    /// The phone is not connected to WhatsApp.
    Offline,
}

/// Chances and troubles of one world. Chances are per mille.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weather {
    /// Webhooks that never arrive.
    pub(crate) drop: u32,
    /// Webhooks that arrive more than once.
    pub(crate) repeat: u32,
    /// Webhooks that arrive up to 120 ms late.
    pub(crate) swap: u32,
    /// Webhooks that arrive seconds late.
    pub(crate) delay: u32,
    /// Calls that fail in some way.
    pub(crate) flaky: u32,
    /// Messages that the destination never takes.
    pub(crate) poison: u32,
    /// Writes that the database fails, some of them after the commit.
    pub(crate) store: u32,
    /// Times of trouble.
    pub(crate) spells: Vec<Spell>,
    /// Kills, each in that many steps of a process from when it is decided.
    pub(crate) kills: Vec<(Timestamp, u32)>,
    /// Processes that stop for a while and go on as if nothing had been, in that many steps.
    pub(crate) freezes: Vec<(Timestamp, u32, Duration)>,
    /// Processes that cannot reach the database for a while.
    pub(crate) cuts: Vec<(Timestamp, Duration)>,
}

/// How long messages are written.
pub(crate) const BUSY: u64 = 20_000;

impl Weather {
    /// Draws the troubles of a world that begins at `start`.
    pub(crate) fn draw(rng: &mut Rng, start: Timestamp, sessions: usize) -> Self {
        let mut weather = Self::default();
        let mut maybe = |chance: &mut u32, most: u32| {
            if rng.u8(0..3) == 0 {
                *chance = rng.u32(1..=most);
            }
        };
        maybe(&mut weather.drop, 300);
        maybe(&mut weather.repeat, 500);
        maybe(&mut weather.swap, 500);
        maybe(&mut weather.delay, 200);
        maybe(&mut weather.flaky, 400);
        maybe(&mut weather.poison, 250);
        maybe(&mut weather.store, 60);
        let moment = |rng: &mut Rng| start + Duration::from_millis(rng.u64(0..BUSY * 5 / 4));
        if rng.u8(0..2) == 0 {
            weather.spells = (0..rng.u8(1..=3))
                .map(|_| {
                    let from = moment(rng);
                    spell(rng, from, sessions)
                })
                .collect();
        }
        if rng.u8(0..2) == 0 {
            weather.kills = (0..rng.u8(1..=5)).map(|_| (moment(rng), rng.u32(0..6))).collect();
        }
        if rng.u8(0..5) == 0 {
            weather.freezes = (0..rng.u8(1..=3)).map(|_| (moment(rng), rng.u32(0..8), short(rng))).collect();
        }
        if rng.u8(0..6) == 0 {
            weather.cuts = (0..rng.u8(1..=2)).map(|_| (moment(rng), short(rng))).collect();
        }
        weather
    }

    /// What ails a side now.
    pub(crate) fn spell(&self, session: usize, side: Side, now: Timestamp) -> Option<SpellKind> {
        let ours =
            |spell: &&Spell| spell.session == session && spell.side == side && spell.from <= now && now < spell.to;
        self.spells.iter().find(ours).map(|spell| spell.kind)
    }

    /// Whether a call can fail for any other reason than its message.
    pub(crate) fn is_calm(&self) -> bool {
        self.flaky == 0
            && self.store == 0
            && self.spells.is_empty()
            && self.kills.is_empty()
            && self.freezes.is_empty()
            && self.cuts.is_empty()
    }

    /// Whether what a process did may go unrecorded.
    pub(crate) fn is_forgetful(&self) -> bool {
        self.store > 0 || !self.kills.is_empty() || !self.freezes.is_empty() || !self.cuts.is_empty()
    }

    /// When the last spell is over.
    pub(crate) fn clears_at(&self) -> Option<Timestamp> {
        self.spells.iter().map(|spell| spell.to).max()
    }

    /// Ends all trouble but messages that can never be taken.
    pub(crate) fn heal(&mut self) {
        *self = Self { poison: self.poison, ..Self::default() };
    }
}

fn short(rng: &mut Rng) -> Duration {
    Duration::from_millis(rng.u64(500..12_000))
}

fn spell(rng: &mut Rng, from: Timestamp, sessions: usize) -> Spell {
    let side = if rng.bool() { Side::Chatwoot } else { Side::CodeChat };
    let kinds = [SpellKind::Down, SpellKind::Failing, SpellKind::Silent, SpellKind::Denied, SpellKind::Walled];
    let kind = match side {
        Side::CodeChat if rng.bool() => SpellKind::Offline,
        Side::Chatwoot | Side::CodeChat => kinds[rng.usize(0..kinds.len())],
    };
    let seconds = match rng.u8(0..8) {
        0 => rng.u64(660..1500),
        1 | 2 => rng.u64(60..400),
        _ => rng.u64(1..60),
    };
    Spell { session: rng.usize(0..sessions), side, kind, from, to: from + Duration::from_secs(seconds) }
}
