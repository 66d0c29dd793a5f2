//! `…/probe` and `…/verify`: whether a credential works, right now.
use super::activations;
use super::activations::AccountView;
use super::activations::Under;
use super::answer::Answer;
use super::call::Call;
use super::connections::Connections;
use super::definition::Definition;
use super::error::ApiError;
use super::grant_acts;
use super::grantee;
use super::grantee::Grantee;
use super::grants;
use super::grants::State;
use crate::catalog::Activation;
use crate::catalog::Connection;
use crate::catalog::Holder;
use crate::catalog::Ready;
use crate::catalog::Token;
use crate::catalog::Way;
use crate::model::Account;
use crate::renewal;
use crate::renewal::Asked;
use crate::renewal::ErrandError;
use crate::renewal::Probed;
use crate::renewal::Tried;
use crate::store::ActivationRow;
use crate::store::Stored;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

/// How old a token may be that tells how its grant is: as long as one waits for it, and is not given another.
const RECENT: Duration = Duration::from_secs(30);

/// What came of a probe.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "Probed")]
pub(super) struct ProbedView {
    /// Whether the API took the credential.
    works: bool,
    /// Why it does not, or why nobody can tell, in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// What the API answered; none where it was not asked, or did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Whose account the credential is, where the answer says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountView>,
}

/// Whether a credential is good for anything.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename = "Verified")]
pub(super) struct VerifiedView {
    /// Null where nobody can tell right now, or at all.
    works: Option<bool>,
    /// By what that is known.
    by: Option<By>,
    /// Whether whoever it is of has to connect again.
    reconnect: bool,
    /// Why, in words for people, where it does not work or nobody can tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum By {
    /// Another token was had.
    Renewal,
    /// The API was asked.
    Probe,
}

/// What was found out, or why not.
type Told = Result<Probed, ErrandError>;

/// Whose credential is tried.
struct Subject {
    connection: Arc<Connection>,
    whose: Whose,
    /// Where the credential is a token.
    grantee: Option<Grantee>,
    is_test: bool,
}

enum Whose {
    Connection,
    Tenant {
        activation: Arc<Activation>,
        /// None of one in a file.
        row: Option<Box<Stored<ActivationRow>>>,
    },
}

/// `POST …/probe`
pub(super) async fn probe(call: Call) -> Result<Answer, ApiError> {
    let subject = Subject::of(&call).await?;
    let told = subject.probed(&call).await?;
    let why = told.as_ref().err().map(ErrandError::to_string);
    let status = match &told {
        Ok(probed) => Some(probed.status),
        Err(ErrandError::NotTaken { status, .. }) => *status,
        Err(_) => None,
    };
    let works = told.is_ok();
    let account = told.ok().and_then(|it| it.account).map(AccountView::from);
    Answer::of(&ProbedView { works, why, status, account })
}

/// `POST …/verify`: by another token where one can be had, else by the probe.
pub(super) async fn verify(call: Call) -> Result<Answer, ApiError> {
    let subject = Subject::of(&call).await?;
    if let Some(grantee) = &subject.grantee
        && can_be_renewed(&call, grantee).await?
    {
        let by = Some(By::Renewal);
        return Answer::of(&match grant_acts::renewed(&call, grantee, true).await {
            Ok(token) => VerifiedView::of_token(&call, grantee, &token).await?,
            Err(ApiError::Consent(words)) => VerifiedView::refused(by, words),
            Err(ApiError::NoToken { words, .. }) => VerifiedView::unknown(by, words),
            Err(error) => return Err(error),
        });
    }
    let by = Some(By::Probe);
    if subject.connection.method.probe.is_none() {
        let has_begun = match &subject.grantee {
            Some(grantee) => grant_acts::present(&call, grantee).await?.is_some(),
            None => true,
        };
        return Answer::of(&match has_begun {
            true => VerifiedView::unknown(
                None,
                "the auth method declares no `probe`, and nothing renews the credential".to_owned(),
            ),
            false => VerifiedView::refused(None, "nobody has consented yet".to_owned()),
        });
    }
    Answer::of(&match subject.probed(&call).await? {
        Ok(_) => VerifiedView { works: Some(true), by, reconnect: false, why: None },
        Err(ErrandError::NotTaken { is_refused: true, words, .. }) => {
            VerifiedView::refused(by, words)
        }
        Err(error) => VerifiedView::unknown(by, error.to_string()),
    })
}

