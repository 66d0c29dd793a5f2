//! What consents have in common, by a connect session or without one: somebody is asked, what is secret of that is
//! sealed until they come back, and what they give is looked at before it counts.
use super::Api;
use super::call::Call;
use super::error::ApiError;
use super::grantee::Grantee;
use crate::catalog::Connection;
use crate::catalog::Holder;
use crate::grant::DPOP_KEY;
use crate::grant::DeviceCodes;
use crate::grant::DpopKey;
use crate::grant::RedirectUri;
use crate::grant::TokenSet;
use crate::grant::pkce_verifier;
use crate::model::Account;
use crate::model::Credential;
use crate::model::Secret;
use crate::renewal::Client;
use crate::renewal::Dance;
use crate::renewal::ErrandError;
use crate::renewal::Tried;
use crate::seal::Binding;
use crate::seal::Slot;
use crate::store::Authorization;
use crate::store::Begun;
use crate::store::GrantName;
use crate::store::NewAuthorization;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a person may take to consent in a browser, and to say whether another account is to be taken.
pub(super) const LIFE: Duration = Duration::from_secs(600);

/// How long what was given may be looked at. It is more than all that providers are asked meanwhile can take: what is there
/// after that was left behind, and is ended.
pub(super) const LOOKING: Duration = Duration::from_secs(300);

/// Longest temporary token that is looked up, in bytes.
const TEMPORARY_LEN_MAX: usize = 1024;

/// What tokens that are kept aside are sealed as, in front of their own names.
const TOKEN: &str = "token.";

/// What a person has brought besides their consent, kept nowhere but with it.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Brought {
    pub variables: BTreeMap<String, String>,
    /// By field. Sealed wherever it is written.
    #[serde(skip)]
    pub fields: BTreeMap<String, Secret>,
    /// Whether there was an activation when it began: one that is gone meanwhile is not made anew.
    pub had: bool,
    /// Of all that its tokens are had with, as it was when it began; empty where that does not matter.
    pub fingerprint: String,
}

/// Fields of what is brought, in front of their own names.
const FIELD: &str = "field.";

/// What a consent was begun with, as it was sealed.
pub(super) struct Opened {
    kept: Credential,
}

/// Whose credential is looked at.
pub(super) struct Subject<'a> {
    pub connection: &'a Arc<Connection>,
    /// Tried by the method's probe; none where it is not.
    pub holder: Option<&'a Holder>,
    /// Where it is tokens.
    pub grantee: Option<&'a Grantee>,
    /// Whose account it was before.
    pub known: Option<&'a Account>,
}

/// Whether another account than before may take its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    /// It is to be the same.
    Same,
    /// Somebody has said that this one may; none where nobody can tell which it is.
    To(Option<Account>),
}

/// Why what was given does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// Less was granted than is needed.
    Scopes(Vec<String>),
    /// It is another account than before, or nobody can tell whether it is.
    Account { known: Account, given: Option<Account> },
    /// The provider, or the API, did not take it, or can't be asked.
    Errand(ErrandError),
}

/// What nobody guesses: 256 random bits.
pub(super) fn random() -> Secret {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
    pkce_verifier(&bytes)
}

/// A state, or a provider's temporary token, is kept as a hash: what stands in the database begins nothing.
pub(super) fn id_of(state: &str) -> String {
    hex::encode(Sha256::digest(["attache authorization 1 ", state].concat()))
}

/// Under which id the tokens of a consent are kept aside.
pub(super) fn aside_of(id: &str) -> String {
    id_of(&["aside ", id].concat())
}

/// Under which id they are, as long as nobody has looked at them.
fn unseen_of(id: &str) -> String {
    id_of(&["unseen ", id].concat())
}

/// Whether a parameter of a redirect may be a state of ours: 256 bits in base64url.
pub(super) fn may_be_state(text: &str) -> bool {
    let is_ours = |it: u8| it.is_ascii_alphanumeric() || b"-_".contains(&it);
    text.len() == 43 && text.bytes().all(is_ours)
}

