//! What the customer and the agent of the demo say, and the proof that each word crossed.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use relay_domain::text::excerpt;
use relay_sim::{AgentMessage, CustomerMessage, Kind, LedgerMessage, Submission, assets};

use serde_json::json;

use super::{SESSION, Stage};
use crate::printer::Printer;

const CUSTOMER: &str = "5511900000001";
const PATIENCE: Duration = Duration::from_secs(20);

/// Plays the conversation; fails on the first message that does not cross.
pub(crate) async fn play(stage: &Stage, printer: &Printer) -> anyhow::Result<()> {
    printer.line("  WhatsApp                                Chatwoot                                      time");
    let scene = Scene { stage, printer };
    let first = scene.customer("Hi! Do you have *chocolate cake*?", text("Hi! Do you have *chocolate cake*?")).await?;
    scene.customer("voice note, 1 s (OGG/Opus)", Kind::Voice).await?;
    scene.customer("photo: like this one", Kind::Image(Some("like this one".to_owned()))).await?;
    let reply = scene.answers(&first).await?;
    scene.files(first.conversation).await?;
    scene.customer_says("Perfect, see you then! (a reply)", text("Perfect, see you then!"), Some(&reply)).await?;
    scene.customer("reaction 👍", Kind::Reaction(reply.message_id.clone(), "👍".to_owned())).await?;
    scene.other_kinds().await?;
    scene.choice(first.conversation).await?;
    scene.second_thoughts(first.conversation).await?;
    printer.line("");
    printer.done("every message crossed, once and in order");
    Ok(())
}

fn text(text: &str) -> Kind {
    Kind::Text(text.to_owned())
}

struct Scene<'a> {
    stage: &'a Stage,
    printer: &'a Printer,
}

