//! TLS to upstreams: one client configuration, and so one session cache, per set of trusted roots and per
//! certificate that is shown.
use super::error::SendError;
use crate::catalog::Protocol;
use crate::catalog::UpstreamSettings;
use crate::crypto::ClientCertificate;
use crate::model::Origin;
use rustls::CertificateError;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SingleCertAndKey;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::OnceLock;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Client configurations of one worker, by the identity of their settings.
#[derive(Default)]
pub(super) struct Connectors {
    made: RefCell<HashMap<(u64, Protocol), TlsConnector>>,
}

/// Configurations kept; beyond it (connectors with ever new CAs) they are made anew.
const CONNECTORS_MAX: usize = 1024;

impl Connectors {
    /// Shakes hands with `origin`'s host name, never with what a Host field says.
    pub(super) async fn handshake(
        &self,
        stream: TcpStream,
        origin: &Origin,
        settings: &UpstreamSettings,
        http1_only: bool,
    ) -> Result<TlsStream<TcpStream>, SendError> {
        let protocol = if http1_only { Protocol::Http1 } else { settings.protocol };
        let connector = self.connector(settings, protocol)?;
        let name = ServerName::try_from(origin.bare_host().to_owned())
            .map_err(|_| SendError::Certificate { class: "wrong_name" })?;
        connector.connect(name, stream).await.map_err(|error| {
            let inner = error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>());
            match inner {
                Some(rustls::Error::InvalidCertificate(problem)) => {
                    SendError::Certificate { class: class(problem) }
                }
                _ => SendError::Handshake,
            }
        })
    }

    fn connector(
        &self,
        settings: &UpstreamSettings,
        protocol: Protocol,
    ) -> Result<TlsConnector, SendError> {
        let key = (settings.identity, protocol);
        if let Some(made) = self.made.borrow().get(&key) {
            return Ok(made.clone());
        }
        let roots = match &settings.ca {
            None => Arc::clone(system_roots()),
            Some(pem) => Arc::new(roots_of(pem)?),
        };
        let connector = TlsConnector::from(Arc::new(config_of(
            roots,
            protocol,
            settings.certificate.as_deref(),
        )));
        let mut made = self.made.borrow_mut();
        if made.len() >= CONNECTORS_MAX {
            made.clear();
        }
        made.insert(key, connector.clone());
        Ok(connector)
    }
}

/// Why a link gives nothing more. An upstream refuses a client's certificate by an alert, which with TLS 1.3 comes when the
/// handshake is over for the client (RFC 8446 §4.4.2.4). The request may have been read by then: it is as if the link had
/// ended, but for what is told.
pub(super) fn ended(error: &io::Error) -> SendError {
    let inner = error.get_ref().and_then(|it| it.downcast_ref::<rustls::Error>());
    let is_alert = match inner {
        Some(inner) => matches!(inner, rustls::Error::AlertReceived(_)),
        // HTTP/2 keeps an error's words alone.
        None => error.to_string().starts_with("received fatal alert"),
    };
    if is_alert { SendError::TlsEnded } else { SendError::Closed }
}

/// For HTTP/1.1 with these roots (PEM), or the system's: for commands, which ask attache itself.
pub fn client_config(ca: Option<&[u8]>) -> Result<ClientConfig, SendError> {
    let roots = match ca {
        None => Arc::clone(system_roots()),
        Some(pem) => Arc::new(roots_of(pem)?),
    };
    Ok(config_of(roots, Protocol::Http1, None))
}

fn config_of(
    roots: Arc<RootCertStore>,
    protocol: Protocol,
    certificate: Option<&ClientCertificate>,
) -> ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_root_certificates(roots);
    let mut config = match certificate {
        None => config.with_no_client_auth(),
        Some(it) => {
            let shown = SingleCertAndKey::from(Arc::clone(it.certified()));
            config.with_client_cert_resolver(Arc::new(shown))
        }
    };
    config.alpn_protocols = match protocol {
        Protocol::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        Protocol::Http1 => vec![b"http/1.1".to_vec()],
        Protocol::Http2 => vec![b"h2".to_vec()],
    };
    config
}

/// The system's roots, or Mozilla's where the system has none. Read once, on first use.
fn system_roots() -> &'static Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            tracing::warn!(
                "the system has no trusted certificates; Mozilla's built-in set is used"
            );
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Arc::new(roots)
    })
}

fn roots_of(pem: &[u8]) -> Result<RootCertStore, SendError> {
    let unusable = SendError::Certificate { class: "unusable_ca" };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.map_err(|_| unusable)?).map_err(|_| unusable)?;
    }
    if roots.is_empty() { Err(unusable) } else { Ok(roots) }
}

/// What is wrong with a certificate, in words that the log and metrics can carry.
fn class(problem: &CertificateError) -> &'static str {
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "not_valid_yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "wrong_name"
        }
        CertificateError::UnknownIssuer => "unknown_issuer",
        CertificateError::Revoked => "revoked",
        _ => "invalid",
    }
}
