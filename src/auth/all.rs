//! Several schemes on one request: what is fixed goes on first, then each signer signs, in their order.
use super::AuthError;
use super::Place;
use super::Placed;
use super::Prepared;
use super::Scheme;
use super::Signer;
use super::slot;
use crate::model::Credential;
use http::HeaderName;

/// The fields of all of them, each once: two that take a field of one name take the same.
pub(super) fn fields(schemes: &[Scheme]) -> Vec<&str> {
    let mut fields = Vec::new();
    for field in schemes.iter().flat_map(Scheme::fields) {
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields
}

/// Where all that take it can do without.
pub(super) fn is_optional(schemes: &[Scheme], field: &str) -> bool {
    let mut takers = schemes.iter().filter(|it| it.fields().contains(&field));
    takers.all(|it| it.is_optional(field))
}

pub(super) fn prepare(
    schemes: &[Scheme],
    credential: &Credential,
) -> Result<Prepared, Vec<AuthError>> {
    let mut faults = Vec::new();
    let mut all = Prepared::default();
    for scheme in schemes {
        let mut own = Credential::default();
        for field in scheme.fields().into_iter().filter(|it| credential.field(it).is_some()) {
            own.insert(field, credential.values(field).to_vec());
        }
        match scheme.prepare(&own) {
            Ok(prepared) => {
                faults.extend(clash(scheme, &all, &prepared));
                all = all.and(prepared);
            }
            Err(more) => {
                let known = faults.clone();
                faults.extend(more.into_iter().filter(|it| !known.contains(it)));
            }
        }
    }
    if faults.is_empty() { Ok(all) } else { Err(faults) }
}

/// Why what a scheme puts on can't go on a request together with what is there already.
pub(super) fn clash(scheme: &Scheme, before: &Prepared, prepared: &Prepared) -> Option<AuthError> {
    let field = || scheme.fields().first().map_or_else(String::new, |it| (*it).to_owned());
    if let Some(twice) = collision(before, prepared) {
        return Some(AuthError::Twice { field: field(), place: twice.place, name: twice.name });
    }
    let has_signers = !before.signers().is_empty() && !prepared.signers().is_empty();
    let mut signers = before.signers().iter().chain(prepared.signers());
    (has_signers && signers.any(Signer::changes_body))
        .then(|| AuthError::BodyChanged { field: field() })
}

/// Something that both put on requests, or that a server could take for one.
fn collision(before: &Prepared, prepared: &Prepared) -> Option<Placed> {
    let there = places(before);
    places(prepared).into_iter().find(|it| there.iter().any(|other| is_one(it, other)))
}

fn places(prepared: &Prepared) -> Vec<Placed> {
    let header = |it: &HeaderName| Placed { place: Place::Header, name: it.as_str().to_owned() };
    let headers = prepared.header_names().map(header);
    prepared.describe().into_iter().chain(headers).collect()
}

fn is_one(one: &Placed, other: &Placed) -> bool {
    match (one.place, other.place) {
        (Place::Header, Place::Header) => slot::are_twins(&one.name, &other.name),
        (Place::Query, Place::Query) | (Place::Cookie, Place::Cookie) => {
            one.name.eq_ignore_ascii_case(&other.name)
        }
        (Place::Header, Place::Cookie) => one.name.eq_ignore_ascii_case("cookie"),
        (Place::Cookie, Place::Header) => other.name.eq_ignore_ascii_case("cookie"),
        (Place::Query, _) | (_, Place::Query) => false,
    }
}
