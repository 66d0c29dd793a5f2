//! An auth method whose credential has to be had first: by an OAuth 2.0 grant, a session login or a role that is assumed.
use super::auth_method::settings_problems;
use super::problem::At;
use super::problem::Problem;
use super::token_endpoints::segments;
use crate::auth::ApiKey;
use crate::auth::AuthError;
use crate::auth::AwsSigv4;
use crate::auth::CallbackPlace;
use crate::auth::Custom;
use crate::auth::Oauth1;
use crate::auth::Place;
use crate::auth::Prepared;
use crate::auth::RawApiKey;
use crate::auth::RawAwsSigv4;
use crate::auth::RawCustom;
use crate::auth::RawInjection;
use crate::auth::RawOauth1;
use crate::auth::Scheme;
use crate::crypto::ClientCertificate;
use crate::grant::AssumeRole;
use crate::grant::End;
use crate::grant::Field;
use crate::grant::GrantError;
use crate::grant::GrantType;
use crate::grant::Need;
use crate::grant::Oauth1Grant;
use crate::grant::Oauth2;
use crate::grant::Occasion;
use crate::grant::RawOauth1Grant;
use crate::grant::RawOauth2;
use crate::grant::RawSessionLogin;
use crate::grant::RoleSettings;
use crate::grant::SessionLogin;
use crate::grant::SettingsError;
use crate::grant::TokenPlace;
use crate::grant::TokenSet;
use crate::model::Credential;
use http::HeaderMap;
use std::sync::Arc;

/// How it is had, and how it goes on a request then.
#[derive(Clone, Debug)]
pub struct TokenMethod {
    pub way: Way,
    /// With an OAuth token as `key`, or with what a session login or a role yields.
    pub scheme: Scheme,
    /// What goes on requests besides, of the holder's own credential.
    pub beside: Option<Scheme>,
}

/// How a token is had.
#[derive(Clone, Debug)]
pub enum Way {
    Oauth2(Oauth2),
    Session(SessionLogin),
    /// By a person's consent (RFC 5849 §2); it signs each request, and ends when somebody takes it back.
    Oauth1(Oauth1Grant),
    Role(AssumedRole),
}

/// A role for which keys are lent (AWS Security Token Service).
#[derive(Clone, Debug)]
pub struct AssumedRole {
    pub asked: AssumeRole,
    /// How what asks for them is signed, with the holder's own keys.
    pub scheme: Scheme,
}

/// The fields that say which app it is, not whose account: the same for all tenants unless said.
const OF_THE_APP: [&str; 2] = ["client_id", "client_secret"];
const OF_THE_CONSUMER: [&str; 3] = ["consumer_key", "consumer_secret", "private_key"];

impl TokenMethod {
    pub(super) fn oauth2(raw: &RawOauth2, at: At<'_>, problems: &mut Vec<Problem>) -> Option<Self> {
        let method = Oauth2::try_from(raw.clone());
        let method = method.map_err(|it| problems.extend(it.iter().map(|it| told(it, at)))).ok()?;
        let before = problems.len();
        let placement = method.placement();
        let raw = RawApiKey {
            r#in: place(placement.place),
            name: placement.name.clone(),
            format: placement.format.clone(),
        };
        let scheme = ApiKey::try_from(raw).map_err(|it| settings_problems(&it, at, problems));
        let scheme = scheme.ok().filter(|_| problems.len() == before)?;
        Some(Self { way: Way::Oauth2(method), scheme: Scheme::ApiKey(scheme), beside: None })
    }

    pub(super) fn session(
        raw: &RawSessionLogin,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let login = SessionLogin::try_from(raw.clone());
        let login = login.map_err(|it| problems.extend(it.iter().map(|it| told(it, at)))).ok()?;
        let inject = login.injections().iter().map(|it| RawInjection {
            r#in: place(it.r#in),
            name: it.name.clone(),
            value: it.value.clone(),
        });
        let scheme = Custom::try_from(RawCustom { inject: inject.collect() });
        let scheme = scheme.map_err(|it| settings_problems(&it, at, problems)).ok()?;
        Some(Self { way: Way::Session(login), scheme: Scheme::Custom(scheme), beside: None })
    }

