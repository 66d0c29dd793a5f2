//! attache's own log: to standard error, one event a line, as text or JSON.
