//! The API's table of contents. Dispatch and the OpenAPI document are made of it.
use super::activation_export;
use super::activation_import;
use super::activation_lists;
use super::activations;
use super::apply;
use super::audit;
use super::audit_check;
use super::auth_methods;
use super::base_url_checks;
use super::callers;
use super::catalogue;
use super::configuration;
use super::connect_routes::of_connect_sessions;
use super::connection_credentials;
use super::connection_lists;
use super::connection_uses;
use super::connections;
use super::connectors;
use super::definition;
use super::deliveries;
use super::endpoints;
use super::environment_activations;
use super::environments;
use super::event_deliveries;
use super::event_subscriptions;
use super::events;
use super::exchange_stream;
use super::exchanges;
use super::grant_routes::of_grants;
use super::hooks;
use super::import;
use super::integrations;
use super::learned_secrets;
use super::origin;
use super::overview;
use super::repin;
use super::replace;
use super::role::Role;
use super::route::Header;
use super::route::ParameterKind;
use super::route::Route;
use super::route::schema;
use super::sealing_keys;
use super::sign_in;
use super::switch;
use super::tenants;
use super::tokens;
use super::traffic;
use super::tried;
use super::try_out;
use super::uses;
use super::webhook_verifier;
use super::whoami;
use crate::model::Code;

/// A write that may say which version it means.
const GUARDED: &[Header] = &[Header::IfMatch, Header::IfNoneMatchAny];

/// The same for what is there already.
const MEANT: &[Header] = &[Header::IfMatch];

const CONFIRM: &str =
    "`origin`: stored credentials may go to another origin than the one they were entered for.";
const FORCE_CHANGE: &str = "Even if environments or tenants that work now would not work any more.";
const FORCE: &str = "Even if it is in use.";
const FORCE_METHODS: &str = "Even if connections pin an auth method that is left out, or would not be \
    sound any more, or links name an endpoint that is left out.";

const SEARCHED: &str = "Only those that have each of these words in their key or name, in small letters or capitals. \
    A page may have few, or none, and a `next`: it goes on there.";

/// What refers to other things, or is referred to.
const CHANGES: &[Code] = &[Code::DeclaredInFile, Code::InUse];

/// What stored credentials may go elsewhere with.
const MOVES: &[Code] = &[Code::DeclaredInFile, Code::InUse, Code::OriginChanged];

/// What files may declare.
const DECLARED: &[Code] = &[Code::DeclaredInFile];

pub(super) fn routes() -> Vec<Route> {
    [
        vec![
            Route::get("/v1/whoami", "whoami", "Whose token this is", whoami::whoami)
                .gives(schema::<whoami::Whoami>),
            Route::get(
                "/v1/overview",
                "getOverview",
                "How many there are of everything, and how many fail or are going to",
                overview::overview,
            )
            .gives(schema::<overview::Overview>),
        ],
        of_catalogue(),
        of_connectors(),
        of_auth_methods(),
        of_endpoints(),
        of_connections(),
        of_acts(),
        of_trials(),
        of_activations(),
        of_many_activations(),
        of_grants(),
        of_connect_sessions(),
        of_integrations(),
        of_environments(),
        of_tenants(),
        of_callers(),
        of_tokens(),
        of_sessions(),
        vec![of_bundles()],
        of_audit(),
        of_webhooks(),
        of_keys(),
        of_event_subscriptions(),
        of_what_goes_on(),
    ]
    .concat()
}

fn of_what_goes_on() -> Vec<Route> {
    vec![
        exchanges::filtered(Route::get(
            "/v1/exchanges",
            "listExchanges",
            "The last exchanges of this process, the newest first",
            exchanges::list,
        ))
        .pages(exchanges::page),
        exchanges::filtered(Route::get(
            "/v1/exchanges/stream",
            "streamExchanges",
            "Exchanges of this process as they end",
            exchange_stream::stream,
        ))
        .tells(
            "Server-sent events, without an end: `exchange`, whose data is one; `skipped`, whose data is \
             `{\"count\": 7}`, where more came than are sent. A comment every 15 seconds.",
            schema::<exchanges::ShownExchange>,
        ),
        Route::get(
            "/v1/exchanges/{request_id}",
            "getExchange",
            "One exchange, as long as it is kept",
            exchanges::read,
        )
        .gives(schema::<exchanges::ShownExchange>),
        Route::get(
            "/v1/traffic",
            "getTraffic",
            "How much goes through this process, how much fails and how long it takes",
            traffic::read,
        )
        .filter(ParameterKind::Window, "window", "How far back.")
        .filter(ParameterKind::Key, "connection", "Only what went by this connection, as far as its exchanges are kept.")
        .gives(schema::<traffic::Traffic>),
        Route::get(
            "/v1/configuration",
            "getConfiguration",
            "The configuration in force, with where each value comes from",
            configuration::read,
        )
        .gives(schema::<configuration::Configuration>),
    ]
}

