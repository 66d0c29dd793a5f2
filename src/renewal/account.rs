//! Whose account tokens are: what came with them says it, or the provider does, or the API.
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
    /// Whose account these tokens are: by the id token that came with them, else by the provider's userinfo, else by
    /// the method's probe. None where nothing of these says it.
    pub async fn account(
        &self,
        client: Client,
        tokens: &TokenSet,
    ) -> Result<Option<Account>, ErrandError> {
        let told = tokens.id_token.as_ref().and_then(IdToken::read).and_then(|it| it.whose);
        if told.is_some() {
            return Ok(told);
        }
        let tokens = tokens.clone();
        self.run(async move |bureau| account(bureau, &client, tokens).await).await
    }
}

async fn account(
    bureau: &Bureau,
    client: &Client,
    tokens: TokenSet,
) -> Result<Option<Account>, ErrandError> {
    let told = match &client.holder.method.way {
        Way::Oauth2(method) => by_userinfo(bureau, client, method, &tokens).await,
        Way::Session(_) => Ok(None),
    };
    let probe = client.under.method.probe.as_ref();
    if matches!(told, Ok(Some(_))) || probe.is_none_or(|it| it.account.is_none()) {
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
