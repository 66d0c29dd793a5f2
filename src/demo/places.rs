//! Where everything listens: the ports of the documentation where they are free, others otherwise.
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;

/// Addresses on loopback, for a demo is nobody else's business.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    pub proxy: SocketAddr,
    pub admin: SocketAddr,
    pub public: SocketAddr,
    pub api: SocketAddr,
    pub receiver: SocketAddr,
}

impl Places {
    /// The three ports that are attache's by default, or 0 ("any") for each that is taken.
    pub fn preferred() -> [SocketAddr; 3] {
        [8080, 8081, 8082].map(free_or_any)
    }
}

/// A socket that listens on this port, or on another one if it is taken.
pub fn listen(port: u16) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Whoever takes the port between this look and its use gets the gateway's own message about it.
fn free_or_any(port: u16) -> SocketAddr {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    SocketAddr::from((Ipv4Addr::LOCALHOST, if free { port } else { 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_gives_way() {
        let holder = listen(0).unwrap();
        let taken = holder.local_addr().unwrap().port();
        assert_eq!(free_or_any(taken).port(), 0);
        let other = listen(taken).unwrap().local_addr().unwrap();
        assert!(other.ip().is_loopback() && other.port() != taken);
    }
}
