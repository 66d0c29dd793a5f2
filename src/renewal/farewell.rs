//! A provider is told that tokens are not used any more (RFC 7009), and asked what it knows of one (RFC 7662).
use super::attempt::with_tokens;
use super::bureau::Bureau;
use super::errand::Client;
use super::errand::ErrandError;
use super::errand::Errands;
use super::message::asked;
use super::message::discovered;
use crate::grant::Answer;
use crate::grant::Ask;
use crate::grant::Introspection;
use crate::grant::TokenKind;
use crate::grant::TokenSet;
use crate::grant::is_revoked;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::RevocationOutcome;
use std::sync::Arc;

/// Counts once what came of it, whatever becomes of the errand.
struct Count {
    metrics: Arc<Metrics>,
    outcome: RevocationOutcome,
}

impl Errands {
    /// Has the provider end the refresh token, and the access token then: with the one many end the other too.
    pub async fn revoke(&self, client: Client, tokens: TokenSet) -> Result<(), ErrandError> {
        // Of an errand that nobody begins, or that takes too long, nothing else is known.
        let (metrics, outcome) = (Arc::clone(&self.metrics), RevocationOutcome::Provider);
        let count = Count { metrics, outcome };
        self.run(async move |bureau| {
            let mut count = count;
            let done = revoke(bureau, &client, &tokens).await;
            count.outcome = counted(&done);
            done
        })
        .await
    }

    /// Counts tokens that their provider was not told of: more were to be told than there is room for.
    pub fn not_told(&self, grants: usize) {
        for _ in 0..grants {
            self.metrics.revocation(RevocationOutcome::Provider);
        }
    }

    /// The same of those that nobody can tell of, as they do not open or belong to a former grant.
    pub fn not_tellable(&self) {
        self.metrics.revocation(RevocationOutcome::Operator);
    }

    /// What the provider knows of the access token; none where it says nothing that reads.
    pub async fn introspect(
        &self,
        client: Client,
        tokens: TokenSet,
    ) -> Result<Option<Introspection>, ErrandError> {
        self.run(async move |bureau| {
            let (token, kind) = (&tokens.access_token, TokenKind::Access);
            let ask = Ask::Introspect { token, kind };
            let answer = said(bureau, &client, &tokens, ask).await?;
            Ok(Introspection::read(&answer))
        })
        .await
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.metrics.revocation(self.outcome);
    }
}

async fn revoke(bureau: &Bureau, client: &Client, tokens: &TokenSet) -> Result<(), ErrandError> {
    let refresh = tokens
        .refresh_token
        .as_ref()
        .filter(|it| !it.is_empty())
        .map(|it| (it, TokenKind::Refresh));
    let access = Some((&tokens.access_token, TokenKind::Access));
    let mut failed = None;
    for (token, kind) in refresh.into_iter().chain(access) {
        let answer = said(bureau, client, tokens, Ask::Revoke { token, kind }).await;
        let refused = match answer {
            Ok(answer) if is_revoked(&answer) => continue,
            Ok(answer) => {
                let words = format!("the provider did not revoke it (status {})", answer.status);
                ErrandError::Refused(words)
            }
            Err(error) => error,
        };
        // The first is the one that matters more.
        failed.get_or_insert(refused);
    }
    failed.map_or(Ok(()), Err)
}

fn counted(done: &Result<(), ErrandError>) -> RevocationOutcome {
    match done {
        Ok(()) => RevocationOutcome::Revoked,
        Err(ErrandError::Refused(_) | ErrandError::NotTaken { .. } | ErrandError::Callback(_)) => {
            RevocationOutcome::Refused
        }
        Err(ErrandError::Provider { .. } | ErrandError::Busy) => RevocationOutcome::Provider,
        Err(ErrandError::Operator(_)) => RevocationOutcome::Operator,
        Err(ErrandError::NotSet(_) | ErrandError::Unfit(_)) => RevocationOutcome::Unsupported,
    }
}

async fn said(
    bureau: &Bureau,
    client: &Client,
    tokens: &TokenSet,
    ask: Ask<'_>,
) -> Result<Answer, ErrandError> {
    let holder = &client.holder;
    let (credential, variables) = with_tokens(&holder.credential, &holder.variables, Some(tokens));
    let mut secret = 0;
    loop {
        let occasion = client.occasion(bureau, &credential, &variables, secret);
        let sending = client.sending(true);
        let method = client.method()?;
        let method = discovered(bureau, sending, method, Some(ask), &occasion).await?;
        if method.is_nowhere(ask) {
            return Err(ErrandError::NotSet(ask.setting()));
        }
        let answer = asked(bureau, sending, &method, ask, &occasion).await?;
        secret += 1;
        if answer.status != 401 || secret == client.secrets() {
            return Ok(answer);
        }
    }
}
