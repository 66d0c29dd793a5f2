//! Field lines and the numbers in them.
use super::Malformed;

/// Digits of the greatest length that there is.
const DIGITS_MAX: usize = 20;

/// `name: value` and the line's end.
pub fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// The length of a body that has one (RFC 9110 §8.6).
pub fn write_length(out: &mut Vec<u8>, length: u64) {
    let mut digits = [0; DIGITS_MAX];
    write_field(out, b"content-length", number(length, 10, &mut digits));
}

/// A number's digits in this base, at most 16, written from the end of `digits`.
pub(super) fn number(mut number: u64, base: u64, digits: &mut [u8; DIGITS_MAX]) -> &[u8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut at = DIGITS_MAX;
    loop {
        at -= 1;
        digits[at] = DIGITS[(number % base) as usize];
        number /= base;
        if number == 0 {
            return &digits[at..];
        }
    }
}

/// `1*DIGIT`, and no list (RFC 9110 §8.6).
pub fn decimal(digits: &[u8]) -> Result<u64, Malformed> {
    if digits.is_empty() {
        return Err(Malformed);
    }
    digits.iter().try_fold(0_u64, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0')).ok_or(Malformed)?;
        sum.checked_mul(10).and_then(|it| it.checked_add(digit)).ok_or(Malformed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for length in [0, 7, 10, 1024, u64::MAX] {
            let mut out = Vec::new();
            write_length(&mut out, length);
            assert_eq!(out, format!("content-length: {length}\r\n").into_bytes());
            let mut digits = [0; DIGITS_MAX];
            assert_eq!(decimal(number(length, 10, &mut digits)), Ok(length));
            assert_eq!(number(length, 16, &mut digits), format!("{length:x}").as_bytes());
        }
        for odd in ["", "+1", "-1", " 1", "1 ", "0x1", "1_0", "1,1", "18446744073709551616"] {
            assert_eq!(decimal(odd.as_bytes()), Err(Malformed), "{odd:?}");
        }
    }
}
