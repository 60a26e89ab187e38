//! From a Chatwoot message to the messages it becomes on WhatsApp.

use crate::card::{self, Card, Person, Place};
use crate::emoji;
use crate::event::{AgentFile, AgentFileKind, CwMessage, CwRole, Ignored};
use crate::id::CwMessageId;
use crate::note::Failure;
use crate::settings::{SessionSettings, Signature, SignaturePosition};
use crate::text;

use super::{ChatView, Plan, is_feed};

/// WhatsApp cuts captions beyond this many characters, so longer ones travel as a text of their own.
pub const MAX_CAPTION_CHARS: usize = 1024;
/// WhatsApp takes no longer texts, in characters.
pub const MAX_TEXT_CHARS: usize = 65_536;
/// Larger WebP pictures are no stickers to WhatsApp, in bytes.
const MAX_STICKER_BYTES: u64 = 100_000;
/// The form of a signature unless another was chosen.
const SIGNATURE: &str = "**{name}:**";

/// One message for WhatsApp.
#[derive(Clone, Debug, PartialEq)]
pub struct WhatsAppPart {
    /// Position among the parts, from 0; part of its idempotency key.
    pub index: u16,
    /// The Chatwoot message it replies to. Only the first part of a message quotes.
    pub reply_to: Option<CwMessageId>,
    /// What is sent.
    pub body: WhatsAppBody,
}

/// What is sent to WhatsApp.
#[derive(Clone, Debug, PartialEq)]
pub enum WhatsAppBody {
    /// Text in WhatsApp's formatting.
    Text(String),
    /// A place.
    Place(Place),
    /// Contact cards.
    People(Vec<Person>),
    /// An emoji on the message it replies to; a text of its own where that is not to be found.
    Reaction(String),
    /// A file.
    File {
        /// Where it is and what it is.
        file: AgentFile,
        /// Text beneath it.
        caption: Option<String>,
    },
}

pub(super) fn from_chatwoot(message: CwMessage, view: ChatView<'_>) -> Plan {
    match message.role {
        CwRole::ToCustomer => {}
        CwRole::ApiEcho => return Plan::Ignore(Ignored::ApiEcho),
        CwRole::FromCustomer => return Plan::Ignore(Ignored::FromCustomer),
        CwRole::PrivateNote => return Plan::Ignore(Ignored::PrivateNote),
        CwRole::Deleted => return Plan::Ignore(Ignored::Deleted),
    }
    if view.jid.is_some_and(is_feed) {
        return Plan::Refuse(Failure::ReadOnly);
    }
    let reply_to = message.reply_to;
    let bodies = match reaction(&message, view.settings) {
        Some(reaction) => vec![reaction],
        None => bodies(message, view),
    };
    if bodies.is_empty() {
        return Plan::Ignore(Ignored::Empty);
    }
    let part = |(index, body)| WhatsAppPart { index, reply_to: reply_to.filter(|_| index == 0), body };
    Plan::WhatsApp((0u16..).zip(bodies).map(part).collect())
}

/// A reply of one emoji and nothing else, where such replies are reactions.
fn reaction(message: &CwMessage, settings: &SessionSettings) -> Option<WhatsAppBody> {
    let is_bare = message.files.is_empty() && message.cards.is_empty() && message.menu.is_none();
    let may_react = settings.emoji_replies_react && message.reply_to.is_some() && is_bare;
    let emoji = message.text.as_deref().filter(|text| may_react && emoji::is_one(text))?;
    Some(WhatsAppBody::Reaction(emoji.trim().to_owned()))
}

fn bodies(message: CwMessage, view: ChatView<'_>) -> Vec<WhatsAppBody> {
    let (typed, mut cards) = message.text.as_deref().map(card::lift).unwrap_or_default();
    cards.extend(message.cards);
    let menu = message.menu.and_then(|menu| menu.to_text(view.locale));
    let text = [Some(text::to_whatsapp(&typed)).filter(|text| !text.trim().is_empty()), menu];
    let text = text.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
    let text = (!text.is_empty()).then(|| signed(text, message.agent.as_deref(), &view.settings.signature));
    let mut files = message.files;
    if let ([file], None, [], true) = (files.as_mut_slice(), &text, cards.as_slice(), view.settings.webp_stickers)
        && is_sticker(file)
    {
        file.kind = AgentFileKind::Sticker;
    }
    let mut bodies = text_and_files(text, files);
    bodies.extend(cards.into_iter().map(|card| match card {
        Card::Place(place) => WhatsAppBody::Place(place),
        Card::People(people) => WhatsAppBody::People(people),
    }));
    bodies
}

