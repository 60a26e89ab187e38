-- One text for SQLite and PostgreSQL: times are epoch milliseconds, ids and JSON are text, flags are 0 or 1.

-- Facts about the installation itself, such as the check value of its secret key.
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- One WhatsApp number joined to one Chatwoot inbox. Columns ending in _sealed are encrypted, in _hash one-way.
CREATE TABLE session (
    id                     TEXT   PRIMARY KEY,
    name                   TEXT   NOT NULL UNIQUE,
    description            TEXT,
    state                  TEXT   NOT NULL CHECK (state IN ('active', 'paused')),
    state_reason           TEXT,
    -- what CodeChat last said of the phone, since when the phone is connected or is not, and what agents were told of it last
    connection             TEXT   NOT NULL,
    connection_since       BIGINT NOT NULL,
    announced              TEXT   CHECK (announced IN ('connected', 'lost', 'logged_out')),
    codechat_url           TEXT   NOT NULL,
    codechat_token_sealed  BYTEA  NOT NULL,
    codechat_hook_hash     BYTEA  NOT NULL,
    chatwoot_url           TEXT   NOT NULL,
    chatwoot_account       BIGINT NOT NULL,
    chatwoot_inbox         BIGINT NOT NULL,
    chatwoot_token_sealed  BYTEA  NOT NULL,
    chatwoot_secret_sealed BYTEA,
    chatwoot_hook_hash     BYTEA  NOT NULL,
    settings               TEXT   NOT NULL,
    created_at             BIGINT NOT NULL,
    -- two sessions on one inbox would send every answer twice
    UNIQUE (chatwoot_url, chatwoot_account, chatwoot_inbox)
);

CREATE TABLE chat (
    session      TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    key          TEXT NOT NULL,
    -- where messages to this chat are sent; NULL while Chatwoot's contact has no usable number
    jid          TEXT,
    -- the name that the relay last gave the contact; NULL while its name is somebody else's
    name         TEXT,
    -- what the customer was last seen to be called
    push_name    TEXT,
    -- SHA-256 of the picture that the relay last gave the contact, and when it last looked for one
    picture      BYTEA,
    pictured_at  BIGINT,
    contact      BIGINT,
    source_id    TEXT,
    conversation BIGINT,
    -- 1 once WhatsApp confirmed the number of a chat that an agent began
    on_whatsapp  BIGINT NOT NULL DEFAULT 0 CHECK (on_whatsapp IN (0, 1)),
    -- the choice that the customer was last given, as JSON
    choice       TEXT,
    -- of that conversation, as Chatwoot last told, and when that was
    status       TEXT,
    status_at    BIGINT,
    -- 1 while Chatwoot's contact has yet to learn who the customer turned out to be
    contact_due  BIGINT NOT NULL DEFAULT 0 CHECK (contact_due IN (0, 1)),
    -- up to which of Chatwoot's messages WhatsApp was told that the customer's were read
    read_to      BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (session, key),
    CHECK ((contact IS NULL) = (source_id IS NULL))
);

-- Every JID, LID and Chatwoot source id under which a chat was ever seen.
CREATE TABLE chat_alias (
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    alias   TEXT NOT NULL,
    chat    TEXT NOT NULL,
    PRIMARY KEY (session, alias)
);
CREATE INDEX chat_alias_chat ON chat_alias (session, chat);

-- A chat that turned out to be the same person as another, until all lanes of both are free to be joined.
CREATE TABLE chat_merge (
    session   TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    gone      TEXT NOT NULL,
    into_chat TEXT NOT NULL,
    PRIMARY KEY (session, gone),
    CHECK (gone <> into_chat)
);

-- Contacts of chats that were joined to a chat, until Chatwoot has merged them into its contact.
CREATE TABLE contact_merge (
    session TEXT   NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    chat    TEXT   NOT NULL,
    contact BIGINT NOT NULL,
    PRIMARY KEY (session, chat, contact)
);

-- People seen among others, in groups mostly, by each of their addresses: what they call themselves, and the number behind a LID.
CREATE TABLE person (
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    jid     TEXT NOT NULL,
    name    TEXT,
    phone   TEXT,
    PRIMARY KEY (session, jid)
);

-- Processes alive; a lane leased by a silent one is free.
CREATE TABLE worker (
    id      TEXT   PRIMARY KEY,
    beat_at BIGINT NOT NULL
);