impl Scene<'_> {
    async fn answers(&self, first: &LedgerMessage) -> anyhow::Result<Submission> {
        let answer = AgentMessage::text("We do! **R$ 60**, ready at *5 pm*.");
        let answer = AgentMessage { in_reply_to: Some(first.id), ..answer };
        self.agent(first.conversation, "We do! **R$ 60**, ready at *5 pm*. (a reply)", answer).await
    }

    async fn files(&self, conversation: u64) -> anyhow::Result<()> {
        let photo = AgentMessage::file("menu.jpg", assets::PHOTO.mime, assets::PHOTO.bytes, Some("today's menu"));
        self.agent(conversation, "photo menu.jpg: today's menu", photo).await?;
        let document = AgentMessage::file("Orçamento nº 7.pdf", assets::DOCUMENT.mime, assets::DOCUMENT.bytes, None);
        self.agent(conversation, "document Orçamento nº 7.pdf", document).await?;
        let voice = AgentMessage::file("0a1b2c3d4e5f.mp3", "audio/mpeg", assets::MUSIC.bytes, None);
        self.agent(conversation, "recording (MP3)", voice).await?;
        Ok(())
    }

    async fn other_kinds(&self) -> anyhow::Result<()> {
        self.customer("sticker", Kind::Sticker).await?;
        self.customer("document pedido.pdf", Kind::Document("pedido.pdf".to_owned())).await?;
        self.customer("location", Kind::Location(-23.5505, -46.6333, "Praça da Sé".to_owned())).await?;
        self.customer("contact card", Kind::Contact("João".to_owned(), "5511900000003".to_owned())).await?;
        let options = json!([{ "optionName": "Morango" }, { "optionName": "Limão" }]);
        let poll = json!({ "name": "Recheio?", "options": options, "selectableOptionsCount": 1 });
        self.customer("poll", Kind::Raw("pollCreationMessageV3".to_owned(), poll)).await?;
        Ok(())
    }

    /// A menu becomes numbered text, and the number a customer answers with gets its title back.
    async fn choice(&self, conversation: u64) -> anyhow::Result<()> {
        let items = json!([{ "title": "Delivery", "value": "delivery" }, { "title": "Pick-up", "value": "pickup" }]);
        let menu = AgentMessage {
            content_type: Some("input_select".to_owned()),
            content_attributes: [("items".to_owned(), items)].into_iter().collect(),
            ..AgentMessage::text("How do you want it?")
        };
        self.agent(conversation, "menu: Delivery, Pick-up", menu).await?;
        self.customer("2", text("2")).await?;
        Ok(())
    }

    /// Edits and deletions, on either side.
    async fn second_thoughts(&self, conversation: u64) -> anyhow::Result<()> {
        let codechat = &self.stage.codechat;
        let said = self.customer("At 4 pm then", text("At 4 pm then")).await?;
        let key = said.source_id.as_deref().and_then(|id| id.strip_prefix("WAID:")).unwrap_or_default();
        let started = Instant::now();
        let edit = codechat.edits(SESSION, key, "At 6 pm then").context("there is nothing to edit")?;
        self.arrives("edit: At 6 pm then", &edit, started).await?;
        let started = Instant::now();
        let deletion = codechat.deletes(SESSION, key).context("there is nothing to delete")?;
        self.arrives("deleted for everyone", &deletion, started).await?;

        self.agent(conversation, "The price is R$ 6", AgentMessage::text("The price is R$ 6")).await?;
        let wrong = self.stage.chatwoot.messages().last().context("the message vanished from Chatwoot")?.id;
        let started = Instant::now();
        ensure!(self.stage.chatwoot.agent_deletes(wrong), "the agent has nothing to delete");
        let is_gone = codechat.wait_until(|sim| !sim.revocations().is_empty(), PATIENCE).await;
        ensure!(is_gone, "the agent's deletion did not reach WhatsApp");
        self.tell("deleted for everyone", "←", "deleted by the agent", started);
        Ok(())
    }

    async fn customer(&self, told: &str, kind: Kind) -> anyhow::Result<LedgerMessage> {
        self.customer_says(told, kind, None).await
    }

    async fn customer_says(
        &self,
        told: &str,
        kind: Kind,
        answered: Option<&Submission>,
    ) -> anyhow::Result<LedgerMessage> {
        let message = CustomerMessage {
            quote: answered.map(|sent| sent.message_id.clone()),
            push_name: Some("Maria".to_owned()),
            ..CustomerMessage::new(CUSTOMER, kind)
        };
        let started = Instant::now();
        let key = self.stage.codechat.customer_sends(SESSION, &message).context("the stand-in has no such instance")?;
        self.arrives(told, &key, started).await
    }

    async fn arrives(&self, told: &str, key: &str, started: Instant) -> anyhow::Result<LedgerMessage> {
        let chatwoot = &self.stage.chatwoot;
        let source_id = format!("WAID:{key}");
        let find =
            || chatwoot.messages().into_iter().find(|message| message.source_id.as_deref() == Some(source_id.as_str()));
        let crossed = chatwoot.wait_until(|_| find().is_some(), PATIENCE).await;
        ensure!(crossed, "the customer's message did not reach Chatwoot: {told}");
        let arrived = find().context("the message vanished from Chatwoot")?;
        self.tell(told, "→", &in_chatwoot(&arrived), started);
        Ok(arrived)
    }

    async fn agent(&self, conversation: u64, told: &str, message: AgentMessage) -> anyhow::Result<Submission> {
        let codechat = &self.stage.codechat;
        let before = codechat.submission_count();
        let started = Instant::now();
        self.stage.chatwoot.agent_sends(conversation, message).context("the stand-in has no such conversation")?;
        let crossed = codechat.wait_until(|sim| sim.submission_count() > before, PATIENCE).await;
        ensure!(crossed, "the agent's message did not reach WhatsApp: {told}");
        let sent = codechat.submissions().into_iter().nth(before).context("the message vanished from WhatsApp")?;
        self.tell(&on_whatsapp(&sent), "←", told, started);
        Ok(sent)
    }

    fn tell(&self, left: &str, arrow: &str, right: &str, started: Instant) {
        let took = started.elapsed().as_millis();
        let (left, right) = (on_a_line(left, 37), on_a_line(right, 44));
        self.printer.line(format!("  {left:<37} {arrow} {right:<44} {took:>5} ms"));
    }
}

/// A text on one line, cut to its column.
fn on_a_line(text: &str, width: usize) -> String {
    excerpt(&text.split_whitespace().collect::<Vec<_>>().join(" "), width)
}

fn in_chatwoot(message: &LedgerMessage) -> String {
    let text = message.content.clone().unwrap_or_default();
    match message.attachments.first() {
        None => text,
        Some(file) if text.is_empty() => format!("{} {} ({})", file.file_type, file.name, file.mime),
        Some(file) => format!("{} {}: {text}", file.file_type, file.name),
    }
}

fn on_whatsapp(sent: &Submission) -> String {
    let text = sent.text.clone().unwrap_or_default();
    match &sent.media {
        None => text,
        Some(media) if media.ptt => format!("voice note ({})", media.mime),
        Some(media) => match (&media.file_name, text.is_empty()) {
            (Some(name), true) => format!("document {name}"),
            (_, true) => media.mime.clone(),
            (_, false) => format!("{}: {text}", media.mime),
        },
    }
}
