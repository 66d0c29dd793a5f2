//! What holds a credential: a standard connection, an activation, test credentials.
use super::auth_method::Auth;
use super::auth_method::AuthMethod;
use super::auth_method::described;
use super::base_url::BaseUrlTemplate;
use super::connection::Connection;
use super::connection::Input;
use super::problem::At;
use super::problem::Problem;
use super::token_holder::TokenHolder;
use super::token_holder::occasion;
use super::token_method::TokenMethod;
use super::upstream_settings::UpstreamSettings;
use super::variables::VariableError;
use super::variables::VariableRules;
use crate::auth::AuthError;
use crate::auth::Prepared;
use crate::crypto::ClientCertificate;
use crate::model::BaseUrl;
use crate::model::Credential;
use crate::model::Secret;
use crate::webhook::ACCOUNT;
use crate::webhook::Given;
use crate::webhook::SECRET;
use crate::webhook::VERIFY_TOKEN;
use crate::webhook::Verifier;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A credential in its finished form, and where it goes.
#[derive(Debug)]
pub struct Holder {
    pub ready: Ready,
    /// The base URL with this holder's variables; `None` where a variable still has no value, so
    /// that a request has to bring it.
    pub base: Option<BaseUrl>,
    pub variables: BTreeMap<String, String>,
    /// How upstreams are reached, where its credential has a certificate: its links are nobody else's.
    shown: Option<Arc<UpstreamSettings>>,
}

/// A credential in its finished form.
#[derive(Debug)]
pub enum Ready {
    Outbound(Prepared),
    /// It has to be had first.
    Token(Arc<TokenHolder>),
    Inbound(Arc<Verifier>),
}

impl Holder {
    /// How upstreams are reached with its credential: its own way where it shows a certificate, else the connection's.
    pub fn upstream<'a>(&'a self, connection: &'a Connection) -> &'a Arc<UpstreamSettings> {
        self.shown.as_ref().unwrap_or(&connection.upstream)
    }

    /// What it shows APIs in the TLS handshake.
    pub fn certificate(&self) -> Option<&Arc<ClientCertificate>> {
        self.shown.as_ref()?.certificate.as_ref()
    }
}

impl Ready {
    fn certificate(&self) -> Option<&Arc<ClientCertificate>> {
        match self {
            Self::Outbound(prepared) => prepared.certificate(),
            Self::Token(holder) => holder.beside.certificate(),
            Self::Inbound(_) => None,
        }
    }
}

/// Everything that a holder is made from but its own credential and variables.
#[derive(Clone, Copy)]
pub(super) struct Mould<'a> {
    pub(super) method: &'a AuthMethod,
    pub(super) base_url: &'a BaseUrlTemplate,
    pub(super) rules: &'a VariableRules,
    /// The connection's variables, which a holder's own override.
    pub(super) inherited: &'a BTreeMap<String, String>,
    /// The connection's credential fields, which a holder has besides its own.
    pub(super) credential: &'a Credential,
    /// Where inputs are set: what is global is not a holder's own.
    pub(super) inputs: &'a [(String, Input)],
    /// How the connection's upstreams are reached.
    pub(super) settings: &'a Arc<UpstreamSettings>,
    /// What is filled in is being set here, not read again: it has to fit what is said of its fields.
    pub(super) is_set: bool,
    /// What a sender hands over can be kept, so that a secret which it hands over need not be there yet.
    pub(super) may_wait: bool,
}