-- Strict order inside a lane, none between lanes.
CREATE TABLE lane (
    key          TEXT   PRIMARY KEY,
    session      TEXT   NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    kind         TEXT   NOT NULL CHECK (kind IN ('in', 'out', 'receipt', 'desk')),
    chat         TEXT   NOT NULL,
    -- when its first event may run; NULL while nothing is pending
    next_at      BIGINT,
    -- 1 while waiting after a failure: a new event must not wake the lane early
    backing_off  BIGINT NOT NULL DEFAULT 0 CHECK (backing_off IN (0, 1)),
    -- the highest order key delivered so far; what arrives below it is late
    done_to      BIGINT NOT NULL DEFAULT 0,
    -- the chat that this lane's chat was joined to: what is still queued here goes to the lane there
    moved_to     TEXT,
    lease_worker TEXT,
    lease_token  TEXT,
    CHECK ((lease_worker IS NULL) = (lease_token IS NULL))
);
CREATE INDEX lane_due ON lane (next_at) WHERE next_at IS NOT NULL;

-- The inbox and the queue: a received webhook until, and after, it reaches its one terminal state.
CREATE TABLE event (
    id              TEXT   PRIMARY KEY,
    session         TEXT   NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    lane            TEXT   NOT NULL,
    source          TEXT   NOT NULL CHECK (source IN ('codechat', 'chatwoot', 'relay')),
    kind            TEXT   NOT NULL,
    dedup_key       TEXT   NOT NULL CHECK (dedup_key <> ''),
    -- of a key that names its author: the key without, for finding a message whose author is not told everywhere
    stem            TEXT,
    order_key       BIGINT NOT NULL,
    received_at     BIGINT NOT NULL,
    run_at          BIGINT NOT NULL,
    origin          TEXT   NOT NULL CHECK (origin IN ('webhook', 'sweep', 'import', 'notice', 'manual')),
    body            BYTEA,
    state           TEXT   NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'ignored', 'dead', 'expired')),
    reason          TEXT,
    attempts        BIGINT NOT NULL DEFAULT 0,
    -- how many of them were made before a person asked for the turn it has now
    past_attempts   BIGINT NOT NULL DEFAULT 0,
    first_failed_at BIGINT,
    finished_at     BIGINT,
    UNIQUE (session, source, dedup_key),
    CHECK ((state = 'pending') = (finished_at IS NULL))
);
-- with run_at, so that when a long lane is due next is told without reading its events
CREATE INDEX event_pending ON event (lane, order_key, received_at, id, run_at) WHERE state = 'pending';
-- events are counted by state again and again, and must not be read for it
CREATE INDEX event_state ON event (state, received_at);
CREATE INDEX event_done ON event (finished_at) WHERE body IS NOT NULL AND state IN ('delivered', 'ignored');
CREATE INDEX event_failed ON event (finished_at) WHERE body IS NOT NULL AND state IN ('dead', 'expired');
CREATE INDEX event_dead ON event (lane, order_key, received_at, id) WHERE state IN ('dead', 'expired');
CREATE INDEX event_old ON event (finished_at) WHERE body IS NULL AND state IN ('delivered', 'ignored');

-- one chat's messages, page by page
CREATE INDEX event_lane ON event (lane, id);
CREATE INDEX event_stem ON event (session, stem) WHERE stem IS NOT NULL;

-- Counted when events are stored, apart from them, so that the sum over their states can be checked against it.
CREATE TABLE tally (
    session   TEXT   NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    shard     BIGINT NOT NULL,
    received  BIGINT NOT NULL,
    -- events that ended so and whose rows were removed since
    delivered BIGINT NOT NULL DEFAULT 0,
    ignored   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (session, shard)
);

CREATE TABLE attempt (
    event       TEXT   NOT NULL REFERENCES event (id) ON DELETE CASCADE,
    number      BIGINT NOT NULL,
    started_at  BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    outcome     TEXT   NOT NULL,
    http_status BIGINT,
    detail      TEXT,
    worker      TEXT   NOT NULL,
    PRIMARY KEY (event, number)
);

