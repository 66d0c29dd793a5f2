//! Calls that attache makes of its own API: those of the hosted pages, without HTTP and as an operator of their own.
use super::Api;
use super::answer::Answer;
use super::call::Call;
use super::dispatch;
use super::error::ApiError;
use super::operator::Operator;
use super::operator::PAGES;
use super::progress;
use super::query::Query;
use super::role::Role;
use crate::model::Key;
use crate::model::OperatorName;
use http::HeaderMap;
use http::Method;
use http::StatusCode;
use serde_json::Value;
use std::sync::Arc;

/// Names its problems: the log has no request of theirs.
const REQUEST_ID: &str = "inward";

impl Api {
    /// What the API answers the hosted pages: `path` may have a query, a problem is its own JSON (RFC 9457).
    pub async fn ask(
        self: &Arc<Self>,
        method: Method,
        path: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        match self.answer(method, path, body).await {
            Ok(answer) => (answer.status, answer.body.unwrap_or_default()),
            Err(error) => {
                let problem = error.problem(REQUEST_ID);
                let body = serde_json::from_slice(problem.body()).unwrap_or_default();
                (problem.status(), body)
            }
        }
    }

    async fn answer(
        self: &Arc<Self>,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<Answer, ApiError> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (route, parameters) = dispatch::find(&self.routes, &method, path)?;
        let mut call = self.inward();
        call.operator.must_be(route.role)?;
        call.query = Query::of(Some(query), route.query.iter().map(|it| it.name))?;
        path.clone_into(&mut call.path);
        call.parameters = parameters;
        call.body = body;
        let run = Arc::clone(&route.run);
        self.to_the_end(progress::done(call, run)).await
    }

    /// A call that nobody sent.
    pub(super) fn inward(self: &Arc<Self>) -> Call {
        let name = Key::try_from(PAGES).expect("it is a key");
        Call {
            api: Arc::clone(self),
            operator: Operator {
                name: OperatorName::Token(name),
                role: Role::Operator,
                identity: PAGES.to_owned(),
            },
            headers: HeaderMap::new(),
            path: String::new(),
            parameters: Vec::new(),
            query: Query::default(),
            body: Value::Null,
            document: None,
            claim: None,
            progress: Arc::default(),
        }
    }
}