impl VerifiedView {
    /// Of one for which another token was asked. Whoever asks for that goes on with the old one where none came, as long
    /// as it lives: that is no answer here.
    async fn of_token(call: &Call, grantee: &Grantee, token: &Token) -> Result<Self, ApiError> {
        let grant = grants::of(call, grantee).await?;
        let (by, why) = (Some(By::Renewal), grant.why.unwrap_or_default());
        Ok(match grant.state {
            State::Revoked | State::ReauthorizationRequired => Self::refused(by, why),
            State::Failing => Self::unknown(by, why),
            State::Active | State::Expiring if token.was_sent_for && is_recent(token) => {
                Self { works: Some(true), by, reconnect: false, why: None }
            }
            State::Active | State::Expiring => {
                let why = "it was not renewed, as its token was kept a moment ago: ask again";
                Self::unknown(by, why.to_owned())
            }
        })
    }

    fn refused(by: Option<By>, why: String) -> Self {
        Self { works: Some(false), by, reconnect: true, why: Some(why) }
    }

    fn unknown(by: Option<By>, why: String) -> Self {
        Self { works: None, by, reconnect: false, why: Some(why) }
    }
}

/// Whether it was had for whoever asks now, or for another who asked about the same time.
fn is_recent(token: &Token) -> bool {
    token.had_at.elapsed() < RECENT
}

/// Whether there is something to have another token by.
async fn can_be_renewed(call: &Call, grantee: &Grantee) -> Result<bool, ApiError> {
    let holder = &grantee.client.holder;
    if let Way::Session(_) = holder.method.way {
        return Ok(true);
    }
    let credential = match grant_acts::present(call, grantee).await? {
        Some(tokens) => holder.credential.overlaid(&tokens.to_credential()),
        None => holder.credential.clone(),
    };
    Ok(holder.method.can_renew(&credential))
}

impl Subject {
    /// The one that the path names.
    async fn of(call: &Call) -> Result<Self, ApiError> {
        let is_test = call.flag("test")?;
        let under = Under::named(call, &Connections::key(call)?).await?;
        let (connection, _) = under.served(call).await?;
        if !call.parameters.iter().any(|it| it.0 == "tenant") {
            let (holder, _) = grantee::held(&connection, is_test)?;
            let has_token = matches!(holder.ready, Ready::Token(_));
            let own = || grantee::own(&under.owner, &connection, is_test);
            let grantee = has_token.then(own).transpose()?;
            return Ok(Self { whose: Whose::Connection, grantee, is_test, connection });
        }
        if is_test {
            let problem = "a tenant has no test credentials";
            return Err(ApiError::invalid("/test", problem, "they are the connection's"));
        }
        let tenant = call.tenant()?;
        let (activation, row) = match under.declared(tenant.as_str()) {
            Some(declared) => (Arc::clone(declared), None),
            None => {
                let missing =
                    || ApiError::NotFound { noun: activations::NOUN, key: tenant.to_string() };
                let found = under.find(call, &tenant).await?.ok_or_else(missing)?;
                let keys = &call.api.store()?.keys;
                let activation = grantee::activation(keys, &connection, &found).await?;
                (Arc::new(activation), Some(Box::new(found.0)))
            }
        };
        let has_token = matches!(activation.holder.ready, Ready::Token(_));
        let (owner, is_declared) = (&under.owner, row.is_none());
        let grantee = || Grantee::of_tenant(owner, &connection, &activation, is_declared);
        let grantee = has_token.then(grantee).transpose()?;
        Ok(Self { whose: Whose::Tenant { activation, row }, grantee, is_test, connection })
    }

