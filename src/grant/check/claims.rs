//! What is signed, exchanged, sent back and put on requests.
use super::Check;
use crate::grant::error::Step;
use crate::grant::raw::Algorithm;
use crate::grant::raw::ClientAuthMethod;
use crate::grant::raw::GrantType;
use crate::grant::raw::RawAssertion;
use crate::grant::raw::RawCallback;
use crate::grant::raw::RawExchange;
use crate::grant::raw::TokenPlace;
use crate::grant::settings::AssertionRule;
use crate::grant::settings::CallbackNames;
use crate::grant::settings::Exchange;
use crate::grant::settings::Placement;
use crate::grant::template::Template;

const ASSERTION_LIFETIME_S: std::ops::RangeInclusive<u64> = 10..=3600;

/// Short enough for the strictest known server (three minutes).
const ASSERTION_LIFETIME_DEFAULT_S: u64 = 180;

const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

impl Check {
    pub(in crate::grant) fn assertion(
        &mut self,
        grant: GrantType,
        client_auths: [ClientAuthMethod; 2],
        raw: RawAssertion,
    ) -> AssertionRule {
        let path = |field: &'static str| vec!["assertion".into(), field.into()];
        let shared = client_auths.contains(&ClientAuthMethod::ClientSecretJwt);
        let default = if shared { Algorithm::HS256 } else { Algorithm::RS256 };
        let algorithm = raw.algorithm.unwrap_or(default);
        let keyed = client_auths.contains(&ClientAuthMethod::PrivateKeyJwt);
        if keyed && shared {
            let path = vec!["refresh".into(), "client_auth".into()];
            let hint = "sign both with the client secret, or both with the private key";
            self.wrong(
                path,
                "signs otherwise than `client_auth`, with one `assertion.algorithm`",
                hint,
            );
            return self.assertion(grant, [client_auths[0]; 2], raw);
        }
        let keyed = keyed || grant == GrantType::GithubApp;
        if shared && algorithm != Algorithm::HS256 {
            let hint = "write HS256, or `client_auth: private_key_jwt`";
            self.wrong(path("algorithm"), "is not one that a client secret signs with", hint);
        }
        if keyed && algorithm == Algorithm::HS256 {
            let hint = "write RS256, PS256, ES256 or EdDSA";
            self.wrong(path("algorithm"), "is not one that a private key signs with", hint);
        }
        let lifetime_s = raw.lifetime.map_or(ASSERTION_LIFETIME_DEFAULT_S, |it| it.0.as_secs());
        if !ASSERTION_LIFETIME_S.contains(&lifetime_s) {
            self.wrong(path("lifetime"), "is not between 10s and 1h", "write it as in `3m`");
        }
        let issuer = match (&raw.issuer, grant) {
            (Some(text), _) => self.template(path("issuer"), text).unwrap_or_default(),
            (None, GrantType::GithubApp) => Template::of("app_id"),
            (None, _) => Template::of("client_id"),
        };
        let mut part = |field: &'static str, text: &Option<String>| {
            text.as_ref().and_then(|it| self.template(path(field), it))
        };
        AssertionRule {
            algorithm,
            issuer,
            subject: part("subject", &raw.subject),
            audience: part("audience", &raw.audience),
            client_audience: part("client_audience", &raw.client_audience),
            lifetime_s,
            claims: self.params(&path("claims"), &raw.claims),
        }
    }

    pub(in crate::grant) fn exchange(&mut self, raw: RawExchange) -> Exchange {
        let subject = raw.subject_token_type.unwrap_or_else(|| ACCESS_TOKEN_TYPE.into());
        let actor = raw.actor_token_type.unwrap_or_else(|| subject.clone());
        let each = raw.audiences.iter().enumerate();
        let audiences = each.filter_map(|(at, it)| {
            self.template(vec!["exchange".into(), "audiences".into(), Step::Index(at)], it)
        });
        Exchange {
            audiences: audiences.collect(),
            subject_token_type: subject.into(),
            actor_token_type: actor.into(),
            requested_token_type: raw.requested_token_type.map(Into::into),
        }
    }

    pub(in crate::grant) fn callback(&mut self, raw: RawCallback) -> CallbackNames {
        let name = |it: Option<String>, default: &str| it.map_or(default.into(), Into::into);
        for variable in raw.keep.keys() {
            let path = vec!["callback".into(), "keep".into(), Step::named(variable)];
            self.variable(path, variable);
        }
        CallbackNames {
            code: name(raw.code, "code"),
            state: name(raw.state, "state"),
            error: name(raw.error, "error"),
            keep: raw.keep.iter().map(|it| (it.0.as_str().into(), it.1.as_str().into())).collect(),
            iss: raw.iss,
        }
    }

    pub(in crate::grant) fn placement(
        &mut self,
        place: Option<TokenPlace>,
        name: Option<String>,
        format: Option<String>,
        dpop: bool,
    ) -> Placement {
        let place = place.unwrap_or(TokenPlace::Header);
        if place != TokenPlace::Header {
            if name.is_none() {
                let hint = "write what the parameter or cookie is called: `name: access_token`";
                self.wrong(vec!["name".into()], "is missing", hint);
            }
            if dpop {
                let hint =
                    "leave `in` out: the token goes into the Authorization header (RFC 9449 §7.1)";
                self.wrong(
                    vec!["in".into()],
                    "is no place for a token that a key is bound to",
                    hint,
                );
            }
        }
        let name = name.unwrap_or_else(|| "Authorization".into());
        let in_authorization =
            place == TokenPlace::Header && name.eq_ignore_ascii_case("authorization");
        let default = match (in_authorization, dpop) {
            (true, true) => "DPoP {key}",
            (true, false) => "Bearer {key}",
            (false, _) => "{key}",
        };
        Placement { place, name, format: format.unwrap_or_else(|| default.into()) }
    }
}
