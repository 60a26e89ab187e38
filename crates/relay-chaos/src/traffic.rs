//! Customers and agents who write, at a steady pace and to chats of different popularity.

use std::time::Duration;

use anyhow::{Context as _, Result};
use relay_sim::{AgentMessage, CustomerMessage, Kind, assets};

use crate::row::Context;
use crate::world::World;

/// Chats that talk at the same time, unless a row says otherwise.
pub(crate) const CHATS: usize = 20;
/// Messages a second each way, unless a row says otherwise.
pub(crate) const PACE: u32 = 50;

/// Something an agent wrote.
#[derive(Clone, Debug)]
pub(crate) struct AgentWrote {
    pub(crate) tenant: usize,
    pub(crate) chat: usize,
    /// Chatwoot's id, which is also the order of writing.
    pub(crate) id: u64,
    /// What tells it apart; empty for a recording, which has no words.
    pub(crate) text: String,
}

/// What is written, and by whom.
pub(crate) struct Traffic {
    rng: fastrand::Rng,
    chats: usize,
    /// Share of messages with a file.
    pub(crate) media_percent: u8,
    /// Display id of each chat's conversation, by tenant.
    conversations: Vec<Vec<u64>>,
    pub(crate) by_agents: Vec<AgentWrote>,
    /// Messages of customers so far.
    pub(crate) by_customers: usize,
    count: usize,
}

/// The phone number of a chat; tenants share customers.
pub(crate) fn phone(chat: usize) -> String {
    format!("55119{:08}", 10_000_000 + chat)
}

impl Traffic {
    /// Nobody has written yet.
    pub(crate) fn new(context: &Context, chats: usize) -> Self {
        Self {
            rng: context.rng(1),
            chats,
            // the relay without a store knows texts only
            media_percent: if context.is_naive { 0 } else { 20 },
            conversations: Vec::new(),
            by_agents: Vec::new(),
            by_customers: 0,
            count: 0,
        }
    }

    /// Lets every customer write once, so that every conversation exists.
    pub(crate) async fn begin(context: &Context, world: &mut World, chats: usize) -> Result<Self> {
        let mut traffic = Self::new(context, chats);
        for tenant in 0..world.tenants.len() {
            for chat in 0..chats {
                traffic.customer_writes(world, tenant, chat, Kind::Text(format!("hello {chat}")));
            }
        }
        let wanted = chats * world.tenants.len();
        world
            .until("all conversations", Duration::from_mins(2), |world| world.chatwoot.conversations().len() >= wanted)
            .await?;
        world
            .until("the first messages", Duration::from_mins(2), |world| world.chatwoot.message_count() >= wanted)
            .await?;
        traffic.find_conversations(world)?;
        Ok(traffic)
    }

    /// Notes where each chat's conversation is.
    pub(crate) fn find_conversations(&mut self, world: &World) -> Result<()> {
        let known = world.chatwoot.conversations();
        let of = |inbox: u64, chat: usize| {
            let source = phone(chat);
            let mut found = known.iter().filter(|known| known.inbox == inbox && known.source_id == source);
            found.next_back().map(|known| known.id).with_context(|| format!("chat {chat} has a conversation"))
        };
        self.conversations.clear();
        for tenant in &world.tenants {
            self.conversations.push((0..self.chats).map(|chat| of(tenant.inbox, chat)).collect::<Result<_>>()?);
        }
        Ok(())
    }

    /// The conversation of a chat.
    pub(crate) fn conversation(&self, tenant: usize, chat: usize) -> u64 {
        self.conversations[tenant][chat]
    }

    /// A customer writes.
    pub(crate) fn customer_writes(&mut self, world: &World, tenant: usize, chat: usize, kind: Kind) -> Option<String> {
        self.by_customers += 1;
        world.codechat.customer_sends(&world.tenants[tenant].session, &CustomerMessage::new(phone(chat), kind))
    }

