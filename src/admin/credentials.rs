//! Credentials in, never out: what is kept stays as it is sealed, and what changes is sealed anew.
use super::call::Call;
use super::error::ApiError;
use super::sent;
use super::sent::Fields;
use super::sent::Members;
use super::shape::ShownField;
use super::time;
use crate::catalog::Auth;
use crate::catalog::AuthMethod;
use crate::config::Step;
use crate::config::pointer;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use crate::seal::Binding;
use crate::seal::Sealed;
use crate::seal::Sealer;
use crate::seal::Slot;
use crate::store::Place;
use crate::store::SealedCredential;
use crate::store::Secrets;
use crate::vault::Keys;
use crate::webhook::ACCOUNT;
use crate::webhook::Given;
use crate::webhook::SECRET;
use crate::webhook::VERIFY_TOKEN;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// For the value of a field that does not open: every auth type takes it, whatever it decodes it from.
const STAND_IN: &str = "0123456789abcdef0123456789abcdef";

/// The same where the secret of a webhook is the sender's public key: one of each kind as PEM, which stands for its DER
/// in base64 as well, and the bytes of an Ed25519 key in hex and base64. Nobody has kept what they belong to.
const STAND_IN_KEYS: &[&str] = &[
    ED25519_KEY,
    P256_KEY,
    RSA_KEY,
    "13a7e09bd8e745962ec83c53c6766d58c000b6ca984ac6cde06cb266de38b993",
    "E6fgm9jnRZYuyDxTxnZtWMAAtsqYSsbN4GyyZt44uZM=",
];

const ED25519_KEY: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAE6fgm9jnRZYuyDxTxnZtWMAAtsqYSsbN4GyyZt44uZM=
-----END PUBLIC KEY-----
";

const P256_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEoNdjU5AoRzYqetZozQuA9SIzrYVE
/gM6fiLZpRWV79Di+VcUb7Jwody/TUvH6IVqsxmou9xObOpEyqwsJBOD8g==
-----END PUBLIC KEY-----
";

const RSA_KEY: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA3/jnMAixt8xYej8Y0wY9
0T6nJLBxCUMvwjZnU8H0IQxo7Wqo4h4mV6nJ0UkulhQHLcFzTZOCOq2hhNS9sUtu
wU0M8WnPKbqaN/FrVu1KBGyma68ngwOYOmA1Wlvb4e0vjrMG6gOz9XLotwRL13S6
p4KTfGYrmZaSRGOsYptOzMf9kaJNXlO9XFB6SAdA5GVX7cKdANQ3QAK3YdMRS5gn
Bqj5P5QLx+zjSvb/zqYRounTYb11LpikSHCuIo7GawABJXsiNqS/klcNkpcAYwEP
tUYNlNOinWgW6BZhftrjk0s3Mza5uMXq2cig9nAIduT8bQuvCfLmMKhnQr4o1uda
4QIDAQAB
-----END PUBLIC KEY-----
";

/// Where a credential is: whose, for which tenant, in which slot.
#[derive(Clone, Copy)]
pub(super) struct Where<'a> {
    pub owner: &'a str,
    pub tenant: &'a str,
    pub slot: Slot,
    /// The member that it is sent as.
    pub member: &'static str,
}

/// What becomes of a credential with a write.
pub(super) enum Change {
    Kept,
    Removed,
    Set(Resealing),
}

/// Seals a credential in the transaction that stores it.
pub(super) struct Resealing {
    sealer: Arc<Sealer>,
    credential: Credential,
    /// Whether a field of it is what was there before.
    keeps: bool,
    now: UnixTime,
}

impl Change {
    /// True where nothing stays of what was there.
    pub(super) fn is_whole(&self) -> bool {
        match self {
            Self::Kept => false,
            Self::Removed => true,
            Self::Set(it) => !it.keeps,
        }
    }
}

/// What there is at a place.
pub(super) async fn current(
    call: &Call,
    at: Where<'_>,
) -> Result<Option<SealedCredential>, ApiError> {
    let store = &call.api.store()?.store;
    let found = store.credentials().get(&call.scope(), at.owner, at.tenant, at.slot).await;
    found.map_err(|it| ApiError::of_store(it, "credential", at.owner))
}

