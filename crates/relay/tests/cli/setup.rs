//! `relay setup`: from nothing to the first message, by answers and by flags, again, and when an answer is wrong.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use relay_sim::{
    ChatwootOptions, CodeChatOptions, CustomerMessage, FakeChatwoot, FakeCodeChat, Fault, FaultAction, Role,
};
use relay_testing::eventually;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin};

use crate::support::{Home, Sides};

const CUSTOMER: &str = "5511900000001";
const SHOP: &str = "5511988887777";

/// Both sides as they are before anything is set up.
pub(crate) async fn bare_sides() -> Sides {
    // a code lives for a moment: the one that is scanned is not the first
    let lives = CodeChatOptions { qr_lifetime: Some(Duration::from_secs(3)), ..CodeChatOptions::default() };
    let codechat = FakeCodeChat::start(lives).await.unwrap();
    let chatwoot = FakeChatwoot::start(ChatwootOptions::default()).await.unwrap();
    Sides { codechat, chatwoot, inbox: String::new() }
}

/// A `relay setup` that is being talked to.
pub(crate) struct Talk {
    child: Child,
    input: ChildStdin,
    out: std::path::PathBuf,
    err: std::path::PathBuf,
}

impl Talk {
    pub(crate) fn begin(home: &Home, words: &[&str]) -> Self {
        let (out, err) = (home.path("setup-out.txt"), home.path("setup-err.txt"));
        let file = |path| File::create(path).unwrap();
        let mut child = home
            .command(&[&["setup", "--lang", "en"], words].concat())
            .stdin(Stdio::piped())
            .stdout(file(&out))
            .stderr(file(&err))
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        Self { child, input, out, err }
    }

    pub(crate) fn out(&self) -> String {
        std::fs::read_to_string(&self.out).unwrap()
    }

    pub(crate) async fn answers(&mut self, lines: &[&str]) {
        for line in lines {
            self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        }
    }

    pub(crate) async fn until_it_says(&mut self, text: &str) {
        eventually(text, async || {
            let ended = self.child.try_wait().unwrap();
            let says = self.out().contains(text);
            assert!(says || ended.is_none(), "it ended: {}{}", self.out(), std::fs::read_to_string(&self.err).unwrap());
            says
        })
        .await;
    }

