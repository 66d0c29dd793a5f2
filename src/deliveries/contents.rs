//! What is kept of a delivery beside what became of it, as the bytes that are sealed: written by a worker while it has
//! the request, so that nothing else of the request has to stay.
//!
//! Parts, each behind its length (4 bytes): a kind, the target, what is concealed (JSON), the headers, and at the end
//! the body as it is.
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use serde::Deserialize;
use serde::Serialize;

/// Names of headers that are kept of a delivery of which nothing was verified.
const NAMES_MAX: usize = 64;

/// In front of each part, in bytes.
const LENGTH: usize = size_of::<u32>();

const NAMES: &[u8] = b"names 1";
const WHOLE: &[u8] = b"whole 1";

/// What is kept of a delivery, read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Its body was too long, or there is nothing to keep.
    Nothing,
    /// Of one that was not verified: which headers it had.
    Names(Vec<String>),
    /// Of one that was: all that it takes to send it again.
    Whole(Whole),
}

/// A delivery that was verified, as its target is sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The path below the connection, with the query.
    pub target: String,
    /// The sender's own.
    pub headers: HeaderMap,
    pub body: Bytes,
    pub concealed: Concealed,
}

/// What is kept to be sent again and is shown to nobody: senders that show their secret show it here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concealed {
    /// Names of headers, in lower case.
    pub headers: Vec<String>,
    pub body: bool,
}

impl Contents {
    /// The names of a delivery's headers, and nothing else of it.
    pub fn names_of(headers: &HeaderMap) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        push(&mut bytes, NAMES);
        headers.keys().take(NAMES_MAX).for_each(|it| push(&mut bytes, it.as_str().as_bytes()));
        bytes
    }

    /// All of it.
    pub fn whole(
        target: &[&str],
        headers: &HeaderMap,
        concealed: &Concealed,
        body: &[u8],
    ) -> Vec<u8> {
        let headers_len: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 2 * LENGTH)
            .sum();
        let mut bytes = Vec::with_capacity(256 + headers_len + body.len());
        push(&mut bytes, WHOLE);
        push(&mut bytes, target.concat().as_bytes());
        // Names and a flag are JSON.
        push(&mut bytes, &serde_json::to_vec(concealed).unwrap_or_default());
        push(&mut bytes, headers.len().to_string().as_bytes());
        for (name, value) in headers {
            push(&mut bytes, name.as_str().as_bytes());
            push(&mut bytes, value.as_bytes());
        }
        bytes.extend_from_slice(body);
        bytes
    }

    /// What was written, or nothing where nothing was. None where it is neither.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::Nothing);
        }
        let mut left = bytes;
        match part(&mut left)? {
            NAMES => {
                let mut names = Vec::new();
                while !left.is_empty() {
                    names.push(text(&mut left)?.to_owned());
                }
                Some(Self::Names(names))
            }
            WHOLE => {
                let target = text(&mut left)?.to_owned();
                let concealed = serde_json::from_slice(part(&mut left)?).ok()?;
                let count: usize = text(&mut left)?.parse().ok()?;
                let mut headers = HeaderMap::new();
                for _ in 0..count {
                    let name = HeaderName::from_bytes(part(&mut left)?).ok()?;
                    headers.append(name, HeaderValue::from_bytes(part(&mut left)?).ok()?);
                }
                let body = Bytes::copy_from_slice(left);
                Some(Self::Whole(Whole { target, headers, body, concealed }))
            }
            _ => None,
        }
    }
}

fn push(bytes: &mut Vec<u8>, part: &[u8]) {
    // Heads have a bound far below 4 GiB.
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(part);
}

fn part<'b>(left: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, rest) = left.split_first_chunk::<LENGTH>()?;
    let (part, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *left = rest;
    Some(part)
}

fn text<'b>(left: &mut &'b [u8]) -> Option<&'b str> {
    str::from_utf8(part(left)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_read_as_they_were_written() {
        let mut headers = HeaderMap::new();
        headers.append("x-twice", HeaderValue::from_static("1"));
        headers.append("x-twice", HeaderValue::from_bytes(b"\xff\xe9").unwrap());
        let concealed = Concealed { headers: vec!["x-twice".to_owned()], body: false };
        let body = Bytes::from_static(b"\x00\xff{}");
        let written = Contents::whole(&["/rest", "?token=1"], &headers, &concealed, &body);
        let target = "/rest?token=1".to_owned();
        let whole = Whole { target, headers: headers.clone(), body, concealed };
        assert_eq!(Contents::read(&written), Some(Contents::Whole(whole)));
        let names = Contents::read(&Contents::names_of(&headers));
        assert_eq!(names, Some(Contents::Names(vec!["x-twice".to_owned()])));
        assert_eq!(Contents::read(b""), Some(Contents::Nothing));
        for end in 1..written.len() - 4 {
            assert_eq!(Contents::read(&written[..end]), None, "{end}");
        }
        assert_eq!(Contents::read(b"\0\0\0\x02{}"), None);
    }
}