/// The same, where it is about to be written over: what does not read need not be known where nothing of it stays.
pub(super) async fn replaceable(
    call: &Call,
    at: Where<'_>,
    sent: Option<&Fields>,
) -> Result<Option<SealedCredential>, ApiError> {
    let is_whole = sent.is_some_and(|it| !it.values().any(sent::Field::is_kept));
    match current(call, at).await {
        Err(ApiError::Damaged { .. }) if is_whole => Ok(None),
        current => current,
    }
}

/// As answers show it; `None` where there is none.
pub(super) fn shown(current: Option<&SealedCredential>) -> Option<Value> {
    let fields = &current?.sealed.fields;
    let shown = fields.iter().map(|(name, field)| {
        let set_at = time::shown(field.set_at_ms);
        let field = ShownField { fingerprint: field.fingerprint.clone(), set_at };
        (name.clone(), json!(field))
    });
    Some(Value::Object(shown.collect::<Members>()))
}

/// The credential that there will be, and what is to be done to what is stored.
pub(super) async fn merged(
    call: &Call,
    (at, method): (Where<'_>, &AuthMethod),
    sent: Option<Fields>,
    current: Option<&SealedCredential>,
) -> Result<(Credential, Change), ApiError> {
    let backing = call.api.store()?;
    let (sealer, keys) = (&backing.sealer, &backing.keys);
    let shown = current.map(|it| {
        let fields = it.sealed.fields.iter();
        fields.map(|(name, it)| (name.clone(), it.fingerprint.clone())).collect()
    });
    let shown = shown.unwrap_or_default();
    let Some(sent) = sent.filter(|it| !sent::keeps_all(it, &shown)) else {
        let credential = match current {
            Some(it) => kept(keys, (at, method), it).await,
            None => Credential::default(),
        };
        return Ok((credential, Change::Kept));
    };
    let mut opened = Credential::default();
    let names = sent.iter().filter(|it| it.1.is_kept()).map(|it| it.0);
    for (name, current) in names.filter_map(|it| Some((it, current?))) {
        opened.insert(name.clone(), opened_field(keys, at, current, name).await?);
    }
    let keeps = sent.values().any(sent::Field::is_kept);
    let credential = sent::merged(sent, at.member, &opened, &shown)?;
    let change = if credential.is_empty() {
        Change::Removed
    } else {
        let (sealer, credential) = (Arc::clone(sealer), credential.clone());
        Change::Set(Resealing { sealer, credential, keeps, now: (call.api.clock)() })
    };
    Ok((credential, change))
}

/// The fields that get another value than they have.
pub(super) fn set_now(sent: Option<&Fields>) -> BTreeSet<String> {
    let set = sent.into_iter().flatten().filter(|it| !it.1.is_kept());
    set.map(|it| it.0.clone()).collect()
}

/// Refuses values that do not fit what the method says of their fields.
pub(super) fn check_set(
    method: &AuthMethod,
    credential: &Credential,
    set: &BTreeSet<String>,
    member: &str,
) -> Result<(), ApiError> {
    let misfits = method.misfits(credential, |it| set.contains(it), member);
    if misfits.is_empty() { Ok(()) } else { Err(ApiError::below(&misfits, 0)) }
}

/// What stays as it is, for all else to be checked with. Where it does not open it is not looked at:
/// whoever lost the key can still edit the rest.
async fn kept(
    keys: &Keys,
    (at, method): (Where<'_>, &AuthMethod),
    current: &SealedCredential,
) -> Credential {
    opened(keys, at, current)
        .await
        .unwrap_or_else(|| stand_in(method, current.sealed.fields.keys().map(String::as_str)))
}

/// A credential of these fields that the method takes.
fn stand_in<'n>(method: &AuthMethod, names: impl Iterator<Item = &'n str>) -> Credential {
    let credential: Credential = names.map(|it| (it, STAND_IN)).collect();
    let Auth::Inbound(description) = &method.auth else { return credential };
    let with = |secret: &str| {
        let mut credential = credential.clone();
        if credential.field(SECRET).is_some() {
            credential.insert(SECRET, vec![Secret::new(secret)]);
        }
        credential
    };
    let is_fit = |it: &Credential| {
        let given = Given {
            secrets: it.values(SECRET),
            verify_token: it.field(VERIFY_TOKEN),
            account: it.field(ACCOUNT).map(Secret::expose),
        };
        description.verifier(&given).is_ok()
    };
    let bare = |pem: &str| pem.lines().filter(|it| !it.starts_with("-----")).collect::<String>();
    let all = std::iter::once(&STAND_IN).chain(STAND_IN_KEYS);
    let all = all.flat_map(|it| [(*it).to_owned(), bare(it)]);
    all.map(|it| with(&it)).find(is_fit).unwrap_or(credential)
}

/// `None` where it does not open.
pub(super) async fn opened(
    keys: &Keys,
    at: Where<'_>,
    current: &SealedCredential,
) -> Option<Credential> {
    keys.open(&at.binding(current), &current.sealed).await.ok()
}

async fn opened_field(
    keys: &Keys,
    at: Where<'_>,
    current: &SealedCredential,
    name: &str,
) -> Result<Vec<Secret>, ApiError> {
    // What is not there has no fingerprint either, which is told.
    if !current.sealed.fields.contains_key(name) {
        return Ok(Vec::new());
    }
    keys.open_field(&at.binding(current), &current.sealed, name).await.map_err(|it| {
        let problem = format!("what is kept can't be opened: {it}");
        let pointer = pointer([Step::Key(at.member), Step::Key(name)]);
        ApiError::invalid(pointer, problem, "send the value itself")
    })
}

impl<'a> Where<'a> {
    fn binding(self, current: &SealedCredential) -> Binding<'a> {
        let Where { owner, tenant, slot, .. } = self;
        Binding { owner, tenant, slot, generation: current.generation }
    }
}

