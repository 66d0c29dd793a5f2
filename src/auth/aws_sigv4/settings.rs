//! The settings of `aws_sigv4`.
use super::AuthError;
use super::AwsSigv4Signer;
use super::Prepared;
use super::RawAssumeRole;
use super::SchemeFault;
use super::Signer;
use super::Step;
use super::keys;
use super::keys::AccessKey;
use super::service;
use crate::model::Credential;
use crate::model::TimeSpan;
use std::sync::Arc;

/// How long a signature in the query is good where nothing is said: as long as one in fields is, whose time may differ
/// from the service's clock by as much.
const EXPIRES: &str = "15m";
/// Longest life of a signature in the query, in seconds. Source: Amazon S3 API Reference, "Authenticating Requests:
/// Using Query Parameters".
const EXPIRES_MAX_S: u64 = 604_800;

/// The settings as written.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct RawAwsSigv4 {
    /// As signatures name it: `s3`, `execute-api`, `dynamodb`. Default: as the host's name says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// `eu-west-1`. Default: as the host's name says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Default: sigv4, which is good in one region.
    pub algorithm: Algorithm,
    /// With `sigv4a`: the regions that a signature is good in, `*` for all. Default: `region`, or all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub region_set: Vec<String>,
    /// Where the signature goes.
    pub r#in: Transmission,
    /// What of the body is signed. Default: `signed`; `unsigned` for S3 with `in: query`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Payload>,
    /// How long a signature in the query is good. At most 7d.
    pub expires: String,
    /// Whether X-Amz-Content-Sha256 is sent. Default: where the service wants it, as S3 does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_sha256: Option<bool>,
    /// Whether dot segments and repeated slashes are resolved before signing. Default: yes, but not for S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalize_path: Option<bool>,
    /// Whether the path is percent-encoded once more before signing. Default: yes, but not for S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub double_encode: Option<bool>,
    /// Keys are lent for a role: the credential's own sign nothing but what asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<RawAssumeRole>,
}

/// How a signature is made.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// HMAC-SHA256 with a key of one day and region.
    #[default]
    Sigv4,
    /// ECDSA on P-256, good in several regions.
    Sigv4a,
}

/// Where a signature goes.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Transmission {
    #[default]
    Header,
    Query,
}

/// What of a body is signed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// Its hash, so that all of it is read before the first byte is sent.
    Signed,
    /// Nothing of it.
    Unsigned,
    /// Each piece of it while it is sent: S3 only.
    Streaming,
}

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsSigv4 {
    pub(super) service: Option<Box<str>>,
    pub(super) region: Option<Box<str>>,
    /// Where neither the settings nor the host say one.
    pub(super) else_region: Option<Box<str>>,
    /// Comma-separated, with `sigv4a`.
    pub(super) regions: Option<Box<str>>,
    pub(super) transmission: Transmission,
    pub(super) payload: Option<Payload>,
    /// In seconds, 1 to [`EXPIRES_MAX_S`].
    pub(super) expires_s: u64,
    pub(super) content_sha256: Option<bool>,
    pub(super) normalize_path: Option<bool>,
    pub(super) double_encode: Option<bool>,
}

impl Default for RawAwsSigv4 {
    fn default() -> Self {
        Self {
            service: None,
            region: None,
            algorithm: Algorithm::default(),
            region_set: Vec::new(),
            r#in: Transmission::default(),
            payload: None,
            expires: EXPIRES.into(),
            content_sha256: None,
            normalize_path: None,
            double_encode: None,
            assume_role: None,
        }
    }
}

impl TryFrom<RawAwsSigv4> for AwsSigv4 {
    type Error = Vec<SchemeFault>;

