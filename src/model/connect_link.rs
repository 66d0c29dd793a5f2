//! The link of a connect session: a token that only who was given it knows, and the id that everybody may know.
use super::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::Digest;
use sha2::Sha256;
use std::fmt;

/// Random bytes of a token.
pub const CONNECT_TOKEN_LEN: usize = 32;

/// What ids begin with.
const MARK: &str = "cs_";

/// Hexadecimal digits behind it.
const DIGITS: usize = 32;

/// The id of a connect session: a hash of its link's token, which nobody gets back from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectSessionId(String);

/// Why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is `cs_` and 32 hexadecimal digits")]
pub struct ConnectSessionIdError;

/// The token as it stands in the link.
pub fn connect_token(random: &[u8; CONNECT_TOKEN_LEN]) -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(random))
}

impl ConnectSessionId {
    /// Of the token in a link; `None` where it can't be one.
    pub fn of_token(token: &str) -> Option<Self> {
        let random = URL_SAFE_NO_PAD.decode(token).ok()?;
        if random.len() != CONNECT_TOKEN_LEN {
            return None;
        }
        let hash = hex::encode(Sha256::digest(["attache connect 1 ", token].concat()));
        Some(Self([MARK, &hash[..DIGITS]].concat()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for ConnectSessionId {
    type Error = ConnectSessionIdError;

    fn try_from(text: &str) -> Result<Self, ConnectSessionIdError> {
        let digits = text.strip_prefix(MARK).ok_or(ConnectSessionIdError)?;
        let is_digit = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
        if digits.len() != DIGITS || !digits.bytes().all(is_digit) {
            return Err(ConnectSessionIdError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ConnectSessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_hash_of_what_stands_in_the_link() {
        let token = connect_token(&[7; CONNECT_TOKEN_LEN]);
        assert_eq!(token.expose().len(), 43);
        // printf 'attache connect 1 BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc' | sha256sum | cut -c-32
        let id = ConnectSessionId::of_token(token.expose()).unwrap();
        assert_eq!(id.as_str(), "cs_6d7c058f0ba28e87ac8976278eb46441");
        assert_eq!(ConnectSessionId::try_from(id.as_str()), Ok(id));
        let longer = format!("{}A", token.expose());
        for bad in
            ["", "x", "BwcH", &longer, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw=", "../../etc"]
        {
            assert_eq!(ConnectSessionId::of_token(bad), None, "{bad}");
        }
        for bad in [
            "",
            "cs_",
            "cs_00",
            "xx_00000000000000000000000000000000",
            "cs_0000000000000000000000000000000G",
        ] {
            assert!(ConnectSessionId::try_from(bad).is_err(), "{bad}");
        }
    }
}
