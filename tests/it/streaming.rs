//! Large bodies pass both ways without being held: the program's memory stays flat.
use crate::support::CALLER_KEY;
use crate::support::Process;
use std::net::SocketAddr;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

/// Bytes each way: 128 MiB, or a whole GiB where the long tests run (`ATTACHE_TEST_LONG`).
fn size() -> usize {
    if std::env::var_os("ATTACHE_TEST_LONG").is_some() { 1 << 30 } else { 128 << 20 }
}

/// Most that the resident memory may grow while a body passes: buffers of both links, and what the
/// allocator keeps.
const GROWTH_MAX_KIB: u64 = 16 * 1024;

const PIECE: usize = 64 * 1024;

/// Answers a GET with `size` bytes, and a PUT, once it is read to its end, with how many came.
async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

async fn serve(mut stream: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let piece = vec![b'x'; PIECE];
    if head.starts_with(b"GET") {
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", size());
        stream.write_all(head.as_bytes()).await.expect("the head is taken");
        for _ in 0..size() / PIECE {
            stream.write_all(&piece).await.expect("the body is taken");
        }
        return;
    }
    let (mut came, mut buffer) = (0, piece);
    while came < size() {
        came += stream.read(&mut buffer).await.expect("the body comes");
    }
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{came}",
        came.to_string().len()
    );
    stream.write_all(answer.as_bytes()).await.expect("the answer is taken");
}

#[tokio::test]
async fn large_bodies_pass_both_ways_and_memory_stays_flat() {
    let address = upstream().await;
    let configuration = format!(
        r#"
log: {{ access: "off" }}
server:
  proxy: {{ listen: "127.0.0.1:0", workers: 1 }}
  admin: {{ listen: "127.0.0.1:0", token: an-admin-token-of-the-tests }}
  public: {{ listen: "127.0.0.1:0" }}
  shutdown: {{ ready_delay: 0s, drain: 1s }}
egress: {{ allow: [127.0.0.0/8] }}
callers: {{ runtime: {{ key: {CALLER_KEY} }} }}
connectors: {{ big: {{ base_url: "http://{address}", auth: {{ open: {{ none: {{}} }} }} }} }}
connections: {{ big: {{ connector: big, auth: open }} }}
"#
    );
    let folder = TempDir::new().expect("a folder for temporary files");
    let process = Process::serve(folder, &configuration).await;
    let before = process.resident_kib("VmRSS");
    let tags = format!(
        "Host: g\r\nAttache-Key: {CALLER_KEY}\r\nAttache-Connection: big\r\nConnection: close\r\n"
    );

    let mut down = TcpStream::connect(process.proxy).await.expect("it listens");
    down.write_all(format!("GET /x HTTP/1.1\r\n{tags}\r\n").as_bytes()).await.expect("it is taken");
    let (mut came, mut buffer) = (0, vec![0; PIECE]);
    loop {
        match down.read(&mut buffer).await.expect("it comes") {
            0 => break,
            read => came += read,
        }
    }
    assert!(came > size() && came < size() + PIECE, "the body and a head: {came}");

    let mut up = TcpStream::connect(process.proxy).await.expect("it listens");
    let head = format!("PUT /x HTTP/1.1\r\n{tags}Content-Length: {}\r\n\r\n", size());
    up.write_all(head.as_bytes()).await.expect("it is taken");
    for _ in 0..size() / PIECE {
        up.write_all(&buffer).await.expect("the body is taken");
    }
    let mut answer = String::new();
    up.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.ends_with(&size().to_string()), "{answer}");

    let grown = process.resident_kib("VmHWM").saturating_sub(before);
    assert!(grown < GROWTH_MAX_KIB, "memory grew by {grown} KiB from {before} KiB");
}
