//! `/v1/connections`: a name, an auth method pinned at a revision, a base URL and credentials.
use super::affected;
use super::answer::Answer;
use super::auth_methods;
use super::call::Call;
use super::certificates;
use super::connection_lists;
use super::connection_status;
use super::connection_status::Of;
use super::connection_status::Status;
use super::connection_uses;
use super::credential_fields;
use super::credentials;
use super::credentials::Change;
use super::credentials::Where;
use super::definition;
use super::definition::Definition;
use super::definition::Put;
use super::error::ApiError;
use super::farewells::Farewell;
use super::grants;
use super::grants::GrantView;
use super::learned_secrets;
use super::origin;
use super::sent;
use super::sent::Fields;
use super::sent::Members;
use super::shape;
use super::shape::Shape;
use super::uses;
use crate::catalog::AuthMethod;
use crate::catalog::Connection;
use crate::catalog::Kind;
use crate::catalog::Opened;
use crate::catalog::PathSegment;
use crate::catalog::RawAuthMethod;
use crate::catalog::RawConnection;
use crate::catalog::Section;
use crate::catalog::Snapshot;
use crate::catalog::StoredConnection;
use crate::catalog::owner_in_file;
use crate::model::Key;
use crate::seal::Slot;
use crate::store;
use crate::store::ConnectionRow;
use crate::store::EnvironmentRow;
use crate::store::Expect;
use crate::store::Listed;
use crate::store::MethodRevision;
use crate::store::Only;
use crate::store::SealedCredential;
use crate::store::Search;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Stored;
use crate::store::Uses;
use schemars::Schema;
use schemars::SchemaGenerator;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;

pub(super) struct Connections;

pub(super) const OWN: &str = "credentials";
pub(super) const TEST: &str = "test_credentials";

/// What the store keeps in columns of their own.
const COLUMNS: [&str; 4] = ["connector", "auth", "embedded", "enabled"];

impl Definition for Connections {
    type Row = ConnectionRow;

