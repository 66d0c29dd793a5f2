//! Session logins: ordered calls as data, whose answers feed the next and yield a session.
mod body;
mod login;
mod raw;
mod settings;

#[cfg(test)]
mod tests;

pub use login::Login;
pub use login::Session;
pub use raw::RawSessionInjection;
pub use raw::RawSessionLogin;
pub use settings::STEPS_MAX;
pub use settings::SessionLogin;
