//! What happens to a group, apart from messages.

use crate::participant::Participant;

/// A change of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChange {
    /// Who made it.
    pub author: Option<Participant>,
    /// What the group is called now, when that was told.
    pub subject: Option<String>,
    /// What agents are told. Nothing when CodeChat only repeats what the group is like.
    pub news: Vec<GroupNews>,
}

/// One thing that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupNews {
    /// Its name.
    Subject(String),
    /// Its description.
    Description(String),
    /// Whether only administrators may write.
    OnlyAdminsWrite(bool),
    /// Whether only administrators may change its name, picture and description.
    OnlyAdminsEdit(bool),
    /// Its members.
    Members {
        /// What happened to them.
        action: MemberAction,
        /// Who they are.
        members: Vec<Participant>,
    },
}

/// What happened to members of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberAction {
    /// They joined, or were added.
    Joined,
    /// They left, or were removed.
    Left,
    /// They became administrators.
    Promoted,
    /// They are administrators no longer.
    Demoted,
}
