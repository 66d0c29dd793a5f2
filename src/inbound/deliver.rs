//! A verified delivery on its way to the target, and the target's answer on its way back.
use super::error::Undeliverable;
use super::noting::Noting;
use super::replay::UnderWay;
use crate::catalog::UpstreamSettings;
use crate::limits::WholeBody;
use crate::model::BaseUrl;
use crate::model::Key;
use crate::model::UnixTime;
use crate::resolve;
use crate::upstream::Destination;
use crate::upstream::Manner;
use crate::upstream::RequestHead;
use crate::upstream::ResponseBody;
use crate::upstream::Spent;
use crate::upstream::Upstream;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::Uri;
use http::header;
use http_body_util::Full;
use percent_encoding::AsciiSet;
use percent_encoding::CONTROLS;
use percent_encoding::utf8_percent_encode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What a tenant id is percent-encoded in, as callers write it in `Attache-Tenant`.
const TENANT: &AsciiSet = &CONTROLS.add(b' ').add(b',').add(b'%');

/// What the target is told of a delivery.
pub(super) struct Told<'a> {
    pub(super) connection: &'a str,
    pub(super) tenant: Option<&'a str>,
    pub(super) id: Option<&'a str>,
    /// It was delivered before, and an operator has it sent again.
    pub(super) is_replay: bool,
}

/// Everything that forwarding needs, so that it can go on when the sender has hung up.
pub(super) struct Forwarding {
    pub(super) upstream: Rc<Upstream<Full<Bytes>>>,
    pub(super) connection: Key,
    pub(super) base: BaseUrl,
    pub(super) settings: Arc<UpstreamSettings>,
    pub(super) target: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: WholeBody,
    /// None where repeats can't be told.
    pub(super) under_way: Option<UnderWay>,
    /// None where nothing is told of it here.
    pub(super) noting: Option<Noting>,
    pub(super) clock: fn() -> UnixTime,
}

/// How forwarding went.
pub(super) struct Forwarded {
    pub(super) response: Result<Response<ResponseBody<Full<Bytes>>>, Undeliverable>,
    pub(super) spent: Spent,
}

impl Forwarding {
    /// Sends the very bytes that were verified, once. A 2xx is the target's word that it has them.
    pub(super) async fn run(self) -> Forwarded {
        let most = longest(&self.settings);
        let mut fields = self.headers;
        fields.insert(header::HOST, self.base.host().clone());
        let head = RequestHead { method: &Method::POST, target: &self.target, fields: &fields };
        let mut body = Some(Full::new(self.body.bytes.clone()));
        let to = Destination {
            origin: self.base.origin(),
            settings: &self.settings,
            connection: &self.connection,
        };
        let sending = self.upstream.send(to, &head, &mut body, Manner::default(), || {});
        let (response, spent) = match tokio::time::timeout(most, sending).await {
            Ok(Ok(sent)) => (Ok(sent.response), sent.spent),
            Ok(Err(failed)) => (Err(Undeliverable::Send(failed.error)), failed.spent),
            Err(_) => (Err(Undeliverable::TimedOut), Spent::default()),
        };
        // The sender's answer waits for it: a repeat that comes after it is known as one.
        if let Some(under_way) = self.under_way {
            match &response {
                Ok(response) if response.status().is_success() => {
                    under_way.accepted((self.clock)()).await;
                }
                Ok(_) | Err(_) => under_way.failed().await,
            }
        }
        if let Some(noting) = self.noting {
            noting.forwarded(&response);
        }
        Forwarded { response, spent }
    }
}

/// How long a target may take until the head of its answer is there.
pub(super) fn longest(settings: &UpstreamSettings) -> Duration {
    let timeouts = settings.timeouts;
    let most = settings.links.wait + timeouts.connect + timeouts.tls + timeouts.first_byte;
    timeouts.total.map_or(most, |it| it.min(most))
}

/// Base URL, rest and query, byte for byte.
pub(super) fn target(base: &BaseUrl, rest: &str, query: Option<&str>) -> Option<Uri> {
    let mut text = [base.prefix(), rest].concat();
    if text.is_empty() {
        text.push('/');
    }
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    Uri::try_from(text).ok()
}

/// The sender's fields for the target: what ends at a hop ends here, and nothing that the sender
/// wrote can pass for our word that the delivery was verified.
pub(super) fn outgoing(sent: &HeaderMap, told: &Told<'_>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(sent.len() + 4);
    for (name, value) in sent {
        if !ends_here(name) && !is_listed(sent, name) {
            headers.append(name.clone(), value.clone());
        }
    }
    resolve::strip_tags(&mut headers);
    headers.insert("attache-webhook-verified", HeaderValue::from_static("true"));
    let mut tell = |name: &'static str, text: &str| {
        // Keys, encoded tenants and ids are visible ASCII.
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    };
    tell("attache-webhook-connection", told.connection);
    if let Some(tenant) = told.tenant {
        tell("attache-webhook-tenant", &utf8_percent_encode(tenant, TENANT).to_string());
    }
    if let Some(id) = told.id {
        tell("attache-webhook-id", id);
    }
    if told.is_replay {
        tell("attache-webhook-replayed", "true");
    }
    headers
}

