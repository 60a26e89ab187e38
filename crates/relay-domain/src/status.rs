//! What became of a message on WhatsApp, as a rank that only rises.

use serde::{Deserialize, Serialize};

/// A receipt as far as it matters to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Receipt {
    /// WhatsApp has it.
    Sent,
    /// It reached the customer's phone.
    Delivered,
    /// The customer saw or played it.
    Read,
    /// WhatsApp refused it.
    Failed,
}

impl Receipt {
    /// The number kept in the store: higher outranks lower, a refusal outranks only `sent`.
    pub const fn rank(self) -> i64 {
        match self {
            Self::Sent => 1,
            Self::Failed => 2,
            Self::Delivered => 3,
            Self::Read => 4,
        }
    }

    /// Reads what [`Self::rank`] gave.
    pub const fn from_rank(rank: i64) -> Option<Self> {
        match rank {
            1 => Some(Self::Sent),
            2 => Some(Self::Failed),
            3 => Some(Self::Delivered),
            4 => Some(Self::Read),
            _ => None,
        }
    }

    /// The name used in keys and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }
}

/// The one status a Chatwoot bubble shows for all parts of its message: the worst of them.
///
/// `None` while some part has no receipt at all.
pub fn worst(parts: &[Option<Receipt>]) -> Option<Receipt> {
    if parts.contains(&Some(Receipt::Failed)) {
        return Some(Receipt::Failed);
    }
    parts.iter().copied().min_by_key(|part| part.map_or(0, Receipt::rank)).flatten()
}

/// What a message of `total` parts shows, by the receipts of those that are written down.
pub fn shown(parts: impl IntoIterator<Item = Option<Receipt>>, total: u16) -> Option<Receipt> {
    let mut receipts: Vec<_> = parts.into_iter().collect();
    receipts.resize(usize::from(total).max(receipts.len()), None);
    worst(&receipts)
}

/// The status to be shown after a report, unless nothing more than `before` is known.
pub fn raised(before: Option<Receipt>, after: Option<Receipt>) -> Option<Receipt> {
    after.filter(|after| after.rank() > before.map_or(0, Receipt::rank))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_without_a_word_holds_the_message_back() {
        use Receipt::{Delivered, Read};
        assert_eq!(shown([Some(Read)], 2), None);
        assert_eq!(shown([Some(Read), Some(Delivered)], 2), Some(Delivered));
        assert_eq!(raised(Some(Delivered), Some(Read)), Some(Read));
        assert_eq!(raised(Some(Read), Some(Delivered)), None);
        assert_eq!(raised(None, None), None);
    }

    #[test]
    fn worst_part_wins() {
        use Receipt::{Delivered, Failed, Read, Sent};
        assert_eq!(worst(&[Some(Read), Some(Delivered)]), Some(Delivered));
        assert_eq!(worst(&[Some(Read), Some(Failed)]), Some(Failed));
        assert_eq!(worst(&[Some(Sent), Some(Read)]), Some(Sent));
        assert_eq!(worst(&[Some(Read), None]), None);
        assert_eq!(worst(&[]), None);
    }

    #[test]
    fn ranks_round_trip() {
        for receipt in [Receipt::Sent, Receipt::Delivered, Receipt::Read, Receipt::Failed] {
            assert_eq!(Receipt::from_rank(receipt.rank()), Some(receipt));
        }
    }
}
