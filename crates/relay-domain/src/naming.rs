//! What things are called, so that the same thing is the same row however often it is told: keys of events, keys of links, ids
//! shown at Chatwoot. Every key is unique within a session, which the store adds.

use crate::id::WaMessageId;
use crate::reserved_id::family;

/// The key of a WhatsApp message. The chat is not part of it, because not every copy names it; the author is, in groups,
/// because others' ids are unique per author only. A device is no author.
pub fn whatsapp_message(id: &str, from_me: bool, author: Option<&str>) -> String {
    let side = side(from_me);
    match author.filter(|_| !from_me).map(|author| author.split([':', '@']).next().unwrap_or(author)) {
        Some(author) => format!("message|{side}|{id}|{author}"),
        None => format!("message|{side}|{id}"),
    }
}

/// The key of a WhatsApp message whose chat nobody can tell. Another key than the message's own, so that what tells the chat can
/// still come.
pub fn whatsapp_unattributed(id: &str, from_me: bool) -> String {
    format!("unattributed|{}|{id}", side(from_me))
}

/// The key of a report about a WhatsApp message; what is told the same is one report.
pub fn whatsapp_receipt(id: &str, from_me: bool, status: &str) -> String {
    format!("receipt|{}|{id}|{status}", side(from_me))
}

/// Which of `shards` lanes takes the reports about a WhatsApp message. Those about all parts of an agent's message go one after the
/// other: two at once could each show what the message is, and the lower one last.
pub fn receipt_shard(id: &str, shards: u8) -> u8 {
    family(id).bytes().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)) % shards
}

/// The key of a Chatwoot message's first turn.
pub fn chatwoot_message(message: i64) -> String {
    format!("message|{message}")
}

/// What the keys of its later turns begin with; the number of turns before follows.
pub fn chatwoot_retry(message: i64) -> String {
    format!("retry|{message}|")
}

/// The key of a Chatwoot message's deletion.
pub fn chatwoot_deletion(message: i64) -> String {
    format!("deleted|{message}")
}

/// What identifies a WhatsApp message as the source of a link. Others' ids are unique per author only, which matters where there
/// are several.
pub fn link_source(id: &WaMessageId, from_phone: bool, author: Option<&str>) -> String {
    let side = side(from_phone);
    match author {
        Some(author) => format!("{side}|{id}|{author}"),
        None => format!("{side}|{id}"),
    }
}

/// The id that a relayed message has at Chatwoot: the field's convention, so that installations of other bridges can be taken over
/// without doubles.
pub fn source_id(id: &WaMessageId, part: u16) -> String {
    match part {
        0 => format!("WAID:{id}"),
        part => format!("WAID:{id}:{part}"),
    }
}

/// The id of the note that says that Chatwoot has a message of this source id twice.
pub fn twice(source_id: &str) -> String {
    format!("WAID:twice:{}", source_id.strip_prefix("WAID:").unwrap_or(source_id))
}

/// Whether a new message at Chatwoot is no agent's: agents' messages have no source id on an API inbox, and whatever has one was
/// created through the API, by us.
pub fn is_echo(source_id: Option<&str>, is_incoming: bool) -> bool {
    source_id.is_some() || is_incoming
}

fn side(from_me: bool) -> &'static str {
    if from_me { "us" } else { "them" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_counts_where_there_are_several_and_a_device_never() {
        assert_eq!(whatsapp_message("A", false, Some("5511:3@s.whatsapp.net")), "message|them|A|5511");
        assert_eq!(whatsapp_message("A", true, Some("5511@s.whatsapp.net")), "message|us|A");
        assert_eq!(link_source(&WaMessageId::new("A"), false, Some("5511")), "them|A|5511");
        assert_eq!(source_id(&WaMessageId::new("A"), 0), "WAID:A");
        assert_eq!(source_id(&WaMessageId::new("A"), 2), "WAID:A:2");
    }

    #[test]
    fn reports_about_parts_of_one_message_queue_together() {
        let second = "01MCC5RRW8";
        let shards: Vec<_> = ["A79N45HK56GRFT7S", "64X73EQ8NPX9BW87", "N098HV867HJFN1Q2"]
            .map(|rest| receipt_shard(&format!("{second}{rest}"), 4))
            .into_iter()
            .collect();
        assert!(shards.iter().all(|shard| *shard == shards[0]), "{shards:?}");
        assert_ne!(receipt_shard("01MCC5RRW9A79N45HK56GRFT7S", 4), shards[0]);
    }

    #[test]
    fn what_came_through_the_api_is_an_echo() {
        assert!(is_echo(Some("WAID:A"), false));
        assert!(is_echo(None, true));
        assert!(!is_echo(None, false));
    }
}