    const NOUN: &'static str = "connection";
    const PARAMETER: &'static str = "connection";
    const PATH: &'static str = "/v1/connections";
    const SECTION: Option<Section> = Some(Section::Connections);
    const READ_ONLY: &'static [&'static str] = &[
        "id",
        "revision",
        "latest_revision",
        "auth_method",
        "effective_base_url",
        "status",
        learned_secrets::WAITS,
        "uses",
        grants::MEMBER,
        grants::TEST_MEMBER,
    ];
    /// Status and uses change without it.
    const BY_VERSION: bool = false;

    async fn find(
        store: &Store,
        call: &Call,
        key: &str,
    ) -> Result<Option<Stored<ConnectionRow>>, StoreError> {
        store.connections().get(&call.scope(), key).await
    }

    async fn list(
        store: &Store,
        call: &Call,
        search: &Search,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Listed<Stored<ConnectionRow>>, StoreError> {
        store.connections().found(&call.scope(), search, after, limit).await
    }

    async fn view(
        call: &Call,
        stored: &Stored<ConnectionRow>,
        alone: bool,
    ) -> Result<Members, ApiError> {
        let row = &stored.value;
        let [own, test] = places(&row.id);
        let sealed =
            [credentials::current(call, own).await?, credentials::current(call, test).await?];
        let of = Of { key: &stored.key, owner: &row.id, enabled: row.enabled };
        let status = status(call, of).await?;
        let mut view = with_sealed(call, stored, &sealed, status).await?;
        connection_lists::add_own_grants(call, (&stored.key, &row.id), &mut view).await?;
        if alone {
            let uses = connection_uses::all_uses(call, &stored.key, &row.id).await?;
            view.insert("uses".to_owned(), json!(uses::Counts::from(&uses)));
            let latest = auth_methods::latest(call, &row.connector, &row.method).await?;
            if let Some(latest) = latest {
                view.insert("latest_revision".to_owned(), latest.revision.into());
            }
        }
        Ok(view)
    }

    async fn views(
        call: &Call,
        rows: &[Stored<ConnectionRow>],
    ) -> Result<Vec<Result<Members, ApiError>>, ApiError> {
        connection_lists::views(call, rows).await
    }

    fn only(call: &Call) -> Result<Vec<Only>, ApiError> {
        connection_lists::only(call)
    }

    fn is_sifted(call: &Call) -> Result<bool, ApiError> {
        connection_lists::state(call).map(|it| it.is_some())
    }

    async fn sifted(
        call: &Call,
        rows: Vec<Stored<ConnectionRow>>,
    ) -> Result<Vec<Stored<ConnectionRow>>, ApiError> {
        connection_lists::sifted(call, rows).await
    }

    async fn all_declared(
        call: &Call,
        views: Vec<(String, Members)>,
    ) -> Result<Vec<(String, Members)>, ApiError> {
        connection_lists::all_declared(call, views).await
    }

    /// One in a file has the auth method of its file: its revision is the latest.
    async fn declared(
        call: &Call,
        key: &str,
        view: &mut Members,
        alone: bool,
    ) -> Result<(), ApiError> {
        let snapshot = call.api.live.snapshot_full();
        let Some(connection) = snapshot.connection(key) else { return Ok(()) };
        let owner = owner_in_file(key);
        show_declared(call, key, view);
        let of = Of { key, owner: &owner, enabled: connection.enabled };
        show_served(call, key, status(call, of).await?, view);
        connection_lists::add_own_grants(call, (key, &owner), view).await?;
        if alone {
            let uses = connection_uses::all_uses(call, key, &owner).await?;
            view.insert("uses".to_owned(), json!(uses::Counts::from(&uses)));
            let method = &connection.method;
            let recorded = auth_methods::recorded(call, connection.connector.as_str(), method);
            if let Some(revision) = recorded.await? {
                view.insert("revision".to_owned(), revision.into());
                view.insert("latest_revision".to_owned(), revision.into());
            }
        }
        Ok(())
    }

    async fn put(
        call: &Call,
        key: &str,
        mut members: Members,
        expect: Expect,
    ) -> Result<Put, ApiError> {
        let sent = Sent {
            own: sent::take_credential(&mut members, OWN)?,
            test: sent::take_credential(&mut members, TEST)?,
        };
        let raw: RawConnection = sent::read(&members)?;
        let current = match expect {
            Expect::Absent => None,
            _ => {
                let found = Self::find(&call.api.store()?.store, call, key).await;
                found.map_err(|it| ApiError::of_write(it, Self::NOUN, key, expect))?
            }
        };
        if let Some(current) = &current
            && current.value.embedded != raw.embedded
        {
            return Err(unconfirmed(key, raw.embedded));
        }
        let pinned = match &current {
            Some(it) if it.value.connector == raw.connector && it.value.method == raw.auth => {
                revision(call, &it.value).await?
            }
            _ => latest(call, &raw).await?,
        };
        let expect = match (&current, expect) {
            (Some(it), Expect::Anything | Expect::Present) => Expect::Version(it.version),
            (None, Expect::Anything) => Expect::Absent,
            (_, expect) => expect,
        };
        let farewell = Farewell::of_removed(call, &sent).await?;
        let plan = Plan { key, raw, pinned: &pinned, current: current.as_ref(), sent };
        let written = plan.write(call, expect).await?;
        farewell.say(&call.api);
        Ok(Put::from(written))
    }

    async fn uses(
        store: &Store,
        call: &Call,
        stored: &Stored<ConnectionRow>,
    ) -> Result<Uses, StoreError> {
        store.connections().uses(&call.scope(), &stored.key, &stored.value.id).await
    }

    async fn delete(
        store: &Store,
        call: &Call,
        key: &str,
        force: bool,
        expect: Expect,
    ) -> Result<i64, StoreError> {
        store.connections().delete(&call.scope(), key, force, expect).await
    }
}

/// `DELETE` of one: what was had under it is ended at the provider too.
pub(super) async fn delete(call: Call) -> Result<Answer, ApiError> {
    let api = Arc::clone(&call.api);
    let is_rehearsed = call.flag("dry_run")?;
    let farewell = match is_rehearsed {
        true => Farewell::default(),
        false => Farewell::of_connection(&call, &Connections::key(&call)?).await,
    };
    let answer = definition::delete::<Connections>(call).await?;
    farewell.say(&api);
    Ok(answer)
}

