//! The envelope of a webhook: its content type, its encoding, its size.

use reqwest::StatusCode;
use tokio::io::AsyncWriteExt;

use crate::support::{dial, post, post_head, post_json, raw, read_answer, received, settled_app};

const LIMIT: usize = 2 * 1024 * 1024;

#[tokio::test]
async fn only_json_is_taken_in_whatever_spelling() {
    let app = settled_app().await;
    let door = app.codechat_webhook();
    let table = [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("application/json;charset=UTF-8", 200),
        ("application/json ; charset=\"utf-8\"", 200),
        ("application/json;", 200),
        ("application/json; charset=utf-8; boundary=x", 200),
        ("APPLICATION/JSON", 200),
        ("Application/Json; Charset=Utf-8", 200),
        ("  application/json  ", 200),
        ("application/json\t; charset=utf-8", 200),
        ("text/json", 415),
        ("application/x-json", 415),
        ("application/json5", 415),
        ("application/jsonp", 415),
        ("application/ld+json", 415),
        ("application/problem+json", 415),
        ("application /json", 415),
        ("application/json, text/plain", 415),
        ("text/plain; application/json", 415),
        ("text/plain", 415),
        ("multipart/form-data; boundary=application/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/octet-stream", 415),
        ("*/*", 415),
        ("json", 415),
        ("", 415),
        (";", 415),
    ];
    for (index, (content_type, expected)) in table.iter().enumerate() {
        let body = format!(r#"{{"event":"made.up","n":{index}}}"#);
        for door in [&door] {
            let (status, answer) = post(&app, door, &[("content-type", content_type)], body.clone()).await;
            assert_eq!(status.as_u16(), *expected, "{content_type:?}: {answer}");
        }
    }
    let (status, _) = post(&app, &door, &[], "{}").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "no content type");
    let odd = format!("{}Content-Type: application/json\u{e9}\r\nContent-Length: 2\r\n\r\n{{}}", post_head(&door));
    assert_eq!(raw(&door, odd.as_bytes()).await.unwrap().status, 415, "not ASCII");
    let taken = table.iter().filter(|(_, status)| *status == 200).count();
    assert_eq!(received(&app).await, i64::try_from(taken).unwrap());
    app.finish().await;
}

#[tokio::test]
async fn compressed_bodies_stay_outside() {
    let app = settled_app().await;
    let door = app.codechat_webhook();
    for (encoding, expected) in [
        ("gzip", 415),
        ("GZIP", 415),
        ("br", 415),
        ("deflate", 415),
        ("zstd", 415),
        ("identity, gzip", 415),
        ("identity", 200),
        ("Identity", 200),
    ] {
        let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
        let (status, answer) = post(&app, &door, &headers, format!(r#"{{"event":"made.up","e":"{encoding}"}}"#)).await;
        assert_eq!(status.as_u16(), expected, "{encoding}: {answer}");
    }
    assert_eq!(received(&app).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn the_limit_is_two_megabytes_to_the_byte() {
    let app = settled_app().await;
    let door = app.codechat_webhook();
    let frame = r#"{"event":"made.up","x":""}"#;
    let full = frame.replace("\"\"", &format!("\"{}\"", "x".repeat(LIMIT - frame.len())));
    assert_eq!(full.len(), LIMIT);
    assert_eq!(post_json(&app, &door, full.clone()).await, StatusCode::OK);
    assert_eq!(post_json(&app, &door, "x".repeat(LIMIT)).await, StatusCode::BAD_REQUEST);
    assert_eq!(received(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_declared_excess_is_refused_before_it_is_sent() {
    let app = settled_app().await;
    for door in [app.codechat_webhook(), app.chatwoot_webhook()] {
        for length in [(LIMIT + 1).to_string(), "99999999999".to_owned()] {
            let head =
                format!("{}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n", post_head(&door));
            let answer = raw(&door, head.as_bytes()).await.unwrap();
            assert_eq!(answer.status, 413, "{answer:?}");
            assert!(answer.body.contains("2 MB"), "{answer:?}");
        }
    }
    assert_eq!(received(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn an_undeclared_excess_is_refused_while_it_comes() {
    let app = settled_app().await;
    let door = app.codechat_webhook();
    let mut stream = dial(&door).await;
    let head = format!("{}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", post_head(&door));
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let mut chunks = 0;
    // never ends by itself: the answer has to come while the body is still on its way
    let answer = loop {
        let mut peeked = [0; 1];
        tokio::select! {
            biased;
            _ = stream.peek(&mut peeked) => break read_answer(&mut stream).await.unwrap(),
            sent = write(&door, &chunk, &stream) => { sent.unwrap(); chunks += 1 }
        }
        assert!(chunks < 1000, "64 MB were taken in");
    };
    assert_eq!(answer.status, 413, "{answer:?}");
    assert!(chunks >= 32, "refused after {chunks} chunks");
    let whole = format!("{}0\r\n\r\n", chunk.repeat(48));
    let answer = raw(&door, format!("{head}{whole}").as_bytes()).await;
    assert!(answer.is_none_or(|answer| answer.status == 413));
    assert_eq!(received(&app).await, 0);
    app.finish().await;
}

async fn write(_door: &str, chunk: &str, stream: &tokio::net::TcpStream) -> std::io::Result<()> {
    let mut rest = chunk.as_bytes();
    while !rest.is_empty() {
        stream.writable().await?;
        match stream.try_write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            // hung up on: the answer is there to be read
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}
