//! Every kind of message that has a form, with what reads it.
//!
//! Invariant: a kind is in this table once, and has a row in `docs/kinds.md` (a test looks). What a reader cannot make sense
//! of is shown by its protocol name.

use relay_domain::event::{Content, Notice, Quote, Sealed};
use serde_json::Value;

use super::fields::about;
use super::{calendar, card, media, notice, offer, place, poll, trade, words};

type Reader = fn(&Value) -> Option<Content>;

/// Protocol name (Baileys 7, `Message`) and reader. `protocolMessage`, reactions, edits and comments are read before.
pub(super) const KINDS: &[(&str, Reader)] = &[
    ("conversation", words::words),
    ("extendedTextMessage", words::words),
    ("richResponseMessage", words::bot_answer),
    ("imageMessage", media::image),
    ("videoMessage", media::video),
    ("ptvMessage", media::video_note),
    ("audioMessage", media::audio),
    ("documentMessage", media::document),
    ("stickerMessage", media::sticker),
    ("locationMessage", place::location),
    ("liveLocationMessage", place::live_location),
    ("contactMessage", card::contact),
    ("contactsArrayMessage", card::contacts),
    ("pollCreationMessage", poll::question),
    ("pollCreationMessageV2", poll::question),
    ("pollCreationMessageV3", poll::question),
    ("pollCreationMessageV4", poll::question),
    ("pollCreationMessageV5", poll::question),
    ("pollCreationMessageV6", poll::question),
    ("pollResultSnapshotMessage", poll::results),
    ("pollResultSnapshotMessageV3", poll::results),
    ("pollUpdateMessage", |_| Some(Content::Sealed(Sealed::PollVote))),
    ("eventMessage", calendar::event),
    ("eventInviteMessage", calendar::event_invitation),
    ("encEventResponseMessage", |_| Some(Content::Sealed(Sealed::EventAnswer))),
    ("scheduledCallCreationMessage", calendar::planned_call),
    ("scheduledCallEditMessage", calendar::planned_call_edit),
    ("albumMessage", notice::album),
    ("pinInChatMessage", notice::pin),
    ("keepInChatMessage", notice::keep),
    ("groupInviteMessage", notice::group_invitation),
    ("newsletterFollowerInviteMessage", notice::channel_invitation),
    ("newsletterFollowerInviteMessageV2", notice::channel_invitation),
    ("newsletterAdminInviteMessage", notice::channel_admin_invitation),
    ("stickerPackMessage", notice::sticker_pack),
    ("requestPhoneNumberMessage", |_| Some(Content::Notice(Notice::NumberAsked))),
    ("messageHistoryBundle", |_| Some(Content::Notice(Notice::HistoryShared))),
    ("messageHistoryNotice", |_| Some(Content::Notice(Notice::HistoryShared))),
    ("orderMessage", trade::order),
    ("productMessage", trade::product),
    ("requestPaymentMessage", trade::payment_requested),
    ("sendPaymentMessage", trade::payment_sent),
    ("declinePaymentRequestMessage", trade::payment_declined),
    ("cancelPaymentRequestMessage", trade::payment_cancelled),
    ("paymentInviteMessage", trade::payment_invited),
    ("invoiceMessage", trade::invoice),
    ("buttonsMessage", offer::buttons),
    ("listMessage", offer::list_message),
    ("templateMessage", offer::template),
    ("highlyStructuredMessage", offer::highly_structured),
    ("interactiveMessage", offer::interactive),
    ("buttonsResponseMessage", offer::button_choice),
    ("listResponseMessage", offer::list_choice),
    ("templateButtonReplyMessage", offer::template_choice),
    ("interactiveResponseMessage", offer::interactive_choice),
    ("encCommentMessage", |_| Some(Content::Sealed(Sealed::Comment))),
    ("secretEncryptedMessage", notice::sealed_change),
    ("placeholderMessage", |_| Some(Content::Sealed(Sealed::OnlyOnPhone))),
];

/// Fields in which a message names another one that it is about.
const TARGETS: [(&str, &[&str]); 5] = [
    ("pollCreationMessageKey", &["pollUpdateMessage"]),
    ("eventCreationMessageKey", &["encEventResponseMessage"]),
    ("targetMessageKey", &["encCommentMessage", "commentMessage", "secretEncryptedMessage"]),
    ("requestMessageKey", &["sendPaymentMessage"]),
    (
        "key",
        &[
            "pinInChatMessage",
            "keepInChatMessage",
            "declinePaymentRequestMessage",
            "cancelPaymentRequestMessage",
            "scheduledCallEditMessage",
        ],
    ),
];

/// What a message of this kind says.
pub(super) fn read(kind: &str, content: &Value) -> Content {
    let reader = KINDS.iter().find(|(name, _)| *name == kind).map(|(_, reader)| reader);
    reader.and_then(|read| read(content)).unwrap_or_else(|| Content::Unknown(kind.to_owned()))
}

/// The message that one of this kind is about.
pub(super) fn target(kind: &str, content: &Value) -> Option<Quote> {
    let (field, _) = TARGETS.iter().find(|(_, kinds)| kinds.contains(&kind))?;
    about(content, field)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Kinds that are read elsewhere.
    const OTHERS: [&str; 5] =
        ["protocolMessage", "reactionMessage", "encReactionMessage", "commentMessage", "externalAdReply"];

    #[test]
    fn every_kind_has_one_reader_and_a_row_in_the_docs() {
        let docs = include_str!("../../../../../docs/kinds.md");
        let names: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let rows: Vec<_> = docs.lines().filter(|line| line.starts_with('|')).collect();
        for name in names.into_iter().chain(OTHERS).chain(codechat::WRAPPERS) {
            let is_told = rows.iter().any(|row| row.contains(&format!("`{name}`")));
            assert!(is_told, "docs/kinds.md has no row for {name}");
        }
    }
}
