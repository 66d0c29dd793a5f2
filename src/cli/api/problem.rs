//! A problem that the API answers with (RFC 9457), as it is told to people.
use crate::cli::stopped::Stopped;
use crate::cli::text::plain;
use serde::Deserialize;

/// What went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Problem {
    pub title: String,
    pub detail: String,
    pub code: String,
    pub request_id: String,
    pub errors: Vec<Fault>,
    pub uses: Vec<serde_json::Value>,
    /// What would not work any more.
    pub breaks: Vec<serde_json::Value>,
}

/// One thing that is wrong with what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Fault {
    pub pointer: String,
    pub problem: String,
    pub hint: String,
}

impl Problem {
    /// In lines: what, where in the body, what to send instead, and under which id the log has it.
    pub(in crate::cli) fn text(&self) -> String {
        let what = if self.detail.is_empty() { &self.title } else { &self.detail };
        let mut text = format!("{}: {}", plain(&self.code), plain(what));
        for Fault { pointer, problem, hint } in &self.errors {
            let place = if pointer.is_empty() { String::new() } else { format!("{pointer}: ") };
            text.push_str(&format!("\n  {}{}", plain(&place), plain(problem)));
            if !hint.is_empty() {
                text.push_str(&format!("\n    {}", plain(hint)));
            }
        }
        for one in &self.uses {
            let words = ["kind", "key", "alias", "tenant"].iter().filter_map(|it| one[it].as_str());
            text.push_str(&format!("\n  {}", plain(&words.collect::<Vec<_>>().join(" "))));
        }
        if let Some(remedy) = remedy(&self.code) {
            text.push_str(&format!("\n  {remedy}"));
        }
        if !self.request_id.is_empty() {
            text.push_str(&format!("\n  (request {})", plain(&self.request_id)));
        }
        text
    }
}

/// What to do about it at a shell, where that is not said by the API.
fn remedy(code: &str) -> Option<&'static str> {
    Some(match code {
        "operator_unauthenticated" => {
            "is what ATTACHE_TOKEN or --token-file holds a token of this deployment?"
        }
        // The proxy's own: it has no operators.
        "caller_unauthenticated" => "that is the proxy listener: --server is the admin listener",
        "in_use" => "--dry-run tells who would be affected; --force does it all the same",
        "origin_changed" => "--confirm-origin lets them; so does `attache connection confirm`",
        "confirmation_required" => "--dry-run tells what is lost; --confirm does it",
        _ => return None,
    })
}

impl From<Problem> for Stopped {
    fn from(problem: Problem) -> Self {
        let text = problem.text();
        match &*problem.code {
            // What was sent is at fault: as with a configuration that is not valid.
            "invalid" | "bad_request" => Self::Invalid(text),
            _ => Self::Failed(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_and_what_instead() {
        let body = r#"{"title":"Invalid","detail":"The body is not valid.","code":"invalid",
            "request_id":"r1","errors":[{"pointer":"/auth","problem":"there is no `x`","hint":"it has y"}]}"#;
        let problem: Problem = serde_json::from_str(body).unwrap();
        let told = "invalid: The body is not valid.\n  /auth: there is no `x`\n    it has y\n  (request r1)";
        assert_eq!(Stopped::from(problem), Stopped::Invalid(told.to_owned()));
    }

    #[test]
    fn nothing_that_came_back_moves_the_cursor() {
        let problem = Problem { detail: "\x1b[2Jgone".to_owned(), ..Problem::default() };
        assert!(!problem.text().contains('\x1b'));
    }
}
