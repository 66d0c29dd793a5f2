//! When a token ends, in the ways in which providers say it.
use super::jws;
use super::raw::ExpiryUnit;
use super::settings::ExpiryRule;
use super::token_set::Expiry;
use crate::model::UnixTime;
use serde_json::Value;
use std::time::Duration;

/// A number of seconds from here on is a point in time (2001), not a lifetime of 31 years.
const POINT_IN_TIME_S: f64 = 1e9;

/// The same in milliseconds: nobody means a point in time 31,000 years ahead.
const POINT_IN_TIME_MS: f64 = 1e12;

/// What an answer says of a token's end, as it stands there.
pub(super) struct Said<'r> {
    pub(super) expires_in: Option<&'r Value>,
    pub(super) expires_at: Option<&'r Value>,
    pub(super) access_token: &'r str,
}

/// When the token ends. `asked_at` is when the request was sent, so that the way back counts as
/// lifetime.
pub(super) fn expiry(rule: &ExpiryRule, said: &Said<'_>, asked_at: UnixTime) -> Expiry {
    if rule.never {
        return Expiry::Never;
    }
    let jwt = || of_jwt(said.access_token, asked_at);
    let said_by_answer = || {
        let lifetime = said.expires_in.and_then(|it| of_lifetime(it, rule.unit, asked_at));
        lifetime.or_else(|| said.expires_at.and_then(|it| of_point(it, rule.unit)))
    };
    let known = match rule.unit {
        Some(ExpiryUnit::Jwt) => jwt().or_else(said_by_answer),
        Some(ExpiryUnit::S | ExpiryUnit::Ms | ExpiryUnit::Date) | None => said_by_answer(),
    };
    let fallback = || rule.lifetime.map(|it| after(asked_at, it.as_millis() as f64));
    known.or_else(fallback).or_else(jwt).map_or(Expiry::Unknown, Expiry::At)
}

/// When a token ends that nothing is said beside: by its own claims, or after the lifetime that the settings
/// tell, at the latest, since nobody knows how much of it is over.
pub(super) fn of_brought(rule: &ExpiryRule, token: &str, now: UnixTime) -> Expiry {
    if rule.never {
        return Expiry::Never;
    }
    let at_the_latest = || rule.lifetime.map(|it| after(now, it.as_millis() as f64));
    own_end(token).or_else(at_the_latest).map_or(Expiry::Unknown, Expiry::At)
}

/// `exp` of a token that is a JWT, by the provider's clock.
pub(super) fn own_end(token: &str) -> Option<UnixTime> {
    let expires = jws::claims(token)?.get("exp").and_then(number)?;
    point(expires, None)
}

/// How long a refresh token lives.
pub(super) fn refresh_expiry(said: Option<&Value>, asked_at: UnixTime) -> Option<UnixTime> {
    of_lifetime(said?, None, asked_at)
}

/// A point in time as an operator or a provider writes it: seconds or milliseconds since 1970, or a date.
pub(super) fn time(text: &str) -> Option<UnixTime> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(number) => point(number, None),
        Err(_) => date(text),
    }
}

/// Whether a text says when a token ends, as one that is brought along has it.
pub fn is_point_in_time(text: &str) -> bool {
    text == super::token_set::NEVER || time(text).is_some()
}

/// Zero and less is how some say that there is no end, and never means that a token was dead on
/// arrival: it is unknown.
fn of_lifetime(said: &Value, unit: Option<ExpiryUnit>, asked_at: UnixTime) -> Option<UnixTime> {
    let number = match number(said) {
        Some(number) => number,
        None => return date(said.as_str()?),
    };
    if !(number.is_finite() && number > 0.0) {
        return None;
    }
    match unit {
        Some(ExpiryUnit::Ms) if number >= POINT_IN_TIME_MS => point(number, unit),
        Some(ExpiryUnit::Ms) => Some(after(asked_at, number)),
        _ if number >= POINT_IN_TIME_S => point(number, unit),
        _ => Some(after(asked_at, number * 1000.0)),
    }
}

fn of_point(said: &Value, unit: Option<ExpiryUnit>) -> Option<UnixTime> {
    match number(said) {
        Some(number) => point(number, unit),
        None => date(said.as_str()?),
    }
}

fn point(number: f64, unit: Option<ExpiryUnit>) -> Option<UnixTime> {
    if !(number.is_finite() && number > 0.0) {
        return None;
    }
    let in_ms = unit == Some(ExpiryUnit::Ms) || number >= POINT_IN_TIME_MS;
    // A number beyond the type's ends is its end: `as` saturates.
    Some(if in_ms { UnixTime::from_ms(number as u64) } else { UnixTime::from_s(number as u64) })
}

