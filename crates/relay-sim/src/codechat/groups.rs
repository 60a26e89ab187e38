//! Groups: what they are like, who is in them, and the webhooks about changes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use http::HeaderMap;
use serde_json::{Value, json};

use super::auth;
use super::error::{ApiError, ApiResult};
use super::handle::FakeCodeChat;
use super::state::{ConnectionState, Shared};
use super::webhooks;

/// A group that an instance is a member of.
#[derive(Debug, Clone)]
pub(super) struct Group {
    subject: String,
    /// Phone numbers, the founder first.
    members: Vec<String>,
}

impl FakeCodeChat {
    /// Makes the instance a member of a group (its digits or full JID) with these members, by phone number. Nobody is told.
    pub fn add_group(&self, instance: &str, group: &str, subject: &str, members: &[&str]) {
        let members = members.iter().map(|&member| member.to_owned()).collect();
        let group = (instance.to_owned(), jid_of(group));
        self.shared.lock().groups.insert(group, Group { subject: subject.to_owned(), members });
    }

    /// Somebody renames a group.
    pub fn rename_group(&self, instance: &str, group: &str, subject: &str, author: &str) {
        if let Some(found) = self.shared.lock().groups.get_mut(&(instance.to_owned(), jid_of(group))) {
            subject.clone_into(&mut found.subject);
        }
        self.change_group(instance, group, json!({ "subject": subject }), author);
    }

    /// Somebody changes a group: `{"announce": true}`, `{"restrict": false}`, `{"desc": "…"}`.
    pub fn change_group(&self, instance: &str, group: &str, mut change: Value, author: &str) {
        change["id"] = json!(jid_of(group));
        change["author"] = json!(lid_of(author));
        self.tell(instance, "groups.update", &json!([change]));
    }

    /// Somebody adds, removes, promotes or demotes members: `add`, `remove`, `promote`, `demote`.
    pub fn change_members(&self, instance: &str, group: &str, action: &str, author: &str, members: &[&str]) {
        let key = (instance.to_owned(), jid_of(group));
        if let Some(found) = self.shared.lock().groups.get_mut(&key) {
            found.members.retain(|member| action != "remove" || !members.contains(&member.as_str()));
            let added = members.iter().filter(|_| action == "add").map(|&member| member.to_owned());
            found.members.extend(added);
        }
        let participants: Vec<_> = members.iter().map(|member| member_of(member, None)).collect();
        let data = json!({ "id": key.1, "author": lid_of(author), "participants": participants, "action": action });
        self.tell(instance, "group-participants.update", &data);
    }

    fn tell(&self, instance: &str, event: &'static str, data: &Value) {
        let post = {
            let state = self.shared.lock();
            let Some(found) = state.instances.get(instance) else { return };
            webhooks::prepare(&self.shared, found, event, event.to_owned(), data)
        };
        webhooks::fire(&self.shared, post);
    }
}

pub(super) async fn infos(
    State(shared): State<Arc<Shared>>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let instance = auth::loaded_call(&shared, &headers, &path, query.as_deref())?;
    let mut pairs = url::form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes());
    let asked = pairs.find(|(key, _)| key == "groupJid").map(|(_, jid)| jid.into_owned()).ok_or_else(|| {
        ApiError::bad_request(json!(["The group id needs to be informed in the query", "ex: \"groupJid=120362@g.us\""]))
    })?;
    let mut state = shared.lock();
    let is_open = state.loaded(&instance).is_some_and(|found| found.state == ConnectionState::Open);
    let group = state.groups.get(&(instance, asked.clone())).filter(|_| is_open);
    let group = group.ok_or_else(|| ApiError::bad_request(json!(["Error fetching group", "Error: item-not-found"])))?;
    Ok(Json(group.whole(&asked)))
}

impl Group {
    fn whole(&self, jid: &str) -> Value {
        let founder = self.members.first().map(|founder| lid_of(founder));
        let admin = |index: usize| (index == 0).then_some("superadmin");
        let members: Vec<_> =
            self.members.iter().enumerate().map(|(index, member)| member_of(member, admin(index))).collect();
        json!({
            "id": jid, "addressingMode": "lid", "subject": self.subject, "subjectOwner": founder, "subjectTime": 1_700_000_000,
            "size": members.len(), "creation": 1_700_000_000, "owner": founder, "restrict": false, "announce": false,
            "isCommunity": false, "isCommunityAnnounce": false, "joinApprovalMode": false, "memberAddMode": false, "participants": members,
        })
    }
}

fn member_of(phone: &str, admin: Option<&str>) -> Value {
    json!({ "id": lid_of(phone), "phoneNumber": format!("{phone}@s.whatsapp.net"), "admin": admin })
}

fn jid_of(group: &str) -> String {
    if group.contains('@') { group.to_owned() } else { format!("{group}@g.us") }
}

fn lid_of(phone: &str) -> String {
    format!("2{phone}@lid")
}
