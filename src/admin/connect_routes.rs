//! The part of the table of contents that is about connect sessions.
use super::connect_begin;
use super::connect_callback;
use super::connect_item::ItemView;
use super::connect_new;
use super::connect_sessions;
use super::route::ParameterKind;
use super::route::Route;
use super::route::schema;
use crate::model::Code;

const ALL: &str = "/v1/connect-sessions";
const ONE: &str = "/v1/connect-sessions/{session}";

/// What only the browser does that connects by it, as long as it is good.
const IN_USE: &[Code] = &[Code::ConnectSessionInUse, Code::ConnectSessionOver];

pub(super) fn of_connect_sessions() -> Vec<Route> {
    vec![
        Route::get(
            ALL,
            "listConnectSessions",
            "List links that tenants connect by, the newest first",
            connect_sessions::list,
        )
        .pages(connect_sessions::page)
        .filter(ParameterKind::Text, "tenant", "Of this tenant alone.")
        .codes(&[Code::NoStore]),
        Route::post(
            ALL,
            "createConnectSession",
            "Make a link that a tenant connects by, for 30 minutes",
            connect_new::create,
        )
        .takes(schema::<connect_new::NewSession>)
        .makes(schema::<connect_new::MadeSession>)
        .codes(&[Code::DeclaredInFile]),
        Route::get(
            ONE,
            "getConnectSession",
            "A link that a tenant connects by, and what came of it",
            connect_sessions::read,
        )
        .gives(schema::<connect_sessions::SessionView>)
        .codes(&[Code::NoStore]),
        Route::delete(
            ONE,
            "deleteConnectSession",
            "End a link: nobody connects by it any more",
            connect_sessions::end,
        )
        .gives_nothing(),
        Route::post(
            "/v1/connect-sessions/callback",
            "completeConnectSession",
            "Complete a consent: what a person's browser came back with, whatever came of it",
            connect_callback::callback,
        )
        .takes(schema::<connect_callback::Back>)
        .gives(schema::<connect_callback::Came>)
        .codes(&[Code::ConsentUnknown, Code::ConnectOtherBrowser]),
        Route::post(
            "/v1/connect-sessions/{session}/begin",
            "beginConnectSession",
            "Connect one of a session's connections: by what is filled in, or where the person goes",
            connect_begin::begin,
        )
        .takes(schema::<connect_begin::Begin>)
        .gives(schema::<connect_begin::Begun>)
        .codes(IN_USE)
        .codes(&[
            Code::CredentialRefused,
            Code::ConnectMisconfigured,
            Code::CredentialUnavailable,
            Code::ReauthorizationRequired,
            Code::OriginChanged,
            Code::DeclaredInFile,
        ]),
        Route::post(
            "/v1/connect-sessions/{session}/account",
            "answerConnectSession",
            "Say whether another account than before is to be taken",
            connect_callback::account,
        )
        .takes(schema::<connect_callback::Take>)
        .gives(schema::<ItemView>)
        .codes(IN_USE),
        Route::post(
            "/v1/connect-sessions/{session}/finish",
            "finishConnectSession",
            "Come to the end of a link: it is used up",
            connect_callback::finish,
        )
        .takes(schema::<connect_callback::Finish>)
        .gives(schema::<connect_sessions::SessionView>)
        .codes(IN_USE),
    ]
}
