//! `attache webhook sign`: a request that is signed as a sender does.
mod curl;

use super::request;
use super::request::header_field;
use super::sender;
use super::sender::SenderArgs;
use super::when;
use crate::app;
use crate::cli::stopped::Stopped;
use crate::model::UnixTime;
use crate::webhook::Unsigned;
use clap::ArgGroup;
use clap::Args;
use curl::Body;
use curl::Line;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::header::CONTENT_TYPE;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

pub(super) const EXAMPLES: &str = "\
Examples:
  attache webhook sign --preset stripe --secret-file secret --url http://127.0.0.1:9000/hooks --body event.json
  attache webhook sign --preset github --secret-env GITHUB_SECRET --url https://hooks.example.com/hooks/gh --raw";

/// Prints a curl line, for a shell to run, or the request itself; sends nothing.
#[derive(Args, Clone, Debug)]
#[command(group(ArgGroup::new("signed").required(true).args(["preset", "description", "connection"])))]
pub(in crate::cli) struct Sign {
    #[command(flatten)]
    sender: SenderArgs,
    /// The URL that the sender calls, and signs where it signs one
    #[arg(long, value_name = "URL", value_parser = url)]
    url: String,
    /// Where it goes instead, without a path: http://127.0.0.1:8082
    #[arg(long, value_name = "URL", value_parser = origin)]
    to: Option<String>,
    /// A header beside those of the signature, as `name: value`; may be given several times
    #[arg(long = "header", short = 'H', value_name = "HEADER", value_parser = header_field)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The file with the body's bytes; - is standard input. Default: no body
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// The method
    #[arg(long, short = 'X', value_name = "METHOD", default_value = "POST", value_parser = |it: &str| Method::try_from(it).map_err(|_| "is not a method"))]
    method: Method,
    /// The sender's clock: seconds since 1970, or as in 2027-01-31T12:00:00Z. Default: now
    #[arg(long, value_name = "WHEN", value_parser = when::when)]
    at: Option<UnixTime>,
    /// The request as raw HTTP, instead of a curl line
    #[arg(long)]
    raw: bool,
}

impl Sign {
    pub(super) fn run(self) -> Result<ExitCode, Stopped> {
        let sender = self.sender.read()?;
        let verifier = sender::verifier(&sender)?;
        let body = self.body.as_deref().map(request::bytes).transpose()?.unwrap_or_default();
        let headers = self.headers(&body);
        let unsigned = Unsigned {
            method: self.method.as_str(),
            url: &self.url,
            headers: &headers,
            body: &body,
        };
        let signed = verifier
            .sign(unsigned, self.at.unwrap_or_else(app::now))
            .map_err(|it| Stopped::Invalid(format!("it can't be signed here: {it}")))?;
        let called = self.called(&signed.url);
        let text = if self.raw {
            curl::raw(&self.method, &called, &signed.headers, &signed.body)?
        } else {
            let line = Line { method: &self.method, url: &called, headers: &signed.headers };
            line.text(self.given(&signed.body)?).into_bytes()
        };
        let written = io::stdout().write_all(&text);
        written.map_err(|it| Stopped::Failed(format!("the request: {}", it.kind())))?;
        Ok(ExitCode::SUCCESS)
    }

    /// What was asked for, and a content type where none was.
    fn headers(&self, body: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        if !body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
            let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
            let media_type =
                if is_json { "application/json" } else { "application/x-www-form-urlencoded" };
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        headers
    }

    /// The URL that is called for one that is signed.
    fn called(&self, signed: &str) -> String {
        let Some(origin) = &self.to else { return signed.to_owned() };
        let rest = signed.split_once("://").map_or(signed, |it| it.1);
        let path = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
        format!("{origin}{path}")
    }

    /// The body as a shell has it: its file, or its text.
    fn given<'s>(&'s self, signed: &'s [u8]) -> Result<Body<'s>, Stopped> {
        match &self.body {
            None => Ok(Body::None),
            Some(path) if path != Path::new("-") => Ok(Body::File(path)),
            Some(_) => match std::str::from_utf8(signed) {
                Ok(text) if !text.contains('\0') => Ok(Body::Text(text)),
                _ => Err(Stopped::Invalid(
                    "a body that is no text goes into no command: name its file, or use --raw"
                        .to_owned(),
                )),
            },
        }
    }
}

/// For clap.
fn url(text: &str) -> Result<String, &'static str> {
    const DUE: &str = "write it as https://hooks.example.com/hooks/github";
    let parsed = url::Url::parse(text).map_err(|_| DUE)?;
    let is_http = matches!(parsed.scheme(), "http" | "https") && parsed.has_host();
    let is_plain = text.bytes().all(|it| it.is_ascii_graphic());
    if is_http && is_plain && parsed.fragment().is_none() { Ok(text.to_owned()) } else { Err(DUE) }
}

/// For clap.
fn origin(text: &str) -> Result<String, &'static str> {
    let text = url(text)?;
    let rest = text.split_once("://").map_or("", |it| it.1);
    if rest.trim_end_matches('/').contains(['/', '?']) {
        return Err("has a path: that of --url is used");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_as_it_is_written() {
        for good in ["https://a.example/x?y=%2F", "http://127.0.0.1:8082", "https://a.example//x"] {
            assert_eq!(url(good).as_deref(), Ok(good));
        }
        for bad in
            ["a.example", "ftp://a.example", "https://a.example/ x", "https://a.example/#x", ""]
        {
            assert!(url(bad).is_err(), "{bad}");
        }
        assert_eq!(origin("http://127.0.0.1:8082/").as_deref(), Ok("http://127.0.0.1:8082"));
        assert!(origin("http://127.0.0.1:8082/x").is_err());
    }
}
