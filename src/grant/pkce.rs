//! Proof Key for Code Exchange (RFC 7636), method S256 alone.
use crate::crypto::encoded;
use crate::crypto::sha256;
use crate::model::Secret;

/// The verifier of one authorization: 43 characters of 256 random bits (RFC 7636 §4.1).
pub fn verifier(random: &[u8; 32]) -> Secret {
    Secret::new(encoded(random))
}

/// What the authorization URL shows of it (RFC 7636 §4.2).
pub(super) fn challenge(verifier: &Secret) -> String {
    encoded(&sha256(verifier.expose().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    #[test]
    fn the_example_of_rfc_7636() {
        let random = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212,
            37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let verifier = verifier(&random);
        assert_eq!(verifier.expose(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
