//! What would be made, as data: decided from what is there and what is wished, before anything is changed.

use chatwoot::Inbox;
use codechat::{ConnectionStatus, Instance};
use url::Url;

use super::seen::Account;

/// Longest name made from another one.
const LONGEST_SLUG: usize = 40;
/// What a session is called when no name gives anything.
const NAMELESS: &str = "whatsapp";

/// What is known beside both sides.
#[derive(Debug)]
pub struct Known<'a> {
    /// Where Chatwoot is.
    pub chatwoot: &'a Url,
    /// The account.
    pub account: &'a Account,
    /// Its name.
    pub account_name: &'a str,
    /// The instances of CodeChat.
    pub instances: &'a [Instance],
    /// The relay's sessions: name, Chatwoot, account, inbox.
    pub sessions: &'a [(String, Url, i64, i64)],
}

/// What the person wants, as far as said.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// This inbox.
    pub inbox: Option<i64>,
    /// An inbox of this name: an empty one that has it, or a new one.
    pub inbox_name: Option<String>,
    /// The name of the session and of its instance.
    pub name: Option<String>,
}

/// What would be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The account it is for.
    pub account: i64,
    /// The inbox.
    pub inbox: InboxPlan,
    /// Name of the session and of the instance.
    pub name: String,
    /// The instance.
    pub instance: InstancePlan,
    /// Whether the session is there already.
    pub has_session: bool,
}

/// What becomes of the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboxPlan {
    /// It is made.
    Create {
        /// Its name.
        name: String,
        /// Users who are to see it.
        members: Vec<i64>,
    },
    /// One that is there is used.
    Adopt {
        /// Its id.
        id: i64,
        /// Its name.
        name: String,
        /// Users who are to see it, when nobody does.
        members: Vec<i64>,
        /// Where its events go until now, without what is secret.
        replaces: Option<String>,
    },
    /// It is the session's already.
    InPlace {
        /// Its id.
        id: i64,
        /// Its name.
        name: String,
    },
}

/// What becomes of the CodeChat instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstancePlan {
    /// It is made.
    Create,
    /// One that is there is used.
    Adopt {
        /// Whether a phone is connected to it.
        is_connected: bool,
        /// Where its webhooks go until now, without what is secret.
        replaces: Option<String>,
    },
    /// It is the session's already.
    InPlace,
}

/// Why nothing can be planned as wished.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The account has no such inbox of type API.
    #[error("account {account} has no inbox {inbox} of type API")]
    NoInbox {
        /// The account.
        account: i64,
        /// The inbox.
        inbox: i64,
    },
    /// The name belongs to a session of another inbox.
    #[error("session {name} is joined to inbox {inbox} already")]
    NameTaken {
        /// The name.
        name: String,
        /// The inbox it is joined to.
        inbox: i64,
    },
    /// Several inboxes would do, and nothing says which.
    #[error("several inboxes are there to choose from")]
    Choose {
        /// The ones to choose from; those of sessions first.
        inboxes: Vec<(i64, String)>,
        /// The one that is used when nobody chooses; a new one when absent.
        usual: Option<i64>,
    },
}

