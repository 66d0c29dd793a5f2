//! One line of the API's table of contents: what is asked, who may, what comes back, who answers.
use super::answer::Answer;
use super::answer::EVENTS;
use super::body::Media;
use super::call::Call;
use super::error::ApiError;
use super::import;
use super::origin;
use super::progress;
use super::role::Role;
use super::search;
use super::uses::Change;
use crate::model::Code;
use http::Method;
use http::StatusCode;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde_json::Value;
use serde_json::json;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub(super) type Run = Arc<
    dyn Fn(Call) -> Pin<Box<dyn Future<Output = Result<Answer, ApiError>> + Send>> + Send + Sync,
>;

/// Makes a schema, and puts what it refers to into the generator's definitions.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type.
pub(super) fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A query parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub name: &'static str,
    pub about: &'static str,
    pub kind: ParameterKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParameterKind {
    Flag,
    /// `true`, `false`, or not said.
    Either,
    /// Of a connection.
    ConnectionStatus,
    /// Takes `origin`.
    Origin,
    Cursor,
    Limit,
    /// Words.
    Search,
    Text,
    /// RFC 3339.
    Time,
    Key,
    BaseUrl,
    /// Of an event.
    Number,
    /// As in `10s`.
    Duration,
    /// With commas between.
    EventTypes,
    /// Of an event on its way to a subscription.
    DeliveryState,
    /// Of an exchange: a number, or a class as in `4xx`.
    Status,
    /// Whose fault it was.
    ErrorSource,
    /// A stretch of time up to now.
    Window,
    /// What became of a webhook.
    Verdict,
}

/// A header that a route looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    IfMatch,
    /// `*`: create, never replace.
    IfNoneMatchAny,
    /// A reader's own version.
    IfNoneMatch,
    IdempotencyKey,
}

impl Header {
    pub(super) fn document(self) -> Value {
        let (name, about, schema) = match self {
            Self::IfMatch => (
                "If-Match",
                "The `ETag` of the version that is meant, or `*` for any: else 412.",
                json!({ "type": "string", "pattern": "^(\\*|\"[0-9]{1,18}\")$" }),
            ),
            Self::IfNoneMatchAny => (
                "If-None-Match",
                "`*`: only if there is nothing yet, else 412.",
                json!({ "type": "string", "const": "*" }),
            ),
            Self::IfNoneMatch => (
                "If-None-Match",
                "The `ETag` of the version that is at hand: 304 if it is current.",
                json!({ "type": "string" }),
            ),
            Self::IdempotencyKey => (
                "Idempotency-Key",
                "1 to 128 visible ASCII characters: the same request with the same key is done once.",
                json!({ "type": "string", "pattern": "^[!-~]{1,128}$" }),
            ),
        };
        json!({ "name": name, "in": "header", "required": false, "description": about, "schema": schema })
    }
}

/// An answer that is no problem.
#[derive(Clone, Copy)]
pub(super) struct Given {
    pub status: StatusCode,
    pub about: &'static str,
    /// `None` for no body.
    pub schema: Option<SchemaOf>,
    /// Names in the document's `components/headers`.
    pub headers: &'static [&'static str],
    /// What a body is sent as.
    pub media: &'static str,
}

const JSON: &str = "application/json";

/// A method at a path. All of it is in the OpenAPI document.
#[derive(Clone)]
pub(super) struct Route {
    pub method: Method,
    /// Segments in braces are parameters: `/v1/connectors/{connector}`.
    pub path: &'static str,
    /// The operation's id.
    pub id: &'static str,
    /// One line.
    pub about: &'static str,
    pub role: Role,
    pub query: Vec<Parameter>,
    pub headers: Vec<Header>,
    pub takes: Option<(Media, SchemaOf)>,
    pub gives: Vec<Given>,
    /// Problems beside those that its other properties bring with them.
    pub codes: Vec<Code>,
    pub run: Run,
}

