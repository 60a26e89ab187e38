//! Links to maps that name their coordinates: `geo:`, Google Maps, OpenStreetMap. A link that has to be opened to know the
//! place, such as a short one, is a link.

use super::Place;

/// The place that a line consists of.
pub(super) fn place_of(line: &str) -> Option<Place> {
    let (label, link) = labelled(line)?;
    if link.contains(char::is_whitespace) {
        return None;
    }
    let place = geo(link).or_else(|| web(link))?;
    Some(Place { name: label.map(ToOwned::to_owned).or(place.name), ..place })
}

/// `link`, `<link>` and `[label](link)`.
fn labelled(line: &str) -> Option<(Option<&str>, &str)> {
    if let Some(link) = line.strip_prefix('<').and_then(|line| line.strip_suffix('>')) {
        return Some((None, link));
    }
    let Some(inner) = line.strip_prefix('[').and_then(|line| line.strip_suffix(')')) else {
        return Some((None, line));
    };
    let (label, link) = inner.split_once("](")?;
    let is_name = !label.trim().is_empty() && label != link;
    Some((is_name.then_some(label), link))
}

/// `geo:-23.5,-46.6;u=35?q=-23.5,-46.6(Name)`, as RFC 5870 and Android have it.
fn geo(link: &str) -> Option<Place> {
    let rest = link.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("geo:")).and(link.get(4..))?;
    let (point, query) = rest.split_once('?').unwrap_or((rest, ""));
    let asked = parameter(query, "q").and_then(|value| {
        let (point, name) =
            value.split_once('(').map_or((value.as_str(), None), |(point, name)| (point, name.strip_suffix(')')));
        let (latitude, longitude) = coordinates(point)?;
        Place::new(latitude, longitude, name.map(ToOwned::to_owned))
    });
    let point = point.split(';').next().unwrap_or_default();
    asked.or_else(|| {
        let (latitude, longitude) = coordinates(point)?;
        Place::new(latitude, longitude, None)
    })
}

fn web(link: &str) -> Option<Place> {
    let rest = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"))?;
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    if is_google(host, path) {
        google(path, query)
    } else if matches!(host, "openstreetmap.org" | "osm.org") {
        open_street_map(query, fragment)
    } else {
        None
    }
}

/// `maps.google.com` and `google.com/maps`, in any country.
fn is_google(host: &str, path: &str) -> bool {
    let (country, is_map) = match host.strip_prefix("maps.google.") {
        Some(country) => (Some(country), true),
        None => (host.strip_prefix("google."), path == "maps" || path.starts_with("maps/")),
    };
    is_map
        && country.is_some_and(|country| {
            country.split('.').count() <= 2 && country.split('.').all(|part| (2..=3).contains(&part.len()))
        })
}

fn google(path: &str, query: &str) -> Option<Place> {
    let segments: Vec<String> = path.split('/').map(decoded).collect();
    let name = || {
        let place = segments.iter().position(|segment| segment == "place")?;
        segments
            .get(place + 1)
            .filter(|name| !name.is_empty() && !name.starts_with('@') && coordinates(name).is_none())
            .cloned()
    };
    let (latitude, longitude) = pin(path)
        .or_else(|| ["q", "query", "ll"].iter().find_map(|key| coordinates(&parameter(query, key)?)))
        .or_else(|| segments.iter().find_map(|segment| coordinates(segment)))
        // where the map was centred, for want of better
        .or_else(|| segments.iter().find_map(|segment| centre(segment)))?;
    Place::new(latitude, longitude, name())
}

/// `!3d<latitude>!4d<longitude>`: the pin itself.
fn pin(path: &str) -> Option<(f64, f64)> {
    let after = |mark: &str| path.rsplit_once(mark).map(|(_, rest)| rest.split('!').next().unwrap_or(rest));
    Some((number(after("!3d")?)?, number(after("!4d")?)?))
}

/// `@<latitude>,<longitude>,17z`.
fn centre(segment: &str) -> Option<(f64, f64)> {
    let mut parts = segment.strip_prefix('@')?.split(',');
    Some((number(parts.next()?)?, number(parts.next()?)?))
}

