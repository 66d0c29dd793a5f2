//! What the activations of an embedded connection have in common, and how one is made of it.
use super::activation::Activation;
use super::auth_method::Auth;
use super::connection::Activations;
use super::connection::Connection;
use super::connection::Input;
use super::connection::Kind;
use super::connection::RawActivations;
use super::connection::SuppliedBy;
use super::holder::Mould;
use super::holder::Ready;
use super::problem::At;
use super::problem::Problem;
use super::variables::VariableError;
use crate::model::Credential;
use crate::model::Key;
use crate::model::TenantId;
use crate::webhook::SECRET;
use crate::webhook::Verifier;
use hashbrown::HashMap;
use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What a connection gives each of its activations.
#[derive(Debug)]
pub struct Shared {
    /// What stored credentials of its activations are bound to: the id of a stored connection, or
    /// `file:` and the key of one in a file.
    pub owner: Box<str>,
    pub(super) variables: BTreeMap<String, String>,
    /// The values of its global inputs.
    pub(super) credential: Credential,
    /// What verifies deliveries to the address that all tenants share, where there is one.
    verifier: Option<Arc<Verifier>>,
    identity: Identity,
}

/// What is sealed under a connection of a file is bound to; a stored one has its id.
pub fn owner_in_file(connection: &str) -> String {
    format!("file:{connection}")
}

/// Equal where the same stored activation comes out the same: whoever keeps one sees by it whether
/// the connection is still the one that it was made under.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identity([u8; 16]);

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[identity]")
    }
}

impl Connection {
    /// What its activations have in common; none where it is not embedded.
    pub fn shared(&self) -> Option<&Shared> {
        match &self.kind {
            Kind::Standard(_) => None,
            Kind::Embedded { shared, .. } => Some(shared),
        }
    }

    /// What verifies deliveries of all its tenants that come to one address.
    pub fn shared_verifier(&self) -> Option<&Arc<Verifier>> {
        self.shared()?.verifier.as_ref()
    }

    /// One of this embedded connection's activations, made of what is stored of it. The paths of the
    /// problems begin with `activation`.
    pub fn activation(
        &self,
        tenant: TenantId,
        enabled: bool,
        variables: &BTreeMap<String, String>,
        credential: Credential,
    ) -> Result<Activation, Vec<Problem>> {
        let at = At::section("activation");
        let Some(mould) = self.mould() else {
            let problem = format!("the connection `{}` is not embedded", self.key);
            return Err(vec![at.problem(problem, "it holds its credentials itself")]);
        };
        let mut problems = Vec::new();
        let holder = mould.fill(credential, variables, at, "credentials", &mut problems);
        match holder {
            Some(holder) if problems.is_empty() => {
                Ok(Activation { tenant, enabled, holder, line: None })
            }
            _ => Err(problems),
        }
    }

    /// What its activations are made of besides their own; none where it is not embedded.
    pub(super) fn mould(&self) -> Option<Mould<'_>> {
        let shared = self.shared()?;
        Some(Mould {
            method: &self.method,
            base_url: &self.base_url,
            rules: &self.variables,
            inherited: &shared.variables,
            credential: &shared.credential,
            inputs: &self.inputs,
            settings: &self.upstream,
            is_set: false,
            may_wait: true,
        })
    }
}

