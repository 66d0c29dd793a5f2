//! What is said of a body that is signed piece by piece: how long it is, and what comes behind it.
use super::Draft;
use super::SignError;
use super::payload::Treatment;
use http::HeaderName;
use http::HeaderValue;
use http::header::CONTENT_ENCODING;

const DECODED_LEN: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");
const TRAILER: HeaderName = HeaderName::from_static("x-amz-trailer");
const CODING: &[u8] = b"aws-chunked";

/// Checksums that may come behind a body, and how long they are in Base64.
/// Source: Amazon S3 User Guide, "Checking object integrity in Amazon S3".
const CHECKSUMS: [(&str, usize); 5] = [
    ("x-amz-checksum-crc32", 8),
    ("x-amz-checksum-crc32c", 8),
    ("x-amz-checksum-crc64nvme", 12),
    ("x-amz-checksum-sha1", 28),
    ("x-amz-checksum-sha256", 44),
];

/// A body in pieces. Never empty, unless it comes in frames.
pub(super) struct Pieces {
    /// Without signatures, in bytes.
    pub body_len: u64,
    /// It comes in frames of the caller's.
    pub is_framed: bool,
    /// How long the trailers are, each with its line's end, in bytes.
    pub trailers_len: Option<u64>,
}

/// `None` where the body is not signed in pieces.
pub(super) fn of(draft: &Draft<'_>, treatment: Treatment) -> Result<Option<Pieces>, SignError> {
    match treatment {
        Treatment::Streamed => Ok(draft.body_len.filter(|it| *it > 0).map(|body_len| Pieces {
            body_len,
            is_framed: false,
            trailers_len: None,
        })),
        Treatment::Resigned { has_trailers } => {
            let body_len = draft.value(&DECODED_LEN).and_then(|it| it.to_str().ok()?.parse().ok());
            let body_len = body_len.ok_or_else(|| SignError::Lacks {
                what: "X-Amz-Decoded-Content-Length, the length of a body that comes in pieces"
                    .into(),
            })?;
            let trailers_len = if has_trailers { Some(trailers_len(draft)?) } else { None };
            Ok(Some(Pieces { body_len, is_framed: true, trailers_len }))
        }
        Treatment::Hashed | Treatment::Stated | Treatment::Unsigned | Treatment::Refused(_) => {
            Ok(None)
        }
    }
}

/// Of the trailers that X-Amz-Trailer announces.
fn trailers_len(draft: &Draft<'_>) -> Result<u64, SignError> {
    let announced = draft.value(&TRAILER).and_then(|it| it.to_str().ok());
    let announced = announced.ok_or_else(|| SignError::Lacks {
        what: "X-Amz-Trailer, the names of what comes behind a body".into(),
    })?;
    let mut length = 0;
    for name in announced.split(',').map(str::trim) {
        let known = CHECKSUMS.iter().find(|it| it.0.eq_ignore_ascii_case(name));
        let (name, value_len) = known.ok_or_else(|| SignError::Unsignable {
            what: "what X-Amz-Trailer announces is no checksum of a known length, and a signature in pieces says before \
                   how long all of it is"
                .into(),
        })?;
        length += name.len() + 1 + value_len + b"\r\n".len();
    }
    Ok(length as u64)
}

impl Pieces {
    /// Puts on what says that the body comes in pieces.
    pub fn say(&self, draft: &mut Draft<'_>) {
        draft.set(&DECODED_LEN, HeaderValue::from(self.body_len));
        let is_said = draft.values(&CONTENT_ENCODING).any(|it| {
            it.as_bytes()
                .split(|it| *it == b',')
                .any(|it| it.trim_ascii().eq_ignore_ascii_case(CODING))
        });
        if !is_said {
            let coding = coding(draft);
            draft.set(&CONTENT_ENCODING, coding);
        }
    }
}

/// `aws-chunked`, before what the body is encoded in besides. S3 takes it off again.
fn coding(draft: &Draft<'_>) -> HeaderValue {
    let mut all = CODING.to_vec();
    for value in draft.values(&CONTENT_ENCODING).filter(|it| !it.is_empty()) {
        all.push(b',');
        all.extend_from_slice(value.as_bytes());
    }
    HeaderValue::from_bytes(&all).expect("fields' values joined with a comma are one")
}
