//! `POST /v1/activations/export`: what tenants have given, sealed to a public key, in the shape that an import takes.
use super::Api;
use super::activations;
use super::activations::Under;
use super::answer::Answer;
use super::call::Call;
use super::connections::OWN;
use super::credentials;
use super::credentials::Where;
use super::error::ApiError;
use super::grants;
use super::sent;
use super::sent::Members;
use crate::catalog::Auth;
use crate::catalog::Way;
use crate::grant::DPOP_KEY;
use crate::grant::Oauth1Grant;
use crate::model::Credential;
use crate::model::Scope;
use crate::model::Secret;
use crate::seal::AgeRecipient;
use crate::seal::AgeWriter;
use crate::seal::Slot;
use crate::store::Behind;
use crate::store::Found;
use crate::store::GrantState;
use crate::store::StoreError;
use axum::body::Body;
use bytes::Bytes;
use http_body::Frame;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use tokio::sync::OwnedSemaphorePermit;
use zeroize::Zeroizing;

/// Exports that are under way at the same time.
pub(super) const AT_ONCE: usize = 2;

/// Activations that are open in memory at the same time, of one export.
const PAGE: u32 = 200;

/// The fields of a credential that a grant's tokens are: those that it can't do without are the first two.
const TOKENS: [&str; 5] = ["access_token", "refresh_token", "expires_at", "scope", DPOP_KEY];

/// The same of OAuth 1.0a: other methods take fields of these names for something else.
const TOKEN_SECRET: &str = "token_secret";
const OAUTH1_TOKENS: [&str; 2] = ["token", TOKEN_SECRET];

/// The fields by which a token is told where its method is not known.
const OF_ANY: [&str; 3] = ["access_token", "refresh_token", TOKEN_SECRET];

/// What is wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[serde(rename = "ActivationExport")]
pub(super) struct Wanted {
    /// An age recipient, as `age-keygen` prints it: `age1…`.
    recipient: String,
    /// The connection whose activations are wanted. Default: all connections'.
    connection: Option<String>,
}

/// Once the trail has it. Those that files declare are in the files.
pub(super) async fn export(mut call: Call) -> Result<Answer, ApiError> {
    if !call.api.exports_to(&call.operator) {
        return Err(ApiError::Unexported(call.operator.name.clone()));
    }
    let store = call.api.store()?.store.clone();
    let wanted: Wanted = sent::read(&call.take_object()?)?;
    let of_recipient = |it: String| ApiError::invalid("/recipient", it, "");
    let recipient = AgeRecipient::parse(&wanted.recipient);
    let recipient = recipient.map_err(|it| of_recipient(it.to_string()))?;
    let owner = match &wanted.connection {
        None => None,
        Some(key) => match Under::named(&call, key).await {
            Err(ApiError::NotFound { .. }) => {
                let problem = format!("there is no connection `{}`", key.escape_debug());
                return Err(ApiError::invalid("/connection", problem, ""));
            }
            under => Some(under?.owner),
        },
    };
    let turn = Arc::clone(&call.api.exports).try_acquire_owned();
    let turn = turn.map_err(|_| ApiError::Crowded("exports"))?;
    let (writer, head) = AgeWriter::new(&recipient).map_err(|it| of_recipient(it.to_string()))?;
    let key = wanted.connection.as_deref();
    let entered = store.activations().exported(&call.scope(), key, &wanted.recipient).await;
    entered.map_err(|it| ApiError::of_store(it, activations::NOUN, ""))?;
    let export = Export {
        api: Arc::clone(&call.api),
        scope: call.scope(),
        owner,
        last: None,
        writer,
        head: Some(head.into()),
        _turn: turn,
    };
    Ok(Answer::streamed(Body::new(Stream(Some(next(export))))))
}

/// How far it is.
struct Export {
    api: Arc<Api>,
    scope: Scope,
    owner: Option<String>,
    /// Owner and tenant of the last one that is sealed.
    last: Option<(String, String)>,
    writer: AgeWriter,
    head: Option<Bytes>,
    _turn: OwnedSemaphorePermit,
}

