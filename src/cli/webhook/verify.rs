//! `attache webhook verify`: a captured request against a description, step by step.
use super::report;
use super::request::RequestArgs;
use super::sender;
use super::sender::SenderArgs;
use super::when;
use crate::app;
use crate::cli::stopped::Stopped;
use crate::demo::Paint;
use crate::model::UnixTime;
use crate::webhook::Case;
use crate::webhook::Delivery;
use crate::webhook::Findings;
use crate::webhook::KeysForm;
use crate::webhook::Outcome;
use crate::webhook::PublicKeys;
use crate::webhook::Verifier;
use crate::webhook::findings;
use clap::ArgGroup;
use clap::Args;
use std::env;
use std::io;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

pub(super) const EXAMPLES: &str = "\
Examples:
  attache webhook verify request.http --preset github --secret-file secret
  attache webhook verify request.http --description mine.yaml --at 1700000000
  attache webhook verify request.http --config attache.yaml --connection stripe-hooks";

/// Exits with 0 where the request verifies, or is a handshake that is answered; with 1 where it is refused.
#[derive(Args, Clone, Debug)]
#[command(group(ArgGroup::new("signed").required(true).args(["preset", "description", "connection"])))]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    request: RequestArgs,
    #[command(flatten)]
    sender: SenderArgs,
    /// What the sender knows the listener by, without a path; some sign the URL. Default: of the configuration, else of the request
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// The time that the request's clock is compared with: seconds since 1970, or as in 2027-01-31T12:00:00Z. Default: now
    #[arg(long, value_name = "WHEN", value_parser = when::when)]
    at: Option<UnixTime>,
    /// A file with the sender's published keys, where they would be fetched: a JWK set, or a certificate in PEM
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// For programs: one JSON object
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> Result<ExitCode, Stopped> {
        let sender = self.sender.read()?;
        let verifier = sender::verifier(&sender)?;
        let public_url = self.public_url.as_deref().or(sender.public_url.as_deref());
        let request = self.request.read(public_url)?;
        let now = self.at.unwrap_or_else(app::now);
        let keys = self.keys(&verifier, &request.delivery())?;
        let outcome = Outcome::of(&verifier, &request.delivery(), now, keys.as_ref());
        let case = Case { sender, request, now, keys: keys.as_ref(), ready: None };
        let findings = match &outcome.refusal {
            None => Findings::default(),
            Some(_) => findings(&case),
        };
        let text = if self.json {
            report::json(&case, &verifier, &outcome, &findings).to_string() + "\n"
        } else {
            let paint = Paint::new(&io::stdout(), env::var("NO_COLOR").ok().as_deref());
            report::text(&case, &verifier, &outcome, &findings, paint)
        };
        let written = io::stdout().write_all(text.as_bytes());
        written.map_err(|it| Stopped::Failed(format!("the verdict: {}", it.kind())))?;
        Ok(if outcome.refusal.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The keys that the gateway would fetch: they have to be given, as nothing is asked for here.
    fn keys(
        &self,
        verifier: &Verifier,
        delivery: &Delivery<'_>,
    ) -> Result<Option<PublicKeys>, Stopped> {
        if let Some(path) = &self.keys {
            return sender::public_keys(path).map(Some);
        }
        // Where the place itself is refused, the verdict says so.
        let Ok(Some(at)) = verifier.keys_at(delivery) else { return Ok(None) };
        let form = match at.form {
            KeysForm::Jwks => "the JWK set",
            KeysForm::Certificate => "the certificate",
        };
        Err(Stopped::Invalid(format!(
            "it is signed with a key of {form} at {}: fetch that, and name the file with --keys",
            at.url
        )))
    }
}
