//! Encryption of tokens at rest: XChaCha20-Poly1305 with a random nonce, bound to the column and row it is kept in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::error::{Result, StoreError};

const KEY_ID: u8 = 1;
const NONCE: usize = 24;
const CHECK: &str = "setting.secret_check";

/// Seals and opens secrets.
#[derive(Clone)]
pub(crate) struct Vault {
    cipher: XChaCha20Poly1305,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(..)")
    }
}

impl Vault {
    pub(crate) fn new(secret_key: &SecretString) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret_key.expose_secret().as_bytes())
            .expect("hmac takes keys of any length");
        mac.update(b"relay/tokens-at-rest/1");
        let key: [u8; 32] = mac.finalize().into_bytes().into();
        Self { cipher: XChaCha20Poly1305::new(&Key::from(key)) }
    }

    /// Encrypts for one column of one row.
    pub(crate) fn seal(&self, column: &'static str, row: &str, secret: &SecretString) -> Vec<u8> {
        let mut nonce = [0u8; NONCE];
        getrandom::fill(&mut nonce).expect("the system gives random bytes");
        let context = context(column, row);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: context.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).expect("a token fits one message");
        [&[KEY_ID][..], &nonce, &sealed].concat()
    }

    /// Decrypts what was sealed for the same column and row.
    pub(crate) fn open(&self, column: &'static str, row: &str, sealed: &[u8]) -> Result<SecretString> {
        let refused = || StoreError::Sealed { column };
        let (&[key_id], rest) = sealed.split_first_chunk::<1>().ok_or_else(refused)?;
        let (nonce, message) = rest.split_first_chunk::<NONCE>().ok_or_else(refused)?;
        if key_id != KEY_ID {
            return Err(refused());
        }
        let context = context(column, row);
        let payload = Payload { msg: message, aad: context.as_bytes() };
        let opened = self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| refused())?;
        String::from_utf8(opened).map(SecretString::from).map_err(|_| refused())
    }

    /// A value that only the same key can verify.
    pub(crate) fn check_value(&self) -> String {
        STANDARD_NO_PAD.encode(self.seal(CHECK, "", &SecretString::from("relay")))
    }

    /// Tells a wrong key before it does harm.
    pub(crate) fn verify(&self, check_value: &str) -> Result<()> {
        let sealed = STANDARD_NO_PAD.decode(check_value).map_err(|_| StoreError::WrongKey)?;
        self.open(CHECK, "", &sealed).map(drop).map_err(|_| StoreError::WrongKey)
    }
}

fn context(column: &str, row: &str) -> String {
    format!("{column}:{row}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(key: &str) -> Vault {
        Vault::new(&SecretString::from(key))
    }

    #[test]
    fn opens_only_what_it_sealed_for_the_same_place() {
        let token = SecretString::from("token-123");
        let sealed = vault("k").seal("session.token", "a", &token);
        let opened = vault("k").open("session.token", "a", &sealed).unwrap();
        assert_eq!(opened.expose_secret(), "token-123");
        assert!(!sealed.windows(9).any(|window| window == b"token-123"));
        assert!(vault("other").open("session.token", "a", &sealed).is_err());
        assert!(vault("k").open("session.token", "b", &sealed).is_err());
        assert!(vault("k").open("session.other", "a", &sealed).is_err());
        assert!(vault("k").open("session.token", "a", &sealed[..20]).is_err());
    }

    #[test]
    fn a_wrong_key_is_told_from_the_right_one() {
        let check = vault("k").check_value();
        assert!(vault("k").verify(&check).is_ok());
        assert!(matches!(vault("x").verify(&check), Err(StoreError::WrongKey)));
    }
}
