//! Why the API answers with a problem, and the one table that turns it into a code.
use super::activations::AccountView;
use super::apply::Broken;
use super::etag;
use super::etag::Precondition;
use super::origin::Moved;
use super::role::Role;
use super::time;
use super::uses::Use;
use crate::catalog::PathSegment;
use crate::catalog::Problem;
use crate::config::JsonProblem;
use crate::config::Step;
use crate::config::pointer;
use crate::grant::CallbackError;
use crate::model::Account;
use crate::model::Code;
use crate::model::OperatorName;
use crate::renewal::ErrandError;
use crate::server;
use crate::store::Expect;
use crate::store::StoreError;
use crate::telemetry::metrics::OperatorFailure;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

/// Seconds until a store that was away may be asked again.
const STORE_RETRY_S: u64 = 2;

/// Seconds until a provider that was away may be asked again.
const PROVIDER_RETRY_S: u64 = 5;

/// Seconds until a request that is being answered should have been.
const IN_PROGRESS_RETRY_S: u64 = 1;

/// One thing that is wrong with a body, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Fault {
    /// A JSON pointer (RFC 6901) into the body that was sent; empty for the whole.
    pub pointer: String,
    pub problem: String,
    /// What to send instead; empty where there is nothing to add.
    pub hint: String,
}

/// Who has changed what was to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Winner {
    /// The version that there is now; `None` where there is nothing any more.
    pub version: Option<i64>,
    /// The operator's name.
    pub who: Option<String>,
    /// RFC 3339, UTC.
    pub at: Option<String>,
}

