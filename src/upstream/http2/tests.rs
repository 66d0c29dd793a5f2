//! A link's life by the tick: asked whether it lives, let go of, replaced.
use super::super::error::SendError;
use super::super::link::LinkFailed;
use super::super::link::RequestBody;
use super::super::link::RequestHead;
use super::super::links::Links;
use super::super::pool::PeerKey;
use super::super::pool::PeerRef;
use super::super::socket::Socket;
use super::body::Incoming;
use super::exchange;
use super::link::Link;
use super::peer::Peer;
use super::peer::Turn;
use super::peers::Peers;
use super::place::Place;
use crate::catalog::Places;
use crate::model::Origin;
use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::Response;
use http::Uri;
use http_body::Body;
use http_body::Frame;
use http_body_util::Full;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

/// Longest that anything may take: only a hang meets it.
const PATIENCE: Duration = Duration::from_secs(20);

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;

/// A worker's links with one, idle, link in them, and the upstream's side of it.
struct Scene {
    peers: Peers,
    peer: Rc<Peer>,
    upstream: TcpStream,
}

impl Scene {
    #[expect(clippy::disallowed_methods, reason = "the test is its own upstream")]
    async fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let origin = Arc::new(Origin::parse(&format!("http://{address}")).unwrap());
        let by = PeerRef { identity: 0, origin: &origin };
        let key = || PeerKey { identity: 0, origin: Arc::clone(&origin) };
        let peers = Peers::new();
        let peer = peers.peer(&by, key).unwrap();
        let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
        let Ok(Turn::Dial(dialling)) = turn(&peer).await else { panic!("there is no link yet") };
        let place = Links::new(NonZeroUsize::MIN).peer(&by, key).place(1).unwrap();
        let link = Link::open(Socket::Plain(ours.unwrap(), place), &peer).await.unwrap();
        drop(dialling.opened(&link));
        let mut upstream = theirs.unwrap().0;
        let mut preface = [0; 24];
        upstream.read_exact(&mut preface).await.unwrap();
        upstream.write_all(&frame(4, 0, &[])).await.unwrap();
        Self { peers, peer, upstream }
    }

    /// Reads frames up to one of this type; its payload, or none where the link ended first.
    async fn until(&mut self, kind: u8) -> Option<Vec<u8>> {
        loop {
            let mut head = [0; 9];
            let read = self.upstream.read_exact(&mut head);
            tokio::time::timeout(PATIENCE, read).await.expect("a frame, or the end").ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let mut payload = vec![0; length];
            self.upstream.read_exact(&mut payload).await.ok()?;
            if head[3] == kind && head[4] & ACK == 0 {
                return Some(payload);
            }
        }
    }

    async fn has_link(&self) -> bool {
        matches!(turn(&self.peer).await, Ok(Turn::Place(_)))
    }

    /// Lets the link's task read what has been sent to it.
    async fn heard(&mut self) {
        self.upstream.write_all(&frame(PING, 0, &[9; 8])).await.unwrap();
        let mut head = [0; 9];
        loop {
            self.upstream.read_exact(&mut head).await.unwrap();
            let mut payload = vec![0; usize::from(head[2])];
            self.upstream.read_exact(&mut payload).await.unwrap();
            if head[3] == PING && head[4] == ACK {
                return;
            }
        }
    }

    /// Leaves, and closes with what was sent to it unread: whatever is written from now on fails. The
    /// link's task has had no chance to look.
    fn leave(self, last_words: &[u8]) -> (Peers, Rc<Peer>) {
        assert_eq!(self.upstream.try_write(last_words).unwrap(), last_words.len());
        socket2::SockRef::from(&self.upstream).set_linger(Some(Duration::ZERO)).unwrap();
        (self.peers, self.peer)
    }
}

async fn turn(peer: &Rc<Peer>) -> Result<Turn, SendError> {
    peer.turn(Places { max: 8, queue: 0, wait: Duration::ZERO }, || ()).await
}

async fn post<B: RequestBody>(
    place: Place,
    slot: &mut Option<B>,
) -> Result<Response<Incoming>, LinkFailed> {
    let (target, fields) = (Uri::from_static("/"), HeaderMap::new());
    let head = RequestHead { method: &Method::POST, target: &target, fields: &fields };
    exchange(place, &head, slot).await
}

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, 0], payload].concat()
}

#[tokio::test]
async fn a_quiet_link_is_asked_whether_it_lives_and_stays_if_it_answers() {
    LocalSet::new()
        .run_until(async {
            let mut scene = Scene::set().await;
            scene.heard().await;
            scene.peers.tick(100);
            scene.peers.tick(10_100);
            let asked = scene.until(PING).await.expect("a ping");
            scene.upstream.write_all(&frame(PING, ACK, &asked)).await.unwrap();
            scene.heard().await;
            scene.peers.tick(15_100);
            scene.peers.tick(20_000);
            assert!(scene.has_link().await);
        })
        .await;
}