/// What comes next, and what there is to go on with; nothing of that where it was the last.
type Next = Pin<Box<dyn Future<Output = (Result<Bytes, Broken>, Option<Export>)> + Send>>;

/// The stream ends before its end: whoever reads it sees that it is not whole.
#[derive(Debug, thiserror::Error)]
#[error("the export broke off")]
struct Broken;

/// A page is read, opened and sealed when the one before is on its way: never more than that is in memory.
struct Stream(Option<Next>);

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        loop {
            let Some(coming) = &mut self.0 else { return Poll::Ready(None) };
            let (bytes, export) = ready!(coming.as_mut().poll(context));
            self.0 = export.map(next);
            match bytes {
                // Less than a chunk has come together.
                Ok(bytes) if bytes.is_empty() => {}
                bytes => return Poll::Ready(Some(bytes.map(Frame::data))),
            }
        }
    }
}

fn next(mut export: Export) -> Next {
    Box::pin(async move {
        if let Some(head) = export.head.take() {
            return (Ok(head), Some(export));
        }
        match export.page().await {
            Ok(Some(sealed)) => (Ok(sealed.into()), Some(export)),
            Ok(None) => (Ok(export.writer.finish().into()), None),
            Err(error) => {
                tracing::error!("an export of activations broke off: {error}");
                (Err(Broken), None)
            }
        }
    })
}

impl Export {
    /// Seals the next page; nothing behind the last.
    async fn page(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(backing) = self.api.backing() else { return Ok(None) };
        let all = backing.store.activations();
        let after = self.last.as_ref().map(|it| (&*it.0, &*it.1));
        let page = all.all(&self.scope, self.owner.as_deref(), after, PAGE).await?;
        let Behind { found, unreadable, last } = page;
        let Some(last) = last else { return Ok(None) };
        self.last = Some(last);
        let mut sealed = Vec::new();
        for error in unreadable {
            // Not left out without a word: an import refuses such a line.
            let line = json!({ "unreadable": error.to_string() });
            sealed.extend(self.writer.push(format!("{line}\n").as_bytes()));
        }
        for one in &found {
            let line = Zeroizing::new(self.line(one).await?);
            sealed.extend(self.writer.push(line.as_bytes()));
        }
        Ok(Some(sealed))
    }

    /// One as an import takes it, with the tokens that it has now in the place of those that it brought.
    async fn line(&self, found: &Found) -> Result<String, StoreError> {
        let row = &found.0.value;
        let mut line = Members::new();
        line.insert("connection".to_owned(), row.connection.clone().into());
        line.insert("tenant".to_owned(), row.tenant.clone().into());
        line.insert("enabled".to_owned(), row.enabled.into());
        let mut variables = activations::variables(row);
        match self.credential(found).await {
            None => {
                let problem = "its credentials can't be opened";
                line.insert("unreadable".to_owned(), problem.into());
            }
            Some(mut credential) => {
                match self.tokens(found).await? {
                    Tokens::Brought => {}
                    Tokens::Had { present, names, kept } => {
                        variables.extend(kept);
                        lay_over(&mut credential, &present, names);
                    }
                    Tokens::Ended(names) => names.iter().for_each(|it| credential.remove(it)),
                    // What it brought may be used up long ago: it does not pass for the present one.
                    Tokens::Unknown(why, names) if has_any(&credential, names) => {
                        line.insert("unreadable".to_owned(), why.into());
                        credential = Credential::default();
                    }
                    Tokens::Unknown(..) => {}
                }
                add(&mut line, &credential);
            }
        }
        if !variables.is_empty() {
            line.insert("variables".to_owned(), json!(variables));
        }
        Ok(format!("{}\n", Value::Object(line)))
    }

    /// What it was given; none where that does not open.
    async fn credential(&self, (stored, sealed): &Found) -> Option<Credential> {
        let Some(sealed) = sealed else { return Some(Credential::default()) };
        let (owner, tenant) = (&*stored.value.owner, &*stored.value.tenant);
        let at = Where { owner, tenant, slot: Slot::Activation, member: OWN };
        credentials::opened(&self.api.backing()?.keys, at, sealed).await
    }

