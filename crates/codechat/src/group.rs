//! Groups: what webhooks tell of their changes, and asking what one is like.
//!
//! Invariant: a group has an id. Who is in it is never printed.

use std::fmt;

use reqwest::Method;
use serde_json::Value;

use crate::client::Client;
use crate::error::Error;
use crate::webhook::WebhookError;
use crate::wire::{self, Missing, need};

/// What a group is like, or what changed about it: what is not told is absent.
#[derive(Clone, PartialEq, Eq)]
pub struct GroupInfo {
    /// Its JID.
    pub id: String,
    /// Its name.
    pub subject: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Whether only administrators may write.
    pub announce: Option<bool>,
    /// Whether only administrators may change it.
    pub restrict: Option<bool>,
    /// Who changed it, by number and by LID, whichever is known.
    pub author: Vec<String>,
    /// Its members; only told of whole groups.
    pub members: Option<Vec<Member>>,
}

/// A member of a group.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    /// Every JID that was told: by number, by LID, or both.
    pub addresses: Vec<String>,
}

/// What `group-participants.update` tells.
#[derive(Clone, PartialEq, Eq)]
pub struct MembersUpdate {
    /// JID of the group.
    pub id: String,
    /// Who did it, by number and by LID, whichever is known.
    pub author: Vec<String>,
    /// What was done, as Baileys names it: `add`, `remove`, `promote`, `demote`, `modify`.
    pub action: String,
    /// To whom.
    pub members: Vec<Member>,
}

impl fmt::Debug for GroupInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupInfo").field("announce", &self.announce).finish_non_exhaustive()
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").finish_non_exhaustive()
    }
}

impl fmt::Debug for MembersUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MembersUpdate").field("action", &self.action).finish_non_exhaustive()
    }
}

impl GroupInfo {
    /// Reads the data of `groups.update` and `groups.upsert`: mostly a list of one.
    pub fn list_from_value(value: &Value) -> Result<Vec<Self>, WebhookError> {
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        items.iter().map(|item| Self::read(item).map_err(|Missing(field)| WebhookError::Missing(field))).collect()
    }

    fn read(value: &Value) -> Result<Self, Missing> {
        Ok(Self {
            id: need(wire::text(value, "id"), "id")?,
            subject: wire::text(value, "subject"),
            description: wire::text(value, "desc"),
            announce: wire::flag(value, "announce"),
            restrict: wire::flag(value, "restrict"),
            author: texts(value, &["authorPn", "author"]),
            members: value.get("participants").and_then(Value::as_array).map(|members| members_of(members)),
        })
    }
}

impl MembersUpdate {
    /// Reads the data of the webhook.
    pub fn from_value(value: &Value) -> Result<Self, WebhookError> {
        let members = value.get("participants").and_then(Value::as_array);
        Ok(Self {
            id: wire::text(value, "id").ok_or(WebhookError::Missing("id"))?,
            author: texts(value, &["authorPn", "author"]),
            action: wire::text(value, "action").ok_or(WebhookError::Missing("action"))?,
            members: members_of(members.ok_or(WebhookError::Missing("participants"))?),
        })
    }
}

impl Client {
    /// Asks what the group with this JID is like.
    pub async fn group_info(&self, name: &str, jid: &str) -> Result<GroupInfo, Error> {
        let call = self.call("group_info", Method::GET, &["group", "findGroupInfos", name]);
        call.query(&[("groupJid", jid)]).read(GroupInfo::read).await
    }
}

/// Older versions name members by a bare JID.
fn members_of(members: &[Value]) -> Vec<Member> {
    let addresses = |member: &Value| match member {
        Value::String(jid) => vec![jid.clone()],
        member => texts(member, &["phoneNumber", "id", "lid"]),
    };
    members.iter().map(|member| Member { addresses: addresses(member) }).collect()
}

fn texts(value: &Value, keys: &[&str]) -> Vec<String> {
    keys.iter().filter_map(|key| wire::text(value, key)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_tells_only_what_changed() {
        let value = json!([{ "id": "1@g.us", "subject": "Novo", "author": "2@lid" }]);
        let changes = GroupInfo::list_from_value(&value).unwrap();
        assert_eq!((changes.len(), changes[0].subject.as_deref()), (1, Some("Novo")));
        assert_eq!((changes[0].author.as_slice(), &changes[0].members), (["2@lid".to_owned()].as_slice(), &None));
        assert_eq!((changes[0].announce, changes[0].restrict), (None, None));
        assert!(!format!("{changes:?}").contains("Novo"));
        assert_eq!(GroupInfo::list_from_value(&json!([{ "subject": "x" }])), Err(WebhookError::Missing("id")));
        assert_eq!(GroupInfo::list_from_value(&json!({ "id": "1@g.us" })).unwrap().len(), 1);
    }

    #[test]
    fn members_come_as_objects_or_as_bare_addresses() {
        let value = json!({ "id": "1@g.us", "author": "2@lid", "action": "add", "participants": [
            { "id": "3@lid", "phoneNumber": "5511900000003@s.whatsapp.net", "admin": null }, "4@lid", 5,
        ] });
        let update = MembersUpdate::from_value(&value).unwrap();
        let addresses: Vec<_> = update.members.iter().map(|member| member.addresses.join(" ")).collect();
        assert_eq!(addresses, ["5511900000003@s.whatsapp.net 3@lid", "4@lid", ""]);
        for field in ["id", "action", "participants"] {
            let mut value = value.clone();
            value.as_object_mut().unwrap().remove(field);
            assert_eq!(MembersUpdate::from_value(&value), Err(WebhookError::Missing(field)));
        }
    }
}
