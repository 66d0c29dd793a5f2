//! Points in time as the API shows and takes them: RFC 3339.
use super::error::ApiError;
use jiff::Timestamp;

/// Unix milliseconds as RFC 3339, in UTC.
pub(super) fn shown(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX).to_string()
}

/// RFC 3339 as Unix milliseconds. `pointer`: where it stands.
pub(super) fn read(text: &str, pointer: &str) -> Result<i64, ApiError> {
    let time: Result<Timestamp, _> = text.parse();
    time.map(Timestamp::as_millisecond).map_err(|_| {
        let hint = "write one as in 2027-01-31T12:00:00Z";
        ApiError::invalid(pointer, "this is no point in time", hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_taken_as_it_is_shown() {
        assert_eq!(shown(1_700_000_000_007), "2023-11-14T22:13:20.007Z");
        assert_eq!(read("2023-11-14T22:13:20.007Z", "/x").unwrap(), 1_700_000_000_007);
        for bad in ["", "tomorrow", "2023-11-14", "2023-13-01T00:00:00Z"] {
            assert!(read(bad, "/expires_at").is_err(), "{bad}");
        }
    }
}
