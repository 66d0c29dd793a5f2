//! Dialling: a name is resolved once, every address is judged, and only a judged one is connected to.
use super::error::SendError;
use super::look_up::LookUps;
use crate::model::Key;
use crate::model::Origin;
use crate::model::address;
use ipnet::IpNet;
use rustix::io::Errno;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::net::TcpStream;

/// Addresses of one name that are looked at; a name with more is either broken or an attack.
const ADDRESSES_MAX: usize = 64;

/// Names of cloud metadata services: refused whatever they resolve to, unless the address they
/// resolve to is allowed by name of its own network.
const METADATA_NAMES: [&str; 5] = [
    "metadata.google.internal",
    "metadata.goog",
    "metadata",
    "instance-data",
    "instance-data.ec2.internal",
];

/// Answers for a name, in a test: an empty list is a name that does not exist.
type Script = dyn Fn(&str) -> Vec<IpAddr> + Send + Sync;

/// Where names become addresses.
#[derive(Clone, Default)]
pub enum Resolver {
    /// The operating system's resolver, with its hosts file and its caching.
    #[default]
    System,
    /// A script, for tests of names that change their minds.
    Scripted(Arc<Script>),
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Scripted(_) => "Scripted",
        })
    }
}

impl Resolver {
    /// At least one.
    pub(super) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, SendError> {
        let found: Vec<IpAddr> = match self {
            Self::System => tokio::net::lookup_host((host, 0))
                .await
                .map_err(|it| match is_ours(&it) || has_no_descriptor() {
                    true => SendError::NoDescriptor,
                    false => SendError::Unresolved,
                })?
                .take(ADDRESSES_MAX)
                .map(|it| it.ip())
                .collect(),
            // On the same threads: a script may be slow too.
            Self::Scripted(script) => {
                let (script, host) = (Arc::clone(script), host.to_owned());
                let found = tokio::task::spawn_blocking(move || script(&host));
                found.await.map_err(|_| SendError::Unresolved)?
            }
        };
        if found.is_empty() { Err(SendError::Unresolved) } else { Ok(found) }
    }
}

/// Which addresses may be dialled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard<'a> {
    /// Networks that may be reached although they are not public.
    pub(super) allow: &'a [IpNet],
    /// Whether plain HTTP goes to no public address.
    pub(super) plain_inside_only: bool,
}

/// Why an address is refused that would do with TLS.
const PLAIN: &str = "plain_http";

/// Connects to `origin`, within `timeout` for the name, the judgement and the connection together.
pub(super) async fn dial(
    look_ups: &LookUps,
    connection: &Key,
    origin: &Origin,
    guard: Guard<'_>,
    timeout: Duration,
) -> Result<TcpStream, SendError> {
    let began = Instant::now();
    let look_up = look_ups.addresses(connection, origin.bare_host(), origin.port());
    let found =
        tokio::time::timeout(timeout, look_up).await.map_err(|_| SendError::ConnectTimedOut)??;
    let permitted = judged(origin, &found, guard)?;

    let mut last = SendError::Refused;
    for (index, address) in permitted.iter().enumerate() {
        // A silent address may not use up the time of those behind it.
        let left = timeout.saturating_sub(began.elapsed());
        let share = left / u32::try_from(permitted.len() - index).unwrap_or(1);
        match tokio::time::timeout(share, connect(*address)).await {
            Ok(Ok(stream)) => {
                // Without it a small write would wait for the peer's acknowledgement.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = fault(&error),
            Err(_) => last = SendError::ConnectTimedOut,
        }
    }
    Err(last)
}

/// The addresses that may be dialled, in the resolver's order.
fn judged(
    origin: &Origin,
    found: &[SocketAddr],
    guard: Guard<'_>,
) -> Result<Vec<SocketAddr>, SendError> {
    let host = origin.bare_host();
    let is_plain = guard.plain_inside_only && !origin.is_https();
    let is_metadata = METADATA_NAMES.contains(&host);
    let may = |it: &&SocketAddr| {
        address::is_allowed(it.ip(), guard.allow)
            && (!is_plain || address::refusal(it.ip()).is_some())
            && (!is_metadata || address::refusal(it.ip()) == Some(address::METADATA))
    };
    let permitted: Vec<_> = found.iter().filter(may).copied().collect();
    if permitted.is_empty() {
        let class = found.iter().find_map(|it| address::refusal(it.ip()));
        let otherwise = if is_plain { PLAIN } else { address::METADATA };
        return Err(SendError::Forbidden { class: class.unwrap_or(otherwise) });
    }
    Ok(permitted)
}

/// Whose fault it is that nothing could be opened.
fn fault(error: &io::Error) -> SendError {
    if is_ours(error) { SendError::NoDescriptor } else { SendError::Refused }
}

/// This process, or the machine, has no file descriptor left: no other end has a part in it.
fn is_ours(error: &io::Error) -> bool {
    let ours = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|it| ours.contains(&it))
}

