//! A URL that a delivery names, held against the hosts and paths that the description has.
use url::Url;

/// Longest URL of keys that a delivery may name.
const URL_LEN_MAX: usize = 2048;

/// The URL, if it is an https one on one of the hosts, on their usual port and without a password,
/// and its path, written plainly, is one of the paths. It has neither query nor fragment.
pub(super) fn pinned(text: &str, hosts: &[Box<str>], paths: &[Box<str>]) -> Option<String> {
    // What a URL parser would drop, turn round or decode, and servers read in several ways.
    let plain = |it: u8| it.is_ascii_graphic() && !b"%\\?#@".contains(&it);
    if text.len() > URL_LEN_MAX || !text.bytes().all(plain) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let usual = url.scheme() == "https" && url.port().is_none();
    let host = url.domain().filter(|_| usual)?;
    let path = written_path(text).filter(|it| *it == url.path())?;
    let fits = hosts.iter().any(|it| is_host(it, host)) && paths.iter().any(|it| is_path(it, path));
    fits.then(|| url.to_string())
}

/// The path as it is written: a parser takes dot segments out of it.
fn written_path(text: &str) -> Option<&str> {
    let behind = text.split_once("://")?.1;
    Some(&behind[behind.find('/')?..])
}

/// `*` stands for one part without dots.
fn is_host(pattern: &str, host: &str) -> bool {
    let (mut wanted, mut parts) = (pattern.split('.'), host.split('.'));
    loop {
        match (wanted.next(), parts.next()) {
            (None, None) => return true,
            (Some("*"), Some(part)) if !part.is_empty() => {}
            (Some(wanted), Some(part)) if wanted.eq_ignore_ascii_case(part) => {}
            _ => return false,
        }
    }
}

/// `*` stands for at least one character, none of them a slash; there is one in a part at most.
fn is_path(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut parts) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), parts.next()) {
            (None, None) => return true,
            (Some(wanted), Some(part)) if is_part(wanted, part) => {}
            _ => return false,
        }
    }
}

fn is_part(pattern: &str, part: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == part,
        Some((begin, end)) => {
            let open = part.strip_prefix(begin).and_then(|it| it.strip_suffix(end));
            open.is_some_and(|it| !it.is_empty())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_keys_is_https_on_a_host_and_a_path_that_are_named() {
        let hosts: [Box<str>; 2] = ["sns.*.amazonaws.com".into(), "keys.example".into()];
        let paths: [Box<str>; 2] = ["/SimpleNotificationService-*.pem".into(), "/v1/c/*".into()];
        for good in [
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
            "HTTPS://SNS.eu-west-1.amazonaws.com:443/SimpleNotificationService-1a.pem",
            "https://keys.example/v1/c/CERT-360caa42-fca2a594-7a8abba8",
        ] {
            assert!(pinned(good, &hosts, &paths).is_some(), "{good}");
        }
        let path = "SimpleNotificationService-1.pem";
        for bad in [
            "http://sns.eu-west-1.amazonaws.com/%",
            "https://sns.eu-west-1.amazonaws.com:8443/%",
            "https://sns.eu-west-1.amazonaws.com.evil.example/%",
            "https://sns.a.b.amazonaws.com/%",
            "https://sns..amazonaws.com/%",
            "https://sns.amazonaws.com/%",
            "https://evil.example/sns.eu-west-1.amazonaws.com/%",
            "https://sns.eu-west-1.amazonaws.com@evil.example/%",
            "https://me@keys.example/%",
            "https://me:x@keys.example/%",
            "https://keys.example./%",
            "https://127.0.0.1/%",
            "https://evilkeys.example/%",
            "https:keys.example/%",
            "https:///keys.example/%",
            "https:\\\\keys.example\\%",
            "/%",
            "",
            "https://keys.example",
            "https://keys.example/",
            "https://keys.example/%?",
            "https://keys.example/%?b=c",
            "https://keys.example/%#",
            "https://keys.example/%#x",
            "https://keys.example/?Action=GetQueueUrl&x=/%",
            "https://keys.example//%",
            "https://keys.example/a/%",
            "https://keys.example/./%",
            "https://keys.example/a/../%",
            "https://keys.example/%/",
            "https://keys.example/%\t",
            "https://keys.example/SimpleNotificationService-.pem",
            "https://keys.example/SimpleNotificationService-1/2.pem",
            "https://keys.example/SimpleNotificationService-%41.pem",
            "https://keys.example/SimpleNotificationService-%2e%2e.pem",
            "https://keys.example/SimpleNotificationService-é.pem",
            "https://keys.example/simplenotificationservice-1.pem",
            "https://keys.example/v1/c/",
            "https://keys.example/v1/c/..",
            "https://keys.example/v1/c/a/b",
        ] {
            let bad = match bad.contains("%41") || bad.contains("%2e") {
                true => bad.to_owned(),
                false => bad.replace('%', path),
            };
            assert_eq!(pinned(&bad, &hosts, &paths), None, "{bad}");
        }
        let long = format!("https://keys.example/v1/c/{}", "x".repeat(2048));
        assert_eq!(pinned(&long, &hosts, &paths), None);
        let url = format!("https://keys.example/{path}");
        assert_eq!(pinned(&url, &hosts, &[]), None, "no path is no leave for all of them");
    }
}
