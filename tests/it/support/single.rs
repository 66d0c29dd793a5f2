//! Gateways with the one connection `api`, and requests through it.
use super::CALLER_KEY;
use super::Gateway;
use super::RawClient;
use super::Response;
use super::raw_request;

const ALLOW: &str = "egress: { allow: [127.0.0.0/8] }\n";

impl Gateway {
    /// In front of this URL, with nothing put on, and these further settings of the connection.
    pub fn plain(url: &str, settings: &str) -> Self {
        Self::start(&format!("{ALLOW}{}", plain_api(url, settings)))
    }

    /// The same with nothing allowed but public addresses.
    pub fn guarded(url: &str, settings: &str) -> Self {
        Self::start(&plain_api(url, settings))
    }

    /// GET through `api`.
    pub async fn ask(&self, path: &str) -> Response {
        self.raw(tagged("GET", path, "", "")).await
    }

    /// A request through `api`, with these further field lines.
    pub async fn through(&self, method: &str, path: &str, fields: &str, body: &str) -> Response {
        self.raw(tagged(method, path, fields, body)).await
    }

    /// Exactly these bytes to the proxy, on a link of their own.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> Response {
        raw_request(self.proxy, bytes).await
    }

    pub async fn client(&self) -> RawClient {
        RawClient::connect(self.proxy).await
    }

    /// The value of the metric's samples whose labels include all of these, added up.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.admin("/metrics").await.text();
        let samples = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|it| it.starts_with(['{', ' ']))
                && labels.iter().all(|it| line.contains(it))
        });
        samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

/// A request through the connection `api`; a body gets its Content-Length.
pub fn tagged(method: &str, path: &str, fields: &str, body: &str) -> String {
    let length = match body.len() {
        0 => String::new(),
        it => format!("Content-Length: {it}\r\n"),
    };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: gateway\r\nAttache-Key: {CALLER_KEY}\r\n\
         Attache-Connection: api\r\n{length}{fields}\r\n{body}"
    )
}

fn plain_api(url: &str, settings: &str) -> String {
    format!(
        "connectors:\n  api: {{ base_url: \"{url}\", auth: {{ m: {{ none: {{}} }} }} }}\n\
         connections:\n  api: {{ connector: api, auth: m, {settings} }}\n"
    )
}
