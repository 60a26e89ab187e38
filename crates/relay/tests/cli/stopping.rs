//! The end: within five seconds, with exit code 0, and nothing promised is lost.

use relay_sim::{CustomerMessage, Fault, FaultAction, route};
use relay_testing::eventually;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Home, Sides};

#[tokio::test]
async fn a_signal_ends_an_idle_relay() {
    for signal in ["TERM", "INT"] {
        let home = Home::new();
        let mut server = home.serve(&["serve"]).await;
        server.signal(signal);
        assert!(server.ended().await.success(), "{signal}: {}", server.err());
        assert!(server.err().contains("stopping"), "{}", server.err());
        assert!(!server.err().contains("WARN") && !server.err().contains("ERROR"), "{}", server.err());
    }
}

#[tokio::test]
async fn hanging_callers_and_a_hanging_chatwoot_do_not_keep_it() {
    let sides = Sides::start().await;
    let home = Home::new().between(&sides);
    let mut server = home.serve(&["serve"]).await;
    home.run(&[
        "session",
        "add",
        "--name",
        "loja01",
        "--account",
        "1",
        "--inbox",
        &sides.inbox,
        "--token",
        "sim-admin-token",
    ])
    .await
    .succeeded();
    sides.codechat.scan_qr("loja01", "5511988887777");
    sides.chatwoot.fault(Fault::on(route::ALL, FaultAction::Hang { commit: false }));
    sides.codechat.customer_sends("loja01", &CustomerMessage::text("5511900000001", "oi"));
    eventually("Chatwoot to be called", async || sides.chatwoot.calls().keys().any(|route| route.contains("contact")))
        .await;
    let mut half = TcpStream::connect(("127.0.0.1", home.port)).await.unwrap();
    half.write_all(b"POST /codechat/webhook/loja01?token=x HTTP/1.1\r\nHost: x\r\nContent-Le").await.unwrap();
    let idle = TcpStream::connect(("127.0.0.1", home.port)).await.unwrap();
    server.signal("TERM");
    assert!(server.ended().await.success(), "{}", server.err());
    drop((half, idle));

    sides.chatwoot.clear_faults();
    let server = home.serve(&["serve"]).await;
    eventually("the message to arrive after all", async || sides.chatwoot.message_count() == 1).await;
    assert!(server.stop().await.success());
}
