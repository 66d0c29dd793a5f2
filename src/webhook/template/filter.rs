//! What a template does to a value before it puts it in.
use super::TemplateError;
use crate::webhook::delivery::Facts;
use crate::webhook::filters;
use crate::webhook::jcs;
use crate::webhook::json::UNPROVED_LEN_MAX;
use crate::webhook::key::sha256;
use crate::webhook::raw::Encoding;
use crate::webhook::refusal::Refusal;
use crate::webhook::refusal::What;
use crate::webhook::signature;
use std::borrow::Cow;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::webhook) enum Filter {
    /// As the inside of a JSON string.
    Json,
    /// RFC 8785.
    Jcs,
    /// ASCII letters in lower case.
    Lower,
    /// As a decimal number.
    Crc32,
    /// 32 bytes.
    Sha256,
    /// 64 digits.
    Sha256Hex,
    /// Characters whose percent-encoding is undone.
    PctDecode(Box<str>),
    /// Signed with the first secret: in answers to handshakes alone.
    Hmac(Encoding),
}

impl Filter {
    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(match text {
            "json" => Self::Json,
            "jcs" => Self::Jcs,
            "lower" => Self::Lower,
            "crc32" => Self::Crc32,
            "sha256" => Self::Sha256,
            "sha256(hex)" => Self::Sha256Hex,
            "hmac(hex)" => Self::Hmac(Encoding::Hex),
            "hmac(base64)" => Self::Hmac(Encoding::Base64),
            _ => {
                let chars = text.strip_prefix("pctdecode(").and_then(|it| it.strip_suffix(')'));
                let chars = chars.filter(|it| !it.is_empty() && it.is_ascii());
                let unknown = || TemplateError::UnknownFilter(text.to_owned());
                Self::PctDecode(chars.ok_or_else(unknown)?.into())
            }
        })
    }

    /// Whether another value could not come out as the same.
    pub(in crate::webhook) fn keeps_all(&self) -> bool {
        match self {
            Self::Json | Self::Jcs | Self::Sha256 | Self::Sha256Hex | Self::Hmac(_) => true,
            Self::Lower | Self::Crc32 | Self::PctDecode(_) => false,
        }
    }

    pub(super) fn apply<'d>(
        &self,
        bytes: &[u8],
        facts: &Facts<'_>,
    ) -> Result<Cow<'d, [u8]>, Refusal> {
        let malformed = Refusal::Malformed(What::Value);
        Ok(Cow::Owned(match self {
            Self::Json => filters::json_escaped(bytes).ok_or(malformed)?,
            Self::Jcs if bytes.len() > UNPROVED_LEN_MAX => return Err(malformed),
            Self::Jcs => jcs::jcs(bytes).ok_or(malformed)?,
            Self::Lower => bytes.to_ascii_lowercase(),
            Self::Crc32 => filters::crc32_decimal(bytes),
            Self::Sha256 => sha256(bytes).to_vec(),
            Self::Sha256Hex => hex::encode(sha256(bytes)).into_bytes(),
            Self::PctDecode(chars) => decoded(bytes, chars.as_bytes()),
            Self::Hmac(encoding) => {
                let signer = facts.signer.ok_or(malformed)?;
                let made = signer.digest(bytes).ok_or(malformed)?;
                signature::encoded(*encoding, &made).into_bytes()
            }
        }))
    }
}

/// `bytes` with `%XX` replaced where it stands for one of `chars`.
fn decoded(bytes: &[u8], chars: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        let escaped = if first == b'%' { after.first_chunk::<2>() } else { None };
        let byte = escaped.and_then(|pair| {
            let mut byte = [0];
            hex::decode_to_slice(pair, &mut byte).ok().filter(|()| chars.contains(&byte[0]))?;
            Some(byte[0])
        });
        plain.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    plain
}
