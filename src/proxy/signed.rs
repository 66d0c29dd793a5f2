//! A request that is signed: each attempt anew, over what goes out.
use super::Proxy;
use super::again::Plan;
use super::error::ProxyError;
use super::head::Onward;
use super::head::Outgoing;
use crate::auth::Chunks;
use crate::auth::Draft;
use crate::auth::Moment;
use crate::crypto;
use crate::model::Origin;
use crate::server::Watch;
use crate::upstream::Fields;
use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Uri;
use http::request::Parts;

/// What goes on the link.
pub(super) enum Told<'e> {
    Passed(Outgoing<'e>),
    Signed(Box<Signed>),
}

/// One attempt's request as its signers left it: what they covered is what is sent.
pub(super) struct Signed {
    fields: Vec<(HeaderName, HeaderValue)>,
    pub(super) target: Uri,
    /// In place of the caller's.
    pub(super) body: Option<Bytes>,
    /// What signs the body on its way.
    chunks: Option<Box<Chunks>>,
}

impl Fields for Told<'_> {
    fn each(&self, put: impl FnMut(&HeaderName, &HeaderValue)) {
        match self {
            Self::Passed(outgoing) => outgoing.each(put),
            Self::Signed(signed) => signed.fields.each(put),
        }
    }
}

impl Told<'_> {
    /// Where it goes, where a signer changed that.
    pub(super) fn target(&self) -> Option<&Uri> {
        match self {
            Self::Passed(_) => None,
            Self::Signed(signed) => Some(&signed.target),
        }
    }

    /// The fields as they are sent, where a signer was at work.
    pub(super) fn fields(&self) -> &[(HeaderName, HeaderValue)] {
        match self {
            Self::Passed(_) => &[],
            Self::Signed(signed) => &signed.fields,
        }
    }

    /// The body that a signer made.
    pub(super) fn take_body(&mut self) -> Option<Bytes> {
        match self {
            Self::Passed(_) => None,
            Self::Signed(signed) => signed.body.take(),
        }
    }

    /// What signs the body on its way.
    pub(super) fn take_chunks(&mut self) -> Option<Box<Chunks>> {
        match self {
            Self::Passed(_) => None,
            Self::Signed(signed) => signed.chunks.take(),
        }
    }
}

impl Proxy {
    /// Signs, one signer after another, with the time and a random number of this attempt alone.
    pub(super) async fn signed(
        &self,
        head: &Parts,
        onward: &Onward<'_>,
        uri: &Uri,
        origin: &Origin,
        plan: &Plan<'_>,
        watch: &Watch,
    ) -> Result<Box<Signed>, ProxyError> {
        let mut fields = Vec::with_capacity(head.headers.len() + FIELDS_ADDED);
        Outgoing { head, onward }.each(|name, value| fields.push((name.clone(), value.clone())));
        let mut draft = Draft::new(&head.method, origin, uri.path(), uri.query(), fields);
        let whole = plan.whole();
        draft.body = whole.as_deref();
        draft.body_len = plan.body_len();
        for signer in onward.prepared.signers() {
            let moment = Moment { now: (self.clock)(), random: crypto::random() };
            let mut feeds = signer.begin(&draft, &moment)?;
            if !feeds.is_empty() {
                plan.feed(&mut feeds, watch).await?;
            }
            signer.sign(&mut draft, &moment, feeds)?;
        }
        let target = match draft.query() == uri.query() {
            true => uri.clone(),
            false => super::uri_of(uri.path().to_owned(), draft.query())?,
        };
        let (body, chunks) = (draft.new_body.take(), draft.chunks.take());
        let fields = draft.into_fields();
        Ok(Box::new(Signed { fields, target, body, chunks }))
    }
}

/// Fields that a request has more of upstream than it came with, at most as a rule.
const FIELDS_ADDED: usize = 8;
