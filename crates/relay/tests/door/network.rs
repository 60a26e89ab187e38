//! Callers that are slow, rude or devious on the wire.

use std::collections::HashSet;

use reqwest::StatusCode;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{customer_text, dial, post_head, post_json, raw, read_answer, received, settled_app};

const SLOW: usize = 100;

#[tokio::test]
async fn slow_callers_keep_nobody_waiting() {
    let app = settled_app().await;
    let door = app.codechat_webhook();
    let head = post_head(&door);
    let half_a_body = format!("{head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{\"event\":");
    let mut hanging: Vec<TcpStream> = Vec::new();
    for _ in 0..SLOW {
        let (mut in_the_head, mut in_the_body) = (dial(&door).await, dial(&door).await);
        in_the_head.write_all(&head.as_bytes()[..head.len() - 10]).await.unwrap();
        in_the_body.write_all(half_a_body.as_bytes()).await.unwrap();
        hanging.extend([in_the_head, in_the_body]);
    }
    for index in 0..20 {
        assert_eq!(post_json(&app, &door, format!(r#"{{"event":"made.up","n":{index}}}"#)).await, StatusCode::OK);
    }
    let metrics = app.http().get(app.base.join("/livez").unwrap()).send().await.unwrap();
    assert_eq!((metrics.status(), hanging.len()), (StatusCode::OK, 2 * SLOW));
    drop(hanging);
    assert_eq!(received(&app).await, 20);
    app.finish().await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_at_once_is_heard() {
    let app = settled_app().await;
    let door = app.codechat_webhook();
    let keys: HashSet<_> = (0..50).map(|index| format!("3AHANGUP0000000{index:05}")).collect();
    for key in &keys {
        let body = customer_text(key, key).to_string();
        let request = format!(
            "{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            post_head(&door),
            body.len()
        );
        let mut stream = dial(&door).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        drop(stream);
    }
    app.until("all 50 to be stored", async || received(&app).await == 50).await;
    app.chatwoot_has(50).await;
    let texts: HashSet<_> = app.relayed().into_iter().map(|message| message.content.unwrap()).collect();
    assert_eq!(texts, keys);
    app.finish().await;
}

#[tokio::test]
async fn half_a_body_is_no_event() {
    let app = settled_app().await;
    let door = app.codechat_webhook();
    // whole JSON, but less than was announced: it may be the beginning of another value
    let request = format!(
        "{}Content-Type: application/json\r\nContent-Length: 30\r\n\r\n{{\"event\":\"made.up\"}}",
        post_head(&door)
    );
    let mut stream = dial(&door).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = read_answer(&mut stream).await;
    assert!(answer.as_ref().is_none_or(|answer| answer.status == 400), "{answer:?}");
    assert_eq!(received(&app).await, 0);
    app.finish().await;
}

/// Two readers that disagree on where a request ends could let a second one slip through.
#[tokio::test]
async fn one_request_is_never_read_as_two() {
    let app = settled_app().await;
    let door = app.codechat_webhook();
    let head = format!("{}Content-Type: application/json\r\n", post_head(&door));
    let hidden = format!("{head}Content-Length: 19\r\n\r\n{{\"event\":\"hidden1\"}}");
    let refused = [
        ("two lengths", format!("{head}Content-Length: 2\r\nContent-Length: 20\r\n\r\n{{}}{hidden}")),
        ("signed length", format!("{head}Content-Length: +2\r\n\r\n{{}}{hidden}")),
        ("hexadecimal length", format!("{head}Content-Length: 0x2\r\n\r\n{{}}{hidden}")),
        ("list of lengths", format!("{head}Content-Length: 2, 20\r\n\r\n{{}}{hidden}")),
        ("folded header", format!("{head}X: a\r\n b\r\nContent-Length: 2\r\n\r\n{{}}")),
        ("blank before the colon", format!("{head}Content-Length : 2\r\n\r\n{{}}")),
        ("unknown coding", format!("{head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}")),
        ("chunked not last", format!("{head}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n{hidden}")),
        ("chunk size of words", format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n{hidden}")),
        ("negative chunk", format!("{head}Transfer-Encoding: chunked\r\n\r\n-2\r\n{{}}\r\n0\r\n\r\n{hidden}")),
        (
            "chunk size too long",
            format!("{head}Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{{}}\r\n0\r\n\r\n{hidden}"),
        ),
        ("header without colon", format!("{head}nothing\r\nContent-Length: 2\r\n\r\n{{}}")),
        ("NUL in a header", format!("{head}X: a\0b\r\nContent-Length: 2\r\n\r\n{{}}")),
        ("carriage return in a header", format!("{head}X: a\rContent-Length: 99\r\nContent-Length: 2\r\n\r\n{{}}")),
    ];
    for (name, request) in refused {
        let answer = raw(&door, request.as_bytes()).await;
        assert!(answer.as_ref().is_none_or(|answer| answer.status == 400), "{name}: {answer:?}");
    }
    assert_eq!(received(&app).await, 0);
    // with a length and a coding, the coding alone counts
    let both = format!(
        "{head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{{\"event\":\"visible1\"}}\r\n0\r\n\r\n"
    );
    assert_eq!(raw(&door, both.as_bytes()).await.unwrap().status, 200);
    assert_eq!(received(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn huge_headers_are_refused() {
    let app = settled_app().await;
    let door = app.codechat_webhook();
    let large = format!("{}X-Filler: {}\r\nContent-Length: 2\r\n\r\n{{}}", post_head(&door), "x".repeat(64 * 1024));
    let many = format!("{}{}Content-Length: 2\r\n\r\n{{}}", post_head(&door), "X: y\r\n".repeat(1000));
    let long = post_head(&door).replace("token=", &format!("filler={}&token=", "x".repeat(64 * 1024)));
    for request in [large, many, format!("{long}Content-Length: 2\r\n\r\n{{}}")] {
        let answer = raw(&door, request.as_bytes()).await;
        assert!(answer.as_ref().is_none_or(|answer| matches!(answer.status, 414 | 431)), "{answer:?}");
    }
    assert_eq!(post_json(&app, &door, "{}").await, StatusCode::OK);
    app.finish().await;
}
