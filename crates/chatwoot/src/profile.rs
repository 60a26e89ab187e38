//! Whose token it is, and what it may do in which account.

use reqwest::Method;
use serde_json::Value;

use crate::client::Client;
use crate::error::Error;
use crate::wire::{Missing, Read, int, list_or_empty, need, text, words};

words! {
    /// The role of a user within an account.
    Role { Administrator = "administrator", Agent = "agent", }
}

/// The user a token belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Id of the user.
    pub id: i64,
    /// Name of the user.
    pub name: String,
    /// Role in the account the user looked at last.
    pub role: Option<Role>,
    /// The accounts the user belongs to.
    pub accounts: Vec<ProfileAccount>,
}

/// An account a user belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileAccount {
    /// Id of the account.
    pub id: i64,
    /// Name of the account.
    pub name: String,
    /// Role of the user in it.
    pub role: Role,
}

impl Profile {
    /// Says whether the user belongs to `account`.
    pub fn belongs_to(&self, account: i64) -> bool {
        self.accounts.iter().any(|known| known.id == account)
    }

    /// Says whether the user administers `account`, which setting an inbox's webhook and reading its secret need.
    pub fn is_administrator(&self, account: i64) -> bool {
        let role = self.accounts.iter().find(|known| known.id == account).map(|known| known.role);
        role == Some(Role::Administrator)
    }
}

impl Read for Profile {
    fn read(value: &Value) -> Result<Self, Missing> {
        Ok(Self {
            id: need(int(value, "id"), "id")?,
            name: text(value, "name").unwrap_or_default(),
            role: text(value, "role").map(|word| Role::from_word(&word)),
            accounts: list_or_empty(value, "accounts")?,
        })
    }
}

impl Read for ProfileAccount {
    fn read(value: &Value) -> Result<Self, Missing> {
        Ok(Self {
            id: need(int(value, "id"), "id")?,
            name: text(value, "name").unwrap_or_default(),
            role: text(value, "role").map_or(Role::Other, |word| Role::from_word(&word)),
        })
    }
}

impl Client {
    /// Reads the user the token belongs to.
    pub async fn profile(&self) -> Result<Profile, Error> {
        let call = self.call_with_token("profile", Method::GET, &["api", "v1", "profile"]);
        call.read(Profile::read).await
    }
}
