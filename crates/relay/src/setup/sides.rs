//! The four answers: where both sides are and what opens them, each judged when it is given.

use std::net::{IpAddr, UdpSocket};

use chatwoot::Version;
use relay_engine::setup::{
    ChatwootSide, CodeChatSide, Refusal, Saving, Typed, chatwoot_answers, chatwoot_side, codechat_answers,
    codechat_side,
};
use secrecy::SecretString;
use url::{Host, Url};

use super::ask::{Asker, TRIES};
use super::shown;
use super::words::{Trouble, Word};
use crate::cli::{Settings, SetupArgs};
use crate::config;

/// The first Chatwoot that refuses private addresses.
const REFUSES_PRIVATE: Version = Version::new(4, 14, 0);

/// Without anybody to ask: that every answer is given, or all that are missing in one error.
pub(super) fn require_answers(settings: &Settings, args: &SetupArgs, asker: &Asker<'_>) -> anyhow::Result<()> {
    if asker.may_ask() {
        return Ok(());
    }
    let answers = [
        ("--chatwoot-url", settings.chatwoot_url.is_some()),
        ("CHATWOOT_TOKEN", config::given("CHATWOOT_TOKEN", args.token.as_deref())?.is_some()),
        ("--codechat-url", settings.codechat_url.is_some()),
        ("--codechat-key", config::given("CODECHAT_KEY", settings.codechat_key.as_deref())?.is_some()),
    ];
    let missing: Vec<_> = answers.into_iter().filter(|(_, is_given)| !is_given).map(|(flag, _)| flag).collect();
    match missing.as_slice() {
        [] => Ok(()),
        [flag] => Err(asker.error(&Word::NotGiven { flag })),
        flags => Err(asker.error(&Word::SeveralNotGiven(flags.join(", ")))),
    }
}

/// Asks for Chatwoot until it can be used.
pub(super) async fn chatwoot(
    settings: &Settings,
    args: &SetupArgs,
    http: &reqwest::Client,
    asker: &Asker<'_>,
) -> anyhow::Result<ChatwootSide> {
    let url = Question { word: Word::ChatwootUrl, flag: "--chatwoot-url", side: "Chatwoot" };
    let (url, version) =
        url.answered(settings.chatwoot_url.as_ref(), asker, async |url| chatwoot_answers(http, url).await).await?;
    asker.done(&Word::ChatwootAnswers(version));
    let given = config::given("CHATWOOT_TOKEN", args.token.as_deref())?;
    let token = Secret { word: Word::ChatwootToken, flag: "CHATWOOT_TOKEN", side: "Chatwoot", url: &url };
    let side = token.answered(given, asker, async |token| chatwoot_side(http, &url, token).await).await?;
    let accounts = side.administered().map(|account| format!("{} {}", account.id, account.name)).collect::<Vec<_>>();
    asker.done(&Word::TokenGood(side.profile.name.clone(), accounts.join(", ")));
    Ok(side)
}

/// Asks for CodeChat until it can be used.
pub(super) async fn codechat(
    settings: &Settings,
    http: &reqwest::Client,
    asker: &Asker<'_>,
) -> anyhow::Result<CodeChatSide> {
    let url = Question { word: Word::CodeChatUrl, flag: "--codechat-url", side: "CodeChat" };
    let (url, ()) =
        url.answered(settings.codechat_url.as_ref(), asker, async |url| codechat_answers(http, url).await).await?;
    asker.done(&Word::CodeChatAnswers);
    let given = config::given("CODECHAT_KEY", settings.codechat_key.as_deref())?;
    let key = Secret { word: Word::CodeChatKey, flag: "--codechat-key", side: "CodeChat", url: &url };
    let side = key.answered(given, asker, async |key| codechat_side(http, &url, key).await).await?;
    asker.done(&Word::KeyGood(side.release == codechat::Release::Since137, side.saving));
    if side.saving == Saving::Off {
        asker.warn(&Word::SavingOff);
    }
    Ok(side)
}

/// A question for an address.
struct Question {
    word: Word,
    flag: &'static str,
    side: &'static str,
}

