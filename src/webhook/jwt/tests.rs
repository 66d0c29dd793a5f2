//! Published tokens, and everything that is wrong with others.
use super::*;
use serde_json::json;

const JSON: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn rules(algorithms: &[JwsAlgorithm]) -> JwtRules {
    JwtRules { algorithms: algorithms.into(), ..JwtRules::default() }
}

fn unpadded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// RFC 7515 appendix A.1: HS256.
#[test]
fn the_published_hs256_token() {
    let token = format!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JSON}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    let key = unpadded(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    );
    let token = Token::read(&token, false).unwrap();
    assert!(rules(&[JwsAlgorithm::HS256]).verifies(&token, KeyFor::Shared(&key)));
    assert!(!rules(&[JwsAlgorithm::HS512]).verifies(&token, KeyFor::Shared(&key)));
    assert!(!rules(&[]).verifies(&token, KeyFor::Shared(&key)));
    assert!(!rules(&[JwsAlgorithm::HS256]).verifies(&token, KeyFor::Shared(b"")));
    assert_eq!(token.claim_text("iss").as_deref(), Some("joe"));
    assert_eq!(token.claim_text("exp").as_deref(), Some("1300819380"));
    assert_eq!(token.claim_text("http://example.com/is_root"), None);
    assert_eq!((token.header("typ"), token.kid()), (Some("JWT"), None));
}
