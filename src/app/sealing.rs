//! What a gateway seals with: the operator's keys, held against what the database has.
use super::KeySources;
use super::KeysError;
use super::clock::now;
use crate::config::KeySource;
use crate::config::SealSettings;
use crate::model::Scope;
use crate::seal::FingerprintKey;
use crate::seal::Keyring;
use crate::seal::Reading;
use crate::seal::Sealer;
use crate::seal::TrailKey;
use crate::store::Deployment;
use crate::store::Store;
use crate::store::StoreError;
use std::fs;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

/// The file in the data folder that `--dev` keeps a key in, where there is no other.
const DEV_KEY_FILE: &str = "seal.key";

/// Why there is nothing to seal with. One clear line each.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    #[error("seal.keys: {0}; `attache keys new` makes one, or start with `--dev`")]
    NoKey(KeysError),
    #[error("seal.keys: {0}")]
    Keys(KeysError),
    #[error(
        "seal.keys: the database needs keys that are not there: {}; give them back, they are needed \
         until `attache keys rotate` has been run",
        counted(.0)
    )]
    Missing(Vec<(String, i64)>),
    #[error("{path} can't be written: {reason}")]
    DevKey { path: String, reason: io::ErrorKind },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the keys, and refuses to go on where the database needs others. `dev`: the data folder, where a key
/// is made that is missing.
///
/// Blocks while sources are read: for the start, not for a worker.
pub async fn open(
    store: &Store,
    settings: &SealSettings,
    dev: Option<&Path>,
) -> Result<Arc<Sealer>, SealingError> {
    let mut missing = store.credentials().key_ids(&Scope::System).await?;
    let opened = keys(settings, dev, missing.is_empty());
    match &opened {
        Ok((_, keyring)) => missing.retain(|it| !keyring.has(it)),
        // What the database needs says more than that there is none.
        Err(SealingError::NoKey(_)) => {}
        Err(_) => missing.clear(),
    }
    if !missing.is_empty() {
        let mut counted = store.credentials().count(&Scope::System).await?;
        counted.retain(|it| missing.contains(&it.0));
        return Err(SealingError::Missing(counted));
    }
    let (sources, keyring) = opened?;
    let fingerprints = fingerprints(store, &keyring).await?;
    let read = move |reading| sources.read(reading).map_err(|it| first_line(&it.to_string()));
    Ok(Arc::new(Sealer::new(keyring, fingerprints, Box::new(read))))
}

fn keys(
    settings: &SealSettings,
    dev: Option<&Path>,
    is_empty: bool,
) -> Result<(KeySources, Keyring), SealingError> {
    let sources = KeySources::new(settings);
    let unset = match sources.read(Reading::Thorough) {
        Ok(keyring) => return Ok((sources, keyring)),
        Err(unset @ KeysError::Unset { .. }) => unset,
        Err(error) => return Err(SealingError::Keys(error)),
    };
    let made = dev.map(|it| it.join(DEV_KEY_FILE));
    // A new key is never made over old data.
    let Some(path) = made.filter(|it| is_empty || it.exists()) else {
        return Err(SealingError::NoKey(unset));
    };
    if !path.exists() {
        make_dev_key(&path).map_err(|it| SealingError::DevKey {
            path: path.display().to_string(),
            reason: it.kind(),
        })?;
    }
    let sources = KeySources::new(&SealSettings { keys: vec![KeySource::File(path)] });
    let keyring = sources.read(Reading::Thorough).map_err(SealingError::Keys)?;
    Ok((sources, keyring))
}

fn make_dev_key(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let line = Keyring::fresh_line(None);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(line.expose().as_bytes())?;
    file.write_all(b"\n")?;
    eprintln!(
        "{} was made, the key that what is stored is sealed under:\n{}",
        path.display(),
        line.expose()
    );
    Ok(())
}

/// The deployment's key for fingerprints, made at its first start.
async fn fingerprints(store: &Store, keyring: &Keyring) -> Result<FingerprintKey, StoreError> {
    let fresh = FingerprintKey::random();
    let seal = |place: &crate::store::Place<'_>| {
        Ok(keyring.seal(&fresh, &place.binding, &fresh.credential(), now()))
    };
    let own = store.deployment().own(&Scope::System, &seal).await;
    let opened = match own {
        Ok(own) => keyring.open(&Deployment::binding(), &own.sealed).map_err(|it| it.to_string()),
        // A new one would make nothing of what the old one has entered.
        Err(StoreError::NoTrail { .. }) => {
            Err("the row `deployment` of the table `credentials` is gone".to_owned())
        }
        Err(error @ StoreError::Corrupt { .. }) => Err(error.to_string()),
        Err(error) => return Err(error),
    };
    let key =
        opened.and_then(|it| FingerprintKey::from_credential(&it).ok_or("it is no key".to_owned()));
    let problem = match key {
        Ok(key) => {
            store.keep_trail(key.trail());
            // The next change would begin it.
            if let Err(error) = store.audit().begin(&Scope::System).await {
                tracing::warn!("the audit trail is not begun yet: {error}");
            }
            return Ok(key);
        }
        Err(problem) => problem,
    };
    // Credentials go on: neither is needed to open one. What can't be entered in the audit trail is not done.
    tracing::error!(
        "the deployment's own key can't be used, fingerprints shown now are others than before, and nothing can \
         be changed, since the audit trail is kept under it: {problem}"
    );
    Ok(fresh)
}

/// What the audit trail is kept under; none where the deployment has no key of its own yet, or it does not open.
pub async fn trail_key(store: &Store, keyring: &Keyring) -> Result<Option<TrailKey>, StoreError> {
    let Some(own) = store.deployment().sealed(&Scope::System).await? else { return Ok(None) };
    let opened = keyring.open(&Deployment::binding(), &own.sealed).ok();
    Ok(opened.and_then(|it| FingerprintKey::from_credential(&it)).map(|it| it.trail()))
}

fn counted(missing: &[(String, i64)]) -> String {
    let one = |(key_id, count): &(String, i64)| {
        let noun = if *count == 1 { "credential" } else { "credentials" };
        format!("{key_id} ({count} {noun})")
    };
    missing.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Of a message whose second line is a hint.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
