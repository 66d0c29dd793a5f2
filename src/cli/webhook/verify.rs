//! `attache webhook verify`: a captured request against a description, step by step.
use super::likely;
use super::likely::Case;
use super::likely::Findings;
use super::request::RequestArgs;
use super::sender;
use super::sender::SenderArgs;
use super::show::Mark;
use super::show::Page;
use super::when;
use crate::app;
use crate::cli::stopped::Stopped;
use crate::demo::Paint;
use crate::model::UnixTime;
use crate::webhook::Refusal;
use crate::webhook::Verified;
use clap::ArgGroup;
use clap::Args;
use serde_json::Value;
use serde_json::json;
use std::io;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

pub(super) const EXAMPLES: &str = "\
Examples:
  attache webhook verify request.http --preset github --secret-file secret
  attache webhook verify request.http --description mine.yaml --at 1700000000
  attache webhook verify request.http --config attache.yaml --connection stripe-hooks";

/// Exits with 0 where the request verifies, with 1 where it is refused.
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
        let verifier = sender.verifier()?;
        let public_url = self.public_url.as_deref().or(sender.public_url.as_deref());
        let request = self.request.read(public_url)?;
        let keys = self.keys.as_deref().map(sender::public_keys).transpose()?;
        let now = self.at.unwrap_or_else(app::now);
        let verdict = verifier.verify(&request.delivery(), now, keys.as_ref());
        let case = Case { sender, request, now, keys: keys.as_ref() };
        let findings = match verdict {
            Ok(_) => Findings::default(),
            Err(_) => likely::findings(&case),
        };
        let paint = Paint::new(&io::stdout(), std::env::var("NO_COLOR").ok().as_deref());
        let text = if self.json {
            as_json(&verdict, &findings).to_string() + "\n"
        } else {
            told(&case, &verdict, &findings, paint)
        };
        let written = io::stdout().write_all(text.as_bytes());
        written.map_err(|it| Stopped::Failed(format!("the verdict: {}", it.kind())))?;
        Ok(if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn told(
    case: &Case<'_>,
    verdict: &Result<Verified, Refusal>,
    findings: &Findings,
    paint: Paint,
) -> String {
    let mut page = Page::new(paint);
    for oddity in &case.request.oddities {
        page.step(Mark::Neither, "the capture", oddity);
    }
    match verdict {
        Ok(verified) => {
            page.headline("It verifies.");
            if let Some(id) = &verified.id {
                page.step(Mark::Neither, "its id", id);
            }
        }
        Err(refusal) => {
            page.headline(&format!("Refused: {} {}: {refusal}.", code(*refusal), refusal.reason()));
            likely_causes(&mut page, case, findings);
        }
    }
    page.into_text()
}

fn likely_causes(page: &mut Page, case: &Case<'_>, findings: &Findings) {
    if findings.only_stale {
        page.item(&format!(
            "nothing but its clock is wrong, compared with {}: --at says another time",
            when::shown(case.now)
        ));
    }
    for with in &findings.with {
        page.item(&format!("it would verify with {with}"));
    }
}

fn code(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Missing(_) => "webhook_unsigned",
        Refusal::Malformed(_) | Refusal::Mismatch => "webhook_bad_signature",
        Refusal::Stale => "webhook_stale",
    }
}

fn as_json(verdict: &Result<Verified, Refusal>, findings: &Findings) -> Value {
    match verdict {
        Ok(verified) => json!({ "verified": true, "id": verified.id, "tenant": verified.tenant }),
        Err(refusal) => json!({
            "verified": false,
            "code": code(*refusal),
            "reason": refusal.reason(),
            "detail": refusal.to_string(),
            "only_stale": findings.only_stale,
            "would_verify_with": findings.with,
        }),
    }
}