/// Makes the target's fields the sender's: nothing of a hop, nothing in our name.
pub(super) fn incoming(headers: &mut HeaderMap) {
    let ending: Vec<HeaderName> = headers
        .keys()
        .filter(|it| {
            let framing = **it == header::CONTENT_LENGTH || **it == header::SET_COOKIE;
            is_hop_by_hop(it) || (is_listed(headers, it) && !framing)
        })
        .cloned()
        .collect();
    for name in ending {
        headers.remove(name);
    }
    resolve::strip_tags(headers);
}

fn ends_here(name: &HeaderName) -> bool {
    let text = name.as_str();
    is_hop_by_hop(name)
        || matches!(
            *name,
            header::HOST
                | header::CONTENT_LENGTH
                | header::EXPECT
                | header::TRAILER
                | header::FORWARDED
                | header::VIA
                | header::MAX_FORWARDS
        )
        // What proxies say of a client, said by the client itself.
        || text.starts_with("x-forwarded-")
        || text == "x-real-ip"
}

/// RFC 9110 §7.6.1, and what older software sends in its place.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(*name, header::CONNECTION | header::TE | header::TRANSFER_ENCODING | header::UPGRADE)
        || name.as_str().starts_with("proxy-")
        || matches!(name.as_str(), "keep-alive" | "http2-settings")
}

/// Whether `Connection` names the field, unless the request would mean something else without it.
fn is_listed(headers: &HeaderMap, name: &HeaderName) -> bool {
    let kept = [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::AUTHORIZATION];
    !kept.contains(name)
        && headers.get_all(header::CONNECTION).iter().any(|value| {
            let mut names = value.as_bytes().split(|it| *it == b',');
            names.any(|it| it.trim_ascii().eq_ignore_ascii_case(name.as_str().as_bytes()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::try_from(*value).unwrap(),
            );
        }
        headers
    }

    fn shown(headers: &HeaderMap) -> Vec<String> {
        let mut lines: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        lines
    }

    #[test]
    fn the_senders_fields_go_on_and_nothing_passes_for_ours() {
        let sent = fields(&[
            ("Host", "hooks.example.com"),
            ("Content-Type", "application/json"),
            ("Content-Length", "2"),
            ("Content-Encoding", "gzip"),
            ("X-Hub-Signature-256", "sha256=00"),
            ("X-Twice", "1"),
            ("X-Twice", "2"),
            ("Authorization", "Basic eA=="),
            ("Connection", "close, x-drop, authorization"),
            ("X-Drop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("Transfer-Encoding", "chunked"),
            ("TE", "trailers"),
            ("Upgrade", "h2c"),
            ("Expect", "100-continue"),
            ("Proxy-Authorization", "x"),
            ("X-Forwarded-For", "10.0.0.1"),
            ("Attache-Webhook-Verified", "true"),
            ("Attache-Webhook-Id", "forged"),
            ("Attache-Webhook-Replayed", "true"),
            ("Attache-Webhook-Tenant", "forged"),
            ("Attache_Webhook_Tenant", "forged"),
            ("ATTACHE-Anything", "x"),
        ]);
        let told = Told {
            connection: "github-hooks",
            tenant: None,
            id: Some("72d3162e"),
            is_replay: false,
        };
        assert_eq!(
            shown(&outgoing(&sent, &told)),
            [
                "attache-webhook-connection: github-hooks",
                "attache-webhook-id: 72d3162e",
                "attache-webhook-verified: true",
                "authorization: Basic eA==",
                "content-encoding: gzip",
                "content-type: application/json",
                "x-hub-signature-256: sha256=00",
                "x-twice: 1",
                "x-twice: 2",
            ]
        );
    }

    #[test]
    fn a_tenant_is_told_as_callers_write_it() {
        for (tenant, value) in
            [("acme", "acme"), ("Ümit, Co", "%C3%9Cmit%2C%20Co"), ("50%", "50%25")]
        {
            let told = Told { connection: "c", tenant: Some(tenant), id: None, is_replay: false };
            let headers = outgoing(&HeaderMap::new(), &told);
            assert_eq!(headers["attache-webhook-tenant"], value);
        }
    }

    #[test]
    fn the_targets_fields_go_back_less_the_hop_and_less_ours() {
        let mut headers = fields(&[
            ("Content-Type", "text/plain"),
            ("Content-Length", "2"),
            ("Connection", "x-drop, content-length"),
            ("X-Drop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("Transfer-Encoding", "chunked"),
            ("Attache-Error", "forged"),
            ("X-Kept", "1"),
        ]);
        incoming(&mut headers);
        assert_eq!(shown(&headers), ["content-length: 2", "content-type: text/plain", "x-kept: 1"]);
    }

    #[test]
    fn rest_and_query_are_appended_as_they_are() {
        for (base, rest, query, whole) in [
            ("http://a/github", "", None, "/github"),
            ("http://a/github/", "/", None, "/github/"),
            ("http://a/github", "/x%2Fy//z", Some("a=%20&b"), "/github/x%2Fy//z?a=%20&b"),
            ("http://a", "", None, "/"),
            ("http://a", "", Some(""), "/?"),
        ] {
            let base = BaseUrl::parse(base).unwrap();
            assert_eq!(target(&base, rest, query).unwrap().to_string(), whole);
        }
    }
}