/// Whether a parameter of a redirect may be a provider's temporary token.
pub(super) fn may_be_token(text: &str) -> bool {
    (1..=TEMPORARY_LEN_MAX).contains(&text.len())
}

/// Somebody's browser is to be sent to the provider.
pub(super) struct InBrowser<'a> {
    pub grantee: &'a Grantee,
    pub redirect_uri: &'a RedirectUri,
    pub login_hint: Option<String>,
    /// Empty for none.
    pub session: &'a str,
    pub brought: &'a Brought,
}

/// Where it goes.
pub(super) struct Sent {
    pub url: String,
    pub state: Secret,
    pub id: String,
    pub expires_ms: i64,
}

impl InBrowser<'_> {
    pub(super) async fn begin(self, call: &Call) -> Result<Sent, ApiError> {
        let Self { grantee, redirect_uri, login_hint, session, brought } = self;
        let own_key = || grantee.client.holder.credential.field(DPOP_KEY).cloned();
        grantee.client.consent()?;
        let binds = grantee.client.holder.method.dpop();
        let dance = Dance {
            redirect_uri: redirect_uri.as_str().to_owned(),
            state: random(),
            nonce: random(),
            verifier: random(),
            login_hint,
            dpop_key: binds.then(|| own_key().unwrap_or_else(DpopKey::generate)),
        };
        let errands = call.api.errands()?;
        let (url, dance) = errands.authorization_url(grantee.client.clone(), dance).await?;
        let mut kept = Credential::default();
        kept.insert("of", vec![Secret::new(grantee.name())]);
        kept.insert("redirect_uri", vec![Secret::new(&*dance.redirect_uri)]);
        kept.insert("nonce", vec![dance.nonce.clone()]);
        kept.insert("verifier", vec![dance.verifier.clone()]);
        if let Some(key) = &dance.dpop_key {
            kept.insert(DPOP_KEY, vec![key.clone()]);
        }
        brought.write(&mut kept)?;
        let id = id_of(dance.state.expose());
        let of = (&grantee.grant_name(), grantee.client.connection.as_str());
        let expires_ms = begin(call, of, (&id, LIFE, Begun::InBrowser { session }), &kept).await?;
        Ok(Sent { url: url.to_string(), state: dance.state, id, expires_ms })
    }
}

/// Somebody is to consent on another device: the codes, the consent's id, and until when.
pub(super) async fn on_device(
    call: &Call,
    grantee: &Grantee,
    session: &str,
    brought: &Brought,
) -> Result<(DeviceCodes, String, i64), ApiError> {
    let codes = call.api.errands()?.device(grantee.client.clone()).await?;
    let mut kept = Credential::default();
    kept.insert("of", vec![Secret::new(grantee.name())]);
    kept.insert("device_code", vec![codes.device_code.clone()]);
    brought.write(&mut kept)?;
    let now = (call.api.clock)();
    let life = Duration::from_millis(codes.expires_at.as_ms().saturating_sub(now.as_ms()));
    let id = id_of(random().expose());
    let begun = Begun::OnDevice { session, interval_ms: ms(codes.interval) };
    let of = (&grantee.grant_name(), grantee.client.connection.as_str());
    let expires_ms = begin(call, of, (&id, life, begun), &kept).await?;
    Ok((codes, id, expires_ms))
}

/// Keeps tokens before anybody looks at them: whatever happens on the way, they are found here, and are kept in the end
/// or told to the provider. Their id; where that can't be written they are told at once.
pub(super) async fn unseen(
    call: &Call,
    grantee: &Grantee,
    (consent, session): (&str, &str),
    tokens: &TokenSet,
    brought: &Brought,
) -> Result<String, ApiError> {
    let (id, name) = (unseen_of(consent), grantee.grant_name());
    let of = (&name, grantee.client.connection.as_str());
    let kept = aside(call, of, (&id, LOOKING, session, None), (Some(tokens), None), brought).await;
    match kept {
        Ok(()) => Ok(id),
        Err(error) => {
            // Where nobody knows whether it was written they are found again, or are ended already: both is well.
            let_go(&call.api, grantee.client.clone(), tokens.clone());
            Err(error)
        }
    }
}