/// Why a call of the API is answered with a problem. There is no `Other`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ApiError {
    #[error("Send an operator's token as `Authorization: Bearer …`.")]
    Unauthenticated,
    #[error("{0}")]
    NotSignedIn(&'static str),
    #[error("Too many wrong tokens, or cookies of nobody's, came from this address.")]
    TooManyFailures { retry_after_s: u64 },
    #[error("This takes the role `{needs}`; the token has `{has}`.")]
    Forbidden { has: Role, needs: Role },
    #[error(
        "Access tokens are shown to those operators alone whom `server.admin.token_access` names, and `{0}` is not \
         among them."
    )]
    Undisclosed(OperatorName),
    #[error(
        "Credentials are exported for those operators alone whom `server.admin.export_access` names, and `{0}` is not \
         among them."
    )]
    Unexported(OperatorName),
    #[error("`/openapi.json` says what is served here.")]
    NoSuchPath,
    #[error("This path takes {allowed}.")]
    Method { allowed: String },
    #[error("{0}")]
    BadRequest(String),
    #[error("A body has to be sent as `Content-Type: {0}`.")]
    MediaType(String),
    #[error("Another document is being read: one at a time.")]
    Busy,
    #[error("As many {0} as there may be at the same time are under way: come again.")]
    Crowded(&'static str),
    #[error("The body is longer than {most} bytes.")]
    BodyTooLarge { most: usize },
    #[error("{}", told(.0))]
    Invalid(Vec<Fault>),
    #[error("There is no {noun} `{key}`.")]
    NotFound { noun: &'static str, key: String },
    #[error("There is a {noun} `{key}` already.")]
    AlreadyExists { noun: &'static str, key: String },
    #[error("There is a {noun} `{key}` already.")]
    Exists { noun: &'static str, key: String },
    #[error("The {noun} `{key}` is declared in {file}, line {line}: change it there.")]
    DeclaredInFile { noun: &'static str, key: String, file: String, line: u32 },
    #[error(
        "Files declare activations of the tenant `{tenant}`, {file}, line {line} among them: take them out there."
    )]
    ActivatedInFiles { tenant: String, uses: Vec<Use>, file: String, line: u32 },
    #[error("The {noun} `{key}` is in use: {total} times.")]
    InUse { noun: &'static str, key: String, uses: Vec<Use>, total: i64 },
    #[error(
        "So many secrets before this one sign still that there is no room for one more: wait until {until}, when the \
         first of them does not any more, or end all of them at once, with `0s` for the `overlap`."
    )]
    TooManySecrets { until: String },
    #[error("{0}")]
    Unconfirmed(String),
    #[error("{}", super::origin::told(.0))]
    Elsewhere(Vec<Moved>),
    #[error("{}", super::apply::told(.0))]
    Breaks(Vec<Broken>),
    #[error("What would come of it is not what that plan says any more: plan it again.")]
    Replan,
    #[error(
        "It takes longer than all others may be kept from writing: nothing was done. Apply it in parts, as by section."
    )]
    TooMuchAtOnce,
    #[error("{}", stale(.0))]
    Stale(Winner),
    #[error("This Idempotency-Key came with another request before: take a new one.")]
    KeyReused,
    #[error("The first request with this Idempotency-Key is being answered.")]
    InProgress,
    #[error(
        "It was done under this Idempotency-Key, and how it was answered was lost: look at what there is."
    )]
    AnswerLost,
    #[error(
        "Of the events behind {after} the first {} are not kept any more: read what you need anew, then go on with \
         `after={}`.", oldest - after - 1, oldest - 1
    )]
    Forgotten { after: i64, oldest: i64, last: i64 },
    #[error(
        "There is no event {after} yet, the last is {last}: the store was put back to what it was before. Read what \
         you need anew, then go on with `after={last}`."
    )]
    NotYet { after: i64, oldest: i64, last: i64 },
    #[error(
        "Nothing can be stored: start attache with a store (`store.url`, or `--database-url`)."
    )]
    NoStore,
    #[error("{0}")]
    StoreUnavailable(&'static str),
    #[error(
        "The store was told to keep it, and did not say that it has: it may be done, or not. Look before you \
         try again, unless it came with an Idempotency-Key."
    )]
    Uncertain,
    #[error("The store has no room left: nothing was written.")]
    StoreFull,
    /// Takes a person: it says what to do.
    #[error("{0}")]
    NoTrail(String),
    #[error("What is stored of the {noun} `{key}` can't be read: {problem}.")]
    Damaged { noun: &'static str, key: String, problem: String },
    /// Of what was given by a person, or was not.
    #[error("{}.", sentence(.0))]
    Consent(String),
    #[error("{}.", sentence(.words))]
    NoToken { words: String, retry_after_s: u64 },
    #[error("Less was granted than is needed: {} missing. The person has to consent to all of it.", listed(.0))]
    ScopesMissing(Vec<String>),
    #[error(
        "It is another account than before: it was {}, and would be {}. Nothing is changed; to take it, send the same \
         again with `confirm_account: true`, within 10 minutes.", shown(Some(.known)), shown(.given.as_ref())
    )]
    AccountDiffers { known: Account, given: Option<Account> },
    #[error("{}.", sentence(.0))]
    CredentialRefused(String),
    #[error("Another browser connects by this link: go on there, or make another link.")]
    SessionInUse,
    #[error("The person came back in another browser than the one that connects by this link.")]
    OtherBrowser,
    #[error(
        "This link is not good any more: it was used up or ended, or is older than 30 minutes."
    )]
    SessionOver,
    #[error("It was tried {most} times by this link: make another one.")]
    TooManyTries { most: u32 },
    /// Whoever connects can't mend it: what is wrong is told to whoever runs it alone.
    #[error("Whoever runs the connection has to mend it first.")]
    Misconfigured,
    #[error(
        "There is no webhook secret to be shown: no sender has handed one over, or it was shown before. One is shown \
         once; to have another one, remove the secret and let the sender hand it over again."
    )]
    NothingToReveal,
    #[error("It was used already, is too old, or was never begun here: begin again.")]
    ConsentUnknown,
    #[error("The log has the details, under this request id.")]
    Internal,
}

impl ApiError {
    /// One thing that is wrong with the body.
    pub(super) fn invalid(
        pointer: impl Into<String>,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let (pointer, problem, hint) = (pointer.into(), problem.into(), hint.into());
        Self::Invalid(vec![Fault { pointer, problem, hint }])
    }

    /// These need it as it is.
    pub(super) fn in_use(noun: &'static str, key: &str, uses: Vec<Use>) -> Self {
        let total = i64::try_from(uses.len()).unwrap_or(i64::MAX);
        Self::InUse { noun, key: key.to_owned(), uses, total }
    }

    /// What the catalogue finds wrong with a resource that was sent.
    pub(super) fn problems(problems: &[Problem]) -> Self {
        Self::below(problems, 2)
    }

    /// The same, where the problems' paths begin with so many steps that were not sent.
    pub(super) fn below(problems: &[Problem], above: usize) -> Self {
        Self::Invalid(problems.iter().map(|it| Fault::of(it, above)).collect())
    }