fn of_keys() -> Vec<Route> {
    vec![
        Route::get(
            "/v1/keys",
            "listKeys",
            "The sealing keys, and how much is under each",
            sealing_keys::list,
        )
        .gives(schema::<sealing_keys::SealingKeys>)
        .codes(&[Code::NoStore]),
        Route::post(
            "/v1/keys/rotate",
            "rotateKeys",
            "Put everything under the newest sealing key, in the background",
            sealing_keys::rotate,
        )
        .role(Role::Admin)
        .begins(schema::<sealing_keys::SealingKeys>),
        Route::post(
            "/v1/audit/verify",
            "verifyAudit",
            "Check the whole audit trail: that no entry was changed, put in or taken away",
            audit_check::verify,
        )
        .role(Role::Viewer)
        .takes(schema::<audit_check::AuditCheck>)
        .gives(schema::<audit_check::AuditChecked>)
        .reads(),
    ]
}

fn of_catalogue() -> Vec<Route> {
    vec![
        Route::get(
            "/v1/catalogue",
            "listCatalogue",
            "The connectors that come with attache",
            catalogue::list,
        )
        .pages(schema::<catalogue::CataloguePage>)
        .searched("Only those that have each of these words in their key, name or description."),
        Route::get(
            "/v1/catalogue/{api}",
            "getCatalogueApi",
            "A connector that comes with attache: `POST /v1/connectors` takes it as it is",
            catalogue::read,
        )
        .gives(catalogue::view),
    ]
}

fn of_many_activations() -> Vec<Route> {
    vec![
        Route::post(
            "/v1/activations/import",
            "importActivations",
            "Bring activations along from elsewhere: what is sound is written at once, and what is not is told",
            activation_import::import,
        )
        .takes_bundle(activation_import::body)
        .gives(activation_import::view)
        .dry_run(),
        Route::post(
            "/v1/activations/export",
            "exportActivations",
            "Give tenants' credentials back, sealed to a public key: to operators alone whom `server.admin.export_access` names",
            activation_export::export,
        )
        .takes(schema::<activation_export::Wanted>)
        .streams("An age file of JSON lines, each as an import takes it."),
    ]
}

fn of_trials() -> Vec<Route> {
    vec![
        Route::post(
            "/v1/try",
            "tryRequest",
            "Send one request through the proxy, as a caller would, and look at what goes and comes",
            try_out::try_out,
        )
        .done_each_time()
        .takes_bundle(schema::<try_out::Wanted>)
        .gives(schema::<tried::TriedView>)
        .codes(&[Code::RateLimited, Code::CredentialUnavailable, Code::StoreUnavailable]),
        Route::post(
            "/v1/check_base_url",
            "checkBaseUrl",
            "Ask, without any credential, whether something answers at a base URL",
            base_url_checks::check,
        )
        .done_each_time()
        .takes(schema::<base_url_checks::Wanted>)
        .gives(schema::<base_url_checks::View>)
        .codes(&[Code::RateLimited, Code::CredentialUnavailable]),
    ]
}

fn of_bundles() -> Route {
    Route::post("/v1/apply", "apply", "Apply many definitions: all, or none", apply::apply)
        .takes_bundle(apply::schema)
        .gives(schema::<apply::Applied>)
        .dry_run()
        .flag("prune", "What is stored and not in the bundle goes: of the sections that it has.")
        .flag("force", "Even if something that works now would not work any more.")
        .filter(
            ParameterKind::Text,
            apply::PLAN,
            "The `plan` of a dry run: do this, or nothing (412).",
        )
        .confirms(CONFIRM)
        .codes(&[Code::InUse, Code::PreconditionFailed, Code::TooMuchAtOnce])
}

