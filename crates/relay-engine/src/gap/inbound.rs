//! What CodeChat has stored and no webhook told: its rows, newest first, down to the cursor.
//!
//! Rows of one second come in an order that changes from call to call, so one of them can be passed over when its second lies on
//! two pages; and a page shifts while messages arrive. A sweep of several pages is therefore gone through again, with ever larger
//! pages, until a pass finds nothing and has cut no second in two. What is found is held back until then: messages go out in their
//! order although they are found against it.

use std::time::Duration;

use codechat::{FindMessages, MessagePage, Record};
use relay_domain::Timestamp;
use relay_domain::backoff::Direction;
use relay_domain::id::WaMessageId;
use relay_store::{Cursor, Progress, Source};

use super::{Swept, begins};
use crate::Engine;
use crate::ingest::{Found, base_key, read_key, unattributed_key};
use crate::metrics::Recovered;
use crate::sessions::Live;
use crate::trouble::{Trouble, from_codechat};

/// Rows on a page, pass by pass; the last size is that of all further passes.
const PAGE_SIZES: [u32; 4] = [100, 250, 700, 2000];
/// Pages of a round.
const PAGES: u32 = 40;
/// How far below the cursor a sweep looks: CodeChat stores some messages later than WhatsApp dates them.
const MARGIN: Duration = Duration::from_mins(10);
/// A message this young may still be on its way by webhook, which tells more.
const YOUNG: Duration = Duration::from_secs(5);
/// How long a find is held back at most.
const HELD: Duration = Duration::from_mins(10);
/// Passes after which a sweep ends although the last one may have passed something over: more than [`PAGE_SIZES`] in one second.
const PASSES: u32 = 8;

/// What one page showed.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    /// Whether all of it lies below what is looked at, and is known.
    is_below: bool,
    /// Whether some of it lies there, and all of it is known.
    reaches_below: bool,
    /// Whether something was found that was there when the sweep began.
    has_found: bool,
    /// Whether something was too young.
    has_young: bool,
}

/// Something that nobody told of, as the webhook that would have.
struct Missing {
    body: Vec<u8>,
    /// A key of its own, when nobody can tell whose it is.
    key: Option<String>,
    /// Whether it has a place among other messages.
    is_message: bool,
}

impl Engine {
    pub(super) async fn sweep_in(&self, live: &Live, mut cursor: Cursor) -> Result<Swept, Trouble> {
        // a row may have been deleted since: one page is looked at again
        cursor.progress.page = cursor.progress.page.saturating_sub(1).max(1);
        let (mut is_early, mut above) = (false, None);
        for _ in 0..PAGES {
            let page = self.page_of(live, cursor.progress).await?;
            let is_cut = above.is_some() && above == page.records.first().map(sent_at);
            above = page.records.last().map(sent_at);
            if cursor.progress.newest == Timestamp::default() {
                cursor.progress.newest = self.newest_of(&page, cursor.done_to);
            }
            let shown = self.take_page(live, &cursor, &page).await?;
            is_early |= shown.has_young;
            cursor.progress.is_open |= shown.has_found || is_cut;
            // what one page shows is how it was at one moment
            let is_enough = shown.reaches_below && cursor.progress.page == 1 && cursor.progress.pass == 0;
            let is_last = is_enough || shown.is_below || i64::from(cursor.progress.page) >= page.pages;
            if !is_last {
                cursor.progress.page += 1;
            } else if end_pass(&mut cursor) {
                self.store.release_swept(live.id(), self.clock.now()).await?;
                self.store.arrived().notify_one();
                self.save_complete(live, Direction::In, cursor, is_early).await?;
                return Ok(Swept::Complete { is_early });
            } else {
                above = None;
            }
            self.save_progress(live, Direction::In, cursor).await?;
        }
        self.yield_sweep(live, Direction::In, cursor).await?;
        Ok(Swept::Partly)
    }

    async fn page_of(&self, live: &Live, progress: Progress) -> Result<MessagePage, Trouble> {
        let find = FindMessages { page: progress.page, page_size: page_size(progress.pass), ..FindMessages::default() };
        live.codechat.find_messages(live.name(), &find).await.map_err(from_codechat)
    }

    /// The time of the newest row, never ahead of ours: nothing is to be passed over for a wrong date.
    fn newest_of(&self, page: &MessagePage, otherwise: Timestamp) -> Timestamp {
        let newest = page.records.iter().map(sent_at).max();
        newest.map_or(otherwise, |newest| newest.min(self.clock.now()))
    }

