//! Converts WhatsApp voice notes to MP3 and agents' recordings to WhatsApp voice notes.
//!
//! Cast: [`Transcoder`] takes an [`Input`] and gives an [`Mp3`] or a [`VoiceNote`]; [`Limits`] bound what one
//! conversion may use; [`Codec`] is the seam behind which the codec libraries sit; [`probe`] names a file by its
//! content.
//!
//! Invariant: bytes in, bytes out. Whatever the bytes are, a conversion ends within its limits with audio or an
//! [`AudioError`], never with a panic, and never silently with no audio at all.

mod codec;
mod convert;
mod demux;
mod error;
mod ffmpeg;
mod input;
mod kind;
mod limits;
mod mp3;
mod ogg_opus;
mod opus_packet;
mod resample;
mod source;
mod transcoder;
mod voice;
mod waveform;

pub use codec::{Codec, Encoder, NativeCodec, OpusDecoder};
pub use error::{AudioError, FfmpegError};
pub use input::Input;
pub use kind::{Kind, probe};
pub use limits::Limits;
pub use transcoder::{FfmpegMode, Mp3, Transcoder, VoiceNote};