-- How far gap recovery has looked, in each direction, and how far the sweep has come that is under way.
CREATE TABLE cursor (
    session      TEXT   NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    way          TEXT   NOT NULL CHECK (way IN ('in', 'out')),
    -- everything the other side dates up to here was looked at, by its own clock
    done_to      BIGINT NOT NULL,
    -- and everything with an id up to here, where ids are in order
    done_id      BIGINT NOT NULL DEFAULT 0,
    completed_at BIGINT,
    -- the next sweep, of whichever process; pushed on while one is under way
    due_at       BIGINT NOT NULL,
    -- of the sweep under way: its pass and the next page of it; the newest there was when it began; 1 when another pass follows
    pass         BIGINT NOT NULL DEFAULT 0,
    page         BIGINT NOT NULL DEFAULT 0,
    newest       BIGINT NOT NULL DEFAULT 0,
    is_open    BIGINT NOT NULL DEFAULT 0 CHECK (is_open IN (0, 1)),
    PRIMARY KEY (session, way)
);

-- When a session's messages could not go out, as any process saw.
CREATE TABLE outage (
    session   TEXT   NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    began_at  BIGINT NOT NULL,
    -- NULL while it lasts
    ended_at  BIGINT,
    PRIMARY KEY (session, began_at)
);

-- Conversations that a sweep under way has gone through, each up to the message of this id. Gone once the cursor is as far.
CREATE TABLE swept (
    session      TEXT   NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    conversation BIGINT NOT NULL,
    done_id      BIGINT NOT NULL,
    PRIMARY KEY (session, conversation)
);

-- What a message on one side is on the other, part by part. Written as an intent before anything is posted.
CREATE TABLE link (
    session         TEXT   NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    direction       TEXT   NOT NULL CHECK (direction IN ('in', 'out')),
    source_id       TEXT   NOT NULL,
    part            BIGINT NOT NULL,
    parts           BIGINT NOT NULL,
    chat            TEXT   NOT NULL,
    event           TEXT   NOT NULL,
    state           TEXT   NOT NULL CHECK (state IN ('intent', 'sent', 'failed')),
    -- when the last attempt began that may have reached the destination, or, once it is in doubt, when that was noticed;
    -- NULL when none can have
    tried_at        BIGINT,
    in_doubt        BIGINT NOT NULL DEFAULT 0 CHECK (in_doubt IN (0, 1)),
    wa_id           TEXT   NOT NULL,
    wa_from_me      BIGINT NOT NULL CHECK (wa_from_me IN (0, 1)),
    wa_participant  TEXT,
    wa_row          BIGINT,
    wa_receipt      BIGINT NOT NULL DEFAULT 0,
    -- it was deleted for everyone, on either side; set before our own deletion is asked for
    deleted         BIGINT NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1)),
    cw_conversation BIGINT,
    cw_message      BIGINT,
    -- when it was written down
    made_at         BIGINT NOT NULL,
    PRIMARY KEY (session, direction, source_id, part),
    CHECK (state <> 'sent' OR cw_message IS NOT NULL)
);
CREATE INDEX link_wa ON link (session, wa_id);
CREATE INDEX link_cw ON link (session, cw_message);
CREATE INDEX link_chat ON link (session, chat);
CREATE INDEX link_failed ON link (session, event) WHERE state = 'failed';
-- the few that are under way or in doubt
CREATE INDEX link_intent ON link (session, chat) WHERE state = 'intent';
CREATE INDEX link_made ON link (made_at);

-- Messages that were posted to Chatwoot again although an earlier post may still take effect: looked at afterwards.
CREATE TABLE repeat (
    session      TEXT   NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    source_id    TEXT   NOT NULL,
    conversation BIGINT NOT NULL,
    posted_at    BIGINT NOT NULL,
    look_at      BIGINT NOT NULL,
    PRIMARY KEY (session, source_id)
);
CREATE INDEX repeat_due ON repeat (look_at);

-- Files that CodeChat may fetch, each under a one-time token kept only as a hash.
CREATE TABLE media (
    token_hash   BYTEA  PRIMARY KEY,
    session      TEXT   NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    path         TEXT   NOT NULL,
    mime         TEXT   NOT NULL,
    file_name    TEXT   NOT NULL,
    expires_at   BIGINT NOT NULL,
    fetches_left BIGINT NOT NULL
);
CREATE INDEX media_expired ON media (expires_at);

-- Who may use the console: a link that was handed out and not used yet, or a browser that is signed in. Tokens are kept as hashes.
CREATE TABLE console_pass (
    token_hash BYTEA  PRIMARY KEY,
    kind       TEXT   NOT NULL CHECK (kind IN ('link', 'browser')),
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
