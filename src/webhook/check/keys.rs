//! Where keys are fetched from, and what tokens have to say.
use super::Check;
use crate::crypto::JwsAlgorithm;
use crate::webhook::clock::Clock;
use crate::webhook::clock::ClockAt;
use crate::webhook::error::Step;
use crate::webhook::jwt::Audience;
use crate::webhook::jwt::JwtRules;
use crate::webhook::raw::Algorithm;
use crate::webhook::raw::RawAt;
use crate::webhook::raw::RawCertificate;
use crate::webhook::raw::RawJwt;
use crate::webhook::raw::RawKey;
use crate::webhook::rules::Jwt;
use crate::webhook::rules::KeyUrlAt;
use crate::webhook::rules::KeysFrom;
use url::Url;

impl Check {
    pub(super) fn keys_from(&mut self, raw: &RawKey, algorithm: Algorithm) -> KeysFrom {
        let field = if raw.jwks.is_some() { "jwks" } else { "certificate" };
        let path = || -> Vec<Step> { vec!["key".into(), field.into()] };
        if (raw.jwks.is_some() || raw.certificate.is_some()) && !takes_public_key(algorithm) {
            let hint =
                "public keys are for `ed25519`, `ecdsa-p256`, `rsa-sha256`, `rsa-sha1`, `jwt`";
            self.wrong(path(), "is of no use to this `algorithm`", hint);
        }
        match (&raw.jwks, &raw.certificate) {
            (None, None) => KeysFrom::Given,
            (Some(_), Some(_)) => {
                self.wrong(path(), "stands beside `certificate`", "keep one of them");
                KeysFrom::Given
            }
            (Some(text), None) => {
                let url = Url::parse(text).ok().filter(|it| {
                    it.scheme() == "https" && it.username().is_empty() && it.password().is_none()
                });
                let url = url.ok_or("is no https URL");
                let hint = "write where the sender publishes its keys: `https://…`";
                match self.ok(path(), url, hint) {
                    Some(url) => KeysFrom::Jwks(url.as_str().into()),
                    None => KeysFrom::Given,
                }
            }
            (None, Some(certificate)) => self.named(certificate, algorithm),
        }
    }

    fn named(&mut self, raw: &RawCertificate, algorithm: Algorithm) -> KeysFrom {
        let path = || -> Vec<Step> { vec!["key".into(), "certificate".into()] };
        let at = RawAt { header: raw.header.clone(), json: raw.json.clone(), ..RawAt::default() };
        let at = match (&raw.parameter, &raw.header, &raw.json) {
            (Some(name), None, None) => {
                if algorithm != Algorithm::Jwt {
                    let hint = "parameters are of a token's header: `algorithm: jwt`";
                    self.wrong(path(), "has a `parameter` and no token", hint);
                }
                Some(KeyUrlAt::Parameter(name.as_str().into()))
            }
            (None, Some(_), None) | (None, None, Some(_)) => {
                self.spot(path(), &at).map(KeyUrlAt::Spot)
            }
            _ => {
                let hint = "say where the URL is: `header: Paypal-Cert-Url`";
                let problem = "has to have exactly one of `header`, `json` and `parameter`";
                self.wrong(path(), problem, hint);
                None
            }
        };
        let mut hosts = path();
        hosts.push("hosts".into());
        if raw.hosts.is_empty() {
            let hint = "write the sender's hosts; anybody has a certificate elsewhere";
            self.wrong(hosts.clone(), "is empty", hint);
        }
        for (index, host) in raw.hosts.iter().enumerate() {
            if !is_pinned(host) {
                let mut path = hosts.clone();
                path.push(Step::Index(index));
                let hint = "write a host's name; `*` for one part of it, not of the last two";
                self.wrong(path, "could be anybody's host", hint);
            }
        }
        let mut paths = path();
        paths.push("paths".into());
        if raw.paths.is_empty() {
            let hint = "write where the sender has its keys: `/certs/*`; a host has more than them";
            self.wrong(paths.clone(), "is empty", hint);
        }
        for (index, text) in raw.paths.iter().enumerate() {
            if !is_path(text) {
                let mut path = paths.clone();
                path.push(Step::Index(index));
                let hint = "begin with a slash and write parts plainly, `*` for one part or within \
                            one, and not all of them";
                self.wrong(path, "is no path that keys could be pinned to", hint);
            }
        }
        let boxed = |it: &[String]| it.iter().map(|it| it.as_str().into()).collect();
        let (hosts, paths) = (boxed(&raw.hosts), boxed(&raw.paths));
        at.map_or(KeysFrom::Given, |at| KeysFrom::Named { at, hosts, paths })
    }

