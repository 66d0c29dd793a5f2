//! What a tenant is to have once it has connected: checked over what it has, and kept all at once or not at all.
use super::activations;
use super::activations::Draft;
use super::activations::Under;
use super::activations::VARIABLES;
use super::call::Call;
use super::connect_item::Kept;
use super::connect_item::Reason;
use super::connections::OWN;
use super::consents;
use super::credentials;
use super::credentials::Change;
use super::dance::Brought;
use super::dance::Subject;
use super::error::ApiError;
use super::grantee::Grantee;
use super::grants;
use super::sent::Members;
use crate::catalog::ConnectWay;
use crate::catalog::Connection;
use crate::catalog::Ready;
use crate::grant::TokenSet;
use crate::model::Account;
use crate::model::TenantId;
use crate::seal::Slot;
use crate::store::Activation;
use crate::store::ActivationRow;
use crate::store::ConnectNews;
use crate::store::ConnectSession;
use crate::store::Expect;
use crate::store::GrantName;
use crate::store::Place;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;

/// What is to be, kept nowhere yet.
pub(super) struct Bid {
    pub connection: Arc<Connection>,
    /// Where the credential is a token, whose it is to be.
    pub grantee: Option<Grantee>,
    /// Whose account the activation is at present.
    pub known: Option<Account>,
    /// Whether there is one at present.
    pub had: bool,
    owner: String,
    tenant: TenantId,
    draft: Draft,
    is_changed: bool,
}

/// What has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Kept,
    /// Somebody else has changed the session, or the activation: nothing is changed by this.
    Outrun,
    /// The tokens are nobody's to keep any more: they took so long that they are being ended.
    LetGo,
}

impl Bid {
    /// Lays what was brought over what there is. An activation that there is goes on as it is otherwise.
    pub(super) async fn of(
        call: &Call,
        under: &Under,
        tenant: &TenantId,
        brought: &Brought,
    ) -> Result<Self, ApiError> {
        let (connection, _) = under.served(call).await?;
        let found = under.find(call, tenant).await?;
        let stored = found.as_ref().map(|it| &it.0.value);
        let mut variables = stored.map(activations::variables).unwrap_or_default();
        variables.extend(brought.variables.clone());
        let mut members = Members::new();
        members.insert("enabled".to_owned(), stored.is_none_or(|it| it.enabled).into());
        members.insert(VARIABLES.to_owned(), json!(variables));
        if !brought.fields.is_empty() {
            // What is filled in is all of it; beside a consent what was there before stays.
            let sealed = found.as_ref().and_then(|it| it.1.as_ref());
            let stays = Some(sealed).filter(|_| connection.connect_way() != ConnectWay::Form);
            let mut fields = match stays.and_then(credentials::shown) {
                Some(Value::Object(shown)) => shown,
                _ => Members::new(),
            };
            for (name, value) in &brought.fields {
                fields.insert(name.clone(), value.expose().into());
            }
            members.insert(OWN.to_owned(), Value::Object(fields));
        }
        let draft = under.draft(call, tenant, members, Expect::Anything).await?;
        let is_token = matches!(draft.activation.holder.ready, Ready::Token(_));
        let grantee = || Grantee::of_tenant(&under.owner, &connection, &draft.activation, false);
        let grantee = is_token.then(grantee).transpose()?;
        let is_same = |it: &ActivationRow| {
            it.definition == draft.row.definition && it.enabled == draft.row.enabled
        };
        let is_changed = !stored.is_some_and(is_same) || !matches!(draft.change, Change::Kept);
        Ok(Self {
            grantee,
            known: stored.and_then(|it| it.account.clone()),
            had: found.is_some(),
            owner: under.owner.clone(),
            tenant: tenant.clone(),
            draft,
            is_changed,
            connection,
        })
    }

