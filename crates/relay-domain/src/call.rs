//! A call that rang on the phone, as far as CodeChat tells of it.
//!
//! A call is told in steps, and shown as at most two messages: one when it begins to ring, one for how it ended.

use crate::clock::Timestamp;
use crate::id::WaMessageId;

/// One step of a call.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Its id, the same in every step.
    pub id: String,
    /// Who calls, as it must be repeated to reject the call.
    pub from: String,
    /// The step.
    pub step: CallStep,
    /// When, to the second.
    pub at: Option<Timestamp>,
    /// Whether it was told only after CodeChat had been away.
    pub is_past: bool,
    /// What kind of call it is.
    pub kind: CallKind,
}

/// Who calls is nobody's business.
impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("id", &self.id).field("step", &self.step).finish_non_exhaustive()
    }
}

/// What kind of call it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallKind {
    /// Whether there is a picture; the later steps do not always tell.
    pub is_video: Option<bool>,
    /// Whether a group is called.
    pub is_group: bool,
}

/// A step of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStep {
    /// It begins to ring.
    Offered,
    /// It was answered on the phone.
    Answered,
    /// It was turned down on the phone.
    Declined,
    /// Nobody answered in time.
    Missed,
    /// It is over. Who hung up, and whether somebody had answered on the phone, is not told.
    Ended,
    /// The relay rejected it.
    Rejected,
}

impl Call {
    /// The id of the message that says that it rings.
    pub fn offer_id(&self) -> WaMessageId {
        WaMessageId::notice("call", &self.id)
    }

    /// The id of the message that says how it ended.
    pub fn ending_id(&self) -> WaMessageId {
        WaMessageId::notice("call-end", &self.id)
    }

    /// The id of what the caller is told when the relay rejects it.
    pub fn reply_id(&self) -> WaMessageId {
        WaMessageId::notice("call-reply", &self.id)
    }
}
