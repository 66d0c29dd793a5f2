//! Several schemes on one request: what is fixed goes on first, then each signer signs, in their order.
use super::AuthError;
use super::Prepared;
use super::Scheme;
use crate::model::Credential;

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
                faults.extend(collision(scheme, &all, &prepared));
                all = all.and(prepared);
            }
            Err(more) => faults
                .extend(more.into_iter().filter(|it| !faults.contains(it)).collect::<Vec<_>>()),
        }
    }
    if faults.is_empty() { Ok(all) } else { Err(faults) }
}

/// Something that both put on requests.
fn collision(scheme: &Scheme, before: &Prepared, prepared: &Prepared) -> Option<AuthError> {
    let placed = before.describe();
    let twice = prepared.describe().into_iter().find(|it| placed.contains(it))?;
    let field = scheme.fields().first().map_or_else(String::new, |it| (*it).to_owned());
    Some(AuthError::Twice { field, place: twice.place, name: twice.name })
}
