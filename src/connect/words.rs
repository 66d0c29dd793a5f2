//! What a customer is told of what went wrong: in words of theirs, and what they can do.

/// A headline, and a paragraph below it.
pub(super) struct Words {
    pub(super) title: String,
    pub(super) text: String,
    /// Whether trying again by oneself can help.
    pub(super) again: bool,
}

/// Of a typed reason (docs/connect.md). `name` is what was to be connected.
pub(super) fn of(reason: &str, name: &str, missing: &[String]) -> Words {
    let words = |title: String, text: String, again| Words { title, text, again };
    match reason {
        "consent_denied" => words(
            "You did not allow access".to_owned(),
            format!("{name} was not connected, and nothing was changed. If that was not what you meant, try again."),
            true,
        ),
        "scopes_missing" => words(
            "Some permissions are missing".to_owned(),
            match missing {
                [] => format!("{name} was not connected: not everything that is needed was allowed. Try again, and leave all permissions selected."),
                _ => format!("{name} was not connected: it did not give {}. Try again, and leave all permissions selected.", missing.join(", ")),
            },
            true,
        ),
        "account_differs" => words(
            format!("{name} is connected as before"),
            "The other account was not used. To connect the same account again, sign in to it there first.".to_owned(),
            true,
        ),
        "credential_refused" => words(
            format!("{name} did not accept this"),
            "It was not kept. Check that it is right and still good, and try again.".to_owned(),
            true,
        ),
        "provider_unavailable" => words(
            format!("{name} is not answering right now"),
            "Nothing was changed. Try again in a few minutes.".to_owned(),
            true,
        ),
        "provider_error" => words(
            format!("{name} reported a problem"),
            "Nothing was changed. Try again; if it happens again, tell whoever sent you the link.".to_owned(),
            true,
        ),
        "issuer_mismatch" => words(
            "The answer came from somewhere else".to_owned(),
            format!("To be safe, {name} was not connected. Try again; if it happens again, tell whoever sent you the link."),
            true,
        ),
        "consent_expired" => words(
            "This took too long".to_owned(),
            format!("{name} was not connected, and nothing was changed. Try again."),
            true,
        ),
        "session_expired" => words(
            "This took too long".to_owned(),
            "The link works for 30 minutes. Nothing was changed. Ask for a new link.".to_owned(),
            false,
        ),
        // What only the operator can mend.
        _ => words(
            format!("{name} can't be connected right now"),
            "Something is not set up as it should be, and it is not you. Tell whoever sent you the link.".to_owned(),
            false,
        ),
    }
}
