//! What the first bytes of Opus packets and headers say (RFC 6716 section 3, RFC 7845 section 5).
//!
//! Invariant: lengths told here are those that a decoder will give, or the packet is refused.

/// The longest packet, 120 ms, at 48 kHz.
const LONGEST: u64 = 5_760;
/// Configurations of SILK wideband: 10, 20, 40 and 60 ms.
const SILK_WIDEBAND: std::ops::RangeInclusive<u8> = 8..=11;
const SILK_WIDEBAND_20_MS: u8 = 9;

/// The table-of-contents byte of a packet, with the frame count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Toc {
    pub(crate) config: u8,
    pub(crate) stereo: bool,
    pub(crate) code: u8,
    frames: u64,
}

impl Toc {
    /// Reads the start of a packet; `None` when no decoder would take it.
    pub(crate) fn parse(packet: &[u8]) -> Option<Self> {
        let first = *packet.first()?;
        let code = first & 0b11;
        let frames = match code {
            0 => 1,
            1 | 2 => 2,
            _ => u64::from(packet.get(1)? & 0b11_1111),
        };
        let toc = Self { config: first >> 3, stereo: first & 0b100 != 0, code, frames };
        (1..=LONGEST).contains(&toc.samples()).then_some(toc)
    }

    /// The packet's length at 48 kHz.
    pub(crate) fn samples(self) -> u64 {
        let frame = match self.config {
            0..=11 => [480, 960, 1_920, 2_880][usize::from(self.config % 4)],
            12..=15 => [480, 960][usize::from(self.config % 2)],
            _ => [120, 240, 480, 960][usize::from(self.config % 4)],
        };
        frame * self.frames
    }

    /// Mono speech coding at 16 kHz, whatever the framing.
    pub(crate) fn is_wideband_speech(self) -> bool {
        !self.stereo && SILK_WIDEBAND.contains(&self.config)
    }

    /// Several 20 ms frames in one packet, as WhatsApp's own notes have them.
    pub(crate) fn is_joined(self) -> bool {
        self.config == SILK_WIDEBAND_20_MS && self.code == 3
    }
}

/// The parts of the identification header that decoding needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpusHead {
    pub(crate) channels: u8,
    /// Samples at 48 kHz to drop from the start.
    pub(crate) pre_skip: u16,
    /// In 1/256 dB.
    pub(crate) gain: i16,
}

impl OpusHead {
    pub(crate) const MAGIC: &'static [u8] = b"OpusHead";

    /// Reads the header as Ogg and Matroska carry it or, with version 0, as MP4 does: in big-endian order.
    pub(crate) fn parse(packet: &[u8]) -> Option<Self> {
        let body = packet.strip_prefix(Self::MAGIC)?;
        let &[version, channels, p0, p1, _, _, _, _, g0, g1, _family, ..] = body else {
            return None;
        };
        match version {
            0 => Some(Self { channels, pre_skip: u16::from_be_bytes([p0, p1]), gain: i16::from_be_bytes([g0, g1]) }),
            // The upper half of the version tells incompatible changes.
            1..16 => {
                Some(Self { channels, pre_skip: u16::from_le_bytes([p0, p1]), gain: i16::from_le_bytes([g0, g1]) })
            }
            _ => None,
        }
    }

    /// One stream of one or two channels, which a plain decoder takes.
    pub(crate) fn is_plain(self) -> bool {
        matches!(self.channels, 1 | 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_follow_the_configuration_table() {
        let samples = |packet: &[u8]| Toc::parse(packet).map(Toc::samples);
        assert_eq!(samples(&[9 << 3 | 3, 3]), Some(2_880));
        assert_eq!(samples(&[11 << 3]), Some(2_880));
        assert_eq!(samples(&[15 << 3 | 1]), Some(1_920));
        assert_eq!(samples(&[28 << 3]), Some(120));
        assert_eq!(samples(&[31 << 3 | 3, 48]), None);
        assert_eq!(samples(&[9 << 3 | 3, 0]), None);
        assert_eq!(samples(&[9 << 3 | 3]), None);
        assert_eq!(samples(&[]), None);
    }

    #[test]
    fn every_configuration_has_the_length_that_libopus_gives() {
        for config in 0..32_u8 {
            let packet = [config << 3, 0];
            let theirs = opus::packet::get_nb_samples(&packet, 48_000).unwrap() as u64;
            assert_eq!(Toc::parse(&packet).unwrap().samples(), theirs, "config {config}");
        }
    }

    #[test]
    fn shapes_are_told_apart() {
        let joined = Toc::parse(&[9 << 3 | 3, 3]).unwrap();
        assert!(joined.is_wideband_speech() && joined.is_joined());
        let single_60_ms = Toc::parse(&[11 << 3]).unwrap();
        assert!(single_60_ms.is_wideband_speech() && !single_60_ms.is_joined());
        assert!(!Toc::parse(&[9 << 3 | 4]).unwrap().is_wideband_speech());
        assert!(!Toc::parse(&[15 << 3]).unwrap().is_wideband_speech());
    }

    #[test]
    fn headers_are_read_in_both_byte_orders() {
        let little = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\x01\0";
        let big = b"OpusHead\x00\x02\x01\x38\0\0\xbb\x80\x01\x00\0";
        let expected = OpusHead { channels: 2, pre_skip: 312, gain: 256 };
        assert_eq!(OpusHead::parse(little), Some(expected));
        assert_eq!(OpusHead::parse(big), Some(expected));
        assert_eq!(OpusHead::parse(b"OpusHead\x01\x02"), None);
        assert_eq!(OpusHead::parse(b"OpusTags\x01\x02\x38\x01\x80\xbb\0\0\0\x01\0"), None);
    }
}
