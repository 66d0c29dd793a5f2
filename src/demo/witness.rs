//! What the sample API and the receiver saw: the demo's evidence.
use http::HeaderMap;
use http::Method;
use http::Uri;
use tokio::sync::mpsc;

/// Sightings that wait to be looked at. Beyond it new ones are dropped: a demo that nobody watches
/// must not fill the memory.
const SIGHTINGS_MAX: usize = 256;

/// One request as it arrived behind attache.
#[derive(Clone, Debug)]
pub struct Sighting {
    pub place: Place,
    pub method: Method,
    pub target: Uri,
    pub headers: HeaderMap,
    pub body: bytes::Bytes,
    /// The credential as it stood on the request, or what was wrong with it.
    pub credential: Result<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Api,
    Receiver,
}

impl Sighting {
    /// A header's value as text, for people to read.
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// Whether `secret` stands anywhere in the head.
    pub fn shows(&self, secret: &str) -> bool {
        let in_bytes = |bytes: &[u8]| bytes.windows(secret.len()).any(|it| it == secret.as_bytes());
        in_bytes(self.target.to_string().as_bytes())
            || self.headers.values().any(|it| in_bytes(it.as_bytes()))
    }
}

/// Where sightings are told.
#[derive(Clone)]
pub struct Witness(mpsc::Sender<Sighting>);

/// Where they are heard, in order.
pub struct Sightings(mpsc::Receiver<Sighting>);

pub fn witness() -> (Witness, Sightings) {
    let (sender, receiver) = mpsc::channel(SIGHTINGS_MAX);
    (Witness(sender), Sightings(receiver))
}

impl Witness {
    pub fn tell(&self, sighting: Sighting) {
        // Full or unheard: the request is answered all the same.
        drop(self.0.try_send(sighting));
    }
}

impl Sightings {
    pub async fn next(&mut self) -> Option<Sighting> {
        self.0.recv().await
    }

    /// What has been told since the last look. A place tells before it answers.
    pub fn so_far(&mut self) -> Vec<Sighting> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}
