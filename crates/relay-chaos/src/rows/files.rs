//! Files that are gone, that never end, or that are not what they say they are.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use relay_sim::{AgentMessage, Fault, Kind, LedgerMessage, MediaFlow, assets, clock, route};
use serde_json::json;

use crate::row::{Context, On, Outcome, Row};
use crate::traffic::{CHATS, Traffic};
use crate::verdict::Verdicts;
use crate::world::{Setup, World};

/// F31: WhatsApp, or CodeChat, no longer has the file.
pub(crate) const F31: Row = Row {
    id: "F31",
    title: "Media 404, 410, expired",
    quick: Some(0.1),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(gone(context)),
};

/// F32: files of a gigabyte, endless ones, and such as come at a kilobyte a second.
pub(crate) const F32: Row = Row {
    id: "F32",
    title: "Huge, endless and slow media",
    quick: None,
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(endless(context)),
};

/// F33: files with the wrong type, without a byte, or broken.
pub(crate) const F33: Row = Row {
    id: "F33",
    title: "Wrong type, zero bytes, broken recordings",
    quick: Some(0.1),
    on: On::Both,
    is_alone: false,
    run: |context| Box::pin(broken(context)),
};

/// What stands in the place of a file that could not be had (see `relay-domain`'s notes, English).
const PLACEHOLDER: &str = "📎";
/// No lane may be held up for longer.
const LONGEST_DELAY: Duration = Duration::from_mins(2);

async fn gone(context: &Context) -> Result<Outcome> {
    let each = context.scaled(100);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let mut outcome = Outcome::default();
    let mut lost = Vec::new();
    for way in ["expired", "404", "410"] {
        if let Ok(status) = way.parse() {
            world.chatwoot.clear_faults();
            world.codechat.fault(Fault::status(route::MEDIA_DATA, status));
        }
        let before = fetches(&world);
        for number in 0..each {
            let (chat, kind) = (number % CHATS, file_of(number));
            let key = traffic.customer_writes(&world, 0, chat, kind).context("the instance exists")?;
            if way == "expired" {
                world.codechat.expire_media(&world.tenants[0].session, &key);
            }
            lost.push(key);
            traffic.customer_writes(&world, 0, chat, Kind::Text(format!("after {way} {number}")));
        }
        world.drain(&traffic, Duration::from_mins(5)).await?;
        world.codechat.clear_faults();
        outcome.exactly(&format!("{way}: fetches, two for each file"), each as u64 * 2, fetches(&world) - before);
    }
    let drained = world.drain(&traffic, Duration::from_mins(5)).await?;
    outcome.exactly("files gone", each * 3, lost.len());
    outcome.none("files gone without a placeholder", &without_placeholder(&world, &lost));
    outcome.exactly("marked late", 0, drained.verdicts.inbound.late.len());
    drained.zeros(&mut outcome);
    Ok(outcome)
}

fn file_of(number: usize) -> Kind {
    match number % 4 {
        0 => Kind::Image(Some(format!("picture {number}"))),
        1 => Kind::Voice,
        2 => Kind::Video(None),
        _ => Kind::Document(format!("{number}.pdf")),
    }
}

fn fetches(world: &World) -> u64 {
    world.codechat.calls().iter().filter(|(route, _)| route.contains(route::MEDIA_DATA)).map(|(_, count)| *count).sum()
}

/// The messages in Chatwoot by their WhatsApp ids.
fn relayed(world: &World) -> HashMap<String, LedgerMessage> {
    let all = world.chatwoot.messages().into_iter();
    all.filter_map(|message| Some((message.source_id.as_deref()?.strip_prefix("WAID:")?.to_owned(), message))).collect()
}

fn is_placeholder(message: &LedgerMessage) -> bool {
    message.attachments.is_empty() && message.content.as_deref().is_some_and(|text| text.contains(PLACEHOLDER))
}

fn without_placeholder(world: &World, keys: &[String]) -> Vec<String> {
    let relayed = relayed(world);
    keys.iter().filter(|key| !relayed.get(*key).is_some_and(is_placeholder)).cloned().collect()
}

/// A document whose bytes come from `media_key`, and which claims to have so many.
fn document(media_key: &str, claimed: u64) -> Kind {
    let name = format!("{media_key}.zip");
    Kind::Raw(
        "documentMessage".to_owned(),
        json!({
            "url": "https://mmg.whatsapp.net/v/t62.7119-24/1_n.enc", "directPath": "/v/t62.7119-24/1_n.enc",
            "mimetype": "application/zip", "fileName": name, "title": name, "mediaKey": media_key,
            "fileLength": claimed.to_string(), "fileSha256": "", "fileEncSha256": "",
        }),
    )
}

