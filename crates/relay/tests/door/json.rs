//! The inside of a webhook: everything that is JSON is kept, whatever it says; nothing else is.

use relay_testing::Database;
use reqwest::StatusCode;

use crate::support::{customer_text, post, post_json, post_signed, received, settled_app, settled_on};

/// Bodies that are no JSON, with a name.
fn not_json() -> Vec<(&'static str, Vec<u8>)> {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000)).into_bytes();
    vec![
        ("empty", Vec::new()),
        ("blank", b" \r\n\t ".to_vec()),
        ("truncated", br#"{"event":"messages.upsert","data":{"#.to_vec()),
        ("cut string", br#"{"event":"mess"#.to_vec()),
        ("two values", br#"{"event":"x"}{"event":"y"}"#.to_vec()),
        ("trailing comma", br#"{"event":"x",}"#.to_vec()),
        ("single quotes", b"{'event':'x'}".to_vec()),
        ("comment", b"{\"event\":\"x\"} // no".to_vec()),
        ("NaN", br#"{"event":"x","n":NaN}"#.to_vec()),
        ("Infinity", br#"{"event":"x","n":-Infinity}"#.to_vec()),
        ("huge exponent", br#"{"event":"x","n":1e999}"#.to_vec()),
        ("leading zero", br#"{"event":"x","n":01}"#.to_vec()),
        ("byte order mark", b"\xef\xbb\xbf{\"event\":\"x\"}".to_vec()),
        ("UTF-16", b"\xff\xfe{\0}\0".to_vec()),
        ("invalid UTF-8 outside of texts", b"{\"event\":\"x\",\xff}".to_vec()),
        ("raw control character", b"{\"event\":\"x\ny\"}".to_vec()),
        ("NUL byte", b"{\"event\":\"x\"}\0".to_vec()),
        ("form", b"event=x&data=y".to_vec()),
        ("page", b"<html></html>".to_vec()),
        ("100,000 arrays", deep("[", "]")),
        (
            "100,000 objects",
            [&br#"{"event":"messages.upsert","instance":"loja01","data":"#[..], &deep(r#"{"a":"#, "}")[..], b"}"]
                .concat(),
        ),
        ("100,000 openings", "[".repeat(100_000).into_bytes()),
    ]
}

#[tokio::test]
async fn what_is_not_json_is_refused_at_both_doors() {
    let app = settled_app().await;
    for (name, body) in not_json() {
        let (status, answer) =
            post(&app, &app.codechat_webhook(), &[("content-type", "application/json")], body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "CodeChat, {name}: {answer}");
        let (status, answer) = post_signed(&app, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "Chatwoot, {name}: {answer}");
    }
    assert_eq!(received(&app).await, 0);
    app.finish().await;
}

/// Half a character inside a text: CodeChat cuts texts so, and the message around it counts; Chatwoot never does.
#[tokio::test]
async fn a_text_with_broken_characters_is_kept_from_codechat() {
    let app = settled_app().await;
    for (index, odd) in [&b"\xff\xfe"[..], b"\xc0\xaf", b"\xed\xa0\xbd", b"\xe2\x82"].iter().enumerate() {
        let body = [&br#"{"event":"made.up","t":""#[..], odd, format!("{index}\"}}").as_bytes()].concat();
        assert_eq!(post_json(&app, &app.codechat_webhook(), body.clone()).await, StatusCode::OK, "{odd:?}");
        assert_eq!(post_signed(&app, body).await.0, StatusCode::BAD_REQUEST, "{odd:?}");
    }
    assert_eq!(received(&app).await, 4);
    app.finish().await;
}

/// Bodies that are JSON and mean nothing here.
fn odd_json() -> Vec<(&'static str, String)> {
    let nested = |count: usize| format!(r#"{{"event":"made.up","data":{}1{}}}"#, "[".repeat(count), "]".repeat(count));
    vec![
        ("empty object", "{}".to_owned()),
        ("array", r#"[{"event":"messages.upsert"}]"#.to_owned()),
        ("string", r#""messages.upsert""#.to_owned()),
        ("number", "42".to_owned()),
        ("null", "null".to_owned()),
        ("true", "true".to_owned()),
        ("unknown event", r#"{"event":"messages.telepathy","instance":{"name":"loja01"},"data":{}}"#.to_owned()),
        ("event of another type", r#"{"event":{"name":"messages.upsert"}}"#.to_owned()),
        ("event without data", r#"{"event":"messages.upsert","instance":{"name":"loja01"}}"#.to_owned()),
        ("message without fields", r#"{"event":"message_created","id":7}"#.to_owned()),
        (
            "data of another type",
            r#"{"event":"messages.upsert","instance":{"name":"loja01"},"data":[1,"a",null]}"#.to_owned(),
        ),
        ("instance without name", r#"{"event":"messages.upsert","instance":7,"data":{}}"#.to_owned()),
        ("empty event", r#"{"event":"","data":{}}"#.to_owned()),
        ("long event", format!(r#"{{"event":"{}"}}"#, "x".repeat(1_000_000))),
        ("line break in the event", r#"{"event":"a\nb\u001b]0;c\u0007"}"#.to_owned()),
        ("NUL in the event", r#"{"event":"a\u0000b","instance":{"name":"loja01"}}"#.to_owned()),
        ("huge whole number", format!(r#"{{"event":"made.up","n":{}}}"#, "9".repeat(300))),
        ("100 deep", nested(100)),
        ("blanks around", " \n {\"event\":\"made.up.too\"} \r\n".to_owned()),
        ("keys twice", r#"{"event":"made.up","event":"made.up.again","a":1,"a":2}"#.to_owned()),
    ]
}

async fn json_of_any_meaning_is_kept(database: Database) {
    let app = settled_on(database).await;
    for (name, body) in odd_json() {
        let before = received(&app).await;
        let (status, answer) =
            post(&app, &app.codechat_webhook(), &[("content-type", "application/json")], body.clone()).await;
        assert_eq!(status, StatusCode::OK, "CodeChat, {name}: {answer}");
        let (status, answer) = post_signed(&app, body).await;
        assert_eq!(status, StatusCode::OK, "Chatwoot, {name}: {answer}");
        assert_eq!(received(&app).await, before + 2, "{name} was not stored");
    }
    let tally = app.finish().await;
    assert_eq!((tally.ignored, tally.dead), (tally.received, 0));
}

#[tokio::test]
async fn json_of_any_meaning_is_kept_on_sqlite() {
    json_of_any_meaning_is_kept(Database::Sqlite).await;
}

#[tokio::test]
async fn json_of_any_meaning_is_kept_on_postgres() {
    json_of_any_meaning_is_kept(Database::Postgres).await;
}

async fn no_character_of_a_stranger_stops_a_message(database: Database) {
    let app = settled_on(database).await;
    // NUL, half an emoji, right-to-left override, an escape sequence: in every field a stranger fills
    let odd = r"Zé\u0000\ud83d\u202e\u001b[31m";
    let plain = customer_text("3AODD000000000000001", "MARK").to_string();
    let text = plain.replace("MARK", odd);
    let name = plain
        .replace("3AODD000000000000001", "3AODD000000000000002")
        .replace("Ana Souza", odd)
        .replace("5511900000001", "5511900000002");
    let key = plain.replace("3AODD000000000000001", r"3AODD\u0000").replace("5511900000001", "5511900000003");
    let name = name.replace("200000000000001", "200000000000002");
    let key = key.replace("200000000000001", "200000000000003");
    for body in [text, name, key] {
        assert_eq!(post_json(&app, &app.codechat_webhook(), body.clone()).await, StatusCode::OK, "{body}");
    }
    app.until("two messages", async || app.relayed().len() >= 2).await;
    let texts: Vec<_> = app.relayed().into_iter().filter_map(|message| message.content).collect();
    assert!(texts.iter().all(|text| !text.contains('\0')), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("Zé")), "{texts:?}");
    let names: Vec<_> = app.chatwoot.contacts().into_iter().map(|contact| contact.name).collect();
    assert!(names.iter().any(|name| name.contains("Zé")) && names.iter().all(|name| !name.contains('\0')), "{names:?}");
    app.finish().await;
}

#[tokio::test]
async fn no_character_of_a_stranger_stops_a_message_on_sqlite() {
    no_character_of_a_stranger_stops_a_message(Database::Sqlite).await;
}

#[tokio::test]
async fn no_character_of_a_stranger_stops_a_message_on_postgres() {
    no_character_of_a_stranger_stops_a_message(Database::Postgres).await;
}

/// Of two equal keys the last one counts, at the top and inside.
#[tokio::test]
async fn the_last_of_two_equal_keys_counts() {
    let app = settled_app().await;
    let body = customer_text("3ATWICE0000000000001", "last").to_string();
    let body =
        body.replacen('{', r#"{"event":"made.up","#, 1).replace(r#""text":"last""#, r#""text":"first","text":"last""#);
    assert_eq!(post_json(&app, &app.codechat_webhook(), body).await, StatusCode::OK);
    app.chatwoot_has(1).await;
    assert_eq!(app.relayed()[0].content.as_deref(), Some("last"));
    app.finish().await;
}