    /// The same for a body that is only what stands below one of these pointers elsewhere.
    pub(super) fn within(mut self, members: &[&str]) -> Self {
        if let Self::Invalid(faults) = &mut self {
            for fault in faults {
                let inner = members.iter().find_map(|it| fault.pointer.strip_prefix(it));
                if let Some(inner) = inner {
                    fault.pointer = inner.to_owned();
                }
            }
        }
        self
    }

    /// The same for a body that stands at a pointer in another.
    pub(super) fn placed(mut self, at: &str) -> Self {
        if let Self::Invalid(faults) = &mut self {
            faults.iter_mut().for_each(|it| it.pointer.insert_str(0, at));
        }
        self
    }

    /// `If-Match`, and there is nothing any more.
    pub(super) fn gone() -> Self {
        Self::Stale(Winner::default())
    }

    /// What the store did not do, of the resource that was asked for.
    pub(super) fn of_store(error: StoreError, noun: &'static str, key: &str) -> Self {
        let key = key.to_owned();
        match error {
            StoreError::Unreachable { .. } => {
                Self::StoreUnavailable("The store can't be reached: nothing was done.")
            }
            StoreError::TimedOut => {
                Self::StoreUnavailable("The store did not answer in time: nothing was done.")
            }
            error @ StoreError::Uncertain { .. } => {
                tracing::warn!("store: {error}");
                Self::Uncertain
            }
            StoreError::ReadOnly => {
                Self::StoreUnavailable("The store takes no writes at present: nothing was done.")
            }
            StoreError::Full => Self::StoreFull,
            StoreError::Conflict { .. } => Self::Exists { noun, key },
            StoreError::Stale { current_version, who, at_ms } => Self::Stale(Winner {
                version: current_version,
                who: Some(who),
                at: Some(time::shown(at_ms)),
            }),
            StoreError::NotFound => Self::NotFound { noun, key },
            StoreError::Outrun { kind, key } => {
                tracing::info!(%kind, key, "a write was outrun by another of what it was checked beside");
                Self::StoreUnavailable(
                    "What it belongs to was changed meanwhile: nothing was done, try again.",
                )
            }
            StoreError::Missing { kind, key } => {
                Self::invalid("", format!("there is no {kind} `{key}` any more"), "")
            }
            StoreError::InUse { by, total } => {
                Self::InUse { noun, key, uses: by.iter().map(Use::from).collect(), total }
            }
            StoreError::Elsewhere { moves } => {
                Self::Elsewhere(moves.into_iter().map(Moved::from).collect())
            }
            error @ StoreError::Corrupt { .. } => {
                tracing::error!("store: {error}");
                Self::Damaged { noun, key, problem: error.to_string() }
            }
            error @ StoreError::NoTrail { .. } => {
                tracing::error!("store: {error}");
                let mut told = error.to_string();
                if let Some(first) = told.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                Self::NoTrail(told + ".")
            }
            error @ (StoreError::SchemaNewer { .. } | StoreError::Refused(_)) => {
                tracing::error!("store: {error}");
                Self::Internal
            }
        }
    }

    /// The same of a write that expected something.
    pub(super) fn of_write(
        error: StoreError,
        noun: &'static str,
        key: &str,
        expect: Expect,
    ) -> Self {
        match (error, expect) {
            (StoreError::NotFound, Expect::Present | Expect::Version(_)) => Self::gone(),
            (error, _) => Self::of_store(error, noun, key),
        }
    }

    /// The same of what has to be there: whoever named no version learns no more than that it is not.
    pub(super) fn of_present(
        error: StoreError,
        noun: &'static str,
        key: &str,
        asked: Precondition,
    ) -> Self {
        match (error, asked) {
            (
                StoreError::NotFound | StoreError::Stale { current_version: None, .. },
                Precondition::None,
            ) => Self::NotFound { noun, key: key.to_owned() },
            (StoreError::NotFound, _) => Self::gone(),
            (error, _) => Self::of_store(error, noun, key),
        }
    }