async fn endless(context: &Context) -> Result<Outcome> {
    const CAP: u64 = 40_000_000;
    const GIGABYTE: u64 = 1_000_000_000;
    let each = context.scaled(5);
    let mut world = World::start(context, Setup::default()).await?;
    let kinds = [
        ("a gigabyte, as announced", MediaFlow::Huge { bytes: GIGABYTE }, GIGABYTE),
        ("a gigabyte, announced as little", MediaFlow::Huge { bytes: GIGABYTE }, 1000),
        ("endless", MediaFlow::Endless, 1000),
        ("a kilobyte a second", MediaFlow::Slow { bytes_per_second: 1000 }, 1000),
    ];
    let mut traffic = Traffic::begin(context, &mut world, each * kinds.len()).await?;
    world.lull().await;
    let spool = SpoolWatch::start(world.folder.path().join("data/spool"));
    let (mut files, mut texts) = (Vec::new(), Vec::new());
    for (row, (name, flow, claimed)) in kinds.iter().enumerate() {
        for number in 0..each {
            let (chat, media_key) = (row * each + number, STANDARD.encode(format!("{row:016}{number:016}")));
            world.codechat.flow_media(&media_key, *flow);
            let key = traffic.customer_writes(&world, 0, chat, document(&media_key, *claimed));
            files.push((*name, media_key, key.context("the instance exists")?));
            let text = Kind::Text(format!("behind a file {chat}"));
            let key = traffic.customer_writes(&world, 0, chat, text).context("the instance exists")?;
            texts.push((*name, key, clock::now_ms()));
        }
    }
    // by the clock on the wall: what is slow is slow there
    let keys: Vec<String> = texts.iter().map(|(_, key, _)| key.clone()).collect();
    let wanted = keys.clone();
    let all_there = move |world: &World| {
        let relayed = relayed(world);
        wanted.iter().all(|key| relayed.contains_key(key))
    };
    world.until("the texts behind the files", Duration::from_mins(6), all_there).await?;
    let mut outcome = Outcome::default();
    let relayed = relayed(&world);
    for (name, _, _) in &kinds {
        let delays = texts.iter().filter(|(of, ..)| of == name);
        let delays = delays.map(|(_, key, at)| relayed.get(key).map_or(i64::MAX, |it| it.created_ms - at));
        let longest = Duration::from_millis(u64::try_from(delays.max().unwrap_or(0)).unwrap_or(u64::MAX));
        outcome.at_most(&format!("{name}: lane held up, in seconds"), LONGEST_DELAY.as_secs(), longest.as_secs());
        let keys = files.iter().filter(|(of, ..)| of == name);
        let taken = keys.map(|(_, media_key, _)| world.codechat.media_taken(media_key)).max().unwrap_or(0);
        outcome.figure(&format!("{name}: handed over, network buffers included, in bytes"), taken);
    }
    let keys: Vec<String> = files.into_iter().map(|(_, _, key)| key).collect();
    outcome.none("files without a placeholder", &without_placeholder(&world, &keys));
    outcome.at_most("largest file on disk, in bytes", CAP + 1_000_000, spool.largest());
    outcome.at_most("memory of the relay, in MB", 200, world.peak_megabytes());
    let drained = world.drain(&traffic, Duration::from_mins(2)).await?;
    drained.zeros(&mut outcome);
    Ok(outcome)
}

