//! `…/authorize` and `…/callback`: a person is asked to consent, and what came of it.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::grantee::Grantee;
use super::grants;
use super::sent;
use super::time;
use crate::grant::DPOP_KEY;
use crate::grant::DpopKey;
use crate::grant::Expiry;
use crate::grant::GrantType;
use crate::grant::RedirectUri;
use crate::grant::TokenSet;
use crate::grant::pkce_verifier;
use crate::model::Account;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use crate::renewal::Dance;
use crate::renewal::Errands;
use crate::renewal::renewed_in;
use crate::seal::Binding;
use crate::seal::Slot;
use crate::store::Authorization;
use crate::store::GrantTimes;
use crate::store::NewAuthorization;
use crate::store::Place;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a person may take to consent in a browser.
const LIFE: Duration = Duration::from_secs(600);

/// Somebody is to be asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Authorize {
    /// Where the person's browser comes back to, as the provider knows it: https, or http on this machine. Not for
    /// consents on another device.
    redirect_uri: Option<String>,
    /// Whom the provider should ask, as it knows them.
    login_hint: Option<String>,
    /// For the connection's test credentials. Default: no.
    #[serde(default)]
    test: bool,
}

/// Where the person goes.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Asked {
    /// In a browser.
    Browser {
        /// Send the person's browser there.
        url: String,
        /// Comes back with it: keep it with the person's session, and look whether it is the same.
        state: String,
        /// RFC 3339, UTC: from then on it is good for nothing.
        expires_at: String,
    },
    /// On another device (RFC 8628).
    Device {
        /// For the person to type.
        user_code: String,
        /// Where.
        verification_uri: String,
        /// The same with the code in it.
        #[serde(skip_serializing_if = "Option::is_none")]
        verification_uri_complete: Option<String>,
        /// RFC 3339, UTC.
        expires_at: String,
        /// How often the provider is asked whether they have.
        interval_s: u64,
    },
}

/// The person's browser came back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Callback {
    /// The whole URL that it came back to.
    url: String,
    /// What the person's session has: it has to be the redirect's.
    state: Option<String>,
    /// As it was asked for.
    #[serde(default)]
    test: bool,
}

/// `POST …/authorize`
pub(super) async fn authorize(mut call: Call) -> Result<Answer, ApiError> {
    let asked: Authorize = sent::read(&call.take_object()?)?;
    let grantee = Grantee::of(&call, asked.test).await?;
    let asked = match grantee.client.method()?.grant() {
        GrantType::DeviceCode => on_device(&call, &grantee, &asked).await?,
        _ => in_browser(&call, &grantee, asked).await?,
    };
    Answer::of(&asked)
}

async fn in_browser(call: &Call, grantee: &Grantee, asked: Authorize) -> Result<Asked, ApiError> {
    let missing = || {
        let hint = "say where the person's browser comes back to";
        ApiError::invalid("", "`redirect_uri` is missing", hint)
    };
    let given = asked.redirect_uri.ok_or_else(missing)?;
    let uri = RedirectUri::parse(&given).map_err(|it| {
        let hint = "write the one that the provider knows: https://…, or http:// on this machine";
        ApiError::invalid("/redirect_uri", it.to_string(), hint)
    })?;
    let own_key = || grantee.client.holder.credential.field(DPOP_KEY).cloned();
    let binds = grantee.client.method()?.dpop();
    let dance = Dance {
        redirect_uri: uri.as_str().to_owned(),
        state: random(),
        nonce: random(),
        verifier: random(),
        login_hint: asked.login_hint,
        dpop_key: binds.then(|| own_key().unwrap_or_else(DpopKey::generate)),
    };
    let url = call.api.errands()?.authorization_url(grantee.client.clone(), dance.clone()).await?;
    let mut kept = Credential::default();
    kept.insert("of", vec![Secret::new(grantee.name())]);
    kept.insert("redirect_uri", vec![Secret::new(&*dance.redirect_uri)]);
    kept.insert("nonce", vec![dance.nonce.clone()]);
    kept.insert("verifier", vec![dance.verifier.clone()]);
    if let Some(key) = &dance.dpop_key {
        kept.insert(DPOP_KEY, vec![key.clone()]);
    }
    let id = id_of(dance.state.expose());
    let expires_ms = begin(call, grantee, (&id, LIFE, None), &kept).await?;
    let (url, state) = (url.to_string(), dance.state.expose().to_owned());
    Ok(Asked::Browser { url, state, expires_at: time::shown(expires_ms) })
}