    fn try_from(raw: RawAwsSigv4) -> Result<Self, Self::Error> {
        let mut faults = Vec::new();
        let names = [
            ("service", &raw.service, "write its name in signatures, as `s3` or `execute-api`"),
            ("region", &raw.region, "write it as in `eu-west-1`"),
        ];
        for (setting, name, hint) in names {
            if let Some(name) = name.as_ref().filter(|it| !is_scope_part(it)) {
                let problem = format!("`{name}` can't be the name of a {setting}");
                faults.push(SchemeFault::at(setting, problem, hint));
            }
        }
        faults.extend(misspelt_fault(&raw));
        faults.extend(regions_faults(&raw));
        faults.extend(body_fault(&raw));
        if raw.payload == Some(Payload::Streaming) {
            faults.extend(streaming_fault(&raw));
        }
        let expires_s = match TimeSpan::try_from(raw.expires.as_str()) {
            Ok(TimeSpan(span))
                if span.subsec_nanos() == 0 && (1..=EXPIRES_MAX_S).contains(&span.as_secs()) =>
            {
                span.as_secs()
            }
            Ok(_) => {
                let problem =
                    format!("`{}` is not between 1s and 7d, in whole seconds", raw.expires);
                let hint =
                    "services take no other; the request is sent at once, so 15m is long enough";
                faults.push(SchemeFault::at("expires", problem, hint));
                0
            }
            Err(error) => {
                let text = error.to_string();
                let (problem, hint) = text.split_once('\n').unwrap_or((&text, ""));
                faults.push(SchemeFault::at("expires", problem, hint));
                0
            }
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        let regions = (raw.algorithm == Algorithm::Sigv4a).then(|| regions(&raw).into());
        Ok(Self {
            regions,
            service: raw.service.map(Into::into),
            region: raw.region.map(Into::into),
            else_region: None,
            transmission: raw.r#in,
            payload: raw.payload,
            expires_s,
            content_sha256: raw.content_sha256,
            normalize_path: raw.normalize_path,
            double_encode: raw.double_encode,
        })
    }
}

fn regions(raw: &RawAwsSigv4) -> String {
    match (&*raw.region_set, &raw.region) {
        ([], Some(region)) => region.clone(),
        ([], None) => "*".to_owned(),
        (regions, _) => regions.join(","),
    }
}

fn regions_faults(raw: &RawAwsSigv4) -> Vec<SchemeFault> {
    let path = vec![Step::Field("region_set".into())];
    if raw.algorithm == Algorithm::Sigv4 {
        let problem = "a signature of `algorithm: sigv4` is good in one region".to_owned();
        let hint = "write `region`, or `algorithm: sigv4a` beside it".to_owned();
        let is_there = !raw.region_set.is_empty();
        return is_there.then_some(SchemeFault { path, problem, hint }).into_iter().collect();
    }
    let wrong = raw.region_set.iter().enumerate().filter(|it| it.1 != "*" && !is_pattern(it.1));
    let fault = |(index, region): (usize, &String)| SchemeFault {
        path: path.iter().cloned().chain([Step::Index(index)]).collect(),
        problem: format!("`{region}` can't be the name of a region"),
        hint: "write it as in `eu-west-1`, `eu-*` or `*`".to_owned(),
    };
    wrong.map(fault).collect()
}

/// `eu-west-1`, `eu-*`.
fn is_pattern(region: &str) -> bool {
    is_scope_part(region.strip_suffix('*').unwrap_or(region))
}

/// `S3`: signatures say `s3`.
fn misspelt_fault(raw: &RawAwsSigv4) -> Option<SchemeFault> {
    let name = raw.service.as_deref().filter(|it| is_scope_part(it) && service::is_misspelt(it))?;
    let problem = format!("`{name}` is not how signatures spell the service");
    Some(SchemeFault::at("service", problem, format!("write `{}`", name.to_ascii_lowercase())))
}

/// What of a body the service does not take, as far as that is known.
fn body_fault(raw: &RawAwsSigv4) -> Option<SchemeFault> {
    let name = raw.service.as_deref()?;
    match raw.payload? {
        Payload::Unsigned if service::is_signed_only(name) => {
            let problem = format!("`{name}` takes no body that is not signed");
            Some(SchemeFault::at("payload", problem, "leave it out, or write `payload: signed`"))
        }
        Payload::Signed if service::is_unsigned_only(name) => {
            let problem = format!("`{name}` takes no signed body");
            Some(SchemeFault::at("payload", problem, "leave it out, or write `payload: unsigned`"))
        }
        Payload::Signed | Payload::Unsigned | Payload::Streaming => None,
    }
}

/// Why a body can't be signed in pieces.
fn streaming_fault(raw: &RawAwsSigv4) -> Option<SchemeFault> {
    let service = raw.service.as_deref();
    if raw.r#in == Transmission::Query {
        let problem = "pieces are signed one after the other from a signature in a field, and this one is in the query";
        return Some(SchemeFault::at(
            "payload",
            problem,
            "write `in: header`, or `payload: unsigned`",
        ));
    }
    if raw.algorithm == Algorithm::Sigv4a {
        let problem = "pieces are signed with `algorithm: sigv4` alone";
        return Some(SchemeFault::at("payload", problem, "write `payload: unsigned`, or `signed`"));
    }
    if !service.is_some_and(service::is_object_store) {
        let problem = "only S3 reads bodies that are signed in pieces";
        return Some(SchemeFault::at(
            "payload",
            problem,
            "write `service: s3` beside it, or `payload: signed`",
        ));
    }
    None
}

/// Whether it can stand between the slashes of a credential's scope.
fn is_scope_part(name: &str) -> bool {
    let is_allowed = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.');
    !name.is_empty() && name.bytes().all(is_allowed)
}

impl AwsSigv4 {
    /// The credential fields of an access key: the last may be absent.
    pub const KEYS: [&'static str; 3] = keys::FIELDS;

    /// The credential fields that it takes.
    pub(in crate::auth) fn fields(&self) -> Vec<&str> {
        keys::FIELDS.to_vec()
    }

    pub(in crate::auth) fn is_optional(&self, field: &str) -> bool {
        field == keys::SESSION_TOKEN
    }

    pub(in crate::auth) fn prepare(
        &self,
        credential: &Credential,
    ) -> Result<Prepared, Vec<AuthError>> {
        let key = AccessKey::read(credential)?;
        let signer = AwsSigv4Signer::new(self.clone(), key);
        let mut prepared = Prepared::signed(Signer::AwsSigv4(Arc::new(signer)));
        prepared.watch(credential, keys::SESSION_TOKEN);
        Ok(prepared)
    }
}
