//! Protection spaces: the realms of each origin (RFC 9110 §11.5), what each was last asked for, and where it is.
use super::challenge::Said;
use super::challenge::Text;
use super::session::Counter;
use super::session::Session;
use crate::crypto::Digested;
use crate::crypto::Hash;
use crate::model::Origin;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many are kept. A connection has its own origin and those that it allows; beyond this many the one that was heard
/// of longest ago is asked again.
const SPACES_MAX: usize = 32;

/// How many of them are one origin's, so that none puts the others out.
const REALMS_MAX: usize = 4;

/// Nonces whose numbers are known after others took their place.
const NONCES_MAX: usize = 32;

/// Directories that are kept of a space, and the length of each, in bytes.
const DIRECTORIES_MAX: usize = 8;
const DIRECTORY_LEN_MAX: usize = 256;

/// Prefixes that are read of a challenge's `domain`.
const DOMAIN_MAX: usize = 16;

/// The one that was heard of last stands last.
#[derive(Default)]
pub(super) struct Spaces(Vec<Space>);

struct Space {
    origin: Origin,
    session: Arc<Session>,
    /// Requests sent with each nonce that it gave, by the nonce's SHA-256; the present one stands last.
    counters: VecDeque<(Digested, Counter)>,
    /// What its paths begin with, as it says itself (RFC 7616 §3.3).
    domain: Vec<Box<str>>,
    /// The directories of requests that it refused.
    directories: VecDeque<Box<str>>,
}

impl Spaces {
    /// Who answers for this path: of the origin's spaces the one with the longest prefix of it, of equals the latest.
    pub fn session(&self, origin: &Origin, path: &str) -> Option<Arc<Session>> {
        let own = self.0.iter().filter(|it| it.origin == *origin);
        own.max_by_key(|it| it.reach(path)).map(|it| Arc::clone(&it.session))
    }

    /// All that are answered at an origin.
    pub fn sessions(&self, origin: &Origin) -> impl Iterator<Item = &Session> {
        self.0.iter().filter(move |it| it.origin == *origin).map(|it| &*it.session)
    }

    /// Keeps what a refusal asks for, and says whether another request is worth it.
    ///
    /// It is not where the refused one had the present nonce of the very realm, and the server does not call that stale: then
    /// the password is wrong (RFC 7616 §3.3). Else the request was bare, or was signed with what another one's answer has replaced
    /// since.
    pub fn challenged(&mut self, origin: &Origin, asked: Session, said: Option<&Said>) -> bool {
        let realm = &asked.challenge.realm.plain;
        let (mut space, is_wrong) = match self.position(origin, realm) {
            Some(at) => {
                let mut space = self.0.remove(at);
                let is_wrong = !asked.challenge.is_stale
                    && said.is_some_and(|it| space.session.is_what_was_said(it));
                space.replace(asked);
                (space, is_wrong)
            }
            None => {
                self.make_room(origin);
                (Space::new(origin, asked), false)
            }
        };
        if let Some(said) = said {
            space.refused_at(&said.path);
        }
        self.0.push(space);
        !is_wrong
    }

    /// Takes up the nonce for the next request (RFC 7615 §3), unless the answer that brings it is one to a nonce that has
    /// been replaced since.
    pub fn advance(&mut self, origin: &Origin, said: &Said, nonce: Text) {
        let Some(at) = self.position(origin, &said.realm) else { return };
        let space = &mut self.0[at];
        let present = &space.session.challenge.nonce.plain;
        if space.session.is_what_was_said(said) && *present != nonce.plain {
            let counter = space.counter(&nonce);
            space.session = Arc::new(space.session.next(nonce, counter));
        }
    }

    fn position(&self, origin: &Origin, realm: &[u8]) -> Option<usize> {
        let is_it =
            |it: &Space| it.origin == *origin && *it.session.challenge.realm.plain == *realm;
        self.0.iter().position(is_it)
    }

    fn make_room(&mut self, origin: &Origin) {
        let is_own = |it: &Space| it.origin == *origin;
        if self.0.iter().filter(|it| is_own(it)).count() >= REALMS_MAX {
            let oldest = self.0.iter().position(is_own);
            oldest.into_iter().for_each(|it| _ = self.0.remove(it));
        } else if self.0.len() >= SPACES_MAX {
            self.0.remove(0);
        }
    }
}

impl Space {
    fn new(origin: &Origin, asked: Session) -> Self {
        let domain = domain(origin, &asked.challenge.domain);
        let counter = asked.counter();
        let nonce = Hash::Sha256.of(&asked.challenge.nonce.plain);
        Self {
            origin: origin.clone(),
            session: Arc::new(asked),
            counters: VecDeque::from([(nonce, counter)]),
            domain,
            directories: VecDeque::new(),
        }
    }

    /// A nonce that was there before is counted on, whatever else is said of it: the server would take its first number for a
    /// repetition.
    fn replace(&mut self, asked: Session) {
        self.domain = domain(&self.origin, &asked.challenge.domain);
        let counter = self.counter(&asked.challenge.nonce);
        self.session = Arc::new(asked.in_place_of(&self.session, counter));
    }

    fn counter(&mut self, nonce: &Text) -> Counter {
        let nonce = Hash::Sha256.of(&nonce.plain);
        let before = self.counters.iter().position(|it| it.0 == nonce);
        let counter = before.and_then(|it| self.counters.remove(it)).map(|it| it.1);
        let counter = counter.unwrap_or_default();
        if self.counters.len() >= NONCES_MAX {
            self.counters.pop_front();
        }
        self.counters.push_back((nonce, Arc::clone(&counter)));
        counter
    }

    fn refused_at(&mut self, path: &[u8]) {
        let end = path.iter().rposition(|it| *it == b'/').map_or(0, |it| it + 1);
        let Ok(directory) = str::from_utf8(&path[..end]) else { return };
        let is_new = !self.directories.iter().any(|it| **it == *directory);
        if directory.is_empty() || directory.len() > DIRECTORY_LEN_MAX || !is_new {
            return;
        }
        if self.directories.len() >= DIRECTORIES_MAX {
            self.directories.pop_front();
        }
        self.directories.push_back(directory.into());
    }

    /// The length of its longest prefix of the path; 0 where it has none.
    fn reach(&self, path: &str) -> usize {
        let prefixes = self.domain.iter().chain(&self.directories);
        prefixes.filter(|it| path.starts_with(&***it)).map(|it| it.len()).max().unwrap_or(0)
    }
}

/// The paths of a challenge's `domain`: absolute ones, and those of URLs of the origin itself. What it says of other origins
/// is theirs to say.
fn domain(origin: &Origin, text: &[u8]) -> Vec<Box<str>> {
    let words = str::from_utf8(text).unwrap_or_default().split_ascii_whitespace();
    let paths = words.filter_map(|word| {
        let word = word.split(['?', '#']).next()?;
        if word.starts_with('/') {
            return (!word.starts_with("//")).then_some(word);
        }
        let authority = word.find("://")? + 3;
        let end = word[authority..].find('/').map_or(word.len(), |it| authority + it);
        let is_own = Origin::parse(&word[..end]).is_ok_and(|it| it == *origin);
        is_own.then_some(if end == word.len() { "/" } else { &word[end..] })
    });
    paths.take(DOMAIN_MAX).map(Box::from).collect()
}