fn of_connectors() -> Vec<Route> {
    type Kind = connectors::Connectors;
    let (all, one) = ("/v1/connectors", "/v1/connectors/{connector}");
    vec![
        Route::get(all, "listConnectors", "List connectors", definition::list::<Kind>)
            .pages(connectors::page)
            .searched(SEARCHED)
            .filter(
                ParameterKind::Either,
                connectors::ENDPOINTS,
                "`false`: without their endpoints, which may be hundreds each; `endpoint_count` says how many.",
            ),
        Route::post(all, "createConnector", "Create a connector", definition::create::<Kind>)
            .takes(connectors::new)
            .creates(connectors::view)
            .codes(&[Code::AlreadyExists, Code::DeclaredInFile]),
        Route::post(
            "/v1/connectors/import",
            "importConnector",
            "Create a connector from an API's own description: OpenAPI or Swagger",
            import::import,
        )
        .takes_document(import::document)
        .creates_or(import::view)
        .codes(&[Code::AlreadyExists, Code::DeclaredInFile]),
        Route::get(one, "getConnector", "A connector", definition::read::<Kind>)
            .gives_one(connectors::view)
            .cached(),
        Route::put(
            one,
            "putConnector",
            "Create or replace a connector",
            definition::replace::<Kind>,
        )
        .takes(connectors::body)
        .rehearses(connectors::view)
        .creates(connectors::view)
        .flag("force", FORCE_METHODS)
        .confirms(CONFIRM)
        .headers(GUARDED)
        .codes(CHANGES),
        Route::patch(one, "patchConnector", "Change a connector", definition::patch::<Kind>)
            .takes_patch(connectors::patch)
            .rehearses(connectors::view)
            .flag("force", FORCE_METHODS)
            .confirms(CONFIRM)
            .headers(MEANT)
            .codes(CHANGES),
        Route::delete(one, "deleteConnector", "Delete a connector", definition::delete::<Kind>)
            .previews(schema::<uses::Preview>)
            .flag("force", FORCE)
            .headers(MEANT)
            .codes(CHANGES),
    ]
}

fn of_endpoints() -> Vec<Route> {
    vec![
        Route::get(
            "/v1/connectors/{connector}/endpoints",
            "listConnectorEndpoints",
            "A connector's endpoints",
            endpoints::of_connector,
        )
        .pages(endpoints::page),
        Route::get(
            "/v1/integrations/{integration}/endpoints",
            "listIntegrationEndpoints",
            "The endpoints that matter to an integration, under each of its links",
            endpoints::of_integration,
        )
        .pages(endpoints::link_page),
    ]
}

fn of_auth_methods() -> Vec<Route> {
    let all = "/v1/connectors/{connector}/auth";
    let one = "/v1/connectors/{connector}/auth/{method}";
    let revisions = "/v1/connectors/{connector}/auth/{method}/revisions";
    vec![
        Route::get(all, "listAuthMethods", "A connector's auth methods", auth_methods::list)
            .pages(auth_methods::page),
        Route::get(one, "getAuthMethod", "An auth method", auth_methods::read)
            .gives_one(auth_methods::view)
            .cached(),
        Route::put(
            one,
            "putAuthMethod",
            "Create or change an auth method: a change is another revision",
            auth_methods::replace,
        )
        .takes(auth_methods::body)
        .rehearses(auth_methods::view)
        .creates(auth_methods::view)
        .headers(MEANT)
        .codes(DECLARED),
        Route::delete(one, "deleteAuthMethod", "Delete an auth method", auth_methods::delete)
            .previews(schema::<uses::Preview>)
            .flag("force", "Even if connections pin it: they go on with their revision.")
            .headers(MEANT)
            .codes(CHANGES),
        Route::get(
            revisions,
            "listAuthMethodRevisions",
            "The revisions of an auth method, and who pins them",
            auth_methods::revisions,
        )
        .pages(auth_methods::revision_page)
        .codes(&[Code::NoStore]),
        Route::get(
            "/v1/connectors/{connector}/auth/{method}/revisions/{revision}",
            "getAuthMethodRevision",
            "A revision of an auth method, and who pins it",
            auth_methods::read_revision,
        )
        .gives(auth_methods::revision_shape)
        .codes(&[Code::NoStore]),
    ]
}

