//! The admin API's table of contents and the commands are held together: what can be asked can be typed.
use crate::support::RawUpstream;
use crate::support::Script;
use crate::support::Shell;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

const DOCUMENT: &str = include_str!("../../docs/openapi.json");

/// Each operation, and a command that asks for it.
const COMMANDS: &[(&str, &str)] = &[
    ("whoami", "token whoami"),
    ("listCatalogue", "catalogue list"),
    ("getCatalogueApi", "catalogue get k"),
    ("listConnectors", "connector list"),
    ("createConnector", "connector create k"),
    ("importConnector", "connector import - --create"),
    ("getConnector", "connector get k"),
    ("putConnector", "connector apply k"),
    ("patchConnector", "connector edit k"),
    ("deleteConnector", "connector delete k"),
    ("listConnectorEndpoints", "connector endpoints k"),
    ("listAuthMethods", "auth-method list k"),
    ("getAuthMethod", "auth-method get k m"),
    ("putAuthMethod", "auth-method apply k m"),
    ("deleteAuthMethod", "auth-method delete k m"),
    ("listAuthMethodRevisions", "auth-method revisions k m"),
    ("getAuthMethodRevision", "auth-method revisions k m --revision 2"),
    ("listConnections", "connection list"),
    ("createConnection", "connection create k"),
    ("getConnection", "connection get k"),
    ("putConnection", "connection apply k"),
    ("patchConnection", "connection edit k"),
    ("deleteConnection", "connection delete k"),
    ("listConnectionUses", "connection uses k"),
    ("putCredentials", "connection credentials k"),
    ("deleteCredentials", "connection forget k"),
    ("putTestCredentials", "connection credentials k --test"),
    ("deleteTestCredentials", "connection forget k --test"),
    ("repinConnection", "connection repin k"),
    ("switchConnection", "connection switch k embedded"),
    ("replaceConnection", "connection replace k other"),
    ("confirmConnectionOrigin", "connection confirm k"),
    ("authorizeConnection", "connection authorize k --redirect-uri https://app.example/back"),
    ("completeConnection", "connection callback k https://app.example/back?code=c"),
    ("renewConnection", "connection renew k"),
    ("revokeConnection", "connection revoke k"),
    ("introspectConnection", "connection introspect k"),
    ("probeConnection", "connection probe k"),
    ("verifyConnection", "connection verify k"),
    ("renewActivation", "activation renew k@t"),
    ("revokeActivation", "activation revoke k@t"),
    ("introspectActivation", "activation introspect k@t"),
    ("probeActivation", "activation probe k@t"),
    ("verifyActivation", "activation verify k@t"),
    ("authorizeActivation", "activation authorize k@t"),
    ("completeActivation", "activation callback k@t https://app.example/back?code=c"),
    ("getConnectionToken", "connection access-token k"),
    ("getActivationToken", "activation access-token k@t"),
    ("revealConnectionSecret", "connection webhook-secret k"),
    ("revealActivationSecret", "activation webhook-secret k@t"),
    ("listForecast", "forecast"),
    ("listExchanges", "exchange list"),
    ("getExchange", "exchange get id-1"),
    ("streamExchanges", "exchange follow"),
    ("getTraffic", "exchange traffic"),
    ("getConfiguration", "config show"),
    ("getOverview", "overview"),
    ("listKeys", "keys status"),
    ("rotateKeys", "keys start"),
    ("verifyAudit", "audit check"),
    ("listConnectSessions", "connect-session list"),
    ("createConnectSession", "connect-session create t --connection k"),
    ("getConnectSession", "connect-session show cs_x"),
    ("deleteConnectSession", "connect-session delete cs_x"),
    ("completeConnectSession", "connect-session callback https://app.example/back?code=c"),
    ("beginConnectSession", "connect-session begin cs_x k"),
    ("answerConnectSession", "connect-session account cs_x k --take"),
    ("finishConnectSession", "connect-session finish cs_x"),
    ("listActivations", "activation list k"),
    ("getActivation", "activation get k@t"),
    ("putActivation", "activation activate k@t"),
    ("patchActivation", "activation edit k@t"),
    ("deleteActivation", "activation deactivate k@t"),
    ("exportActivations", "activation export --recipient age1x -f -"),
    ("listTenantActivations", "activation list --tenant t"),
    ("listIntegrations", "integration list"),
    ("createIntegration", "integration create k"),
    ("getIntegration", "integration get k"),
    ("putIntegration", "integration apply k"),
    ("patchIntegration", "integration edit k"),
    ("deleteIntegration", "integration delete k"),
    ("listIntegrationEndpoints", "integration endpoints k"),
    ("listEnvironments", "environment list"),
    ("createEnvironment", "environment create k"),
    ("getEnvironment", "environment get k"),
    ("putEnvironment", "environment apply k"),
    ("patchEnvironment", "environment edit k"),
    ("deleteEnvironment", "environment delete k"),
    ("getEnvironmentActivation", "environment activation k t"),
    ("putEnvironmentActivation", "environment activate k t"),
    ("deleteEnvironmentActivation", "environment deactivate k t"),
    ("listTenants", "tenant list"),
    ("createTenant", "tenant create t"),
    ("getTenant", "tenant get t"),
    ("putTenant", "tenant apply t"),
    ("patchTenant", "tenant edit t"),
    ("deleteTenant", "tenant delete t"),
    ("listCallers", "caller list"),
    ("createCaller", "caller create k"),
    ("getCaller", "caller get k"),
    ("putCaller", "caller apply k"),
    ("patchCaller", "caller edit k"),
    ("deleteCaller", "caller delete k"),
    ("rotateCallerKey", "caller rotate k"),
    ("deleteCallerKey", "caller withdraw k atc_x"),
    ("listTokens", "token list"),
    ("createToken", "token create k --role viewer"),
    ("getToken", "token get k"),
    ("deleteToken", "token delete k"),
    ("listSessions", "session list"),
    ("deleteSession", "session end 0123456789ab"),
    ("listAudit", "audit list"),
    ("listHooks", "delivery hooks"),
    ("listDeliveries", "delivery list"),
    ("getDelivery", "delivery get d"),
    ("replayDelivery", "delivery replay d"),
    ("verifyWebhook", "delivery verify k"),
    ("listEvents", "event list"),
    ("listEventSubscriptions", "event-subscription list"),
    ("createEventSubscription", "event-subscription create k"),
    ("getEventSubscription", "event-subscription get k"),
    ("putEventSubscription", "event-subscription apply k"),
    ("patchEventSubscription", "event-subscription edit k"),
    ("deleteEventSubscription", "event-subscription delete k"),
    ("rotateEventSubscriptionSecret", "event-subscription rotate k"),
    ("testEventSubscription", "event-subscription test k"),
    ("listEventDeliveries", "event-subscription deliveries k"),
    ("tryRequest", "try k@t /me"),
    ("checkBaseUrl", "connector check https://api.example"),
    ("retryEventDelivery", "event-subscription retry k evt_x"),
];

