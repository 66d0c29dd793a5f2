//! `/v1/tokens`: what operators prove themselves with.
use super::call::Call;
use super::definition::Definition;
use super::definition::Put;
use super::error::ApiError;
use super::issued::Issue;
use super::issued::expiry;
use super::issued::take_expiry;
use super::operator::ADMIN;
use super::operator::PAGES;
use super::role::Role;
use super::sent;
use super::sent::Members;
use super::shape;
use super::shape::Shape;
use super::time;
use crate::catalog::Section;
use crate::store::Expect;
use crate::store::Listed;
use crate::store::Search;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Stored;
use crate::store::TokenRow;
use crate::store::Uses;
use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde::Deserialize;
use serde_json::json;

pub(super) struct Tokens;

/// A token to be made.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawToken {
    /// What its operator may do.
    role: Role,
}

impl Definition for Tokens {
    type Row = TokenRow;

    const NOUN: &'static str = "token";
    const PARAMETER: &'static str = "token";
    const PATH: &'static str = "/v1/tokens";
    const SECTION: Option<Section> = None;
    const READ_ONLY: &'static [&'static str] = &["prefix", "token"];

    async fn find(
        store: &Store,
        call: &Call,
        key: &str,
    ) -> Result<Option<Stored<TokenRow>>, StoreError> {
        store.tokens().get(&call.scope(), key).await
    }

    async fn list(
        store: &Store,
        call: &Call,
        search: &Search,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listed<Stored<TokenRow>>, StoreError> {
        store.tokens().found(&call.scope(), search, after, limit).await
    }

    async fn view(
        _call: &Call,
        stored: &Stored<TokenRow>,
        _alone: bool,
    ) -> Result<Members, ApiError> {
        Ok(shown_row(&stored.value))
    }

    async fn put(
        call: &Call,
        key: &str,
        mut members: Members,
        expect: Expect,
    ) -> Result<Put, ApiError> {
        let taken = match key {
            ADMIN => Some("is what the configured admin token goes by"),
            PAGES => Some("is what the pages go by that people connect on"),
            _ => None,
        };
        if let Some(problem) = taken {
            return Err(ApiError::invalid("/key", problem, "choose another name"));
        }
        let expires_at_ms = take_expiry(call, &mut members)?;
        let raw: RawToken = sent::read(&members)?;
        let issued = Issue::OperatorToken.new_key();
        let row = TokenRow {
            role: raw.role.as_str().to_owned(),
            hash: issued.sha256,
            prefix: issued.prefix,
            expires_at_ms,
        };
        let store = &call.api.store()?.store;
        let written = store.tokens().put(&call.scope(), key, &row, expect).await;
        let written = written.map_err(|it| ApiError::of_write(it, Self::NOUN, key, expect))?;
        let mut once = Members::new();
        once.insert("token".to_owned(), issued.text.expose().into());
        Ok(Put { written, once, view: Some(shown_row(&row)) })
    }

    async fn uses(
        _store: &Store,
        _call: &Call,
        _stored: &Stored<TokenRow>,
    ) -> Result<Uses, StoreError> {
        Ok(Uses::default())
    }

    async fn delete(
        store: &Store,
        call: &Call,
        key: &str,
        _force: bool,
        expect: Expect,
    ) -> Result<i64, StoreError> {
        store.tokens().delete(&call.scope(), key, expect).await
    }
}

fn shown_row(row: &TokenRow) -> Members {
    let mut view = Members::new();
    view.insert("role".to_owned(), row.role.clone().into());
    view.insert("prefix".to_owned(), row.prefix.clone().into());
    view.insert("expires_at".to_owned(), row.expires_at_ms.map(time::shown).into());
    view
}

fn shown(generator: &mut SchemaGenerator) -> Shape<'_> {
    Shape::of::<RawToken>(generator)
        .with_key(shape::key())
        .with_always(
            "prefix",
            json!({
                "type": "string", "readOnly": true, "description": "The token's first characters.",
            }),
        )
        .with_always(
            "expires_at",
            json!({
                "type": ["string", "null"],
                "description": "From then on it is unknown; null where it does not expire.",
            }),
        )
        .shown()
}

pub(super) fn view(generator: &mut SchemaGenerator) -> Schema {
    shown(generator).named("Token", "An operator's token.")
}

/// With the token, which is told once.
pub(super) fn issued(generator: &mut SchemaGenerator) -> Schema {
    shown(generator)
        .with_always(
            "token",
            json!({
                "type": "string",
                "description": "The token. It is told in this one answer: keep it.",
            }),
        )
        .named("IssuedToken", "A token that was made.")
}

pub(super) fn new(generator: &mut SchemaGenerator) -> Schema {
    Shape::of::<RawToken>(generator)
        .with("expires_at", expiry())
        .with_key(shape::key())
        .named("NewToken", "A token to be made.")
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = view(generator);
    shape::page(generator, "TokenPage", item)
}
