//! `attache try`: a request as the console tries it out: no caller's key is needed, and what went upstream is shown.
use super::api;
use super::api::Ask;
use super::api::Client;
use super::api::Remote;
use super::api::path;
use super::curl;
use super::resource::Holder;
use super::resource::Output;
use super::stopped::Stopped;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use serde_json::Value;
use serde_json::json;
use std::process::ExitCode;

/// Sends a request through the proxy as an operator, and shows what went upstream and what came back.
#[derive(Args, Clone, Debug)]
pub(super) struct Try {
    /// The connection, and the tenant where it is embedded
    #[arg(value_name = "CONNECTION[@TENANT]")]
    holder: Holder,
    /// The path and query, below the connection's base URL
    #[arg(value_name = "PATH")]
    target: String,
    /// The method. Default: GET, with --data POST
    #[arg(long = "request", short = 'X', value_name = "METHOD", value_parser = |it: &str| Method::try_from(it).map_err(|_| "is not a method"))]
    method: Option<Method>,
    /// A header, as `name: value`; may be given several times
    #[arg(long = "header", short = 'H', value_name = "HEADER", value_parser = curl::header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The body; @FILE is a file, @- standard input. Its type is application/json unless -H says otherwise
    #[arg(long, short, value_name = "DATA")]
    data: Option<String>,
    /// Use the connection's test credentials
    #[arg(long)]
    test: bool,
    #[command(flatten)]
    remote: Remote,
    /// How the answer is shown
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl Try {
    pub(super) fn run(self) -> ExitCode {
        let remote = self.remote.clone();
        api::run(remote, async move |mut client| self.done(&mut client).await)
    }

    async fn done(self, client: &mut Client) -> Result<(), Stopped> {
        let ask = Ask::new(Method::POST, path(["try"])).body(self.wanted()?);
        // Never sent twice: nobody could say what that does at the API.
        let mut answer = Vec::new();
        client.download(ask, &mut answer).await?;
        let strange = |_| Stopped::Failed("what was answered is no JSON".to_owned());
        self.output.one(&serde_json::from_slice(&answer).map_err(strange)?)
    }

    fn wanted(&self) -> Result<Value, Stopped> {
        let body = self.data.as_deref().map(curl::data).transpose()?;
        let default = if body.is_some() { Method::POST } else { Method::GET };
        let says_type = self.headers.iter().any(|it| it.0 == http::header::CONTENT_TYPE);
        let kind = (body.is_some() && !says_type).then_some(["content-type", "application/json"]);
        let text = |it: &HeaderValue| String::from_utf8_lossy(it.as_bytes()).into_owned();
        let mut headers: Vec<Value> =
            self.headers.iter().map(|(name, value)| json!([name.as_str(), text(value)])).collect();
        headers.extend(kind.map(|it| json!(it)));
        let mut wanted = json!({
            "connection": self.holder.connection,
            "test": self.test,
            "method": self.method.as_ref().unwrap_or(&default).as_str(),
            "path": self.target,
            "headers": headers,
        });
        if let Some(tenant) = &self.holder.tenant {
            wanted["tenant"] = tenant.clone().into();
        }
        match body.as_deref().map(|it| (str::from_utf8(it), it)) {
            None => {}
            Some((Ok(text), _)) => wanted["body"] = text.into(),
            Some((Err(_), bytes)) => wanted["body_base64"] = BASE64_STANDARD.encode(bytes).into(),
        }
        Ok(wanted)
    }
}