/// `?mlat=…&mlon=…` is a marker, `#map=17/…/…` where the map was centred.
fn open_street_map(query: &str, fragment: &str) -> Option<Place> {
    let marker = || Some((number(&parameter(query, "mlat")?)?, number(&parameter(query, "mlon")?)?));
    let centre = || {
        let mut parts = fragment.split('&').find_map(|part| part.strip_prefix("map="))?.split('/').skip(1);
        Some((number(parts.next()?)?, number(parts.next()?)?))
    };
    let (latitude, longitude) = marker().or_else(centre)?;
    Place::new(latitude, longitude, None)
}

/// Two numbers with a comma in between, and nothing else.
fn coordinates(text: &str) -> Option<(f64, f64)> {
    let text = text.trim().trim_start_matches("loc:");
    let mut parts = text.split(',').map(str::trim);
    let (latitude, longitude) = (number(parts.next()?)?, number(parts.next()?)?);
    // an altitude may follow in `geo:`
    let is_all = parts.next().is_none_or(|altitude| number(altitude).is_some()) && parts.next().is_none();
    is_all.then_some((latitude, longitude))
}

/// A plain decimal number: no exponent, no infinity.
fn number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    text.parse().ok().filter(|_| is_plain && !text.is_empty())
}

fn parameter(query: &str, key: &str) -> Option<String> {
    query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')).map(decoded)
}

/// Percent signs and plus signs, decoded; what is no UTF-8 is replaced.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = ahead.next().and_then(hex).zip(ahead.next().and_then(hex));
        match (byte, digits) {
            (b'%', Some((high, low))) => {
                out.push(high * 16 + low);
                bytes = ahead;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_with_coordinates_are_places() {
        let se =
            |name: Option<&str>| Some(Place { latitude: -23.55, longitude: -46.63, name: name.map(ToOwned::to_owned) });
        for (link, name) in [
            ("geo:-23.55,-46.63", None),
            ("geo:-23.55,-46.63,760;u=35", None),
            ("GEO:0,0?q=-23.55,-46.63(Pra%C3%A7a+da+S%C3%A9)", Some("Praça da Sé")),
            ("https://maps.google.com/?q=-23.55,-46.63", None),
            ("http://maps.google.com.br/maps?ll=-23.55,-46.63&z=15", None),
            ("https://www.google.com/maps?q=-23.55,-46.63", None),
            ("https://www.google.com/maps?q=loc:-23.55,-46.63", None),
            ("https://www.google.com/maps/search/?api=1&query=-23.55%2C-46.63", None),
            ("https://www.google.com/maps/search/-23.55,+-46.63?entry=tts", None),
            ("https://www.google.com.br/maps/@-23.55,-46.63,17z", None),
            (
                "https://www.google.com/maps/place/Pra%C3%A7a+da+S%C3%A9/@-23.5,-46.6,17z/data=!3m1!4b1!8m2!3d-23.55!4d-46.63",
                Some("Praça da Sé"),
            ),
            ("https://www.google.com/maps/place/-23.55,-46.63/@-23.5,-46.6,17z", None),
            ("<https://www.openstreetmap.org/?mlat=-23.55&mlon=-46.63#map=17/1/2>", None),
            ("https://www.openstreetmap.org/#map=17/-23.55/-46.63&layers=N", None),
            ("[Loja](https://maps.google.com/?q=-23.55,-46.63)", Some("Loja")),
            ("[geo:-23.55,-46.63](geo:-23.55,-46.63)", None),
        ] {
            assert_eq!(place_of(link), se(name), "{link}");
        }
    }

    #[test]
    fn other_links_are_links() {
        for link in [
            "https://maps.app.goo.gl/abc",
            "https://goo.gl/maps/abc",
            "https://www.google.com/maps?q=Rua+A,+10",
            "https://www.google.com/maps/place/Rua+1,+2",
            "https://www.google.com/search?q=-23.55,-46.63",
            "https://google.example.net/maps?q=-23.55,-46.63",
            "https://maps.google.com/?q=-93.55,-46.63",
            "https://maps.google.com/?q=1e1,2",
            "https://example.com/maps?q=1,2",
            "https://www.openstreetmap.org/node/1",
            "geo:aqui",
            "geo:",
            "veja geo:1,2",
            "geo:1,2 e geo:3,4",
            "[a](b",
            "",
        ] {
            assert_eq!(place_of(link), None, "{link}");
        }
    }
}
