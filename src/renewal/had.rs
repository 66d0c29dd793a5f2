//! What comes of an attempt to have a token: a token, or why there is none.
use crate::auth::AuthError;
use crate::auth::Prepared;
use crate::auth::Scheme;
use crate::catalog::TokenHolder;
use crate::catalog::Way;
use crate::grant::Binding;
use crate::grant::Expiry;
use crate::grant::Fault;
use crate::grant::GrantError;
use crate::grant::Oauth1Grant;
use crate::grant::Outcome;
use crate::grant::Target;
use crate::grant::TokenSet;
use crate::grant::Why;
use crate::model::Credential;
use crate::model::Secret;
use crate::model::UnixTime;
use std::time::Duration;
use std::time::Instant;

/// When it is tried that did not come to a try.
const LATER: Duration = Duration::from_secs(2);

/// What a provider gave.
#[derive(Clone)]
pub(super) enum Kept {
    /// By an OAuth grant.
    Tokens(TokenSet),
    /// By a session login: what goes on requests.
    Session { values: Credential, expiry: Expiry },
}

/// The same, with how it was had.
#[derive(Clone)]
pub(super) struct Got {
    pub kept: Kept,
    /// When it was asked for: its life counts from then.
    pub asked_at: UnixTime,
    pub asked_since: Instant,
    /// Which of several client secrets was good.
    pub secret: usize,
    /// Endpoints that only the issuer's metadata told.
    pub guarded: Vec<Target>,
}

/// A token that is ready to go on requests.
pub(super) struct Had {
    pub prepared: Prepared,
    pub binding: Option<Binding>,
    pub got: Got,
    /// Which one of its grant's it is, as the store counts them; 0 where it is in no store.
    pub version: i64,
    pub source: Source,
}

/// Who had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A message did that was sent now.
    Message,
    /// Another replica, or an earlier life of this one, or whoever entered the credential.
    Kept,
}

/// Nothing was had.
#[derive(Debug)]
pub(super) struct Missed {
    pub verdict: Verdict,
    /// Why, for people who operate this; nothing secret is in it.
    pub words: String,
    /// How far the last message came.
    pub heard: Heard,
    /// It was known before, and nothing was sent for it.
    pub is_known: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Again {
        /// The provider's own wish.
        after: Option<Duration>,
        fault: Fault,
        /// When it is tried again, where that is settled.
        pause: Option<Duration>,
    },
    /// It did not come to a try, for no reason of the grant's own: nothing is known of it that was not before.
    Later { pause: Duration },
    Dead {
        /// An answer was lost, and with it perhaps the only token.
        is_lost: bool,
    },
}

/// How far a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Surely nobody has acted upon it.
    Unsent,
    /// It may have been acted upon, and its answer is lost: the link is gone.
    Lost,
    /// It may still be worked on.
    Late,
    /// It may have been acted upon, whatever the answer says: a fault over there, or no answer of a token endpoint.
    Doubtful,
    /// It was acted upon, and nothing in the answer is found to be a token: another setting may find it.
    Unread,
    Answered,
}

impl Kept {
    pub(super) fn expiry(&self) -> Expiry {
        match self {
            Self::Tokens(tokens) => tokens.expiry,
            Self::Session { expiry, .. } => *expiry,
        }
    }

    pub(super) fn tokens(&self) -> Option<&TokenSet> {
        match self {
            Self::Tokens(tokens) => Some(tokens),
            Self::Session { .. } => None,
        }
    }
}

impl Got {
    /// What is there already, as if it had been asked for now.
    pub(super) fn again(kept: Kept, now: UnixTime) -> Self {
        let (asked_since, guarded) = (Instant::now(), Vec::new());
        Self { kept, asked_at: now, asked_since, secret: 0, guarded }
    }

    /// Ready to go on requests. What can't stand on one is no token.
    pub(super) fn ready(
        self,
        holder: &TokenHolder,
        version: i64,
        source: Source,
    ) -> Result<Had, Missed> {
        let prepared = match &self.kept {
            Kept::Tokens(tokens) => prepared(tokens, holder),
            Kept::Session { values, .. } => {
                let session = holder.method.scheme.prepare(values);
                session.map(|it| it.and(holder.beside.clone()))
            }
        };
        let binding = self.kept.tokens().and_then(TokenSet::binding);
        let prepared = prepared.map_err(|errors| {
            let words = errors.first().map_or_else(String::new, ToString::to_string);
            Missed::again(Fault::Provider, format!("what the provider gave can't be sent: {words}"))
        })?;
        Ok(Had { prepared, binding, got: self, version, source })
    }
}

