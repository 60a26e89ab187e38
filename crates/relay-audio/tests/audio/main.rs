//! Conversions from end to end. Inputs are synthesised and, for foreign formats, encoded by ffmpeg; outputs are
//! judged by ffmpeg, ffprobe and opusinfo. All three must be installed.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, like the tests")]

mod ffmpeg_mode;
mod hostile;
mod limits;
mod mp3;
mod support;
mod voice;
