//! The connectors that come with attache, one file each under `config/connectors/`.
use super::connector::RawConnector;
use indexmap::IndexMap;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(include_str!(concat!("../../config/connectors/", $name, ".yaml"))),*]
    };
}

const FILES: &[&str] = files![
    "activecampaign",
    "adyen-checkout",
    "aftership",
    "aircall",
    "airtable",
    "algolia",
    "amplitude",
    "anthropic",
    "asana",
    "assemblyai",
    "attio",
    "azure-devops",
    "azure-openai",
    "bamboohr",
    "better-stack",
    "bigcommerce",
    "bitbucket",
    "bitly",
    "brave-search",
    "brevo",
    "buildkite",
    "bunny",
    "calendly",
    "chargebee",
    "checkly",
    "circleci",
    "clerk",
    "clickup",
    "clockify",
    "close",
    "cloudflare",
    "cloudinary",
    "cohere",
    "coingecko",
    "configcat",
    "confluence",
    "contentful-delivery",
    "contentful-management",
    "copper",
    "couchdb",
    "customer-io",
    "customer-io-track",
    "datadog",
    "datocms",
    "deepgram",
    "deepl",
    "digitalocean",
    "discord",
    "discourse",
    "dropbox-sign",
    "dynatrace",
    "e-conomic",
    "easypost",
    "elasticsearch",
    "elevenlabs",
    "fastly",
    "figma",
    "flagsmith",
    "freshdesk",
    "freshsales",
    "front",
    "fusionauth",
    "gemini",
    "ghost-content",
    "giphy",
    "gitea",
    "github",
    "gitlab",
    "gocardless",
    "godaddy",
    "google-maps",
    "grafana",
    "groq",
    "harvest",
    "hashicorp-vault",
    "have-i-been-pwned",
    "here",
    "heroku",
    "hetzner-cloud",
    "home-assistant",
    "honeycomb",
    "hubspot",
    "hugging-face",
    "hunter",
    "influxdb",
    "infobip",
    "insightly",
    "intercom",
    "ipinfo",
    "jenkins",
    "jira",
    "jotform",
    "jumpcloud",
    "kit",
    "klaviyo",
    "launchdarkly",
    "lemon-squeezy",
    "lever",
    "lexware-office",
    "linear",
    "mailchimp",
    "mailerlite",
    "mailgun",
    "mailjet",
    "mapbox",
    "mattermost",
    "meilisearch",
    "messagebird",
    "metabase",
    "mistral",
    "mixpanel",
    "mollie",
    "monday",
    "namecheap",
    "neon",
    "netlify",
    "new-relic",
    "newsapi",
    "notion",
    "okta",
    "open-exchange-rates",
    "openai",
    "opencage",
    "openrouter",
    "openweather",
    "opsgenie",
    "paddle",
    "pagerduty",
    "pandadoc",
    "paystack",
    "perplexity",
    "pexels",
    "pinecone",
    "pipedrive",
    "planetscale",
    "plausible",
    "plivo",
    "posthog",
    "postmark",
    "printful",
    "proxmox-ve",
    "qdrant",
    "rapidapi",
    "razorpay",
    "recurly",
    "redmine",
    "replicate",
    "resend",
    "rocket-chat",
    "rollbar",
    "sanity",
    "segment",
    "sendcloud",
    "sendgrid",
    "sentry",
    "serpapi",
    "servicenow",
    "shipengine",
    "shippo",
    "shodan",
    "shopify",
    "shortcut",
    "slack",
    "smartsheet",
    "snyk",
    "sonarqube-cloud",
    "sparkpost",
    "splunk-observability",
    "square",
    "stability-ai",
    "statsig",
    "statuspage",
    "storyblok-delivery",
    "storyblok-management",
    "stripe",
    "stytch",
    "sumo-logic",
    "supabase",
    "tailscale",
    "telnyx",
    "terraform-cloud",
    "tmdb",
    "todoist",
    "toggl-track",
    "tomtom",
    "travis-ci",
    "trello",
    "twilio",
    "typeform",
    "typesense",
    "unleash",
    "unsplash",
    "uploadcare",
    "upstash-redis",
    "vercel",
    "virustotal",
    "vonage",
    "vultr",
    "webex",
    "webflow",
    "wise",
    "woocommerce",
    "wordpress",
    "workable",
    "workos",
    "zammad",
    "zendesk",
    "zulip",
];

/// What a file of them holds: a configuration with this one section, so that it can be given to
/// `--config` as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    connectors: IndexMap<String, RawConnector>,
}

/// Read at the first look: whoever has no use for them pays nothing.
static SHIPPED: LazyLock<BTreeMap<String, RawConnector>> = LazyLock::new(|| {
    let read = |text: &&str| -> File {
        serde_yaml::from_str(text).expect("every connector in the program reads, as tested")
    };
    FILES.iter().flat_map(|it| read(it).connectors).collect()
});

/// There is no such API in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no API `{0}` in the catalogue that comes with attache")]
pub struct UnknownApi(String);

impl UnknownApi {
    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        "docs/catalogue.md and GET /v1/catalogue list them; without `from`, write the connector out"
    }
}

/// All of them, in the order of keys.
pub fn shipped_connectors() -> impl Iterator<Item = (&'static str, &'static RawConnector)> {
    SHIPPED.iter().map(|(key, it)| (key.as_str(), it))
}

pub fn shipped_connector(key: &str) -> Option<&'static RawConnector> {
    SHIPPED.get(key)
}

impl RawConnector {
    /// With what it takes from the catalogue (`from`). What it says itself stays; variables, auth
    /// methods and endpoints are taken one by one, each as a whole.
    pub fn completed(mut self) -> Result<Self, UnknownApi> {
        let Some(from) = self.from.take() else { return Ok(self) };
        let shipped = shipped_connector(&from).ok_or(UnknownApi(from))?;
        let Self { name, description, docs, base_url, variables, auth, endpoints, .. } =
            shipped.clone();
        self.name = self.name.or(name);
        self.description = self.description.or(description);
        self.docs = self.docs.or(docs);
        self.base_url = self.base_url.or(base_url);
        self.variables = beneath(self.variables, variables);
        self.auth = beneath(self.auth, auth);
        self.endpoints = beneath(self.endpoints, endpoints);
        Ok(self)
    }
}

/// The entries of both, in the order of what is shipped; where both have one, the own.
fn beneath<T>(own: IndexMap<String, T>, shipped: IndexMap<String, T>) -> IndexMap<String, T> {
    let mut all = shipped;
    all.extend(own);
    all
}
