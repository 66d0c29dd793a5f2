//! A certificate authority of the tests' own, and servers that show its certificates, good or bad.
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;

/// A client's certificate: in PEM with its key, and as a server sees it.
pub struct ClientPair {
    pub certificate: String,
    pub key: String,
    pub der: Vec<u8>,
}

pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("no names are valid names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("keys can be made");
        let pem = params.self_signed(&key).expect("a fresh key signs").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// The certificate to trust, as PEM text.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A server with a certificate for `localhost` and 127.0.0.1.
    pub fn good(&self, alpn: &[&str]) -> TlsAcceptor {
        self.server(Self::params("localhost"), alpn)
    }

    pub fn for_another_name(&self) -> TlsAcceptor {
        self.server(CertificateParams::new(["elsewhere.test".to_owned()]).expect("a name"), &[])
    }

    pub fn expired(&self) -> TlsAcceptor {
        let mut params = Self::params("localhost");
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        self.server(params, &[])
    }

    /// A certificate for a client of this name and its key, as PEM text.
    pub fn client(&self, name: &str) -> ClientPair {
        self.client_until(name, 2999)
    }

    /// The same, good until the first day of a year.
    pub fn client_until(&self, name: &str, year: i32) -> ClientPair {
        let key = KeyPair::generate().expect("keys can be made");
        let mut params = CertificateParams::new([name.to_owned()]).expect("a valid name");
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).expect("the authority signs");
        ClientPair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().to_vec(),
        }
    }

    /// A good server that talks to nobody without a certificate of this authority's.
    pub fn demanding(&self) -> TlsAcceptor {
        let mut roots = rustls::RootCertStore::empty();
        let own: CertificateDer<'_> =
            PemObject::from_pem_slice(self.pem.as_bytes()).expect("its own PEM");
        roots.add(own).expect("its own certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.build().expect("there is a root");
        self.server_that_asks(Self::params("localhost"), &[], Some(verifier))
    }

    fn params(name: &str) -> CertificateParams {
        CertificateParams::new([name.to_owned(), "127.0.0.1".to_owned()]).expect("valid names")
    }

    fn server(&self, params: CertificateParams, alpn: &[&str]) -> TlsAcceptor {
        self.server_that_asks(params, alpn, None)
    }

    fn server_that_asks(
        &self,
        params: CertificateParams,
        alpn: &[&str],
        verifier: Option<Arc<dyn ClientCertVerifier>>,
    ) -> TlsAcceptor {
        let key = KeyPair::generate().expect("keys can be made");
        let certificate = params.signed_by(&key, &self.issuer).expect("the authority signs");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has the default versions");
        let config = match verifier {
            None => config.with_no_client_auth(),
            Some(verifier) => config.with_client_cert_verifier(verifier),
        };
        let mut config = config
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).expect("a PKCS#8 key"),
            )
            .expect("the key fits its certificate");
        config.alpn_protocols = alpn.iter().map(|it| it.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}
