//! The body of a call, within bounds: JSON, unless it is a document of its own kind.
use super::error::ApiError;
use super::error::Fault;
use crate::config::JsonError;
use crate::config::parse_json;
use crate::import::DOCUMENT_LEN_MAX;
use axum::body::Body;
use http::HeaderMap;
use http::header;
use http_body_util::BodyExt;
use http_body_util::LengthLimitError;
use http_body_util::Limited;
use serde_json::Value;
use zeroize::Zeroizing;

/// Longest body, in bytes: room for the credentials of an environment's every connection.
pub(super) const BODY_LEN_MAX: usize = 1 << 20;

/// Longest bundle, in bytes: as long as what it is made of may be on standard input.
const BUNDLE_LEN_MAX: usize = 16 << 20;

/// What a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Json,
    /// RFC 7396, or plain JSON that is meant so.
    MergePatch,
    /// JSON of many definitions.
    Bundle,
    /// An API's own description.
    Document,
}

impl Media {
    /// What it is sent as.
    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Json | Self::Bundle => &["application/json"],
            Self::MergePatch => &["application/merge-patch+json"],
            Self::Document => &["application/json", "application/yaml"],
        }
    }

    /// Most bytes.
    pub(super) fn len_max(self) -> usize {
        match self {
            Self::Json | Self::MergePatch => BODY_LEN_MAX,
            Self::Bundle => BUNDLE_LEN_MAX,
            Self::Document => DOCUMENT_LEN_MAX,
        }
    }

    /// Other names of the same.
    fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Json | Self::Bundle => &[],
            Self::MergePatch => &["application/json"],
            // RFC 9512 §2.1 has the old names of YAML; the others are for descriptions of APIs alone.
            Self::Document => &[
                "application/openapi+json",
                "application/openapi+yaml",
                "application/vnd.oai.openapi",
                "application/vnd.oai.openapi+json",
                "application/x-yaml",
                "text/x-yaml",
                "text/yaml",
            ],
        }
    }

    /// Refuses what is sent as something else.
    pub(super) fn check(self, headers: &HeaderMap) -> Result<(), ApiError> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let essence = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let mut names = self.names().iter().chain(self.aliases());
        match names.any(|it| essence.eq_ignore_ascii_case(it)) {
            true => Ok(()),
            false => Err(ApiError::MediaType(self.names().join("` or `"))),
        }
    }

    /// Reads the body to its end.
    pub(super) async fn gather(
        self,
        body: Body,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), ApiError> {
        let mut frames = Limited::new(body, self.len_max());
        while let Some(frame) = frames.frame().await {
            let frame = frame.map_err(|it| match it.downcast_ref::<LengthLimitError>() {
                Some(_) => ApiError::BodyTooLarge { most: self.len_max() },
                None => ApiError::BadRequest("The body broke off.".to_owned()),
            })?;
            if let Some(data) = frame.data_ref() {
                take(data);
            }
        }
        Ok(())
    }
}

/// Reads the body whole. What it holds is wiped where it was gathered; the value is the caller's.
pub(super) async fn read(media: Media, headers: &HeaderMap, body: Body) -> Result<Value, ApiError> {
    media.check(headers)?;
    let mut text = Zeroizing::new(Vec::new());
    media.gather(body, |data| text.extend_from_slice(data)).await?;
    parse_json(&text).map_err(|error| match error {
        JsonError::Syntax(problem) => {
            ApiError::BadRequest(format!("The body is not JSON: {problem}."))
        }
        JsonError::Unsound(problem) => ApiError::Invalid(vec![Fault::from(problem)]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Code;
    use http::HeaderValue;

    async fn code(media: Media, kind: &'static str, body: impl Into<Body>) -> Option<Code> {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        read(media, &headers, body.into()).await.err().map(|it| it.code())
    }

    #[tokio::test]
    async fn json_alone_is_read_and_no_more_than_a_mebibyte() {
        let json = "application/json";
        let patch = "application/merge-patch+json";
        let long = format!("\"{}\"", "x".repeat(BODY_LEN_MAX));
        for (media, kind, body, expected) in [
            (Media::Json, json, "{}", None),
            (Media::Json, "Application/JSON; charset=utf-8", "{}", None),
            (Media::MergePatch, json, "{}", None),
            (Media::MergePatch, patch, "{}", None),
            (Media::Json, patch, "{}", Some(Code::UnsupportedMediaType)),
            (Media::Json, "", "{}", Some(Code::UnsupportedMediaType)),
            (Media::Json, "text/plain", "{}", Some(Code::UnsupportedMediaType)),
            (Media::Json, json, "", Some(Code::BadRequest)),
            (Media::Json, json, "{} {}", Some(Code::BadRequest)),
            (Media::Json, json, "{\"a\": \"\u{1}\"}", Some(Code::BadRequest)),
            (Media::Json, json, "{\"a\": 1, \"a\": 1}", Some(Code::Invalid)),
            (Media::Json, json, &long, Some(Code::BodyTooLarge)),
            (Media::Bundle, json, &long, None),
            (Media::Bundle, patch, "{}", Some(Code::UnsupportedMediaType)),
        ] {
            let found = code(media, kind, body.to_owned()).await;
            assert_eq!(found, expected, "{kind} {:.20}", body);
        }
    }
}
