//! How a token is had in OAuth 1.0a by a person's consent (RFC 5849 §2): where the three messages go, what is read of
//! their answers. Whoever sends them signs them.
mod answer;
mod callback;
mod settings;

#[cfg(test)]
mod tests;

pub use answer::Oauth1Error;
pub use answer::Temporary;
pub use settings::Leg;
pub use settings::Oauth1Grant;
pub use settings::RawOauth1Grant;
