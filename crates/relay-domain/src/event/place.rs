//! Places on Earth.

/// A place, or where somebody is at the moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// Where it is; a place may also have a name alone.
    pub coordinates: Option<Coordinates>,
    /// What it is called.
    pub name: Option<String>,
    /// Where it is, in words.
    pub address: Option<String>,
    /// Its page.
    pub url: Option<String>,
    /// What the sender says about it.
    pub comment: Option<String>,
    /// Whether it moves, and how far that is.
    pub live: Option<Live>,
}

/// A point on Earth, in degrees; both are finite and within the globe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coordinates {
    latitude: f64,
    longitude: f64,
}

/// How far the sharing of a position is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Live {
    /// It begins.
    Started,
    /// The position has changed.
    Moved,
}

impl Coordinates {
    /// A point so many degrees north and east; `None` for what lies on no globe.
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let exists = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        exists.then_some(Self { latitude, longitude })
    }
}

impl std::fmt::Display for Coordinates {
    /// Writes `north,east` to a tenth of a metre, as maps take it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rounded = |degrees: f64| (degrees * 1e6).round() / 1e6 + 0.0;
        write!(f, "{},{}", rounded(self.latitude), rounded(self.longitude))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_on_the_globe() {
        assert_eq!(Coordinates::new(-23.550_520_04, 0.0).unwrap().to_string(), "-23.55052,0");
        assert_eq!(Coordinates::new(-0.000_000_01, 180.0).unwrap().to_string(), "0,180");
        for (latitude, longitude) in [(90.1, 0.0), (0.0, -180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert_eq!(Coordinates::new(latitude, longitude), None);
        }
    }
}