/// What was sent of a connection's credentials.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub own: Option<Fields>,
    pub test: Option<Fields>,
}

/// A connection that is to be: checked whole, then written.
pub(super) struct Plan<'a> {
    pub key: &'a str,
    /// Less its credentials.
    pub raw: RawConnection,
    pub pinned: &'a MethodRevision,
    pub current: Option<&'a Stored<ConnectionRow>>,
    pub sent: Sent,
}

impl Plan<'_> {
    /// What becomes of its credentials, where it is sound.
    pub(super) async fn check(
        &mut self,
        call: &Call,
    ) -> Result<(Connection, Change, Change), ApiError> {
        self.check_beside(call, &call.api.live.snapshot_full()).await
    }

    /// The same, beside other definitions than those that are served.
    pub(super) async fn check_beside(
        &mut self,
        call: &Call,
        snapshot: &Snapshot,
    ) -> Result<(Connection, Change, Change), ApiError> {
        let owner = self.current.map_or("", |it| it.value.id.as_str());
        let [own_place, test_place] = places(owner);
        let (mut own_now, mut test_now) = (None, None);
        let sent = std::mem::take(&mut self.sent);
        if self.current.is_some() {
            own_now = credentials::replaceable(call, own_place, sent.own.as_ref()).await?;
            test_now = credentials::replaceable(call, test_place, sent.test.as_ref()).await?;
        }
        let set = [&sent.own, &sent.test].map(|it| credentials::set_now(it.as_ref()));
        let key = call.own_key(self.key)?;
        let method = Key::try_from(&*self.raw.auth)
            .map_err(|it| ApiError::invalid("/auth", it.to_string(), ""))?;
        let method = method_of(method, self.pinned)?;
        let (own, own_change) =
            credentials::merged(call, (own_place, &method), sent.own, own_now.as_ref()).await?;
        let (test, test_change) =
            credentials::merged(call, (test_place, &method), sent.test, test_now.as_ref()).await?;
        credentials::check_set(&method, &own, &set[0], own_place.member)?;
        credentials::check_set(&method, &test, &set[1], test_place.member)?;
        let revision = u32::try_from(self.pinned.revision).unwrap_or(u32::MAX);
        let raw = self.raw.clone();
        let stored = StoredConnection { owner: owner.into(), revision, raw, version: None };
        let opened = Opened { credential: own, test: Some(test).filter(|it| !it.is_empty()) };
        let mut warnings = Vec::new();
        let draft = snapshot.draft_connection(&key, &stored, &method, opened, &mut warnings);
        let draft = draft.map_err(|it| ApiError::problems(&it))?;
        let (own_holder, test_holder) = match &draft.kind {
            Kind::Standard(holder) => (Some(holder), None),
            Kind::Embedded { test, .. } => (None, test.as_deref()),
        };
        certificates::refuse_ended(call, own_holder, &set[0], own_place.member)?;
        certificates::refuse_ended(call, test_holder, &set[1], test_place.member)?;
        // In a file it is a warning; whoever asks right now can be told right now.
        // Of `connections`, its key, and this member.
        warnings.retain(|it| match &it.path[..] {
            [_, _, PathSegment::Key(member)] => matches!(&**member, "base_url" | "auth"),
            _ => false,
        });
        if !warnings.is_empty() {
            return Err(ApiError::problems(&warnings));
        }
        Ok((draft, own_change, test_change))
    }

    /// Refuses what environments and tenants that work now would not work with, unless forced.
    pub(super) async fn refuse_to_break(
        &self,
        call: &Call,
        draft: Connection,
    ) -> Result<(), ApiError> {
        let snapshot = call.api.live.snapshot_full();
        let (Some(stored), Some(served)) = (self.current, snapshot.connection(self.key)) else {
            return Ok(());
        };
        if call.flag("force")? {
            return Ok(());
        }
        let owner = &stored.value.id;
        let mut broken = affected::activations(call, owner, served, &draft).await?;
        if served.connector != draft.connector {
            let next = snapshot.with_connection(draft);
            let assigns = |it: &EnvironmentRow| it.assign().values().any(|it| it == self.key);
            broken.extend(affected::environments(call, &next, assigns).await?);
        }
        if broken.is_empty() {
            return Ok(());
        }
        Err(ApiError::in_use(Connections::NOUN, self.key, broken))
    }

    pub(super) async fn write(
        mut self,
        call: &Call,
        expect: Expect,
    ) -> Result<store::Written, ApiError> {
        let (draft, own, test) = self.check(call).await?;
        let owner = self.current.map_or("", |it| it.value.id.as_str());
        let brought = [(&own, Slot::Own), (&test, Slot::Test)].into_iter();
        let brought = brought.filter(|it| it.0.is_whole()).map(|it| (String::new(), it.1));
        let confirmed = origin::confirmed(call)?;
        let bind = origin::bind((owner, self.key), draft.reach(), confirmed, brought.collect());
        self.refuse_to_break(call, draft).await?;
        let row = row(&self.raw, self.pinned.revision);
        let connector = std::iter::once(self.raw.connector.as_str());
        let needs = call.stored_needs(Section::Connectors, store::Kind::Connector, connector);
        let (seal_own, seal_test) = (credentials::sealing(&own), credentials::sealing(&test));
        let written = call
            .writer()?
            .connections()
            .put(
                &call.scope(),
                self.key,
                &row,
                credentials::secrets(&own, &seal_own),
                credentials::secrets(&test, &seal_test),
                expect.needing(needs).binding(vec![bind]),
            )
            .await;
        written.map_err(|it| ApiError::of_write(it, Connections::NOUN, self.key, expect))
    }
}

