//! What is told of a request: for people, and for programs. No secret is in it, and no signature but the
//! request's own.
use super::show::Mark;
use super::show::Page;
use super::show::concealed;
use super::show::concealed_text;
use super::show::content;
use super::when;
use crate::demo::Paint;
use crate::model::Secret;
use crate::webhook::Case;
use crate::webhook::Examined;
use crate::webhook::Findings;
use crate::webhook::HandshakeCheck;
use crate::webhook::Outcome;
use crate::webhook::Part;
use crate::webhook::Refusal;
use crate::webhook::Reply;
use crate::webhook::Verifier;
use crate::webhook::What;
use crate::webhook::code;
use serde_json::Value;
use serde_json::json;

pub(super) fn text(
    case: &Case<'_>,
    verifier: &Verifier,
    outcome: &Outcome,
    findings: &Findings,
    paint: Paint,
) -> String {
    let secrets = secrets(case, outcome);
    let said = |text: &str| concealed_text(text, &secrets);
    let mut page = Page::new(paint);
    for oddity in &case.request.oddities {
        page.step(Mark::Neither, "capture", oddity);
    }
    if let Some(check) = outcome.handshake {
        page.step(Mark::Neither, "handshake", check_in_words(check));
    }
    let steps = outcome.explained.iter().flat_map(|it| &it.steps);
    for step in steps.filter(|it| is_told(it, outcome)) {
        let mark = if step.passed { Mark::Good } else { Mark::Bad };
        page.step(mark, &step.part.to_string(), &said(&step.text));
        // Who hands a secret over has it in what is hashed.
        if let Some(bytes) = &step.content {
            page.block(&content(&concealed(bytes, &secrets)));
        }
    }
    if let Some(reply) = &outcome.reply {
        answer(&mut page, reply, &secrets);
    }
    page.gap();
    match outcome.refusal {
        None if outcome.reply.is_some() => page.headline("It is answered, and goes no further."),
        None => page.headline("It verifies."),
        Some(refusal) => {
            let status = verifier.description().failure_status();
            page.headline(&format!("Refused: {status} {}, {}", code(refusal), refusal.reason()));
            causes(&mut page, case, verifier, refusal, findings, &secrets);
        }
    }
    page.into_text()
}

/// What is answered here is called nothing, and comes again as often as it likes.
fn is_told(step: &Examined, outcome: &Outcome) -> bool {
    match step.part {
        Part::Id | Part::Replay => outcome.handshake.is_none(),
        Part::Alternative
        | Part::Required
        | Part::Element
        | Part::Signature
        | Part::Timestamp
        | Part::Content
        | Part::Comparison
        | Part::Claims
        | Part::Bound
        | Part::Tenant => true,
    }
}

fn check_in_words(check: HandshakeCheck) -> &'static str {
    match check {
        HandshakeCheck::Signature => "it is answered here, once its signature is right",
        HandshakeCheck::Token => "it is answered here, if it shows the verify_token",
        HandshakeCheck::None => "it is answered here, whoever asks",
    }
}

fn answer(page: &mut Page, reply: &Reply, secrets: &[Secret]) {
    page.step(Mark::Good, "answer", &format!("status {}", reply.status));
    let mut lines: Vec<String> = Vec::new();
    for (name, value) in &reply.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        lines.extend(content(concealed_text(&format!("{name}: {value}"), secrets).as_bytes()));
    }
    lines.extend(content(&concealed(&reply.body, secrets)));
    page.block(&lines);
    if reply.learned.is_some() {
        let told = "it hands a secret over, which is kept before it is answered";
        page.step(Mark::Neither, "secret", told);
    }
}

