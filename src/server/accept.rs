//! Listening sockets: one per worker on the same address, so that the kernel spreads the links.
use super::spread;
use super::spread::Share;
use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;

/// Links that the kernel may hold before a worker has taken them.
const BACKLOG: i32 = 4096;

/// Why an address can't be listened on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    #[error("{address} is in use by another program; stop that one, or set another `listen`")]
    InUse { address: SocketAddr },
    #[error(
        "this user may not listen on {address}; take a port from 1024 up, or grant CAP_NET_BIND_SERVICE"
    )]
    NotPermitted { address: SocketAddr },
    #[error("{address} is no address of this machine")]
    NotLocal { address: SocketAddr },
    #[error("{address} can't be listened on: {reason}")]
    Failed { address: SocketAddr, reason: io::ErrorKind },
}

/// One listener: its address, and a share of it for each worker.
#[derive(Debug)]
pub struct Listener {
    pub address: SocketAddr,
    pub shares: Vec<Share>,
}

/// Listens on `address` with `workers` sockets (SO_REUSEPORT). Port 0 takes a free port.
pub fn bind(address: SocketAddr, workers: usize) -> Result<Listener, BindError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { address },
        io::ErrorKind::PermissionDenied => BindError::NotPermitted { address },
        io::ErrorKind::AddrNotAvailable => BindError::NotLocal { address },
        reason => BindError::Failed { address, reason },
    };
    // SO_REUSEPORT alone would let a second attache of the same user share the port in silence.
    if address.port() != 0 {
        drop(open(address, false).map_err(failed)?);
    }
    let first = open(address, true).map_err(failed)?;
    let bound = first.local_addr().map_err(failed)?;
    let mut sockets = vec![first];
    for _ in 1..workers {
        sockets.push(open(bound, true).map_err(failed)?);
    }
    Ok(Listener { address: bound, shares: spread::shares(sockets) })
}

fn open(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let taken = bind(any, 2).unwrap();
        assert_eq!(taken.shares.len(), 2);
        assert_eq!(
            bind(taken.address, 1).unwrap_err(),
            BindError::InUse { address: taken.address }
        );
    }
}
