//! The first start, the second one, and those that must not happen.

use std::os::unix::fs::PermissionsExt;

use crate::support::Home;

#[tokio::test]
async fn keys_are_made_once_and_kept_private() {
    let home = Home::new();
    let server = home.serve(&["serve"]).await;
    let said = server.out();
    assert!(said.contains(&format!("on 127.0.0.1:{}, 0 sessions", home.port)), "{said}");
    assert!(said.contains("SECRET_KEY was made and kept in data/secret.key"), "{said}");
    assert!(said.contains("API_KEY was made and kept in data/api.key"), "{said}");
    assert!(said.contains("next: relay setup ") && said.contains("relay demo "), "{said}");
    let mode = |name: &str| std::fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("data"), mode("data/secret.key"), mode("data/api.key")), (0o700, 0o600, 0o600));
    let keys = ["secret.key", "api.key"].map(|name| std::fs::read_to_string(home.path("data").join(name)).unwrap());
    assert!(
        keys.iter().all(|key| key.len() >= 43 && !said.contains(key.as_str()) && !server.err().contains(key.as_str())),
        "{said}"
    );
    let http = relay_engine::http::client().unwrap();
    let list =
        async |key: &str| http.get(home.url("/session")).header("api-key", key).send().await.unwrap().status().as_u16();
    assert_eq!((list(&keys[1]).await, list(&keys[0]).await, list("").await), (200, 401, 401));
    assert!(server.stop().await.success());

    let server = home.serve(&[]).await;
    assert!(!server.out().contains("was made"), "{}", server.out());
    assert_eq!(list(&keys[1]).await, 200);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn another_secret_key_is_refused_with_the_reason() {
    let home = Home::new();
    assert!(home.serve(&["serve"]).await.stop().await.success());
    let said = home.run(&["serve", "--secret-key", "another-key-entirely"]).await;
    said.failed_with(&["SECRET_KEY is not the key this database was encrypted with; restore the original key"]);
    assert!(!said.err.contains("another-key-entirely"));
    std::fs::remove_file(home.path("data/secret.key")).unwrap();
    home.run(&["serve"]).await.failed_with(&["SECRET_KEY is not the key"]);
    std::fs::write(home.path("data/secret.key"), "").unwrap();
    home.run(&["serve"])
        .await
        .failed_with(&["data/secret.key is empty; restore it, or delete it to have a new one made"]);
}

#[tokio::test]
async fn a_taken_port_says_what_to_do() {
    let home = Home::new();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", home.port)).unwrap();
    let said = home.run(&["serve"]).await;
    said.failed_with(&[
        &format!("cannot listen on 127.0.0.1:{}", home.port),
        "hint: stop the program that does, or choose another port with PORT",
        "in use",
    ]);
}

#[tokio::test]
async fn one_sqlite_file_has_one_relay() {
    let home = Home::new();
    let server = home.serve(&["serve"]).await;
    let other_port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    for words in [&["serve", "--port", &other_port][..], &["migrate", "up"], &["session", "ls", "--port", &other_port]]
    {
        home.run(words).await.failed_with(&[
            "another relay already uses this database; stop it first, or use PostgreSQL for several processes",
        ]);
    }
    assert!(server.stop().await.success());
    let server = home.serve(&["serve"]).await;
    assert!(server.stop().await.success(), "the lock ends with the process");
}

#[tokio::test]
async fn unusable_databases_and_folders_are_named() {
    let home = Home::new();
    home.write("file", "not a folder");
    home.write("text.db", "this is no database, whatever its name says, and it is long enough to be looked at");
    let table = [
        (["serve", "--db-url", "sqlite://file/relay.db"], &["cannot be used"][..]),
        (["serve", "--db-url", "sqlite://text.db"], &["not a database"]),
        (["serve", "--db-url", "postgres://relay:hunter22@127.0.0.1:1/relay"], &["connect to PostgreSQL", "refused"]),
        (["serve", "--data-dir", "file"], &["file/secret.key cannot be used; check that DATA_DIR can be written"]),
    ];
    for (words, reasons) in table {
        let said = home.run(&words).await;
        said.failed_with(reasons);
        assert!(!said.err.contains("hunter22"), "{}", said.err);
    }
}