/// Keeps what was given until somebody has said whether it is to be taken. `former`: where it was until now.
pub(super) async fn aside(
    call: &Call,
    (of, connection): (&GrantName, &str),
    (id, life, session, former): (&str, Duration, &str, Option<&str>),
    (tokens, account): (Option<&TokenSet>, Option<&Account>),
    brought: &Brought,
) -> Result<(), ApiError> {
    let mut kept = Credential::default();
    if let Some(Account { id, name }) = account {
        kept.insert("account_id", vec![Secret::new(&**id)]);
        if let Some(name) = name {
            kept.insert("account_name", vec![Secret::new(&**name)]);
        }
    }
    if let Some(tokens) = tokens {
        let tokens = tokens.to_credential();
        for field in tokens.fields() {
            kept.insert([TOKEN, field].concat(), tokens.values(field).to_vec());
        }
    }
    brought.write(&mut kept)?;
    let begun = Begun::Aside { session, instead_of: former };
    begin(call, (of, connection), (id, life, begun), &kept).await.map(drop)
}

async fn begin(
    call: &Call,
    (of, connection): (&GrantName, &str),
    (id, life, kind): (&str, Duration, Begun<'_>),
    kept: &Credential,
) -> Result<i64, ApiError> {
    let backing = call.api.store()?;
    let new = NewAuthorization { id, key: of.key(), connection, lives_ms: ms(life), kind };
    let now = (call.api.clock)();
    let seal = |binding: &Binding<'_>| backing.sealer.seal(binding, kept, now);
    let begun = backing.store.authorizations().begin(&call.scope(), &new, &seal).await;
    begun.map_err(|it| ApiError::of_store(it, "authorization", id))
}

fn ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl Brought {
    fn write(&self, kept: &mut Credential) -> Result<(), ApiError> {
        let text = serde_json::to_string(self).map_err(|_| ApiError::Internal)?;
        kept.insert("brought", vec![Secret::new(text)]);
        for (name, value) in &self.fields {
            kept.insert([FIELD, name].concat(), vec![value.clone()]);
        }
        Ok(())
    }
}

impl Opened {
    /// None where it does not open.
    pub(super) async fn of(api: &Api, found: &Authorization) -> Option<Self> {
        let sealed = found.sealed.as_ref()?;
        let owner = Authorization::owner(&found.id);
        let (slot, generation) = (Slot::Authorization, sealed.generation);
        let binding = Binding { owner: &owner, tenant: "", slot, generation };
        let kept = api.backing()?.keys.open(&binding, &sealed.sealed).await.ok()?;
        Some(Self { kept })
    }

    /// Whether it was begun for exactly this one.
    pub(super) fn is_of(&self, grantee: &Grantee) -> bool {
        self.kept.field("of").is_some_and(|it| it.expose() == grantee.name())
    }

    /// What came back is checked by it.
    pub(super) fn dance(&self, state: &str) -> Option<Dance> {
        Some(Dance {
            redirect_uri: self.kept.field("redirect_uri")?.expose().to_owned(),
            state: Secret::new(state),
            nonce: self.kept.field("nonce")?.clone(),
            verifier: self.kept.field("verifier")?.clone(),
            login_hint: None,
            dpop_key: self.kept.field(DPOP_KEY).cloned(),
        })
    }

    pub(super) fn device_code(&self) -> Option<Secret> {
        self.kept.field("device_code").cloned()
    }

    pub(super) fn brought(&self) -> Brought {
        let text = self.kept.field("brought").map_or("", Secret::expose);
        let mut brought: Brought = serde_json::from_str(text).unwrap_or_default();
        for name in self.kept.fields() {
            let field = name.strip_prefix(FIELD).zip(self.kept.field(name));
            brought.fields.extend(field.map(|it| (it.0.to_owned(), it.1.clone())));
        }
        brought
    }

    /// Whose account it was found to be, of what is kept aside.
    pub(super) fn account(&self) -> Option<Account> {
        let text = |name| Some(self.kept.field(name)?.expose().to_owned());
        Some(Account { id: text("account_id")?, name: text("account_name") })
    }

    /// What is kept aside.
    pub(super) fn tokens(&self) -> Option<TokenSet> {
        let mut tokens = Credential::default();
        for name in self.kept.fields() {
            if let Some(own) = name.strip_prefix(TOKEN) {
                tokens.insert(own.to_owned(), self.kept.values(name).to_vec());
            }
        }
        TokenSet::from_credential(&tokens)
    }
}

impl Subject<'_> {
    /// Whether what was given is enough, of the same account, and taken by the API: whose account it is, where
    /// somebody says it.
    ///
    /// The order is the argument: what is not enough is told before anybody is asked about an account, and an account
    /// that is not to be taken is not used for anything.
    pub(super) async fn tried(
        &self,
        api: &Api,
        tokens: Option<&TokenSet>,
        consent: &Consent,
    ) -> Result<Option<Account>, Stopped> {
        let errands = api.errands().map_err(|_| Stopped::Errand(ErrandError::Busy))?;
        let mut account = None;
        if let Some((grantee, tokens)) = self.grantee.zip(tokens) {
            let client = &grantee.client;
            let granted = tokens.scopes.as_deref();
            let missing =
                granted.map(|it| client.holder.method.missing_scopes(it)).unwrap_or_default();
            if !missing.is_empty() {
                return Err(Stopped::Scopes(missing.into_iter().map(str::to_owned).collect()));
            }
            let told = match consent {
                Consent::Same => errands.account(client.clone(), tokens).await,
                Consent::To(confirmed) => Ok(confirmed.clone()),
            };
            account = match told {
                Ok(told) => told,
                Err(refused @ ErrandError::NotTaken { .. }) => {
                    return Err(Stopped::Errand(refused));
                }
                // Whose it was before is known: nobody takes its place unseen.
                Err(error) if self.known.is_some() => return Err(Stopped::Errand(error)),
                Err(error) => {
                    let connection = client.connection.as_str();
                    tracing::info!(connection, "nobody can tell whose account was given: {error}");
                    None
                }
            };
            self.compare(account.as_ref(), consent)?;
        }
        if let Some(holder) = self.holder.filter(|_| self.connection.method.probe.is_some()) {
            let token = tokens.cloned().map(Tried::New);
            let probed = errands.probe(Arc::clone(self.connection), holder, token).await;
            let probed = probed.map_err(Stopped::Errand)?;
            if tokens.is_none() {
                account = probed.account;
                self.compare(account.as_ref(), consent)?;
            }
        }
        Ok(account)
    }

    pub(super) fn compare(
        &self,
        given: Option<&Account>,
        consent: &Consent,
    ) -> Result<(), Stopped> {
        let Some(known) = self.known else { return Ok(()) };
        let is_same = match consent {
            Consent::Same => given.is_some_and(|it| it.is(known)),
            Consent::To(confirmed) => match (given, confirmed) {
                (Some(given), Some(confirmed)) => given.is(confirmed),
                (None, None) => true,
                _ => false,
            },
        };
        if is_same {
            return Ok(());
        }
        Err(Stopped::Account { known: known.clone(), given: given.cloned() })
    }
}

/// Has the provider end tokens that nobody keeps: in the background, and of no consequence where it does not listen.
pub(super) fn let_go(api: &Arc<Api>, client: Client, tokens: TokenSet) {
    let (Some(backing), Ok(errands)) = (api.backing(), api.errands()) else { return };
    let (own, errands) = (Arc::clone(api), errands.clone());
    backing.control.spawn(async move {
        let Ok(_turn) = own.farewells.acquire().await else { return };
        let connection = client.connection.clone();
        match errands.revoke(client, tokens).await {
            // It has nothing of the kind.
            Ok(()) | Err(ErrandError::NotSet(_) | ErrandError::Unfit(_)) => {}
            Err(error) => {
                tracing::warn!(%connection, "tokens that are not kept live on: {error}");
            }
        }
    });
}