    /// The one table to read.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::Unauthenticated | Self::NotSignedIn(_) => Code::OperatorUnauthenticated,
            Self::TooManyFailures { .. }
            | Self::Busy
            | Self::Crowded(_)
            | Self::TooManyTries { .. } => Code::RateLimited,
            Self::Forbidden { .. } | Self::Undisclosed(_) | Self::Unexported(_) => {
                Code::OperatorForbidden
            }
            Self::NoSuchPath | Self::NotFound { .. } | Self::NothingToReveal => Code::NotFound,
            Self::Method { .. } => Code::MethodNotAllowed,
            Self::BadRequest(_) => Code::BadRequest,
            Self::MediaType(_) => Code::UnsupportedMediaType,
            Self::BodyTooLarge { .. } => Code::BodyTooLarge,
            Self::TooMuchAtOnce => Code::TooMuchAtOnce,
            Self::Invalid(_) => Code::Invalid,
            Self::AlreadyExists { .. } => Code::AlreadyExists,
            Self::DeclaredInFile { .. } | Self::ActivatedInFiles { .. } => Code::DeclaredInFile,
            Self::InUse { .. } | Self::Breaks(_) | Self::TooManySecrets { .. } => Code::InUse,
            Self::Unconfirmed(_) => Code::ConfirmationRequired,
            Self::Elsewhere(_) => Code::OriginChanged,
            Self::Stale(_) | Self::Exists { .. } | Self::Replan => Code::PreconditionFailed,
            Self::KeyReused => Code::IdempotencyKeyReused,
            Self::InProgress => Code::IdempotencyInProgress,
            Self::AnswerLost => Code::IdempotencyAnswerLost,
            Self::Forgotten { .. } | Self::NotYet { .. } => Code::EventsForgotten,
            Self::NoStore => Code::NoStore,
            Self::StoreUnavailable(_) | Self::Uncertain | Self::NoTrail(_) => {
                Code::StoreUnavailable
            }
            Self::StoreFull => Code::StoreFull,
            Self::Consent(_) => Code::ReauthorizationRequired,
            Self::NoToken { .. } => Code::CredentialUnavailable,
            Self::ScopesMissing(_) => Code::ScopesMissing,
            Self::AccountDiffers { .. } => Code::AccountDiffers,
            Self::CredentialRefused(_) => Code::CredentialRefused,
            Self::SessionInUse => Code::ConnectSessionInUse,
            Self::OtherBrowser => Code::ConnectOtherBrowser,
            Self::SessionOver => Code::ConnectSessionOver,
            Self::Misconfigured => Code::ConnectMisconfigured,
            Self::ConsentUnknown => Code::ConsentUnknown,
            Self::Damaged { .. } | Self::Internal => Code::Internal,
        }
    }

    /// Why the operator was turned away, where it was.
    pub(super) fn turned_away(&self) -> Option<OperatorFailure> {
        match self {
            Self::Unauthenticated | Self::NotSignedIn(_) => Some(OperatorFailure::Unauthenticated),
            Self::Forbidden { .. } | Self::Undisclosed(_) | Self::Unexported(_) => {
                Some(OperatorFailure::Forbidden)
            }
            Self::TooManyFailures { .. } => Some(OperatorFailure::Limited),
            _ => None,
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::TooManyFailures { retry_after_s } | Self::NoToken { retry_after_s, .. } => {
                Some(*retry_after_s)
            }
            Self::InProgress | Self::Busy | Self::Crowded(_) => Some(IN_PROGRESS_RETRY_S),
            Self::StoreUnavailable(_) | Self::Uncertain => Some(STORE_RETRY_S),
            _ => None,
        }
    }

    /// Members of the problem beside those that each has.
    fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
        match self {
            Self::Invalid(faults) => {
                set("errors", serde_json::to_value(faults).unwrap_or_default());
            }
            Self::InUse { uses, total, .. } => {
                set("total", (*total).into());
                set("uses", serde_json::to_value(uses).unwrap_or_default());
            }
            Self::Breaks(breaks) => {
                set("breaks", serde_json::to_value(breaks).unwrap_or_default());
            }
            Self::ActivatedInFiles { uses, file, line, .. } => {
                set("total", uses.len().into());
                set("uses", serde_json::to_value(uses).unwrap_or_default());
                set("source", serde_json::json!({ "file": file, "line": line }));
            }
            Self::Elsewhere(moves) => {
                set("moves", serde_json::to_value(moves).unwrap_or_default());
            }
            Self::Forgotten { oldest, last, .. } | Self::NotYet { oldest, last, .. } => {
                set("oldest", (*oldest).into());
                set("last", (*last).into());
            }
            Self::Uncertain => {
                set("outcome", "unknown".into());
            }
            Self::ScopesMissing(missing) => {
                set("missing_scopes", missing.clone().into());
            }
            Self::AccountDiffers { known, given } => {
                let view = |it: Account| serde_json::json!(AccountView::from(it));
                set("account", view(known.clone()));
                set("given_account", given.clone().map(view).unwrap_or_default());
            }
            Self::DeclaredInFile { file, line, .. } => {
                set("source", serde_json::json!({ "file": file, "line": line }));
            }
            Self::Stale(winner) => {
                set("version", winner.version.into());
                set("changed_by", winner.who.clone().into());
                set("changed_at", winner.at.clone().into());
            }
            _ => {}
        }
        members
    }

    /// As it is sent.
    pub(super) fn problem(&self, request_id: &str) -> http::Response<Bytes> {
        let (code, detail) = (self.code(), self.to_string());
        server::problem_with(code, &detail, request_id, self.retry_after_s(), self.members())
    }

    pub(super) fn response(&self, request_id: &str) -> Response {
        let mut response = self.problem(request_id).map(Body::from);
        if let Self::Method { allowed } = self
            && let Ok(allowed) = HeaderValue::try_from(allowed)
        {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        // The version that lost is told which one it lost to (RFC 9110 §8.8.3).
        if let Self::Stale(Winner { version: Some(version), .. }) = self {
            response.headers_mut().insert(header::ETAG, etag::tag(*version));
        }
        response
    }
}

