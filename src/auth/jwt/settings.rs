//! The settings: what a token says, for how long, signed by which algorithm, and where it goes.
use super::super::AuthError;
use super::super::Place;
use super::super::Prepared;
use super::super::SchemeFault;
use super::super::SettingsFault;
use super::super::Signer;
use super::super::slot::Slot;
use super::claims::Claims;
use super::signer::JwtSigner;
use super::signer::Kept;
use super::text;
use super::text::Part;
use crate::crypto::JwsAlgorithm;
use crate::crypto::SigningKey;
use crate::crypto::encoded;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::TimeSpan;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;
use indexmap::IndexMap;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// The credential field of an algorithm with a private key.
pub(super) const PRIVATE_KEY: &str = "private_key";
/// The credential field of an algorithm with a secret that both sides have.
pub(super) const SECRET: &str = "secret";
/// What stands for the token in its format.
const TOKEN: &str = "token";

const LIFETIME: Duration = Duration::from_secs(300);
/// A provider that takes half a year is the longest known (Apple, "Generating developer tokens").
const LIFETIME_MAX: Duration = Duration::from_secs(366 * 86_400);
const BACKDATE_MAX: Duration = Duration::from_secs(3600);

/// The settings as written: `jwt: { algorithm: ES256, header: { kid: "{key_id}" }, claims: { iss: "{issuer_id}" } }`.
#[derive(
    Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct RawJwt {
    pub algorithm: JwsAlgorithm,
    /// What it says: any JSON, its texts templates over credential fields and over `now`, `iat`, `exp`, `jti`, `uuid`,
    /// `method`, `host`, `path`, `query`, `url`, `body_sha256` and `body_sha512`. `iat` and `exp` are put in unless they are here;
    /// null leaves them out.
    #[serde(default)]
    pub claims: IndexMap<String, Value>,
    /// Members of its header besides `alg`; texts are templates over credential fields. Default: `typ: JWT`, which null leaves out.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub header: IndexMap<String, Value>,
    /// From now to `exp`. Default: `5m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<TimeSpan>,
    /// From `iat` to now, for servers whose clocks are behind. Default: `0s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backdate: Option<TimeSpan>,
    /// How often one is made. Default: `life`, unless the claims are of one request or have a `jti`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
    /// How the credential field `secret` is written. Default: `utf8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_encoding: Option<SecretEncoding>,
    /// Where the token goes: `header` or `query`. Default: `header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#in: Option<Place>,
    /// The name of the header or the query parameter. Default: `Authorization`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The value, `{token}` standing for the token. Default: `Bearer {token}` in the Authorization header, else `{token}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// How often a token is made.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    Request,
    /// One for all requests until shortly before its end.
    Life,
}

/// How a secret's bytes are written.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SecretEncoding {
    Utf8,
    /// Either alphabet, padded or not.
    Base64,
    Hex,
}

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwt {
    algorithm: JwsAlgorithm,
    claims: Claims,
    header: Claims,
    /// In seconds.
    lifetime_s: u64,
    backdate_s: u64,
    per: Per,
    secret_encoding: SecretEncoding,
    slot: Slot,
    /// Around the token.
    before: Box<str>,
    after: Box<str>,
}

impl TryFrom<RawJwt> for Jwt {
    type Error = Vec<SchemeFault>;