/// What a connection's credentials and activations are bound to, be it stored or in a file.
pub(super) async fn owner(call: &Call, key: &str) -> Result<String, ApiError> {
    if definition::is_declared::<Connections>(call, key) {
        return Ok(owner_in_file(key));
    }
    Ok(definition::found::<Connections>(call, key).await?.value.id)
}

/// Where a connection's own credentials are, and those for trying it out.
pub(super) fn places(owner: &str) -> [Where<'_>; 2] {
    [
        Where { owner, tenant: "", slot: Slot::Own, member: OWN },
        Where { owner, tenant: "", slot: Slot::Test, member: TEST },
    ]
}

/// A row as it was sent, less its credentials.
pub(super) fn members(row: &ConnectionRow) -> Members {
    let mut members = sent::stored(&row.definition);
    members.insert("connector".to_owned(), row.connector.clone().into());
    members.insert("auth".to_owned(), row.method.clone().into());
    members.insert("embedded".to_owned(), row.embedded.into());
    if !row.embedded {
        // They mean nothing there, and rows were once written with them.
        sent::without(&mut members, &["supplied_by", "inputs"]);
    }
    members.insert("enabled".to_owned(), row.enabled.into());
    members
}

pub(super) fn raw_of(stored: &Stored<ConnectionRow>) -> Result<RawConnection, ApiError> {
    sent::read(&members(&stored.value))
}

/// What was asked for, else what was read: nobody writes between.
pub(super) fn expected(call: &Call, version: i64) -> Result<Expect, ApiError> {
    Ok(match call.precondition()?.expect() {
        Expect::Version(version) => Expect::Version(version),
        Expect::Anything | Expect::Present | Expect::Absent => Expect::Version(version),
    })
}

/// As it is stored; `revision`: the one that it pins.
pub(super) fn row(raw: &RawConnection, revision: i64) -> ConnectionRow {
    let mut definition = sent::written(raw);
    sent::without(&mut definition, &COLUMNS);
    ConnectionRow {
        id: String::new(),
        connector: raw.connector.clone(),
        method: raw.auth.clone(),
        revision,
        embedded: raw.embedded,
        enabled: raw.enabled,
        definition: Value::Object(definition).to_string(),
    }
}

