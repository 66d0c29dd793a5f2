//! How far a call has come: what it is answered with has to fit what was done.
use super::answer::Answer;
use super::call::Call;
use super::error::ApiError;
use super::route::Run;
use super::shape;
use http::StatusCode;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// The member that says what is not as it should be, of what was written all the same.
pub(super) const NOTICE: &str = "notice";

/// Where what was written can't be read again.
const NOT_SERVED: &str = "It is written, and this attache does not serve it yet: it can't read the store right now. \
                          What there was before is not used here any more. /readyz says when the store is reached again.";

/// Whether something was written, and whether it is served.
#[derive(Debug, Default)]
pub(super) struct Progress {
    is_written: AtomicBool,
    is_withheld: AtomicBool,
}

impl Progress {
    /// It is in the store, whatever comes now.
    pub(super) fn written(&self) {
        self.is_written.store(true, Ordering::Release);
    }

    /// It is not served yet, and what there was before is not either.
    pub(super) fn withheld(&self) {
        self.is_withheld.store(true, Ordering::Release);
    }

    fn told(&self, outcome: Result<Answer, ApiError>) -> Result<Answer, ApiError> {
        if !self.is_written.load(Ordering::Acquire) {
            return outcome;
        }
        let is_withheld = self.is_withheld.load(Ordering::Acquire);
        match outcome {
            Ok(answer) if is_withheld => Ok(noticed(answer, NOT_SERVED.to_owned())),
            Ok(answer) => Ok(answer),
            Err(_) if is_withheld => Ok(noticed(Answer::nothing(), NOT_SERVED.to_owned())),
            Err(error) => {
                let notice = format!("It is written, and can't be shown right now. {error}");
                Ok(noticed(Answer::nothing(), notice))
            }
        }
    }
}

/// Does what was asked. Once something is written, the answer is no problem any more: whoever is told of
/// one does it again.
pub(super) async fn done(call: Call, run: Run) -> Result<Answer, ApiError> {
    let progress = Arc::clone(&call.progress);
    let outcome = run(call).await;
    progress.told(outcome)
}

/// 202 (RFC 9110 §15.3.3): the same answer, and what is missing.
fn noticed(answer: Answer, notice: String) -> Answer {
    let mut members = match answer.body {
        Some(Value::Object(members)) => members,
        _ => serde_json::Map::new(),
    };
    members.insert(NOTICE.to_owned(), notice.into());
    Answer { status: StatusCode::ACCEPTED, body: Some(Value::Object(members)), ..answer }
}

/// What was written, as far as it can be shown.
pub(super) fn schema(generator: &mut SchemaGenerator) -> Schema {
    let shown = json!({
        "description": "What was written, as far as it can be shown, with what is told once, such as a key that was made.",
        "type": "object",
        "required": [NOTICE],
        "properties": {
            NOTICE: { "type": "string", "description": "What is not so yet, and what to do." },
        },
    });
    shape::kept(generator, "Written", shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// What whoever asked sees of it.
    type Seen = Result<(StatusCode, Option<Value>, Option<i64>, Option<String>), ApiError>;

    fn seen(told: Result<Answer, ApiError>) -> Seen {
        told.map(|it| (it.status, it.body, it.version, it.location))
    }

    #[test]
    fn what_is_written_is_never_answered_with_a_problem() {
        let problem = || Err(ApiError::StoreUnavailable("It is away: nothing was done."));
        let progress = Progress::default();
        assert_eq!(seen(progress.told(problem())), seen(problem()), "nothing is written yet");
        progress.written();
        let told = progress.told(problem()).unwrap();
        assert_eq!(told.status, StatusCode::ACCEPTED);
        assert!(told.body.unwrap()[NOTICE].as_str().unwrap().starts_with("It is written"));
        let made =
            || Ok(Answer { version: Some(7), ..Answer::ok(json!({ "caller_key": "atc_" })) });
        assert_eq!(seen(progress.told(made())), seen(made()));
        progress.withheld();
        let told = progress.told(made()).unwrap();
        let body = told.body.unwrap();
        assert_eq!((told.status, told.version), (StatusCode::ACCEPTED, Some(7)));
        assert_eq!((&body["caller_key"], &body[NOTICE]), (&json!("atc_"), &json!(NOT_SERVED)));
    }
}
