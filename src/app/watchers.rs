//! What looks after files while the gateway runs: configuration, certificates and sealing keys.
use super::StartError;
use super::certificates::Ends;
use super::clock::now;
use crate::reload::Live;
use crate::reload::Watch;
use crate::seal::Reading;
use crate::seal::Refreshed;
use crate::seal::Sealer;
use crate::server::Certificate;
use crate::telemetry::Metrics;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

/// How often certificates and keys are read again: changes are rare, and reading one costs microseconds.
const FILE_INTERVAL: Duration = Duration::from_secs(10);

/// The threads that watch, until stopped.
#[derive(Debug)]
pub(super) struct Watchers {
    /// Has everything read again at once; dropped, it ends the thread.
    look: mpsc::Sender<()>,
    files: JoinHandle<()>,
    config: Watch,
}

impl Watchers {
    pub(super) fn start(
        live: &Arc<Live>,
        certificates: &[Arc<Certificate>],
        keys: Option<Keys>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let config = Watch::start(Arc::clone(live)).map_err(|it| StartError::Watch(it.kind()))?;
        let (look, looks) = mpsc::channel();
        let certificates = certificates.to_vec();
        let served = Arc::clone(live);
        let files = thread::spawn(move || {
            let mut ends = Ends::default();
            loop {
                ends.look(&served.snapshot_full(), now(), &metrics);
                let reading = match looks.recv_timeout(FILE_INTERVAL) {
                    Ok(()) => Reading::Thorough,
                    Err(mpsc::RecvTimeoutError::Timeout) => Reading::Routine,
                    Err(mpsc::RecvTimeoutError::Disconnected) => return,
                };
                certificates.iter().for_each(|it| reload_certificate(it));
                if let Some(keys) = &keys {
                    keys.refresh(reading);
                }
            }
        });
        Ok(Self { look, files, config })
    }

    /// Has the keys read again, programs that print them included; does not wait for that.
    pub(super) fn read_keys(&self) {
        // Its thread ends with this value, not before.
        let _ = self.look.send(());
    }

    pub(super) fn stop(self) {
        drop(self.look);
        drop(self.files.join());
        drop(self.config);
    }
}

/// The sealing keys, and where it is told how things stand with them.
pub(super) struct Keys {
    pub(super) sealer: Arc<Sealer>,
    pub(super) metrics: Arc<Metrics>,
}

impl Keys {
    /// Reads them again; those in use stay where that fails. May block for as long as `reading` takes.
    fn refresh(&self, reading: Reading) {
        match self.sealer.refresh(reading) {
            Refreshed::Unchanged => {}
            Refreshed::NewKey(key) => tracing::info!(key, "a new key seals from now on"),
            Refreshed::Mended => tracing::info!("the sealing keys can be read again"),
            Refreshed::Broke(problem) => {
                tracing::error!(
                    "the sealing keys can't be read again, the loaded ones stay: {problem}"
                );
            }
        }
        self.metrics.sealing_keys(self.sealer.problem().is_none());
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