/// The pinned revision of a stored connection.
pub(super) async fn revision(call: &Call, row: &ConnectionRow) -> Result<MethodRevision, ApiError> {
    let store = &call.api.store()?.store;
    let ConnectionRow { connector, method, revision, .. } = row;
    let found = store.auth_methods().revision(&call.scope(), connector, method, *revision).await;
    let found = found.map_err(|it| ApiError::of_store(it, "auth method", method))?;
    found.ok_or_else(|| {
        let problem = format!("`{method}@{revision}` of `{connector}` is not there any more");
        ApiError::invalid("/auth", problem, "re-pin it")
    })
}

/// The revision that a new connection pins.
pub(super) async fn latest(call: &Call, raw: &RawConnection) -> Result<MethodRevision, ApiError> {
    let snapshot = call.api.live.snapshot_full();
    if let Some(latest) = auth_methods::pinnable(call, &raw.connector, &raw.auth).await? {
        return Ok(latest);
    }
    let Some(connector) = snapshot.connector(&raw.connector) else {
        let problem = format!("there is no connector `{}`", raw.connector);
        return Err(ApiError::invalid("/connector", problem, "create it first"));
    };
    let known: Vec<&str> = connector.methods.keys().map(Key::as_str).collect();
    let problem = format!("the connector `{}` has no auth method `{}`", raw.connector, raw.auth);
    let hint = match known[..] {
        [] => "give it one first".to_owned(),
        _ => format!("it has {}", known.join(", ")),
    };
    Err(ApiError::invalid("/auth", problem, hint))
}

/// A revision as it is used.
pub(super) fn method_of(key: Key, recorded: &MethodRevision) -> Result<Arc<AuthMethod>, ApiError> {
    let raw: RawAuthMethod = sent::read(&sent::stored(&recorded.definition))?;
    let revision = u32::try_from(recorded.revision).unwrap_or(u32::MAX);
    let method = AuthMethod::recorded(key, revision, raw);
    method.map(Arc::new).map_err(|it| ApiError::problems(&it))
}

pub(super) fn unconfirmed(key: &str, to_embedded: bool) -> ApiError {
    let to = if to_embedded { "embedded" } else { "standard" };
    ApiError::Unconfirmed(format!(
        "This makes the connection {to}, and what it holds now would be lost: \
         `POST {}/{key}/switch?dry_run=true` says what.",
        Connections::PATH
    ))
}

