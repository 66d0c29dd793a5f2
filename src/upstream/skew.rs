//! How far an upstream's clock is from ours, by what it says itself.
use crate::model::UnixTime;
use http::HeaderMap;
use http::StatusCode;
use http::header;
use std::fmt;

/// Least difference that is worth telling, in seconds. APIs that judge signatures by their time allow for one of
/// one to fifteen minutes.
const TELLING_S: i64 = 60;

/// A clock that is this much ahead of ours, in seconds; behind it, where that is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew(i64);

/// The clock behind an answer that may say that a signature's time is wrong; `None` where the two agree, or where
/// nobody can tell. An answer says its own time in Date (RFC 9110 §6.6.1).
pub fn skew(status: StatusCode, headers: &HeaderMap, now: UnixTime) -> Option<Skew> {
    let may_be_why = [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
    if !may_be_why.contains(&status) {
        return None;
    }
    let date = httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()?;
    let there = date.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    let ahead = i64::try_from(there).ok()?.checked_sub(i64::try_from(now.as_s()).ok()?)?;
    (ahead.abs() > TELLING_S).then_some(Skew(ahead))
}

impl Skew {
    /// How far ahead of ours, in seconds.
    pub fn ahead_s(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.0 > 0 { "ahead of" } else { "behind" };
        write!(
            f,
            "the upstream's clock is {} s {side} attache's, and signatures are judged by their time",
            self.0.abs()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    /// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 §5.6.7.
    const THEN: UnixTime = UnixTime::from_s(784_111_777);

    fn told(status: u16, date: &'static str, now: UnixTime) -> Option<i64> {
        let headers = HeaderMap::from_iter([(header::DATE, HeaderValue::from_static(date))]);
        skew(StatusCode::from_u16(status).unwrap(), &headers, now).map(Skew::ahead_s)
    }

    #[test]
    fn a_refusal_from_another_time_is_told_and_nothing_else() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let after = |s: u64| UnixTime::from_s(THEN.as_s() + s);
        let before = |s: u64| UnixTime::from_s(THEN.as_s() - s);
        for (status, now, ahead) in [
            (401, before(61), Some(61)),
            (403, after(900), Some(-900)),
            (400, after(61), Some(-61)),
            (401, before(60), None),
            (401, after(60), None),
            (200, after(900), None),
            (404, after(900), None),
            (500, after(900), None),
        ] {
            assert_eq!(told(status, date, now), ahead, "{status} {now:?}");
        }
        assert_eq!(told(401, "yesterday", after(900)), None);
        assert_eq!(skew(StatusCode::UNAUTHORIZED, &HeaderMap::new(), after(900)), None);
    }

    #[test]
    fn it_is_told_in_words() {
        let words = "the upstream's clock is 61 s ahead of attache's, and signatures are judged by their time";
        assert_eq!(Skew(61).to_string(), words);
        assert_eq!(Skew(-61).to_string(), words.replace("ahead of", "behind"));
    }
}
