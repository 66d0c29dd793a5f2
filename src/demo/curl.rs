//! A request as a line for a shell.
use super::attempt::Attempt;

/// `curl …`, in as many lines as it has parts, ready to be pasted.
pub fn command(attempt: &Attempt) -> Vec<String> {
    let mut parts = vec![format!("curl {}", quoted(&attempt.url))];
    if let Some(user) = &attempt.user {
        parts.push(format!("-u {}", quoted(user)));
    }
    for (name, value) in &attempt.headers {
        parts.push(format!("-H {}", quoted(&format!("{name}: {value}"))));
    }
    if let Some(body) = attempt.body {
        parts.push(format!("-d {}", quoted(body)));
    }
    let last = parts.len() - 1;
    for (index, part) in parts.iter_mut().enumerate() {
        if index > 0 {
            part.insert_str(0, "     ");
        }
        if index < last {
            part.push_str(" \\");
        }
    }
    parts
}

/// In single quotes where a shell would see more than text.
fn quoted(text: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "/:.,@%+-_=".contains(it);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::attempt::Expected;
    use super::*;

    #[test]
    fn every_part_has_its_line_and_its_quotes() {
        let attempt = Attempt {
            title: "",
            story: &[],
            method: "POST",
            url: "http://127.0.0.1:8080/a?b=c".to_owned(),
            headers: vec![("Attache-Tenant", "acme".to_owned())],
            user: Some("me:secret".to_owned()),
            body: Some("it's"),
            expected: Expected::Delivery,
        };
        assert_eq!(
            command(&attempt).join("\n"),
            "curl 'http://127.0.0.1:8080/a?b=c' \\\n     -u me:secret \\\n     -H 'Attache-Tenant: acme' \\\n     -d 'it'\\''s'"
        );
    }
}