impl Known<'_> {
    fn session_of(&self, inbox: i64) -> Option<&str> {
        let is_it = |(_, url, account, its): &&(String, Url, i64, i64)| {
            *its == inbox && *account == self.account.id && url.origin() == self.chatwoot.origin()
        };
        self.sessions.iter().find(is_it).map(|(name, ..)| name.as_str())
    }

    fn is_free(&self, inbox: &Inbox) -> bool {
        inbox.webhook_url.is_none() && self.session_of(inbox.id).is_none()
    }

    /// The inbox that is wished, found or to be chosen; `None` for a new one.
    fn inbox(&self, wish: &Wish) -> Result<Option<&Inbox>, PlanError> {
        let inboxes = &self.account.inboxes;
        if let Some(id) = wish.inbox {
            let found = inboxes.iter().find(|inbox| inbox.id == id);
            return found.map(Some).ok_or(PlanError::NoInbox { account: self.account.id, inbox: id });
        }
        if let Some(name) = &wish.name
            && let Some(inbox) = inboxes.iter().find(|inbox| self.session_of(inbox.id) == Some(name))
        {
            return Ok(Some(inbox));
        }
        let ours: Vec<_> = inboxes.iter().filter(|inbox| self.session_of(inbox.id).is_some()).collect();
        let free: Vec<_> = inboxes.iter().filter(|inbox| self.is_free(inbox)).collect();
        if let Some(name) = &wish.inbox_name {
            let found = ours.iter().chain(&free).find(|inbox| inbox.name == *name);
            return Ok(found.copied());
        }
        match (ours.as_slice(), free.as_slice()) {
            ([], []) => Ok(None),
            ([one], _) if wish.name.is_none() => Ok(Some(one)),
            _ => {
                let usual = match ours.as_slice() {
                    [_, ..] => None,
                    // most likely made by a run that was interrupted
                    [] => free.iter().find(|inbox| inbox.name == DEFAULT_INBOX).map(|inbox| inbox.id),
                };
                let ours = if wish.name.is_none() { ours } else { Vec::new() };
                let inboxes: Vec<_> = ours.iter().chain(&free).map(|inbox| (inbox.id, inbox.name.clone())).collect();
                if inboxes.is_empty() { Ok(None) } else { Err(PlanError::Choose { inboxes, usual }) }
            }
        }
    }

    /// A name that belongs to nobody else: neither to a session of another inbox nor to an instance that reports elsewhere.
    fn free_name(&self) -> String {
        let base = slug(self.account_name);
        let is_taken = |name: &str| {
            let reports = self.instances.iter().find(|instance| instance.name == name).and_then(reports_to);
            self.sessions.iter().any(|(session, ..)| session == name) || reports.is_some_and(|to| !to.is_ours)
        };
        let numbered = (2..).map(|number| format!("{base}-{number}"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        names.find(|name| !is_taken(name)).expect("there are more numbers than instances")
    }
}

/// The inbox that is made when nobody gives a name.
pub const DEFAULT_INBOX: &str = "WhatsApp";

/// Decides what would be made.
pub fn plan(known: &Known<'_>, wish: &Wish) -> Result<Plan, PlanError> {
    let inbox = known.inbox(wish)?;
    let session = inbox.and_then(|inbox| known.session_of(inbox.id));
    let name = match (session, &wish.name) {
        (Some(session), _) => session.to_owned(),
        (None, Some(name)) => name.clone(),
        (None, None) => known.free_name(),
    };
    if session.is_none()
        && let Some((_, _, _, inbox)) = known.sessions.iter().find(|(session, ..)| *session == name)
    {
        return Err(PlanError::NameTaken { name, inbox: *inbox });
    }
    let everyone = || known.account.agents.iter().map(|agent| agent.id).collect();
    let inbox = match inbox {
        None => InboxPlan::Create {
            name: wish.inbox_name.clone().unwrap_or_else(|| DEFAULT_INBOX.to_owned()),
            members: everyone(),
        },
        Some(inbox) if session.is_some() => InboxPlan::InPlace { id: inbox.id, name: inbox.name.clone() },
        Some(inbox) => InboxPlan::Adopt {
            id: inbox.id,
            name: inbox.name.clone(),
            members: if known.account.memberless.contains(&inbox.id) { everyone() } else { Vec::new() },
            replaces: inbox.webhook_url.as_deref().map(without_secret),
        },
    };
    let found = known.instances.iter().find(|instance| instance.name == name);
    let instance = match found {
        None => InstancePlan::Create,
        Some(_) if session.is_some() => InstancePlan::InPlace,
        Some(instance) => InstancePlan::Adopt {
            is_connected: instance.connection_status == Some(ConnectionStatus::Online),
            replaces: reports_to(instance).map(|to| to.shown),
        },
    };
    Ok(Plan { account: known.account.id, inbox, has_session: session.is_some(), name, instance })
}

struct ReportsTo {
    shown: String,
    is_ours: bool,
}

/// Where an instance sends its webhooks; whether that is a relay's door of its name.
fn reports_to(instance: &Instance) -> Option<ReportsTo> {
    let hook = instance.webhook.as_ref().filter(|hook| hook.enabled && !hook.url.is_empty())?;
    // a removed session leaves its address there, and no event
    if hook.events.as_ref().is_some_and(Vec::is_empty) {
        return None;
    }
    let door = format!("/codechat/webhook/{}", instance.name);
    let is_ours = Url::parse(&hook.url).is_ok_and(|url| url.path().ends_with(&door));
    Some(ReportsTo { shown: without_secret(&hook.url), is_ours })
}

/// An address without its query and credentials, where secrets are.
pub(super) fn without_secret(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return "…".to_owned() };
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

/// A name for a session, made from the name of an account: small letters and digits, joined by hyphens.
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for sign in name.chars().flat_map(char::to_lowercase).map(plain) {
        if sign.is_ascii_alphanumeric() {
            slug.push(sign);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug: String = slug.chars().take(LONGEST_SLUG).collect();
    let slug = slug.trim_matches('-');
    if slug.is_empty() { NAMELESS.to_owned() } else { slug.to_owned() }
}

/// The letter without its accent, for Portuguese and Spanish.
fn plain(sign: char) -> char {
    match sign {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codechat::Hook;

    fn inbox(id: i64, name: &str, webhook: Option<&str>) -> Inbox {
        Inbox {
            id,
            name: name.to_owned(),
            channel_type: "Channel::Api".to_owned(),
            webhook_url: webhook.map(str::to_owned),
            secret: None,
            lock_to_single_conversation: true,
            inbox_identifier: None,
        }
    }

    fn instance(name: &str, hook: Option<&str>) -> Instance {
        let hook = hook.map(|url| Hook { url: url.to_owned(), enabled: true, events: None });
        Instance {
            name: name.to_owned(),
            connection_status: None,
            owner_jid: None,
            profile_pic_url: None,
            token: None,
            state: None,
            webhook: hook,
        }
    }

    fn chatwoot() -> Url {
        Url::parse("https://chat.example.com").unwrap()
    }

    fn planned(
        inboxes: Vec<Inbox>,
        instances: &[Instance],
        sessions: &[(&str, i64)],
        wish: &Wish,
    ) -> Result<Plan, PlanError> {
        let memberless = inboxes.iter().filter(|inbox| inbox.webhook_url.is_none()).map(|inbox| inbox.id).collect();
        let agents = vec![chatwoot::Agent { id: 7, name: "Ana".to_owned(), is_administrator: false }];
        let account = Account { id: 1, inboxes, agents, memberless };
        let sessions: Vec<_> =
            sessions.iter().map(|(name, inbox)| ((*name).to_owned(), chatwoot(), 1, *inbox)).collect();
        let chatwoot = chatwoot();
        let known = Known {
            chatwoot: &chatwoot,
            account: &account,
            account_name: "Loja São João",
            instances,
            sessions: &sessions,
        };
        plan(&known, wish)
    }

    #[test]
    fn where_there_is_nothing_everything_is_made() {
        let plan = planned(vec![], &[], &[], &Wish::default()).unwrap();
        assert_eq!(plan.inbox, InboxPlan::Create { name: "WhatsApp".to_owned(), members: vec![7] });
        assert_eq!(
            (plan.name.as_str(), plan.instance, plan.has_session),
            ("loja-sao-joao", InstancePlan::Create, false)
        );
    }

    #[test]
    fn what_is_there_is_used_and_others_are_left_alone() {
        let inboxes =
            || vec![inbox(3, "Site", Some("https://bot.example.com/x?token=s3cret")), inbox(8, "WhatsApp", None)];
        let choice = planned(inboxes(), &[], &[], &Wish::default()).unwrap_err();
        assert_eq!(choice, PlanError::Choose { inboxes: vec![(8, "WhatsApp".to_owned())], usual: Some(8) });
        let wish = Wish { inbox: Some(8), ..Wish::default() };
        let elsewhere = instance("loja-sao-joao", Some("https://other.example.com/hook?token=s3cret"));
        let plan = planned(inboxes(), &[elsewhere], &[], &wish).unwrap();
        assert_eq!(plan.name, "loja-sao-joao-2", "the instance of another program is not taken by itself");
        let InboxPlan::Adopt { members, replaces, .. } = plan.inbox else { panic!("not adopted") };
        assert_eq!((members, replaces), (vec![7], None));
        let wish = Wish { inbox: Some(3), name: Some("loja-sao-joao".to_owned()), ..Wish::default() };
        let elsewhere = instance("loja-sao-joao", Some("https://other.example.com/hook?token=s3cret"));
        let plan = planned(inboxes(), &[elsewhere], &[], &wish).unwrap();
        let shown = format!("{plan:?}");
        assert!(
            shown.contains("https://bot.example.com/x") && shown.contains("https://other.example.com/hook"),
            "{shown}"
        );
        assert!(!shown.contains("s3cret"), "{shown}");
        let wish = Wish { inbox: Some(9), ..Wish::default() };
        assert_eq!(planned(inboxes(), &[], &[], &wish), Err(PlanError::NoInbox { account: 1, inbox: 9 }));
    }

    #[test]
    fn a_session_is_found_again_and_a_second_one_is_made_beside_it() {
        let ours = || vec![inbox(8, "WhatsApp", Some("https://relay/chatwoot/webhook/loja?token=x"))];
        let plan = planned(ours(), &[instance("loja", None)], &[("loja", 8)], &Wish::default()).unwrap();
        assert_eq!(plan.inbox, InboxPlan::InPlace { id: 8, name: "WhatsApp".to_owned() });
        assert_eq!((plan.name.as_str(), plan.instance, plan.has_session), ("loja", InstancePlan::InPlace, true));
        let wish = Wish { inbox_name: Some("Vendas".to_owned()), ..Wish::default() };
        let plan = planned(ours(), &[], &[("loja", 8)], &wish).unwrap();
        assert_eq!((plan.name.as_str(), plan.has_session), ("loja-sao-joao", false));
        let wish = Wish { name: Some("vendas".to_owned()), ..Wish::default() };
        let plan = planned(ours(), &[], &[("loja", 8)], &wish).unwrap();
        assert!(matches!(plan.inbox, InboxPlan::Create { .. }), "{plan:?}");
        let wish = Wish { name: Some("loja".to_owned()), inbox_name: Some("Vendas".to_owned()), ..Wish::default() };
        assert!(planned(ours(), &[], &[("loja", 8)], &wish).unwrap().has_session, "the name says which");
        let wish = Wish { name: Some("other".to_owned()), ..Wish::default() };
        let taken = planned(ours(), &[], &[("loja", 8), ("other", 99)], &wish);
        assert_eq!(taken, Err(PlanError::NameTaken { name: "other".to_owned(), inbox: 99 }));
    }

    #[test]
    fn names_become_addresses() {
        let table = [
            ("Loja São João", "loja-sao-joao"),
            ("  Açaí & Cia. ", "acai-cia"),
            ("株式会社", "whatsapp"),
            ("", "whatsapp"),
        ];
        for (name, expected) in table {
            assert_eq!(slug(name), expected);
        }
        assert!(slug(&"x y ".repeat(50)).len() <= LONGEST_SLUG);
    }
}