    fn holder(&self) -> Result<&Holder, ApiError> {
        match &self.whose {
            Whose::Connection => Ok(grantee::held(&self.connection, self.is_test)?.0),
            Whose::Tenant { activation, .. } => Ok(&activation.holder),
        }
    }

    /// Asks the API. Whose account it turns out to be is kept, where nobody knew.
    async fn probed(&self, call: &Call) -> Result<Told, ApiError> {
        if self.connection.method.probe.is_none() {
            return Err(ErrandError::NotSet("probe").into());
        }
        let told = match &self.grantee {
            None => self.asked(call, None).await?,
            Some(grantee) => match self.with_token(call, grantee).await {
                Err(ApiError::Consent(words)) => {
                    Err(ErrandError::NotTaken { status: None, is_refused: true, words })
                }
                Err(ApiError::NoToken { words, retry_after_s }) => {
                    let after = Some(Duration::from_secs(retry_after_s));
                    Err(ErrandError::Provider { words, after })
                }
                told => told?,
            },
        };
        if let Ok(Probed { account: Some(account), .. }) = &told {
            self.keep(call, account).await;
        }
        Ok(told)
    }

    async fn asked(&self, call: &Call, token: Option<Tried>) -> Result<Told, ApiError> {
        let (connection, holder) = (Arc::clone(&self.connection), self.holder()?);
        Ok(call.api.errands()?.probe(connection, holder, token).await)
    }

    /// With the token that requests go out with; where the API refuses it, with the next, as they do too.
    async fn with_token(&self, call: &Call, grantee: &Grantee) -> Result<Told, ApiError> {
        let token = grant_acts::renewed(call, grantee, false).await?;
        let told = self.asked(call, Some(Tried::Kept(Arc::clone(&token)))).await?;
        let Err(ErrandError::NotTaken { status: Some(status), .. }) = &told else {
            return Ok(told);
        };
        let method = &grantee.client.holder.method;
        if !method.is_refusal(*status, &HeaderMap::new(), &[]) {
            return Ok(told);
        }
        match another(call, grantee, &token).await? {
            Some(other) => self.asked(call, Some(Tried::Kept(other))).await,
            None => Ok(told),
        }
    }

    async fn keep(&self, call: &Call, account: &Account) {
        let Whose::Tenant { row: Some(row), .. } = &self.whose else { return };
        let Ok(backing) = call.api.store() else { return };
        let (scope, of) = (call.scope(), (&*row.value.owner, &*row.value.tenant));
        let kept = backing.store.activations().told_account(&scope, of, row.version, account).await;
        if let Err(error) = kept {
            tracing::info!("whose account it is is not kept: {error}");
        }
    }
}

/// Another token than the one that the API refused, unless it is too early for that.
async fn another(
    call: &Call,
    grantee: &Grantee,
    token: &Token,
) -> Result<Option<Arc<Token>>, ApiError> {
    let renewals = &call.api.providing()?.renewals;
    let tenant = grantee.tenant();
    let wanted = grantee.wanted(tenant.as_ref());
    let (now, at) = ((call.api.clock)(), Instant::now());
    let landed = match renewals.refused(wanted, token.generation, now, at) {
        Ok(Asked::Token(token)) => Ok(token),
        Ok(Asked::Flight(flight)) => renewal::landed(flight).await,
        Err(error) => Err(error),
    };
    match landed {
        Ok(other) => Ok(Some(other).filter(|it| it.generation != token.generation)),
        Err(error) => Err(grant_acts::missed(call, grantee, error).await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_to_connect_again_is_told_apart_from_whom_nobody_can_tell_of() {
        let refused = VerifiedView::refused(Some(By::Probe), "no".to_owned());
        let unknown = VerifiedView::unknown(None, "?".to_owned());
        let json = |it: &VerifiedView| serde_json::to_value(it).unwrap();
        let expected =
            serde_json::json!({ "works": false, "by": "probe", "reconnect": true, "why": "no" });
        assert_eq!(json(&refused), expected);
        let expected =
            serde_json::json!({ "works": null, "by": null, "reconnect": false, "why": "?" });
        assert_eq!(json(&unknown), expected);
    }
}