impl Missed {
    pub(super) fn again(fault: Fault, words: impl Into<String>) -> Self {
        let verdict = Verdict::Again { after: None, fault, pause: None };
        Self { verdict, words: words.into(), heard: Heard::Unsent, is_known: false }
    }

    /// It was not tried now, and is in a moment.
    pub(super) fn later(words: impl Into<String>) -> Self {
        let verdict = Verdict::Later { pause: LATER };
        Self { verdict, words: words.into(), heard: Heard::Unsent, is_known: true }
    }

    /// The answer to a message is lost.
    pub(super) fn unheard(words: impl Into<String>) -> Self {
        Self { heard: Heard::Lost, ..Self::again(Fault::Provider, words) }
    }

    pub(super) fn dead(words: impl Into<String>) -> Self {
        let verdict = Verdict::Dead { is_lost: false };
        Self { verdict, words: words.into(), heard: Heard::Unsent, is_known: false }
    }

    /// Settings and fields make no message: somebody has to mend them.
    pub(super) fn of_settings(error: &GrantError) -> Self {
        Self::again(Fault::Operator, error.to_string())
    }

    /// It was known before.
    pub(super) fn known(self) -> Self {
        Self { is_known: true, ..self }
    }
}

impl From<Outcome> for Missed {
    fn from(outcome: Outcome) -> Self {
        let heard = match &outcome {
            Outcome::TryAgain { why: Why::NoToken { status: 200..=299 }, .. } => Heard::Unread,
            Outcome::TryAgain { why: Why::Broken { .. }, .. } => Heard::Doubtful,
            Outcome::TryAgain { why: Why::Unreadable { status: 200..=299, .. }, .. } => {
                Heard::Doubtful
            }
            _ => Heard::Answered,
        };
        let missed = match outcome {
            Outcome::TryAgain { after, fault, why } => {
                let verdict = Verdict::Again { after, fault, pause: None };
                Self { verdict, ..Self::again(fault, why.to_string()) }
            }
            Outcome::AuthorizeAgain { why } => Self::dead(why.to_string()),
            // Whoever has a token asks for none of this.
            Outcome::Token(_) => Self::again(Fault::Provider, "a token that nobody asked for"),
        };
        Self { heard, ..missed }
    }
}

impl Heard {
    /// Whether nobody knows what became of the message.
    pub(super) fn is_uncertain(self) -> bool {
        match self {
            Self::Unsent | Self::Answered => false,
            Self::Lost | Self::Late | Self::Doubtful | Self::Unread => true,
        }
    }

    /// Whether the provider was not reached.
    pub(super) fn is_unreached(self) -> bool {
        match self {
            Self::Unsent | Self::Lost | Self::Late => true,
            Self::Doubtful | Self::Unread | Self::Answered => false,
        }
    }
}

/// An access token with what goes on requests besides, ready to go on them. One that the provider has not bound to the key that there is for it
/// goes as any other (RFC 9449 §5).
pub(super) fn prepared(
    tokens: &TokenSet,
    holder: &TokenHolder,
) -> Result<Prepared, Vec<AuthError>> {
    let token = &tokens.access_token;
    if let Way::Oauth1(_) = holder.method.way {
        let own = Oauth1Grant::signing_fields(tokens);
        let fields = holder.method.signing_fields(&holder.credential, &own);
        return Ok(holder.method.scheme.prepare(&fields)?.and(holder.beside.clone()));
    }
    let prepared = match tokens.dpop_key.is_some() && !tokens.is_bound() {
        true => Scheme::Bearer.prepare(&[("token", token.expose())].into_iter().collect()),
        false => holder.method.scheme.prepare(&key(token)),
    };
    Ok(prepared?.and(holder.beside.clone()))
}

/// An access token as the scheme takes it.
pub(super) fn key(token: &Secret) -> Credential {
    [("key", token.expose())].into_iter().collect()
}
