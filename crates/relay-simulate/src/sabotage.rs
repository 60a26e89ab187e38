//! Ways to break the relay on purpose, so that the checks can be believed: each must make some seed fail.

/// One thing that the relay does not do any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Keys of events and links are not unique.
    DedupOff,
    /// A lane's events are delivered as they came.
    LaneOrderOff,
    /// Nothing waits for what belongs in front of it.
    HoldOff,
    /// Outcomes are recorded whoever holds the lane.
    LeaseCheckOff,
    /// A process goes on posting however long it was silent.
    PulseOff,
    /// What is in doubt is repeated without a look.
    LooksOff,
    /// There is one look and no second.
    OneLook,
    /// A doubt counts from the attempt, not from when it was noticed.
    DoubtFromTry,
    /// Nothing is written down before it is sent.
    IntentOff,
    /// A webhook is answered before it is stored.
    AckBeforeCommit,
    /// What the relay posted to Chatwoot is taken for an agent's message.
    EchoGuardOff,
    /// What the relay sent to WhatsApp is mirrored as if typed on the phone.
    CopyGuardOff,
    /// Agents' messages are sent however old they are.
    TtlOff,
    /// Late messages are not marked.
    LateMarkOff,
    /// Lookups by a foreign id forget the session.
    SessionMissing,
    /// A part gets a new WhatsApp id whenever it is tried.
    NewIdOnRetry,
    /// The breaker lets everybody through.
    BreakerOff,
    /// Nothing is ever given up.
    PoisonOff,
    /// "Not sent" is said without a look for what may have been.
    SettleOff,
    /// Every receipt is shown, also lower ones.
    ReceiptsFall,
    /// What no webhook told is never read back.
    SweepOff,
    /// A number that is not found is believed at once.
    NumberBelieved,
    /// A dead message leaves nothing in its place.
    PlaceholderOff,
    /// A deletion is not remembered against its message.
    DeletionForgotten,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::DedupOff,
        Self::LaneOrderOff,
        Self::HoldOff,
        Self::LeaseCheckOff,
        Self::PulseOff,
        Self::LooksOff,
        Self::OneLook,
        Self::DoubtFromTry,
        Self::IntentOff,
        Self::AckBeforeCommit,
        Self::EchoGuardOff,
        Self::CopyGuardOff,
        Self::TtlOff,
        Self::LateMarkOff,
        Self::SessionMissing,
        Self::NewIdOnRetry,
        Self::BreakerOff,
        Self::PoisonOff,
        Self::SettleOff,
        Self::ReceiptsFall,
        Self::SweepOff,
        Self::NumberBelieved,
        Self::PlaceholderOff,
        Self::DeletionForgotten,
    ];

    /// Reads the name of one, as it is written in code.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sabotage| format!("{sabotage:?}").eq_ignore_ascii_case(text))
    }
}
