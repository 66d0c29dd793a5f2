//! Where a request's signatures are, and how their text is decoded.
use super::delivery::Facts;
use super::raw::Encoding;
use super::refusal::Refusal;
use super::refusal::What;
use super::spot::Spot;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::borrow::Cow;
use std::str;

/// Longest digest, in bytes: SHA-512's.
pub(super) const DIGEST_LEN_MAX: usize = 64;

/// Longest text of a signature by a private key: of an RSA key of 8192 bits, in hex.
const BYTES_TEXT_MAX: usize = 2048;

/// One place that a signature, or a list with signatures in it, is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) at: At,
    pub(super) shape: Shape,
    /// None where the place shows a secret as it is.
    pub(super) encoding: Option<Encoding>,
    /// The only secret that signs here; any where None.
    pub(super) secret: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    Spot(Spot),
    /// The body is the signature.
    Body,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One signature behind a fixed text, which may be empty.
    Whole {
        prefix: Box<str>,
    },
    List(ListShape),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListShape {
    pub(super) separator: Box<str>,
    /// Entries that begin with it are signatures. Every entry is one where it is empty.
    pub(super) label: Box<str>,
    pub(super) trim: bool,
}

/// The entries of a list as sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries<'d> {
    text: &'d str,
    shape: &'d ListShape,
}

impl<'d> Entries<'d> {
    /// What stands behind `label` in each entry that begins with it.
    pub(super) fn labelled<'l>(
        self,
        label: &'l str,
    ) -> impl Iterator<Item = &'d str> + use<'d, 'l> {
        let trim = self.shape.trim;
        let entries = self.text.split(&*self.shape.separator);
        let entries = entries.map(move |it| if trim { it.trim_ascii() } else { it });
        entries.filter_map(move |it| it.strip_prefix(label))
    }
}

impl Place {
    /// The text as sent. Exactly one, else it would be ours to choose which one counts.
    pub(super) fn text<'d>(&self, facts: &Facts<'d>) -> Result<Option<Cow<'d, str>>, Refusal> {
        let malformed = Refusal::Malformed(What::Signature);
        match &self.at {
            At::Spot(spot) => spot.text(facts).map_err(|_| malformed),
            At::Body => {
                let text = str::from_utf8(facts.delivery.body).map_err(|_| malformed)?;
                Ok(Some(Cow::Borrowed(text)).filter(|it| !it.is_empty()))
            }
        }
    }

    /// The list that `text` is, if this is a place for one.
    pub(super) fn entries<'d>(&'d self, text: &'d str) -> Option<Entries<'d>> {
        match &self.shape {
            Shape::Whole { .. } => None,
            Shape::List(shape) => Some(Entries { text, shape }),
        }
    }

    /// Each signature in `text`, still encoded.
    pub(super) fn signatures<'d>(&'d self, text: &'d str) -> impl Iterator<Item = &'d str> {
        let (whole, list) = match &self.shape {
            Shape::Whole { prefix } => (text.strip_prefix(&**prefix), None),
            Shape::List(shape) => (None, Some(Entries { text, shape }.labelled(&shape.label))),
        };
        whole.into_iter().chain(list.into_iter().flatten())
    }
}

/// The digest that `text` spells in the one canonical way: lower-case hex, or base64 with exactly
/// the padding and the trailing bits that RFC 4648 §3.5 wants; and of the full length.
pub(super) fn decoded(
    encoding: Encoding,
    text: &str,
    digest_len: usize,
) -> Option<[u8; DIGEST_LEN_MAX]> {
    // Longer than any digest, as the decoder wants room for what it estimates.
    let mut room = [0; DIGEST_LEN_MAX + 8];
    let len = match encoding {
        Encoding::Hex => {
            let plain = text.len() == 2 * digest_len
                && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
            plain.then(|| hex::decode_to_slice(text, &mut room[..digest_len]).ok())?;
            if plain { digest_len } else { return None }
        }
        Encoding::Base64 if text.len() == digest_len.div_ceil(3) * 4 => {
            STANDARD.decode_slice(text, &mut room).ok()?
        }
        Encoding::Base64url if text.len() == (digest_len * 8).div_ceil(6) => {
            URL_SAFE_NO_PAD.decode_slice(text, &mut room).ok()?
        }
        Encoding::Base64 | Encoding::Base64url => return None,
    };
    let mut digest = [0; DIGEST_LEN_MAX];
    digest[..digest_len].copy_from_slice(&room[..digest_len]);
    (len == digest_len).then_some(digest)
}

/// Bytes of any length up to 1 KiB, spelled in the one canonical way.
pub(super) fn bytes(encoding: Encoding, text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || text.len() > BYTES_TEXT_MAX {
        return None;
    }
    match encoding {
        Encoding::Hex => {
            let plain = text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
            plain.then(|| hex::decode(text).ok())?
        }
        Encoding::Base64 => STANDARD.decode(text).ok(),
        Encoding::Base64url => URL_SAFE_NO_PAD.decode(text).ok(),
    }
}

pub(super) fn encoded(encoding: Encoding, bytes: &[u8]) -> String {
    match encoding {
        Encoding::Hex => hex::encode(bytes),
        Encoding::Base64 => STANDARD.encode(bytes),
        Encoding::Base64url => URL_SAFE_NO_PAD.encode(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `printf 'hello' | openssl dgst -sha256 -binary | xxd -p -c 64` and `| base64`.
    const HEX: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const BASE64: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    const BASE64URL: &str = "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ";

    #[test]
    fn only_the_canonical_spelling_decodes() {
        use Encoding::{Base64, Base64url, Hex};
        let digest = decoded(Hex, HEX, 32).unwrap();
        assert_eq!(decoded(Base64, BASE64, 32), Some(digest));
        assert_eq!(decoded(Base64url, BASE64URL, 32), Some(digest));
        let upper = HEX.to_uppercase();
        let stray_bits = BASE64.replace("CQ=", "CR=");
        for (encoding, bad) in [
            (Hex, ""),
            (Hex, &HEX[..62]),
            (Hex, &HEX[..63]),
            (Hex, &upper),
            (Hex, &format!("{HEX}00")),
            (Hex, &format!(" {}", &HEX[1..])),
            (Hex, &format!("0x{}", &HEX[2..])),
            (Base64, ""),
            (Base64, BASE64.trim_end_matches('=')),
            (Base64, &format!("{BASE64}=")),
            (Base64, &format!("{BASE64}====")),
            (Base64, &stray_bits),
            (Base64, BASE64URL),
            (Base64, &BASE64.replace('+', "-")),
            (Base64, &format!("{}\n", &BASE64[..43])),
            (Base64url, BASE64),
            (Base64url, &format!("{BASE64URL}=")),
            (Base64url, &BASE64URL.replace("CQ", "CR")),
        ] {
            assert_eq!(decoded(encoding, bad, 32), None, "{encoding:?} {bad:?}");
        }
        assert_eq!(decoded(Hex, HEX, 20), None, "a digest of another algorithm");
    }
}
