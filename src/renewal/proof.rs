//! The proof that a message carries for which a token is given that is bound to a key (RFC 9449 §5).
use super::attempt::random;
use super::bureau::Bureau;
use super::had::Missed;
use crate::grant::DPOP_KEY;
use crate::grant::DpopKey;
use crate::grant::GrantError;
use crate::grant::Oauth2;
use crate::grant::Proving;
use crate::grant::TokenRequest;
use crate::model::Credential;

/// A key of the holder's own, where the method has one and the credential none yet. It is kept with the token.
pub(super) fn provide_key(method: &Oauth2, credential: &mut Credential) {
    if method.dpop() && credential.field(DPOP_KEY).is_none() {
        credential.insert(DPOP_KEY, vec![DpopKey::generate()]);
    }
}

/// Adds the proof, with the server's nonce where it has given one.
pub(super) fn prove(
    bureau: &Bureau,
    method: &Oauth2,
    credential: &Credential,
    request: &mut TokenRequest,
) -> Result<(), Missed> {
    let Some(key) = credential.field(DPOP_KEY).filter(|_| method.dpop()) else { return Ok(()) };
    let what = "is no P-256 key in PKCS #8, in Base64";
    let unusable = || GrantError::Unusable { field: DPOP_KEY.into(), what };
    let key = DpopKey::read(key).ok_or_else(|| Missed::of_settings(&unusable()))?;
    let nonce = bureau.nonces.of(request.target.origin());
    let (now, random, nonce) = (bureau.now(), random(), nonce.as_deref());
    let proving = Proving { now, random, nonce, token_hash: None };
    let proof = key.proof(&request.method, &request.target.without_query(), &proving);
    request.prove(&proof).map_err(|it| Missed::of_settings(&it))
}
