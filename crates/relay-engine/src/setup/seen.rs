//! What is there on both sides, found out without changing anything.

use std::time::Duration;

use chatwoot::{Agent, ErrorKind as Cw, Inbox, Profile, ProfileAccount, Role, Version};
use codechat::{Auth, Deadlines, ErrorKind as Cc, FindMessages, Instance, Release};
use secrecy::SecretString;
use url::Url;

/// How long an address may take to answer before the next one is tried.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);
/// How many instances are asked for stored messages, and inboxes for their members.
const MOST_ASKED: usize = 3;

/// A Chatwoot that answered and took the token.
#[derive(Clone, Debug)]
pub struct ChatwootSide {
    /// Its address.
    pub url: Url,
    /// Its release.
    pub version: Version,
    /// Whose token it is.
    pub profile: Profile,
    /// The token.
    pub token: SecretString,
}

/// A CodeChat that answered and took the key.
#[derive(Clone, Debug)]
pub struct CodeChatSide {
    /// Its address.
    pub url: Url,
    /// Its key.
    pub key: SecretString,
    /// Its release, as far as it shows.
    pub release: Release,
    /// Its instances.
    pub instances: Vec<Instance>,
    /// Whether it saves messages.
    pub saving: Saving,
}

/// Whether CodeChat saves messages (`DATABASE_SAVE_DATA_NEW_MESSAGE`), which gap recovery needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saving {
    /// There are stored messages.
    On,
    /// Messages were relayed and none is stored.
    Off,
    /// No number of it has had a message yet, as far as it tells.
    Unknown,
}

/// Why a side cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not answer as it should.
    Address {
        /// What happened instead.
        why: Why,
        /// What the transport said, made harmless; empty when `why` says it all.
        detail: String,
    },
    /// A Chatwoot that is too old.
    TooOld {
        /// Its release.
        version: Version,
    },
    /// The token or key is not known.
    Key,
    /// The token is an agent bot's.
    BotToken,
    /// The user administers no account.
    NotAdministrator {
        /// The user's name.
        name: String,
    },
}

/// Why nothing useful answers at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No server has this name.
    UnknownName,
    /// Nothing listens there.
    NothingListens,
    /// No answer in time.
    Silent,
    /// Its certificate is not trusted.
    Certificate,
    /// It redirects elsewhere.
    Redirects,
    /// It answers, but as something else.
    SomethingElse,
    /// It answers with an error of its own.
    Broken,
    /// Anything else.
    Unreachable,
}

impl Why {
    /// Reads what the transport said of a failed connection.
    fn of_transport(detail: &str) -> Self {
        let detail = detail.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| detail.contains(word));
        if says(&["dns error", "failed to lookup", "name or service not known", "no such host"]) {
            Self::UnknownName
        } else if says(&["certificate", "unknownissuer", "invalid peer"]) {
            Self::Certificate
        } else if says(&["connection refused"]) {
            Self::NothingListens
        } else if says(&["corrupt message", "invalidcontenttype", "received corrupt", "wrong version number"]) {
            // plain http behind an https address
            Self::SomethingElse
        } else if says(&["timed out", "timeout", "deadline has elapsed"]) {
            Self::Silent
        } else {
            Self::Unreachable
        }
    }
}

/// Looks at a Chatwoot: its version, whose token it is, which accounts that opens.
pub async fn chatwoot_side(http: &reqwest::Client, url: &Url, token: &SecretString) -> Result<ChatwootSide, Refusal> {
    let client = chatwoot_at(http, url, 0, token).with_deadlines(ANSWER_WITHIN, ANSWER_WITHIN);
    let version = client.version().await.map_err(|error| not_chatwoot(&error))?;
    if version < Version::OLDEST {
        return Err(Refusal::TooOld { version });
    }
    let profile = client.profile().await.map_err(|error| match error.kind {
        Cw::Unauthorized if error.detail.contains("bots") => Refusal::BotToken,
        Cw::Unauthorized => Refusal::Key,
        _ if error.detail.contains("header") => Refusal::Key,
        _ => not_chatwoot(&error),
    })?;
    let side = ChatwootSide { url: url.clone(), version, profile, token: token.clone() };
    if side.administered().next().is_none() {
        return Err(Refusal::NotAdministrator { name: side.profile.name });
    }
    Ok(side)
}

/// Asks only whether a Chatwoot answers at an address, and which.
pub async fn chatwoot_answers(http: &reqwest::Client, url: &Url) -> Result<Version, Refusal> {
    let client = chatwoot_at(http, url, 0, &SecretString::from("")).with_deadlines(ANSWER_WITHIN, ANSWER_WITHIN);
    let version = client.version().await.map_err(|error| not_chatwoot(&error))?;
    if version < Version::OLDEST { Err(Refusal::TooOld { version }) } else { Ok(version) }
}

/// Asks only whether a CodeChat answers at an address: a wrong key is an answer too.
pub async fn codechat_answers(http: &reqwest::Client, url: &Url) -> Result<(), Refusal> {
    match codechat_at(http, url, &SecretString::from("-")).probe().await {
        Ok(()) => Ok(()),
        Err(error) => match not_codechat(&error) {
            Refusal::Key => Ok(()),
            refusal => Err(refusal),
        },
    }
}