/// The text once: beneath the first file where WhatsApp shows captions, before it otherwise.
fn text_and_files(text: Option<String>, files: Vec<AgentFile>) -> Vec<WhatsAppBody> {
    let takes_caption = files.first().is_some_and(|file| match file.kind {
        AgentFileKind::Image | AgentFileKind::Video | AgentFileKind::Document => true,
        AgentFileKind::Audio | AgentFileKind::ContactCard | AgentFileKind::Sticker => false,
    });
    let fits = text.as_ref().is_some_and(|text| text.chars().count() <= MAX_CAPTION_CHARS);
    let (mut caption, leading) = if takes_caption && fits { (text, None) } else { (None, text) };
    let leading = leading.map(|text| text::split_at_paragraph(&text, MAX_TEXT_CHARS)).unwrap_or_default();
    let mut bodies: Vec<_> = leading.into_iter().map(WhatsAppBody::Text).collect();
    bodies.extend(files.into_iter().map(|file| WhatsAppBody::File { file, caption: caption.take() }));
    bodies
}

fn is_sticker(file: &AgentFile) -> bool {
    let is_webp = file.kind == AgentFileKind::Image && file.mime.as_deref() == Some("image/webp");
    is_webp && file.size.is_some_and(|size| size < MAX_STICKER_BYTES)
}

/// The text with the agent's name, where that is wanted; the name is nobody's Markdown.
fn signed(text: String, agent: Option<&str>, signature: &Signature) -> String {
    let Some((position, name)) = signature.position.zip(agent) else { return text };
    let format = signature.format.as_deref().unwrap_or(SIGNATURE);
    let line = text::to_whatsapp(&format.replace("{name}", &escaped(name)));
    match position {
        _ if line.trim().is_empty() => text,
        SignaturePosition::Above => format!("{line}\n{text}"),
        SignaturePosition::Below => format!("{text}\n{line}"),
    }
}

