//! A listener's certificate, which can be replaced while it serves.
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::ClientHello;
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a certificate can't be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    #[error("{path} can't be read: {reason}")]
    Unreadable { path: String, reason: std::io::ErrorKind },
    #[error("{path} holds no PEM certificate")]
    NoCertificate { path: String },
    #[error("{path} holds no PEM private key of a supported kind")]
    NoKey { path: String },
    #[error("the key in {key} does not belong to the certificate in {cert}")]
    Mismatch { cert: String, key: String },
}

/// A certificate chain and its key, read from two PEM files; [`Certificate::reload`] reads them again.
#[derive(Debug)]
pub struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    pub fn load(cert: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let current = ArcSwap::from_pointee(read(cert, key)?);
        Ok(Arc::new(Self { cert: cert.to_owned(), key: key.to_owned(), current }))
    }

    /// Serves what the files hold now; on an error the last good one stays. True if it changed.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let fresh = read(&self.cert, &self.key)?;
        let changed = fresh.cert != self.current.load().cert;
        self.current.store(Arc::new(fresh));
        Ok(changed)
    }

    /// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN (RFC 7301).
    pub(super) fn server_config(self: &Arc<Self>) -> Arc<ServerConfig> {
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("the provider supports TLS 1.2 and 1.3")
                .with_no_client_auth()
                .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn read(cert: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let text = |path: &Path| {
        fs::read(path).map_err(|it| TlsError::Unreadable {
            path: path.display().to_string(),
            reason: it.kind(),
        })
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text(cert)?)
        .collect::<Result<_, _>>()
        .map_err(|_| TlsError::NoCertificate { path: cert.display().to_string() })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: cert.display().to_string() });
    }
    let no_key = || TlsError::NoKey { path: key.display().to_string() };
    let private = PrivateKeyDer::from_pem_slice(&text(key)?).map_err(|_| no_key())?;
    let signing = aws_lc_rs::sign::any_supported_type(&private).map_err(|_| no_key())?;
    let certified = CertifiedKey::new(chain, signing);
    certified.keys_match().map_err(|_| TlsError::Mismatch {
        cert: cert.display().to_string(),
        key: key.display().to_string(),
    })?;
    Ok(certified)
}