    /// The same of a session's item, as it was when it began, or why that is not there any more.
    pub(super) async fn of_item(
        call: &Call,
        item: &Kept,
        tenant: &TenantId,
        brought: &Brought,
    ) -> Result<Result<Self, (Reason, String)>, ApiError> {
        let gone = |why: &str| Ok(Err((Reason::ConnectionGone, why.to_owned())));
        let Some(under) = item.under(call).await? else {
            return gone("the connection is not there any more");
        };
        if under.connectable(call).await?.is_none() {
            return gone("no tenant connects the connection any more");
        }
        let bid = match Self::of(call, &under, tenant, brought).await {
            Ok(bid) => bid,
            Err(
                error @ (ApiError::Invalid(_)
                | ApiError::DeclaredInFile { .. }
                | ApiError::Elsewhere(_)),
            ) => return gone(&format!("the connection is not as it was: {error}")),
            Err(error) => return Err(error),
        };
        if brought.had && !bid.had {
            let why = "the tenant's activation was deleted meanwhile".to_owned();
            return Ok(Err((Reason::TenantGone, why)));
        }
        let fingerprint = bid.grantee.as_ref().map(Grantee::fingerprint).unwrap_or_default();
        if !brought.fingerprint.is_empty() && fingerprint != brought.fingerprint {
            let why = "the connection was changed meanwhile".to_owned();
            return Ok(Err((Reason::ConsentExpired, why)));
        }
        Ok(Ok(bid))
    }

    /// What it is tried with.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            connection: &self.connection,
            holder: Some(&self.draft.activation.holder),
            grantee: self.grantee.as_ref(),
            known: self.known.as_ref(),
        }
    }

    /// Whose tokens they are.
    pub(super) fn name(&self) -> GrantName {
        let (owner, tenant) = (self.owner.clone(), self.tenant.to_string());
        GrantName { owner, tenant, slot: Slot::Activation }
    }

    /// Keeps the activation, its tokens, and what the session says of it: all of it, or nothing.
    ///
    /// Whoever has another account in mind than the one that is there by now, or tokens that are not kept aside any more
    /// (`aside`), changes nothing.
    pub(super) async fn keep(
        &self,
        call: &Call,
        (tokens, account): (Option<&TokenSet>, Option<&Account>),
        aside: Option<&str>,
        session: &ConnectSession,
        news: &[ConnectNews],
    ) -> Result<Done, ApiError> {
        let backing = call.api.store()?;
        let failed = |it| ApiError::of_store(it, activations::NOUN, self.tenant.as_str());
        let together = backing.store.together().await.map_err(failed)?;
        let (inner, scope) = (together.store(), call.scope());
        let (all, of) = (inner.activations(), (&*self.owner, self.tenant.as_str()));
        if !all.is_of(&scope, of, self.had, self.known.as_ref()).await.map_err(failed)? {
            return Ok(Done::Outrun);
        }
        if let Some(id) = aside
            && !inner.authorizations().discard(&scope, id).await.map_err(failed)?
        {
            return Ok(Done::LetGo);
        }
        if self.is_changed {
            let own = self.draft.row.account.as_ref();
            // Beside tokens it is kept with them.
            let account = if tokens.is_some() { own } else { account };
            let row = ActivationRow { account: account.cloned(), ..self.draft.row.clone() };
            let seal = credentials::sealing(&self.draft.change);
            let secrets = credentials::secrets(&self.draft.change, &seal);
            let one = Activation { row, secrets, condition: self.draft.condition() };
            let put = inner.activations().put_all(&scope, &[one], &[]).await;
            let expect = self.draft.expect;
            let told = |it| ApiError::of_write(it, activations::NOUN, self.tenant.as_str(), expect);
            put.map_err(told)?;
        }
        if let Some((grantee, tokens)) = self.grantee.as_ref().zip(tokens) {
            let now = call.now();
            let is_same = consents::is_same(self.known.as_ref(), account);
            let tokens = &consents::whole(call, inner, grantee, tokens, is_same).await?;
            let credential = tokens.to_credential();
            let seal = |it: &Place<'_>| Ok(backing.sealer.seal(&it.binding, &credential, now));
            let times = consents::times(grantee, tokens, now);
            let of = grantee.grant();
            let granted = inner.grants().granted(&scope, &of, times, account, &seal).await;
            granted.map_err(|it| ApiError::of_store(it, grants::NOUN, self.tenant.as_str()))?;
        }
        // Of an activation that stays as it was nothing else says it.
        if tokens.is_none() && !self.is_changed {
            all.set_account(&scope, of, account).await.map_err(failed)?;
        }
        if !inner.connect_sessions().change(&scope, session, news).await.map_err(failed)? {
            return Ok(Done::Outrun);
        }
        let revision = together.commit().await.map_err(failed)?;
        call.served(revision).await;
        Ok(Done::Kept)
    }
}