    /// What was had with it: of the grant that it has now.
    async fn tokens(&self, found: &Found) -> Result<Tokens, StoreError> {
        let row = &found.0.value;
        let snapshot = self.api.live.snapshot_full();
        let served = snapshot.connection(&row.connection).filter(|it| *it.owner == *row.owner);
        let (Some(connection), Some(backing)) = (served, self.api.backing()) else {
            let why = "its connection is not served: nobody knows its tokens";
            return Ok(Tokens::Unknown(why, &OF_ANY));
        };
        let Auth::Token(method) = &connection.method.auth else { return Ok(Tokens::Brought) };
        let (all, needed): (&[_], &[_]) = match method.way {
            Way::Oauth1(_) => (&OAUTH1_TOKENS, &OAUTH1_TOKENS),
            Way::Oauth2(_) | Way::Session(_) | Way::Role(_) => (&TOKENS, &TOKENS[..2]),
        };
        let Some(grantee) = Under::grantee_in(&backing.keys, connection, found).await else {
            return Ok(Tokens::Unknown("its grant can't be told", needed));
        };
        let kept = backing.store.grants().get(&self.scope, grantee.key()).await?;
        let Some(kept) = kept.filter(|it| grantee.has(it)) else { return Ok(Tokens::Brought) };
        if matches!(kept.state, GrantState::Revoked | GrantState::ReauthorizationRequired) {
            return Ok(Tokens::Ended(all));
        }
        if kept.tokens.is_none() {
            return Ok(Tokens::Brought);
        }
        let opened = grants::opened(&backing.keys, grantee.key(), kept.tokens.as_ref()).await;
        let Some(tokens) = opened else {
            return Ok(Tokens::Unknown("its tokens can't be opened", needed));
        };
        let present = match method.way {
            Way::Oauth1(_) => Oauth1Grant::signing_fields(&tokens),
            Way::Oauth2(_) | Way::Session(_) | Way::Role(_) => tokens.to_credential(),
        };
        Ok(Tokens::Had { present, names: all, kept: tokens.kept })
    }
}

/// What an activation's tokens are at present.
enum Tokens {
    /// Those that it was given: no others were had with them.
    Brought,
    Had {
        /// Its fields, with others.
        present: Credential,
        names: &'static [&'static str],
        /// Variables that came with it.
        kept: BTreeMap<String, String>,
    },
    /// None: a person has to consent again. Of the fields of one.
    Ended(&'static [&'static str]),
    /// In words, why nobody can tell; and the fields of which one was brought has some.
    Unknown(&'static str, &'static [&'static str]),
}

fn has_any(credential: &Credential, names: &[&str]) -> bool {
    names.iter().any(|it| !credential.values(it).is_empty())
}

/// Those fields alone that a credential may begin with.
fn lay_over(credential: &mut Credential, present: &Credential, names: &[&str]) {
    for name in names {
        // An end that was brought is not that of the present token.
        let values = present.values(name).to_vec();
        if !values.is_empty() {
            credential.insert(*name, values);
        } else if *name == "expires_at" {
            credential.remove(name);
        }
    }
}

/// As an import takes it: tokens beside the other fields.
fn add(line: &mut Members, credential: &Credential) {
    let mut fields = Members::new();
    for name in credential.fields() {
        // A token may have an empty secret; a field that is sent has a value.
        if name == TOKEN_SECRET && credential.field(name).is_some_and(Secret::is_empty) {
            continue;
        }
        let value = match credential.values(name) {
            [one] => json!(one.expose()),
            several => json!(several.iter().map(Secret::expose).collect::<Vec<_>>()),
        };
        match name {
            "access_token" | "refresh_token" | "expires_at" => line.insert(name.to_owned(), value),
            "scope" => line.insert("scopes".to_owned(), value),
            name => fields.insert(name.to_owned(), value),
        };
    }
    if !fields.is_empty() {
        line.insert(OWN.to_owned(), Value::Object(fields));
    }
}
