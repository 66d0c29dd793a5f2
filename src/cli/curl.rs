//! `attache curl`: a request through the proxy, tagged as a program would tag it.
use super::api::Link;
use super::api::ServerUrl;
use super::api::Trust;
use super::api::secret;
use super::explain::TENANT_ESCAPES;
use super::keys::Progress;
use super::resource::Holder;
use super::stopped::Stopped;
use super::text::plain;
use crate::model::Secret;
use bytes::Bytes;
use clap::Args;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::header;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::body::Incoming;
use percent_encoding::utf8_percent_encode;
use std::fs;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

/// The setting that has the caller's key.
const CALLER_KEY: &str = "ATTACHE_CALLER_KEY";

/// Answers that attache makes itself are named by it.
const ERROR: HeaderName = HeaderName::from_static("attache-error");

/// Sends a request through the proxy, and prints what came back.
#[derive(Args, Clone, Debug)]
pub(super) struct Curl {
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
    #[arg(long = "header", short = 'H', value_name = "HEADER", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The body; @FILE is a file, @- standard input. Its type is application/json unless -H says otherwise
    #[arg(long, short, value_name = "DATA")]
    data: Option<String>,
    /// Show the answer's head too
    #[arg(long, short)]
    include: bool,
    /// Write the body to a file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// End with exit code 1 where the third party answers 400 or more
    #[arg(long, short)]
    fail: bool,
    /// Use the connection's test credentials
    #[arg(long)]
    test: bool,
    /// The proxy listener of a running attache. The caller's key is read from the setting ATTACHE_CALLER_KEY
    #[arg(long, env = "ATTACHE_PROXY_URL", value_name = "URL", default_value = "http://127.0.0.1:8080", value_parser = ServerUrl::parse)]
    proxy: ServerUrl,
    /// A file with the caller's key, where ATTACHE_CALLER_KEY is not set
    #[arg(long, env = "ATTACHE_CALLER_KEY_FILE", value_name = "FILE")]
    caller_key_file: Option<PathBuf>,
    #[command(flatten)]
    trust: Trust,
}

impl Curl {
    /// Exit codes: 0 answered, 1 not answered or attache itself refused, 2 wrong usage.
    pub(super) fn run(self) -> ExitCode {
        super::memory::keep_private();
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return Stopped::Failed(format!("no runtime: {}", error.kind())).tell(),
        };
        runtime.block_on(self.send()).unwrap_or_else(|it| it.tell())
    }

    async fn send(&self) -> Result<ExitCode, Stopped> {
        let request = self.request()?;
        self.proxy.warn_of("the caller's key");
        let mut link =
            Link::open(&self.proxy, "`--proxy` or ATTACHE_PROXY_URL", &self.trust).await?;
        let broken = |it| Stopped::Failed(format!("the link to {} broke: {it}", self.proxy));
        let response = link.send(request).await.map_err(broken)?;
        let own =
            response.headers().get(ERROR).map(|it| plain(&String::from_utf8_lossy(it.as_bytes())));
        let status = response.status();
        // What attache says itself is no answer of the third party's: it is shown, and kept nowhere.
        self.show(response, self.output.as_deref().filter(|_| own.is_none())).await?;
        if let Some(code) = own {
            eprintln!("attache: {} {code}: this is attache's own answer", status.as_u16());
            return Ok(ExitCode::FAILURE);
        }
        let failed = self.fail && status.as_u16() >= 400;
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    async fn show(
        &self,
        response: Response<Incoming>,
        output: Option<&Path>,
    ) -> Result<(), Stopped> {
        let failed = |it: io::Error| Stopped::Failed(format!("the answer: {}", it.kind()));
        let (head, mut body) = response.into_parts();
        let mut out = io::stdout().lock();
        if self.include {
            let mut text = format!("{:?} {}\n", head.version, head.status);
            for (name, value) in &head.headers {
                text.push_str(&format!(
                    "{name}: {}\n",
                    plain(&String::from_utf8_lossy(value.as_bytes()))
                ));
            }
            out.write_all((text + "\n").as_bytes()).map_err(failed)?;
        }
        let mut file = match output {
            None => None,
            Some(path) => Some(fs::File::create(path).map_err(|it| {
                Stopped::Invalid(format!("{} can't be written: {}", path.display(), it.kind()))
            })?),
        };
        let length = head.headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
        let mut progress = file.as_ref().and(length).map(|it| Progress::new(it, "bytes received"));
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|it| Stopped::Failed(format!("the answer broke off: {it}")))?;
            let Ok(data) = frame.into_data() else { continue };
            match &mut file {
                Some(file) => file.write_all(&data).map_err(failed)?,
                None => out.write_all(&data).map_err(failed)?,
            }
            if let Some(progress) = &mut progress {
                progress.add(data.len() as u64);
            }
        }
        if let Some(progress) = progress {
            progress.finish();
        }
        out.flush().map_err(failed)
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, Stopped> {
        let body = self.body()?;
        let default = if body.is_some() { Method::POST } else { Method::GET };
        let slash = if self.target.starts_with('/') { "" } else { "/" };
        let target = format!("{}{slash}{}", self.proxy.base, self.target);
        let mut key = HeaderValue::try_from(self.key()?.expose())
            .map_err(|_| Stopped::Invalid("the caller's key is not visible ASCII".to_owned()))?;
        key.set_sensitive(true);
        let mut request = Request::builder()
            .method(self.method.clone().unwrap_or(default))
            .uri(target)
            .header(header::HOST, &self.proxy.authority)
            .header("attache-key", key)
            .header("attache-connection", &self.holder.connection);
        if let Some(tenant) = &self.holder.tenant {
            let tenant = utf8_percent_encode(tenant, TENANT_ESCAPES).to_string();
            request = request.header("attache-tenant", tenant);
        }
        if self.test {
            request = request.header("attache-test", "true");
        }
        let says = |name| self.headers.iter().any(|it| it.0 == name);
        if body.is_some() && !says(header::CONTENT_TYPE) {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if !says(header::ACCEPT) {
            request = request.header(header::ACCEPT, "*/*");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request
            .body(Full::new(body.unwrap_or_default()))
            .map_err(|it| Stopped::Invalid(format!("`{}`: {it}", plain(&self.target))))
    }

    fn body(&self) -> Result<Option<Bytes>, Stopped> {
        self.data.as_deref().map(data).transpose()
    }

    fn key(&self) -> Result<Secret, Stopped> {
        secret(CALLER_KEY, self.caller_key_file.as_deref())?.ok_or_else(|| {
            Stopped::Invalid(format!(
                "which caller asks? Set {CALLER_KEY} to its key, or name a file with {CALLER_KEY}_FILE \
                 or --caller-key-file"
            ))
        })
    }
}

/// A body as it is typed: itself, or what is in a file.
pub(super) fn data(data: &str) -> Result<Bytes, Stopped> {
    let Some(path) = data.strip_prefix('@') else { return Ok(data.to_owned().into()) };
    let mut bytes = Vec::new();
    let read = match path {
        "-" => io::stdin().read_to_end(&mut bytes),
        path => fs::File::open(path).and_then(|mut it| it.read_to_end(&mut bytes)),
    };
    read.map_err(|it| Stopped::Invalid(format!("{path} can't be read: {}", it.kind())))?;
    Ok(bytes.into())
}

/// For clap.
pub(super) fn header(text: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let (name, value) = text.split_once(':').ok_or("write it as `name: value`")?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| "is not a header's name")?;
    let value = HeaderValue::try_from(value.trim()).map_err(|_| "is not a header's value")?;
    Ok((name, value))
}