fn after(asked_at: UnixTime, ms: f64) -> UnixTime {
    UnixTime::from_ms(asked_at.as_ms().saturating_add(ms.round() as u64))
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// RFC 3339, with or without its offset, or RFC 9110 §5.6.7.
pub(super) fn date(text: &str) -> Option<UnixTime> {
    let text = text.trim();
    let timestamp = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    if let Some(timestamp) = timestamp {
        return u64::try_from(timestamp.as_millisecond()).ok().map(UnixTime::from_ms);
    }
    let time = httpdate::parse_http_date(text).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Some(UnixTime::from_s(since.as_secs()))
}

/// `exp` of the token, by our own clock where `iat` says how the provider's goes.
fn of_jwt(token: &str, asked_at: UnixTime) -> Option<UnixTime> {
    let claims = jws::claims(token)?;
    let expires = claims.get("exp").and_then(number).filter(|it| it.is_finite() && *it > 0.0)?;
    let issued = claims.get("iat").and_then(number).filter(|it| it.is_finite() && *it > 0.0);
    match issued.map(|it| expires - it) {
        Some(lifetime_s) if lifetime_s > 0.0 => Some(after(asked_at, lifetime_s * 1000.0)),
        _ => point(expires, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::encoded;
    use serde_json::json;

    const NOW: UnixTime = UnixTime::from_s(1_700_000_000);

    fn at(s: u64) -> Expiry {
        Expiry::At(UnixTime::from_s(s))
    }

    #[test]
    fn every_way_of_saying_it() {
        let hour = at(1_700_003_600);
        let ms = Some(ExpiryUnit::Ms);
        for (expires_in, unit, expiry) in [
            (json!(3600), None, hour),
            (json!(3600.9), None, Expiry::At(UnixTime::from_ms(1_700_003_600_900))),
            (json!("3600"), None, hour),
            (json!(" 3600 "), None, hour),
            (json!(3_600_000), ms, hour),
            (json!("3600000"), ms, hour),
            (json!(1_700_003_600_u64), None, hour),
            (json!(1_700_003_600_000_u64), None, hour),
            (json!(1_700_003_600_000_u64), ms, hour),
            (json!("2023-11-14T23:13:20Z"), None, hour),
            (json!("2023-11-14T23:13:20.000+00:00"), None, hour),
            (json!("2023-11-14T23:13:20"), None, hour),
            (json!("Tue, 14 Nov 2023 23:13:20 GMT"), None, hour),
            (json!(0), None, Expiry::Unknown),
            (json!(-1), None, Expiry::Unknown),
            (json!(null), None, Expiry::Unknown),
            (json!(true), None, Expiry::Unknown),
            (json!("NaN"), None, Expiry::Unknown),
            (json!("inf"), None, Expiry::Unknown),
            (json!("soon"), None, Expiry::Unknown),
            (json!([3600]), None, Expiry::Unknown),
        ] {
            let said = Said { expires_in: Some(&expires_in), expires_at: None, access_token: "t" };
            let rule = ExpiryRule { unit, ..ExpiryRule::default() };
            assert_eq!(super::expiry(&rule, &said, NOW), expiry, "{expires_in} {unit:?}");
        }
        let huge = json!(1e300);
        let said = Said { expires_in: Some(&huge), expires_at: None, access_token: "t" };
        assert!(matches!(super::expiry(&ExpiryRule::default(), &said, NOW), Expiry::At(_)));
    }

    #[test]
    fn a_token_that_is_brought_along_ends_by_its_claims_or_by_the_settings() {
        let jwt = |claims: Value| format!("{0}.{0}.x", encoded(claims.to_string().as_bytes()));
        let own = jwt(json!({ "iat": 1_699_999_000, "exp": 1_700_000_600 }));
        let endless = jwt(json!({ "iat": 1_699_999_000 }));
        let none = ExpiryRule::default();
        let hour = ExpiryRule { lifetime: Some(Duration::from_secs(3600)), ..none };
        let never = ExpiryRule { never: true, ..none };
        for (rule, token, expiry) in [
            // Not its whole life from now on: some of it is over.
            (none, &*own, at(1_700_000_600)),
            (hour, &*own, at(1_700_000_600)),
            (hour, "opaque", at(1_700_003_600)),
            (hour, &*endless, at(1_700_003_600)),
            (none, "opaque", Expiry::Unknown),
            (never, "opaque", Expiry::Never),
        ] {
            assert_eq!(of_brought(&rule, token, NOW), expiry, "{rule:?} {token}");
        }
    }

    #[test]
    fn what_the_answer_does_not_say_the_settings_or_the_token_do() {
        let claims = json!({ "iat": 1_600_000_000, "exp": 1_600_000_600 });
        let jwt = format!("{0}.{0}.x", encoded(claims.to_string().as_bytes()));
        let none = Said { expires_in: None, expires_at: None, access_token: &jwt };
        let lifetime = Some(Duration::from_secs(60));
        let rule = ExpiryRule::default();
        // The provider's clock is three years behind, and its lifetime is ten minutes all the same.
        assert_eq!(super::expiry(&rule, &none, NOW), at(1_700_000_600));
        let rule = ExpiryRule { lifetime, ..rule };
        assert_eq!(super::expiry(&rule, &none, NOW), at(1_700_000_060));
        let rule = ExpiryRule { unit: Some(ExpiryUnit::Jwt), ..rule };
        assert_eq!(super::expiry(&rule, &none, NOW), at(1_700_000_600));
        let rule = ExpiryRule { never: true, ..ExpiryRule::default() };
        assert_eq!(super::expiry(&rule, &none, NOW), Expiry::Never);
    }
}
