//! The webhooks that are posted: texts of customers as CodeChat tells of them, about 1 kB each and no two alike.

use std::io::Write;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use serde_json::json;
use url::Url;

/// Chats that customers write in.
pub(super) const CHATS: usize = 200;

/// Stand for what differs from message to message; each is as wide as what replaces it.
const KEY: &str = "3AKKKKKKKKKKKKKKKKKK";
const PERSON: &str = "PPPPPPPP";
const SERIAL: &str = "SSSSSSSSSS";
/// Rows are 32-bit numbers; from here on they all have ten digits.
const FIRST_ROW: u64 = 1_000_000_000;

/// Where a session's webhooks go, and what they look like.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) address: SocketAddr,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Fixed(String),
    Key,
    Person,
    Serial,
}

impl Door {
    /// The door behind the URL that was given to CodeChat.
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let url = Url::parse(url)?;
        let address = url.socket_addrs(|| None)?.into_iter().next().context("the webhook URL has no address")?;
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let instance =
            url.path_segments().and_then(|mut path| path.next_back()).context("the webhook URL names no session")?;
        let body = body(instance)?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: axios/1.7.9\r\nAccept: application/json\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Ok(Self { address, pieces: cut(&format!("{head}{body}")) })
    }

    /// The request that tells of message `serial` in `chat`, in place of what `request` held.
    pub(super) fn write(&self, serial: u64, chat: usize, request: &mut Vec<u8>) {
        request.clear();
        for piece in &self.pieces {
            let written = match piece {
                Piece::Fixed(text) => request.write_all(text.as_bytes()),
                Piece::Key => write!(request, "3A{serial:018X}"),
                Piece::Person => write!(request, "{:08}", 10_000_000 + chat),
                Piece::Serial => write!(request, "{:010}", FIRST_ROW + serial),
            };
            written.expect("memory can be written to");
        }
    }
}

fn body(instance: &str) -> anyhow::Result<String> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let text = format!(
        "Mensagem {SERIAL}: bom dia! Gostaria de saber se o pedido já saiu para entrega, porque o rastreio não muda desde ontem. 😀 \
         Se precisar eu mando o comprovante e o endereço de novo, é só avisar por aqui."
    );
    let body = json!({
        "event": "messages.upsert",
        "instance": {
            "id": 1,
            "name": instance,
            "description": "Loja de teste",
            "connectionStatus": "ONLINE",
            "ownerJid": "5511988887777@s.whatsapp.net",
            "profilePicUrl": "https://pps.whatsapp.net/v/t61.24694-24/000000000_0000000000_n.jpg?ccb=11-4&oh=01_FAKE&oe=00000000",
            "createdAt": "2026-11-22T09:56:22.755Z",
            "updatedAt": "2026-11-22T09:56:22.755Z",
            "externalAttributes": null,
        },
        "data": {
            "keyId": KEY,
            "keyFromMe": false,
            "pushName": "Ana Souza",
            "keyRemoteJid": format!("55119{PERSON}@s.whatsapp.net"),
            "keyLid": format!("255119{PERSON}@lid"),
            "messageType": "conversation",
            "content": { "text": text },
            "messageTimestamp": seconds,
            "instanceId": 1,
            "device": "ios",
            "isGroup": false,
            "id": SERIAL,
            "info": { "type": "notify" },
        },
    });
    // a row id is a number
    Ok(body.to_string().replace(&format!("\"{SERIAL}\""), SERIAL))
}

fn cut(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((at, mark, piece)) = next_mark(rest) {
        let (before, after) = rest.split_at(at);
        pieces.push(Piece::Fixed(before.to_owned()));
        pieces.push(piece);
        rest = after.strip_prefix(mark).expect("the mark was found here");
    }
    pieces.push(Piece::Fixed(rest.to_owned()));
    pieces
}

fn next_mark(text: &str) -> Option<(usize, &'static str, Piece)> {
    let marks = [(KEY, Piece::Key), (PERSON, Piece::Person), (SERIAL, Piece::Serial)];
    let found = marks.into_iter().filter_map(|(mark, piece)| Some((text.find(mark)?, mark, piece)));
    found.min_by_key(|(at, ..)| *at)
}

/// Who writes the next message: chats in proportion to 1, 1/2, 1/3 …, mixed by a sequence that repeats from run to run.
#[derive(Clone, Debug)]
pub(super) struct Popularity(Vec<f64>);

impl Popularity {
    pub(super) fn zipf() -> Self {
        let weights = (1..=u32::try_from(CHATS).expect("a few chats")).map(|rank| 1.0 / f64::from(rank));
        let mut sum = 0.0;
        let sums: Vec<f64> = weights
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        Self(sums.into_iter().map(|partial| partial / sum).collect())
    }

    pub(super) fn chat_of(&self, serial: u64) -> usize {
        // multiples of the golden ratio spread evenly over the unit interval
        let hash = serial.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let share = f64::from(u32::try_from(hash).expect("32 bits")) / f64::from(u32::MAX);
        self.0.partition_point(|sum| *sum < share).min(CHATS - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn requests_are_complete_distinct_and_understood() {
        let door = Door::new("http://127.0.0.1:9/codechat/webhook/bench?token=t").unwrap();
        let mut keys = HashSet::new();
        let mut request = Vec::new();
        for serial in [0, 1, 999_999] {
            door.write(serial, 7, &mut request);
            let text = std::str::from_utf8(&request).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("POST /codechat/webhook/bench?token=t HTTP/1.1\r\n"), "{head}");
            assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
            let webhook = codechat::Webhook::parse(body.as_bytes()).unwrap();
            let upsert = codechat::Upsert::from_value(&webhook.data).unwrap();
            assert_eq!(upsert.remote_jid.as_deref(), Some("5511910000007@s.whatsapp.net"));
            assert_eq!(upsert.row_id, Some(i64::try_from(FIRST_ROW + serial).unwrap()));
            assert!(keys.insert(upsert.key_id));
            assert!((900..1200).contains(&body.len()), "{}", body.len());
        }
    }

    #[test]
    fn the_most_popular_chat_gets_a_sixth_and_every_chat_something() {
        let popularity = Popularity::zipf();
        let mut counts = [0_u32; CHATS];
        (0..20_000).for_each(|serial| counts[popularity.chat_of(serial)] += 1);
        assert!((3_200..3_600).contains(&counts[0]), "{}", counts[0]);
        assert!(counts.iter().all(|count| *count > 0));
    }
}