impl Question {
    /// The first address of an answer at which the side answers, and what it said.
    async fn answered<T>(
        self,
        given: Option<&Url>,
        asker: &Asker<'_>,
        look: impl AsyncFn(&Url) -> Result<T, Refusal>,
    ) -> anyhow::Result<(Url, T)> {
        let mut given = given.map(shown);
        for _ in 0..TRIES {
            let text = match given.take() {
                Some(given) => {
                    asker.printer.line(format!("  {} › {given}", asker.say(&self.word)));
                    given
                }
                None => asker.ask(&self.word, None, self.flag).await?,
            };
            let trouble = match Typed::read(&text) {
                Ok(typed) => match self.first(&typed, &look).await {
                    Ok(found) => {
                        if let Some(path) = typed.cut {
                            asker.warn(&Word::Cut(path));
                        }
                        return Ok(found);
                    }
                    Err(trouble) => trouble,
                },
                Err(bad) => Trouble::NoAddress(bad),
            };
            if !asker.may_ask() {
                return Err(asker.error(&trouble));
            }
            asker.trouble(&trouble);
        }
        Err(asker.error(&Trouble::GaveUp))
    }

    /// Tries the candidates in turn. Of several failures the one that says most is told: that of a server that answered.
    async fn first<T>(
        &self,
        typed: &Typed,
        look: &impl AsyncFn(&Url) -> Result<T, Refusal>,
    ) -> Result<(Url, T), Trouble> {
        let mut told: Option<(Refusal, &Url)> = None;
        for url in &typed.candidates {
            match look(url).await {
                Ok(found) => return Ok((url.clone(), found)),
                Err(refusal) => {
                    if told.as_ref().is_none_or(|(before, _)| weight(&refusal) > weight(before)) {
                        told = Some((refusal, url));
                    }
                }
            }
        }
        let (refusal, url) = told.expect("an address has candidates");
        Err(Trouble::Refused { side: self.side, url: shown(url), refusal })
    }
}

/// How much a refusal tells.
fn weight(refusal: &Refusal) -> u8 {
    use relay_engine::setup::Why;
    match refusal {
        Refusal::TooOld { .. } | Refusal::Key | Refusal::BotToken | Refusal::NotAdministrator { .. } => 3,
        Refusal::Address { why: Why::SomethingElse | Why::Broken | Why::Certificate | Why::Redirects, .. } => 2,
        Refusal::Address { why: Why::NothingListens | Why::UnknownName | Why::Silent, .. } => 1,
        Refusal::Address { why: Why::Unreachable, .. } => 0,
    }
}

/// A question for a secret.
struct Secret<'a> {
    word: Word,
    flag: &'static str,
    side: &'static str,
    url: &'a Url,
}

impl Secret<'_> {
    /// What the side showed to the first secret that it takes.
    async fn answered<T>(
        self,
        mut given: Option<SecretString>,
        asker: &Asker<'_>,
        look: impl AsyncFn(&SecretString) -> Result<T, Refusal>,
    ) -> anyhow::Result<T> {
        for _ in 0..TRIES {
            let secret = match given.take() {
                Some(given) => given,
                None => asker.ask_secret(&self.word, self.flag).await?,
            };
            let refusal = match look(&secret).await {
                Ok(side) => return Ok(side),
                Err(refusal) => refusal,
            };
            let trouble = Trouble::Refused { side: self.side, url: shown(self.url), refusal };
            if !asker.may_ask() {
                return Err(asker.error(&trouble));
            }
            asker.trouble(&trouble);
        }
        Err(asker.error(&Trouble::GaveUp))
    }
}