    fn try_from(raw: RawJwt) -> Result<Self, Self::Error> {
        let mut faults = Vec::new();
        let mut members = raw.claims;
        for name in ["iat", "exp"] {
            let own =
                members.entry(name.to_owned()).or_insert_with(|| format!("{{{name}}}").into());
            if own.is_null() {
                members.shift_remove(name);
            }
        }
        let claims = Claims::read("claims", &members, &mut faults);
        let header = header(raw.algorithm, raw.header, &mut faults);
        for (setting, texts) in [("claims", &claims), ("header", &header)] {
            for field in [PRIVATE_KEY, SECRET].into_iter().filter(|it| texts.fields().contains(it))
            {
                let problem =
                    format!("names `{field}`, which signs the token and may not stand in it");
                faults.push(SchemeFault::at(setting, problem, "name another credential field"));
            }
        }
        let secret_encoding = raw.secret_encoding.unwrap_or(SecretEncoding::Utf8);
        if raw.secret_encoding.is_some() && !raw.algorithm.is_symmetric() {
            let problem = format!("{} has no secret", raw.algorithm.name());
            faults.push(SchemeFault::at("secret_encoding", problem, "leave it out"));
        }
        let lifetime = raw.lifetime.map_or(LIFETIME, |it| it.0);
        if lifetime.subsec_nanos() > 0 || lifetime.is_zero() || lifetime > LIFETIME_MAX {
            let problem = "is not a whole number of seconds, at least 1s and at most 366d";
            faults.push(SchemeFault::at("lifetime", problem, "write one such as `5m`"));
        }
        let backdate = raw.backdate.map_or(Duration::ZERO, |it| it.0);
        if backdate.subsec_nanos() > 0 || backdate > BACKDATE_MAX {
            let problem = "is not a whole number of seconds, at most 1h";
            faults.push(SchemeFault::at("backdate", problem, "write one such as `60s`"));
        }
        let per = match raw.per {
            Some(Per::Life) if claims.covers_request() => {
                let problem = "is `life`, and the claims are of one request";
                let hint = "leave it out, or take method, host, path, query, url and hashes of the body out of the claims";
                faults.push(SchemeFault::at("per", problem, hint));
                Per::Request
            }
            Some(per) => per,
            None if claims.covers_request() || claims.has_nonce() => Per::Request,
            None => Per::Life,
        };
        let slot = slot(raw.r#in.unwrap_or(Place::Header), raw.name.as_deref(), &mut faults);
        let around = slot.as_ref().and_then(|it| around(it, raw.format.as_deref(), &mut faults));
        if matches!(slot, Some(Slot::Query(_))) && claims.covers_query() {
            let problem = "name the query, where the token goes itself";
            faults.push(SchemeFault::at(
                "claims",
                problem,
                "put the token into a header, or name `path`",
            ));
        }
        match (slot, around) {
            (Some(slot), Some((before, after))) if faults.is_empty() => Ok(Self {
                algorithm: raw.algorithm,
                claims,
                header,
                lifetime_s: lifetime.as_secs(),
                backdate_s: backdate.as_secs(),
                per,
                secret_encoding,
                slot,
                before: before.into(),
                after: after.into(),
            }),
            _ => Err(faults),
        }
    }
}

/// `alg`, `typ`, and what is written.
fn header(
    algorithm: JwsAlgorithm,
    written: IndexMap<String, Value>,
    faults: &mut Vec<SchemeFault>,
) -> Claims {
    let mut members = IndexMap::new();
    members.insert("alg".to_owned(), algorithm.name().into());
    members.insert("typ".to_owned(), "JWT".into());
    if written.contains_key("alg") {
        let problem = "has `alg`, which the setting `algorithm` says";
        faults.push(SchemeFault::at("header", problem, "leave it out"));
    }
    members.extend(written);
    if members["typ"].is_null() {
        members.shift_remove("typ");
    }
    let header = Claims::read("header", &members, faults);
    if !header.is_fixed() {
        let problem = "names what is not the same on every token";
        faults.push(SchemeFault::at(
            "header",
            problem,
            "name credential fields; the rest belongs into `claims`",
        ));
    }
    header
}

fn slot(place: Place, name: Option<&str>, faults: &mut Vec<SchemeFault>) -> Option<Slot> {
    if place == Place::Cookie {
        let problem = "is `cookie`, where no token is put";
        faults.push(SchemeFault::at("in", problem, "write `header` or `query`"));
        return None;
    }
    if place == Place::Query && name.is_none() {
        let hint = "write the parameter's name, as `name: token`";
        faults.push(SchemeFault::at("name", "is missing", hint));
        return None;
    }
    let slot = Slot::new(place, name.unwrap_or("Authorization"));
    slot.map_err(|it| faults.push(SchemeFault::at("name", it.to_string(), it.hint()))).ok()
}

/// What stands before and behind the token.
fn around(
    slot: &Slot,
    format: Option<&str>,
    faults: &mut Vec<SchemeFault>,
) -> Option<(String, String)> {
    let default = match slot {
        Slot::Header(name) if name == http::header::AUTHORIZATION => "Bearer {token}",
        _ => "{token}",
    };
    let mut refused = |fault: SettingsFault| {
        faults.push(SchemeFault::at("format", fault.to_string(), fault.hint()));
    };
    let parts = match text::parts(format.unwrap_or(default)) {
        Ok(parts) => parts,
        Err(fault) => {
            refused(fault);
            return None;
        }
    };
    let (before, after) = match &parts[..] {
        [Part::Name { name: TOKEN, filter: None }] => ("", ""),
        [Part::Literal(before), Part::Name { name: TOKEN, filter: None }] => (&**before, ""),
        [Part::Name { name: TOKEN, filter: None }, Part::Literal(after)] => ("", &**after),
        [Part::Literal(before), Part::Name { name: TOKEN, filter: None }, Part::Literal(after)] => {
            (&**before, &**after)
        }
        _ => {
            let problem = "does not name `{token}` once, and nothing else";
            faults.push(SchemeFault::at("format", problem, "write it as in `Bearer {token}`"));
            return None;
        }
    };
    let spaced =
        matches!(slot, Slot::Header(_)) && (before.starts_with(' ') || after.ends_with(' '));
    let what = slot.unsendable(before, false).or_else(|| slot.unsendable(after, false));
    if let Some(what) = what.or(spaced.then_some("a space at an end")) {
        refused(SettingsFault::Unsendable { what });
        return None;
    }
    Some((before.to_owned(), after.to_owned()))
}

impl Jwt {
    /// The credential fields that it takes.
    pub(in super::super) fn fields(&self) -> Vec<&str> {
        let mut fields = vec![self.key_field()];
        for field in self.header.fields().into_iter().chain(self.claims.fields()) {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        fields
    }

    pub(in super::super) fn is_optional(&self, _field: &str) -> bool {
        false
    }

    fn key_field(&self) -> &'static str {
        if self.algorithm.is_symmetric() { SECRET } else { PRIVATE_KEY }
    }

