//! What the whole process seals and opens with, and how it learns of new keys while it runs.
use super::binding::Binding;
use super::delivery::DeliveryKey;
use super::error::OpenError;
use super::fingerprint::FingerprintKey;
use super::keyring::Keyring;
use super::keyring::written;
use super::sealed::Sealed;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use arc_swap::ArcSwap;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Most unknown keys whose sources are asked for between two [`Sealer::refresh`]es: a database full of
/// another deployment's rows does not make a program run for each.
const ASKED_MAX: usize = 16;

/// How much is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// What costs nothing: files. What a program has printed before is taken as it was.
    Routine,
    /// Programs are run again as well, which may take seconds.
    Thorough,
}

/// Reads the operator's keys again, or says in one line why it can't.
pub type ReadKeys = Box<dyn Fn(Reading) -> Result<Keyring, String> + Send + Sync>;

/// Seals and opens for the whole process. Once loaded, a keyring is never lost to a source that breaks.
pub struct Sealer {
    keyring: ArcSwap<Keyring>,
    fingerprints: FingerprintKey,
    read: ReadKeys,
    /// One reading at a time, which may take its time; nobody else waits for it.
    turn: Mutex<()>,
    learned: Mutex<Learned>,
}

/// What came of reading keys again.
#[derive(Debug, Default)]
struct Learned {
    /// Names of keys that were asked for in vain since the last refresh.
    asked: BTreeSet<String>,
    problem: Option<String>,
}

/// What a refresh found, once for each change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    Unchanged,
    /// There is another newest key now.
    NewKey(String),
    /// The sources can't be used any more, or not yet: the loaded keys stay.
    Broke(String),
    /// They can be used again.
    Mended,
}

impl Sealer {
    pub fn new(keyring: Keyring, fingerprints: FingerprintKey, read: ReadKeys) -> Self {
        let keyring = ArcSwap::from_pointee(keyring);
        Self { keyring, fingerprints, read, turn: Mutex::default(), learned: Mutex::default() }
    }

    /// The keys in use.
    pub fn keyring(&self) -> Arc<Keyring> {
        self.keyring.load_full()
    }

    /// Seals a credential for a place, under a fresh data key.
    pub fn seal(&self, binding: &Binding<'_>, credential: &Credential, now: UnixTime) -> Sealed {
        self.keyring.load().seal(&self.fingerprints, binding, credential, now)
    }

    /// The credential again. Where its key is unknown, the sources are read once more first, which may
    /// block for seconds: not for a worker's thread.
    pub fn open(&self, binding: &Binding<'_>, sealed: &Sealed) -> Result<Credential, OpenError> {
        self.open_with(|keyring| keyring.open(binding, sealed))
    }

    /// The same with the keys at hand: blocks for nothing.
    pub fn open_at_hand(
        &self,
        binding: &Binding<'_>,
        sealed: &Sealed,
    ) -> Result<Credential, OpenError> {
        self.keyring.load().open(binding, sealed)
    }

    /// The values of one field; in all else as [`Sealer::open`].
    pub fn open_field(
        &self,
        binding: &Binding<'_>,
        sealed: &Sealed,
        name: &str,
    ) -> Result<Vec<Secret>, OpenError> {
        self.open_with(|keyring| keyring.open_field(binding, sealed, name))
    }

    /// The fingerprint that a field with these values has, wherever it is sealed.
    pub fn fingerprint(&self, values: &[Secret]) -> String {
        self.fingerprints.of(&written(values))
    }