/// Whose commands ask first what would be, or ask with what they are fed: tests of their own tell what they ask.
const ASKED_TWICE: &[&str] = &["apply", "importActivations"];

/// Methods and path templates, by operation.
fn operations() -> BTreeMap<String, (String, String)> {
    let document: Value = serde_json::from_str(DOCUMENT).expect("the document is JSON");
    let mut operations = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("it has paths") {
        for (method, operation) in item.as_object().expect("a path has methods") {
            if let Some(id) = operation["operationId"].as_str() {
                operations.insert(id.to_owned(), (method.to_ascii_uppercase(), path.clone()));
            }
        }
    }
    operations
}

#[test]
fn every_operation_of_the_api_has_a_command() {
    let asked: BTreeSet<&str> = COMMANDS.iter().map(|it| it.0).collect();
    let operations = operations();
    let built: BTreeSet<&str> = operations.keys().map(String::as_str).collect();
    let built: BTreeSet<&str> = built.into_iter().filter(|it| !ASKED_TWICE.contains(it)).collect();
    let missing: Vec<_> = built.difference(&asked).collect();
    assert!(
        missing.is_empty(),
        "without a command, and so without a line in this table: {missing:?}"
    );
    assert_eq!(asked, built, "commands for what the API does not have");
    assert_eq!(asked.len(), COMMANDS.len(), "one command for each");
}

#[tokio::test]
async fn each_command_asks_for_its_operation_and_for_no_other() {
    // `sound`: the one word that a command's exit code depends on.
    let server = RawUpstream::start([Script::ok(r#"{"sound":true}"#)]).await;
    let shell = Shell::at(&server.url(), &server.url());
    let operations = operations();
    for (id, command) in COMMANDS {
        shell.run(&format!("attache {command}")).await.is(0);
        let request = server.request().await;
        let words: Vec<&str> = request.line().split(' ').collect();
        let path = words[1].split('?').next().unwrap_or_default();
        let (method, template) = &operations[*id];
        assert_eq!(words[0], method, "{command}");
        let (asked, wanted) = (path.split('/'), template.split('/'));
        assert_eq!(asked.clone().count(), wanted.clone().count(), "{command}: {path}");
        for (asked, wanted) in asked.zip(wanted) {
            let is_parameter = wanted.starts_with('{');
            assert!(is_parameter || asked == wanted, "{command}: {path} is not {template}");
        }
        // What could not be asked for again is asked for with a key, under which it can.
        assert_eq!(request.field("idempotency-key").is_some(), method == "POST", "{command}");
        assert!(server.request_so_far().await.is_none(), "{command} asks for more");
    }
}
