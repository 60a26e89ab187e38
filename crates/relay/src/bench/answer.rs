//! As much of HTTP as a load generator needs: where an answer ends, and its status.

use thiserror::Error;

/// An answer that has arrived completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Bytes of head and body.
    pub(super) length: usize,
}

/// What no answer of the relay looks like.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not an HTTP/1.1 answer with a content length")]
pub(super) struct Malformed;

/// The answer at the beginning of `bytes`; `None` while part of it is missing.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Answer>, Malformed> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, body) = bytes.split_at(end + 4);
    let head = std::str::from_utf8(head).map_err(|_| Malformed)?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(status_of).ok_or(Malformed)?;
    let length = lines.find_map(content_length).ok_or(Malformed)?;
    Ok((body.len() >= length).then_some(Answer { status, length: end + 4 + length }))
}

fn status_of(line: &str) -> Option<u16> {
    line.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()
}

fn content_length(line: &str) -> Option<usize> {
    let (name, value) = line.split_once(':')?;
    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
    const PROBLEM: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length:  5\r\n\r\nlater";

    #[test]
    fn an_answer_is_complete_with_its_last_byte() {
        for whole in [OK, PROBLEM] {
            for missing in 1..=whole.len() {
                assert_eq!(parse(&whole[..whole.len() - missing]), Ok(None), "{missing} bytes missing");
            }
        }
        assert_eq!(parse(OK), Ok(Some(Answer { status: 200, length: OK.len() })));
        assert_eq!(parse(PROBLEM), Ok(Some(Answer { status: 503, length: PROBLEM.len() })));
    }

    #[test]
    fn what_follows_belongs_to_the_next_answer() {
        let both = [PROBLEM, OK].concat();
        assert_eq!(parse(&both), Ok(Some(Answer { status: 503, length: PROBLEM.len() })));
    }

    #[test]
    fn anything_else_is_refused() {
        for odd in [
            &b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 OK\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
            b"\xff\xff\r\n\r\n",
        ] {
            assert_eq!(parse(odd), Err(Malformed));
        }
    }
}
