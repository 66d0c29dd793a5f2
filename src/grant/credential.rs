//! Which credential fields a grant and its client authentication take, and whether they are sound.
use super::dpop::DPOP_KEY;
use super::dpop::DpopKey;
use super::error::GrantError;
use super::expiry;
use super::jws::PRIVATE_KEY;
use super::raw::ClientAuthMethod;
use super::raw::GrantType;
use super::raw::RefreshBy;
use super::settings::Oauth2;
use super::settings::signs;
use super::token_set::Expiry;
use super::token_set::TokenSet;
use crate::crypto::ClientCertificate;
use crate::crypto::SigningKey;
use crate::model::Credential;

/// Most client secrets of one holder: each is one more request while they rotate.
pub const CLIENT_SECRETS_MAX: usize = 4;

/// A credential field that the method takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'s> {
    pub name: &'s str,
    pub need: Need,
}

/// Who fills a field in, and whether it has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// From the start.
    Required,
    /// May be absent.
    Optional,
    /// Had from the provider. It may be given at the start: a token that comes from elsewhere.
    Obtained,
}

/// What a token set holds and a credential may begin with.
pub(super) const OBTAINED: [&str; 4] = ["access_token", "refresh_token", "expires_at", "scope"];

impl Oauth2 {
    /// The credential fields that it takes, each once. `is_variable` tells of a name in a template
    /// whether the connector declares it as a variable.
    pub fn fields(&self, is_variable: impl Fn(&str) -> bool) -> Vec<Field<'_>> {
        let rules = &*self.0;
        let mut fields: Vec<Field<'_>> = Vec::new();
        let mut add = |name, need| {
            if !fields.iter().any(|it| it.name == name) {
                fields.push(Field { name, need });
            }
        };
        let client = match rules.grant {
            GrantType::GithubApp => None,
            GrantType::JwtBearer if rules.client_auth == ClientAuthMethod::None => {
                Some(Need::Optional)
            }
            GrantType::TokenExchange if rules.client_auth == ClientAuthMethod::None => {
                Some(Need::Optional)
            }
            _ => Some(Need::Required),
        };
        // What a template needs, it needs, whatever else may do without it.
        let names = self.names();
        for (name, _) in names.iter().filter(|it| !it.1 && !is_variable(it.0)) {
            add(name, if OBTAINED.contains(name) { Need::Obtained } else { Need::Required });
        }
        if let Some(need) = client {
            add("client_id", need);
        }
        for method in rules.client_auths() {
            match method {
                ClientAuthMethod::Basic
                | ClientAuthMethod::Body
                | ClientAuthMethod::ClientSecretJwt => {
                    add("client_secret", Need::Required);
                }
                ClientAuthMethod::PrivateKeyJwt => {
                    add("private_key", Need::Required);
                    add("key_id", Need::Optional);
                    add("certificate", Need::Optional);
                }
                ClientAuthMethod::Tls => {
                    add("certificate", Need::Required);
                    add("private_key", Need::Required);
                }
                ClientAuthMethod::None => {}
            }
        }
        match rules.grant {
            GrantType::Password => {
                add("username", Need::Required);
                add("password", Need::Required);
            }
            GrantType::TokenExchange => {
                add("subject_token", Need::Required);
                add("actor_token", Need::Optional);
            }
            GrantType::RefreshToken => match rules.refresh.by {
                RefreshBy::RefreshToken => add("refresh_token", Need::Required),
                RefreshBy::AccessToken => add("access_token", Need::Required),
            },
            GrantType::JwtBearer | GrantType::GithubApp => {
                add(self.signing_field(), Need::Required);
                add("key_id", Need::Optional);
            }
            GrantType::AuthorizationCode | GrantType::ClientCredentials | GrantType::DeviceCode => {
            }
        }
        for (name, _) in names.iter().filter(|it| it.1 && !is_variable(it.0)) {
            add(name, if OBTAINED.contains(name) { Need::Obtained } else { Need::Optional });
        }
        for name in OBTAINED {
            add(name, Need::Obtained);
        }
        if rules.dpop {
            add(DPOP_KEY, Need::Obtained);
        }
        fields
    }

    /// The field of the key that signs the grant's own assertion.
    pub(super) fn signing_field(&self) -> &'static str {
        match self.0.assertion.algorithm.is_symmetric() {
            true => "client_secret",
            false => "private_key",
        }
    }

    /// Everything that is wrong with a holder's own credential (less what a token set keeps), before
    /// anything is sent: fields that are missing, unknown or empty, several values where one is due, keys
    /// that are none.
    pub fn check_credential(
        &self,
        credential: &Credential,
        is_variable: impl Fn(&str) -> bool,
    ) -> Vec<GrantError> {
        let most = |name: &str| if name == "client_secret" { CLIENT_SECRETS_MAX } else { 1 };
        let mut faults = faults(&self.fields(is_variable), credential, most);
        faults.extend(self.key_fault(credential));
        faults.extend(self.certificate_fault(credential));
        faults.extend(self.is_endless(credential).then_some(GrantError::Endless));
        faults.extend(dpop_fault(credential));
        faults
    }

    /// Whether a token is brought along that renews itself, as long as it lives, and that may live for any time.
    fn is_endless(&self, credential: &Credential) -> bool {
        let renews_itself = self.renews_itself();
        // Whatever lifetime the settings tell, some of it is over.
        renews_itself
            && !self.0.expiry.never
            && TokenSet::from_credential(credential).is_some_and(|it| {
                it.expiry == Expiry::Unknown && expiry::own_end(it.access_token.expose()).is_none()
            })
    }

    fn key_fault(&self, credential: &Credential) -> Option<GrantError> {
        let rules = &*self.0;
        let keyed = rules.client_auths().contains(&ClientAuthMethod::PrivateKeyJwt)
            || signs(rules) && !rules.assertion.algorithm.is_symmetric();
        let key = credential.field("private_key").filter(|it| keyed && !it.is_empty())?;
        let algorithm = rules.assertion.algorithm.into();
        SigningKey::private(algorithm, PRIVATE_KEY, key).err().map(GrantError::from)
    }

    /// Asked where both halves are there: one that is missing is told elsewhere.
    fn certificate_fault(&self, credential: &Credential) -> Option<GrantError> {
        let is_there = |name| credential.field(name).is_some_and(|it| !it.is_empty());
        let asked = self.shows_certificate() && is_there("certificate") && is_there("private_key");
        if asked { ClientCertificate::read(credential).err().map(GrantError::from) } else { None }
    }
}

