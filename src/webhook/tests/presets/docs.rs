//! `docs/webhook-presets.md` says of each preset what is so.
use crate::webhook::Description;
use crate::webhook::HandshakeCheck;
use crate::webhook::RawDescription;
use crate::webhook::preset_names;
use crate::webhook::presets;
use crate::webhook::raw::Algorithm;
use crate::webhook::raw::Covers;
use crate::webhook::raw::RawHandshake;

const PAGE: &str = include_str!("../../../../docs/webhook-presets.md");

/// The columns behind the provider's name.
fn columns(name: &str) -> String {
    let raw = presets::preset(name).unwrap();
    let cells =
        [verified(raw), clock(raw), handshakes(raw), fields(name), sureness(name).to_owned()];
    cells.join(" | ")
}

fn verified(raw: &RawDescription) -> String {
    let by = match raw.algorithm.unwrap_or_default() {
        Algorithm::HmacSha256 => "HMAC-SHA256",
        Algorithm::HmacSha1 => "HMAC-SHA1",
        Algorithm::HmacSha512 => "HMAC-SHA512",
        Algorithm::Sha256 => "SHA-256 with the secret",
        Algorithm::Token => return "the secret itself".to_owned(),
        Algorithm::Ed25519 => "Ed25519",
        Algorithm::EcdsaP256 => "ECDSA P-256",
        Algorithm::RsaSha256 => "RSA-SHA256",
        Algorithm::RsaSha1 => "RSA-SHA1",
        Algorithm::Jwt => &format!("JWT {}", jwt_algorithms(raw)),
    };
    let partial = raw.covers == Some(Covers::Partial);
    format!("{by}{}", if partial { ", not of the body" } else { "" })
}

fn jwt_algorithms(raw: &RawDescription) -> String {
    let jwt = raw.jwt.as_ref().unwrap();
    jwt.algorithms.as_ref().unwrap().join(", ")
}

fn clock(raw: &RawDescription) -> String {
    let Some(clock) = &raw.timestamp else { return String::new() };
    let past = clock.past.unwrap_or(300);
    match clock.future.filter(|it| *it != past) {
        Some(future) => format!("{past} s, {future} s ahead"),
        None => format!("{past} s"),
    }
}

fn handshakes(raw: &RawDescription) -> String {
    let each = raw.handshakes.iter().flatten().map(
        |RawHandshake { when, check, store_secret_once, .. }| {
            let method = when.method.as_deref().unwrap_or("POST");
            let checked = match check.unwrap_or_default() {
                HandshakeCheck::Signature => ", signed",
                HandshakeCheck::Token => ", with `verify_token`",
                HandshakeCheck::None if store_secret_once.is_some() => ", hands the secret over",
                HandshakeCheck::None => "",
            };
            format!("{method}{checked}")
        },
    );
    each.collect::<Vec<_>>().join("; ")
}

fn fields(name: &str) -> String {
    let raw = RawDescription { preset: Some(name.to_owned()), ..RawDescription::default() };
    let fields = Description::try_from(raw).unwrap().fields();
    let each = fields.iter().map(|(field, _)| format!("`{field}`"));
    each.collect::<Vec<_>>().join(", ")
}

/// How sure the preset's own comment says that it is.
fn sureness(name: &str) -> &'static str {
    let text = presets::text(name);
    let comment: Vec<_> = text.lines().map_while(|it| it.strip_prefix("# ")).collect();
    let comment = comment.join(" ");
    let found = ["Fairly sure", "Sure", "From the documentation, not run"].into_iter();
    let mut found = found.filter(|it| comment.contains(it));
    match found.next().unwrap_or_else(|| panic!("{name} does not say how sure it is")) {
        "Fairly sure" => "fairly sure",
        "Sure" => "sure",
        _ => "documentation",
    }
}

#[test]
fn the_table_has_every_preset_as_it_is() {
    let lines: Vec<_> = PAGE.lines().filter(|it| it.starts_with("| `")).collect();
    let names: Vec<_> = lines.iter().map(|it| it.split('`').nth(1).unwrap()).collect();
    let mut wrong = Vec::new();
    for name in preset_names() {
        let line = lines.iter().find(|it| it.starts_with(&format!("| `{name}` |")));
        let expected = columns(name);
        if !line.is_some_and(|it| it.ends_with(&format!(" | {expected} |"))) {
            wrong.push(format!("| `{name}` | … | {expected} |"));
        }
    }
    assert!(wrong.is_empty(), "docs/webhook-presets.md should have:\n{}", wrong.join("\n"));
    assert_eq!(names, preset_names().collect::<Vec<_>>());
}

#[test]
fn a_presets_comment_says_where_it_is_from() {
    for name in preset_names() {
        let text = presets::text(name);
        assert!(text.contains("\n# Source: "), "{name}");
        assert!(text.lines().all(|it| it.len() <= 120), "{name}: a line is longer than 120");
    }
}
