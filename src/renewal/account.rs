//! Whose account tokens are: the provider says it, or the API, or what came with them.
use super::attempt::with_tokens;
use super::bureau::Bureau;
use super::bureau::Replied;
use super::errand::Client;
use super::errand::ErrandError;
use super::errand::Errands;
use super::probe::Behind;
use super::probe::Tried;
use super::probe::probed;
use crate::catalog::Way;
use crate::grant::Answer;
use crate::grant::IdToken;
use crate::grant::Oauth2;
use crate::grant::TokenSet;
use crate::model::Account;
use std::borrow::Cow;
use std::sync::Arc;

impl Errands {
    /// Whose account these tokens are: as somebody declares it, by the provider's userinfo or else by the method's probe;
    /// where nobody does, by the id token that came with them, or else by the userinfo as OpenID Connect has it. None
    /// where nothing of these says it.
    pub async fn account(
        &self,
        client: Client,
        tokens: &TokenSet,
    ) -> Result<Option<Account>, ErrandError> {
        let by_probe = client.under.method.probe.as_ref().is_some_and(|it| it.account.is_some());
        let by_userinfo = match &client.holder.method.way {
            Way::Oauth2(method) => method.declares_account(),
            Way::Session(_) | Way::Oauth1(_) | Way::Role(_) => false,
        };
        let claimed = tokens.id_token.as_ref().and_then(IdToken::read).and_then(|it| it.whose);
        if !by_probe && !by_userinfo && claimed.is_some() {
            return Ok(claimed);
        }
        let tokens = tokens.clone();
        let declared = Declared { by_userinfo, by_probe };
        let asked = async move |bureau: &Bureau| account(bureau, &client, tokens, declared).await;
        // An id token calls the same account something else.
        self.run(asked).await
    }
}

/// Where somebody says that an account stands.
#[derive(Clone, Copy)]
struct Declared {
    by_userinfo: bool,
    by_probe: bool,
}

async fn account(
    bureau: &Bureau,
    client: &Client,
    tokens: TokenSet,
    declared: Declared,
) -> Result<Option<Account>, ErrandError> {
    let asked = match &client.holder.method.way {
        Way::Oauth2(method) if declared.by_userinfo || !declared.by_probe => Some(method),
        Way::Oauth2(_) | Way::Session(_) | Way::Oauth1(_) | Way::Role(_) => None,
    };
    let told = match asked {
        Some(method) => by_userinfo(bureau, client, method, &tokens).await,
        None => Ok(None),
    };
    if matches!(told, Ok(Some(_))) || !declared.by_probe {
        return told;
    }
    let behind = Behind::Token(Arc::clone(&client.holder), Some(Tried::New(tokens)));
    let variables = client.holder.variables.clone();
    Ok(probed(bureau, &client.under, behind, variables).await?.account)
}

async fn by_userinfo(
    bureau: &Bureau,
    client: &Client,
    method: &Oauth2,
    tokens: &TokenSet,
) -> Result<Option<Account>, ErrandError> {
    let holder = &client.holder;
    let (credential, variables) = with_tokens(&holder.credential, &holder.variables, Some(tokens));
    let occasion = || client.occasion(bureau, &credential, &variables, 0);
    let sending = client.sending(true);
    let mut method = Cow::Borrowed(method);
    if method.may_find_userinfo() {
        let metadata = bureau.metadata(sending, &method, &occasion()).await?;
        method = Cow::Owned(method.with_metadata(&metadata));
    }
    if !method.knows_userinfo() {
        return Ok(None);
    }
    let mut nonce = None;
    loop {
        let request = method.userinfo(tokens, &occasion(), nonce.as_deref())?;
        let Replied { status, headers, body } = bureau.send(sending, &request).await?;
        let answer = Answer::new(status.as_u16(), &headers, body);
        let given = answer.dpop_nonce.as_ref().filter(|_| nonce.is_none() && tokens.is_bound());
        match (answer.status, given) {
            (401, Some(given)) => nonce = Some(given.clone()),
            (200..=299, _) => return Ok(method.account_of(&answer)),
            (status, _) => {
                let words =
                    format!("the provider does not say whose account it is (status {status})");
                return Err(ErrandError::away(words));
            }
        }
    }
}
