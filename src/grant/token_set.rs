//! What a token request yields, and what of it is kept.
use super::dpop::Binding;
use super::dpop::DPOP_KEY;
use super::expiry;
use super::settings::Oauth2;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use std::collections::BTreeMap;
use std::fmt;

/// An access token with what came along. Prints without any value.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSet {
    pub access_token: Secret,
    pub refresh_token: Option<Secret>,
    pub id_token: Option<Secret>,
    pub token_type: Option<String>,
    /// The granted ones. `None` where the provider did not say, which means those that were asked for
    /// (RFC 6749 §5.1).
    pub scopes: Option<Vec<String>>,
    pub expiry: Expiry,
    /// When the refresh token ends by itself, where the provider says so.
    pub refresh_expires_at: Option<UnixTime>,
    /// The key that it is bound to, where the method has one (RFC 9449).
    pub dpop_key: Option<Box<Secret>>,
    /// What requests are signed with beside the token, by name: a token's own secret, a session's parts. It came
    /// with this token and is good with no other.
    pub extra: Box<BTreeMap<String, Secret>>,
    /// Variables of the holder.
    pub kept: BTreeMap<String, String>,
    /// Variables that the answer had a value for that their pattern does not allow: told, not stored.
    pub unkept: Box<[String]>,
}

/// When an access token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    At(UnixTime),
    /// It has no end, as the settings say.
    Never,
    /// The provider did not say. It is served until the API refuses it.
    Unknown,
}

/// The fields that hold a token set in a credential, beside those that an operator may give.
const KEPT_PREFIX: &str = "kept.";
const EXTRA_PREFIX: &str = "extra.";

impl TokenSet {
    /// This one after `earlier`: what the provider did not send again goes on being good
    /// (RFC 6749 §6, for the refresh token and the scopes). What requests are signed with is the token's own.
    pub fn following(mut self, earlier: &TokenSet) -> Self {
        if self.refresh_token.is_none() {
            self.refresh_token.clone_from(&earlier.refresh_token);
            self.refresh_expires_at = self.refresh_expires_at.or(earlier.refresh_expires_at);
        }
        self.id_token = self.id_token.or_else(|| earlier.id_token.clone());
        self.dpop_key = self.dpop_key.or_else(|| earlier.dpop_key.clone());
        self.scopes = self.scopes.or_else(|| earlier.scopes.clone());
        for (name, value) in &earlier.kept {
            self.kept.entry(name.clone()).or_insert_with(|| value.clone());
        }
        self
    }

    /// Whether the provider has bound it to the key, as far as it says (RFC 9449 §5).
    pub fn is_bound(&self) -> bool {
        let is_dpop = |it: &str| it.eq_ignore_ascii_case("dpop");
        self.dpop_key.is_some() && self.token_type.as_deref().is_none_or(is_dpop)
    }

    /// What proves that its key is here; `None` where it is bound to none, or what should be a key is none.
    pub fn binding(&self) -> Option<Binding> {
        let key = self.dpop_key.as_ref().filter(|_| self.is_bound())?;
        Binding::new(key, &self.access_token)
    }

    /// The same as credential fields: to be sealed, and to be laid over the holder's own.
    pub fn to_credential(&self) -> Credential {
        let mut credential = Credential::default();
        let mut put = |name: &str, value: Secret| credential.insert(name, vec![value]);
        put("access_token", self.access_token.clone());
        if let Some(token) = &self.refresh_token {
            put("refresh_token", token.clone());
        }
        if let Some(token) = &self.id_token {
            put("id_token", token.clone());
        }
        if let Some(token_type) = &self.token_type {
            put("token_type", Secret::new(token_type.as_str()));
        }
        if let Some(scopes) = &self.scopes {
            put("scope", Secret::new(scopes.join(" ")));
        }
        match self.expiry {
            Expiry::At(time) => put("expires_at", Secret::new(time.as_s().to_string())),
            Expiry::Never => put("expires_at", Secret::new(NEVER)),
            Expiry::Unknown => {}
        }
        if let Some(time) = self.refresh_expires_at {
            put("refresh_expires_at", Secret::new(time.as_s().to_string()));
        }
        if let Some(key) = &self.dpop_key {
            put(DPOP_KEY, Secret::clone(key));
        }
        for (name, value) in self.extra.iter() {
            put(&[EXTRA_PREFIX, name].concat(), value.clone());
        }
        for (name, value) in &self.kept {
            put(&[KEPT_PREFIX, name].concat(), Secret::new(value.as_str()));
        }
        credential
    }

    /// The token set among a credential's fields: one that was sealed, or tokens that an operator brought
    /// along. `None` without an access token. An `expires_at` that is neither seconds nor a date is as
    /// good as none.
    pub fn from_credential(credential: &Credential) -> Option<Self> {
        let field = |name| credential.field(name).filter(|it| !it.is_empty());
        let text = |name| field(name).map(|it| it.expose().to_owned());
        let time = |name| field(name).and_then(|it| expiry::time(it.expose()));
        let kept = credential.fields().filter_map(|it| {
            let variable = it.strip_prefix(KEPT_PREFIX)?;
            Some((variable.to_owned(), credential.field(it)?.expose().to_owned()))
        });
        let extra = credential.fields().filter_map(|it| {
            let name = it.strip_prefix(EXTRA_PREFIX)?;
            Some((name.to_owned(), credential.field(it)?.clone()))
        });
        Some(Self {
            access_token: field("access_token")?.clone(),
            refresh_token: field("refresh_token").cloned(),
            id_token: field("id_token").cloned(),
            token_type: text("token_type"),
            scopes: text("scope").map(|it| super::reply::split_scopes(&it)),
            expiry: match field("expires_at").map(Secret::expose) {
                Some(NEVER) => Expiry::Never,
                _ => time("expires_at").map_or(Expiry::Unknown, Expiry::At),
            },
            refresh_expires_at: time("refresh_expires_at"),
            dpop_key: field(DPOP_KEY).cloned().map(Box::new),
            extra: Box::new(extra.collect()),
            kept: kept.collect(),
            unkept: Box::default(),
        })
    }
}

impl Oauth2 {
    /// The tokens among a holder's own fields, with their end as far as anybody knows.
    pub fn brought(&self, credential: &Credential, now: UnixTime) -> Option<TokenSet> {
        let mut tokens = TokenSet::from_credential(credential)?;
        if tokens.expiry == Expiry::Unknown {
            tokens.expiry = expiry::of_brought(&self.0.expiry, tokens.access_token.expose(), now);
        }
        Some(tokens)
    }
}

/// Of a token that has no end.
pub(super) const NEVER: &str = "never";

impl fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSet")
            .field("refresh_token", &self.refresh_token.is_some())
            .field("id_token", &self.id_token.is_some())
            .field("scopes", &self.scopes)
            .field("expiry", &self.expiry)
            .field("extra", &self.extra.keys().collect::<Vec<_>>())
            .field("kept", &self.kept.keys().collect::<Vec<_>>())
            .field("unkept", &self.unkept)
            .finish()
    }
}
