//! From settings as written to those that can sign, with every fault told at once.
use super::HttpSignature;
use super::component::Component;
use super::raw::Others;
use super::raw::RawHttpSignature;
use super::raw::SignatureAlgorithm;
use super::structured;
use crate::auth::SchemeFault;
use crate::auth::Step;

const LABEL: &str = "sig1";

impl TryFrom<RawHttpSignature> for HttpSignature {
    type Error = Vec<SchemeFault>;

    fn try_from(raw: RawHttpSignature) -> Result<Self, Self::Error> {
        let mut faults = Vec::new();
        let components = components(&raw, &mut faults);
        if raw.algorithm.is_none() {
            let hint = "write rsa-pss-sha512, rsa-v1_5-sha256, hmac-sha256, ecdsa-p256-sha256, ecdsa-p384-sha384 \
                        or ed25519";
            faults.push(SchemeFault::at("algorithm", "is missing", hint));
        }
        let label = raw.label.as_deref().unwrap_or(LABEL);
        if !structured::is_key(label) {
            let hint = "it begins with a small letter, and has small letters, digits, `_`, `-`, `.` and `*`";
            faults.push(SchemeFault::at(
                "label",
                format!("`{label}` can't be a signature's label"),
                hint,
            ));
        }
        let tag = raw.tag.as_deref().map(quoted);
        if tag == Some(None) {
            let hint = "write printable characters of ASCII";
            faults.push(SchemeFault::at("tag", "has a character that can't be sent", hint));
        }
        if raw.expires_s == Some(0) {
            let hint = "write how many seconds it is good for, as 300";
            faults.push(SchemeFault::at("expires_s", "would be over at once", hint));
        }
        let algorithm = raw.algorithm.unwrap_or(SignatureAlgorithm::Ed25519);
        if raw.secret_encoding.is_some() && algorithm != SignatureAlgorithm::HmacSha256 {
            let problem = format!("{} signs with a private key, and that is PEM", algorithm.name());
            faults.push(SchemeFault::at("secret_encoding", problem, "leave it out"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            algorithm,
            components,
            label: label.into(),
            digest: raw.digest.unwrap_or_default(),
            created: raw.created.unwrap_or(true),
            expires_s: raw.expires_s,
            nonce: raw.nonce.unwrap_or_default(),
            alg: raw.alg.unwrap_or_default(),
            tag: tag.flatten(),
            secret_encoding: raw.secret_encoding.unwrap_or_default(),
            keeps_others: raw.others.unwrap_or_default() == Others::Keep,
        })
    }
}

fn components(raw: &RawHttpSignature, faults: &mut Vec<SchemeFault>) -> Box<[Component]> {
    let mut components: Vec<Component> = Vec::with_capacity(raw.components.len());
    if raw.components.is_empty() {
        let hint = "write what the API wants covered, as `[\"@method\", \"@target-uri\", \"content-digest?\"]`";
        faults.push(SchemeFault::at("components", "nothing is covered", hint));
    }
    for (index, text) in raw.components.iter().enumerate() {
        let path = || vec![Step::Field("components".into()), Step::Index(index)];
        match Component::parse(text, |name| raw.structured.get(name).copied()) {
            Err((problem, hint)) => {
                let problem = format!("`{text}` {problem}");
                faults.push(SchemeFault { path: path(), problem, hint });
            }
            // RFC 9421 §2: each component identifier once.
            Ok(component) if components.iter().any(|it| it.identifier == component.identifier) => {
                let problem = format!("`{text}` is covered twice");
                faults.push(SchemeFault { path: path(), problem, hint: "keep one".into() });
            }
            Ok(component) => components.push(component),
        }
    }
    components.into()
}

/// A string of a structured field (RFC 9651 §4.1.6).
pub(super) fn quoted(text: &str) -> Option<Box<str>> {
    let printable = text.bytes().all(|it| matches!(it, b' '..=b'~'));
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    printable.then(|| format!("\"{escaped}\"").into())
}
