//! Bringing an agent's file to where CodeChat can fetch it: downloaded from Chatwoot, recordings converted, put on offer
//! under a one-time address.

use std::time::Duration;

use chatwoot::{DownloadError, ErrorKind};
use codechat::MediaKind;
use relay_domain::card::{Person, people_of};
use relay_domain::event::{AgentFile, AgentFileKind};
use relay_domain::note::Failure;
use relay_store::{Offer, OfferFile};
use tokio::io::AsyncReadExt;
use url::Url;

use super::Task;
use super::media_in::disk_trouble;
use crate::http::allowed;
use crate::sessions::hash_token;
use crate::spool::{SpoolError, Spooled};
use crate::token::new_token;
use crate::trouble::{Failed, Side, Trouble, from_chatwoot};

/// How long CodeChat may take to fetch a file.
const OFFER_FOR: Duration = Duration::from_mins(10);
/// How often it may fetch it.
const FETCHES: u32 = 3;
/// Attempts at a file that Chatwoot does not find. Right after an upload its store may need some seconds.
const TRIES: u32 = 5;

/// Larger vCards are sent as the files they are: address books, or cards with pictures.
const MAX_CARD_BYTES: u64 = 200_000;
/// And so are those with more numbers than this.
const MAX_PEOPLE: usize = 20;

/// What tells one kind of file from another is within so many bytes.
const HEAD: usize = 4096;

/// A file that CodeChat can fetch.
pub(crate) struct Offered {
    pub(crate) url: Url,
    pub(crate) kind: MediaKind,
    /// Only documents keep a name; with one, CodeChat guesses the type from the extension.
    pub(crate) file_name: Option<String>,
}

impl Task<'_> {
    pub(crate) async fn offer_file(&self, file: &AgentFile) -> Result<Offered, Trouble> {
        let (spooled, mime) = self.fetch(file).await?;
        match file.kind {
            // CodeChat fails on a picture that is none, with an error that looks like an outage
            AgentFileKind::Image if !is_picture(&spooled).await? => {
                self.offer(spooled, MediaKind::Document, mime, file, true).await
            }
            AgentFileKind::Image => self.offer(spooled, MediaKind::Image, mime, file, false).await,
            AgentFileKind::Video => self.offer(spooled, MediaKind::Video, mime, file, false).await,
            AgentFileKind::Sticker => self.offer(spooled, MediaKind::Sticker, mime, file, false).await,
            AgentFileKind::Document | AgentFileKind::ContactCard => {
                self.offer(spooled, MediaKind::Document, mime, file, true).await
            }
            AgentFileKind::Audio => self.offer_voice(spooled, mime, file).await,
        }
    }

    /// The people of a vCard; `None` when there is nobody with a number in it.
    pub(crate) async fn people_in(&self, file: &AgentFile) -> Result<Option<Vec<Person>>, Trouble> {
        if file.size.is_some_and(|size| size > MAX_CARD_BYTES) {
            return Ok(None);
        }
        let (spooled, _) = self.fetch(file).await?;
        let bytes = tokio::fs::read(spooled.path()).await.map_err(|error| disk_trouble(&error))?;
        let people = people_of(&String::from_utf8_lossy(&bytes));
        Ok((1..=MAX_PEOPLE).contains(&people.len()).then_some(people))
    }

    /// Downloads a file from Chatwoot into the spool.
    async fn fetch(&self, file: &AgentFile) -> Result<(Spooled, String), Trouble> {
        self.await_room_for_file()?;
        let limit = self.engine.config.max_media_bytes;
        let chatwoot = &self.live.session.chatwoot.url;
        let download = match self.live.chatwoot.download(&file.url, |url| allowed(url, chatwoot)).await {
            Ok(download) => download,
            Err(error) => return Err(self.not_downloaded(error, file)),
        };
        let too_large =
            || Trouble::Hopeless(Failure::FileTooLarge { name: file.name.clone(), limit_mb: limit / 1_000_000 });
        if download.content_length.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mime = file.mime.clone().or(download.content_type).unwrap_or_else(|| "application/octet-stream".to_owned());
        let spooled = match self.engine.spool.fill(download.body, limit).await {
            Ok(spooled) if spooled.size() > 0 => spooled,
            Ok(_) => return Err(Trouble::Hopeless(Failure::FileUnavailable { name: file.name.clone() })),
            Err(SpoolError::TooLarge { .. }) => return Err(too_large()),
            Err(SpoolError::Source(error)) => return Err(from_chatwoot(error)),
            Err(SpoolError::Disk(error)) => return Err(disk_trouble(&error)),
        };
        Ok((spooled, mime))
    }

    /// A recording becomes a voice note; what cannot be converted is sent as the audio file it is.
    async fn offer_voice(&self, spooled: Spooled, mime: String, file: &AgentFile) -> Result<Offered, Trouble> {
        match self.engine.transcoder.to_voice_note(spooled.path()).await {
            Ok(note) => {
                let ogg = self.engine.spool.store(&note.ogg).await.map_err(|error| disk_trouble(&error))?;
                self.offer(ogg, MediaKind::Audio, "audio/ogg; codecs=opus".to_owned(), file, false).await
            }
            Err(error) => {
                tracing::warn!(session.id = %self.live.id(), event.id = %self.event.id, %error, "a recording is sent as a file");
                self.offer(spooled, MediaKind::Document, mime, file, true).await
            }
        }
    }

    async fn offer(
        &self,
        spooled: Spooled,
        kind: MediaKind,
        mime: String,
        file: &AgentFile,
        named: bool,
    ) -> Result<Offered, Trouble> {
        let token = new_token();
        let file_name = chatwoot::safe_file_name(&file.name);
        let url = self.engine.media_url(&token);
        let offer = Offer { session: self.live.id().clone(), path: spooled.keep(), mime, file_name: file_name.clone() };
        let offer = OfferFile {
            token_hash: hash_token(&token),
            offer,
            expires_at: self.engine.clock.now() + OFFER_FOR,
            fetches: FETCHES,
        };
        self.engine.store.offer_file(offer).await?;
        // CodeChat fails on names with a slash
        let file_name = named.then(|| file_name.replace(['/', '\\'], "_"));
        Ok(Offered { url, kind, file_name })
    }

    fn not_downloaded(&self, error: DownloadError, file: &AgentFile) -> Trouble {
        let unavailable = || Trouble::Hopeless(Failure::FileUnavailable { name: file.name.clone() });
        match error {
            DownloadError::Refused(_) => unavailable(),
            DownloadError::Failed(error) => match error.kind {
                ErrorKind::NotFound | ErrorKind::Unauthorized | ErrorKind::Invalid
                    if self.event.attempts + 1 >= TRIES =>
                {
                    unavailable()
                }
                ErrorKind::NotFound | ErrorKind::Unauthorized | ErrorKind::Invalid => Trouble::Failed(Failed {
                    side: Side::Chatwoot,
                    outcome: "file_not_ready",
                    status: error.status,
                    detail: error.detail,
                    is_outage: false,
                    pause: None,
                }),
                _ => from_chatwoot(error),
            },
        }
    }
}

/// Whether the first bytes are those of a picture, whatever it is called.
async fn is_picture(spooled: &Spooled) -> Result<bool, Trouble> {
    let read = async {
        let mut head = Vec::with_capacity(HEAD);
        tokio::fs::File::open(spooled.path()).await?.take(HEAD as u64).read_to_end(&mut head).await?;
        Ok(infer::is_image(&head))
    };
    read.await.map_err(|error: std::io::Error| disk_trouble(&error))
}
