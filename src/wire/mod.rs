//! HTTP/1.1 as it stands on the wire, whichever side of us reads or writes it (RFC 9112).
mod chunked;
mod field;
mod framing;
mod outbox;
mod path_guard;
mod receiving;
mod request;

pub use chunked::Chunked;
use chunked::Piece;
pub use field::decimal;
pub use field::write_field;
pub use field::write_length;
pub use framing::BodyFailed;
pub use framing::Framing;
pub use outbox::Outbox;
pub use path_guard::PathEscapes;
pub use path_guard::path_guard;
pub use receiving::Receiving;
pub use receiving::Taken;
pub use request::Asked;
pub use request::Fault;
pub use request::Head;
pub use request::parse_request;
pub use request::skip_empty_lines;

/// The bytes are not HTTP, or could be read in more than one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;
