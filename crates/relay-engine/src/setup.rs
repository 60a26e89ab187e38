//! Joining both sides: finding out what there is, planning what is to be made, making it, and seeing that it holds.
//!
//! The cast, in the order in which a wizard uses it: a [`Typed`] is an address as a person gave it; [`chatwoot_side`] and
//! [`codechat_side`] look at what is there and change nothing; [`plan()`] says as data what would be made; the plan's inbox is
//! made by [`make_inbox`], its session by [`Engine::create_session`](crate::Engine::create_session); [`Sides`] says what of a
//! session is as it should be, and [`Engine::mend_sides`](crate::Engine::mend_sides) puts right what is not; a [`Knock`] proves
//! that Chatwoot reaches us.
//!
//! Invariant: whatever was made before an interruption is found by the next run and used, never made twice.

mod address;
mod inbox;
mod knock;
mod plan;
mod seen;
mod session;
mod sides;

pub use address::{BadAddress, Typed};
pub use inbox::make_inbox;
pub use knock::{Knock, Unanswered};
pub use plan::{DEFAULT_INBOX, InboxPlan, InstancePlan, Known, Plan, PlanError, Wish, plan, slug};
pub use seen::{
    Account, ChatwootSide, CodeChatSide, Refusal, Saving, Why, chatwoot_answers, chatwoot_side, codechat_answers,
    codechat_side,
};
pub use session::{Created, HOOK_EVENTS, NewSession, SetupError};
pub use sides::{HookState, Sides};
