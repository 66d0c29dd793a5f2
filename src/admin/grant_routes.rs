//! The part of the table of contents that is about grants: the same acts for a connection and for a tenant's
//! activation.
use super::activations;
use super::connections;
use super::consents;
use super::disclosure;
use super::forecast;
use super::grant_acts;
use super::probes;
use super::route::ParameterKind;
use super::route::Route;
use super::route::SchemaOf;
use super::route::schema;
use crate::model::Code;

/// What becomes of an act that a provider is asked for.
const OF_PROVIDERS: &[Code] =
    &[Code::Invalid, Code::ReauthorizationRequired, Code::CredentialUnavailable];

pub(super) fn of_grants() -> Vec<Route> {
    let own = Paths {
        authorize: ("/v1/connections/{connection}/authorize", "authorizeConnection"),
        callback: ("/v1/connections/{connection}/callback", "completeConnection"),
        renew: ("/v1/connections/{connection}/renew", "renewConnection"),
        revoke: ("/v1/connections/{connection}/revoke", "revokeConnection"),
        introspect: ("/v1/connections/{connection}/introspect", "introspectConnection"),
        token: ("/v1/connections/{connection}/token", "getConnectionToken"),
        probe: ("/v1/connections/{connection}/probe", "probeConnection"),
        verify: ("/v1/connections/{connection}/verify", "verifyConnection"),
    };
    let tenant = Paths {
        authorize: (
            "/v1/connections/{connection}/activations/{tenant}/authorize",
            "authorizeActivation",
        ),
        callback: (
            "/v1/connections/{connection}/activations/{tenant}/callback",
            "completeActivation",
        ),
        renew: ("/v1/connections/{connection}/activations/{tenant}/renew", "renewActivation"),
        revoke: ("/v1/connections/{connection}/activations/{tenant}/revoke", "revokeActivation"),
        introspect: (
            "/v1/connections/{connection}/activations/{tenant}/introspect",
            "introspectActivation",
        ),
        token: ("/v1/connections/{connection}/activations/{tenant}/token", "getActivationToken"),
        probe: ("/v1/connections/{connection}/activations/{tenant}/probe", "probeActivation"),
        verify: ("/v1/connections/{connection}/activations/{tenant}/verify", "verifyActivation"),
    };
    let forecast = Route::get(
        "/v1/forecast",
        "listForecast",
        "Which grants fail, or are going to, the earliest first",
        forecast::list,
    )
    .pages(schema::<forecast::Page>)
    .filter(ParameterKind::Duration, "within", "So far ahead: `7d` unless said, `366d` at most.")
    .codes(&[Code::NoStore]);
    [acts(&own, connections::view), acts(&tenant, activations::view), vec![forecast]].concat()
}

/// A path and the operation's id, for each act.
struct Paths {
    authorize: (&'static str, &'static str),
    callback: (&'static str, &'static str),
    renew: (&'static str, &'static str),
    revoke: (&'static str, &'static str),
    introspect: (&'static str, &'static str),
    token: (&'static str, &'static str),
    probe: (&'static str, &'static str),
    verify: (&'static str, &'static str),
}

const TEST: &str = "That of the connection's test credentials.";

fn acts(paths: &Paths, view: SchemaOf) -> Vec<Route> {
    vec![
        Route::post(
            paths.authorize.0,
            paths.authorize.1,
            "Begin a consent: where the person goes",
            consents::authorize,
        )
        .takes(schema::<consents::Authorize>)
        .gives(schema::<consents::Asked>)
        .codes(OF_PROVIDERS),
        Route::post(
            paths.callback.0,
            paths.callback.1,
            "Complete a consent: what the person's browser came back with",
            consents::callback,
        )
        .takes(schema::<consents::Callback>)
        .gives(view)
        .codes(OF_PROVIDERS),
        Route::post(paths.renew.0, paths.renew.1, "Have another token, now", grant_acts::renew)
            .gives(view)
            .flag("test", TEST)
            .codes(OF_PROVIDERS),
        Route::post(
            paths.revoke.0,
            paths.revoke.1,
            "End a grant, here and at the provider",
            grant_acts::revoke,
        )
        .gives(schema::<grant_acts::Ended>)
        .flag("test", TEST)
        .codes(&[Code::Invalid]),
        Route::post(
            paths.introspect.0,
            paths.introspect.1,
            "Ask the provider what it knows of the access token",
            grant_acts::introspect,
        )
        .gives(schema::<grant_acts::Known>)
        .flag("test", TEST)
        .codes(OF_PROVIDERS),
        Route::get(
            paths.token.0,
            paths.token.1,
            "Show the access token, to operators alone whom `server.admin.token_access` names",
            disclosure::token,
        )
        .gives(schema::<disclosure::Shown>)
        .flag("test", TEST)
        .codes(OF_PROVIDERS)
        .codes(&[Code::NoStore]),
        Route::post(
            paths.probe.0,
            paths.probe.1,
            "Ask the API whether it takes the credential, by the auth method's probe",
            probes::probe,
        )
        .gives(schema::<probes::ProbedView>)
        .flag("test", TEST)
        .codes(&[Code::Invalid]),
        Route::post(
            paths.verify.0,
            paths.verify.1,
            "Tell whether the credential works: by having another token, else by the probe",
            probes::verify,
        )
        .gives(schema::<probes::VerifiedView>)
        .flag("test", TEST)
        .codes(&[Code::Invalid]),
    ]
}
