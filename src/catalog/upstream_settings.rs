//! How to reach an upstream: deadlines, protocol, certificates, addresses that are allowed.
use super::circuit::Circuit;
use super::circuit::RawCircuit;
use super::places::Places;
use super::places::RawPlaces;
use super::problem::At;
use super::problem::Problem;
use super::problem::unsaid;
use super::retries::RawRetries;
use super::retries::Retries;
use super::signing::RawSigning;
use super::signing::Signing;
use crate::crypto::ClientCertificate;
use crate::model::TimeSpan;
use ipnet::IpNet;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// `upstream` as written: at the top, on a connector, on a connection. The nearest wins, key by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawUpstream {
    #[serde(skip_serializing_if = "unsaid")]
    pub timeouts: RawTimeouts,
    /// Which HTTP to speak. `auto`: what TLS agrees on (ALPN), HTTP/1.1 without TLS.
    pub http: Option<Protocol>,
    /// Certificates (PEM) to trust instead of the system's.
    pub ca: Option<String>,
    /// Whether `traceparent` and `tracestate` go to this third party. Default: no.
    pub trace_context: Option<bool>,
    /// When a request is sent again. Default: only where a kept link turned out to be dead.
    #[serde(skip_serializing_if = "unsaid")]
    pub retries: RawRetries,
    /// How much of a body is read before a signature over it is made.
    #[serde(skip_serializing_if = "unsaid")]
    pub signing: RawSigning,
    #[serde(skip_serializing_if = "unsaid")]
    pub circuit: RawCircuit,
    /// Exchanges with one origin at the same time. Default: no limit.
    pub concurrency: Option<RawPlaces>,
    /// Links to one origin that are open, over all workers. Default: 1024, and as many may wait, for 5s.
    pub links: Option<RawPlaces>,
}

/// Deadlines as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTimeouts {
    /// Name look-up and TCP. Default 5s.
    pub connect: Option<TimeSpan>,
    /// The TLS handshake. Default 5s.
    pub tls: Option<TimeSpan>,
    /// From the end of the request to the response's head. Default 60s.
    pub first_byte: Option<TimeSpan>,
    /// Between two pieces of a body. Default 60s.
    pub idle: Option<TimeSpan>,
    /// The whole exchange. Default: none.
    pub total: Option<TimeSpan>,
}

/// `egress` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawEgress {
    /// Networks or addresses that may be reached although they are not public: `10.1.0.0/16`.
    pub allow: Vec<String>,
}

/// Which HTTP an upstream is spoken to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum Protocol {
    /// HTTP/2 where TLS agrees on it (ALPN), else HTTP/1.1.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "1")]
    Http1,
    /// Without TLS: by prior knowledge (RFC 9113 §3.3).
    #[serde(rename = "2")]
    Http2,
}

impl JsonSchema for Protocol {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Protocol".into()
    }

    /// An editor takes an unquoted 2 for a number; the reader takes both.
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "enum": ["auto", "1", "2", 1, 2] })
    }
}

/// Deadlines of one exchange. None is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Name look-up and TCP.
    pub connect: Duration,
    pub tls: Duration,
    /// From the end of the request to the response's head.
    pub first_byte: Duration,
    /// Between two pieces of a body.
    pub idle: Duration,
    /// The whole exchange.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            tls: Duration::from_secs(5),
            first_byte: Duration::from_secs(60),
            idle: Duration::from_secs(60),
            total: None,
        }
    }
}

/// How to reach an upstream. Shared by all connections that say nothing of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamSettings {
    pub timeouts: Timeouts,
    pub protocol: Protocol,
    /// PEM text of the certificates to trust instead of the system's: at least one.
    pub ca: Option<Arc<[u8]>>,
    /// Networks that may be reached although they are not public.
    pub egress_allow: Arc<[IpNet]>,
    /// Whether plain HTTP goes to no public address, whatever is allowed.
    pub plain_inside_only: bool,
    /// Whether trace context goes to this third party.
    pub trace_context: bool,
    pub retries: Retries,
    /// What is read of a body that a signature covers.
    pub signing: Signing,
    pub circuit: Circuit,
    /// Exchanges with one origin at the same time.
    pub concurrency: Option<Places>,
    /// Links to one origin that are open, in use or idle, over all workers.
    pub links: Places,
    /// What is shown in the handshake: a holder's own.
    pub certificate: Option<Arc<ClientCertificate>>,
    /// A hash of `protocol`, `ca`, `egress_allow` and `certificate`: links are only shared where it is equal.
    pub identity: u64,
    /// The same with what makes a difference to failures: circuits are only shared where it is equal.
    pub circuit_identity: u64,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        let settings = Self {
            timeouts: Timeouts::default(),
            protocol: Protocol::Auto,
            ca: None,
            egress_allow: Arc::from([]),
            plain_inside_only: false,
            trace_context: false,
            retries: Retries::default(),
            signing: Signing::default(),
            circuit: Circuit::default(),
            concurrency: None,
            links: Places { max: 1024, queue: 1024, wait: Duration::from_secs(5) },
            certificate: None,
            identity: 0,
            circuit_identity: 0,
        };
        settings.identified()
    }
}

