//! The signature base string (RFC 5849 §3.4.1): method, URL and parameters in one text.
use super::super::Draft;
use super::parameters::Parameters;
use super::percent;
use http::header::HOST;

/// `METHOD&url&parameters`, the latter two percent-encoded; the method in upper case, however it is sent (§3.4.1.1).
pub(super) fn base_string(draft: &Draft<'_>, parameters: &mut Parameters) -> Vec<u8> {
    let method = draft.method.as_str();
    let room = method.len() + 2 + (draft.path.len() + 64) * 3 + parameters.room();
    let mut base = Vec::with_capacity(room);
    match method.bytes().any(|it| it.is_ascii_lowercase()) {
        true => percent::put(method.to_ascii_uppercase().as_bytes(), &mut base),
        false => percent::put(method.as_bytes(), &mut base),
    }
    base.push(b'&');
    put_url(draft, &mut base);
    base.push(b'&');
    parameters.put_normalized(&mut base);
    base
}

/// The URL without its query (§3.4.1.2): scheme and host in lower case, no port where it is the scheme's own, the
/// path byte for byte as it is sent.
fn put_url(draft: &Draft<'_>, base: &mut Vec<u8>) {
    let is_https = draft.origin.is_https();
    base.extend_from_slice(if is_https { b"https%3A%2F%2F" } else { b"http%3A%2F%2F" });
    let own = if is_https { &b":443"[..] } else { b":80" };
    match draft.value(&HOST) {
        // What the server takes for its name is what it is told (§3.4.1.2, 2).
        Some(host) => {
            let host = host.as_bytes();
            let host = host.strip_suffix(own).unwrap_or(host);
            if host.iter().any(u8::is_ascii_uppercase) {
                percent::put(&host.to_ascii_lowercase(), base);
            } else {
                percent::put(host, base);
            }
        }
        None => percent::put(draft.origin.authority().as_bytes(), base),
    }
    let path = if draft.path.is_empty() { "/" } else { draft.path };
    percent::put(path.as_bytes(), base);
}
