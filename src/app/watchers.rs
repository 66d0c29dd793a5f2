//! What looks after files while the gateway runs: configuration and certificates.
use super::StartError;
use crate::reload::Live;
use crate::reload::Watch;
use crate::server::Certificate;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

/// How often certificates are read again: renewals are rare, and reading one costs microseconds.
const CERTIFICATE_INTERVAL: Duration = Duration::from_secs(10);

/// The threads that watch, until stopped.
#[derive(Debug)]
pub(super) struct Watchers {
    stop: mpsc::Sender<()>,
    certificates: JoinHandle<()>,
    config: Watch,
}

impl Watchers {
    pub(super) fn start(
        live: &Arc<Live>,
        certificates: &[Arc<Certificate>],
    ) -> Result<Self, StartError> {
        let config = Watch::start(Arc::clone(live)).map_err(|it| StartError::Watch(it.kind()))?;
        let (stop, stopped) = mpsc::channel();
        let certificates = certificates.to_vec();
        let certificates = thread::spawn(move || {
            while stopped.recv_timeout(CERTIFICATE_INTERVAL) == Err(mpsc::RecvTimeoutError::Timeout)
            {
                certificates.iter().for_each(|it| reload_certificate(it));
            }
        });
        Ok(Self { stop, certificates, config })
    }

    pub(super) fn stop(self) {
        drop(self.stop);
        drop(self.certificates.join());
        drop(self.config);
    }
}

pub(super) fn reload_certificate(certificate: &Certificate) {
    match certificate.reload() {
        Ok(true) => tracing::info!("a listener's certificate was replaced"),
        Ok(false) => {}
        Err(error) => {
            tracing::error!(%error, "a listener's certificate can't be used; the last good one stays")
        }
    }
}