    pub(crate) async fn dies(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits for its end; the code, and what it said.
    async fn ended(mut self) -> (i32, String, String) {
        drop(self.input);
        let status = tokio::time::timeout(Duration::from_mins(1), self.child.wait()).await;
        let code = status.expect("it ends").unwrap().code().unwrap_or(-1);
        (code, std::fs::read_to_string(&self.out).unwrap(), std::fs::read_to_string(&self.err).unwrap())
    }
}

/// Everything that a setup may change on either side.
fn changes(sides: &Sides) -> Vec<String> {
    let is_check = |route: &String| {
        ["contacts", "contact_inboxes", "conversations", "/chat/findMessages"].iter().any(|part| route.contains(part))
    };
    let calls = sides.chatwoot.call_log().into_iter().chain(sides.codechat.call_log());
    let routes = calls.map(|call| call.route);
    routes.filter(|route| !route.starts_with("GET ") && !is_check(route)).collect()
}

#[tokio::test]
async fn four_answers_and_a_scan_bring_the_first_message() {
    let sides = bare_sides().await;
    let home = Home::new();
    let mut talk = Talk::begin(&home, &["--exit"]);
    let (chatwoot, codechat) = (sides.chatwoot.base_url(), sides.codechat.base_url());
    talk.answers(&[&chatwoot, FakeChatwoot::ADMIN_TOKEN, &codechat, sides.codechat.api_key(), "", ""]).await;
    talk.until_it_says("█").await;
    sides.codechat.scan_qr("acme-inc", SHOP);
    talk.until_it_says("Send that number").await;
    sides.codechat.customer_sends("acme-inc", &CustomerMessage::text(CUSTOMER, "Bom dia!")).unwrap();
    let (code, out, err) = talk.ended().await;
    assert_eq!(code, 0, "{out}{err}");

    let asked = out.lines().filter(|line| line.trim_end().ends_with('›')).count();
    assert_eq!(asked, 6, "four answers, Enter and yes:\n{out}");
    for line in [
        "✓ Chatwoot 4.16.2 answers",
        "✓ Relay (administrator), accounts: 1 Acme Inc",
        "✓ CodeChat ≥ 1.3.7",
        &format!("Public URL for webhooks [http://localhost:{}]", home.port),
        "+ inbox \"WhatsApp\" will be created, for 2 people",
        "+ instance \"acme-inc\" will be created in CodeChat",
        "✓ inbox \"WhatsApp\" created (#1, API)",
        "✓ instance \"acme-inc\" ready, webhooks set and signed",
        "✓ Chatwoot reached us in ",
        "✓ CodeChat reached us in ",
        "✓ connected as +55 11 9****-7777",
        "✓ first message in Chatwoot, in ",
        "✓ CodeChat saves messages",
    ] {
        assert!(out.contains(line), "{line:?} is not in:\n{out}");
    }
    for secret in [FakeChatwoot::ADMIN_TOKEN, sides.codechat.api_key(), "token=", SHOP] {
        assert!(!out.contains(secret) && !err.contains(secret), "{secret} in:\n{out}{err}");
    }
    let crossed = sides.chatwoot.messages();
    assert_eq!(crossed.last().unwrap().content.as_deref(), Some("Bom dia!"));
    assert_eq!(sides.chatwoot.inbox_members(1), [1, 2]);
    let knocks = sides.chatwoot.conversations().iter().filter(|one| one.source_id == "relay-check").count();
    assert_eq!(knocks, 0, "what proved the way is gone");

    let env = std::fs::read_to_string(home.path(".env")).unwrap();
    let expected = format!(
        "CHATWOOT_URL={chatwoot}\nCODECHAT_URL={codechat}\nAPI_URL=http://localhost:{}\nCODECHAT_KEY={}\n",
        home.port,
        sides.codechat.api_key()
    );
    assert_eq!(env, expected);
    assert_eq!(std::fs::metadata(home.path(".env")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_second_run_changes_nothing_that_is_right_and_mends_what_is_not() {
    let sides = bare_sides().await;
    let home = Home::new().between(&sides).with("CHATWOOT_TOKEN", FakeChatwoot::ADMIN_TOKEN);
    let setup = ["setup", "--lang", "en", "--yes", "--no-qr", "--exit"];
    home.run(&setup).await.succeeded();
    let env = std::fs::read_to_string(home.path(".env")).unwrap();
    let (before, hook) = (changes(&sides), sides.codechat.webhook_url("acme-inc"));
    let said = home.run(&setup).await;
    assert!(said.succeeded().contains("✓ everything is in place, nothing has to change"), "{said:?}");
    assert_eq!(changes(&sides), before, "nothing was made or set again");
    assert_eq!(
        (sides.codechat.webhook_url("acme-inc"), std::fs::read_to_string(home.path(".env")).unwrap()),
        (hook, env)
    );

    sides.chatwoot.set_webhook_url(1, "https://other.example.com/hook?token=hunter22");
    home.write(".env", "# mine\nFOO=bar\nCHATWOOT_URL=http://old.example.com\n");
    let said = home.run(&setup).await;
    for line in [
        "the webhook of Chatwoot leads to https://other.example.com/hook and will lead here",
        "✓ webhook of CodeChat",
        "these lines change, the others stay: CHATWOOT_URL, CODECHAT_URL, API_URL, CODECHAT_KEY",
        "✓ webhooks put right",
        "✓ Chatwoot reached us in ",
        "CodeChat shows a code already, and reports with the next one",
    ] {
        assert!(said.succeeded().contains(line), "{line:?} is not in:\n{}", said.out);
    }
    assert!(!said.out.contains("hunter22"), "{}", said.out);
    let env = std::fs::read_to_string(home.path(".env")).unwrap();
    assert!(env.starts_with(&format!("# mine\nFOO=bar\nCHATWOOT_URL={}\n", sides.chatwoot.base_url())), "{env}");
    let patched = changes(&sides).iter().filter(|route| route.starts_with("PATCH ")).count();
    assert_eq!((patched, sides.chatwoot.inboxes(1).len()), (2, 1));
}

#[tokio::test]
async fn a_relay_that_runs_is_used() {
    let sides = bare_sides().await;
    let home = Home::new().between(&sides).with("CHATWOOT_TOKEN", FakeChatwoot::ADMIN_TOKEN);
    let server = home.serve(&["serve"]).await;
    assert!(server.out().contains("next: relay setup"), "{}", server.out());
    let said =
        home.run(&["setup", "--lang", "en", "--yes", "--no-qr", "--name", "loja", "--inbox-name", "Vendas"]).await;
    assert!(said.succeeded().ends_with("the relay runs already and goes on\n"), "{said:?}");
    assert_eq!(sides.chatwoot.inboxes(1), [(1, "Vendas".to_owned())]);
    assert!(home.run(&["session", "show", "loja"]).await.succeeded().contains("inbox 1"));
    let said = home.run(&["setup", "--lang", "en", "--yes", "--no-qr", "--api-url", "http://127.0.0.1:9"]).await;
    said.failed_with(&["the relay that runs uses other settings", "hint: .env is written: restart the relay"]);
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn wrong_answers_are_named_and_asked_for_again() {
    let sides = bare_sides().await;
    let (_, bot) = sides.chatwoot.add_user(1, "Robot", Role::Bot);
    let home = Home::new();
    let mut talk = Talk::begin(&home, &["--exit"]);
    let (chatwoot, codechat) = (sides.chatwoot.base_url(), sides.codechat.base_url());
    let pasted = format!("{}/app/accounts/1/dashboard", chatwoot.trim_start_matches("http://"));
    talk.answers(&["ftp://chat.example.com", &codechat, &pasted]).await;
    talk.answers(&[&bot, FakeChatwoot::AGENT_TOKEN, FakeChatwoot::ADMIN_TOKEN]).await;
    talk.answers(&["http://127.0.0.1:1", &chatwoot, &codechat]).await;
    talk.answers(&["no key", sides.codechat.api_key(), "not an address", "", "n"]).await;
    let (code, out, err) = talk.ended().await;
    assert_eq!(code, 0, "{out}{err}");
    let mut rest = out.as_str();
    for line in [
        "✗ the address must begin with http:// or https://",
        &format!("✗ something answers at {codechat}, but it is not Chatwoot"),
        "! only the address itself is used: /app/accounts/1/dashboard was left out",
        "✓ Chatwoot 4.16.2 answers",
        "✗ this token is an agent bot's, which cannot make inboxes",
        "✗ Ana administers no account",
        "✗ nothing answers at http://127.0.0.1:1: the connection is refused",
        &format!("✗ something answers at {chatwoot}, but it is not CodeChat"),
        "✓ CodeChat answers",
        "✗ CodeChat refuses this key",
        "✗ this is no address",
        "What will be done:",
        "nothing was changed",
    ] {
        let (_, after) = rest.split_once(line).unwrap_or_else(|| panic!("{line:?} is not, in its place, in:\n{out}"));
        rest = after;
    }
    assert_eq!(changes(&sides), Vec::<String>::new());
    assert!(!home.path(".env").exists());
}

#[tokio::test]
async fn without_anybody_to_ask_what_is_missing_is_an_error() {
    let sides = bare_sides().await;
    let home = Home::new();
    let yes = ["setup", "--lang", "en", "--yes", "--no-qr", "--exit"];
    home.run(&yes).await.failed_with(&[
        "answers are missing",
        "hint: give them with --chatwoot-url, CHATWOOT_TOKEN, --codechat-url, --codechat-key",
    ]);
    home.run(&["setup", "--lang", "en"]).await.failed_with(&["hint: give it with --chatwoot-url"]);
    let home = home.between(&sides);
    home.run(&yes).await.failed_with(&["hint: give it with CHATWOOT_TOKEN"]);
    let wrong = [&yes[..], &["--token", "hunter22"]].concat();
    let said = home.run(&wrong).await;
    said.failed_with(&["Chatwoot does not know this token", "Profile settings › Access token"]);
    assert!(!said.err.contains("hunter22") && !said.out.contains("hunter22"), "{said:?}");
    home.write("token", "sim-admin-token\n");
    let home = home.with("CHATWOOT_TOKEN_FILE", "token");
    home.run(&[&yes[..], &["--inbox", "9"]].concat()).await.failed_with(&["account 1 has no inbox 9"]);
    home.run(&[&yes[..], &["--account", "9"]].concat()).await.failed_with(&["this token administers no account 9"]);
    let second = sides.chatwoot.add_account("Filial");
    sides.chatwoot.join_account(FakeChatwoot::ADMIN_TOKEN, second, Role::Administrator);
    home.run(&yes).await.failed_with(&["there are several accounts", "choose with --account: 1 Acme Inc, 2 Filial"]);
    assert_eq!(changes(&sides), Vec::<String>::new());
    let said = home.run(&[&yes[..], &["--account", "2"]].concat()).await;
    assert!(said.succeeded().contains("instance \"filial\" ready"), "{said:?}");
    assert_eq!(sides.chatwoot.inboxes(second), [(1, "WhatsApp".to_owned())]);
}

#[tokio::test]
async fn a_side_that_cannot_reach_the_relay_is_told_with_the_reason() {
    let sides = bare_sides().await;
    sides.chatwoot.refuse_private(true);
    let home = Home::new().between(&sides).with("CHATWOOT_TOKEN", FakeChatwoot::ADMIN_TOKEN);
    let setup = ["setup", "--lang", "en", "--yes", "--no-qr", "--exit"];
    let said = home.run(&setup).await;
    said.failed_with(&[
        "Chatwoot does not reach the relay at http://localhost",
        "SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true",
    ]);
    assert!(said.out.contains("✓ instance \"acme-inc\" ready"), "{said:?}");
    assert!(sides.chatwoot.conversations().is_empty(), "the knock left nothing");

    let sides = bare_sides().await;
    let home = Home::new().between(&sides).with("CHATWOOT_TOKEN", FakeChatwoot::ADMIN_TOKEN);
    let home = home.with("CODECHAT_CALLBACK_URL", "http://127.0.0.1:1");
    let said = home.run(&setup).await;
    said.failed_with(&[
        "CodeChat does not reach the relay at http://127.0.0.1:1",
        "hint: if that side runs in a container",
    ]);
    assert!(said.out.contains("✓ Chatwoot reached us"), "{said:?}");
}

#[tokio::test]
async fn what_chatwoot_refuses_is_told_and_done_by_the_next_run() {
    let sides = bare_sides().await;
    let home = Home::new().between(&sides).with("CHATWOOT_TOKEN", FakeChatwoot::ADMIN_TOKEN);
    let setup = ["setup", "--lang", "pt-BR", "--yes", "--no-qr", "--exit"];
    let refuses = FaultAction::Status { status: 500, body: None, retry_after: None, commit: true };
    sides.chatwoot.fault(Fault::on("POST /api/v1/accounts/{account}/inboxes", refuses).times(1));
    let said = home.run(&setup).await;
    said.failed_with(&["Chatwoot não fez sua parte", "hint: o que já foi feito fica"]);
    let said = home.run(&setup).await;
    assert!(said.succeeded().contains("a caixa de entrada \"WhatsApp\" (#1) será usada, para 2 pessoas"), "{said:?}");
    assert_eq!(sides.chatwoot.inboxes(1).len(), 1);
}
