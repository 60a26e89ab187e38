//! Contact rows and their uniqueness. Phone numbers are unique by a check only, identifiers and source ids also by an index: two creates that
//! race past the check leave two contacts with one phone, or one 500.

use serde_json::Value;

use super::error::{ApiError, ApiResult};
use super::params::Params;
use super::state::{Contact, ContactInbox, State};
use crate::{clock, ids};

/// The fields a caller may set.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) name: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) identifier: Option<String>,
    pub(super) email: Option<String>,
    pub(super) blocked: Option<bool>,
    pub(super) avatar: Option<String>,
    pub(super) additional_attributes: serde_json::Map<String, Value>,
    pub(super) custom_attributes: serde_json::Map<String, Value>,
}

impl Fields {
    pub(super) fn parse(params: &Params) -> Self {
        let text = |name: &str| params.text(name).filter(|text| !text.is_empty());
        let uploaded = params.files.first().map(|file| format!("avatar:{}", file.name));
        Self {
            name: params.text("name"),
            phone: text("phone_number"),
            identifier: text("identifier"),
            email: text("email").map(|email| email.to_lowercase()),
            blocked: params.values.get("blocked").map(|_| params.flag("blocked")),
            avatar: uploaded.or_else(|| text("avatar_url")),
            additional_attributes: params.object("additional_attributes"),
            custom_attributes: params.object("custom_attributes"),
        }
    }
}

impl State {
    /// The checks a model makes before it saves. `own` is the contact that is being changed.
    pub(super) fn check_contact(&self, account: u64, fields: &Fields, own: Option<u64>) -> ApiResult<()> {
        let taken = |found: Option<&u64>| found.is_some_and(|id| Some(*id) != own);
        if let Some(phone) = &fields.phone {
            if !is_e164(phone) {
                return Err(ApiError::Invalid("Phone number should be in e164 format", "phone_number"));
            }
            if taken(self.by_phone.get(&(account, phone.clone()))) {
                return Err(ApiError::Invalid("Phone number has already been taken", "phone_number"));
            }
        }
        if let Some(identifier) = &fields.identifier
            && taken(self.by_identifier.get(&(account, identifier.clone())))
        {
            return Err(ApiError::Invalid("Identifier has already been taken", "identifier"));
        }
        if let Some(email) = &fields.email
            && taken(self.by_email.get(&(account, email.clone())))
        {
            return Err(ApiError::Invalid("Email has already been taken", "email"));
        }
        Ok(())
    }

    /// Inserts, minding the indexes only.
    pub(super) fn insert_contact(&mut self, account: u64, fields: Fields) -> ApiResult<u64> {
        if let Some(identifier) = &fields.identifier
            && self.by_identifier.contains_key(&(account, identifier.clone()))
        {
            return Err(ApiError::Internal);
        }
        self.last_contact += 1;
        let id = self.last_contact;
        let contact = Contact {
            id,
            account,
            name: String::new(),
            phone: None,
            identifier: None,
            email: None,
            blocked: false,
            additional_attributes: serde_json::Map::new(),
            custom_attributes: serde_json::Map::new(),
            avatar: None,
            created_ms: clock::now_ms(),
            last_activity_ms: None,
        };
        self.contacts.insert(id, contact);
        self.apply_contact(id, fields);
        Ok(id)
    }

    /// Writes the given fields; attributes are merged key by key.
    pub(super) fn apply_contact(&mut self, id: u64, fields: Fields) {
        let Some(contact) = self.contacts.get_mut(&id) else {
            return;
        };
        let account = contact.account;
        let Fields { name, phone, identifier, email, blocked, avatar, additional_attributes, custom_attributes } =
            fields;
        if let Some(phone) = phone {
            if let Some(old) = contact.phone.replace(phone.clone()) {
                self.by_phone.remove(&(account, old));
            }
            self.by_phone.insert((account, phone), id);
        }
        if let Some(identifier) = identifier {
            if let Some(old) = contact.identifier.replace(identifier.clone()) {
                self.by_identifier.remove(&(account, old));
            }
            self.by_identifier.insert((account, identifier), id);
        }
        if let Some(email) = email {
            if let Some(old) = contact.email.replace(email.clone()) {
                self.by_email.remove(&(account, old));
            }
            self.by_email.insert((account, email), id);
        }
        contact.name = name.unwrap_or_else(|| std::mem::take(&mut contact.name));
        contact.blocked = blocked.unwrap_or(contact.blocked);
        contact.avatar = avatar.or(contact.avatar.take());
        contact.additional_attributes.extend(additional_attributes);
        contact.custom_attributes.extend(custom_attributes);
    }

