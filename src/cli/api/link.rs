//! A link to attache: TCP, TLS where the URL says https, and HTTP/1.1 on it.
use super::ServerUrl;
use crate::cli::stopped::Stopped;
use crate::upstream::SendError;
use crate::upstream::client_config;
use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Whose certificates are good.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::cli) struct Trust {
    /// Certificates to trust instead of the system's (PEM)
    #[arg(long, global = true, env = "ATTACHE_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Trust {
    fn connector(&self) -> Result<TlsConnector, Stopped> {
        let pem = match &self.ca {
            None => None,
            Some(path) => Some(fs::read(path).map_err(|it| {
                Stopped::Invalid(format!("--ca: {} can't be read: {}", path.display(), it.kind()))
            })?),
        };
        let config = client_config(pem.as_deref()).map_err(|_: SendError| {
            Stopped::Invalid("--ca: there is no certificate in it: PEM is expected".to_owned())
        })?;
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// One link, for one request after the other.
pub(in crate::cli) struct Link {
    sender: SendRequest<Full<Bytes>>,
}

impl Link {
    /// `said`: the option and the setting that say where the server is.
    pub(in crate::cli) async fn open(
        server: &ServerUrl,
        said: &str,
        trust: &Trust,
    ) -> Result<Self, Stopped> {
        let failed = |reason: String| Stopped::Failed(format!("{server} can't be asked: {reason}"));
        #[expect(
            clippy::disallowed_methods,
            reason = "the operator names this address: their own attache"
        )]
        let stream = TcpStream::connect((&*server.host, server.port)).await.map_err(|it| {
            failed(format!("{}\n  is attache running there? {said} says where it is", it.kind()))
        })?;
        if !server.is_https {
            return Self::over(stream).await.map_err(failed);
        }
        let name = ServerName::try_from(server.host.clone())
            .map_err(|_| failed("its host is no name that a certificate has".to_owned()))?;
        let stream = trust.connector()?.connect(name, stream).await;
        let stream = stream.map_err(|it| failed(format!("TLS: {it}")))?;
        Self::over(stream).await.map_err(failed)
    }

    async fn over<S>(stream: S) -> Result<Self, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, link) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|it| it.to_string())?;
        // It ends with its sender; a link that breaks is told of by the request on it.
        tokio::spawn(link);
        Ok(Self { sender })
    }

    /// Whether another request can go on it.
    pub(in crate::cli) async fn is_free(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    pub(in crate::cli) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, String> {
        self.sender.send_request(request).await.map_err(|it| it.to_string())
    }
}