fn of_connections() -> Vec<Route> {
    type Kind = connections::Connections;
    let (all, one) = ("/v1/connections", "/v1/connections/{connection}");
    vec![
        Route::get(all, "listConnections", "List connections", definition::list::<Kind>)
            .pages(connections::page)
            .searched(SEARCHED)
            .filter(ParameterKind::Key, connection_lists::CONNECTOR, "Of this connector alone.")
            .filter(
                ParameterKind::Key,
                connection_lists::AUTH,
                "With the auth method of this key alone.",
            )
            .filter(
                ParameterKind::Either,
                connection_lists::EMBEDDED,
                "Embedded ones alone, or the others alone.",
            )
            .filter(
                ParameterKind::ConnectionStatus,
                connection_lists::STATE,
                "With this status alone.",
            ),
        Route::post(all, "createConnection", "Create a connection", definition::create::<Kind>)
            .takes(connections::new)
            .creates(connections::view)
            .codes(&[Code::AlreadyExists, Code::DeclaredInFile]),
        // Never 304: its status and its uses change without its version.
        Route::get(one, "getConnection", "A connection", definition::read::<Kind>)
            .gives_one(connections::view),
        Route::put(
            one,
            "putConnection",
            "Create or replace a connection",
            definition::replace::<Kind>,
        )
        .takes(connections::body)
        .rehearses(connections::view)
        .creates(connections::view)
        .flag("force", FORCE_CHANGE)
        .confirms(CONFIRM)
        .headers(GUARDED)
        .codes(&[Code::DeclaredInFile, Code::InUse, Code::ConfirmationRequired]),
        Route::patch(one, "patchConnection", "Change a connection", definition::patch::<Kind>)
            .takes_patch(connections::patch)
            .rehearses(connections::view)
            .flag("force", FORCE_CHANGE)
            .confirms(CONFIRM)
            .headers(MEANT)
            .codes(&[Code::DeclaredInFile, Code::InUse, Code::ConfirmationRequired]),
        Route::delete(one, "deleteConnection", "Delete a connection", connections::delete)
            .previews(schema::<uses::Preview>)
            .flag("force", "Even if it is in use: its activations go with it.")
            .headers(MEANT)
            .codes(CHANGES),
    ]
}

fn of_acts() -> Vec<Route> {
    let own = "/v1/connections/{connection}/credentials";
    let test = "/v1/connections/{connection}/test_credentials";
    vec![
        Route::get(
            "/v1/connections/{connection}/uses",
            "listConnectionUses",
            "Who uses a connection",
            connection_uses::list_uses,
        )
        .pages(schema::<uses::UsesPage>),
        Route::put(
            own,
            "putCredentials",
            "Set a connection's credentials",
            connection_credentials::put_own,
        )
        .takes(connection_credentials::credential_schema)
        .rehearses(connections::view)
        .flag("force", FORCE_CHANGE)
        .headers(MEANT)
        .codes(MOVES),
        Route::delete(
            own,
            "deleteCredentials",
            "Delete a connection's credentials",
            connection_credentials::delete_own,
        )
        .rehearses(connections::view)
        .flag("force", FORCE_CHANGE)
        .headers(MEANT)
        .codes(&[Code::DeclaredInFile, Code::Invalid, Code::InUse, Code::OriginChanged]),
        Route::put(
            test,
            "putTestCredentials",
            "Set test credentials",
            connection_credentials::put_test,
        )
        .takes(connection_credentials::credential_schema)
        .rehearses(connections::view)
        .flag("force", FORCE_CHANGE)
        .headers(MEANT)
        .codes(MOVES),
        Route::delete(
            test,
            "deleteTestCredentials",
            "Delete test credentials",
            connection_credentials::delete_test,
        )
        .rehearses(connections::view)
        .flag("force", FORCE_CHANGE)
        .headers(MEANT)
        .codes(&[Code::DeclaredInFile, Code::Invalid, Code::InUse, Code::OriginChanged]),
        Route::post(
            "/v1/connections/{connection}/repin",
            "repinConnection",
            "Pin another revision of its auth method",
            repin::repin,
        )
        .takes(schema::<repin::Repin>)
        .gives_one_or(connections::view, schema::<repin::RepinPreview>)
        .dry_run()
        .flag("force", FORCE_CHANGE)
        .confirms(CONFIRM)
        .headers(MEANT)
        .codes(CHANGES),
        Route::post(
            "/v1/connections/{connection}/switch",
            "switchConnection",
            "Make a standard connection embedded, or an embedded one standard",
            switch::switch,
        )
        .takes(switch::switch_schema)
        .gives_one_or(connections::view, schema::<switch::SwitchPreview>)
        .dry_run()
        .confirms(CONFIRM)
        .headers(MEANT)
        .codes(&[Code::DeclaredInFile, Code::ConfirmationRequired]),
        Route::post(
            "/v1/connections/{connection}/replace",
            "replaceConnection",
            "Assign another connection wherever this one is assigned",
            replace::replace,
        )
        .takes(schema::<replace::Replacement>)
        .gives(schema::<replace::Replaced>)
        .dry_run(),
        Route::post(
            "/v1/connections/{connection}/confirm",
            "confirmConnectionOrigin",
            "Let stored credentials go to the origins that a connection has now",
            origin::confirm,
        )
        .takes(schema::<origin::Confirmation>)
        .gives(schema::<origin::Confirmed>)
        .dry_run(),
        Route::post(
            "/v1/connections/{connection}/webhook/reveal",
            "revealConnectionSecret",
            REVEAL,
            learned_secrets::of_connection,
        )
        .gives(schema::<learned_secrets::Revealed>),
    ]
}

