//! A request that was tried out, as a line for a shell.
use super::error::ApiError;
use super::try_out::Wanted;
use http::HeaderValue;

/// Longest body that a line for the shell has in it, in bytes: a longer one is for a file.
const SHELL_BODY_MAX: usize = 32 * 1024;

impl Wanted {
    /// The line for a shell that sends the same through the proxy with a caller's key.
    pub(super) fn curl(&self, proxy_url: &str) -> Result<String, ApiError> {
        let method = self.method()?;
        let body = self.body()?;
        let mut line = String::from("curl");
        match method.as_str() {
            "HEAD" => line.push_str(" --head"),
            "GET" if body.is_empty() => {}
            method if method.bytes().all(|it| it.is_ascii_alphanumeric()) => {
                line.push_str(&format!(" -X {method}"));
            }
            // A token may have signs that mean something to a shell (RFC 9110 §5.6.2).
            method => line.push_str(&format!(" -X {}", quoted(method))),
        }
        let url = format!("{proxy_url}{}", self.below());
        if url.contains(['[', ']', '{', '}']) {
            line.push_str(" --globoff");
        }
        // Else curl mends dot segments, which the proxy would have refused.
        if url.contains("/.") {
            line.push_str(" --path-as-is");
        }
        line.push_str(&format!(" {} -H \"Attache-Key: $ATTACHE_KEY\"", quoted(&url)));
        let shown = |it: &HeaderValue| String::from_utf8_lossy(it.as_bytes()).into_owned();
        for (name, value) in self.tags()? {
            line.push_str(&format!(" -H {}", quoted(&format!("{name}: {}", shown(&value)))));
        }
        for (name, value) in &self.fields()? {
            // With nothing behind a colon curl leaves the field out.
            let value = shown(value);
            let field =
                if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
            line.push_str(&format!(" -H {}", quoted(&field)));
        }
        if body.is_empty() {
            return Ok(line);
        }
        let says_type = self.headers.iter().any(|it| it.0.eq_ignore_ascii_case("content-type"));
        if !says_type {
            // Else curl says that it is a form.
            line.push_str(" -H 'content-type:'");
        }
        match str::from_utf8(&body) {
            Ok(text)
                if body.len() <= SHELL_BODY_MAX
                    && !text.contains('\0')
                    && !text.starts_with('@') =>
            {
                line.push_str(&format!(" --data-binary {}", quoted(text)));
            }
            _ => line.push_str(" --data-binary @body"),
        }
        Ok(line)
    }
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
