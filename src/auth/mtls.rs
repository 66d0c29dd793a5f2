//! A certificate of the client's own, shown in the TLS handshake (RFC 8446 §4.4.2): nothing is put on requests.
use super::AuthError;
use super::Prepared;
use crate::crypto::ClientCertificate;
use crate::model::Credential;
use std::sync::Arc;

/// The credential fields that it takes.
pub(super) const FIELDS: [&str; 2] = ["certificate", "private_key"];

/// The settings as written: `mtls: {}`.
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
#[serde(deny_unknown_fields)]
pub struct RawMtls {}

pub(super) fn prepare(credential: &Credential) -> Result<Prepared, Vec<AuthError>> {
    let certificate = ClientCertificate::read(credential).map_err(|it| vec![it.into()])?;
    Ok(Prepared::showing(Arc::new(certificate)))
}