const REVEAL: &str = "Show the webhook secret that the sender handed over: once";

fn of_activations() -> Vec<Route> {
    let all = "/v1/connections/{connection}/activations";
    let one = "/v1/connections/{connection}/activations/{tenant}";
    vec![
        Route::get(all, "listActivations", "Who is activated", activation_lists::of_connection)
            .pages(activations::page)
            .searched("Only those whose tenant's id has each of these words. Letters beyond A to Z have to be as they are written."),
        Route::get(one, "getActivation", "A tenant's activation", activations::read)
            .gives_one(activations::view)
            .cached(),
        Route::put(one, "putActivation", "Activate a tenant", activations::replace)
            .takes(activations::body)
            .rehearses(activations::view)
            .creates(activations::view)
            .confirms(CONFIRM)
            .headers(GUARDED)
            .codes(DECLARED),
        Route::patch(one, "patchActivation", "Change a tenant's activation", activations::patch)
            .takes_patch(activations::patch_schema)
            .rehearses(activations::view)
            .confirms(CONFIRM)
            .headers(MEANT)
            .codes(DECLARED),
        Route::delete(one, "deleteActivation", "Deactivate a tenant", activations::delete)
            .previews(schema::<uses::Preview>)
            .headers(MEANT)
            .codes(DECLARED),
        Route::post(
            "/v1/connections/{connection}/activations/{tenant}/webhook/reveal",
            "revealActivationSecret",
            REVEAL,
            learned_secrets::of_activation,
        )
        .gives(schema::<learned_secrets::Revealed>),
    ]
}

fn of_integrations() -> Vec<Route> {
    type Kind = integrations::Integrations;
    let (all, one) = ("/v1/integrations", "/v1/integrations/{integration}");
    vec![
        Route::get(all, "listIntegrations", "List integrations", definition::list::<Kind>)
            .pages(integrations::page)
            .searched(SEARCHED)
            .filter(
                ParameterKind::Key,
                integrations::CONNECTOR,
                "Those that link this connector alone.",
            ),
        Route::post(all, "createIntegration", "Create an integration", definition::create::<Kind>)
            .takes(integrations::new)
            .creates(integrations::view)
            .codes(&[Code::AlreadyExists, Code::DeclaredInFile]),
        Route::get(one, "getIntegration", "An integration", definition::read::<Kind>)
            .gives_one(integrations::view)
            .cached(),
        Route::put(
            one,
            "putIntegration",
            "Create or replace an integration",
            definition::replace::<Kind>,
        )
        .takes(integrations::body)
        .rehearses(integrations::view)
        .creates(integrations::view)
        .flag("force", FORCE_CHANGE)
        .headers(GUARDED)
        .codes(CHANGES),
        Route::patch(one, "patchIntegration", "Change an integration", definition::patch::<Kind>)
            .takes_patch(integrations::patch)
            .rehearses(integrations::view)
            .flag("force", FORCE_CHANGE)
            .headers(MEANT)
            .codes(CHANGES),
        Route::delete(
            one,
            "deleteIntegration",
            "Delete an integration",
            definition::delete::<Kind>,
        )
        .previews(schema::<uses::Preview>)
        .flag("force", FORCE)
        .headers(MEANT)
        .codes(CHANGES),
    ]
}

