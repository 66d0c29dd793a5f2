//! What makes a grant another one, where it is renewed by a token that only the last answer held.
use super::occasion::Occasion;
use super::raw::RefreshBy;
use super::settings::Oauth2;
use crate::model::Secret;
use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeSet;

/// What a grant is told by from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Whose app and account, and where tokens are had.
    pub whose: [u8; 32],
    /// The token that the holder brought; of none where it brought none.
    pub brought: [u8; 32],
}

impl Identity {
    pub(super) fn of<'t>(whose: impl Iterator<Item = &'t str>, brought: &'t str) -> Self {
        let brought = ["attache brought 1", brought];
        Self { whose: digest(whose), brought: digest(brought.into_iter()) }
    }
}

impl Oauth2 {
    /// What makes it another grant: whose app and whose account it is, the token that the holder brought, and the
    /// origins where tokens are had, since a token is never sent to another one (RFC 9700 §4.12). Under another one
    /// what was had before is not used.
    ///
    /// All else may be changed without losing the customer: the kind of grant, client secrets, keys and
    /// certificates, scopes, parameters, headers and paths. `None` where a token costs nothing to have again.
    pub fn identity(&self, occasion: &Occasion<'_>) -> Option<Identity> {
        if !self.renews_by_token() {
            return None;
        }
        let rules = &*self.0;
        let field = |name| occasion.credential.field(name).map_or("", Secret::expose);
        let brought = match rules.refresh.by {
            RefreshBy::RefreshToken => field("refresh_token"),
            RefreshBy::AccessToken => field("access_token"),
        };
        // Where the URL is written, nothing is sent to the issuer.
        let issuer = rules.issuer.as_ref().filter(|_| rules.urls.token.is_none());
        let urls = [issuer, rules.urls.token.as_ref(), rules.urls.refresh.as_ref()];
        let origins =
            urls.into_iter().flatten().map(|it| it.origin_text(|name| occasion.find(name)));
        let origins: BTreeSet<String> = origins.collect();
        let whose = ["attache grant 1", field("client_id"), field("username")];
        let whose = whose.into_iter().chain(origins.iter().map(String::as_str));
        Some(Identity::of(whose, brought))
    }
}

/// Each text behind its length, so that no two lists of texts are one.
fn digest<'t>(texts: impl Iterator<Item = &'t str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::RawOauth2;
    use crate::model::Credential;
    use crate::model::UnixTime;
    use std::collections::BTreeMap;

    const GOOD: &str = "grant: refresh_token, token_url: \"https://id.example/t\"";

    fn identity(settings: &str, fields: &[(&str, &str)], realm: &str) -> Option<Identity> {
        let raw: RawOauth2 = serde_yaml::from_str(&format!("{{ {settings} }}")).unwrap();
        let method = Oauth2::try_from(raw).unwrap();
        let credential: Credential = fields.iter().copied().collect();
        let variables = BTreeMap::from([("realm".to_owned(), realm.to_owned())]);
        let (secret, now, random) = (0, UnixTime::default(), [0; 16]);
        method.identity(&Occasion {
            credential: &credential,
            variables: &variables,
            secret,
            now,
            random,
        })
    }

    #[test]
    fn an_operator_changes_what_makes_no_other_grant_and_loses_no_customer() {
        let own = [("client_id", "a"), ("client_secret", "b"), ("refresh_token", "r")];
        let good = identity(GOOD, &own, "main");
        assert!(good.is_some());
        let url = |url: &str| format!("grant: refresh_token, token_url: \"{url}\"");
        let with = |more: &str| format!("{GOOD}, {more}");
        let fields = |fields: &[(&'static str, &'static str)]| {
            let mut all = own.to_vec();
            for (name, value) in fields {
                all.retain(|it| it.0 != *name);
                all.push((name, value));
            }
            all
        };
        for (settings, fields) in [
            (GOOD.to_owned(), fields(&[("client_secret", "another")])),
            (
                GOOD.to_owned(),
                fields(&[("private_key", "k"), ("key_id", "1"), ("certificate", "c")]),
            ),
            (
                GOOD.to_owned(),
                fields(&[("access_token", "t"), ("expires_at", "5"), ("scope", "s")]),
            ),
            (url("https://id.example/v2/token?x=1"), fields(&[])),
            (url("https://ID.example:443/t"), fields(&[])),
            (with("scopes: [read, write]"), fields(&[])),
            (with("client_auth: body"), fields(&[])),
            (with("token_headers: { X-A: b }, refresh_params: { c: d }"), fields(&[])),
            (with("refresh: { rotates: false }"), fields(&[])),
            (with("issuer: \"https://elsewhere.example\""), fields(&[])),
            (with("revoke_url: \"https://elsewhere.example/revoke\""), fields(&[])),
        ] {
            assert_eq!(identity(&settings, &fields, "main"), good, "{settings}");
        }
        for (settings, fields) in [
            (GOOD.to_owned(), fields(&[("client_id", "another")])),
            (GOOD.to_owned(), fields(&[("refresh_token", "another")])),
            (GOOD.to_owned(), fields(&[("username", "ann")])),
            (url("https://id.example.test/t"), fields(&[])),
            (url("https://id.example:8443/t"), fields(&[])),
            (url("http://id.example/t"), fields(&[])),
            (url("https://{realm}.id.example/t"), fields(&[])),
            (with("refresh: { url: \"https://elsewhere.example/t\" }"), fields(&[])),
            (with("refresh: { by: access_token }"), fields(&[])),
        ] {
            assert_ne!(identity(&settings, &fields, "main"), good, "{settings}");
        }
        let hosted = url("https://{realm}.id.example/t");
        assert_ne!(identity(&hosted, &own, "main"), identity(&hosted, &own, "other"));
        let free = "grant: client_credentials, token_url: \"https://id.example/t\"";
        assert_eq!(identity(free, &own, "main"), None);
        let code = "grant: authorization_code, authorize_url: \"https://id.example/a\", token_url: \"https://id.example/t\"";
        assert_eq!(identity(code, &own, "main"), good, "the kind of grant may change");
    }

    /// By `printf` and `sha256sum`: what is stored is found again by every later attache.
    #[test]
    fn what_is_stored_stays_what_it_is() {
        let good = identity(GOOD, &[("client_id", "a"), ("refresh_token", "r")], "main").unwrap();
        assert_eq!(
            hex::encode(good.whose),
            "fa1de504ca4139ced0f6ce6e723293269e9b66afe173b474c8724c26b9013169"
        );
        assert_eq!(
            hex::encode(good.brought),
            "c5bd673792d2de79e3d1185d031f6e67c080d369335bf3bfd09848bc70e38c1e"
        );
    }
}
