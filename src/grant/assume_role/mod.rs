//! Keys that are lent for a role: AssumeRole of AWS's Security Token Service.
//!
//! Source: AWS Security Token Service API Reference, "AssumeRole" and "Common Errors".
mod answer;
mod settings;
mod xml;

#[cfg(test)]
mod tests;

pub use settings::AssumeRole;
pub use settings::RoleSettings;