fn of_environments() -> Vec<Route> {
    type Kind = environments::Environments;
    let (all, one) = ("/v1/environments", "/v1/environments/{environment}");
    let activation = "/v1/environments/{environment}/activations/{tenant}";
    vec![
        Route::get(all, "listEnvironments", "List environments", definition::list::<Kind>)
            .pages(environments::page)
            .searched(SEARCHED),
        Route::post(all, "createEnvironment", "Create an environment", definition::create::<Kind>)
            .takes(environments::new)
            .creates(environments::view)
            .codes(&[Code::AlreadyExists, Code::DeclaredInFile]),
        Route::get(one, "getEnvironment", "An environment", definition::read::<Kind>)
            .gives_one(environments::view)
            .cached(),
        Route::put(
            one,
            "putEnvironment",
            "Create or replace an environment",
            definition::replace::<Kind>,
        )
        .takes(environments::body)
        .rehearses(environments::view)
        .creates(environments::view)
        .headers(GUARDED)
        .codes(DECLARED),
        Route::patch(one, "patchEnvironment", "Change an environment", definition::patch::<Kind>)
            .takes_patch(environments::patch)
            .rehearses(environments::view)
            .headers(MEANT)
            .codes(DECLARED),
        Route::delete(
            one,
            "deleteEnvironment",
            "Delete an environment",
            definition::delete::<Kind>,
        )
        .previews(schema::<uses::Preview>)
        .flag("force", "Even if it is deployed.")
        .headers(MEANT)
        .codes(CHANGES),
        Route::get(
            activation,
            "getEnvironmentActivation",
            "Under which of an environment's connections a tenant is activated",
            environment_activations::read,
        )
        .gives(environment_activations::view)
        .codes(&[Code::Invalid]),
        Route::put(
            activation,
            "putEnvironmentActivation",
            "Activate a tenant under all embedded connections of an environment, or under none",
            environment_activations::replace,
        )
        .takes(environment_activations::body)
        .gives_or(environment_activations::view, schema::<uses::Change>)
        .dry_run()
        .confirms(CONFIRM)
        .codes(DECLARED),
        Route::delete(
            activation,
            "deleteEnvironmentActivation",
            "Deactivate a tenant under all embedded connections of an environment",
            environment_activations::delete,
        )
        .previews(schema::<environment_activations::Deactivation>)
        .codes(&[Code::DeclaredInFile, Code::Invalid]),
    ]
}

fn of_tenants() -> Vec<Route> {
    type Kind = tenants::Tenants;
    let (all, one) = ("/v1/tenants", "/v1/tenants/{tenant}");
    vec![
        Route::get(all, "listTenants", "List tenants", definition::list::<Kind>)
            .pages(tenants::page)
            .searched(SEARCHED),
        Route::post(all, "createTenant", "Create a tenant", definition::create::<Kind>)
            .takes(tenants::new)
            .creates(tenants::view)
            .codes(&[Code::AlreadyExists]),
        Route::get(one, "getTenant", "A tenant", definition::read::<Kind>).gives_one(tenants::view),
        Route::put(one, "putTenant", "Create or replace a tenant", definition::replace::<Kind>)
            .takes(tenants::body)
            .rehearses(tenants::view)
            .creates(tenants::view)
            .headers(GUARDED),
        Route::patch(one, "patchTenant", "Change a tenant", definition::patch::<Kind>)
            .takes_patch(tenants::patch)
            .rehearses(tenants::view)
            .headers(MEANT),
        Route::delete(one, "deleteTenant", "Delete a tenant", tenants::delete)
            .previews(schema::<uses::Preview>)
            .flag(
                "force",
                "Even if it is activated: its activations go with it, where no file declares one.",
            )
            .headers(MEANT)
            .codes(CHANGES),
        Route::get(
            "/v1/tenants/{tenant}/activations",
            "listTenantActivations",
            "Where a tenant is activated",
            activation_lists::of_tenant,
        )
        .pages(activations::page),
    ]
}