    /// An agent writes.
    pub(crate) fn agent_writes(
        &mut self,
        world: &World,
        tenant: usize,
        chat: usize,
        message: AgentMessage,
    ) -> Option<u64> {
        let text = message.content.clone().unwrap_or_default();
        let account = world.tenants[tenant].account;
        let conversation = self.conversation(tenant, chat);
        let id = world.chatwoot.user_sends(account, conversation, 2, message)?;
        self.by_agents.push(AgentWrote { tenant, chat, id, text });
        Some(id)
    }

    /// One message of a customer, of any usual kind.
    pub(crate) fn write_in(&mut self, world: &World) {
        let kind = self.any_kind();
        let (tenant, chat) = (self.rng.usize(0..world.tenants.len()), self.any_chat());
        self.customer_writes(world, tenant, chat, kind);
    }

    /// What a customer writes: any usual kind, told apart by its text where it has one.
    pub(crate) fn any_kind(&mut self) -> Kind {
        self.count += 1;
        let count = self.count;
        let has_file = self.rng.u8(0..100) < self.media_percent;
        match self.rng.u8(0..3) {
            0 if has_file => Kind::Image(Some(format!("picture {count}"))),
            1 if has_file => Kind::Voice,
            _ if has_file => Kind::Document(format!("{count}.pdf")),
            _ => Kind::Text(format!("in {count}")),
        }
    }

    /// One message of an agent, with a file or without.
    pub(crate) fn write_out(&mut self, world: &World) {
        self.count += 1;
        let text = format!("out {}", self.count);
        let has_file = self.rng.u8(0..100) < self.media_percent;
        let message = match self.rng.bool() {
            true if has_file => AgentMessage::file("photo.jpg", assets::PHOTO.mime, assets::PHOTO.bytes, Some(&text)),
            _ if has_file => {
                AgentMessage::file("paper.pdf", assets::DOCUMENT.mime, assets::DOCUMENT.bytes, Some(&text))
            }
            _ => AgentMessage::text(text),
        };
        let (tenant, chat) = (self.rng.usize(0..world.tenants.len()), self.any_chat());
        self.agent_writes(world, tenant, chat, message);
    }

    /// One message of an agent: texts, recordings, pictures and documents take turns.
    pub(crate) fn write_out_of_any_kind(&mut self, world: &World) {
        let (tenant, chat) = (self.rng.usize(0..world.tenants.len()), self.any_chat());
        self.write_next_kind(world, tenant, chat);
    }

    /// The same, to this chat.
    pub(crate) fn write_next_kind(&mut self, world: &World, tenant: usize, chat: usize) {
        self.count += 1;
        let text = format!("out {}", self.count);
        let message = match self.count % 4 {
            0 => AgentMessage::text(text),
            1 => AgentMessage {
                is_voice: true,
                ..AgentMessage::file("voice.mp3", assets::MUSIC.mime, assets::MUSIC.bytes, None)
            },
            2 => AgentMessage::file("photo.jpg", assets::PHOTO.mime, assets::PHOTO.bytes, Some(&text)),
            _ => AgentMessage::file("paper.pdf", assets::DOCUMENT.mime, assets::DOCUMENT.bytes, Some(&text)),
        };
        self.agent_writes(world, tenant, chat, message);
    }

    /// One message each way, in chats of their own.
    pub(crate) fn write_pair(&mut self, world: &World) {
        self.write_in(world);
        self.write_out(world);
    }

    /// Writes so many pairs, so many a second.
    pub(crate) async fn write(&mut self, world: &World, pairs: usize, per_second: u32) {
        let mut pace = tokio::time::interval(Duration::from_secs(1) / per_second);
        for _ in 0..pairs {
            pace.tick().await;
            self.write_pair(world);
        }
    }

    /// The k-th chat gets 1/k of what the first one gets.
    fn any_chat(&mut self) -> usize {
        #[expect(clippy::cast_precision_loss, reason = "chats are few")]
        let weight = |chat: usize| 1.0 / (chat + 1) as f64;
        let total: f64 = (0..self.chats).map(weight).sum();
        let mut left = self.rng.f64() * total;
        for chat in 0..self.chats {
            left -= weight(chat);
            if left <= 0.0 {
                return chat;
            }
        }
        self.chats - 1
    }
}
