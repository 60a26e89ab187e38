//! What the customer and the agent of the demo say, and the proof that each word crossed.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use relay_sim::{AgentMessage, CustomerMessage, Kind, LedgerMessage, Submission, assets};

use super::{SESSION, Stage};
use crate::printer::Printer;

const CUSTOMER: &str = "5511900000001";
const PATIENCE: Duration = Duration::from_secs(20);

/// Plays the conversation; fails on the first message that does not cross.
pub(crate) async fn play(stage: &Stage, printer: &Printer) -> anyhow::Result<()> {
    printer.line("  WhatsApp                                Chatwoot                                      time");
    let scene = Scene { stage, printer };
    let first = scene
        .customer("Hi! Do you have *chocolate cake*?", Kind::Text("Hi! Do you have *chocolate cake*?".to_owned()), None)
        .await?;
    scene.customer("voice note, 1 s (OGG/Opus)", Kind::Voice, None).await?;
    scene.customer("photo: like this one", Kind::Image(Some("like this one".to_owned())), None).await?;
    let answer =
        AgentMessage { in_reply_to: Some(first.id), ..AgentMessage::text("We do! **R$ 60**, ready at *5 pm*.") };
    let reply = scene.agent(first.conversation, "We do! **R$ 60**, ready at *5 pm*. (a reply)", answer).await?;
    let photo = AgentMessage::file("menu.jpg", assets::PHOTO.mime, assets::PHOTO.bytes, Some("today's menu"));
    scene.agent(first.conversation, "photo menu.jpg: today's menu", photo).await?;
    let document = AgentMessage::file("Orçamento nº 7.pdf", assets::DOCUMENT.mime, assets::DOCUMENT.bytes, None);
    scene.agent(first.conversation, "document Orçamento nº 7.pdf", document).await?;
    let voice = AgentMessage::file("0a1b2c3d4e5f.mp3", "audio/mpeg", assets::MUSIC.bytes, None);
    scene.agent(first.conversation, "recording (MP3)", voice).await?;
    scene
        .customer(
            "Perfect, see you then! (a reply)",
            Kind::Text("Perfect, see you then!".to_owned()),
            Some(reply.message_id),
        )
        .await?;
    scene.customer("sticker", Kind::Sticker, None).await?;
    scene.customer("document pedido.pdf", Kind::Document("pedido.pdf".to_owned()), None).await?;
    printer.line("");
    printer.done("every message crossed, once and in order");
    Ok(())
}

struct Scene<'a> {
    stage: &'a Stage,
    printer: &'a Printer,
}

impl Scene<'_> {
    async fn customer(&self, told: &str, kind: Kind, quote: Option<String>) -> anyhow::Result<LedgerMessage> {
        let chatwoot = &self.stage.chatwoot;
        let message =
            CustomerMessage { quote, push_name: Some("Maria".to_owned()), ..CustomerMessage::new(CUSTOMER, kind) };
        let started = Instant::now();
        let key = self.stage.codechat.customer_sends(SESSION, &message).context("the stand-in has no such instance")?;
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
        self.printer.line(format!("  {left:<37} {arrow} {right:<44} {took:>5} ms"));
    }
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
