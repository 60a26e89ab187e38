//! The checks by their names, which are also the sections of `docs/troubleshooting.md`.

macro_rules! checks {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Something the doctor looks at.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Check {
            $($(#[$doc])* $variant,)*
        }

        impl Check {
            /// Every check, in the order of a report.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

checks! {
    /// Whether a relay runs, or one was started to be looked at.
    Running = "relay.running",
    /// Whether every name in `.env` means something.
    Settings = "relay.settings",
    /// Whether there is a newer version.
    Release = "relay.release",
    /// Whether the public address leads here.
    PublicUrl = "public.url",
    /// Whether a large body gets through what stands in front.
    PublicBody = "public.body",
    /// Whether headers get through what stands in front.
    PublicHeaders = "public.headers",
    /// Room, and how long the disk takes to keep something.
    Disk = "host.disk",
    /// Open files, time zone.
    Limits = "host.limits",
    /// The program for recordings that the relay cannot read itself.
    Ffmpeg = "host.ffmpeg",
    /// The database itself.
    Database = "store.database",
    /// Whether every event is accounted for.
    Balance = "store.balance",
    /// What waits, and for how long.
    Waiting = "store.waiting",
    /// What could not be delivered.
    Dead = "store.dead",
    /// Other processes on the database.
    Processes = "store.processes",
    /// Whether the session delivers.
    Session = "session.state",
    /// The form of Chatwoot's address.
    ChatwootUrl = "chatwoot.url",
    /// Whether Chatwoot answers, and its version.
    ChatwootServer = "chatwoot.server",
    /// Whose token it is.
    ChatwootToken = "chatwoot.token",
    /// What the token may do in the account.
    ChatwootAccount = "chatwoot.account",
    /// Whether the inbox is there and of the right kind.
    ChatwootInbox = "chatwoot.inbox",
    /// Where the inbox and the account send their webhooks.
    ChatwootWebhook = "chatwoot.webhook",
    /// Whether webhooks are checked by signature.
    ChatwootSignature = "chatwoot.signature",
    /// Whether Chatwoot reaches the relay.
    ChatwootReach = "chatwoot.reach",
    /// How long Chatwoot waits for an answer.
    ChatwootAck = "chatwoot.ack",
    /// Whether files in Chatwoot can be fetched.
    ChatwootFiles = "chatwoot.files",
    /// Whether Chatwoot asks to slow down.
    ChatwootRate = "chatwoot.rate",
    /// Whether CodeChat answers.
    CodeChatServer = "codechat.server",
    /// Whether it takes the key.
    CodeChatKey = "codechat.key",
    /// The instance and its connection to WhatsApp.
    CodeChatInstance = "codechat.instance",
    /// Whether CodeChat stores messages.
    CodeChatHistory = "codechat.history",
    /// Whether CodeChat reaches the relay.
    CodeChatReach = "codechat.reach",
    /// Whether CodeChat can fetch files from the relay.
    CodeChatMedia = "codechat.media",
    /// Who else reaches CodeChat.
    CodeChatExposed = "codechat.exposed",
    /// Whether CodeChat tells everything twice.
    CodeChatTwice = "codechat.twice",
    /// The clocks of all three.
    Clock = "clock",
}

impl Check {
    /// Whether it is made for each session, not once for the whole relay.
    pub fn is_of_a_session(self) -> bool {
        self >= Self::Session
    }
}