impl ChatwootSide {
    /// The accounts that the user administers.
    pub fn administered(&self) -> impl Iterator<Item = &ProfileAccount> {
        self.profile.accounts.iter().filter(|account| account.role == Role::Administrator)
    }

    /// A client of one of its accounts.
    pub fn client(&self, http: &reqwest::Client, account: i64) -> chatwoot::Client {
        chatwoot_at(http, &self.url, account, &self.token)
    }

    /// What one account has that matters here.
    pub async fn account(&self, http: &reqwest::Client, account: i64) -> Result<Account, chatwoot::Error> {
        let client = self.client(http, account);
        let inboxes: Vec<_> = client.inboxes().await?.into_iter().filter(Inbox::is_api).collect();
        let agents = client.agents().await?;
        let mut memberless = Vec::new();
        for inbox in inboxes.iter().filter(|inbox| inbox.webhook_url.is_none()).take(MOST_ASKED) {
            if client.inbox_members(inbox.id).await?.is_empty() {
                memberless.push(inbox.id);
            }
        }
        Ok(Account { id: account, inboxes, agents, memberless })
    }
}

/// What an account of Chatwoot has.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: i64,
    /// Its inboxes of type API.
    pub inboxes: Vec<Inbox>,
    /// The people who work in it.
    pub agents: Vec<Agent>,
    /// Inboxes of type API that lead nowhere and that no agent sees yet.
    pub memberless: Vec<i64>,
}

fn chatwoot_at(http: &reqwest::Client, url: &Url, account: i64, token: &SecretString) -> chatwoot::Client {
    chatwoot::Client::new(http.clone(), url.clone(), account, token.clone())
}

fn not_chatwoot(error: &chatwoot::Error) -> Refusal {
    let why = match error.kind {
        Cw::Unreachable => Why::of_transport(&error.detail),
        Cw::TimedOut => Why::Silent,
        // a page of its own instead of an answer
        Cw::ServerError if error.status == Some(404) => Why::SomethingElse,
        Cw::ServerError | Cw::RateLimited { .. } => Why::Broken,
        _ if error.detail.contains("redirect") => Why::Redirects,
        Cw::Unauthorized | Cw::NotFound | Cw::Taken { .. } | Cw::TooLarge | Cw::Invalid | Cw::Unexpected => {
            Why::SomethingElse
        }
    };
    Refusal::Address { why, detail: error.detail.clone() }
}

/// Looks at a CodeChat: its instances, and whether it saves messages.
pub async fn codechat_side(http: &reqwest::Client, url: &Url, key: &SecretString) -> Result<CodeChatSide, Refusal> {
    let client = codechat_at(http, url, key);
    let server = client.server().await.map_err(|error| not_codechat(&error))?;
    let mut saving = Saving::Unknown;
    let loaded = server.instances.iter().filter(|instance| instance.owner_jid.is_some());
    for instance in loaded.take(MOST_ASKED) {
        if saves_messages(&client, &instance.name).await {
            saving = Saving::On;
            break;
        }
    }
    let (url, key) = (url.clone(), key.clone());
    Ok(CodeChatSide { url, key, release: server.release, instances: server.instances, saving })
}

impl CodeChatSide {
    /// A client with its key.
    pub fn client(&self, http: &reqwest::Client) -> codechat::Client {
        codechat::Client::new(http.clone(), self.url.clone(), Auth::Global(self.key.clone()))
    }

    /// Whether an instance has stored messages now: asked once messages have come.
    pub async fn look_again(&self, http: &reqwest::Client, instance: &str) -> Saving {
        if saves_messages(&self.client(http), instance).await { Saving::On } else { Saving::Off }
    }
}

fn codechat_at(http: &reqwest::Client, url: &Url, key: &SecretString) -> codechat::Client {
    let deadlines = Deadlines { call: ANSWER_WITHIN, ..Deadlines::default() };
    codechat::Client::new(http.clone(), url.clone(), Auth::Global(key.clone())).with_deadlines(deadlines)
}

async fn saves_messages(client: &codechat::Client, instance: &str) -> bool {
    let asked = FindMessages { page_size: 1, ..FindMessages::default() };
    client.find_messages(instance, &asked).await.is_ok_and(|page| page.total > 0)
}

fn not_codechat(error: &codechat::Error) -> Refusal {
    let why = match error.kind {
        Cc::Unauthorized => return Refusal::Key,
        Cc::Unreachable => Why::of_transport(&error.detail),
        Cc::TimedOut => Why::Silent,
        Cc::ServerError if error.status == Some(404) => Why::SomethingElse,
        Cc::ServerError | Cc::RateLimited { .. } => Why::Broken,
        _ if error.detail.contains("redirect") => Why::Redirects,
        Cc::NotOnWhatsApp
        | Cc::NotConnected
        | Cc::NothingSent
        | Cc::MediaUnavailable
        | Cc::AlreadyExists
        | Cc::Rejected
        | Cc::TooLarge
        | Cc::NotFound
        | Cc::Unexpected => Why::SomethingElse,
    };
    Refusal::Address { why, detail: error.detail.clone() }
}
