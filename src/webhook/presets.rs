//! The descriptions that come with attache, one file each under `config/webhooks/`.
use super::raw::RawDescription;
use std::collections::BTreeMap;
use std::sync::LazyLock;

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../config/webhooks/", $name, ".yaml")))),*]
    };
}

const FILES: &[(&str, &str)] = shipped![
    "acuity",
    "adyen-payments",
    "adyen-platform",
    "airtable",
    "anthropic",
    "asana",
    "aws-sns",
    "aws-sns-v1",
    "bigcommerce",
    "bitbucket",
    "box",
    "braintree",
    "cal-com",
    "calendly",
    "cashfree",
    "chargebee",
    "circleci",
    "clerk",
    "clickup",
    "coinbase-commerce",
    "contentful",
    "cursor",
    "customer-io",
    "deepgram",
    "discord",
    "discord-events",
    "docusign",
    "dodo",
    "dropbox",
    "dropbox-sign",
    "easypost",
    "elevenlabs",
    "fal",
    "fathom",
    "figma",
    "formstack",
    "fusionauth",
    "github",
    "gitlab",
    "gitlab-token",
    "gocardless",
    "gusto",
    "help-scout",
    "hubspot-v1",
    "hubspot-v2",
    "hubspot-v3",
    "hygraph",
    "inngest",
    "intercom",
    "jira",
    "kontent-ai",
    "lemon-squeezy",
    "line",
    "linear",
    "liveblocks",
    "livekit",
    "mailerlite",
    "mailgun",
    "mautic",
    "mercadopago",
    "messagebird",
    "messagebird-jwt",
    "meta",
    "microsoft-graph",
    "monday",
    "mux",
    "netlify",
    "notion",
    "nylas",
    "okta",
    "onfido",
    "onfleet",
    "openai",
    "paddle-billing",
    "paddle-classic",
    "pagerduty",
    "paypal",
    "paystack",
    "pipedrive",
    "plaid",
    "plivo-v2",
    "plivo-v3",
    "polar",
    "portone",
    "postmark",
    "pusher",
    "qstash",
    "quickbooks",
    "razorpay",
    "replicate",
    "resend",
    "sanity",
    "sendgrid",
    "sentry",
    "shopify",
    "slack",
    "square",
    "standard-webhooks",
    "strava",
    "stripe",
    "surveymonkey",
    "svix",
    "taiga",
    "telegram",
    "telnyx",
    "trello",
    "truelayer",
    "truelayer-sandbox",
    "twilio",
    "twilio-sharedkey",
    "typeform",
    "vercel",
    "viber",
    "vonage",
    "webex",
    "webflow",
    "websub",
    "wix",
    "woocommerce",
    "workos",
    "x",
    "x-hub-sha1",
    "xero",
    "zendesk",
    "zoom",
];

static PRESETS: LazyLock<BTreeMap<&str, RawDescription>> = LazyLock::new(|| {
    let read = |(name, text): &(&'static str, &str)| {
        (*name, serde_yaml::from_str(text).expect("every preset in the program reads, as tested"))
    };
    FILES.iter().map(read).collect()
});

pub(super) fn preset(name: &str) -> Option<&'static RawDescription> {
    PRESETS.get(name)
}

/// A preset's file.
/// Presets that somebody who wrote `name` may have meant, the first six in alphabetical order: one begins as the other
/// does, or has it within.
pub(super) fn near(name: &str) -> Vec<&'static str> {
    let name = name.to_ascii_lowercase();
    let begin = |it: &str| it.chars().take(3).collect::<String>();
    let is_near = |it: &&str| {
        begin(it) == begin(&name) || name.len() > 2 && (it.contains(&name) || name.contains(*it))
    };
    names().filter(is_near).take(6).collect()
}

#[cfg(test)]
pub(super) fn text(name: &str) -> &'static str {
    FILES.iter().find(|it| it.0 == name).map(|it| it.1).expect("a preset's name")
}

/// The presets' names, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|it| it.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::Description;

    #[test]
    fn every_preset_is_a_description_without_a_preset_of_its_own() {
        for name in names() {
            let raw = preset(name).unwrap();
            assert_eq!(raw.preset, None, "{name}");
            let by_name = RawDescription { preset: Some(name.into()), ..RawDescription::default() };
            let whole = Description::try_from(raw.clone()).unwrap();
            let by_name = Description::try_from(by_name).unwrap();
            assert_eq!(by_name.0.ways, whole.0.ways, "{name}");
            assert_eq!(by_name.0.handshakes, whole.0.handshakes, "{name}");
        }
    }
}
