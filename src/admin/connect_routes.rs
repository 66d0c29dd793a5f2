//! The part of the table of contents that is about connect sessions.
use super::connect_sessions;
use super::route::ParameterKind;
use super::route::Route;
use super::route::schema;
use crate::model::Code;

const ALL: &str = "/v1/connect-sessions";
const ONE: &str = "/v1/connect-sessions/{session}";

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
            connect_sessions::create,
        )
        .takes(schema::<connect_sessions::NewSession>)
        .makes(schema::<connect_sessions::MadeSession>)
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
    ]
}