    pub(super) fn jwt(
        &mut self,
        raw: Option<RawJwt>,
        algorithm: Algorithm,
        keys_from: &KeysFrom,
        clock: Option<&Clock>,
    ) -> Option<Jwt> {
        let path = |field: &'static str| -> Vec<Step> { vec!["jwt".into(), field.into()] };
        if algorithm != Algorithm::Jwt {
            if raw.is_some() {
                let hint = "write `algorithm: jwt`, or leave it out";
                self.wrong(vec!["jwt".into()], "is for another algorithm", hint);
            }
            return None;
        }
        let raw = raw.unwrap_or_default();
        let names = raw.algorithms.unwrap_or_default();
        if names.is_empty() {
            let hint = "write what the sender signs with: `algorithms: [ES256]`";
            self.wrong(path("algorithms"), "is missing", hint);
        }
        let algorithms: Vec<JwsAlgorithm> = names
            .iter()
            .enumerate()
            .filter_map(|(index, name)| {
                let known = JwsAlgorithm::named(name).ok_or("is no algorithm of RFC 7518 §3.1");
                let mut path = path("algorithms");
                path.push(Step::Index(index));
                self.ok(path, known, "write one as `HS256`, `ES256`, `RS256`, `EdDSA`")
            })
            .collect();
        let shared = algorithms.iter().filter(|it| is_shared(**it)).count();
        if shared != 0 && shared != algorithms.len() {
            let hint =
                "a public key must never be taken for a shared secret: write two alternatives";
            self.wrong(path("algorithms"), "mixes shared secrets with public keys", hint);
        }
        let is_shared = shared != 0;
        if is_shared && *keys_from != KeysFrom::Given {
            let hint = "a secret is not published: write `ES256`, `RS256` or `EdDSA`";
            self.wrong(path("algorithms"), "wants a shared secret, and the keys are public", hint);
        }
        if let Some(Clock { at: ClockAt::Label(_), .. }) = clock {
            let hint = "a token's times are its claims: `claim: iat`";
            self.wrong(vec!["timestamp".into()], "is a label", hint);
        }
        let audience = raw.audience.map(|it| match &*it {
            "{account}" => Audience::Account,
            text => Audience::Text(text.into()),
        });
        let detached = match &raw.detached {
            None => None,
            Some(text) => self.template("jwt.detached", text, clock, false),
        };
        let claims = raw.claims.iter().flatten().filter_map(|(name, text)| {
            Some((name.as_str().into(), self.template("jwt.claims", text, clock, false)?))
        });
        let claims = claims.collect();
        let issuer = raw.issuer.map(Box::from);
        let rules = JwtRules { algorithms: algorithms.into(), issuer, audience };
        Some(Jwt { rules, is_shared, detached, claims })
    }
}

fn takes_public_key(algorithm: Algorithm) -> bool {
    match algorithm {
        Algorithm::Ed25519
        | Algorithm::EcdsaP256
        | Algorithm::RsaSha256
        | Algorithm::RsaSha1
        | Algorithm::Jwt => true,
        Algorithm::HmacSha256
        | Algorithm::HmacSha1
        | Algorithm::HmacSha512
        | Algorithm::Sha256
        | Algorithm::Token => false,
    }
}

fn is_shared(algorithm: JwsAlgorithm) -> bool {
    matches!(algorithm, JwsAlgorithm::HS256 | JwsAlgorithm::HS384 | JwsAlgorithm::HS512)
}

/// Whether a host's name ends in three parts that are written out, or in two with its first one,
/// with nothing but whole parts left open.
fn is_pinned(host: &str) -> bool {
    let parts: Vec<&str> = host.split('.').collect();
    let plain =
        |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    // What stands before two parts alone can be whoever's: `*.co.uk`, `*.github.io`.
    let ends = parts.iter().enumerate().all(|(at, it)| {
        let behind = parts.len() - at - 1;
        *it != "*" || behind >= 3 || behind == 2 && at > 0 && plain(parts[0])
    });
    let is_name = parts.last().is_some_and(|it| !it.bytes().all(|it| it.is_ascii_digit()));
    parts.len() >= 2 && ends && is_name && parts.iter().all(|it| *it == "*" || plain(it))
}

/// Whether a path's parts are written plainly, each with one `*` at most, and one of them without.
fn is_path(path: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-._~*".contains(&it);
    let is_part = |it: &str| {
        let dots = it == "." || it == "..";
        !it.is_empty() && !dots && it.bytes().all(plain) && it.matches('*').count() <= 1
    };
    let Some(parts) = path.strip_prefix('/') else {
        return false;
    };
    parts.split('/').all(is_part) && parts.split('/').any(|it| it != "*")
}
