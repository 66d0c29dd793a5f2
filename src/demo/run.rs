//! The demo from its first line to its last.
use super::api;
use super::attempt::Attempt;
use super::attempts::attempts;
use super::gateway;
use super::paint::Paint;
use super::places;
use super::report;
use super::send;
use super::witness::Sightings;
use super::witness::witness;
use crate::app::StartError;
use crate::config::LogSettings;
use std::future::Future;
use std::io;
use std::io::Write;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Ports of the sample API and the receiver, if they are free.
const API_PORT: u16 = 8090;
const RECEIVER_PORT: u16 = 8091;

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error("the samples can't listen on loopback: {0}")]
    Listen(io::Error),
    #[error("the configuration can't be written: {0}")]
    Config(io::Error),
    #[error("attache does not start: {0}")]
    Start(#[from] StartError),
    #[error("the report can't be written: {0}")]
    Report(#[from] io::Error),
}

/// Runs the demo until `stop`, or through its requests once. True if all of them did what they say.
pub async fn run(
    once: bool,
    paint: Paint,
    out: &mut impl Write,
    log: impl FnOnce(&LogSettings) -> Result<(), StartError>,
    stop: impl Future<Output = ()>,
) -> Result<bool, DemoError> {
    let (witness, mut sightings) = witness();
    let (done, _) = watch::channel(());
    let api = listen(API_PORT)?;
    let receiver = listen(RECEIVER_PORT)?;
    let behind = (local(&api)?, local(&receiver)?);
    let samples = [
        tokio::spawn(api::serve(api, witness.clone(), ended(&done))),
        tokio::spawn(api::receive(receiver, witness, ended(&done))),
    ];

    let gateway = tokio::task::block_in_place(|| gateway::start(behind.0, behind.1, log))?;
    let places = gateway.places();
    let attempts = attempts(&places);
    let files = (!once).then(|| (gateway.config(), gateway.openapi()));
    write!(out, "{}", report::opening(&places, files, paint))?;
    let shown = if once {
        try_all(&attempts, &mut sightings, paint, out).await
    } else {
        invite(&attempts, &mut sightings, paint, out, stop).await
    };

    gateway.stop().await;
    drop(done);
    for sample in samples {
        // A sample that failed has been seen to fail: its requests had no answer.
        drop(sample.await);
    }
    shown
}

async fn try_all(
    attempts: &[Attempt],
    sightings: &mut Sightings,
    paint: Paint,
    out: &mut impl Write,
) -> Result<bool, DemoError> {
    let mut good = 0;
    for (number, attempt) in (1..).zip(attempts) {
        write!(out, "{}", report::attempt(number, attempt, paint))?;
        let answer = send::send(attempt).await;
        let seen = sightings.so_far();
        let status = answer.as_ref().ok().map(|it| it.status);
        let verdict =
            answer.map_err(|e| e.to_string()).and_then(|answer| attempt.judge(&answer, &seen));
        good += usize::from(verdict.is_ok());
        write!(out, "{}", report::outcome(status, &verdict, paint))?;
    }
    write!(out, "{}", report::closing(good, attempts.len(), paint))?;
    Ok(good == attempts.len())
}

async fn invite(
    attempts: &[Attempt],
    sightings: &mut Sightings,
    paint: Paint,
    out: &mut impl Write,
    stop: impl Future<Output = ()>,
) -> Result<bool, DemoError> {
    for (number, attempt) in (1..).zip(attempts) {
        write!(out, "{}", report::attempt(number, attempt, paint))?;
    }
    write!(out, "{}", report::invitation(paint))?;
    out.flush()?;
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return Ok(true),
            Some(seen) = sightings.next() => {
                writeln!(out, "{}", report::sighting(&seen, paint))?;
                out.flush()?;
            }
        }
    }
}

fn listen(port: u16) -> Result<TcpListener, DemoError> {
    places::listen(port).and_then(TcpListener::from_std).map_err(DemoError::Listen)
}

fn local(listener: &TcpListener) -> Result<std::net::SocketAddr, DemoError> {
    listener.local_addr().map_err(DemoError::Listen)
}

/// Ready when the sender is gone.
fn ended(done: &watch::Sender<()>) -> impl Future<Output = ()> + Send + 'static {
    let mut done = done.subscribe();
    async move { while done.changed().await.is_ok() {} }
}