impl Route {
    pub(super) fn get<F: Future<Output = Result<Answer, ApiError>> + Send + 'static>(
        path: &'static str,
        id: &'static str,
        about: &'static str,
        run: fn(Call) -> F,
    ) -> Self {
        Self::new((Method::GET, Role::Viewer), path, id, about, run)
    }

    pub(super) fn post<F: Future<Output = Result<Answer, ApiError>> + Send + 'static>(
        path: &'static str,
        id: &'static str,
        about: &'static str,
        run: fn(Call) -> F,
    ) -> Self {
        // Whoever got no answer may send it again.
        let route = Self::new((Method::POST, Role::Operator), path, id, about, run);
        route.headers(&[Header::IdempotencyKey])
    }

    pub(super) fn put<F: Future<Output = Result<Answer, ApiError>> + Send + 'static>(
        path: &'static str,
        id: &'static str,
        about: &'static str,
        run: fn(Call) -> F,
    ) -> Self {
        Self::new((Method::PUT, Role::Operator), path, id, about, run)
    }

    pub(super) fn patch<F: Future<Output = Result<Answer, ApiError>> + Send + 'static>(
        path: &'static str,
        id: &'static str,
        about: &'static str,
        run: fn(Call) -> F,
    ) -> Self {
        Self::new((Method::PATCH, Role::Operator), path, id, about, run)
    }

    pub(super) fn delete<F: Future<Output = Result<Answer, ApiError>> + Send + 'static>(
        path: &'static str,
        id: &'static str,
        about: &'static str,
        run: fn(Call) -> F,
    ) -> Self {
        Self::new((Method::DELETE, Role::Operator), path, id, about, run)
    }

    fn new<F: Future<Output = Result<Answer, ApiError>> + Send + 'static>(
        (method, role): (Method, Role),
        path: &'static str,
        id: &'static str,
        about: &'static str,
        run: fn(Call) -> F,
    ) -> Self {
        Self {
            method,
            path,
            id,
            about,
            role,
            query: Vec::new(),
            headers: Vec::new(),
            takes: None,
            gives: Vec::new(),
            codes: Vec::new(),
            run: Arc::new(move |call| Box::pin(run(call))),
        }
    }

    pub(super) fn role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    pub(super) fn takes(self, schema: SchemaOf) -> Self {
        Self { takes: Some((Media::Json, schema)), ..self }
    }

    /// Takes an API's own description, and the key and base URL that go before what it says.
    pub(super) fn takes_document(mut self, schema: SchemaOf) -> Self {
        self.query.extend([
            Parameter {
                name: import::KEY,
                about: "The connector's key. Default: made of the document's title.",
                kind: ParameterKind::Key,
            },
            Parameter {
                name: import::BASE_URL,
                about: "Where the API is, instead of what the document says.",
                kind: ParameterKind::BaseUrl,
            },
        ]);
        Self { takes: Some((Media::Document, schema)), ..self }
    }

    /// Takes many definitions at once.
    pub(super) fn takes_bundle(self, schema: SchemaOf) -> Self {
        Self { takes: Some((Media::Bundle, schema)), ..self }
    }

    pub(super) fn takes_patch(self, schema: SchemaOf) -> Self {
        Self { takes: Some((Media::MergePatch, schema)), ..self }
    }

    /// Answers 200 with a body of this schema.
    pub(super) fn gives(self, schema: SchemaOf) -> Self {
        self.given(StatusCode::OK, "Done.", Some(schema), &[])
    }

    /// Answers 200 with a resource of this schema, and its version.
    pub(super) fn gives_one(self, schema: SchemaOf) -> Self {
        self.given(StatusCode::OK, "As it is now.", Some(schema), &["ETag"])
    }

    /// Answers 201 with a new resource of this schema.
    pub(super) fn creates(self, schema: SchemaOf) -> Self {
        self.given(StatusCode::CREATED, "It was created.", Some(schema), &["ETag", "Location"])
    }

    /// The same of what has no version.
    pub(super) fn makes(self, schema: SchemaOf) -> Self {
        self.given(StatusCode::CREATED, "It was created.", Some(schema), &["Location"])
    }

    /// Answers 200 with a resource, or with what would become of it (`dry_run`).
    pub(super) fn gives_one_or(mut self, schema: SchemaOf, preview: SchemaOf) -> Self {
        self =
            self.given(StatusCode::OK, "As it is now, or what would be.", Some(schema), &["ETag"]);
        self.given(StatusCode::OK, "", Some(preview), &[])
    }

    /// The same of what has no version.
    pub(super) fn gives_or(mut self, schema: SchemaOf, preview: SchemaOf) -> Self {
        self = self.given(StatusCode::OK, "Done, or what would be.", Some(schema), &[]);
        self.given(StatusCode::OK, "", Some(preview), &[])
    }

    /// The same for an edit.
    pub(super) fn rehearses(self, one: SchemaOf) -> Self {
        self.gives_one_or(one, schema::<Change>).dry_run()
    }

    /// Answers 201; with `dry_run` 200 and what would be.
    pub(super) fn creates_or(self, schema: SchemaOf) -> Self {
        self.dry_run().creates(schema).given(
            StatusCode::OK,
            "What would be (`dry_run`).",
            Some(schema),
            &[],
        )
    }

    /// Answers 204; with `dry_run` 200 and what would be.
    pub(super) fn previews(self, schema: SchemaOf) -> Self {
        self.dry_run()
            .given(StatusCode::OK, "What would be (`dry_run`).", Some(schema), &[])
            .gives_nothing()
    }

    /// Is not done once for several requests with the same key: what is answered is not kept.
    pub(super) fn done_each_time(mut self) -> Self {
        self.headers.retain(|it| *it != Header::IdempotencyKey);
        self
    }

    /// Answers 200 with bytes that are sent as they come: they are not kept to be sent again.
    pub(super) fn streams(mut self, about: &'static str) -> Self {
        self.headers.retain(|it| *it != Header::IdempotencyKey);
        self.gives.push(Given {
            status: StatusCode::OK,
            about,
            schema: Some(|_| schemars::json_schema!({ "type": "string", "format": "binary" })),
            headers: &[],
            media: "application/octet-stream",
        });
        self
    }

    /// Answers 200 with events of this schema, for as long as they are read.
    pub(super) fn tells(mut self, about: &'static str, schema: SchemaOf) -> Self {
        self.gives.push(Given {
            status: StatusCode::OK,
            about,
            schema: Some(schema),
            headers: &[],
            media: EVENTS,
        });
        self
    }

    /// Answers 202 with how far it is.
    pub(super) fn begins(self, schema: SchemaOf) -> Self {
        self.given(StatusCode::ACCEPTED, "It is begun.", Some(schema), &[])
    }

    /// Changes nothing: whoever got no answer asks again.
    pub(super) fn reads(mut self) -> Self {
        self.headers.retain(|it| *it != Header::IdempotencyKey);
        self
    }

    /// Answers 204.
    pub(super) fn gives_nothing(self) -> Self {
        self.given(StatusCode::NO_CONTENT, "Done.", None, &[])
    }

    fn given(
        mut self,
        status: StatusCode,
        about: &'static str,
        schema: Option<SchemaOf>,
        headers: &'static [&'static str],
    ) -> Self {
        self.gives.push(Given { status, about, schema, headers, media: JSON });
        self
    }

    /// A list in pages.
    pub(super) fn pages(mut self, schema: SchemaOf) -> Self {
        self.query.extend([
            Parameter {
                name: "cursor",
                about: "Where to go on: `next` of the page before.",
                kind: ParameterKind::Cursor,
            },
            Parameter {
                name: "limit",
                about: "Items of the page, at most.",
                kind: ParameterKind::Limit,
            },
        ]);
        self.given(StatusCode::OK, "A page.", Some(schema), &[])
    }

    /// The list can be searched.
    pub(super) fn searched(mut self, about: &'static str) -> Self {
        self.query.push(Parameter { name: search::SEARCH, about, kind: ParameterKind::Search });
        self
    }

    pub(super) fn flag(mut self, name: &'static str, about: &'static str) -> Self {
        self.query.push(Parameter { name, about, kind: ParameterKind::Flag });
        self
    }

    /// Takes this to choose among what it lists.
    pub(super) fn filter(
        mut self,
        kind: ParameterKind,
        name: &'static str,
        about: &'static str,
    ) -> Self {
        self.query.push(Parameter { name, about, kind });
        self
    }

    /// Takes `dry_run`.
    pub(super) fn dry_run(self) -> Self {
        self.flag("dry_run", "Only tell what would be: nothing is changed.")
    }

    /// Credentials may have to be said to go elsewhere.
    pub(super) fn confirms(mut self, about: &'static str) -> Self {
        self.query.push(Parameter { name: origin::CONFIRM, about, kind: ParameterKind::Origin });
        self.codes(&[Code::OriginChanged])
    }

    /// A reader may have it already.
    pub(super) fn cached(mut self) -> Self {
        self.headers.push(Header::IfNoneMatch);
        self.given(StatusCode::NOT_MODIFIED, "The version at hand is current.", None, &["ETag"])
    }

    pub(super) fn headers(mut self, headers: &[Header]) -> Self {
        self.headers.extend(headers);
        self
    }

    pub(super) fn codes(mut self, codes: &[Code]) -> Self {
        self.codes.extend(codes);
        self
    }

    /// Every answer that is no problem.
    pub(super) fn all_given(&self) -> Vec<Given> {
        let mut given = self.gives.clone();
        if self.method != Method::GET {
            given.push(Given {
                status: StatusCode::ACCEPTED,
                about: "It is written; `notice` says what is not so yet.",
                schema: Some(progress::schema),
                headers: &["ETag", "Location"],
                media: JSON,
            });
        }
        given
    }

    /// Every problem that it may be answered with.
    pub(super) fn all_codes(&self) -> Vec<Code> {
        let mut codes = vec![
            Code::BadRequest,
            Code::OperatorUnauthenticated,
            Code::OperatorForbidden,
            Code::RateLimited,
            Code::Internal,
            Code::StoreUnavailable,
        ];
        if self.parameters().next().is_some() {
            codes.push(Code::NotFound);
        }
        if self.takes.is_some() {
            codes.extend([Code::BodyTooLarge, Code::UnsupportedMediaType, Code::Invalid]);
        }
        if self.method != Method::GET {
            codes.extend([Code::NoStore, Code::StoreFull]);
        }
        for header in &self.headers {
            match header {
                Header::IfMatch | Header::IfNoneMatchAny => codes.push(Code::PreconditionFailed),
                Header::IfNoneMatch => {}
                Header::IdempotencyKey => {
                    codes.extend([
                        Code::IdempotencyKeyReused,
                        Code::IdempotencyInProgress,
                        Code::IdempotencyAnswerLost,
                    ]);
                }
            }
        }
        codes.extend(&self.codes);
        codes
    }

    /// The names of the parameters in its path, in their order.
    pub(super) fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The raw values of the parameters, where the path is this one's.
    pub(super) fn matches(&self, path: &str) -> Option<Vec<(&'static str, String)>> {
        let (mut own, mut given) = (self.path.split('/'), path.split('/'));
        let mut values = Vec::new();
        loop {
            match (own.next(), given.next()) {
                (None, None) => return Some(values),
                (Some(own), Some(given)) => {
                    match own.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
                        Some(name) if !given.is_empty() => values.push((name, given.to_owned())),
                        None if own == given => {}
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
    }
}
