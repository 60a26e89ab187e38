//! Compares what one side sent with what the other received, in the manner of a total queue: every element once, in order,
//! in the right place.

use std::collections::{BTreeMap, HashMap};

/// One message as its sender knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The chat.
    pub chat: String,
    /// What tells it apart.
    pub id: String,
}

/// One message as the other side received it, in the order it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The chat.
    pub chat: String,
    /// What tells it apart.
    pub id: String,
}

/// What went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Sent and never received.
    pub lost: Vec<String>,
    /// Received more than once.
    pub doubled: Vec<String>,
    /// Received after one that was sent later in the same chat.
    pub reordered: Vec<String>,
    /// Received in another chat.
    pub misdirected: Vec<String>,
    /// Received and never sent.
    pub phantom: Vec<String>,
}

impl Verdict {
    /// Whether nothing went wrong.
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

/// Compares; both lists are in the order of their side.
pub fn check(sent: &[Sent], received: &[Received]) -> Verdict {
    let mut verdict = Verdict::default();
    let places: HashMap<&str, (usize, &str)> =
        sent.iter().enumerate().map(|(index, sent)| (sent.id.as_str(), (index, sent.chat.as_str()))).collect();
    let mut times: HashMap<&str, usize> = HashMap::new();
    let mut latest: BTreeMap<&str, usize> = BTreeMap::new();
    for message in received {
        let Some((index, chat)) = places.get(message.id.as_str()) else {
            verdict.phantom.push(message.id.clone());
            continue;
        };
        let seen = times.entry(&message.id).or_default();
        *seen += 1;
        if *seen > 1 {
            verdict.doubled.push(message.id.clone());
            continue;
        }
        if *chat != message.chat {
            verdict.misdirected.push(message.id.clone());
            continue;
        }
        let newest = latest.entry(chat).or_insert(*index);
        if *index < *newest {
            verdict.reordered.push(message.id.clone());
        }
        *newest = (*newest).max(*index);
    }
    verdict.lost =
        sent.iter().filter(|sent| !times.contains_key(sent.id.as_str())).map(|sent| sent.id.clone()).collect();
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(list: &[(&str, &str)]) -> Vec<Sent> {
        list.iter().map(|(chat, id)| Sent { chat: (*chat).to_owned(), id: (*id).to_owned() }).collect()
    }

    fn received(list: &[(&str, &str)]) -> Vec<Received> {
        list.iter().map(|(chat, id)| Received { chat: (*chat).to_owned(), id: (*id).to_owned() }).collect()
    }

    #[test]
    fn each_fault_is_told_apart() {
        let ours = sent(&[("a", "1"), ("a", "2"), ("b", "3")]);
        assert!(check(&ours, &received(&[("b", "3"), ("a", "1"), ("a", "2")])).is_clean());
        assert_eq!(check(&ours, &received(&[("a", "1"), ("b", "3")])).lost, ["2"]);
        assert_eq!(check(&ours, &received(&[("a", "1"), ("a", "1"), ("a", "2"), ("b", "3")])).doubled, ["1"]);
        assert_eq!(check(&ours, &received(&[("a", "2"), ("a", "1"), ("b", "3")])).reordered, ["1"]);
        assert_eq!(check(&ours, &received(&[("a", "1"), ("a", "2"), ("a", "3")])).misdirected, ["3"]);
        assert_eq!(check(&ours, &received(&[("a", "1"), ("a", "2"), ("b", "3"), ("a", "9")])).phantom, ["9"]);
    }
}