impl UpstreamSettings {
    /// These settings with what is written beside a connector or connection in place of theirs;
    /// allowed addresses are added. The very same settings where nothing is written.
    pub(super) fn overlaid(
        self: &Arc<Self>,
        raw: &RawUpstream,
        egress: &RawEgress,
        at: At<'_>,
        problems: &mut Vec<Problem>,
    ) -> Arc<Self> {
        if *raw == RawUpstream::default() && egress.allow.is_empty() {
            return Arc::clone(self);
        }
        let at_upstream = at.key("upstream");
        let mut settings = Self::clone(self);
        settings.timeouts = overlaid_timeouts(self.timeouts, raw.timeouts, at_upstream, problems);
        settings.protocol = raw.http.unwrap_or(self.protocol);
        settings.trace_context = raw.trace_context.unwrap_or(self.trace_context);
        settings.retries =
            self.retries.overlaid(&raw.retries, at_upstream.key("retries"), problems);
        settings.signing =
            self.signing.overlaid(&raw.signing, at_upstream.key("signing"), problems);
        settings.circuit = self.circuit.overlaid(raw.circuit, at_upstream.key("circuit"), problems);
        let concurrency = at_upstream.key("concurrency");
        settings.concurrency =
            Places::build(raw.concurrency, concurrency, problems).or(self.concurrency);
        settings.links =
            Places::build(raw.links, at_upstream.key("links"), problems).unwrap_or(self.links);
        if let Some(pem) = &raw.ca {
            let certificates: Result<Vec<CertificateDer<'_>>, _> =
                CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
            if !certificates.is_ok_and(|it| !it.is_empty()) {
                problems.push(at_upstream.key("ca").problem(
                    "there is no readable certificate in it",
                    "give PEM text, or a file of it: ${file:/etc/ssl/my-ca.pem}",
                ));
            }
            settings.ca = Some(pem.as_bytes().into());
        }
        let at_egress = at.key("egress");
        let mut allow = self.egress_allow.to_vec();
        allow.extend(networks(&egress.allow, at_egress.key("allow"), problems));
        allow.sort_unstable();
        allow.dedup();
        settings.egress_allow = allow.into();
        Arc::new(settings.identified())
    }

    /// The same with a certificate that is shown in the handshake, and links that are nobody else's.
    pub fn showing(&self, certificate: &Arc<ClientCertificate>) -> Self {
        Self { certificate: Some(Arc::clone(certificate)), ..self.clone() }.identified()
    }

    fn identified(mut self) -> Self {
        self.identity = self.content_hash();
        let Timeouts { connect, tls, first_byte, .. } = self.timeouts;
        // Of this process alone: it is compared, never kept.
        let mut hash = DefaultHasher::new();
        (self.identity, connect, tls, first_byte, self.circuit).hash(&mut hash);
        self.circuit_identity = hash.finish();
        self
    }

    fn content_hash(&self) -> u64 {
        let mut hash = Sha256::new();
        hash.update([match self.protocol {
            Protocol::Auto => 0,
            Protocol::Http1 => 1,
            Protocol::Http2 => 2,
        }]);
        let ca = self.ca.as_deref().unwrap_or_default();
        hash.update(ca.len().to_le_bytes());
        hash.update(ca);
        for network in self.egress_allow.iter() {
            hash.update(network.to_string());
            hash.update(b" ");
        }
        if let Some(certificate) = &self.certificate {
            hash.update(certificate.digest());
        }
        let digest = hash.finalize();
        digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }
}

fn overlaid_timeouts(
    base: Timeouts,
    raw: RawTimeouts,
    at: At<'_>,
    problems: &mut Vec<Problem>,
) -> Timeouts {
    let at = at.key("timeouts");
    let mut checked = |name: &str, span: Option<TimeSpan>| {
        if span == Some(TimeSpan(Duration::ZERO)) {
            let hint = "leave it out for the default, or write a duration such as 10s";
            problems.push(at.key(name).problem("no time at all", hint));
        }
        span.map(|it| it.0)
    };
    Timeouts {
        connect: checked("connect", raw.connect).unwrap_or(base.connect),
        tls: checked("tls", raw.tls).unwrap_or(base.tls),
        first_byte: checked("first_byte", raw.first_byte).unwrap_or(base.first_byte),
        idle: checked("idle", raw.idle).unwrap_or(base.idle),
        total: checked("total", raw.total).or(base.total),
    }
}

fn networks(texts: &[String], at: At<'_>, problems: &mut Vec<Problem>) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let network = text.parse::<IpNet>().map(|it| it.trunc());
        match network.or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
            Ok(network) => networks.push(network),
            Err(_) => problems.push(at.index(index).problem(
                format!("`{text}` is not a network or an address"),
                "write it as in 10.1.0.0/16, 127.0.0.1 or fd00::/8; names are not taken",
            )),
        }
    }
    networks
}