    pub(in super::super) fn prepare(
        &self,
        credential: &Credential,
    ) -> Result<Prepared, Vec<AuthError>> {
        let mut faults = Vec::new();
        let key = self.key(credential).map_err(|it| faults.push(it));
        let header = self.header.fill(credential).map_err(|it| faults.extend(it));
        let claims = self.claims.fill(credential).map_err(|it| faults.extend(it));
        let (Ok(key), Ok(header), Ok(claims)) = (key, header, claims) else { return Err(faults) };
        let mut head = encoded(header.fixed().as_bytes());
        head.push('.');
        let signer = JwtSigner {
            key,
            head: head.into(),
            claims,
            hashes: self.claims.hashes().into(),
            lifetime_s: self.lifetime_s,
            backdate_s: self.backdate_s,
            slot: self.slot.clone(),
            before: self.before.clone(),
            after: self.after.clone(),
            kept: (self.per == Per::Life).then(Kept::default),
        };
        Ok(Prepared::signed(Signer::Jwt(Arc::new(signer))))
    }

    fn key(&self, credential: &Credential) -> Result<SigningKey, AuthError> {
        let field = self.key_field();
        let value = credential.field(field).filter(|it| !it.is_empty());
        let value = value.ok_or_else(|| AuthError::Empty { field: field.to_owned() })?;
        if !self.algorithm.is_symmetric() {
            return Ok(SigningKey::private(self.algorithm, PRIVATE_KEY, value)?);
        }
        let unusable = |what| AuthError::Unusable { field: field.to_owned(), what };
        let bytes = secret_bytes(self.secret_encoding, value).map_err(unusable)?;
        let key = SigningKey::shared(self.algorithm, &bytes);
        Ok(key.expect("a symmetric algorithm signs with a shared secret"))
    }
}

fn secret_bytes(
    encoding: SecretEncoding,
    value: &Secret,
) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let text = value.expose();
    let bytes = match encoding {
        SecretEncoding::Utf8 => text.as_bytes().to_vec(),
        SecretEncoding::Hex => hex::decode(text.trim()).map_err(|_| "is not in hex")?,
        SecretEncoding::Base64 => {
            let lenient = GeneralPurposeConfig::new()
                .with_decode_padding_mode(DecodePaddingMode::Indifferent)
                .with_decode_allow_trailing_bits(true);
            let standard = Zeroizing::new(text.trim().replace('-', "+").replace('_', "/"));
            let bytes = GeneralPurpose::new(&STANDARD, lenient).decode(standard.as_bytes());
            bytes.map_err(|_| "is not in Base64")?
        }
    };
    if bytes.is_empty() { Err("is empty") } else { Ok(Zeroizing::new(bytes)) }
}
