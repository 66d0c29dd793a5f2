//! What stands for a request's body in its signature.
use super::AwsSigv4;
use super::Payload;
use super::Transmission;
use super::service;
use http::HeaderName;

/// Says what stands for the body: its hash, or that there is none.
pub(super) const FIELD: HeaderName = HeaderName::from_static("x-amz-content-sha256");
pub(super) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
pub(super) const STREAMING: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
/// A body that the caller's own SDK has put into pieces without signatures, a checksum behind the last. There is nothing to
/// sign anew in it.
const FRAMED: &[u8] = b"STREAMING-UNSIGNED-PAYLOAD-TRAILER";
/// The same with signatures, and trailers behind the last piece.
pub(super) const STREAMING_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
/// What all bodies in pieces are called.
const STREAMING_PREFIX: &[u8] = b"STREAMING-";

/// What is done with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    /// Its hash is computed here.
    Hashed,
    /// What the caller says in X-Amz-Content-Sha256 is signed: a hash, which the service compares with the body, or
    /// [`FRAMED`]. AWS's SDKs say it, so that their uploads need not be read here before they are sent.
    Stated,
    /// It is not signed.
    Unsigned,
    /// It is signed piece by piece.
    Streamed,
    /// The same, of one that comes in pieces which the caller's SDK has signed with keys of its own.
    Resigned { has_trailers: bool },
    /// It is not sent.
    Refused(Refusal),
}

/// Why a body is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It comes in pieces that the caller's SDK has signed, and that can't be signed anew.
    SignedByCaller,
    /// It comes as [`FRAMED`] says, and the settings want it signed: there is no hash of the pieces' bytes that a service
    /// would take for one of the body.
    Framed,
    /// The settings want it signed, and the service takes none that is.
    Unsignable,
}

impl Refusal {
    pub fn words(self) -> &'static str {
        match self {
            Self::SignedByCaller => {
                "the body comes in pieces that the SDK has signed, in a way that can't be signed anew here; have it \
                 send the body whole"
            }
            Self::Framed => {
                "the body comes in pieces without signatures, and `payload` in the settings wants it signed; have the \
                 SDK send it whole, without a checksum behind it"
            }
            Self::Unsignable => {
                "the service takes no signed body, and the settings have `payload: signed`"
            }
        }
    }
}

/// `service`: as signatures name it, where it is known. `stated`: the caller's X-Amz-Content-Sha256, where there is one.
pub(super) fn treatment(
    settings: &AwsSigv4,
    service: Option<&str>,
    stated: Option<&[u8]>,
    is_len_known: bool,
) -> Treatment {
    let is_framed = stated == Some(FRAMED);
    let is_unsigned_only = service.is_some_and(service::is_unsigned_only);
    if let Some(stated) = stated.filter(|it| !is_framed && it.starts_with(STREAMING_PREFIX)) {
        let has_trailers = stated == STREAMING_TRAILER.as_bytes();
        let is_known = has_trailers || stated == STREAMING.as_bytes();
        let may_sign = settings.transmission == Transmission::Header && settings.regions.is_none();
        return match is_known && may_sign && !is_unsigned_only {
            true => Treatment::Resigned { has_trailers },
            false => Treatment::Refused(Refusal::SignedByCaller),
        };
    }
    if is_unsigned_only {
        return match settings.payload {
            Some(Payload::Signed) => Treatment::Refused(Refusal::Unsignable),
            _ => Treatment::Unsigned,
        };
    }
    let is_presigned_object = settings.transmission == Transmission::Query
        && service.is_some_and(service::is_object_store);
    match settings.payload {
        // What a caller says weakens nothing that the settings say.
        Some(Payload::Signed | Payload::Streaming) if is_framed => {
            Treatment::Refused(Refusal::Framed)
        }
        _ if is_framed => Treatment::Stated,
        Some(Payload::Unsigned) => Treatment::Unsigned,
        _ if stated.is_some_and(is_hash) => Treatment::Stated,
        Some(Payload::Streaming) if is_len_known => Treatment::Streamed,
        None if is_presigned_object => Treatment::Unsigned,
        None | Some(Payload::Signed | Payload::Streaming) => Treatment::Hashed,
    }
}

/// Whether [`FIELD`] is sent.
pub(super) fn is_said(settings: &AwsSigv4, service: &str, treatment: Treatment) -> bool {
    let is_hashed = treatment == Treatment::Hashed;
    match settings.transmission {
        _ if is_hashed && settings.content_sha256.is_some() => {
            settings.content_sha256 == Some(true)
        }
        // What is no hash has to be said: nobody could compute it.
        Transmission::Header => !is_hashed || service::wants_payload_field(service),
        // Without it, S3 takes the body of a request with a signature in its query for unsigned.
        Transmission::Query => is_hashed && service::is_object_store(service),
    }
}

/// SHA-256 in hex.
fn is_hash(text: &[u8]) -> bool {
    text.len() == 64 && text.iter().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}
