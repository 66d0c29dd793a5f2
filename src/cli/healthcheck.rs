//! `attache healthcheck`: asks a running attache whether it is ready, for containers without curl.
use crate::model::TimeSpan;
use crate::model::UnitError;
use clap::Args;
use std::io;
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Longest answer that is read, in bytes.
const ANSWER_LEN_MAX: u64 = 16 * 1024;

/// Asks a running attache whether it is ready. Exits with 0 or 1.
#[derive(Args, Clone, Debug)]
pub struct Healthcheck {
    /// The admin listener: host and port
    #[arg(long, env = "ATTACHE_ADMIN", value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    admin: String,
    /// How long the answer may take
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_timeout)]
    timeout: Duration,
}

/// Why attache is not known to be ready.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unready {
    #[error("`{0}` is not an admin listener: write host and port, such as 127.0.0.1:8081")]
    NoAddress(String),
    #[error("a listener with TLS is not asked here: look at /readyz with a client that trusts it")]
    Tls,
    #[error("{address} can't be asked: {reason}")]
    Link { address: String, reason: io::ErrorKind },
    #[error("{address} did not answer in time")]
    TimedOut { address: String },
    #[error("{address} does not answer like attache")]
    NotAttache { address: String },
    #[error("{address} is not ready: {status} {details}")]
    NotReady { address: String, status: u16, details: String },
}

impl Healthcheck {
    pub fn run(self) -> ExitCode {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                eprintln!("attache: the check can't be made: {}", error.kind());
                return ExitCode::FAILURE;
            }
        };
        match runtime.block_on(check(&self.admin, self.timeout)) {
            Ok(details) => {
                println!("{details}");
                ExitCode::SUCCESS
            }
            Err(unready) => {
                eprintln!("attache: {unready}");
                ExitCode::FAILURE
            }
        }
    }
}

/// What `GET /readyz` says where it says yes. `admin`: `host:port`, or the `http://` URL of it.
pub async fn check(admin: &str, timeout: Duration) -> Result<String, Unready> {
    if admin.starts_with("https://") {
        return Err(Unready::Tls);
    }
    let address = admin.strip_prefix("http://").unwrap_or(admin);
    let address = address.strip_suffix('/').unwrap_or(address);
    let is_address = address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok() && address.bytes().all(is_address_byte)
    });
    if !is_address {
        return Err(Unready::NoAddress(admin.to_owned()));
    }
    let answer = tokio::time::timeout(timeout, ask(address))
        .await
        .map_err(|_| Unready::TimedOut { address: address.to_owned() })?
        .map_err(|it| Unready::Link { address: address.to_owned(), reason: it.kind() })?;
    read(address, &answer)
}

fn is_address_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-' | b'_' | b'[' | b']')
}

#[expect(clippy::disallowed_methods, reason = "the operator names this address: their own attache")]
async fn ask(address: &str) -> io::Result<Vec<u8>> {
    let mut link = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    link.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    link.take(ANSWER_LEN_MAX).read_to_end(&mut answer).await?;
    Ok(answer)
}

/// The status decides (RFC 9112 §4); the body is told.
fn read(address: &str, answer: &[u8]) -> Result<String, Unready> {
    let text = String::from_utf8_lossy(answer);
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|it| it.get(..3)?.parse().ok());
    let (Some(status), Some((_, body))) = (status, text.split_once("\r\n\r\n")) else {
        return Err(Unready::NotAttache { address: address.to_owned() });
    };
    let details: String = body.trim().chars().filter(|it| !it.is_control()).collect();
    match status {
        200 => Ok(details),
        _ => Err(Unready::NotReady { address: address.to_owned(), status, details }),
    }
}

fn parse_timeout(text: &str) -> Result<Duration, UnitError> {
    TimeSpan::try_from(text).map(|it| it.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    const LONG_ENOUGH: Duration = Duration::from_secs(10);

    /// What the check says of a listener that answers so; the request that it got.
    async fn checked(answer: &'static [u8]) -> (Result<String, Unready>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serve = async {
            let (mut link, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 1024];
            let length = link.read(&mut request).await.unwrap();
            link.write_all(answer).await.unwrap();
            request.truncate(length);
            String::from_utf8(request).unwrap()
        };
        tokio::join!(check(&address, LONG_ENOUGH), serve)
    }

    #[tokio::test]
    async fn ready_is_what_answers_200() {
        let (said, request) =
            checked(b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"ready\":true}").await;
        assert_eq!(said.unwrap(), r#"{"ready":true}"#);
        assert!(request.starts_with("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
    }

    #[tokio::test]
    async fn anything_else_is_not() {
        let (said, _) = checked(b"HTTP/1.1 503 Service Unavailable\r\n\r\n{\x1b[2J}").await;
        assert!(
            matches!(said, Err(Unready::NotReady { status: 503, details, .. }) if details == "{[2J}")
        );
        let strange: [&[u8]; 5] = [
            b"",
            b"hello",
            b"HTTP/1.1 200 OK",
            b"HTTP/1.1 2x0 OK\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        ];
        for answer in strange {
            let (said, _) = checked(answer).await;
            assert!(matches!(said, Err(Unready::NotAttache { .. })), "{said:?}");
        }
    }

    #[tokio::test]
    async fn nobody_there_is_a_failure_that_names_the_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let said = check(&address, LONG_ENOUGH).await.unwrap_err();
        assert_eq!(said, Unready::Link { address, reason: io::ErrorKind::ConnectionRefused });
    }

    #[tokio::test]
    async fn a_silent_listener_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let said = check(&address, Duration::from_millis(20)).await;
        assert!(matches!(said, Err(Unready::TimedOut { .. })), "{said:?}");
    }

    #[tokio::test]
    async fn what_is_no_address_is_not_asked() {
        let no = |it: &str| Err(Unready::NoAddress(it.to_owned()));
        for bad in
            ["", "localhost", ":8081", "localhost:x", "a b:1", "http://a:1/x", "a:1\r\nX: y:2"]
        {
            assert_eq!(check(bad, LONG_ENOUGH).await, no(bad), "{bad:?}");
        }
        assert_eq!(check("https://127.0.0.1:8081", LONG_ENOUGH).await, Err(Unready::Tls));
    }
}
