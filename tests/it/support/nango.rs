//! Nango's API, as its documentation shows its answers: connections in pages, and each with its credentials.
use super::wire::Framing;
use super::wire::Reader;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;

/// A server with these connections. Gone when dropped.
pub struct NangoServer {
    pub url: String,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

struct State {
    key: &'static str,
    /// Each with its credentials, as `GET /connections/{id}` gives it.
    connections: Vec<Value>,
    /// It lists everything at once, and refuses what it does not know.
    is_old: bool,
    /// Of so many next questions it has no time for any.
    busy: AtomicUsize,
    asked: Mutex<Vec<String>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl NangoServer {
    pub async fn start(key: &'static str, connections: Vec<Value>, is_old: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(State {
            key,
            connections,
            is_old,
            busy: AtomicUsize::new(0),
            asked: Mutex::default(),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        });
        let own = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                links.spawn(serve(stream, Arc::clone(&own)));
            }
        });
        Self { url: format!("http://{address}"), state, accepting }
    }

    /// It has no time for so many next questions.
    pub fn is_busy_for(&self, questions: usize) {
        self.state.busy.store(questions, SeqCst);
    }

    /// The targets of all questions so far.
    pub fn asked(&self) -> Vec<String> {
        self.state.asked.lock().expect("no holder panics").clone()
    }

    pub fn most_at_once(&self) -> usize {
        self.state.most_at_once.load(SeqCst)
    }
}

impl Drop for NangoServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let mut reader = Reader::new(stream);
    while let Ok(Some(head)) = reader.head().await {
        let framing = Framing::of(&head, Framing::Length(0));
        let Ok(_) = reader.body(framing).await else { return };
        let now = state.at_once.fetch_add(1, SeqCst) + 1;
        state.most_at_once.fetch_max(now, SeqCst);
        let target = head.first_line().split(' ').nth(1).unwrap_or_default().to_owned();
        let (status, fields, body) = state.answer(&target, head.field("authorization"));
        state.asked.lock().expect("no holder panics").push(target);
        // Whoever asks at the same time is here at the same time.
        tokio::task::yield_now().await;
        state.at_once.fetch_sub(1, SeqCst);
        let body = body.to_string();
        let answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{fields}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if reader.stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

impl State {
    fn answer(&self, target: &str, key: Option<&str>) -> (u16, &'static str, Value) {
        let error = |code: &str| json!({ "error": { "code": code, "message": "canary" } });
        if key != Some(&*format!("Bearer {}", self.key)) {
            return (401, "", error("unknown_account"));
        }
        let busy = self.busy.fetch_update(SeqCst, SeqCst, |it| it.checked_sub(1));
        if busy.is_ok() {
            return (429, "Retry-After: 0\r\n", error("too_many_request"));
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let of = |name: &str| {
            let found = url::form_urlencoded::parse(query.as_bytes()).find(|it| it.0 == name);
            found.map(|it| it.1.into_owned())
        };
        if path == "/connections" {
            let (limit, page) = (of("limit"), of("page"));
            if self.is_old && limit.or(page).is_some() {
                return (400, "", error("invalid_query_params"));
            }
            let number =
                |it: Option<String>, none| it.and_then(|it| it.parse().ok()).unwrap_or(none);
            // Newer ones give fewer than they are asked for.
            let most = if self.is_old { 10_000 } else { 100 };
            let (limit, page) = (number(of("limit"), most).min(most), number(of("page"), 0));
            let all = self.connections.iter().skip(limit * page).take(limit);
            let listed: Vec<Value> = all.map(listed).collect();
            return (200, "", json!({ "connections": listed }));
        }
        let folder = if self.is_old { "/connection/" } else { "/connections/" };
        let Some(id) = path.strip_prefix(folder) else {
            return (404, "", error("not_found"));
        };
        let id = percent_encoding::percent_decode_str(id).decode_utf8_lossy();
        let (of_integration, wants_refresh) = (of("provider_config_key"), of("refresh_token"));
        let found = self.connections.iter().find(|it| {
            it["connection_id"] == *id
                && it["provider_config_key"].as_str() == of_integration.as_deref()
        });
        match found {
            None => (404, "", error("unknown_connection")),
            Some(it) if it["credentials"].is_null() => (424, "", error("invalid_credentials")),
            Some(it) if it["credentials"] == "broken" => {
                (500, "Retry-After: 0\r\n", error("broken"))
            }
            Some(it) => {
                let mut it = it.clone();
                if wants_refresh.as_deref() != Some("true") {
                    it["credentials"].as_object_mut().expect("an object").remove("refresh_token");
                }
                (200, "", it)
            }
        }
    }
}

/// As the list has it: without credentials.
fn listed(connection: &Value) -> Value {
    json!({
        "id": connection["id"], "connection_id": connection["connection_id"], "provider": "any",
        "provider_config_key": connection["provider_config_key"], "created": "2023-06-03T14:53:22.051Z",
        "metadata": null, "errors": [], "end_user": connection["end_user"], "tags": {},
    })
}