    /// The contact inbox for this triple, made when it is new. A source id owned by somebody else hits the index.
    pub(super) fn link_contact(&mut self, contact: u64, inbox: u64, source_id: String) -> ApiResult<usize> {
        if let Some(index) = self.by_source.get(&(inbox, source_id.clone())) {
            return if self.contact_inboxes[*index].contact == contact { Ok(*index) } else { Err(ApiError::Internal) };
        }
        let index = self.contact_inboxes.len();
        self.by_source.insert((inbox, source_id.clone()), index);
        self.links_of.entry(contact).or_default().push(index);
        self.contact_inboxes.push(ContactInbox {
            id: index as u64 + 1,
            contact,
            inbox,
            source_id,
            created_ms: clock::now_ms(),
            pubsub_token: ids::token(24),
        });
        Ok(index)
    }

    /// Removes a contact. Its conversations go with it.
    pub(super) fn remove_contact(&mut self, id: u64) {
        let Some(contact) = self.contacts.remove(&id) else {
            return;
        };
        let account = contact.account;
        if let Some(phone) = contact.phone {
            self.by_phone.remove(&(account, phone));
        }
        if let Some(identifier) = contact.identifier {
            self.by_identifier.remove(&(account, identifier));
        }
        if let Some(email) = contact.email {
            self.by_email.remove(&(account, email));
        }
        for index in self.links_of.remove(&id).unwrap_or_default() {
            let link = &self.contact_inboxes[index];
            self.by_source.remove(&(link.inbox, link.source_id.clone()));
        }
        for index in self.conversations_of.remove(&id).unwrap_or_default() {
            self.conversations[index].is_deleted = true;
        }
    }

    /// Moves everything of `mergee` to `base` and destroys it. Attributes of `base` win, empty ones are filled.
    pub(super) fn merge_contacts(&mut self, base: u64, mergee: u64) {
        let links = self.links_of.remove(&mergee).unwrap_or_default();
        for index in &links {
            self.contact_inboxes[*index].contact = base;
        }
        self.links_of.entry(base).or_default().extend(links);
        let conversations = self.conversations_of.remove(&mergee).unwrap_or_default();
        for index in &conversations {
            self.conversations[*index].contact = base;
        }
        self.conversations_of.entry(base).or_default().extend(conversations);
        let Some(gone) = self.contacts.get(&mergee).cloned() else {
            return;
        };
        self.remove_contact(mergee);
        let Some(kept) = self.contacts.get(&base) else { return };
        let fill = Fields {
            name: Some(gone.name).filter(|_| kept.name.is_empty()),
            phone: gone.phone.filter(|_| kept.phone.is_none()),
            identifier: gone.identifier.filter(|_| kept.identifier.is_none()),
            email: gone.email.filter(|_| kept.email.is_none()),
            ..Fields::default()
        };
        self.apply_contact(base, fill);
    }
}

/// A plus, a digit from 1 to 9, and up to fourteen more; the start is not anchored.
fn is_e164(phone: &str) -> bool {
    phone.rsplit_once('+').is_some_and(|(_, digits)| {
        (2..=15).contains(&digits.len())
            && digits.chars().all(|digit| digit.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

#[cfg(test)]
mod tests {
    use super::is_e164;

    #[test]
    fn phone_numbers_are_checked_at_their_end_only() {
        assert!(is_e164("+5511988887777"));
        assert!(is_e164("abc+5511988887777"));
        assert!(!is_e164("5511988887777"));
        assert!(!is_e164("+120363000000000001"));
        assert!(!is_e164("+55 11"));
    }
}