/// Tries it out: a resolver that can't open what it needs says that a name is not known.
fn has_no_descriptor() -> bool {
    std::fs::File::open("/dev/null").is_err_and(|it| is_ours(&it))
}

#[expect(clippy::disallowed_methods, reason = "the one place that opens sockets to upstreams")]
async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect(address).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::try_from("api").unwrap()
    }

    fn allowing(allow: &[IpNet]) -> Guard<'_> {
        Guard { allow, plain_inside_only: false }
    }

    fn origin(text: &str) -> Origin {
        Origin::parse(text).unwrap()
    }

    fn sockets(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses.iter().map(|it| SocketAddr::new(it.parse().unwrap(), 443)).collect()
    }

    #[test]
    fn every_address_of_a_name_is_judged() {
        let mixed = sockets(&["8.8.8.8", "10.0.0.1", "::1", "2606:4700::1111"]);
        let permitted = judged(&origin("https://api.example.com"), &mixed, allowing(&[])).unwrap();
        assert_eq!(permitted, sockets(&["8.8.8.8", "2606:4700::1111"]));
        let inside = sockets(&["169.254.169.254"]);
        let private = ["10.0.0.0/8".parse().unwrap()];
        let refused = judged(&origin("https://api.example.com"), &inside, allowing(&private));
        assert_eq!(refused, Err(SendError::Forbidden { class: "metadata" }));
    }

    #[test]
    fn metadata_names_are_refused_whatever_they_resolve_to() {
        let public = sockets(&["8.8.8.8"]);
        let refused = judged(&origin("https://metadata.google.internal"), &public, allowing(&[]));
        assert_eq!(refused, Err(SendError::Forbidden { class: "metadata" }));
    }

    #[test]
    fn where_plain_http_stays_inside_it_goes_to_no_public_address() {
        let private = ["10.0.0.0/8".parse().unwrap()];
        let guard = Guard { plain_inside_only: true, ..allowing(&private) };
        let mixed = sockets(&["8.8.8.8", "10.0.0.1"]);
        let plain = origin("http://events.example.com");
        assert_eq!(judged(&plain, &mixed, guard).unwrap(), sockets(&["10.0.0.1"]));
        let refused = judged(&plain, &sockets(&["8.8.8.8"]), guard);
        assert_eq!(refused, Err(SendError::Forbidden { class: "plain_http" }));
        let secure = origin("https://events.example.com");
        assert_eq!(judged(&secure, &mixed, guard).unwrap(), mixed);
    }

    #[test]
    fn what_keeps_attache_from_connecting_is_not_the_upstreams_fault() {
        for (code, fault_of) in [
            (Errno::MFILE, SendError::NoDescriptor),
            (Errno::NFILE, SendError::NoDescriptor),
            (Errno::CONNREFUSED, SendError::Refused),
            (Errno::HOSTUNREACH, SendError::Refused),
        ] {
            assert_eq!(fault(&io::Error::from_raw_os_error(code.raw_os_error())), fault_of);
        }
    }

    #[tokio::test]
    async fn a_name_that_turns_inward_is_refused_at_the_dial() {
        let resolver = Resolver::Scripted(Arc::new(|_| vec![[127, 0, 0, 1].into()]));
        let look_ups = LookUps::new(resolver);
        let origin = Origin::parse("http://rebound.example:1").unwrap();
        let dialled = dial(&look_ups, &key(), &origin, allowing(&[]), Duration::from_secs(1)).await;
        assert_eq!(dialled.unwrap_err(), SendError::Forbidden { class: "loopback" });
    }

    #[tokio::test]
    async fn a_name_without_addresses_is_unresolved() {
        let look_ups = LookUps::new(Resolver::Scripted(Arc::new(|_| vec![])));
        let origin = Origin::parse("http://gone.example").unwrap();
        let dialled = dial(&look_ups, &key(), &origin, allowing(&[]), Duration::from_secs(1)).await;
        assert_eq!(dialled.unwrap_err(), SendError::Unresolved);
    }
}
