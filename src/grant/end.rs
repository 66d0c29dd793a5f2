//! When a grant ends whatever is done, but for a person's consent.
use super::settings::Oauth2;
use super::token_set::Expiry;
use super::token_set::TokenSet;
use crate::model::UnixTime;
use std::time::Duration;

/// A refresh token whose end moves by so much with a renewal has none as long as it is renewed.
const SLIDES_BY: Duration = Duration::from_secs(30);

/// When nothing yields another token any more, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the access token: no refresh token came along.
    AccessToken(UnixTime),
    RefreshToken(UnixTime),
}

impl End {
    /// That of tokens of which the time is known.
    pub fn of(tokens: &TokenSet, at_ms: i64) -> Self {
        let at = UnixTime::from_ms(u64::try_from(at_ms).unwrap_or_default());
        if tokens.refresh_token.is_some() { Self::RefreshToken(at) } else { Self::AccessToken(at) }
    }

    pub fn at(self) -> UnixTime {
        match self {
            Self::AccessToken(at) | Self::RefreshToken(at) => at,
        }
    }
}

impl Oauth2 {
    /// When these tokens end and nothing follows; `None` where they are renewed as long as nobody minds. `before`: those
    /// that they were had with.
    pub fn end(&self, tokens: &TokenSet, before: Option<&TokenSet>) -> Option<End> {
        if !self.renews_by_token() {
            return None;
        }
        if tokens.refresh_token.is_none() {
            return match tokens.expiry {
                Expiry::At(at) if self.renewal(&tokens.to_credential()).is_none() => {
                    Some(End::AccessToken(at))
                }
                Expiry::At(_) | Expiry::Never | Expiry::Unknown => None,
            };
        }
        let at = tokens.refresh_expires_at?;
        let was = before.and_then(|it| it.refresh_expires_at);
        let slides = was.is_some_and(|it| at.as_ms() > it.as_ms() + SLIDES_BY.as_millis() as u64);
        (!slides).then_some(End::RefreshToken(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::tests::method;
    use crate::model::Credential;

    fn tokens(fields: &[(&str, &str)]) -> TokenSet {
        let credential: Credential = fields.iter().copied().collect();
        TokenSet::from_credential(&credential).unwrap()
    }

    #[test]
    fn only_what_nothing_follows_has_an_end() {
        let consent = r#"{ "grant": "authorization_code", "authorize_url": "https://a.example/a",
            "token_url": "https://a.example/t" }"#;
        let machine = r#"{ "grant": "client_credentials", "token_url": "https://a.example/t" }"#;
        let at = |s| UnixTime::from_s(s);
        let (access, ends) = (("access_token", "a"), ("expires_at", "1000"));
        let (refresh, later) = (("refresh_token", "r"), ("refresh_expires_at", "9000"));
        let moved = ("refresh_expires_at", "8000");
        let cases: [(&str, &[_], Option<&[_]>, _); 7] = [
            (consent, &[access, ends], None, Some(End::AccessToken(at(1000)))),
            (consent, &[access], None, None),
            (consent, &[access, ends, refresh], None, None),
            (consent, &[access, ends, refresh, later], None, Some(End::RefreshToken(at(9000)))),
            (
                consent,
                &[access, refresh, later],
                Some(&[access, refresh, later]),
                Some(End::RefreshToken(at(9000))),
            ),
            (consent, &[access, refresh, later], Some(&[access, refresh, moved]), None),
            (machine, &[access, ends], None, None),
        ];
        for (number, (settings, now, before, end)) in cases.into_iter().enumerate() {
            let before = before.map(|it: &[(&str, &str)]| tokens(it));
            let found = method(settings).end(&tokens(now), before.as_ref());
            assert_eq!(found, end, "case {number}");
        }
    }
}