/// A name as Markdown that shows it as it is.
fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for sign in name.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if sign.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(sign);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Timestamp;
    use crate::event::Event;
    use crate::jid::Jid;
    use crate::menu::Menu;
    use crate::note::Locale;
    use crate::plan::plan;

    fn agent(text: Option<&str>, kinds: &[AgentFileKind]) -> CwMessage {
        let file = |(index, kind): (usize, &AgentFileKind)| AgentFile {
            kind: *kind,
            url: format!("https://chat.example.com/{index}"),
            name: format!("{index}.bin"),
            mime: None,
            size: None,
        };
        CwMessage {
            id: CwMessageId::new(9),
            role: CwRole::ToCustomer,
            created_at: Timestamp::from_secs(1),
            text: text.map(ToOwned::to_owned),
            files: kinds.iter().enumerate().map(file).collect(),
            reply_to: Some(CwMessageId::new(3)),
            menu: None,
            cards: Vec::new(),
            agent: Some("Ana_B".to_owned()),
        }
    }

    fn planned(message: CwMessage, settings: &serde_json::Value) -> Plan {
        planned_for("5511900000001@s.whatsapp.net", message, settings)
    }

    fn planned_for(jid: &str, message: CwMessage, settings: &serde_json::Value) -> Plan {
        let settings = SessionSettings::default().changed(settings).unwrap();
        let jid = Jid::parse(jid).unwrap();
        let view =
            ChatView { jid: Some(&jid), locale: Locale::En, settings: &settings, zone: &jiff::tz::TimeZone::UTC };
        plan(Event::Chatwoot(message), view)
    }

    fn parts_with(message: CwMessage, settings: &serde_json::Value) -> Vec<WhatsAppPart> {
        let plan = planned(message, settings);
        let Plan::WhatsApp(parts) = plan else { panic!("{plan:?}") };
        parts
    }

    fn parts(message: CwMessage) -> Vec<WhatsAppPart> {
        parts_with(message, &json!({}))
    }

    fn texts(parts: &[WhatsAppPart]) -> Vec<&str> {
        parts
            .iter()
            .map(|part| match &part.body {
                WhatsAppBody::Text(text) => text.as_str(),
                WhatsAppBody::File { caption, .. } => caption.as_deref().unwrap_or("-"),
                WhatsAppBody::Place(_) | WhatsAppBody::People(_) | WhatsAppBody::Reaction(_) => panic!("{part:?}"),
            })
            .collect()
    }

    #[test]
    fn text_rides_once_beneath_the_first_picture_and_only_the_first_part_quotes() {
        let parts = parts(agent(Some("**hi**"), &[AgentFileKind::Image, AgentFileKind::Document]));
        assert_eq!(texts(&parts), ["*hi*", "-"]);
        assert_eq!(parts.iter().map(|part| part.reply_to.is_some()).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn text_goes_ahead_of_a_voice_note_and_of_a_file_when_it_is_too_long_for_a_caption() {
        let voice = parts(agent(Some("hi"), &[AgentFileKind::Audio]));
        assert_eq!(voice.len(), 2);
        assert_eq!(voice[0].body, WhatsAppBody::Text("hi".into()));
        let long = "x".repeat(MAX_CAPTION_CHARS + 1);
        assert_eq!(parts(agent(Some(&long), &[AgentFileKind::Image])).len(), 2);
    }

    #[test]
    fn what_is_not_for_the_customer_is_never_sent() {
        let table = [
            (CwRole::ApiEcho, Ignored::ApiEcho),
            (CwRole::FromCustomer, Ignored::FromCustomer),
            (CwRole::PrivateNote, Ignored::PrivateNote),
            (CwRole::Deleted, Ignored::Deleted),
        ];
        for (role, reason) in table {
            let message = CwMessage { role, ..agent(Some("secret"), &[]) };
            assert_eq!(planned(message, &json!({})), Plan::Ignore(reason));
        }
        assert_eq!(planned(agent(Some(" \n"), &[]), &json!({})), Plan::Ignore(Ignored::Empty));
    }

    #[test]
    fn feeds_take_no_message() {
        for jid in ["status@broadcast", "1700000000@broadcast", "120363000000000009@newsletter"] {
            let refused = planned_for(jid, agent(Some("oi"), &[]), &json!({}));
            assert_eq!(refused, Plan::Refuse(Failure::ReadOnly), "{jid}");
        }
    }

    #[test]
    fn an_emoji_is_a_reaction_where_that_is_wanted_and_possible() {
        let on = json!({ "emoji_replies_react": true });
        let thumb = |text: &str| agent(Some(text), &[]);
        assert_eq!(parts_with(thumb(" 👍 "), &on)[0].body, WhatsAppBody::Reaction("👍".to_owned()));
        assert_eq!(parts(thumb("👍"))[0].body, WhatsAppBody::Text("👍".to_owned()));
        assert_eq!(parts_with(thumb("👍👍"), &on)[0].body, WhatsAppBody::Text("👍👍".to_owned()));
        let alone = CwMessage { reply_to: None, ..thumb("👍") };
        assert_eq!(parts_with(alone, &on)[0].body, WhatsAppBody::Text("👍".to_owned()));
        assert_eq!(texts(&parts_with(agent(Some("👍"), &[AgentFileKind::Image]), &on)), ["👍"]);
    }

    #[test]
    fn agents_sign_once_and_nobody_else_does() {
        let above = json!({ "signature": { "position": "above" } });
        assert_eq!(texts(&parts_with(agent(Some("- um\n- dois"), &[]), &above)), ["*Ana_B:*\n- um\n- dois"]);
        let below = json!({ "signature": { "position": "below", "format": "_{name}_, Loja" } });
        let files = [AgentFileKind::Image, AgentFileKind::Image];
        assert_eq!(texts(&parts_with(agent(Some("oi"), &files), &below)), ["oi\n_Ana_B_, Loja", "-"]);
        let bot = CwMessage { agent: None, ..agent(Some("oi"), &[]) };
        assert_eq!(texts(&parts_with(bot, &above)), ["oi"]);
        assert_eq!(texts(&parts_with(agent(None, &files), &above)), ["-", "-"]);
        assert_eq!(texts(&parts(agent(Some("oi"), &[]))), ["oi"]);
    }

    #[test]
    fn long_texts_are_cut_between_paragraphs() {
        let text = format!("{}\n\n{}", "a".repeat(MAX_TEXT_CHARS - 10), "b".repeat(100));
        let parts = parts(agent(Some(&text), &[AgentFileKind::Document]));
        let lengths: Vec<_> = texts(&parts).iter().map(|text| text.len()).collect();
        assert_eq!(lengths, [MAX_TEXT_CHARS - 10, 100, 1]);
        assert_eq!(parts.iter().map(|part| part.index).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn cards_follow_the_text_they_were_taken_from() {
        let parts = parts(agent(Some("Estamos aqui:\ngeo:-23.5,-46.6"), &[]));
        let place = Place { latitude: -23.5, longitude: -46.6, name: None };
        let bodies: Vec<_> = parts.into_iter().map(|part| part.body).collect();
        assert_eq!(bodies, [WhatsAppBody::Text("Estamos aqui:".to_owned()), WhatsAppBody::Place(place)]);
    }

    #[test]
    fn menus_stand_below_the_text() {
        let menu = Some(Menu::Choice(vec!["Sim".to_owned(), "Não".to_owned()]));
        let message = CwMessage { menu, ..agent(Some("**Aceita?**"), &[]) };
        assert_eq!(texts(&parts(message)), ["*Aceita?*\n\n1. Sim\n2. Não\n\nReply with the number of your choice."]);
    }

    #[test]
    fn a_small_webp_alone_is_a_sticker_where_that_is_wanted() {
        let on = json!({ "webp_stickers": true });
        let webp = |text: Option<&str>, size: u64| {
            let mut message = agent(text, &[AgentFileKind::Image]);
            message.files[0].mime = Some("image/webp".to_owned());
            message.files[0].size = Some(size);
            message
        };
        let kind = |message: CwMessage, settings: &serde_json::Value| {
            let parts = parts_with(message, settings);
            let WhatsAppBody::File { file, .. } = &parts[0].body else { panic!("{parts:?}") };
            file.kind
        };
        assert_eq!(kind(webp(None, 99_999), &on), AgentFileKind::Sticker);
        assert_eq!(kind(webp(None, 100_000), &on), AgentFileKind::Image);
        assert_eq!(kind(webp(Some("oi"), 99_999), &on), AgentFileKind::Image);
        assert_eq!(kind(webp(None, 99_999), &json!({})), AgentFileKind::Image);
        assert_eq!(kind(agent(None, &[AgentFileKind::Image]), &on), AgentFileKind::Image);
    }
}