    async fn take_page(&self, live: &Live, cursor: &Cursor, page: &MessagePage) -> Result<Shown, Trouble> {
        let now = self.clock.now();
        let begins = begins(live, now);
        let floor = (cursor.done_to - MARGIN).max(begins);
        let rows: Vec<_> = page.records.iter().filter(|record| sent_at(record) >= begins).collect();
        let (young, old): (Vec<_>, Vec<_>) =
            self.unknown(live, &rows).await?.into_iter().partition(|record| sent_at(record) + YOUNG > now);
        let shown = Shown {
            is_below: old.is_empty() && page.records.iter().all(|record| sent_at(record) < floor),
            reaches_below: old.is_empty() && page.records.iter().any(|record| sent_at(record) < floor),
            has_found: old.iter().any(|record| sent_at(record) <= cursor.progress.newest),
            has_young: !young.is_empty(),
        };
        let mut missing = Vec::new();
        for record in old {
            missing.extend(self.missing(live, record).await?);
        }
        missing.extend(self.missed_readings(live, &rows).await?);
        let taken = missing.into_iter().map(|missing| self.take_missing(live, missing, now + HELD));
        futures_util::future::try_join_all(taken).await?;
        Ok(shown)
    }

    /// The rows that no event is known of, whoever its author was said to be. A text sent through the API has two.
    async fn unknown<'a>(&self, live: &Live, rows: &[&'a Record]) -> Result<Vec<&'a Record>, Trouble> {
        let keys = rows.iter().flat_map(|record| [base_key(&record.message), unattributed_key(&record.message)]);
        let keys: Vec<_> = keys.collect();
        let mut known = self.store.known_keys(live.id(), Source::CodeChat, &keys).await?;
        let mut unknown = Vec::new();
        for record in rows {
            let key = base_key(&record.message);
            if !known.contains(&unattributed_key(&record.message)) && known.insert(key) {
                unknown.push(*record);
            }
        }
        Ok(unknown)
    }

    /// What is to be stored of an unknown row. Nobody can tell whose it is when CodeChat does not name its chat.
    async fn missing(&self, live: &Live, record: &Record) -> Result<Option<Missing>, Trouble> {
        let message = &record.message;
        let has_chat = message.remote_jid.is_some() || message.lid.is_some();
        let key = (!has_chat).then(|| unattributed_key(message));
        if key.is_some() && message.from_me {
            let links = self.store.links_by_wa(live.id(), &WaMessageId::new(&message.key_id)).await?;
            if links.iter().any(|link| link.key.direction == Direction::Out) {
                return Ok(None);
            }
        }
        Ok(Some(Missing { body: record.to_webhook(live.name()), key, is_message: true }))
    }

    /// That our messages were read, where nobody told.
    async fn missed_readings(&self, live: &Live, rows: &[&Record]) -> Result<Vec<Missing>, Trouble> {
        let read: Vec<_> = rows.iter().filter_map(|record| Some((record, record.read_webhook(live.name())?))).collect();
        let keys: Vec<_> = read.iter().map(|(record, _)| read_key(&record.message)).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut known = self.store.known_keys(live.id(), Source::CodeChat, &keys).await?;
        let news = read.into_iter().filter(|(record, _)| known.insert(read_key(&record.message)));
        Ok(news.map(|(_, body)| Missing { body, key: None, is_message: false }).collect())
    }

    async fn take_missing(&self, live: &Live, missing: Missing, held_to: Timestamp) -> Result<(), Trouble> {
        let what = match (&missing.key, missing.is_message) {
            (Some(_), _) => "unattributed",
            (None, true) => "message",
            (None, false) => "receipt",
        };
        let found = Found {
            source: Source::CodeChat,
            body: missing.body.into(),
            key: missing.key,
            received_at: self.clock.now(),
            run_at: missing.is_message.then_some(held_to),
        };
        if self.accept_found(live, found).await? {
            let labels = Recovered { session: live.name().to_owned(), direction: "in", what };
            self.metrics.recovered.get_or_create(&labels).inc();
        }
        Ok(())
    }
}

/// Ends a pass; `true` when it was the last.
fn end_pass(cursor: &mut Cursor) -> bool {
    let progress = cursor.progress;
    // one page is what there was at one moment: nothing can have slipped between two
    let is_whole = progress.pass == 0 && progress.page == 1;
    let is_agreed = progress.pass > 0 && !progress.is_open;
    if is_whole || is_agreed || progress.pass >= PASSES {
        cursor.done_to = cursor.done_to.max(progress.newest);
        return true;
    }
    cursor.progress = Progress { pass: progress.pass + 1, page: 1, is_open: false, ..progress };
    false
}

fn page_size(pass: u32) -> u32 {
    let pass = usize::try_from(pass).unwrap_or(usize::MAX);
    PAGE_SIZES.get(pass).or(PAGE_SIZES.last()).copied().unwrap_or(FindMessages::default().page_size)
}

/// When it was written; a row without a time is as old as can be.
fn sent_at(record: &Record) -> Timestamp {
    Timestamp::from_secs(record.message.timestamp.unwrap_or(0))
}