impl Connection {
    /// What an activation says besides what it inherits.
    pub fn own_variables<'a>(&'a self, activation: &'a Activation) -> BTreeMap<&'a str, &'a str> {
        let all = activation.holder.variables.iter();
        let own = all.filter(|(name, value)| self.given().get(*name) != Some(value));
        own.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

impl Shared {
    pub fn identity(&self) -> Identity {
        self.identity
    }
}

/// The credentials of an embedded connection itself.
pub(super) struct Own {
    /// The values of its global inputs.
    pub(super) credential: Credential,
    pub(super) test: Option<Credential>,
}

pub(super) fn embedded(
    owner: Box<str>,
    own: Own,
    raw: RawActivations,
    mould: Mould<'_>,
    at: At<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Kind> {
    let mould = Mould { credential: &own.credential, ..mould };
    if own.credential.fields().any(|it| !mould.is_global(it)) {
        problems.push(at.key("credentials").problem(
            "an embedded connection holds no credentials but its global inputs",
            "put them into activations, or into test_credentials; what is the same for all tenants \
             is named under inputs: { client_id: global }",
        ));
    }
    if mould.is_set {
        let at = at.key("credentials");
        mould.method.check_texts(&own.credential, |_| true, at, problems);
    }
    refuse_unknown(mould, at, problems);
    refuse_open_hosts(mould, at, problems);
    if let Err(problem) = mould.base_url.expand(mould.rules, mould.inherited)
        && !matches!(problem, VariableError::Missing(_))
    {
        let at = at.key("variables");
        let hint = super::holder::hint(&problem, mould);
        let name = problem.variable().unwrap_or_default();
        problems.push(at.key(name).problem(problem.to_string(), hint));
        return None;
    }
    let test = own.test.and_then(|it| {
        mould.fill(it, &BTreeMap::new(), at, "test_credentials", problems).map(Box::new)
    });
    let section = At::section("activations");
    let mut first_of: HashMap<TenantId, usize> = HashMap::with_capacity(raw.len());
    let mut activations = Activations::with_capacity_and_hasher(raw.len(), Default::default());
    for (index, line, raw) in raw {
        let at = section.index(index);
        let tenant = match TenantId::try_from(&*raw.tenant) {
            Ok(tenant) => tenant,
            Err(error) => {
                let problem = format!("`{}` is not a tenant id", raw.tenant.escape_debug());
                problems.push(at.key("tenant").problem(problem, error.to_string()));
                continue;
            }
        };
        if let Some(first) = first_of.insert(tenant.clone(), index) {
            let problem =
                format!("the tenant is activated twice here: also by activations[{first}]");
            problems.push(at.key("tenant").problem(problem, "keep one of them"));
        }
        if let Some(activation) = Activation::build(tenant.clone(), raw, line, mould, at, problems)
        {
            activations.insert(tenant, Arc::new(activation));
        }
    }
    activations.shrink_to_fit();
    let identity = identity(&owner, mould);
    let variables = mould.inherited.clone();
    let verifier = verifier(mould, at, problems);
    let credential = own.credential;
    let shared = Box::new(Shared { owner, variables, credential, verifier, identity });
    Some(Kind::Embedded { activations, test, shared })
}

/// What verifies deliveries to the address that all tenants share: where the description says how they name their
/// tenant, and the connection has what verifies them before they do.
fn verifier(mould: Mould<'_>, at: At<'_>, problems: &mut Vec<Problem>) -> Option<Arc<Verifier>> {
    let Auth::Inbound(description) = &mould.method.auth else { return None };
    let has_secret = mould.credential.field(SECRET).is_some() || !description.takes_secret();
    if !description.is_shared() || !has_secret {
        return None;
    }
    match mould.ready(mould.credential, at.key("credentials"), problems) {
        Some(Ready::Inbound(verifier)) => Some(verifier),
        Some(Ready::Outbound(_) | Ready::Token(_)) | None => None,
    }
}

/// What the method takes nowhere would be told to each tenant, who could do nothing about it.
fn refuse_unknown(mould: Mould<'_>, at: At<'_>, problems: &mut Vec<Problem>) {
    let Auth::Token(method) = &mould.method.auth else { return };
    let is_variable = |name: &str| mould.is_variable(name);
    let taken: Vec<&str> = method.fields(is_variable).iter().map(|it| it.name).collect();
    let at = at.key("credentials");
    let unknown = |it: &&str| mould.is_global(it) && !taken.contains(it);
    for name in mould.credential.fields().filter(unknown) {
        problems.push(at.key(name).problem(
            format!("the credential field `{name}` is unknown here"),
            format!("this auth method takes {}", taken.join(", ")),
        ));
    }
}

/// What a connection holds for all its tenants must not go where one of them says.
fn refuse_open_hosts(mould: Mould<'_>, at: At<'_>, problems: &mut Vec<Problem>) {
    let Auth::Token(method) = &mould.method.auth else { return };
    if mould.credential.is_empty() {
        return;
    }
    let at = at.key("inputs");
    for (name, setting) in method.whose_hosts() {
        let is_bound = mould.rules.rule(&name).is_some_and(|it| it.pattern.is_some());
        if is_bound || mould.is_global(&name) {
            continue;
        }
        problems.push(at.key(&name).problem(
            format!(
                "by `{name}` each tenant says to whose host the connection's own credentials go ({setting})"
            ),
            format!(
                "write inputs: {{ {name}: global }} and its value here, or give the connector's variable a \
                 `pattern` that only the provider's own hosts fit"
            ),
        ));
    }
}

/// What is written on a connection that only an embedded one can have.
pub(super) fn standard_only(
    test: Option<&Credential>,
    activations: &RawActivations,
    key: &Key,
    at: At<'_>,
    problems: &mut Vec<Problem>,
) {
    if test.is_some() {
        problems.push(at.key("test_credentials").problem(
            "only an embedded connection has test credentials",
            "set embedded: true, or leave them out",
        ));
    }
    let section = At::section("activations");
    for (index, _, _) in activations {
        problems.push(section.index(*index).key("connection").problem(
            format!("the connection `{key}` is not embedded, so it has no activations"),
            "set embedded: true on it, or leave this activation out",
        ));
    }
}

/// What says how tenants bring what a standard connection has itself.
pub(super) fn no_suppliers(
    supplied_by: Option<SuppliedBy>,
    inputs: &[(String, Input)],
    at: At<'_>,
    problems: &mut Vec<Problem>,
) {
    const HINT: &str = "set embedded: true, or leave it out";
    if supplied_by.is_some() {
        let problem = "only an embedded connection has credentials of tenants";
        problems.push(at.key("supplied_by").problem(problem, HINT));
    }
    if !inputs.is_empty() {
        let problem = "only an embedded connection has inputs: this one sets all of them itself";
        problems.push(at.key("inputs").problem(problem, HINT));
    }
}

/// Each input is something that there is to be set, and is set in one place.
pub(super) fn check_inputs(mould: Mould<'_>, at: At<'_>, problems: &mut Vec<Problem>) {
    let at = at.key("inputs");
    let mut known = mould.method.fields();
    known.extend(mould.rules.names().chain(mould.base_url.variables()));
    known.sort_unstable();
    known.dedup();
    for (name, input) in mould.inputs {
        if !known.contains(&name.as_str()) {
            let problem =
                format!("`{name}` is neither a credential field of the auth method nor a variable");
            let hint = match known[..] {
                [] => "leave it out: there is nothing to be set".to_owned(),
                _ => format!("there are {}", known.join(", ")),
            };
            problems.push(at.key(name).problem(problem, hint));
        } else if *input == Input::Tenant && mould.inherited.contains_key(name) {
            problems.push(at.key(name).problem(
                format!("the connection gives `{name}` a value itself"),
                "write global, or take it out of `variables`",
            ));
        }
    }
}

/// A hash of everything that an activation is made of, its own part left out. Each text has its
/// length in front, so that no two lists of texts are one.
fn identity(owner: &str, mould: Mould<'_>) -> Identity {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    };
    add(owner);
    add(&mould.method.definition);
    add(&mould.base_url.to_string());
    add(mould.rules.definition());
    // Its holders have these with them.
    if mould.method.auth.shows_certificate() {
        add(&format!("{:?}", mould.settings));
    }
    for (name, value) in mould.inherited {
        add(name);
        add(value);
    }
    add("");
    for field in mould.credential.fields() {
        add(field);
        for value in mould.credential.values(field) {
            add(value.expose());
        }
        add("");
    }
    add("");
    for (name, input) in mould.inputs {
        add(name);
        add(match input {
            Input::Global => "global",
            Input::Tenant => "tenant",
        });
    }
    let digest = hash.finalize();
    let first = digest.first_chunk().expect("SHA-256 has 32 bytes (FIPS 180-4)");
    Identity(*first)
}
