//! OAuth 1.0a: with its three URLs a token is had first, without them it is one of the credential.
use crate::catalog::ConnectWay;
use crate::catalog::Kind;
use crate::catalog::Problem;
use crate::catalog::RawCatalog;
use crate::catalog::Ready;
use crate::catalog::Snapshot;

const URLS: &str = "request_url: \"https://{region}.id.example/r\", authorize_url: \"https://id.example/a\", \
                    token_url: \"https://id.example/t\"";

fn build(settings: &str, own: &str) -> Result<Snapshot, Vec<Problem>> {
    let yaml = format!(
        "connectors:
  api:
    base_url: https://api.example
    variables: {{ region: {{ default: eu }} }}
    auth: {{ m: {{ oauth1: {{ {settings} }} }} }}
connections:
  own: {{ connector: api, auth: m, credentials: {{ {own} }} }}
  many:
    connector: api
    auth: m
    embedded: true
    inputs: {{ consumer_key: global, consumer_secret: global }}
    credentials: {{ consumer_key: k, consumer_secret: s }}
"
    );
    let raw: RawCatalog = serde_yaml::from_str(&yaml).unwrap();
    Snapshot::build(raw, &mut Vec::new())
}

fn told(settings: &str, own: &str) -> Vec<String> {
    build(settings, own).unwrap_err().iter().map(|it| it.problem.clone()).collect()
}

#[test]
fn with_urls_a_token_is_had_by_consent_and_without_them_it_is_brought() {
    let keys = "consumer_key: k, consumer_secret: s";
    let snapshot = build(URLS, keys).unwrap();
    let Kind::Standard(holder) = &snapshot.connection("own").unwrap().kind else { panic!("one") };
    let Ready::Token(token) = &holder.ready else { panic!("a token's holder") };
    let id = crate::model::Origin::parse("https://id.example").unwrap();
    assert!(token.guards(&id, "/t") && !token.guards(&id, "/a"), "its answers are tokens");
    assert!(!token.begins_by_itself() && token.needs_a_person());
    assert!(!token.sample().is_nothing(), "where it would go is known");
    let many = snapshot.connection("many").unwrap();
    assert_eq!(many.connect_way(), ConnectWay::Redirect);
    assert!(
        many.tenant_inputs().iter().all(|it| it.name == "region"),
        "the app's keys are its own"
    );

    let brought = build(URLS, &format!("{keys}, token: t, token_secret: u")).unwrap();
    let Kind::Standard(holder) = &brought.connection("own").unwrap().kind else { panic!("one") };
    let Ready::Token(token) = &holder.ready else { panic!("a token's holder") };
    assert!(token.begins_by_itself());

    let plain = build("", keys).unwrap();
    let Kind::Standard(holder) = &plain.connection("own").unwrap().kind else { panic!("one") };
    assert!(matches!(&holder.ready, Ready::Outbound(it) if it.signers().len() == 1));
}

#[test]
fn what_can_not_be_is_told() {
    let keys = "consumer_key: k, consumer_secret: s";
    let two = "request_url: \"https://id.example/r\", token_url: \"https://id.example/t\"";
    assert_eq!(told(two, keys), ["is missing: a consent takes all three URLs"]);
    assert_eq!(
        told(URLS, "consumer_key: k"),
        ["neither a credential field nor a variable `consumer_secret` has a value"]
    );
    assert_eq!(
        told(URLS, &format!("{keys}, token_secret: u")),
        ["neither a credential field nor a variable `token` has a value"]
    );
    let rsa = format!("signature: rsa_sha256, {URLS}");
    let faults = build(&rsa, "consumer_key: k, private_key: nonsense").unwrap_err();
    let own = |it: &&Problem| it.problem.contains("private key");
    assert_eq!(faults.iter().filter(own).count(), 1, "{faults:?}");
}