/// How both sides reach the relay: as configured, or guessed and confirmed with Enter.
pub(super) async fn public_url(settings: &Settings, chatwoot: &ChatwootSide, asker: &Asker<'_>) -> anyhow::Result<Url> {
    if let Some(url) = &settings.api_url {
        asker.printer.line(format!("  {} › {}", asker.say(&Word::PublicUrl), shown(url)));
        warn_of(url, chatwoot, asker);
        return Ok(url.clone());
    }
    let guess = guess(settings, &chatwoot.url).await;
    if !asker.may_ask() {
        asker.printer.line(format!("  {} › {}", asker.say(&Word::PublicUrl), shown(&guess)));
        warn_of(&guess, chatwoot, asker);
        return Ok(guess);
    }
    for _ in 0..TRIES {
        let text = asker.ask(&Word::PublicUrl, Some(&shown(&guess)), "--api-url").await?;
        match Typed::read(&text) {
            Ok(typed) => {
                if let Some(path) = typed.cut {
                    asker.warn(&Word::Cut(path));
                }
                let url = typed.candidates.into_iter().next().expect("an address has candidates");
                warn_of(&url, chatwoot, asker);
                return Ok(url);
            }
            Err(bad) => asker.trouble(&Trouble::NoAddress(bad)),
        }
    }
    Err(asker.error(&Trouble::GaveUp))
}

/// `relay.` beside Chatwoot's own name where that name is known, else this machine as Chatwoot sees it.
async fn guess(settings: &Settings, chatwoot: &Url) -> Url {
    if let Some(url) = neighbour(chatwoot)
        && let Some(name) = url.host_str()
        && tokio::net::lookup_host((name, 443)).await.is_ok_and(|mut found| found.next().is_some())
    {
        return url;
    }
    let mut url = config::api_url(settings);
    if let Some(ip) = own_address(chatwoot).await
        && !ip.is_loopback()
        && url.set_ip_host(ip).is_err()
    {
        tracing::debug!("the guess stays");
    }
    url
}

/// `https://relay.loja.com.br` for `https://chat.loja.com.br`.
fn neighbour(chatwoot: &Url) -> Option<Url> {
    let Some(Host::Domain(name)) = chatwoot.host() else { return None };
    let (_, domain) = name.split_once('.')?;
    let is_https = chatwoot.scheme() == "https" && domain.contains('.');
    is_https.then(|| Url::parse(&format!("https://relay.{domain}")).ok()).flatten()
}

/// The address of this machine on the way to a server; nothing is sent.
async fn own_address(server: &Url) -> Option<IpAddr> {
    let port = server.port_or_known_default()?;
    let host = server.host_str()?.trim_matches(['[', ']']).to_owned();
    let to = tokio::net::lookup_host((host, port)).await.ok()?.next()?;
    let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(from).ok()?;
    socket.connect(to).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// What will most likely stand in the way.
fn warn_of(url: &Url, chatwoot: &ChatwootSide, asker: &Asker<'_>) {
    if is_loopback(url) && !is_loopback(&chatwoot.url) {
        asker.warn(&Word::LoopbackAddress(shown(url)));
    } else if is_private(url) && chatwoot.version >= REFUSES_PRIVATE {
        asker.warn(&Word::PrivateAddress(chatwoot.version, url.host_str().unwrap_or_default().to_owned()));
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        // a name without a dot is one of a private network
        Some(Host::Domain(name)) => !name.contains('.'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_address_is_guessed_beside_chatwoots() {
        let guess = |text: &str| neighbour(&Url::parse(text).unwrap()).map(|url| url.to_string());
        assert_eq!(guess("https://chat.loja.com.br").as_deref(), Some("https://relay.loja.com.br/"));
        for text in ["http://chat.loja.com.br", "https://loja.com", "https://10.0.0.5", "https://chatwoot"] {
            assert_eq!(guess(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_that_few_can_call_are_known() {
        let parse = |text: &str| Url::parse(text).unwrap();
        for text in
            ["http://10.0.0.5", "http://192.168.1.2:8080", "http://relay:8080", "http://[fd00::1]", "http://localhost"]
        {
            assert!(is_private(&parse(text)), "{text}");
        }
        assert!(!is_private(&parse("https://relay.loja.com.br")) && !is_private(&parse("http://203.0.113.7")));
        assert!(is_loopback(&parse("http://127.0.0.2")) && !is_loopback(&parse("http://10.0.0.5")));
    }
}
