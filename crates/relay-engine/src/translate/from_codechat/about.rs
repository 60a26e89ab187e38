//! Messages about other messages (reactions, new wordings, deletions), what a message answers, and the advertisement that led
//! to it.

use codechat::{Protocol, ProtocolKind, Unwrapped};
use relay_domain::event::{AdReferral, Content, Emoji, Quote, Relation};
use relay_domain::id::WaMessageId;
use relay_domain::jid::{Jid, Server};
use relay_domain::text;
use serde_json::Value;

use super::message::content_of;

/// Characters of a quoted message that are repeated when Chatwoot does not have it.
const EXCERPT: usize = 100;
/// `secretEncType` of an edit, as a number (Baileys 7, `Message.SecretEncryptedMessage.SecretEncType`).
const ENCRYPTED_EDIT: i64 = 2;

/// A message that does something to another one, with that one's id.
pub(super) fn read(message: &Unwrapped<'_>) -> Option<(Content, Option<Quote>)> {
    let (content, target) = match message.kind {
        "reactionMessage" => (Content::Reaction(emoji(message.content)), id_in(message.content, "key")),
        "encReactionMessage" => (Content::Reaction(Emoji::Unreadable), id_in(message.content, "targetMessageKey")),
        "secretEncryptedMessage" if is_encrypted_edit(message.content) => {
            (Content::Edit(None), id_in(message.content, "targetMessageKey"))
        }
        "protocolMessage" => protocol(message.content)?,
        _ if message.wrappers.edited => (Content::Edit(Some(Box::new(content_of(message)))), None),
        _ => return None,
    };
    Some((content, target.map(|id| Quote { id, excerpt: None, relation: Relation::About })))
}

fn emoji(content: &Value) -> Emoji {
    match content.get("text").and_then(Value::as_str) {
        Some(emoji) if !emoji.trim().is_empty() => Emoji::Put(emoji.to_owned()),
        Some(_) | None => Emoji::TakenBack,
    }
}

fn is_encrypted_edit(content: &Value) -> bool {
    let kind = content.get("secretEncType");
    kind.is_some_and(|kind| kind.as_str() == Some("MESSAGE_EDIT") || kind.as_i64() == Some(ENCRYPTED_EDIT))
}

fn protocol(content: &Value) -> Option<(Content, Option<WaMessageId>)> {
    let protocol = Protocol::from_content(content);
    let said = match protocol.kind {
        ProtocolKind::Revoke => Content::Deletion,
        ProtocolKind::MessageEdit => {
            Content::Edit(protocol.edited_content().map(|edited| Box::new(content_of(&edited))))
        }
        ProtocolKind::EphemeralSetting | ProtocolKind::Other => return None,
    };
    Some((said, protocol.target_id.and_then(message_id)))
}

fn id_in(content: &Value, key: &str) -> Option<WaMessageId> {
    content.get(key).and_then(|key| key.get("id")).and_then(Value::as_str).and_then(message_id)
}

fn message_id(id: &str) -> Option<WaMessageId> {
    (!id.is_empty()).then(|| WaMessageId::new(id))
}

/// The message that this one answers.
pub(super) fn quote(content: &Value) -> Option<Quote> {
    let context = codechat::context_info(content)?;
    let id = context.stanza_id?;
    let excerpt = context.quoted_text.map(|quoted| text::excerpt(&quoted, EXCERPT));
    let chat = context.remote_jid.as_deref().and_then(|jid| Jid::parse(jid).ok());
    let is_status = chat.is_some_and(|jid| *jid.server() == Server::Status);
    let relation = if is_status { Relation::StatusReply } else { Relation::Reply };
    Some(Quote { id: WaMessageId::new(id), excerpt, relation })
}

/// The advertisement that the customer clicked to begin this chat. Any link preview may come as `externalAdReply`; only a click
/// names its source.
pub(super) fn ad(content: &Value) -> Option<AdReferral> {
    let context = content.get("contextInfo")?;
    let ad = context.get("externalAdReply")?;
    let text = |value: &Value, key: &str| {
        value.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty()).map(ToOwned::to_owned)
    };
    let referral = AdReferral {
        title: text(ad, "title"),
        body: text(ad, "body"),
        url: text(ad, "sourceUrl"),
        source_type: text(ad, "sourceType"),
        source_id: text(ad, "sourceId"),
        app: text(ad, "sourceApp").or_else(|| text(context, "entryPointConversionApp")),
        click_id: text(ad, "ctwaClid"),
    };
    let was_clicked = referral.source_id.is_some() || referral.click_id.is_some();
    (was_clicked || text(context, "entryPointConversionSource").as_deref() == Some("ctwa_ad")).then_some(referral)
}
