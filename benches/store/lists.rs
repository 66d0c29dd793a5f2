//! What an operator's console asks of the admin API: pages of lists, searches, how many there are.
use super::Result;
use super::caller::Times;
use serde_json::Value;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Of the admin API; no secret.
pub(super) const TOKEN: &str = "the-operator-s-token-0123";

/// Pages of a list that are gone through at most.
const PAGES: usize = 500;

/// How often each search is begun.
const ROUNDS: usize = 10;

/// Where the admin API is asked.
#[derive(Clone, Copy)]
pub(super) struct Lists {
    pub(super) admin: SocketAddr,
}

impl Lists {
    /// Makes stored connections, one request for each, and names of tenants.
    pub(super) async fn fill(self, connections: u32) -> Result<Duration> {
        let since = Instant::now();
        for number in 0..connections {
            let connection = json!({
                "key": format!("connection-{number:05}"), "name": format!("Customer {number}"),
                "connector": "api", "auth": "m", "credentials": { "token": format!("token-{number}") },
            });
            self.ask("POST", "/v1/connections", Some(&connection)).await?;
        }
        let took = since.elapsed();
        for number in 0..1000 {
            let tenant =
                json!({ "key": super::tenant(number * 997), "name": format!("Company {number}") });
            self.ask("POST", "/v1/tenants", Some(&tenant)).await?;
        }
        Ok(took)
    }

    /// A row for each list and each search.
    pub(super) async fn tell(self) -> Result<()> {
        println!(
            "\n| asked of the admin API | an answer: p50 / p99 / most | to the end |\n|---|---|---|"
        );
        let activations = "/v1/connections/stored/activations";
        for list in ["/v1/connections", "/v1/tenants", activations] {
            let (times, pages) = self.walk(&format!("{list}?limit=50")).await?;
            println!("| `{list}?limit=50`, {pages} pages one after another | {times} | |");
        }
        let (connection, tenant) = ("connection-09999", "tenant-0999999");
        for (list, searches) in [
            ("/v1/connections", [connection, "99", "nobody"]),
            ("/v1/tenants", [tenant, "999", "nobody"]),
            (activations, [tenant, "999", "nobody"]),
        ] {
            for words in searches {
                self.tell_search(list, words).await?;
            }
        }
        let mut counted = Vec::new();
        for _ in 0..3 {
            counted.push(format!("{:.0}", ms(self.ask("GET", "/v1/overview", None).await?.1)));
        }
        println!("| `/v1/overview` three times | {} ms | |", counted.join(", "));
        Ok(())
    }

    async fn tell_search(self, list: &str, words: &str) -> Result<()> {
        let path = format!("{list}?limit=50&q={words}");
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            times.push(self.ask("GET", &path, None).await?.1);
        }
        let since = Instant::now();
        let (each, pages) = self.walk(&path).await?;
        let end = if pages < PAGES { "" } else { ", not at the end then" };
        println!(
            "| `{list}?q={words}` | {} (all pages: {each}) | {pages} pages in {:.0} ms{end} |",
            Times::of(times),
            ms(since.elapsed())
        );
        Ok(())
    }

    /// Page after page to the end, or [`PAGES`] of them.
    async fn walk(self, path: &str) -> Result<(Times, usize)> {
        let (mut times, mut cursor) = (Vec::new(), String::new());
        loop {
            let (page, took) = self.ask("GET", &format!("{path}{cursor}"), None).await?;
            times.push(took);
            match page["next"].as_str() {
                Some(next) if times.len() < PAGES => cursor = format!("&cursor={next}"),
                _ => break,
            }
        }
        let pages = times.len();
        Ok((Times::of(times), pages))
    }

    /// An answer's body, and how long it took with the link that it was asked over.
    async fn ask(
        self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(Value, Duration)> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let since = Instant::now();
        let mut link = TcpStream::connect(self.admin).await?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.admin,
            body.len()
        );
        link.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        link.read_to_string(&mut answer).await?;
        let took = since.elapsed();
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no whole answer")?;
        if !head.starts_with("HTTP/1.1 20") {
            return Err(format!("{method} {path}: {answer}").into());
        }
        Ok((serde_json::from_str(body)?, took))
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
