//! The operator's keys: the newest seals, all open.
use super::binding::Binding;
use super::binding::push;
use super::cipher::Cipher;
use super::cipher::KEY_LEN;
use super::error::KeyError;
use super::error::KeyProblem;
use super::error::OpenError;
use super::fingerprint::FingerprintKey;
use super::key;
use super::key::KEYS_MAX;
use super::key::KeyId;
use super::key::SEPARATORS;
use super::key::WrappingKey;
use super::key::random_key;
use super::sealed::Sealed;
use super::sealed::SealedField;
use super::sealed::Wrap;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The keys that data keys are wrapped under, at least one. Prints their names alone.
///
/// One key wraps at most 2³² data keys (random nonces, SP 800-38D §8.3): a new one is due long before
/// four thousand million credentials were set. A data key seals the fields of one generation of one
/// credential.
pub struct Keyring {
    /// By version, the newest last.
    keys: Vec<Arc<WrappingKey>>,
}

impl Keyring {
    /// Reads keys. Each text has one or several, separated by commas or line breaks; each is
    /// `[<version>:]<32 bytes as base64 or hex>`, version 1 where it says none.
    pub fn parse(texts: &[Secret]) -> Result<Self, KeyError> {
        let mut keys: Vec<Arc<WrappingKey>> = Vec::new();
        for (text, secret) in texts.iter().enumerate() {
            let lines = secret.expose().split(SEPARATORS).map(str::trim);
            for (index, line) in lines.filter(|it| !it.is_empty()).enumerate() {
                let refused = |problem| KeyError { text, key: index + 1, problem };
                let key = WrappingKey::parse(line).map_err(refused)?;
                match keys.iter().find(|it| it.version == key.version || it.is_same_key(&key)) {
                    None if keys.len() == KEYS_MAX => return Err(refused(KeyProblem::TooMany)),
                    None => keys.push(Arc::new(key)),
                    // Written twice, in two sources perhaps: one key.
                    Some(other) if other.id == key.id => {}
                    Some(other) if other.version == key.version => {
                        return Err(refused(KeyProblem::Taken(other.version)));
                    }
                    Some(other) => return Err(refused(KeyProblem::Repeated(other.version))),
                }
            }
        }
        if keys.is_empty() {
            return Err(KeyError { text: 0, key: 1, problem: KeyProblem::Missing });
        }
        keys.sort_by_key(|it| it.version);
        Ok(Self { keys })
    }

    /// These keys, and those of `before` that would not open beside them any more. The newest of these
    /// still seals.
    pub(super) fn with_older_of(mut self, before: &Self) -> Self {
        let newest = self.newest_key().version;
        let gone = before.keys.iter().filter(|it| it.version < newest && !self.has(it.id.as_str()));
        let gone: Vec<_> = gone.cloned().collect();
        self.keys.extend(gone);
        self.keys.sort_by_key(|it| it.version);
        self
    }

    /// The line of a fresh key, for the configuration: one version above the newest of `keys`, version
    /// 1 where there are none.
    pub fn fresh_line(keys: Option<&Self>) -> Secret {
        key::fresh_line(keys.map_or(1, |it| it.newest_key().version.saturating_add(1)))
    }

    /// The key that seals.
    pub fn newest(&self) -> &KeyId {
        &self.newest_key().id
    }

    pub fn has(&self, key_id: &str) -> bool {
        self.key(key_id).is_some()
    }

