//! Where things stand in answers.
use super::Check;
use super::below;
use crate::grant::account::AccountPlaces;
use crate::grant::account::NoPointer;
use crate::grant::error::Step;
use crate::grant::raw::GrantType;
use crate::grant::raw::RawAuthFailure;
use crate::grant::raw::RawExpiry;
use crate::grant::raw::RawKept;
use crate::grant::raw::RawOauth2;
use crate::grant::raw::RawReply;
use crate::grant::settings::ExpiryRule;
use crate::grant::settings::Failure;
use crate::grant::settings::Keep;
use crate::grant::settings::ReplyPlaces;
use http::HeaderName;
use indexmap::IndexMap;
use regex::RegexBuilder;
use std::time::Duration;

/// Most memory that a pattern may take once compiled, in bytes.
const PATTERN_SIZE_MAX: usize = 1 << 20;

impl Check {
    pub(in crate::grant) fn reply(&mut self, grant: GrantType, raw: RawReply) -> ReplyPlaces {
        let access_token = match grant {
            GrantType::GithubApp => "/token",
            _ => "/access_token",
        };
        let mut at = |field: &'static str, raw: Option<String>, default: &str| -> Box<str> {
            match raw {
                Some(pointer) => self.pointer(vec!["reply".into(), field.into()], &pointer),
                None => default.into(),
            }
        };
        let (error, description) = (raw.error.is_some(), raw.error_description.is_some());
        ReplyPlaces {
            access_token: at("access_token", raw.access_token, access_token),
            refresh_token: at("refresh_token", raw.refresh_token, "/refresh_token"),
            expires_in: at("expires_in", raw.expires_in, "/expires_in"),
            expires_at: at("expires_at", raw.expires_at, "/expires_at"),
            refresh_expires_in: at(
                "refresh_expires_in",
                raw.refresh_expires_in,
                "/refresh_token_expires_in",
            ),
            scope: at("scope", raw.scope, "/scope"),
            token_type: at("token_type", raw.token_type, "/token_type"),
            id_token: at("id_token", raw.id_token, "/id_token"),
            error: Some(at("error", raw.error, "")).filter(|_| error),
            error_description: Some(at("error_description", raw.error_description, ""))
                .filter(|_| description),
            keep: self.keep(&raw.keep),
            authorize_again: raw.authorize_again.iter().map(|it| it.as_str().into()).collect(),
        }
    }

    /// Where it is said whose token it is.
    pub(in crate::grant) fn account(&mut self, raw: &RawOauth2) -> Option<AccountPlaces> {
        let account = raw.account.as_ref()?;
        if raw.userinfo_url.is_none() && raw.issuer.is_none() {
            let hint = "write the `userinfo_url` whose answer it stands in";
            self.wrong(vec!["account".into()], "has no answer to stand in", hint);
        }
        let refused = |NoPointer(member)| {
            let hint = "write a JSON pointer: `/id`";
            self.wrong(vec!["account".into(), member.into()], "is no JSON pointer", hint);
        };
        AccountPlaces::read(account).map_err(refused).ok()
    }

    pub(in crate::grant) fn keep(&mut self, raw: &IndexMap<String, RawKept>) -> Box<[Keep]> {
        let mut keep = Vec::with_capacity(raw.len());
        for (variable, raw) in raw {
            let path = vec!["reply".into(), "keep".into(), Step::named(variable)];
            self.variable(path.clone(), variable);
            let (at, pattern) = match raw {
                RawKept::Pointer(pointer) => (self.pointer(path, pointer), None),
                RawKept::Part(part) => {
                    let at = self.pointer(below(&path, "at"), &part.at);
                    let path = below(&path, "pattern");
                    let regex = RegexBuilder::new(&format!("^(?:{})$", part.pattern))
                        .size_limit(PATTERN_SIZE_MAX)
                        .build();
                    let hint =
                        "write one group around what is kept: `https://([^.]+)\\.example\\.com`";
                    let regex = regex.ok().filter(|it| it.captures_len() > 1);
                    let regex = regex.ok_or("is not a regular expression with a group");
                    (at, self.ok(path, regex, hint))
                }
            };
            keep.push(Keep { variable: variable.as_str().into(), at, pattern });
        }
        keep.into()
    }

    pub(in crate::grant) fn expiry(&mut self, raw: RawExpiry) -> ExpiryRule {
        let never = raw.never.unwrap_or(false);
        if never && (raw.unit.is_some() || raw.lifetime.is_some()) {
            let hint = "keep `never: true` alone, or leave it out";
            self.wrong(vec!["expiry".into(), "never".into()], "stands beside an end", hint);
        }
        let lifetime = raw.lifetime.map(|it| it.0);
        if lifetime.is_some_and(|it| it < Duration::from_secs(1)) {
            let path = vec!["expiry".into(), "lifetime".into()];
            self.wrong(path, "is too short", "write how long a token lives: `1h`");
        }
        ExpiryRule { unit: raw.unit, lifetime, never }
    }

    pub(in crate::grant) fn failures(&mut self, raw: &[RawAuthFailure]) -> Box<[Failure]> {
        if raw.is_empty() {
            return Box::new([Failure { status: Some(401), header: None, body: None }]);
        }
        let each = raw.iter().enumerate();
        each.filter_map(|(index, it)| {
            self.failure(vec!["auth_failure".into(), Step::Index(index)], it)
        })
        .collect()
    }

    pub(in crate::grant) fn failure(
        &mut self,
        path: Vec<Step>,
        raw: &RawAuthFailure,
    ) -> Option<Failure> {
        if raw.status.is_none() && raw.header.is_none() && raw.pointer.is_none() {
            let hint =
                "write one of `status: 401`, `header: WWW-Authenticate` and `pointer: /error`";
            self.wrong(path, "would be every answer", hint);
            return None;
        }
        if raw.status.is_some_and(|it| !(200..=599).contains(&it)) {
            self.wrong(below(&path, "status"), "is no final status", "write 200 to 599");
        }
        if raw.contains.is_some() && raw.header.is_none() {
            let hint = "write the `header` that holds it";
            self.wrong(below(&path, "contains"), "has no header to stand in", hint);
        }
        if raw.equals.is_some() && raw.pointer.is_none() {
            let hint = "write the `pointer` to it";
            self.wrong(below(&path, "equals"), "has no place in the body", hint);
        }
        let header = raw.header.as_ref().and_then(|name| {
            let hint = "write a header's name: `WWW-Authenticate`";
            let name = self.ok(below(&path, "header"), name.parse::<HeaderName>(), hint)?;
            Some((name, raw.contains.as_ref().map(|it| it.to_lowercase().into())))
        });
        let body = raw.pointer.as_ref().map(|pointer| {
            let equals = raw.equals.as_deref().map(Into::into);
            (self.pointer(below(&path, "pointer"), pointer), equals)
        });
        Some(Failure { status: raw.status, header, body })
    }
}