    /// What these parts are known by in this deployment: a keyed digest, by which nobody who has no key can try
    /// out what they were.
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.fingerprints.digest(parts)
    }

    /// What kept deliveries are sealed under.
    pub fn deliveries(&self) -> DeliveryKey {
        self.fingerprints.deliveries()
    }

    /// Why the sources can't be used at present, in one line.
    pub fn problem(&self) -> Option<String> {
        self.learned().problem.clone()
    }

    /// Reads the keys again. Those in use stay where that fails, and where the result lacks the one
    /// that seals: data is sealed under it. Others are kept until the process ends, even where they are
    /// gone from their source.
    pub fn refresh(&self, reading: Reading) -> Refreshed {
        let _turn = self.turn();
        self.learned().asked.clear();
        self.take(reading)
    }

    /// Whether there is a key of this name, once the sources were read for it, programs included: that is
    /// done once for each name between two refreshes. May block for as long as that takes.
    pub fn learn(&self, key_id: &str) -> bool {
        let _turn = self.turn();
        // Whoever had the turn before may have brought it.
        if self.keyring.load().has(key_id) {
            return true;
        }
        let mut learned = self.learned();
        if learned.asked.len() == ASKED_MAX || !learned.asked.insert(key_id.to_owned()) {
            return false;
        }
        drop(learned);
        self.take(Reading::Thorough);
        self.keyring.load().has(key_id)
    }

    fn open_with<T>(
        &self,
        open: impl Fn(&Keyring) -> Result<T, OpenError>,
    ) -> Result<T, OpenError> {
        let opened = open(&self.keyring.load());
        match &opened {
            Err(OpenError::UnknownKey { key_id }) if self.learn(key_id) => {
                open(&self.keyring.load())
            }
            _ => opened,
        }
    }

    /// For whoever has the turn.
    fn take(&self, reading: Reading) -> Refreshed {
        let before = self.keyring.load_full();
        let read = (self.read)(reading).and_then(|keyring| {
            let newest = before.newest();
            if keyring.has(newest.as_str()) {
                return Ok(keyring);
            }
            Err(format!("the key {newest}, which seals, is gone from its source"))
        });
        let mut learned = self.learned();
        match read {
            Ok(keyring) => {
                let newest = keyring.newest().clone();
                self.keyring.store(Arc::new(keyring.with_older_of(&before)));
                let was_broken = learned.problem.take().is_some();
                match was_broken {
                    _ if newest != *before.newest() => {
                        Refreshed::NewKey(newest.as_str().to_owned())
                    }
                    true => Refreshed::Mended,
                    false => Refreshed::Unchanged,
                }
            }
            Err(problem) if learned.problem.as_ref() == Some(&problem) => Refreshed::Unchanged,
            Err(problem) => {
                learned.problem = Some(problem.clone());
                Refreshed::Broke(problem)
            }
        }
    }

    fn turn(&self) -> std::sync::MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learned(&self) -> std::sync::MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sealer").field(&self.keyring.load()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Slot;
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;

    const HERE: Binding<'_> =
        Binding { owner: "file:api", tenant: "acme", slot: Slot::Activation, generation: 1 };

    fn line(version: u32) -> String {
        let bytes: Vec<u8> = (0..32).map(|it| it ^ u8::try_from(version).unwrap()).collect();
        format!("{version}:{}", hex::encode(bytes))
    }

    fn ring(versions: &[u32]) -> Keyring {
        let texts: Vec<_> = versions.iter().map(|it| Secret::new(line(*it))).collect();
        Keyring::parse(&texts).unwrap()
    }

    /// What stands in the source, and how often it was read thoroughly.
    #[derive(Default)]
    struct Source {
        versions: Mutex<Vec<u32>>,
        thorough: AtomicUsize,
    }

    impl Source {
        fn write(&self, versions: &[u32]) {
            *self.versions.lock().unwrap() = versions.to_vec();
        }
    }

    fn sealer(versions: &[u32]) -> (Sealer, Arc<Source>) {
        let source = Arc::new(Source::default());
        source.write(versions);
        let read: ReadKeys = {
            let source = Arc::clone(&source);
            Box::new(move |reading| {
                let thorough = usize::from(reading == Reading::Thorough);
                source.thorough.fetch_add(thorough, Ordering::Relaxed);
                match &**source.versions.lock().unwrap() {
                    [] => Err("it is garbage".to_owned()),
                    versions => Ok(ring(versions)),
                }
            })
        };
        (Sealer::new(ring(versions), FingerprintKey::random(), read), source)
    }

    fn sealed_under(version: u32) -> Sealed {
        let credential = Credential::from_iter([("key", "hunter2")]);
        let now = UnixTime::from_s(1);
        ring(&[version]).seal(&FingerprintKey::random(), &HERE, &credential, now)
    }

    #[test]
    fn a_row_under_an_unknown_key_has_the_sources_read_once_before_it_is_given_up() {
        let (sealer, source) = sealer(&[1]);
        let row = sealed_under(2);
        for _ in 0..3 {
            assert!(matches!(sealer.open(&HERE, &row), Err(OpenError::UnknownKey { .. })));
        }
        assert_eq!(source.thorough.load(Ordering::Relaxed), 1);
        // The key arrives, and the next look for new keys finds it.
        source.write(&[1, 2]);
        assert!(sealer.open(&HERE, &row).is_err());
        assert!(matches!(sealer.refresh(Reading::Routine), Refreshed::NewKey(_)));
        assert!(sealer.open(&HERE, &row).is_ok() && sealer.open(&HERE, &sealed_under(1)).is_ok());

        // It was there before the row was met: at once.
        source.write(&[1, 2, 3]);
        assert!(sealer.open_field(&HERE, &sealed_under(3), "key").is_ok());
        assert_eq!(source.thorough.load(Ordering::Relaxed), 2);
        assert!(sealer.keyring().newest().as_str().starts_with("v3-"));
    }

    #[test]
    fn rows_of_many_foreign_keys_do_not_have_the_sources_read_for_each() {
        let (sealer, source) = sealer(&[1]);
        for version in 2..100 {
            assert!(sealer.open(&HERE, &sealed_under(version)).is_err());
        }
        assert_eq!(source.thorough.load(Ordering::Relaxed), ASKED_MAX);
    }

    #[test]
    fn a_source_that_breaks_costs_nothing_and_is_told_once() {
        let (sealer, source) = sealer(&[1, 2]);
        let rows = [sealed_under(1), sealed_under(2)];
        let works = || rows.iter().all(|it| sealer.open(&HERE, it).is_ok());
        assert_eq!(sealer.refresh(Reading::Routine), Refreshed::Unchanged);

        source.write(&[]);
        assert_eq!(sealer.refresh(Reading::Routine), Refreshed::Broke("it is garbage".to_owned()));
        assert_eq!(sealer.refresh(Reading::Routine), Refreshed::Unchanged);
        assert!(works() && sealer.problem().is_some());

        // Sound, but not ours: nothing may be sealed under it.
        source.write(&[1, 3]);
        assert!(
            matches!(sealer.refresh(Reading::Thorough), Refreshed::Broke(said) if said.contains("v2-"))
        );
        assert!(works() && sealer.keyring().newest().as_str().starts_with("v2-"));

        source.write(&[2]);
        assert_eq!(sealer.refresh(Reading::Routine), Refreshed::Mended);
        assert!(works() && sealer.problem().is_none(), "an old key stays until the process ends");
    }
}