    /// The names of all, oldest version first.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.iter().map(|it| &it.id)
    }

    /// Seals a credential for a place, under a fresh data key.
    pub fn seal(
        &self,
        fingerprints: &FingerprintKey,
        binding: &Binding<'_>,
        credential: &Credential,
        now: UnixTime,
    ) -> Sealed {
        let data_key = random_key();
        let cipher = Cipher::new(&data_key);
        let set_at_ms = i64::try_from(now.as_ms()).unwrap_or(i64::MAX);
        let field = |name: &str| {
            let plain = written(credential.values(name));
            let sealed = cipher.seal(&binding.field(name), &plain);
            let fingerprint = fingerprints.of(&plain);
            (name.to_owned(), SealedField { sealed, fingerprint, set_at_ms })
        };
        let Wrap { key_id, wrapped } = self.wrap(binding, credential.fields(), &data_key);
        Sealed { key_id, wrapped, fields: credential.fields().map(field).collect() }
    }

    /// The credential again.
    pub fn open(&self, binding: &Binding<'_>, sealed: &Sealed) -> Result<Credential, OpenError> {
        let cipher = Cipher::new(&*self.unwrap(binding, sealed)?);
        let mut credential = Credential::default();
        for (name, field) in &sealed.fields {
            credential.insert(name.clone(), opened(&cipher, binding, name, field)?);
        }
        Ok(credential)
    }

    /// The values of one field.
    pub fn open_field(
        &self,
        binding: &Binding<'_>,
        sealed: &Sealed,
        name: &str,
    ) -> Result<Vec<Secret>, OpenError> {
        let no_field = || OpenError::NoField { field: name.to_owned() };
        let field = sealed.fields.get(name).ok_or_else(no_field)?;
        opened(&Cipher::new(&*self.unwrap(binding, sealed)?), binding, name, field)
    }

    /// The data key under the newest key, or `None` where it is already.
    pub fn rewrap(
        &self,
        binding: &Binding<'_>,
        sealed: &Sealed,
    ) -> Result<Option<Wrap>, OpenError> {
        if sealed.key_id == self.newest().as_str() {
            return Ok(None);
        }
        let data_key = self.unwrap(binding, sealed)?;
        Ok(Some(self.wrap(binding, names(sealed), &data_key)))
    }

    fn newest_key(&self) -> &WrappingKey {
        self.keys.last().expect("a keyring has a key")
    }

    fn key(&self, key_id: &str) -> Option<&WrappingKey> {
        self.keys.iter().find(|it| it.id.as_str() == key_id).map(|it| &**it)
    }

    fn wrap<'n>(
        &self,
        binding: &Binding<'_>,
        fields: impl Iterator<Item = &'n str>,
        data_key: &[u8; KEY_LEN],
    ) -> Wrap {
        let WrappingKey { id, cipher, .. } = self.newest_key();
        let wrapped = cipher.seal(&binding.wrap(id.as_str(), fields), data_key);
        Wrap { key_id: id.as_str().to_owned(), wrapped }
    }

    fn unwrap(
        &self,
        binding: &Binding<'_>,
        sealed: &Sealed,
    ) -> Result<Zeroizing<[u8; KEY_LEN]>, OpenError> {
        let key_id = &sealed.key_id;
        let unknown = || OpenError::UnknownKey { key_id: key_id.clone() };
        let key = self.key(key_id).ok_or_else(unknown)?;
        let associated = binding.wrap(key_id, names(sealed));
        let opened = key.cipher.open(&associated, &sealed.wrapped).ok_or(OpenError::Wrap)?;
        let data_key: &[u8; KEY_LEN] = opened.as_slice().try_into().map_err(|_| OpenError::Wrap)?;
        Ok(Zeroizing::new(*data_key))
    }
}

fn names(sealed: &Sealed) -> impl Iterator<Item = &str> {
    sealed.fields.keys().map(String::as_str)
}

/// A field's values, each behind its length.
pub(super) fn written(values: &[Secret]) -> Zeroizing<Vec<u8>> {
    let texts = values.iter().map(Secret::expose);
    let length = texts.clone().map(|it| it.len() + size_of::<u64>()).sum();
    // Room for all, so that nothing is left behind where a vector grew.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    texts.for_each(|it| push(&mut bytes, it.as_bytes()));
    bytes
}

fn opened(
    cipher: &Cipher,
    binding: &Binding<'_>,
    name: &str,
    field: &SealedField,
) -> Result<Vec<Secret>, OpenError> {
    let plain = cipher.open(&binding.field(name), &field.sealed);
    let values = plain.and_then(|it| read(&it));
    values.ok_or_else(|| OpenError::Field { field: name.to_owned() })
}

/// The values that were [`written`].
fn read(mut bytes: &[u8]) -> Option<Vec<Secret>> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk()?;
        let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
        let (value, rest) = rest.split_at_checked(length)?;
        values.push(Secret::new(str::from_utf8(value).ok()?));
        bytes = rest;
    }
    Some(values)
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}