fn told(faults: &[Fault]) -> String {
    match faults {
        [one] if one.pointer.is_empty() => format!("{}.", one.problem),
        [one] => format!("{}: {}.", one.pointer, one.problem),
        several => format!("{} things are wrong: `errors` has each.", several.len()),
    }
}

fn stale(winner: &Winner) -> String {
    match (winner.version, &winner.who) {
        (None, _) => "There is no such resource any more.".to_owned(),
        (Some(version), None) => format!("It is at version {version} now."),
        (Some(version), Some(who)) => {
            format!("It is at version {version} now, changed by `{who}`.")
        }
    }
}

/// What people know it by, or else its id.
fn shown(account: Option<&Account>) -> String {
    let named = account.map(|it| format!("`{}`", it.name.as_deref().unwrap_or(&it.id)));
    named.unwrap_or_else(|| "one that nobody can tell".to_owned())
}

fn listed(names: &[String]) -> String {
    let listed = names.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
    if names.len() == 1 { format!("{listed} is") } else { format!("{listed} are") }
}

/// With a capital.
fn sentence(words: &str) -> String {
    let mut words = words.to_owned();
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

impl From<ErrandError> for ApiError {
    fn from(error: ErrandError) -> Self {
        use CallbackError as C;
        let words = error.to_string();
        match error {
            ErrandError::Callback(C::Denied | C::Provider { .. }) | ErrandError::Refused(_) => {
                Self::Consent(words)
            }
            ErrandError::Callback(C::State | C::Issuer | C::NoCode | C::Twice(_) | C::TooLong) => {
                Self::invalid("/url", words, "begin again")
            }
            ErrandError::Operator(_) => {
                let hint = "mend the auth method, or what the connection has of the app";
                Self::invalid("", words, hint)
            }
            ErrandError::NotSet("probe") => {
                let hint = "declare one on the connector's auth method: `probe: { path: /me }`";
                Self::invalid("", words, hint)
            }
            ErrandError::NotSet(_) => {
                Self::invalid("", words, "write it there, or `issuer`, where it is told")
            }
            ErrandError::NotTaken { .. } => Self::invalid("/credentials", words, ""),
            ErrandError::Unfit(_) => Self::invalid("", words, ""),
            ErrandError::Provider { after, .. } => {
                let retry_after_s = after.map_or(PROVIDER_RETRY_S, |it| it.as_secs().max(1));
                Self::NoToken { words, retry_after_s }
            }
            ErrandError::Busy => Self::NoToken { words, retry_after_s: PROVIDER_RETRY_S },
        }
    }
}

impl From<JsonProblem> for Fault {
    fn from(it: JsonProblem) -> Self {
        Self { pointer: it.pointer, problem: it.problem, hint: it.hint }
    }
}

impl Fault {
    /// A problem of the catalogue's, whose path begins with as many steps as lead to what was sent.
    pub(super) fn of(problem: &Problem, above: usize) -> Self {
        let steps = problem.path.iter().skip(above).map(|it| match it {
            PathSegment::Key(key) => Step::Key(key),
            PathSegment::Index(index) => Step::Index(*index),
        });
        Self {
            pointer: pointer(steps),
            problem: problem.problem.clone(),
            hint: problem.hint.clone(),
        }
    }
}