fn of_callers() -> Vec<Route> {
    type Kind = callers::Callers;
    let (all, one) = ("/v1/callers", "/v1/callers/{caller}");
    vec![
        Route::get(all, "listCallers", "List callers", definition::list::<Kind>)
            .pages(callers::page)
            .searched(SEARCHED),
        Route::post(all, "createCaller", "Create a caller with a key", definition::create::<Kind>)
            .takes(callers::new)
            .creates(callers::issued)
            .codes(&[Code::AlreadyExists, Code::DeclaredInFile]),
        Route::get(one, "getCaller", "A caller", definition::read::<Kind>)
            .gives_one(callers::view)
            .cached(),
        Route::put(one, "putCaller", "Create or replace a caller", definition::replace::<Kind>)
            .takes(callers::body)
            .rehearses(callers::view)
            .creates(callers::issued)
            .headers(GUARDED)
            .codes(DECLARED),
        Route::patch(one, "patchCaller", "Change a caller", definition::patch::<Kind>)
            .takes_patch(callers::patch)
            .rehearses(callers::view)
            .headers(MEANT)
            .codes(DECLARED),
        Route::delete(
            one,
            "deleteCaller",
            "Delete a caller and its keys",
            definition::delete::<Kind>,
        )
        .previews(schema::<uses::Preview>)
        .flag("force", FORCE)
        .headers(MEANT)
        .codes(CHANGES),
        Route::post(
            "/v1/callers/{caller}/rotate",
            "rotateCallerKey",
            "Make another key; those before go on for a while",
            callers::rotate,
        )
        .takes(callers::rotation)
        .gives_one_or(callers::issued, schema::<callers::RotationPreview>)
        .dry_run()
        .headers(MEANT)
        .codes(DECLARED),
        Route::delete(
            "/v1/callers/{caller}/keys/{prefix}",
            "deleteCallerKey",
            "Withdraw one key",
            callers::delete_key,
        )
        .previews(schema::<uses::Preview>)
        .headers(MEANT)
        .codes(DECLARED),
    ]
}

fn of_tokens() -> Vec<Route> {
    type Kind = tokens::Tokens;
    let (all, one) = ("/v1/tokens", "/v1/tokens/{token}");
    vec![
        Route::get(all, "listTokens", "List operators' tokens", definition::list::<Kind>)
            .pages(tokens::page),
        Route::post(all, "createToken", "Make an operator's token", definition::create::<Kind>)
            .role(Role::Admin)
            .takes(tokens::new)
            .creates(tokens::issued)
            .codes(&[Code::AlreadyExists]),
        Route::get(one, "getToken", "An operator's token", definition::read::<Kind>)
            .gives_one(tokens::view)
            .cached(),
        Route::delete(
            one,
            "deleteToken",
            "Withdraw an operator's token",
            definition::delete::<Kind>,
        )
        .role(Role::Admin)
        .previews(schema::<uses::Preview>)
        .flag("force", FORCE)
        .headers(MEANT)
        .codes(&[Code::InUse]),
    ]
}

fn of_sessions() -> Vec<Route> {
    vec![
        Route::get(
            "/v1/sessions",
            "listSessions",
            "Who is signed in to the console, the newest first",
            sign_in::list_sessions,
        )
        .role(Role::Admin)
        .pages(sign_in::session_page),
        Route::delete(
            "/v1/sessions/{session}",
            "deleteSession",
            "End what somebody is signed in with: they sign in anew",
            sign_in::end_session,
        )
        .role(Role::Admin)
        .gives_nothing(),
    ]
}

fn of_audit() -> Vec<Route> {
    use ParameterKind::Text;
    use ParameterKind::Time;
    vec![
        Route::get("/v1/audit", "listAudit", "Who did what, the newest first", audit::list)
            .pages(audit::page)
            .filter(Text, "kind", "Of this kind alone.")
            .filter(Text, "key", "Of what has this key alone.")
            .filter(Text, "tenant", "Of this tenant's activations alone.")
            .filter(Text, "who", "By them alone, as `who` has it.")
            .filter(Time, "since", "Not before.")
            .filter(Time, "until", "Not at or after."),
        Route::get("/v1/events", "listEvents", "What happened, the oldest first", events::list)
            .gives(schema::<events::Feed>)
            .filter(
                ParameterKind::Number,
                "after",
                "Behind this one alone: `next` of the call before. Left out: from the oldest that is kept.",
            )
            .filter(ParameterKind::EventTypes, "type", "Of these types alone.")
            .filter(
                ParameterKind::Duration,
                "wait",
                "Hold the answer back until there is one, for 60s at most.",
            )
            .filter(ParameterKind::Limit, "limit", "Events, at most.")
            .codes(&[Code::EventsForgotten]),
    ]
}