    /// `scheme`: how requests are signed with lent keys.
    pub(super) fn role(
        raw: &RawAwsSigv4,
        scheme: &AwsSigv4,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let role = raw.assume_role.as_ref()?;
        let settings = RoleSettings {
            sts_url: &raw.sts_url(),
            role_arn: &role.role_arn,
            external_id: role.external_id.as_deref(),
            session_name: &role.session_name,
            duration: &role.duration,
            policy: role.policy.as_deref(),
            keys: AwsSigv4::KEYS,
        };
        let at = at.key("assume_role");
        let asked = AssumeRole::new(settings);
        let asked = asked.map_err(|it| problems.extend(it.iter().map(|it| told(it, at)))).ok()?;
        let of_sts = Scheme::AwsSigv4(Arc::new(scheme.for_sts()));
        let way = Way::Role(AssumedRole { asked, scheme: of_sts });
        Some(Self { way, scheme: Scheme::AwsSigv4(Arc::new(scheme.clone())), beside: None })
    }

    /// `None` where no URL is set, so that nothing has to be had first.
    pub(super) fn oauth1(
        raw: &RawOauth1,
        scheme: Oauth1,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Result<Self, Scheme>> {
        let RawOauth1 { request_url, authorize_url, token_url, callback, .. } = raw;
        let scheme = Scheme::Oauth1(Arc::new(scheme));
        if [request_url, authorize_url, token_url].into_iter().all(Option::is_none) {
            return Some(Err(scheme));
        }
        let urls = RawOauth1Grant {
            request_url: request_url.as_deref(),
            authorize_url: authorize_url.as_deref(),
            token_url: token_url.as_deref(),
            callback_on_url: *callback == CallbackPlace::Authorize,
        };
        let grant = Oauth1Grant::new(urls);
        let grant = grant.map_err(|it| problems.extend(it.iter().map(|it| told(it, at)))).ok()?;
        Some(Ok(Self { way: Way::Oauth1(grant), scheme, beside: None }))
    }

    /// The type as configuration files write it.
    pub fn type_name(&self) -> &'static str {
        match &self.way {
            Way::Oauth2(_) => "oauth2",
            Way::Session(_) => "session_login",
            Way::Role(_) => "aws_sigv4",
            Way::Oauth1(_) => "oauth1",
        }
    }