/// The settings of the revision that a stored connection pins; none where it is not there any more.
async fn settings(
    call: &Call,
    key: &str,
    row: &ConnectionRow,
) -> Result<Option<Members>, ApiError> {
    let snapshot = call.api.live.snapshot_full();
    let served = snapshot.connection(key).filter(|it| {
        let method = &it.method;
        it.connector.as_str() == row.connector
            && method.key.as_str() == row.method
            && i64::from(method.revision) == row.revision
    });
    if let Some(served) = served {
        return Ok(Some(served_settings(served)));
    }
    match revision(call, row).await {
        Ok(pinned) => {
            let text = &pinned.definition;
            let mut settings = sent::stored(text);
            settings.extend(credential_fields::of_text(call, &row.connector, &row.method, text));
            Ok(Some(settings))
        }
        Err(ApiError::Invalid(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// With what there is to fill in of its credentials.
fn served_settings(connection: &Connection) -> Members {
    let mut settings = sent::stored(&connection.method.definition);
    settings.extend(credential_fields::of_connection(connection));
    settings
}

/// A row as it is shown, with what is sealed of its own and for trying it out, less its grants.
pub(super) async fn with_sealed(
    call: &Call,
    stored: &Stored<ConnectionRow>,
    sealed: &[Option<SealedCredential>; 2],
    status: Status,
) -> Result<Members, ApiError> {
    let row = &stored.value;
    let mut view = members(row);
    view.insert("id".to_owned(), row.id.clone().into());
    view.insert("revision".to_owned(), row.revision.into());
    if let Some(settings) = settings(call, &stored.key, row).await? {
        view.insert("auth_method".to_owned(), Value::Object(settings));
    }
    show_served(call, &stored.key, status, &mut view);
    let [own, test] = sealed.each_ref().map(Option::as_ref);
    if let Some(shown) = credentials::shown(own) {
        view.insert(OWN.to_owned(), shown);
    }
    if !row.embedded {
        let snapshot = call.api.live.snapshot_full();
        let waits = snapshot
            .connection(&stored.key)
            .and_then(|it| learned_secrets::waits_until(&it.method, own, stored.updated_at_ms));
        view.extend(waits.map(|it| (learned_secrets::WAITS.to_owned(), it)));
    }
    if let Some(shown) = credentials::shown(test) {
        view.insert(TEST.to_owned(), shown);
    }
    Ok(view)
}

/// Adds the auth method of one that a file declares.
pub(super) fn show_declared(call: &Call, key: &str, view: &mut Members) {
    let snapshot = call.api.live.snapshot_full();
    if let Some(connection) = snapshot.connection(key) {
        let settings = served_settings(connection);
        view.insert("auth_method".to_owned(), Value::Object(settings));
    }
}

/// Adds how a connection is served: its status, and where its requests go.
pub(super) fn show_served(call: &Call, key: &str, status: Status, view: &mut Members) {
    let snapshot = call.api.live.snapshot_full();
    if let Some(connection) = snapshot.connection(key) {
        let base_url = snapshot.as_written(connection, &connection.effective_base_url());
        view.insert("effective_base_url".to_owned(), base_url.into());
    }
    view.insert("status".to_owned(), json!(status));
}

async fn status(call: &Call, of: Of<'_>) -> Result<Status, ApiError> {
    let known = connection_status::of_all(call, &[of]).await?;
    known.first().copied().ok_or(ApiError::Internal)
}

pub(super) fn view(generator: &mut SchemaGenerator) -> Schema {
    let credentials = shape::shown_credentials(generator);
    let status = generator.subschema_for::<Status>();
    let uses = generator.subschema_for::<uses::Counts>();
    let grant = json!(generator.subschema_for::<GrantView>());
    let mut method = json!(auth_methods::settings(generator));
    method["readOnly"] = true.into();
    Shape::of::<RawConnection>(generator)
        .with(OWN, credentials.clone())
        .with(TEST, credentials)
        .with_key(shape::key())
        .with(
            "id",
            json!({
                "type": "string", "readOnly": true,
                "description": "Another connection of the same key has another.",
            }),
        )
        .with(
            "revision",
            json!({
                "type": "integer", "readOnly": true,
                "description": "Of the auth method: the one that it pins. One in a file follows its file, and has a revision once a store has taken note of it.",
            }),
        )
        .with(
            "latest_revision",
            json!({
                "type": "integer", "readOnly": true,
                "description": "Of the auth method: the one that it could be pinned to again.",
            }),
        )
        .with("auth_method", method)
        .with(
            "effective_base_url",
            json!({
                "type": "string", "readOnly": true,
                "description": "Where its requests go: `base_url`, or the connector's where it has none of its own, with its variables filled in. One that has no value here stands in its braces. None where it is not sound.",
            }),
        )
        .with("status", json!(status))
        .with(learned_secrets::WAITS, learned_secrets::waits_schema())
        .with(grants::MEMBER, grant.clone())
        .with(grants::TEST_MEMBER, grant)
        .with("uses", json!(uses))
        .shown()
        .named("Connection", "A connection.")
}

fn sent_shape(generator: &mut SchemaGenerator) -> Shape<'_> {
    Shape::of::<RawConnection>(generator)
        .with(OWN, shape::sent_credentials())
        .with(TEST, shape::sent_credentials())
}

pub(super) fn new(generator: &mut SchemaGenerator) -> Schema {
    sent_shape(generator)
        .with_key(shape::key())
        .named("NewConnection", "A connection to be created.")
}

pub(super) fn body(generator: &mut SchemaGenerator) -> Schema {
    sent_shape(generator).named("ConnectionBody", "A connection, less its key.")
}

pub(super) fn patch(generator: &mut SchemaGenerator) -> Schema {
    sent_shape(generator)
        .partial()
        .named("ConnectionPatch", "What is to be changed of a connection (RFC 7396).")
}

pub(super) fn page(generator: &mut SchemaGenerator) -> Schema {
    let item = view(generator);
    shape::page(generator, "ConnectionPage", item)
}
