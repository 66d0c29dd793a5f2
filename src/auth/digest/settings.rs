//! The settings: which of a server's offers are taken.
use super::super::AuthError;
use super::super::Prepared;
use super::super::SchemeFault;
use super::super::Signer;
use super::signer::DigestSigner;
use crate::crypto::Hash;
use crate::model::Credential;
use std::sync::Arc;

/// The credential fields that it takes.
const FIELDS: [&str; 2] = ["username", "password"];

/// The settings as written: `digest: {}`.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct RawDigest {
    /// Those that are answered, each with its `-sess` form; of several that a server offers the strongest. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithms: Option<Vec<DigestAlgorithm>>,
    /// What of a request is covered, the first that a server offers. Default: `auth`, `auth-int`, `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qop: Option<Vec<Qop>>,
}

/// A hash function, under its name in challenges. SHA-512 is in no registry, and in servers.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
pub enum DigestAlgorithm {
    #[serde(rename = "MD5")]
    Md5,
    #[serde(rename = "SHA-256")]
    Sha256,
    #[serde(rename = "SHA-512-256")]
    Sha512_256,
    #[serde(rename = "SHA-512")]
    Sha512,
}

/// What of a request is covered (RFC 7616 §3.4.3).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Qop {
    /// Method and target.
    Auth,
    /// The body too.
    AuthInt,
    /// Method and target, for servers that know nothing of the others (RFC 2069).
    None,
}

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    algorithms: Vec<DigestAlgorithm>,
    qop: Vec<Qop>,
}

impl DigestAlgorithm {
    pub(super) const ALL: [Self; 4] = [Self::Md5, Self::Sha256, Self::Sha512_256, Self::Sha512];

    /// Its name in challenges.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512_256 => "SHA-512-256",
            Self::Sha512 => "SHA-512",
        }
    }

    pub(super) fn hash(self) -> Hash {
        match self {
            Self::Md5 => Hash::Md5,
            Self::Sha256 => Hash::Sha256,
            Self::Sha512_256 => Hash::Sha512_256,
            Self::Sha512 => Hash::Sha512,
        }
    }

    /// The higher the stronger.
    pub(super) fn strength(self) -> u8 {
        match self {
            Self::Md5 => 0,
            Self::Sha256 => 1,
            Self::Sha512_256 => 2,
            Self::Sha512 => 3,
        }
    }
}

impl TryFrom<RawDigest> for Digest {
    type Error = Vec<SchemeFault>;

    fn try_from(raw: RawDigest) -> Result<Self, Self::Error> {
        let mut faults = Vec::new();
        let mut empty = |setting, is_empty| {
            if is_empty {
                let hint = "write at least one, or leave it out to allow all";
                faults.push(SchemeFault::at(setting, "allows nothing", hint));
            }
        };
        empty("algorithms", raw.algorithms.as_ref().is_some_and(Vec::is_empty));
        empty("qop", raw.qop.as_ref().is_some_and(Vec::is_empty));
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            algorithms: raw.algorithms.unwrap_or_else(|| DigestAlgorithm::ALL.to_vec()),
            qop: raw.qop.unwrap_or_else(|| vec![Qop::Auth, Qop::AuthInt, Qop::None]),
        })
    }
}

impl Digest {
    pub(super) fn allows(&self, algorithm: DigestAlgorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// The first that a server offers; `offered` is empty where it says nothing.
    pub(super) fn qop(&self, offered: &[Qop]) -> Option<Qop> {
        self.qop.iter().copied().find(|it| match it {
            Qop::None => offered.is_empty(),
            it => offered.contains(it),
        })
    }

    /// The credential fields that it takes.
    pub(in super::super) fn fields(&self) -> Vec<&str> {
        FIELDS.to_vec()
    }

    pub(in super::super) fn is_optional(&self, _field: &str) -> bool {
        false
    }

    /// The password may be empty, the user name not; a colon in it would make it another's.
    pub(in super::super) fn prepare(
        &self,
        credential: &Credential,
    ) -> Result<Prepared, Vec<AuthError>> {
        let mut faults = Vec::new();
        for field in FIELDS {
            let value = credential.field(field).map_or("", |it| it.expose());
            let unsendable = |what| AuthError::Unsendable { field: field.to_owned(), what };
            if value.contains(['\r', '\n']) {
                faults.push(unsendable("a line break"));
            } else if value.contains(char::is_control) {
                faults.push(unsendable("a control character"));
            } else if field == FIELDS[0] && value.contains(':') {
                faults.push(unsendable("a colon"));
            } else if field == FIELDS[0] && value.is_empty() {
                faults.push(AuthError::Empty { field: field.to_owned() });
            }
        }
        let [Some(username), Some(password)] = FIELDS.map(|it| credential.field(it)) else {
            return Err(faults);
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        let signer = DigestSigner::new(self.clone(), username.clone(), password.clone());
        Ok(Prepared::signed(Signer::Digest(Arc::new(signer))))
    }
}