impl Resealing {
    pub(super) fn seal(&self, place: &Place<'_>) -> Sealed {
        let sealed = self.sealer.seal(&place.binding, &self.credential, self.now);
        match place.current {
            Some(before) => sealed.with_dates_of(&before.sealed),
            None => sealed,
        }
    }
}

/// How the store takes a change: `seal` is what [`sealing`] gave.
pub(super) fn secrets<'a>(
    change: &Change,
    seal: &'a (dyn Fn(&Place<'_>) -> Result<Sealed, String> + Send + Sync),
) -> Secrets<'a> {
    match change {
        Change::Kept => Secrets::Keep,
        Change::Removed => Secrets::Remove,
        Change::Set(_) => Secrets::Set(seal),
    }
}

/// Seals what is to be set.
pub(super) fn sealing(
    change: &Change,
) -> impl Fn(&Place<'_>) -> Result<Sealed, String> + Send + Sync + '_ {
    move |place| match change {
        Change::Set(it) => Ok(it.seal(place)),
        Change::Kept | Change::Removed => Err("there is nothing to seal".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::RawAuthMethod;
    use crate::model::Key;

    fn method(settings: Value) -> AuthMethod {
        let raw: RawAuthMethod = serde_json::from_value(settings).unwrap();
        AuthMethod::recorded(Key::try_from("m").unwrap(), 1, raw).unwrap()
    }

    #[test]
    fn every_auth_type_takes_what_stands_in_for_a_value() {
        let presets = crate::webhook::preset_names().map(|it| json!({ "hmac": { "preset": it } }));
        let types = [
            json!({ "api_key": { "in": "cookie", "name": "key" } }),
            json!({ "basic": {} }),
            json!({ "bearer": {} }),
            json!({ "custom": { "inject": [{ "in": "header", "name": "X-A", "value": "{a} {b}" }] } }),
            json!({ "oauth2": { "grant": "client_credentials", "token_url": "https://id.example/token" } }),
            json!({ "session_login": {
                "steps": [{ "url": "https://api.example/login", "basic": "{a}:{b}", "take": { "s": { "json": "/s" } } }],
                "inject": [{ "in": "header", "name": "X-S", "value": "{s}" }],
            } }),
        ];
        for settings in types.into_iter().chain(presets) {
            let method = method(settings.clone());
            let stands_in = |fields: Vec<&str>| stand_in(&method, fields.into_iter());
            let is_fit = match &method.auth {
                Auth::Outbound(scheme) => scheme.prepare(&stands_in(scheme.fields())).is_ok(),
                Auth::Token(token) => token.is_fit(&stands_in(method.fields())),
                Auth::Inbound(description) => {
                    let fields = description.fields().into_iter().map(|it| it.0);
                    let credential = stands_in(fields.collect());
                    let given = Given {
                        secrets: credential.values(SECRET),
                        verify_token: credential.field(VERIFY_TOKEN),
                        account: credential.field(ACCOUNT).map(Secret::expose),
                    };
                    description.verifier(&given).is_ok()
                }
            };
            assert!(is_fit, "{settings}");
        }
    }
}
