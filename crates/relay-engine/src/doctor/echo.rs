//! Words that the doctor sends around the world to see whether they come back: each known for as long as somebody waits for it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::token::new_token;

/// How many may be under way at once.
const MOST: usize = 64;

/// What comes back to whoever brings a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// That it was heard.
    Heard,
    /// That there is no such file, so that nobody can send it on.
    NoFile,
}

/// How a word came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Echo {
    /// Size of the body it came with, in bytes.
    pub bytes: u64,
    /// Whether the headers of a signature came along.
    pub has_signature: bool,
    /// Whether the body was still said to be JSON.
    pub is_json: bool,
}

/// The words under way.
#[derive(Debug, Default)]
pub(crate) struct Echoes {
    waiting: Mutex<HashMap<String, (Answer, Option<Echo>)>>,
    came: Notify,
}

impl Echoes {
    /// A new word, known until it is dropped. `None` when too many are under way.
    pub(super) fn expect(&self, answer: Answer) -> Option<Nonce<'_>> {
        let mut waiting = self.lock();
        if waiting.len() >= MOST {
            return None;
        }
        let word = new_token();
        waiting.insert(word.clone(), (answer, None));
        Some(Nonce { echoes: self, word })
    }

    /// What to answer to a word; `None` for one that nobody waits for.
    pub(crate) fn answer(&self, word: &str) -> Option<Answer> {
        self.lock().get(word).map(|(answer, _)| *answer)
    }

    /// A word came.
    pub(crate) fn hear(&self, word: &str, echo: Echo) {
        if let Some((_, heard)) = self.lock().get_mut(word) {
            *heard = Some(echo);
        }
        self.came.notify_waiters();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Answer, Option<Echo>)>> {
        self.waiting.lock().expect("nothing panics while holding the words")
    }
}

/// A word under way.
#[derive(Debug)]
pub(super) struct Nonce<'a> {
    echoes: &'a Echoes,
    word: String,
}

impl Nonce<'_> {
    pub(super) fn word(&self) -> &str {
        &self.word
    }

    /// How it came back, if it did.
    pub(super) fn heard(&self) -> Option<Echo> {
        self.echoes.lock().get(&self.word).and_then(|(_, heard)| *heard)
    }

    /// Waits until it comes back.
    pub(super) async fn wait(&self, patience: Duration) -> Option<Echo> {
        let heard = async {
            loop {
                let came = self.echoes.came.notified();
                if let Some(echo) = self.heard() {
                    return echo;
                }
                came.await;
            }
        };
        timeout(patience, heard).await.ok()
    }
}

impl Drop for Nonce<'_> {
    fn drop(&mut self) {
        self.echoes.lock().remove(&self.word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_word_is_known_while_somebody_waits_for_it() {
        let echoes = Echoes::default();
        let nonce = echoes.expect(Answer::NoFile).unwrap();
        let word = nonce.word().to_owned();
        assert_eq!(echoes.answer(&word), Some(Answer::NoFile));
        assert_eq!(nonce.wait(Duration::from_millis(1)).await, None);
        let echo = Echo { bytes: 3, ..Echo::default() };
        let (heard, ()) = tokio::join!(nonce.wait(Duration::from_secs(10)), async {
            tokio::task::yield_now().await;
            echoes.hear(&word, echo);
        });
        assert_eq!(heard, Some(echo));
        drop(nonce);
        assert_eq!(echoes.answer(&word), None);
        echoes.hear(&word, echo);
        assert!(echoes.lock().is_empty(), "a word that nobody waits for leaves nothing behind");
    }

    #[test]
    fn only_so_many_are_under_way() {
        let echoes = Echoes::default();
        let nonces: Vec<_> = (0..MOST).filter_map(|_| echoes.expect(Answer::Heard)).collect();
        assert_eq!(nonces.len(), MOST);
        assert!(echoes.expect(Answer::Heard).is_none());
    }
}