impl Mould<'_> {
    /// `at` is where the holder stands, `field` the name of its credentials there.
    pub(super) fn fill(
        self,
        credential: Credential,
        variables: &BTreeMap<String, String>,
        at: At<'_>,
        field: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Holder> {
        if self.is_set {
            self.method.check_texts(&credential, |_| true, at.key(field), problems);
        }
        self.refuse_globals(credential.fields(), at.key(field), problems);
        self.refuse_globals(variables.keys().map(String::as_str), at.key("variables"), problems);
        let mut all = self.inherited.clone();
        all.extend(variables.iter().map(|(name, value)| (name.clone(), value.clone())));
        let credential = match self.credential.is_empty() {
            true => credential,
            false => self.credential.overlaid(&credential),
        };
        let ready = match &self.method.auth {
            Auth::Token(method) => self.token(method, credential, &all, at, field, problems),
            _ => self.ready(&credential, at.key(field), problems),
        };
        let base = match self.base_url.expand(self.rules, &all) {
            Ok(base) => Some(base),
            Err(VariableError::Missing(_)) => None,
            Err(problem) => {
                let name = problem.variable().unwrap_or_default();
                // A bad inherited one is told once, at the connection.
                if variables.contains_key(name) || variables.len() == all.len() {
                    let at = at.key("variables");
                    problems.push(at.key(name).problem(problem.to_string(), hint(&problem, self)));
                }
                return None;
            }
        };
        let ready = ready?;
        let shown = ready.certificate().map(|it| Arc::new(self.settings.showing(it)));
        Some(Holder { ready, base, variables: all, shown })
    }

    /// What says which app it is counts as global where it is on the connection and nothing is said.
    pub(super) fn is_global(&self, name: &str) -> bool {
        match self.inputs.iter().find(|it| it.0 == name) {
            Some((_, input)) => *input == Input::Global,
            None => {
                let is_of_app = |it: &TokenMethod| it.is_of_the_app(name);
                let is_set = self.credential.field(name).is_some();
                is_set
                    && match &self.method.auth {
                        Auth::Token(it) => is_of_app(it),
                        // One address for all tenants: the sender signs with the app's secret.
                        Auth::Inbound(it) => it.is_shared(),
                        Auth::Outbound(_) => false,
                    }
            }
        }
    }

    pub(super) fn is_variable(&self, name: &str) -> bool {
        self.rules.rule(name).is_some() || self.base_url.variables().any(|it| it == name)
    }

    fn refuse_globals<'n>(
        &self,
        names: impl Iterator<Item = &'n str>,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) {
        for name in names.filter(|it| self.is_global(it)) {
            let problem = format!("`{name}` is the same for all tenants");
            problems.push(at.key(name).problem(problem, "it is set on the connection"));
        }
    }

    pub(super) fn ready(
        &self,
        credential: &Credential,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Option<Ready> {
        match &self.method.auth {
            Auth::Outbound(scheme) => match scheme.prepare(credential) {
                Ok(prepared) => Some(Ready::Outbound(prepared)),
                Err(errors) => {
                    let problem =
                        |it: AuthError| at.key(it.field()).problem(it.to_string(), it.hint());
                    problems.extend(errors.into_iter().map(problem));
                    None
                }
            },
            // Made elsewhere, of more than its credential.
            Auth::Token(_) => None,
            Auth::Inbound(description) => {
                let taken = description.fields();
                let is_taken = |it: &str| taken.iter().any(|(name, _)| *name == it);
                for field in credential.fields().filter(|it| !is_taken(it)) {
                    let names: Vec<_> = taken.iter().map(|it| format!("`{}`", it.0)).collect();
                    problems.push(at.key(field).problem(
                        format!("the credential field `{field}` is unknown here"),
                        format!("this auth method takes {}", names.join(", ")),
                    ));
                }
                let given = Given {
                    secrets: credential.values(SECRET),
                    verify_token: credential.field(VERIFY_TOKEN),
                    account: credential.field(ACCOUNT).map(Secret::expose),
                };
                match description.verifier(&given) {
                    Ok(verifier) if verifier.is_waiting() && !self.may_wait => {
                        problems.push(at.key(SECRET).problem(
                            "is missing, and nothing that the sender hands over can be kept here",
                            "write it, or create the connection by the API: then it waits for the sender to hand the \
                             secret over",
                        ));
                        None
                    }
                    Ok(verifier) => Some(Ready::Inbound(Arc::new(verifier))),
                    Err(error) => {
                        problems.push(described(&error, at));
                        None
                    }
                }
            }
        }
    }

    /// A holder that has yet to have its token: all that it is had with is checked, and nothing is sent.
    fn token(
        &self,
        method: &Arc<TokenMethod>,
        credential: Credential,
        variables: &BTreeMap<String, String>,
        at: At<'_>,
        field: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Ready> {
        let before = problems.len();
        let mut variables = variables.clone();
        for name in self.rules.names() {
            if let Some(default) = self.rules.rule(name).and_then(|it| it.default.as_ref()) {
                variables.entry(name.to_owned()).or_insert_with(|| default.clone());
            }
        }
        let is_variable = |name: &str| self.is_variable(name);
        let fields = method.fields(is_variable);
        for fault in method.faults(&occasion(&credential, &variables), is_variable) {
            let name = fault.field().unwrap_or_default();
            let (at_fields, at_variables) = (at.key(field), at.key("variables"));
            let problem = match (name, is_variable(name), credential.field(name)) {
                ("", ..) => at_fields.problem(fault.to_string(), fault.hint()),
                (_, true, None) => {
                    let hint = "set it: where a token is had, no request may say";
                    at_variables.key(name).problem(fault.to_string(), hint)
                }
                _ if fields.iter().any(|it| it.name == name) => {
                    at_fields.key(name).problem(fault.to_string(), fault.hint())
                }
                _ => {
                    let taken: Vec<&str> = fields.iter().map(|it| it.name).collect();
                    let hint = format!("this auth method takes {}", taken.join(", "));
                    at_fields.key(name).problem(fault.to_string(), hint)
                }
            };
            problems.push(problem);
        }
        let beside = method.besides(&credential).map_err(|faults| {
            let at = at.key(field);
            let told = |it: AuthError| at.key(it.field()).problem(it.to_string(), it.hint());
            problems.extend(faults.into_iter().map(told));
        });
        if problems.len() > before {
            return None;
        }
        let definition = &self.method.definition;
        let leads = method.kept().any(is_variable);
        let method = Arc::clone(method);
        let holder =
            TokenHolder::new(method, definition, credential, variables, beside.ok()?, leads);
        Some(Ready::Token(Arc::new(holder)))
    }
}

pub(super) fn hint(problem: &VariableError, mould: Mould<'_>) -> String {
    if !matches!(problem, VariableError::Unknown(_)) {
        return String::new();
    }
    let mut known: Vec<&str> = mould.rules.names().chain(mould.base_url.variables()).collect();
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        "the connector declares no variables".into()
    } else {
        format!("the connector has {}", known.join(", "))
    }
}