    /// The credential fields that it takes. `is_variable` tells of a name in a template whether the
    /// connector declares it as a variable.
    pub fn fields(&self, is_variable: impl Fn(&str) -> bool) -> Vec<Field<'_>> {
        let mut fields = self.own_fields(is_variable);
        if let Some(scheme) = &self.beside {
            for name in scheme.fields() {
                let is_required = !scheme.is_optional(name);
                let need = if is_required { Need::Required } else { Need::Optional };
                match fields.iter_mut().find(|it| it.name == name) {
                    Some(known) if is_required => known.need = need,
                    Some(_) => {}
                    None => fields.push(Field { name, need }),
                }
            }
        }
        fields
    }

    /// Less those that go on requests besides.
    fn own_fields(&self, is_variable: impl Fn(&str) -> bool) -> Vec<Field<'_>> {
        match &self.way {
            Way::Oauth2(method) => method.fields(is_variable),
            Way::Session(login) => login.fields(is_variable),
            Way::Role(role) => role.asked.fields(is_variable),
            Way::Oauth1(grant) => grant.fields(self.scheme.fields().into_iter(), is_variable),
        }
    }

    /// A holder's credential in two: what its token is had with, and what goes on requests besides.
    fn parted(
        &self,
        credential: &Credential,
        is_variable: impl Fn(&str) -> bool,
    ) -> (Credential, Credential) {
        let Some(scheme) = &self.beside else { return (credential.clone(), Credential::default()) };
        let besides = scheme.fields();
        let taken = self.own_fields(is_variable);
        let (mut own, mut beside) = (Credential::default(), Credential::default());
        for field in credential.fields() {
            let values = credential.values(field);
            let is_beside = besides.contains(&field);
            if !is_beside || taken.iter().any(|it| it.name == field) {
                own.insert(field, values.to_vec());
            }
            if is_beside {
                beside.insert(field, values.to_vec());
            }
        }
        (own, beside)
    }

    /// What goes on requests besides the token, or what is wrong with that.
    pub(super) fn besides(&self, credential: &Credential) -> Result<Prepared, Vec<AuthError>> {
        let mut faults = Vec::new();
        if let Way::Oauth1(_) = &self.way {
            faults.extend(self.unsound(credential));
        }
        let Some(scheme) = self.beside.as_ref().filter(|_| faults.is_empty()) else {
            return if faults.is_empty() { Ok(Prepared::default()) } else { Err(faults) };
        };
        let (_, beside) = self.parted(credential, |_| false);
        let prepared = scheme.prepare(&beside)?;
        match scheme.clash(&self.sample(credential), &prepared) {
            None => Ok(prepared),
            Some(clash) => Err(vec![clash]),
        }
    }

    /// Where a token goes, with something that is none in its place.
    pub(super) fn sample(&self, credential: &Credential) -> Prepared {
        let fields = self.scheme.fields().into_iter().map(|it| (it, "token"));
        let mut fields: Credential = fields.collect();
        if let Way::Oauth1(_) = self.way {
            let token = [("token", "token"), ("token_secret", "token")].into_iter().collect();
            fields = self.signing_fields(credential, &token);
        }
        self.scheme.prepare(&fields).unwrap_or_default()
    }

    /// Whether the API says by this answer that it did not take the token. `body` is all of it, or empty
    /// where it was not looked at.
    pub fn is_refusal(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> bool {
        match &self.way {
            Way::Oauth2(method) => method.is_auth_failure(status, headers, body),
            Way::Session(login) => login.is_auth_failure(status, headers, body),
            Way::Role(role) => role.asked.is_auth_failure(status, headers, body),
            // Another one is had by a person alone.
            Way::Oauth1(_) => false,
        }
    }

    /// Whether an answer with this status may say it in its body.
    pub fn refuses_in_body(&self, status: u16) -> bool {
        match &self.way {
            Way::Oauth2(method) => method.failure_reads_body(Some(status)),
            Way::Session(login) => login.failure_reads_body(Some(status)),
            Way::Oauth1(_) => false,
            Way::Role(role) => role.asked.failure_reads_body(Some(status)),
        }
    }

    /// Whether a body of this media type may say it: in lower case, without parameters.
    pub fn reads_type(&self, essence: &[u8]) -> bool {
        // JSON, or a type on top of it (RFC 6839 §3.1).
        let is_json = essence.ends_with(b"/json") || essence.ends_with(b"+json");
        match &self.way {
            Way::Oauth2(_) | Way::Session(_) | Way::Oauth1(_) => is_json,
            Way::Role(_) => is_json || AssumeRole::reads_type(essence),
        }
    }

    /// Whether any answer may.
    pub fn reads_bodies(&self) -> bool {
        match &self.way {
            Way::Oauth2(method) => method.failure_reads_body(None),
            Way::Session(login) => login.failure_reads_body(None),
            Way::Role(role) => role.asked.failure_reads_body(None),
            Way::Oauth1(_) => false,
        }
    }

    /// The variables whose values come with tokens.
    pub(super) fn kept(&self) -> impl Iterator<Item = &str> {
        let oauth2 = match &self.way {
            Way::Oauth2(method) => Some(method),
            Way::Session(_) | Way::Oauth1(_) | Way::Role(_) => None,
        };
        oauth2.into_iter().flat_map(Oauth2::kept)
    }

    /// What is shown to the provider in the TLS handshake.
    pub(super) fn certificate(&self, credential: &Credential) -> Option<ClientCertificate> {
        let Way::Oauth2(method) = &self.way else { return None };
        let shows = method.shows_certificate();
        // One that is unsound is told before.
        shows.then(|| ClientCertificate::read(credential).ok()).flatten()
    }

    pub(super) fn is_of_the_app(&self, field: &str) -> bool {
        match self.way {
            Way::Oauth2(_) => OF_THE_APP.contains(&field),
            Way::Oauth1(_) => OF_THE_CONSUMER.contains(&field),
            Way::Session(_) => false,
            // Each tenant has its role; who assumes it is the gateway.
            Way::Role(_) => AwsSigv4::KEYS.contains(&field),
        }
    }

    pub(super) fn warnings(&self) -> Vec<&'static str> {
        match &self.way {
            Way::Oauth2(method) => method.warnings(),
            Way::Session(_) | Way::Role(_) => Vec::new(),
            Way::Oauth1(grant) => grant.warnings(),
        }
    }

    /// What is wrong with a holder's credential and variables, before anything is sent.
    pub(super) fn faults(
        &self,
        occasion: &Occasion<'_>,
        is_variable: impl Fn(&str) -> bool,
    ) -> Vec<GrantError> {
        let (own, _) = self.parted(occasion.credential, &is_variable);
        match &self.way {
            Way::Oauth2(method) => {
                let mut faults = method.check_credential(&own, is_variable);
                for fault in method.url_faults(occasion) {
                    if !faults.contains(&fault) {
                        faults.push(fault);
                    }
                }
                faults
            }
            Way::Session(login) => login.check_credential(&own, is_variable),
            Way::Role(role) => role.faults(&own, is_variable),
            Way::Oauth1(grant) => {
                let fields = self.own_fields(is_variable);
                let mut faults = Oauth1Grant::check_credential(&fields, &own);
                faults.extend(grant.url_faults(occasion));
                faults
            }
        }
    }

    /// What a sound credential of OAuth 1.0a signs with, and a token's own fields in it.
    pub fn signing_fields(&self, credential: &Credential, token: &Credential) -> Credential {
        let mut fields = Credential::default();
        for name in self.scheme.fields() {
            let values = match token.values(name) {
                [] => credential.values(name),
                own => own,
            };
            if !values.is_empty() {
                fields.insert(name, values.to_vec());
            }
        }
        fields
    }

    /// How a person consents, where one does.
    pub fn consent(&self) -> Option<GrantType> {
        match &self.way {
            Way::Oauth2(method) => Some(method.grant()),
            Way::Oauth1(_) => Some(GrantType::AuthorizationCode),
            Way::Session(_) | Way::Role(_) => None,
        }
    }

    /// What in a redirect back says which consent it belongs to.
    pub fn callback_state(&self, query: &str) -> Option<String> {
        match &self.way {
            Way::Oauth2(method) => method.callback_state(query),
            Way::Oauth1(_) => Oauth1Grant::callback_token(query),
            Way::Session(_) | Way::Role(_) => None,
        }
    }

    /// Whether tokens are bound to a key of the holder's own (RFC 9449).
    pub fn dpop(&self) -> bool {
        matches!(&self.way, Way::Oauth2(method) if method.dpop())
    }

    /// Those of the scopes that are needed which were not granted.
    pub fn missing_scopes<'s>(&'s self, granted: &[String]) -> Vec<&'s str> {
        match &self.way {
            Way::Oauth2(method) => method.missing_scopes(granted),
            Way::Session(_) | Way::Oauth1(_) | Way::Role(_) => Vec::new(),
        }
    }

    /// When tokens end and nothing follows.
    pub fn end(&self, tokens: &TokenSet, before: Option<&TokenSet>) -> Option<End> {
        match &self.way {
            Way::Oauth2(method) => method.end(tokens, before),
            Way::Session(_) | Way::Oauth1(_) | Way::Role(_) => None,
        }
    }

    /// Whether there is something to have a token with, in this credential.
    pub fn can_renew(&self, credential: &Credential) -> bool {
        match &self.way {
            Way::Oauth2(method) => method.renewal(credential).is_some(),
            Way::Session(_) | Way::Role(_) => true,
            Way::Oauth1(_) => false,
        }
    }

    /// Whether these fields, each by itself, could be a holder's.
    pub fn is_fit(&self, credential: &Credential) -> bool {
        let (own, _) = self.parted(credential, |_| false);
        let is_fit = match &self.way {
            Way::Oauth2(method) => method.check_credential(&own, |_| false).is_empty(),
            Way::Session(login) => login.check_credential(&own, |_| false).is_empty(),
            Way::Role(role) => role.faults(&own, |_| false).is_empty(),
            Way::Oauth1(_) => {
                let fields = self.own_fields(|_| false);
                Oauth1Grant::check_credential(&fields, &own).is_empty()
            }
        };
        is_fit && self.besides(credential).is_ok()
    }

    /// What can't sign, with a token in the place of one that is to be had; and what goes on requests besides.
    fn unsound(&self, credential: &Credential) -> Vec<AuthError> {
        let (own, beside) = self.parted(credential, |_| false);
        let token = [("token", "token"), ("token_secret", "token")].into_iter().collect();
        let signing = self.scheme.prepare(&self.signing_fields(&own, &token));
        // What is missing is told already.
        let is_told = |it: &AuthError| {
            matches!(
                it,
                AuthError::Missing { .. } | AuthError::Empty { .. } | AuthError::Several { .. }
            )
        };
        let mut faults = signing.err().unwrap_or_default();
        faults.retain(|it| !is_told(it));
        if let Some(scheme) = &self.beside {
            faults.extend(scheme.prepare(&beside).err().unwrap_or_default());
        }
        faults
    }

    /// Why a holder is served only where there is a store: the problem, and the way out.
    pub(super) fn unstored(&self, credential: &Credential) -> Option<(&'static str, &'static str)> {
        let method = match &self.way {
            Way::Oauth2(method) => method,
            Way::Session(_) | Way::Role(_) => return None,
            Way::Oauth1(_) => {
                let problem =
                    "it has no token, and there is no store to keep one that is had later";
                let hint = "add `token: …` and `token_secret: …`, had from the provider, or `store: { url: … }`";
                return Oauth1Grant::brought(credential).is_none().then_some((problem, hint));
            }
        };
        if method.rotates() {
            let problem = "it is renewed by a token that may be new with each use, and there is no store to keep it";
            let hint = "add `store: { url: … }`; or say `refresh: { rotates: false }` where the provider goes on \
                        taking the same one; or use a grant that needs none, as client_credentials";
            return Some((problem, hint));
        }
        if method.renewal(credential).is_none() {
            let problem = "it has no token to be renewed by, and there is no store to keep one that is had later";
            return Some((
                problem,
                "add `refresh_token: …`, had from the provider, or `store: { url: … }`",
            ));
        }
        None
    }
}

impl AssumedRole {
    /// What is wrong with a holder's credential; keys that can't sign are told by the field.
    fn faults(&self, own: &Credential, is_variable: impl Fn(&str) -> bool) -> Vec<GrantError> {
        let mut faults = self.asked.check_credential(own, is_variable);
        if faults.is_empty() {
            let unfit = self.scheme.prepare(&self.asked.keys(own)).err().unwrap_or_default();
            let what = "can't stand where a signature has it, or has a space at an end";
            faults.extend(
                unfit.iter().map(|it| GrantError::Unusable { field: it.field().to_owned(), what }),
            );
        }
        faults
    }
}

fn place(place: TokenPlace) -> Place {
    match place {
        TokenPlace::Header => Place::Header,
        TokenPlace::Query => Place::Query,
        TokenPlace::Cookie => Place::Cookie,
    }
}

/// A problem of a grant's settings, whose own path begins at `at`.
fn told(error: &SettingsError, at: At<'_>) -> Problem {
    let mut problem = at.problem(&*error.problem, &*error.hint);
    problem.path.extend(segments(&error.path));
    problem
}

#[cfg(test)]
mod tests;