fn causes(
    page: &mut Page,
    case: &Case<'_>,
    verifier: &Verifier,
    refusal: Refusal,
    findings: &Findings,
    secrets: &[Secret],
) {
    for told in expected(case, verifier, refusal) {
        page.item(&told);
    }
    if findings.only_stale {
        page.item(&only_stale(case, verifier));
    }
    let besides = if refusal == Refusal::Stale { "besides its clock, " } else { "" };
    for with in &findings.with {
        page.item(&concealed_text(&format!("{besides}it would verify with {with}"), secrets));
    }
    if case.request.is_url_assumed && refusal == Refusal::Mismatch && findings.with.is_empty() {
        page.item(&format!(
            "where the URL is signed: it was taken to be {}; --public-url says another",
            case.request.url
        ));
    }
}

/// Where what is missing or malformed was looked for.
fn expected(case: &Case<'_>, verifier: &Verifier, refusal: Refusal) -> Vec<String> {
    let expectations = verifier.expectations(&case.request.delivery());
    let (Refusal::Missing(what) | Refusal::Malformed(what)) = refusal else { return Vec::new() };
    let places = expectations.signatures.into_iter();
    let mut told: Vec<String> =
        places.map(|it| format!("the signature is expected in {it}")).collect();
    match what {
        What::Signature => told,
        // It may be within the signature's list.
        What::Timestamp => {
            told.extend(
                expectations.timestamp.map(|it| format!("the timestamp is expected in {it}")),
            );
            told
        }
        What::Required | What::Value => Vec::new(),
    }
}

fn only_stale(case: &Case<'_>, verifier: &Verifier) -> String {
    let now = when::shown(case.now);
    match verifier.sent_at(&case.request.delivery(), case.now) {
        None => format!("nothing but its clock is wrong, compared with {now}; see --at"),
        Some(sent) => format!(
            "nothing but its clock is wrong: it says {}, and here it is {now}; it verifies with \
             --at {}",
            when::shown(sent),
            sent.as_s()
        ),
    }
}

/// Everything that is not to be shown.
fn secrets(case: &Case<'_>, outcome: &Outcome) -> Vec<Secret> {
    let learned = outcome.reply.iter().filter_map(|it| it.learned.clone());
    let given = case.sender.secrets.iter().chain(&case.sender.verify_token).cloned();
    given.chain(learned).collect()
}

/// The same for programs. `content` is shown as a text, what is no UTF-8 in it replaced.
pub(super) fn json(
    case: &Case<'_>,
    verifier: &Verifier,
    outcome: &Outcome,
    findings: &Findings,
) -> Value {
    let secrets = secrets(case, outcome);
    let text = |bytes: &[u8]| String::from_utf8_lossy(&concealed(bytes, &secrets)).into_owned();
    let steps = outcome.explained.iter().flat_map(|it| &it.steps).map(|it| {
        let mut step = json!({
            "part": it.part.to_string(),
            "passed": it.passed,
            "text": concealed_text(&it.text, &secrets),
        });
        if let Some(bytes) = &it.content {
            step["content"] = text(bytes).into();
        }
        step
    });
    let verified = outcome.explained.as_ref().and_then(|it| it.verdict.as_ref().ok());
    let refusal = outcome.refusal.map(|it| {
        json!({
            "status": verifier.description().failure_status(),
            "code": code(it),
            "reason": it.reason(),
            "detail": it.to_string(),
            "expected": expected(case, verifier, it),
        })
    });
    let sent = verifier.sent_at(&case.request.delivery(), case.now);
    json!({
        "verified": outcome.refusal.is_none(),
        "id": verified.and_then(|it| it.id.as_deref().map(|it| text(it.as_bytes()))),
        "tenant": verified.and_then(|it| it.tenant.as_deref().map(|it| text(it.as_bytes()))),
        "refusal": refusal,
        "answer": outcome.reply.as_ref().map(|it| json!({
            "status": it.status,
            "body": text(&it.body),
            "hands_secret_over": it.learned.is_some(),
        })),
        "steps": steps.collect::<Vec<_>>(),
        "sent_at": sent.map(when::shown),
        "only_stale": findings.only_stale,
        "would_verify_with": findings.with.iter().map(|it| concealed_text(it, &secrets)).collect::<Vec<_>>(),
        "capture": case.request.oddities,
    })
}
