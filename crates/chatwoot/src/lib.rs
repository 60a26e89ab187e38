//! A typed client for Chatwoot 4.2 and later, the webhooks it sends, and the check of their signature.
//!
//! * [`Client`] calls the Application API of one account and answers with small typed structs.
//! * [`Webhook`] is what an inbox, account or agent-bot webhook said; [`Signature`] proves who said it.
//! * [`Version`] and [`Capability`] tell what a given server can do, in one table.
//! * [`Error`] is shaped by the reaction it calls for and carries how certain it is that nothing was done.
//!
//! Reading is tolerant: a field nobody needs may be missing, renamed or of another type without any harm.
//! A field that is needed and cannot be read is an error, never a guess. All times are epoch milliseconds.
#![warn(missing_docs)]

mod attachment;
mod classify;
mod client;
mod contacts;
mod content;
mod conversations;
mod download;
mod error;
mod inboxes;
mod messages;
mod people;
mod profile;
mod redact;
mod retold;
mod said;
mod signature;
mod upload;
mod version;
mod webhook;
mod wire;

pub use attachment::{Attachment, Coordinates, FileType, file_name_of, is_recorded_voice};
pub use client::{CALL_DEADLINE, Client, UPLOAD_DEADLINE};
pub use contacts::{Contact, ContactChange, ContactInbox, Filter, FilterAttribute, NewContact};
pub use content::{ContentAttributes, ContentType, Item, ItemAction};
pub use conversations::{Conversation, ConversationStatus, NewConversation};
pub use download::{Download, DownloadError, NameRefused};
pub use error::{Certainty, Error, ErrorKind};
pub use inboxes::{AccountWebhook, Agent, Inbox};
pub use messages::{Direction, Message, MessageStatus, MessageType, NewMessage, NewStatus};
pub use people::{ContactRef, Sender};
pub use profile::{Profile, ProfileAccount, Role};
pub use signature::{Signature, SignatureError, sign, verify};
pub use upload::{Upload, UploadSource, safe_file_name};
pub use version::{Capability, NotAVersion, Version};
pub use webhook::{ContactEvent, ConversationEvent, ConversationRef, MessageEvent, TypingEvent, Webhook, WebhookError};