async fn on_device(call: &Call, grantee: &Grantee, asked: &Authorize) -> Result<Asked, ApiError> {
    if asked.redirect_uri.is_some() {
        let problem = "nobody comes back: the person consents on another device";
        return Err(ApiError::invalid("/redirect_uri", problem, "leave it out"));
    }
    let codes = call.api.errands()?.device(grantee.client.clone()).await?;
    let mut kept = Credential::default();
    kept.insert("of", vec![Secret::new(grantee.name())]);
    kept.insert("device_code", vec![codes.device_code]);
    let now = (call.api.clock)();
    let life = Duration::from_millis(codes.expires_at.as_ms().saturating_sub(now.as_ms()));
    let id = id_of(random().expose());
    let expires_ms = begin(call, grantee, (&id, life, Some(codes.interval)), &kept).await?;
    Ok(Asked::Device {
        user_code: codes.user_code,
        verification_uri: codes.verification_uri,
        verification_uri_complete: codes.verification_uri_complete,
        expires_at: time::shown(expires_ms),
        interval_s: codes.interval.as_secs(),
    })
}

async fn begin(
    call: &Call,
    grantee: &Grantee,
    (id, life, interval): (&str, Duration, Option<Duration>),
    kept: &Credential,
) -> Result<i64, ApiError> {
    let backing = call.api.store()?;
    let ms = |it: Duration| i64::try_from(it.as_millis()).unwrap_or(i64::MAX);
    let new = NewAuthorization {
        id,
        key: grantee.key(),
        connection: grantee.client.connection.as_str(),
        lives_ms: ms(life),
        interval_ms: interval.map(ms),
    };
    let now = (call.api.clock)();
    let seal = |binding: &Binding<'_>| backing.sealer.seal(binding, kept, now);
    let begun = backing.store.authorizations().begin(&call.scope(), &new, &seal).await;
    begun.map_err(|it| ApiError::of_store(it, "authorization", id))
}

/// `POST …/callback`
pub(super) async fn callback(mut call: Call) -> Result<Answer, ApiError> {
    let back: Callback = sent::read(&call.take_object()?)?;
    let back_url = Zeroizing::new(back.url);
    let grantee = Grantee::of(&call, back.test).await?;
    let unknown = || {
        let hint = "it was used already, is older than 10 minutes, or was begun for somebody else: begin again";
        ApiError::invalid("/url", "no consent is waited for that this belongs to", hint)
    };
    let query = back_url.split_once('?').map_or("", |it| it.1);
    let query = query.split_once('#').map_or(query, |it| it.0);
    let state = grantee.client.method()?.callback_state(query).ok_or_else(unknown)?;
    if back.state.is_some_and(|it| Secret::new(it) != Secret::new(&*state)) {
        let hint = "the person came back in another session than the one that began: begin again";
        return Err(ApiError::invalid("/state", "it is not the redirect's", hint));
    }
    let backing = call.api.store()?;
    let (id, key) = (id_of(&state), grantee.key());
    let found = backing.store.authorizations().take(&call.scope(), &id, key).await;
    let found = found.map_err(|it| ApiError::of_store(it, "authorization", &id))?;
    let kept = opened(&call, &grantee, &found.ok_or_else(unknown)?).await.ok_or_else(unknown)?;
    let field = |name| kept.field(name).cloned().ok_or_else(unknown);
    let redirect_uri = field("redirect_uri")?.expose().to_owned();
    let uri = RedirectUri::parse(&redirect_uri).map_err(|_| unknown())?;
    let query = uri.query_of(&back_url).ok_or_else(|| {
        let problem = "it is not the `redirect_uri` that was begun with";
        ApiError::invalid("/url", problem, "send the whole URL as it came back, and begin again")
    })?;
    let dance = Dance {
        redirect_uri,
        state: Secret::new(state),
        nonce: field("nonce")?,
        verifier: field("verifier")?,
        login_hint: None,
        dpop_key: kept.field(DPOP_KEY).cloned(),
    };
    let query = Zeroizing::new(query.to_owned());
    let tokens = call.api.errands()?.exchange(grantee.client.clone(), dance, query).await?;
    given(&call, &grantee, &tokens).await?;
    grants::shown_with(&call, &grantee).await
}

