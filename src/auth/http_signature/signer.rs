//! Settings and keys, ready to sign.
use super::HttpSignature;
use super::base::Base;
use super::base::base;
use super::structured;
use crate::auth::BodyUse;
use crate::auth::Draft;
use crate::auth::Moment;
use crate::auth::Place;
use crate::auth::Placed;
use crate::auth::SignError;
use crate::crypto::Digested;
use crate::crypto::Feed;
use crate::crypto::Hash;
use crate::crypto::SigningKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use std::fmt;
use std::fmt::Write;

static SIGNATURE: HeaderName = HeaderName::from_static("signature");
static SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
static CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// Settings and keys, ready to sign.
pub struct HttpSignatureSigner {
    pub(super) settings: HttpSignature,
    pub(super) key: SigningKey,
    /// With its quotes.
    pub(super) key_id: Option<Box<str>>,
}

impl HttpSignatureSigner {
    pub(in crate::auth) fn body_use(&self, _method: &Method, _headers: &HeaderMap) -> BodyUse {
        if self.settings.covers_body() { BodyUse::Fed } else { BodyUse::Untouched }
    }

    pub(in crate::auth) fn begin(
        &self,
        _draft: &Draft<'_>,
        _moment: &Moment,
    ) -> Result<Vec<Feed>, SignError> {
        let hash = self.settings.digest.hash();
        Ok(if self.settings.covers_body() { vec![hash.feed()] } else { Vec::new() })
    }

    pub(in crate::auth) fn sign(
        &self,
        draft: &mut Draft<'_>,
        moment: &Moment,
        fed: Vec<Feed>,
    ) -> Result<(), SignError> {
        let digest = fed.into_iter().next().map(Feed::finish).and_then(|it| self.digest(&it));
        let Base { mut text, covered } = base(&self.settings.components, draft, digest.as_ref())?;
        let mut parameters = String::with_capacity(256);
        parameters.push('(');
        for (index, component) in covered.iter().enumerate() {
            parameters.push_str(if index > 0 { " " } else { "" });
            parameters.push_str(&component.identifier);
        }
        parameters.push(')');
        let nonce = self.settings.nonce.then(|| URL_SAFE_NO_PAD.encode(moment.random));
        self.parameters(moment, nonce.as_deref(), &mut parameters);
        text.extend_from_slice(b"\"@signature-params\": ");
        text.extend_from_slice(parameters.as_bytes());
        let signature = STANDARD.encode(self.key.sign(&text));
        if let Some(digest) = digest {
            draft.set(&CONTENT_DIGEST, digest);
        }
        self.put(draft, &SIGNATURE_INPUT, &parameters, "");
        self.put(draft, &SIGNATURE, &signature, ":");
        Ok(())
    }

    /// Content-Digest (RFC 9530 §2); `None` where there is no body and it is not asked for without one.
    fn digest(&self, digested: &Digested) -> Option<HeaderValue> {
        let digest = self.settings.digest;
        let mut components = self.settings.components.iter();
        let is_certain = components.any(|it| it.is_content_digest() && !it.optional);
        if !is_certain && *digested == digest.hash().of(b"") {
            return None;
        }
        let value = format!("{}=:{}:", digest.name(), STANDARD.encode(digested.bytes()));
        Some(HeaderValue::try_from(value).expect("Base64 makes a field value"))
    }

    /// What the signature says of itself, in the order of RFC 9421's examples.
    pub(super) fn parameters(&self, moment: &Moment, nonce: Option<&str>, out: &mut String) {
        let settings = &self.settings;
        let now = moment.now.as_s();
        let mut put = |name: &str, value: fmt::Arguments<'_>| {
            write!(out, ";{name}={value}").expect("memory takes what is written to it");
        };
        if settings.created {
            put("created", format_args!("{now}"));
        }
        if let Some(expires) = settings.expires_s {
            put("expires", format_args!("{}", now + u64::from(expires)));
        }
        if let Some(key_id) = &self.key_id {
            put("keyid", format_args!("{key_id}"));
        }
        if settings.alg {
            put("alg", format_args!("\"{}\"", settings.algorithm.name()));
        }
        if let Some(nonce) = nonce {
            put("nonce", format_args!("\"{nonce}\""));
        }
        if let Some(tag) = &settings.tag {
            put("tag", format_args!("{tag}"));
        }
    }

    /// Ours, behind what the caller has under other labels.
    fn put(&self, draft: &mut Draft<'_>, name: &HeaderName, ours: &str, mark: &str) {
        let label = &self.settings.label;
        let mut value = String::with_capacity(label.len() + ours.len() + 8);
        if self.settings.keeps_others {
            let sent: Vec<&[u8]> = draft.values(name).map(HeaderValue::as_bytes).collect();
            let kept = structured::without(&sent.join(&b", "[..]), label);
            if let Some(kept) = kept {
                value.push_str(&kept);
                value.push_str(", ");
            }
        }
        for piece in [label, "=", mark, ours, mark] {
            value.push_str(piece);
        }
        let value = HeaderValue::try_from(value);
        let mut value = value.expect("what structured fields are made of makes a field value");
        value.set_sensitive(true);
        draft.set(name, value);
    }

    pub(in crate::auth) fn has_clock(&self) -> bool {
        self.settings.created || self.settings.expires_s.is_some()
    }

    pub(in crate::auth) fn headers(&self) -> Vec<HeaderName> {
        let mut names = Vec::with_capacity(3);
        if self.settings.covers_body() {
            names.push(CONTENT_DIGEST.clone());
        }
        if !self.settings.keeps_others {
            names.extend([SIGNATURE_INPUT.clone(), SIGNATURE.clone()]);
        }
        names
    }

    /// A caller's signatures stand in the head, where they are kept.
    pub(in crate::auth) fn trailers(&self) -> Vec<HeaderName> {
        if !self.settings.keeps_others {
            return Vec::new();
        }
        vec![SIGNATURE_INPUT.clone(), SIGNATURE.clone()]
    }

    pub(in crate::auth) fn describe(&self) -> Vec<Placed> {
        let digest = self.settings.covers_body().then_some(&CONTENT_DIGEST);
        let names = digest.into_iter().chain([&SIGNATURE_INPUT, &SIGNATURE]);
        names.map(|it| Placed { place: Place::Header, name: it.to_string() }).collect()
    }
}

impl super::DigestAlgorithm {
    pub(super) fn hash(self) -> Hash {
        match self {
            Self::Sha256 => Hash::Sha256,
            Self::Sha512 => Hash::Sha512,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha512 => "sha-512",
        }
    }
}

impl fmt::Debug for HttpSignatureSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[signer]")
    }
}
