//! What the public listener serves: webhooks in, and the pages that customers connect their accounts on.
use crate::connect::Desk;
use crate::inbound::InBody;
use crate::inbound::Inbound;
use crate::server::Cut;
use crate::server::Handler;
use crate::server::Link;
use crate::server::RequestBody;
use crate::telemetry::metrics::LinkRefusal;
use crate::upstream::BodyError;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;
use http_body_util::Full;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;

/// One worker's side of it: the path says whose a request is.
pub(super) struct Public {
    pub(super) hooks: Rc<Inbound>,
    pub(super) desk: Rc<Desk>,
}

/// The answer of either.
pub(super) enum PublicBody {
    Hook(InBody),
    Page(Full<Bytes>),
}

impl Handler for Public {
    type Body = PublicBody;

    async fn handle(
        self: Rc<Self>,
        request: Request<RequestBody>,
        link: Link,
    ) -> Result<Response<PublicBody>, Cut> {
        if Desk::has(request.uri().path()) {
            let answered = Rc::clone(&self.desk).handle(request, link).await;
            return answered.map(|it| it.map(PublicBody::Page));
        }
        let answered = Rc::clone(&self.hooks).handle(request, link).await;
        answered.map(|it| it.map(PublicBody::Hook))
    }

    fn links(&self, delta: i64) {
        self.hooks.links(delta);
    }

    fn link_refused(&self, why: LinkRefusal) {
        self.hooks.link_refused(why);
    }
}

impl Body for PublicBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Hook(body) => Pin::new(body).poll_frame(cx),
            Self::Page(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Hook(body) => body.is_end_stream(),
            Self::Page(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Hook(body) => body.size_hint(),
            Self::Page(body) => body.size_hint(),
        }
    }
}