#[tokio::test]
async fn a_link_that_does_not_answer_is_let_go_of_and_replaced() {
    LocalSet::new()
        .run_until(async {
            let mut scene = Scene::set().await;
            scene.heard().await;
            scene.peers.tick(100);
            scene.peers.tick(10_100);
            scene.until(PING).await.expect("a ping");
            scene.peers.tick(15_000);
            assert!(scene.has_link().await, "there is time left to answer");
            scene.peers.tick(15_100);
            assert_eq!(scene.until(0xff).await, None, "the link is closed");
            assert!(matches!(turn(&scene.peer).await, Ok(Turn::Dial(_))), "and another is due");
        })
        .await;
}

#[tokio::test]
async fn a_link_without_streams_is_closed_after_its_time_with_a_word() {
    LocalSet::new()
        .run_until(async {
            let mut scene = Scene::set().await;
            for now_ms in [100, 9_000, 18_000, 27_000, 36_000, 45_000, 49_900] {
                scene.heard().await;
                assert_eq!(scene.peers.tick(now_ms), 0, "at {now_ms}");
            }
            assert_eq!(scene.peers.tick(50_000), 1);
            assert!(scene.until(GOAWAY).await.is_some(), "not just gone");
            assert_eq!(scene.until(0xff).await, None);
        })
        .await;
}

#[tokio::test]
async fn an_upstream_that_keeps_talking_on_an_unused_link_loses_it() {
    LocalSet::new()
        .run_until(async {
            let mut scene = Scene::set().await;
            scene.upstream.write_all(&frame(0x77, 0, &[0; 200]).repeat(400)).await.unwrap();
            scene.heard().await;
            assert_eq!(scene.peers.tick(100), 1);
            assert_eq!(scene.until(0xff).await, None, "the link is closed");
        })
        .await;
}

/// A body that has nothing until it is told to go on.
#[derive(Default)]
struct Waiting(Option<Bytes>);

impl RequestBody for Waiting {
    fn may_go_on(&mut self) {
        self.0 = Some(Bytes::from_static(b"body"));
    }
}

impl Body for Waiting {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.take().map_or(Poll::Pending, |it| Poll::Ready(Some(Ok(Frame::data(it)))))
    }
}

#[tokio::test]
async fn a_body_that_waits_for_a_100_goes_on_with_it() {
    // `:status` 100 as a literal, 204 by its index (RFC 7541 §6.2.1 and §6.1), on stream 1.
    let go_on = [&[0, 0, 5, HEADERS, 4, 0, 0, 0, 1, 0x48, 3][..], b"100"].concat();
    let done = [0, 0, 1, HEADERS, 5, 0, 0, 0, 1, 0x89];
    LocalSet::new()
        .run_until(async {
            let mut scene = Scene::set().await;
            let Ok(Turn::Place(place)) = turn(&scene.peer).await else { panic!("no stream") };
            let mut slot = Some(Waiting::default());
            let upstream = async {
                scene.until(HEADERS).await.expect("the request's head");
                scene.upstream.write_all(&go_on).await.unwrap();
                assert_eq!(scene.until(DATA).await.expect("the body"), b"body");
                scene.upstream.write_all(&done).await.unwrap();
            };
            let (answer, ()) = tokio::join!(post(place, &mut slot), upstream);
            assert!(answer.is_ok_and(|it| it.status() == 204));
        })
        .await;
}

/// A body whose pieces come when somebody sends them.
struct Given(mpsc::UnboundedReceiver<Bytes>);

impl RequestBody for Given {}

impl Body for Given {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|it| it.map(|it| Ok(Frame::data(it))))
    }
}

#[tokio::test]
async fn an_upstream_s_last_words_are_heard_where_nothing_can_be_said_any_more() {
    LocalSet::new()
        .run_until(async {
            let mut scene = Scene::set().await;
            let Ok(Turn::Place(place)) = turn(&scene.peer).await else { panic!("no stream") };
            let (pieces, given) = mpsc::unbounded_channel();
            let asked = tokio::task::spawn_local(async move {
                let mut slot = Some(Given(given));
                post(place, &mut slot).await.map(drop)
            });
            scene.until(HEADERS).await.expect("the request's head");
            // No stream was looked at; and what we then write to it fails.
            let _left = scene.leave(&frame(GOAWAY, 0, &[0; 8]));
            pieces.send(Bytes::from_static(b"body")).unwrap();
            let answer = tokio::time::timeout(PATIENCE, asked).await.expect("no hang").unwrap();
            let Err(failed) = answer else { panic!("nobody answered") };
            assert_eq!(failed.error, SendError::Closed);
            assert!(failed.refused, "the upstream has said so");
        })
        .await;
}

#[tokio::test]
async fn a_request_of_which_nothing_was_sent_before_the_link_ended_may_go_again() {
    LocalSet::new()
        .run_until(async {
            let mut scene = Scene::set().await;
            scene.heard().await;
            let Ok(Turn::Place(place)) = turn(&scene.peer).await else { panic!("no stream") };
            let _left = scene.leave(&[]);
            let mut slot = Some(Full::from("body"));
            let exchange = tokio::time::timeout(PATIENCE, post(place, &mut slot));
            let Err(failed) = exchange.await.expect("no hang") else { panic!("nobody answered") };
            assert_eq!(failed.error, SendError::Closed);
            assert!(failed.refused, "no byte of it was written");
        })
        .await;
}