fn of_webhooks() -> Vec<Route> {
    use ParameterKind::Key;
    use ParameterKind::Text;
    use ParameterKind::Time;
    vec![
        Route::get("/v1/hooks", "listHooks", "Connections that take webhooks", hooks::list)
            .pages(hooks::page),
        Route::get(
            "/v1/deliveries",
            "listDeliveries",
            "What senders of webhooks delivered, and what became of it, the newest first",
            deliveries::list,
        )
        .pages(deliveries::page)
        .filter(Key, "connection", "To this connection alone.")
        .filter(Text, "tenant", "Of this tenant alone.")
        .filter(ParameterKind::Verdict, "verdict", "That came to this alone.")
        .filter(Time, "since", "Not before.")
        .filter(Time, "until", "Not at or after.")
        .codes(&[Code::NotFound]),
        Route::get(
            "/v1/deliveries/{delivery}",
            "getDelivery",
            "A delivery; for operators with its headers and its body",
            deliveries::read,
        )
        .gives(schema::<deliveries::InFull>),
        Route::post(
            "/v1/deliveries/{delivery}/replay",
            "replayDelivery",
            "Send a delivery that was verified to its connection's target again",
            deliveries::replay,
        )
        .gives(schema::<deliveries::Shown>)
        .codes(&[Code::Invalid]),
        Route::post(
            "/v1/webhooks/verify",
            "verifyWebhook",
            "Hold a captured request against a connection, step by step",
            webhook_verifier::verify,
        )
        .takes(schema::<webhook_verifier::Asked>)
        .gives(schema::<webhook_verifier::Verdict>)
        .codes(&[Code::NotFound]),
    ]
}

fn of_event_subscriptions() -> Vec<Route> {
    type Kind = event_subscriptions::EventSubscriptions;
    let (all, one) = ("/v1/event_subscriptions", "/v1/event_subscriptions/{subscription}");
    vec![
        Route::get(
            all,
            "listEventSubscriptions",
            "List who is told of events",
            definition::list::<Kind>,
        )
        .pages(event_subscriptions::page),
        Route::post(
            all,
            "createEventSubscription",
            "Have somebody be told of events, with a secret",
            definition::create::<Kind>,
        )
        .takes(event_subscriptions::new)
        .creates(event_subscriptions::issued)
        .codes(&[Code::AlreadyExists]),
        // Never 304: how its receiver does changes without its version.
        Route::get(one, "getEventSubscription", "An event subscription", definition::read::<Kind>)
            .gives_one(event_subscriptions::view),
        Route::put(
            one,
            "putEventSubscription",
            "Create or replace an event subscription",
            definition::replace::<Kind>,
        )
        .takes(event_subscriptions::body)
        .rehearses(event_subscriptions::view)
        .creates(event_subscriptions::issued)
        .headers(GUARDED),
        Route::patch(
            one,
            "patchEventSubscription",
            "Change an event subscription",
            definition::patch::<Kind>,
        )
        .takes_patch(event_subscriptions::patch)
        .rehearses(event_subscriptions::view)
        .headers(MEANT),
        Route::delete(
            one,
            "deleteEventSubscription",
            "Delete an event subscription, and what is still to be sent to it",
            definition::delete::<Kind>,
        )
        .previews(schema::<uses::Preview>)
        .flag("force", FORCE)
        .headers(MEANT)
        .codes(&[Code::InUse]),
        Route::post(
            "/v1/event_subscriptions/{subscription}/rotate",
            "rotateEventSubscriptionSecret",
            "Make another secret; the one before signs as well for a while",
            event_subscriptions::rotate,
        )
        .takes(schema::<event_subscriptions::SecretRotation>)
        .gives_one_or(
            event_subscriptions::issued,
            schema::<event_subscriptions::SecretRotationPreview>,
        )
        .dry_run()
        .headers(MEANT),
        Route::post(
            "/v1/event_subscriptions/{subscription}/test",
            "testEventSubscription",
            "Send it an event that says nothing",
            event_deliveries::test,
        )
        .gives(event_deliveries::shown)
        .codes(&[Code::Invalid]),
        Route::get(
            "/v1/event_subscriptions/{subscription}/deliveries",
            "listEventDeliveries",
            "What became of the events that are sent to it, the newest first",
            event_deliveries::list,
        )
        .pages(event_deliveries::page)
        .filter(ParameterKind::DeliveryState, "state", "In this state alone.")
        .codes(&[Code::NoStore]),
        Route::post(
            "/v1/event_subscriptions/{subscription}/deliveries/{event}/retry",
            "retryEventDelivery",
            "Send an event to it again, at once",
            event_deliveries::retry,
        )
        .gives(event_deliveries::shown)
        .codes(&[Code::Invalid]),
    ]
}
