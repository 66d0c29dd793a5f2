//! Whether an API is where somebody says it is: asked without any credential.
use super::bureau::Bureau;
use super::errand::ErrandError;
use super::errand::Errands;
use crate::catalog::UpstreamSettings;
use crate::model::BaseUrl;
use crate::model::Key;
use crate::upstream::Destination;
use crate::upstream::Manner;
use crate::upstream::RequestHead;
use crate::upstream::SendError;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Uri;
use http::header;
use http_body_util::Full;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// How long it may take until the answer's head is there.
const TIME: Duration = Duration::from_secs(5);

/// The connection that its link counts for. It is always a new one: no connection of that key lends its own.
const NOBODYS: &str = "base-url-check";

/// The answer's head, or why there is none.
pub type Reached = Result<Answered, Unreached>;

/// Something speaks HTTP there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    /// From the look-up of the name to the answer's head.
    pub took: Duration,
}

/// Nothing was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// The base URL makes no request.
    Unsendable,
    /// All of it took too long.
    TimedOut,
    Failed(SendError),
}

impl Errands {
    /// Asks what is at a base URL. Redirects are not followed, and what is answered is not looked at.
    pub async fn reach(
        &self,
        base: BaseUrl,
        settings: Arc<UpstreamSettings>,
    ) -> Result<Reached, ErrandError> {
        self.run(async move |bureau| {
            let asked = tokio::time::timeout(TIME, ask(bureau, &base, &settings)).await;
            let reached = asked.unwrap_or(Err(Unreached::TimedOut));
            if let Err(Unreached::Failed(SendError::Forbidden { class })) = reached {
                bureau.metrics.egress_refused(class);
            }
            Ok(reached)
        })
        .await
    }
}

async fn ask(bureau: &Bureau, base: &BaseUrl, settings: &Arc<UpstreamSettings>) -> Reached {
    let began = Instant::now();
    let path = if base.prefix().is_empty() { "/" } else { base.prefix() };
    let target = Uri::try_from(path).map_err(|_| Unreached::Unsendable)?;
    let mut fields = HeaderMap::new();
    fields.insert(header::HOST, base.host().clone());
    fields.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    fields.insert(header::USER_AGENT, HeaderValue::from_static("attache"));
    let key = Key::try_from(NOBODYS).expect("letters and hyphens make a key");
    let to = Destination { origin: base.origin(), settings, connection: &key };
    let request = RequestHead { method: &Method::GET, target: &target, fields: &fields };
    let manner = Manner { fresh_link: true, ..Manner::default() };
    let mut body = Some(Full::new(Bytes::new()));
    let sent = bureau.upstream.send(to, &request, &mut body, manner, || {}).await;
    let sent = sent.map_err(|failed| Unreached::Failed(failed.error))?;
    Ok(Answered { status: sent.response.status().as_u16(), took: began.elapsed() })
}