/// What was sealed when it was begun; none where it does not open, or was begun for somebody else.
async fn opened(call: &Call, grantee: &Grantee, found: &Authorization) -> Option<Credential> {
    let backing = call.api.backing()?;
    let sealed = found.sealed.as_ref()?;
    let owner = Authorization::owner(&found.id);
    let (slot, generation) = (Slot::Authorization, sealed.generation);
    let binding = Binding { owner: &owner, tenant: "", slot, generation };
    let kept = backing.keys.open(&binding, &sealed.sealed).await.ok()?;
    let is_own = kept.field("of").is_some_and(|it| it.expose() == grantee.name());
    Some(kept).filter(|_| is_own)
}

/// Keeps what was given, in the place of whatever was there.
async fn given(call: &Call, grantee: &Grantee, tokens: &TokenSet) -> Result<(), ApiError> {
    let backing = call.api.store()?;
    let now = (call.api.clock)();
    let credential = tokens.to_credential();
    let seal = |it: &Place<'_>| Ok(backing.sealer.seal(&it.binding, &credential, now));
    let times = times(grantee, tokens, now);
    let (scope, of) = (call.scope(), grantee.grant());
    let account = account(call.api.errands()?, grantee, tokens).await;
    let granted = backing.store.grants().granted(&scope, &of, times, account.as_ref(), &seal).await;
    let revision = granted.map_err(|it| ApiError::of_store(it, grants::NOUN, of.connection))?;
    call.served(revision).await;
    Ok(())
}

/// Whose account it is that was given. Where that can't be told, the tokens are as good.
pub(super) async fn account(
    errands: &Errands,
    grantee: &Grantee,
    tokens: &TokenSet,
) -> Option<Account> {
    let told = errands.account(grantee.client.clone(), tokens).await;
    told.unwrap_or_else(|error| {
        let connection = grantee.client.connection.as_str();
        tracing::info!(connection, "nobody can tell whose account was given: {error}");
        None
    })
}

/// When it ends, in how long it is renewed, and when nothing follows.
pub(super) fn times(grantee: &Grantee, tokens: &TokenSet, now: UnixTime) -> GrantTimes {
    let mut byte = [0];
    aws_lc_rs::rand::fill(&mut byte).expect("the operating system has randomness");
    let ms = |it: UnixTime| i64::try_from(it.as_ms()).ok();
    let expires_ms = match tokens.expiry {
        Expiry::At(ends) => ms(ends),
        Expiry::Never | Expiry::Unknown => None,
    };
    let holder = &grantee.client.holder;
    let renews_itself = holder.renews_itself();
    let is_renewed = tokens.refresh_token.is_some() || renews_itself;
    let renewed = renewed_in(tokens.expiry, renews_itself, now, byte[0]).filter(|_| is_renewed);
    let due_in_ms = renewed.and_then(|it| i64::try_from(it.as_millis()).ok());
    let end = grantee.client.method().ok().and_then(|it| it.end(tokens, None));
    GrantTimes { expires_ms, due_in_ms, ends_ms: end.and_then(|it| ms(it.at())) }
}

/// What nobody guesses: 256 random bits.
fn random() -> Secret {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
    pkce_verifier(&bytes)
}

/// A state is kept as a hash: what stands in the database begins nothing.
fn id_of(state: &str) -> String {
    hex::encode(Sha256::digest(["attache authorization 1 ", state].concat()))
}
