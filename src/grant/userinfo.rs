//! A provider is asked whose token it is (OpenID Connect Core §5.3).
use super::account::AccountPlaces;
use super::answer::Answer;
use super::error::GrantError;
use super::occasion::Occasion;
use super::request::TokenRequest;
use super::request::sensitive;
use super::settings::Oauth2;
use super::token_set::TokenSet;
use crate::model::Account;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header::ACCEPT;
use http::header::AUTHORIZATION;
use http::header::USER_AGENT;
use zeroize::Zeroizing;

impl Oauth2 {
    /// Whether anything says where a provider is asked whose token it is.
    pub fn knows_userinfo(&self) -> bool {
        self.0.urls.userinfo.is_some()
    }

    /// Whether somebody says where its answer has the account.
    pub fn declares_account(&self) -> bool {
        self.0.account.is_some()
    }

    /// Whether the issuer's metadata is looked at for it: where that is looked at anyhow, or somebody says what the
    /// answer looks like.
    pub fn may_find_userinfo(&self) -> bool {
        let is_worth_it = self.needs_discovery() || self.0.account.is_some();
        self.0.issuer.is_some() && !self.knows_userinfo() && is_worth_it
    }

    /// The message that asks it. `nonce`: the server's own, where a proof goes along (RFC 9449 §8).
    pub fn userinfo(
        &self,
        tokens: &TokenSet,
        occasion: &Occasion<'_>,
        nonce: Option<&str>,
    ) -> Result<TokenRequest, GrantError> {
        let target = self.target("userinfo_url", self.0.urls.userinfo.as_ref(), occasion)?;
        let binding = tokens.binding();
        let kind = if binding.is_some() { "DPoP " } else { "Bearer " };
        let value = Zeroizing::new([kind, tokens.access_token.expose()].concat());
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("attache"));
        headers.insert(AUTHORIZATION, sensitive("authorization", &value)?);
        if let Some(binding) = binding {
            let (url, now, random) = (target.without_query(), occasion.now, occasion.random);
            let proof = binding.proof(&Method::GET, &url, now, random, nonce);
            let no_header = || GrantError::Header { name: "dpop".to_owned() };
            headers.insert("dpop", proof.ok_or_else(no_header)?);
        }
        Ok(TokenRequest { method: Method::GET, target, headers, body: Zeroizing::default() })
    }

    /// The account that its answer tells; none where it tells none.
    pub fn account_of(&self, answer: &Answer) -> Option<Account> {
        let body = answer.is_success().then_some(&answer.body)?;
        match &self.0.account {
            Some(places) => places.find(body),
            None => AccountPlaces::of_openid().find(body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::DpopKey;
    use crate::grant::RawOauth2;
    use crate::model::Credential;
    use crate::model::UnixTime;
    use std::collections::BTreeMap;

    fn method(more: &str) -> Oauth2 {
        let text = format!(
            "{{ grant: client_credentials, token_url: \"https://id.example/t\", \
             userinfo_url: \"https://{{realm}}.example/me?v=1\"{more} }}"
        );
        Oauth2::try_from(serde_yaml::from_str::<RawOauth2>(&text).unwrap()).unwrap()
    }

    fn asked(method: &Oauth2, fields: &[(&str, &str)]) -> TokenRequest {
        let credential: Credential = fields.iter().copied().collect();
        let tokens = TokenSet::from_credential(&credential).unwrap();
        let variables = BTreeMap::from([("realm".to_owned(), "acme".to_owned())]);
        let (credential, now) = (Credential::default(), UnixTime::from_s(1));
        let occasion = Occasion {
            credential: &credential,
            variables: &variables,
            secret: 0,
            now,
            random: [7; 16],
        };
        method.userinfo(&tokens, &occasion, Some("n-1")).unwrap()
    }

    #[test]
    fn the_token_goes_to_userinfo_as_it_goes_to_the_api() {
        let bearer = asked(&method(""), &[("access_token", "a-1")]);
        assert_eq!(bearer.target.without_query(), "https://acme.example/me");
        assert_eq!(bearer.target.path_and_query().as_str(), "/me?v=1");
        assert_eq!(bearer.headers[AUTHORIZATION], "Bearer a-1");
        assert!(
            bearer.headers[AUTHORIZATION].is_sensitive() && !bearer.headers.contains_key("dpop")
        );
        let key = DpopKey::generate();
        let bound = asked(&method(""), &[("access_token", "a-1"), ("dpop_key", key.expose())]);
        assert_eq!(bound.headers[AUTHORIZATION], "DPoP a-1");
        assert_eq!(bound.headers["dpop"].to_str().unwrap().split('.').count(), 3);
    }

    #[test]
    fn an_account_is_where_the_settings_say_and_in_no_failure() {
        let (openid, own) = (method(""), method(", account: { id: /user/id, name: /user/login }"));
        let answer = |status, body: &str| {
            let body = Zeroizing::new(body.as_bytes().to_vec());
            Answer::new(status, &HeaderMap::new(), body)
        };
        let ann = Account::new("1", Some("ann@example.com"));
        let body = r#"{"sub":"1","email":"ann@example.com","user":{"id":2,"login":"ann"}}"#;
        assert_eq!(openid.account_of(&answer(200, body)), ann);
        assert_eq!(own.account_of(&answer(200, body)), Account::new("2", Some("ann")));
        assert_eq!(openid.account_of(&answer(401, body)), None);
        assert_eq!(openid.account_of(&answer(200, "{}")), None);
    }
}