/// One that is brought along has to be what this attache makes: PKCS #8 in Base64.
fn dpop_fault(credential: &Credential) -> Option<GrantError> {
    let key = credential.field(DPOP_KEY).filter(|it| !it.is_empty())?;
    let what = "is no P-256 key in PKCS #8, in Base64";
    let fault = GrantError::Unusable { field: DPOP_KEY.into(), what };
    DpopKey::read(key).is_none().then_some(fault)
}

/// Fields that are missing, unknown, empty, or have more than `most` values.
pub(super) fn faults(
    taken: &[Field<'_>],
    credential: &Credential,
    most: impl Fn(&str) -> usize,
) -> Vec<GrantError> {
    let required = taken.iter().filter(|it| it.need == Need::Required);
    let missing = required.filter(|it| credential.field(it.name).is_none());
    let mut faults: Vec<GrantError> =
        missing.map(|it| GrantError::Missing { name: it.name.to_owned() }).collect();
    for name in credential.fields() {
        let unusable = |what| GrantError::Unusable { field: name.to_owned(), what };
        let values = credential.values(name);
        if !taken.iter().any(|it| it.name == name) {
            faults.push(unusable("is unknown here"));
        } else if values.len() > most(name) {
            faults.push(unusable("has too many values"));
        } else if values.iter().any(|it| it.is_empty()) {
            faults.push(unusable("is empty"));
        }
    }
    faults
}
