//! Small things that happen in a chat, invitations, and what is sealed.

use codechat::wire::as_i64;
use relay_domain::event::{Content, Invitation, InvitedTo, Notice, Sealed};
use serde_json::Value;

use super::fields::{first_text, is_word, list, moment, number, text};

/// What a `protocolMessage` says, once reactions, edits and deletions are read.
#[derive(Debug, PartialEq)]
pub(super) enum Protocol {
    /// Something that people see.
    Told(Content),
    /// Something between the devices of an account.
    Housekeeping,
}

/// Types by number and name (Baileys 7, `Message.ProtocolMessage.Type`); the ones that are not here are between devices.
pub(super) fn protocol(content: &Value) -> Protocol {
    let is = |number, name| is_word(content, "type", number, name);
    let told = |notice| Protocol::Told(Content::Notice(notice));
    if is(3, "EPHEMERAL_SETTING") {
        return told(Notice::Timer(number(content, "ephemeralExpiration").unwrap_or(0)));
    }
    if is(11, "SHARE_PHONE_NUMBER") {
        return told(Notice::NumberShared);
    }
    if is(25, "STATUS_MENTION_MESSAGE") {
        return told(Notice::MentionedInStatus);
    }
    let kind = content.get("type");
    let is_known = kind.and_then(as_i64).is_some_and(|kind| (4..=30).contains(&kind))
        || kind.and_then(Value::as_str).is_some_and(|name| BETWEEN_DEVICES.contains(&name));
    if is_known { Protocol::Housekeeping } else { Protocol::Told(Content::Unknown("protocolMessage".to_owned())) }
}

const BETWEEN_DEVICES: [&str; 17] = [
    "EPHEMERAL_SYNC_RESPONSE",
    "HISTORY_SYNC_NOTIFICATION",
    "APP_STATE_SYNC_KEY_SHARE",
    "APP_STATE_SYNC_KEY_REQUEST",
    "MSG_FANOUT_BACKFILL_REQUEST",
    "INITIAL_SECURITY_NOTIFICATION_SETTING_SYNC",
    "APP_STATE_FATAL_EXCEPTION_NOTIFICATION",
    "PEER_DATA_OPERATION_REQUEST_MESSAGE",
    "PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE",
    "REQUEST_WELCOME_MESSAGE",
    "BOT_FEEDBACK_MESSAGE",
    "MEDIA_NOTIFY_MESSAGE",
    "CLOUD_API_THREAD_CONTROL_NOTIFICATION",
    "LID_MIGRATION_MAPPING_SYNC",
    "REMINDER_MESSAGE",
    "STOP_GENERATION_MESSAGE",
    "LIMIT_SHARING",
];

pub(super) fn pin(content: &Value) -> Option<Content> {
    let is_taken_back = is_word(content, "type", 2, "UNPIN_FOR_ALL");
    content.is_object().then_some(Content::Notice(if is_taken_back { Notice::Unpinned } else { Notice::Pinned }))
}

pub(super) fn keep(content: &Value) -> Option<Content> {
    let is_taken_back = is_word(content, "keepType", 2, "UNDO_KEEP_FOR_ALL");
    content.is_object().then_some(Content::Notice(if is_taken_back { Notice::NotKept } else { Notice::Kept }))
}

pub(super) fn album(content: &Value) -> Option<Content> {
    let count = |key| number(content, key).unwrap_or(0).max(0);
    let (images, videos) = (count("expectedImageCount"), count("expectedVideoCount"));
    content.is_object().then_some(Content::Notice(Notice::Album { images, videos }))
}

pub(super) fn sticker_pack(content: &Value) -> Option<Content> {
    let pack = Notice::StickerPack {
        name: text(content, "name"),
        publisher: text(content, "publisher"),
        stickers: list(content, "stickers").len(),
        caption: first_text(content, &["caption", "packDescription"]),
    };
    content.is_object().then_some(Content::Notice(pack))
}

pub(super) fn group_invitation(content: &Value) -> Option<Content> {
    invitation(content, InvitedTo::Group, "groupName")
}

pub(super) fn channel_invitation(content: &Value) -> Option<Content> {
    invitation(content, InvitedTo::Channel, "newsletterName")
}

pub(super) fn channel_admin_invitation(content: &Value) -> Option<Content> {
    invitation(content, InvitedTo::ChannelAdmin, "newsletterName")
}

fn invitation(content: &Value, to: InvitedTo, name: &str) -> Option<Content> {
    let invitation = Invitation {
        to,
        name: text(content, name),
        caption: text(content, "caption"),
        expires_at: moment(content, "inviteExpiration"),
    };
    content.is_object().then_some(Content::Invitation(invitation))
}

/// A new wording of a message was read before this.
pub(super) fn sealed_change(content: &Value) -> Option<Content> {
    is_word(content, "secretEncType", 1, "EVENT_EDIT").then_some(Content::Sealed(Sealed::EventEdit))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn protocol_messages_are_told_or_between_devices() {
        let timer = |seconds| Protocol::Told(Content::Notice(Notice::Timer(seconds)));
        let unknown = || Protocol::Told(Content::Unknown("protocolMessage".to_owned()));
        let table = [
            (json!({ "type": 3, "ephemeralExpiration": 604_800 }), timer(604_800)),
            (json!({ "type": "EPHEMERAL_SETTING", "ephemeralExpiration": "86400" }), timer(86_400)),
            (json!({ "type": 3 }), timer(0)),
            (json!({ "type": "SHARE_PHONE_NUMBER" }), Protocol::Told(Content::Notice(Notice::NumberShared))),
            (json!({ "type": 5 }), Protocol::Housekeeping),
            (json!({ "type": "HISTORY_SYNC_NOTIFICATION" }), Protocol::Housekeeping),
            (json!({ "type": 99 }), unknown()),
            (json!({ "type": [] }), unknown()),
        ];
        for (content, expected) in table {
            assert_eq!(protocol(&content), expected, "{content}");
        }
    }
}
