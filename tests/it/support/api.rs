//! An operator at the admin API.
use super::Gateway;
use super::Response;
use super::gateway::ADMIN_TOKEN;
use super::raw_request;
use serde_json::Value;
use std::net::SocketAddr;

/// Somebody with a token.
#[derive(Clone)]
pub struct Operator {
    admin: SocketAddr,
    token: String,
}

/// What the API answered.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub response: Response,
}

impl Gateway {
    /// With the token of the configuration.
    pub fn operator(&self) -> Operator {
        Operator { admin: self.admin, token: ADMIN_TOKEN.to_owned() }
    }
}

impl Operator {
    /// With the token of the configuration, of a gateway of another process.
    pub fn at(admin: SocketAddr) -> Self {
        Self { admin, token: ADMIN_TOKEN.to_owned() }
    }

    /// Another operator of the same gateway.
    pub fn with_token(&self, token: &str) -> Self {
        Self { admin: self.admin, token: token.to_owned() }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "", None).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send("PUT", path, "", Some(body)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send("POST", path, "", Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send("PATCH", path, "", Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, "", None).await
    }

    /// A body that is no JSON value. `fields` as in `send`.
    pub async fn post_document(&self, path: &str, fields: &str, document: &str) -> Reply {
        self.send_text("POST", path, fields, document).await
    }

    /// A request's head, for those who send the body themselves.
    pub fn head(&self, method: &str, path: &str, fields: &str, len: usize) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: admin\r\nAuthorization: Bearer {}\r\n{fields}\
             Content-Length: {len}\r\n\r\n",
            self.token,
        )
    }

    /// `fields`: header fields, each ending in `\r\n`.
    pub async fn send(&self, method: &str, path: &str, fields: &str, body: Option<Value>) -> Reply {
        let text = body.map(|it| it.to_string()).unwrap_or_default();
        let kind = match (method, text.is_empty()) {
            (_, true) => "",
            ("PATCH", _) => "Content-Type: application/merge-patch+json\r\n",
            _ => "Content-Type: application/json\r\n",
        };
        self.send_text(method, path, &format!("{kind}{fields}"), &text).await
    }

    async fn send_text(&self, method: &str, path: &str, fields: &str, text: &str) -> Reply {
        let request = format!("{}{text}", self.head(method, path, fields, text.len()));
        let response = raw_request(self.admin, request).await;
        let body = serde_json::from_slice(&response.body).unwrap_or_default();
        Reply { status: response.status, body, response }
    }
}

impl Reply {
    /// The answer, which has to have this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.response.text());
        self
    }

    /// The answer, which has to be this problem.
    #[track_caller]
    pub fn problem(self, code: &str) -> Self {
        assert_eq!(self.response.code().as_deref(), Some(code), "{}", self.response.text());
        self
    }

    pub fn etag(&self) -> &str {
        self.response.field("etag").expect("it names its version")
    }

    pub fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_else(|| panic!("{member} is a text: {}", self.body))
    }

    /// The pointers of what is wrong.
    pub fn pointers(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().expect("it says what is wrong");
        errors.iter().filter_map(|it| it["pointer"].as_str()).collect()
    }

    /// The keys of a list's items.
    pub fn keys(&self) -> Vec<&str> {
        let items = self.body["items"].as_array().expect("it is a list");
        items.iter().filter_map(|it| it["key"].as_str()).collect()
    }
}
