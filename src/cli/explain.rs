//! `attache explain`: the request that would be sent, and the rule behind each change; sends nothing.
//!
//! It asks the same functions as the proxy does, so it can't tell another story.
mod story;

use crate::catalog::Caller;
use crate::catalog::Fetched;
use crate::catalog::Snapshot;
use crate::config::ConfigError;
use crate::model::Code;
use crate::model::Key;
use crate::proxy;
use crate::reload;
use crate::resolve;
use clap::Args;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Uri;
use http::header::HOST;
use http::request::Parts;
use percent_encoding::AsciiSet;
use percent_encoding::CONTROLS;
use percent_encoding::utf8_percent_encode;
use std::io;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Prints, without sending it, the request that would go out, and the rule behind each change.
#[derive(Args, Clone, Debug)]
pub struct Explain {
    /// A file or a folder of files; may be given several times
    #[arg(long, env = "ATTACHE_CONFIG", value_name = "PATH", required = true)]
    config: Vec<PathBuf>,
    /// The connection, as in `Attache-Connection`
    #[arg(long, value_name = "KEY", conflicts_with_all = ["environment", "connector"])]
    connection: Option<String>,
    /// The environment, as in `Attache-Environment`
    #[arg(long, value_name = "KEY", requires = "connector")]
    environment: Option<String>,
    /// The connector in that environment, as in `Attache-Connector`
    #[arg(long, value_name = "KEY", requires = "environment")]
    connector: Option<String>,
    /// The tenant, as it is: it is percent-encoded for `Attache-Tenant`
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    /// Ask as this caller of the configuration; without it, as one that may do everything
    #[arg(long, value_name = "KEY")]
    caller: Option<String>,
    /// A request header, as `name: value`; may be given several times
    #[arg(long = "header", short = 'H', value_name = "HEADER", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The request's method
    #[arg(value_parser = |text: &str| Method::try_from(text).map_err(|_| "is not a method"))]
    method: Method,
    /// The request's path and query, with a path tag before it where no tag is given otherwise
    #[arg(value_name = "PATH", value_parser = target)]
    target: Uri,
}

/// The request, or why it would be answered instead.
type Told = Result<String, (Code, String)>;

/// What a tenant id's header has percent-encoded (docs/contract.md §3).
pub(super) const TENANT_ESCAPES: &AsciiSet = &CONTROLS.add(b' ').add(b',').add(b'%');

impl Explain {
    /// Exit codes: 0 told, 1 the request would be refused, 2 invalid configuration or usage.
    pub fn run(self) -> ExitCode {
        let loaded = match reload::load(&self.config, &|name| std::env::var(name).ok()) {
            Ok(loaded) => loaded,
            Err(errors) => return failed(&errors),
        };
        match self.tell(&loaded.snapshot) {
            Err(usage) => written(io::stderr(), &format!("{usage}\n"), ExitCode::from(2)),
            Ok(Ok(story)) => written(io::stdout(), &story, ExitCode::SUCCESS),
            Ok(Err((code, why))) => {
                let text = format!("{} {}: {why}\n", code.status(), code.as_str());
                written(io::stdout(), &text, ExitCode::FAILURE)
            }
        }
    }

    /// The story of this request in this snapshot; outside, what is wrong with the question.
    pub fn tell(&self, snapshot: &Snapshot) -> Result<Told, String> {
        let caller = self.caller(snapshot)?;
        let head = self.head()?;
        Ok(told(snapshot, &caller, &head))
    }

    fn caller(&self, snapshot: &Snapshot) -> Result<Caller, String> {
        let Some(key) = &self.caller else {
            let anyone = Key::try_from("anyone").map_err(|it| it.to_string())?;
            return Ok(Caller::unlimited(anyone));
        };
        let caller = snapshot.caller(key);
        caller.map(|it| (**it).clone()).ok_or_else(|| format!("there is no caller `{key}`"))
    }

    /// The head as a caller would send it.
    fn head(&self) -> Result<Parts, String> {
        let request = Request::builder().method(self.method.clone()).uri(self.target.clone());
        let (mut head, ()) = request.body(()).map_err(|it| it.to_string())?.into_parts();
        for (name, value) in &self.headers {
            head.headers.append(name.clone(), value.clone());
        }
        let tenant = self.tenant.as_deref();
        let tenant = tenant.map(|it| utf8_percent_encode(it, TENANT_ESCAPES).to_string());
        for (name, value) in [
            ("attache-connection", &self.connection),
            ("attache-environment", &self.environment),
            ("attache-connector", &self.connector),
            ("attache-tenant", &tenant),
        ] {
            let Some(value) = value else { continue };
            let value = HeaderValue::try_from(value).map_err(|_| format!("{name}: {value:?}"))?;
            head.headers.append(name, value);
        }
        if !head.headers.contains_key(HOST) {
            head.headers.insert(HOST, HeaderValue::from_static("127.0.0.1:8080"));
        }
        Ok(head)
    }
}

fn told(snapshot: &Snapshot, caller: &Caller, head: &Parts) -> Told {
    proxy::check(head, proxy::Asks::of(&head.headers))
        .map_err(|it| (it.verdict().code, it.detail()))?;
    let refused = |it: resolve::ResolveError| (it.code(), it.to_string());
    let tags = resolve::tags(head).map_err(refused)?;
    let target = resolve::resolve(snapshot, &tags, caller, &head.method, Fetched::NoStore)
        .map_err(refused)?;
    Ok(story::story(head, &tags, &target))
}

fn failed(errors: &[ConfigError]) -> ExitCode {
    let text: String = errors.iter().map(|it| format!("{it}\n")).collect();
    written(io::stderr(), &text, ExitCode::from(2))
}

fn written(mut to: impl Write, text: &str, code: ExitCode) -> ExitCode {
    if to.write_all(text.as_bytes()).is_err() { ExitCode::FAILURE } else { code }
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it as `name: value`")?;
    let name = HeaderName::try_from(name).map_err(|_| format!("`{name}` is no header name"))?;
    let value = HeaderValue::try_from(value.trim()).map_err(|_| "the value can't be sent")?;
    Ok((name, value))
}

fn target(text: &str) -> Result<Uri, String> {
    Uri::try_from(text).map_err(|it| it.to_string())
}

#[cfg(test)]
mod tests;