/// Looks again and again at how large the files in transit are.
struct SpoolWatch {
    largest: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

impl SpoolWatch {
    fn start(folder: PathBuf) -> Self {
        let watch = Self { largest: Arc::default(), is_over: Arc::default() };
        let (largest, is_over) = (Arc::clone(&watch.largest), Arc::clone(&watch.is_over));
        std::thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
                let sizes = files.filter_map(|file| file.metadata().ok()).map(|file| file.len());
                largest.fetch_max(sizes.max().unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        watch
    }

    fn largest(&self) -> u64 {
        self.largest.load(Ordering::Relaxed)
    }
}

impl Drop for SpoolWatch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

const GARBAGE: &[u8] = b"OggS\0\x02 this is no recording, no picture, and nothing else that anybody could open";

async fn broken(context: &Context) -> Result<Outcome> {
    let turns = context.scaled(30);
    let mut world = World::start(context, Setup::default()).await?;
    let mut traffic = Traffic::begin(context, &mut world, CHATS).await?;
    let (mut from_customers, mut from_agents) = (Vec::new(), Vec::new());
    for turn in 0..turns {
        for (index, kind) in broken_of_customers(&world, turn).into_iter().enumerate() {
            let chat = (turn + index) % CHATS;
            from_customers.push(traffic.customer_writes(&world, 0, chat, kind).context("the instance exists")?);
            traffic.customer_writes(&world, 0, chat, Kind::Text(format!("goes on {turn} {index}")));
        }
        for (index, message) in broken_of_agents(turn).into_iter().enumerate() {
            let chat = (turn + index) % CHATS;
            let conversation = traffic.conversation(0, chat);
            let id = world.chatwoot.agent_sends(conversation, message).context("the conversation exists")?;
            from_agents.push((id, format!("broken {turn} {index}")));
            traffic.agent_writes(&world, 0, chat, AgentMessage::text(format!("goes on out {turn} {index}")));
        }
    }
    world.drain_calmly(&traffic, Duration::from_mins(15)).await?;
    let verdicts = Verdicts::of(&world, &traffic);
    let mut outcome = Outcome::default();
    outcome.figure("broken files of customers", from_customers.len());
    outcome.figure("broken files of agents", from_agents.len());
    let relayed = relayed(&world);
    let invisible = from_customers.iter().filter(|key| {
        !relayed.get(*key).is_some_and(|message| !message.attachments.is_empty() || message.content.is_some())
    });
    outcome.none("of customers, neither there nor told of", &invisible.cloned().collect::<Vec<_>>());
    let submissions = world.codechat.submissions();
    let untold = from_agents.iter().filter(|(id, text)| {
        let was_sent = submissions.iter().any(|it| it.text.as_deref() == Some(text));
        let is_told =
            world.chatwoot.message(*id).is_some_and(|it| it.status == "failed" && it.external_error.is_some());
        !was_sent && !is_told
    });
    outcome.none("of agents, neither sent nor told of", &untold.map(|(id, _)| id.to_string()).collect::<Vec<_>>());
    let as_documents = submissions.iter().filter(|it| it.kind == "documentMessage").count();
    outcome.figure("of agents, sent as documents", as_documents);
    outcome.none("texts of customers lost", &verdicts.inbound.verdict.lost);
    outcome.none("texts of agents lost", &verdicts.outbound.verdict.lost);
    outcome.none("texts of agents refused", &verdicts.outbound.refused);
    outcome.none("in reordered", &verdicts.inbound.verdict.reordered);
    outcome.none("out reordered", &verdicts.outbound.verdict.reordered);
    let events = world.events().await?;
    outcome.exactly("events pending", 0, events.pending);
    outcome.exactly("events unexplained", 0, events.unexplained());
    outcome.figure("dead letters, each told of", events.dead);
    Ok(outcome)
}

fn broken_of_customers(world: &World, turn: usize) -> Vec<Kind> {
    let key = |what: &str| STANDARD.encode(format!("{what:>16}{turn:016}"));
    let raw = |kind: &str, what: &str, mime: &str, bytes: &'static [u8]| {
        world.codechat.serve_media(&key(what), bytes);
        let content = json!({
            "url": "https://mmg.whatsapp.net/v/t62.7119-24/1_n.enc", "directPath": "/v/t62.7119-24/1_n.enc",
            "mimetype": mime, "mediaKey": key(what), "fileLength": bytes.len().to_string(), "seconds": 1, "ptt": true,
        });
        Kind::Raw(kind.to_owned(), content)
    };
    vec![
        Kind::File("photo.jpg".to_owned(), "image/jpeg".to_owned(), STANDARD.encode(assets::DOCUMENT.bytes)),
        Kind::File("empty.pdf".to_owned(), "application/pdf".to_owned(), String::new()),
        Kind::File("what.bin".to_owned(), "not a type".to_owned(), STANDARD.encode(GARBAGE)),
        raw("imageMessage", "picture", "image/jpeg", GARBAGE),
        raw("imageMessage", "empty picture", "image/jpeg", b""),
        raw("audioMessage", "recording", "audio/ogg; codecs=opus", GARBAGE),
        raw("audioMessage", "empty recording", "audio/ogg; codecs=opus", b""),
        raw("audioMessage", "no recording", "image/png", assets::PICTURE.bytes),
    ]
}

fn broken_of_agents(turn: usize) -> Vec<AgentMessage> {
    let files: [(&str, &str, &'static [u8], bool); 6] = [
        ("photo.jpg", "image/jpeg", GARBAGE, false),
        ("photo.png", "image/png", b"", false),
        ("paper.pdf", "application/pdf", b"", false),
        ("picture.pdf", "application/pdf", assets::PICTURE.bytes, false),
        ("voice.mp3", "audio/mpeg", GARBAGE, true),
        ("voice.ogg", "audio/ogg", b"", true),
    ];
    let message = |(index, (name, mime, bytes, is_voice)): (usize, (&str, &str, &'static [u8], bool))| AgentMessage {
        is_voice,
        ..AgentMessage::file(name, mime, bytes, Some(&format!("broken {turn} {index}")))
    };
    files.into_iter().enumerate().map(message).collect()
}
