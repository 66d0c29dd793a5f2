//! What all resources have in common: listed, read, created, replaced, patched, deleted.
//!
//! Each kind says in a file of its own what makes it different.
use super::answer::Answer;
use super::call::Call;
use super::call::escaped;
use super::cursor;
use super::error::ApiError;
use super::error::Winner;
use super::etag;
use super::etag::Precondition;
use super::patch;
use super::search;
use super::sent;
use super::sent::Members;
use super::time;
use super::unreadable;
use super::unreadable::Unreadable;
use super::uses;
use super::uses::Preview;
use crate::catalog::Declared;
use crate::catalog::Section;
use crate::catalog::drop_nulls;
use crate::store::Expect;
use crate::store::Listed;
use crate::store::Only;
use crate::store::Search;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Stored;
use crate::store::UNWRITTEN;
use crate::store::Uses;
use crate::store::Written;
use http::StatusCode;
use serde_json::Value;
use serde_json::json;
use std::future::Future;

/// Members that answers add to every resource.
const SHOWN: &[&str] = &["version", "created_at", "updated_at", "source"];

/// A kind of resource.
pub(super) trait Definition: 'static {
    type Row: Send + Sync;

    /// One of them.
    const NOUN: &'static str;
    /// Its parameter in paths.
    const PARAMETER: &'static str;
    /// Where lists of it are.
    const PATH: &'static str;
    /// Where files declare it.
    const SECTION: Option<Section>;
    /// Members that answers add, besides those of every resource.
    const READ_ONLY: &'static [&'static str];
    /// Whether its answers change with its version alone: then a reader may be told that it has it.
    const BY_VERSION: bool = true;

    /// The key in the path, checked.
    fn key(call: &Call) -> Result<String, ApiError> {
        call.key(Self::PARAMETER).map(|it| it.to_string())
    }

    /// A key in a body, checked.
    fn check_key(key: &str) -> Result<(), ApiError> {
        let problem = |it: crate::model::KeyError| ApiError::invalid("/key", it.to_string(), "");
        crate::model::Key::try_from(key).map(drop).map_err(problem)
    }

    fn find(
        store: &Store,
        call: &Call,
        key: &str,
    ) -> impl Future<Output = Result<Option<Stored<Self::Row>>, StoreError>> + Send;

    /// Of one lot of rows, where something is searched for.
    fn list(
        store: &Store,
        call: &Call,
        search: &Search,
        after: Option<&str>,
        limit: u32,
    ) -> impl Future<Output = Result<Listed<Stored<Self::Row>>, StoreError>> + Send;

    /// As it is taken, with what answers add. `alone`: with what takes a look-up of its own.
    fn view(
        call: &Call,
        stored: &Stored<Self::Row>,
        alone: bool,
    ) -> impl Future<Output = Result<Members, ApiError>> + Send;

    /// The views of a page, in the order of its rows: with as few look-ups as can be.
    fn views(
        call: &Call,
        rows: &[Stored<Self::Row>],
    ) -> impl Future<Output = Result<Vec<Result<Members, ApiError>>, ApiError>> + Send {
        async move {
            let mut views = Vec::with_capacity(rows.len());
            for stored in rows {
                views.push(Self::view(call, stored, false).await);
            }
            Ok(views)
        }
    }

    /// Those that were written, in the order of their keys: all that a bundle can take away.
    fn written(
        store: &Store,
        call: &Call,
        after: Option<&str>,
        limit: u32,
    ) -> impl Future<Output = Result<Listed<Stored<Self::Row>>, StoreError>> + Send {
        async move { Self::list(store, call, &Search::default(), after, limit).await }
    }

    /// One that is there though nothing was written of it, by what files declare. Its version is 0.
    fn unwritten(_call: &Call, _key: &str) -> Option<Stored<Self::Row>> {
        None
    }

    /// The same of a list, behind `after`; the rows that are stored under their keys go before them.
    fn all_unwritten(
        _call: &Call,
        _search: &Search,
        _after: Option<&str>,
    ) -> Vec<Stored<Self::Row>> {
        Vec::new()
    }

    /// What a list is narrowed down to by the query, beside words.
    fn only(_call: &Call) -> Result<Vec<Only>, ApiError> {
        Ok(Vec::new())
    }

    /// Whether the query asks for what the store alone can't tell.
    fn is_sifted(_call: &Call) -> Result<bool, ApiError> {
        Ok(false)
    }

    /// Those of these rows that it asks for.
    fn sifted(
        _call: &Call,
        rows: Vec<Stored<Self::Row>>,
    ) -> impl Future<Output = Result<Vec<Stored<Self::Row>>, ApiError>> + Send {
        std::future::ready(Ok(rows))
    }

    /// What answers add to those of a list that files declare, and what of them is asked for.
    fn all_declared(
        call: &Call,
        views: Vec<(String, Members)>,
    ) -> impl Future<Output = Result<Vec<(String, Members)>, ApiError>> + Send {
        async move {
            let mut views = views;
            for (key, view) in &mut views {
                Self::declared(call, key, view, false).await?;
            }
            Ok(views)
        }
    }

    /// What answers add to one that a file declares. `alone`: with what takes a look-up of its own.
    fn declared(
        _call: &Call,
        _key: &str,
        _view: &mut Members,
        _alone: bool,
    ) -> impl Future<Output = Result<(), ApiError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Checks and writes. `members` are its own, without its key and without nulls.
    fn put(
        call: &Call,
        key: &str,
        members: Members,
        expect: Expect,
    ) -> impl Future<Output = Result<Put, ApiError>> + Send;

    fn uses(
        store: &Store,
        call: &Call,
        stored: &Stored<Self::Row>,
    ) -> impl Future<Output = Result<Uses, StoreError>> + Send;

    fn delete(
        store: &Store,
        call: &Call,
        key: &str,
        force: bool,
        expect: Expect,
    ) -> impl Future<Output = Result<i64, StoreError>> + Send;
}

/// What a write did.
pub(super) struct Put {
    pub written: Written,
    /// What is told in this one answer alone: a key that was made.
    pub once: Members,
    /// As it was written, so that what is told once needs no second look at the store; none where it is
    /// looked up.
    pub view: Option<Members>,
}

impl From<Written> for Put {
    fn from(written: Written) -> Self {
        Self { written, once: Members::new(), view: None }
    }
}

/// `GET` of a collection: what files declare and what is stored, in the order of keys.
pub(super) async fn list<D: Definition>(call: Call) -> Result<Answer, ApiError> {
    let page = call.page()?;
    let after = page.after.as_deref();
    let limit = page.limit as usize;
    let search = search::of::<D>(&call)?;
    let mut items: Vec<(String, Members)> = Vec::new();
    if let Some(section) = D::SECTION {
        let snapshot = call.api.live.snapshot_full();
        let all = snapshot.declared().all(section);
        let mut declared: Vec<_> = all
            .filter(|it| after.is_none_or(|after| it.0.as_str() > after))
            .filter(|it| {
                search.words.is_empty() || search::is_in(&search, it.0.as_str(), &it.1.definition())
            })
            .collect();
        declared.sort_unstable_by_key(|it| it.0);
        // One more than there is room for says that there is more; what is not asked for is left out behind it.
        let room =
            if search.only.is_empty() && !D::is_sifted(&call)? { limit + 1 } else { usize::MAX };
        let views = declared.into_iter().take(room);
        let views = views.map(|it| (it.0.to_string(), as_declared(it.0.as_str(), it.1))).collect();
        items = D::all_declared(&call, views).await?;
        items.truncate(limit + 1);
    }
    let (mut unreadable, mut last) = (Vec::new(), None);
    let mut unwritten = D::all_unwritten(&call, &search, after);
    if let Some(backing) = call.api.backing() {
        let mut listed =
            search::stored::<D>((&backing.store, &call), &search, after, page.limit).await?;
        unreadable.extend(listed.unreadable.iter().map(Unreadable::from));
        // Under a key that a file declares as well, the file's is what there is.
        listed.rows.retain(|it| !is_declared::<D>(&call, &it.key));
        unwritten.retain(|it| listed.rows.iter().all(|stored| stored.key != it.key));
        items.extend(all_shown::<D>(&call, &listed.rows, &mut unreadable).await?);
        last = listed.next;
    }
    items.extend(all_shown::<D>(&call, &unwritten, &mut unreadable).await?);
    Ok(page_of(&call, items, last, limit, &unreadable))
}

/// `stored_last`: the last key of the store's page, where there are more behind it.
pub(super) fn page_of(
    call: &Call,
    mut items: Vec<(String, Members)>,
    stored_last: Option<String>,
    limit: usize,
    unreadable: &[Unreadable],
) -> Answer {
    if let Some(last) = &stored_last {
        items.retain(|it| it.0 <= *last);
    }
    items.sort_by(|a, b| a.0.cmp(&b.0));
    let more = items.len() > limit;
    items.truncate(limit);
    let shown_last = items.last().filter(|_| more).map(|it| &it.0);
    let next = shown_last.or(stored_last.as_ref()).map(|it| cursor::behind(&call.path, it));
    let items: Vec<Value> = items.into_iter().map(|it| Value::Object(it.1)).collect();
    unreadable::page(call, items, next, unreadable)
}

/// `GET` of one.
pub(super) async fn read<D: Definition>(call: Call) -> Result<Answer, ApiError> {
    let key = D::key(&call)?;
    if let Some(view) = declared::<D>(&call, &key).await? {
        return Ok(Answer::ok(Value::Object(view)));
    }
    let stored = found::<D>(&call, &key).await?;
    if D::BY_VERSION && etag::is_known(&call.headers, stored.version) {
        return Ok(Answer::not_modified(stored.version));
    }
    let view = shown::<D>(&call, &stored, true).await?;
    let version = Some(stored.version).filter(|it| *it != UNWRITTEN);
    Ok(Answer { version, ..Answer::ok(Value::Object(view)) })
}

/// The one that the path names, as `GET` shows it.
pub(super) async fn one<D: Definition>(call: &Call) -> Result<Members, ApiError> {
    let key = D::key(call)?;
    match declared::<D>(call, &key).await? {
        Some(view) => Ok(view),
        None => shown::<D>(call, &found::<D>(call, &key).await?, true).await,
    }
}

/// `POST` to a collection.
pub(super) async fn create<D: Definition>(mut call: Call) -> Result<Answer, ApiError> {
    let mut members = call.take_object()?;
    let key = sent::take_key(&mut members, None)?;
    D::check_key(&key)?;
    let put = created::<D>(&call, &key, members).await?;
    answer::<D>(&call, &key, put).await
}

/// Writes what there must be none of yet. `key` was checked.
pub(super) async fn created<D: Definition>(
    call: &Call,
    key: &str,
    mut members: Members,
) -> Result<Put, ApiError> {
    members.shift_remove("key");
    not_declared::<D>(call, key)?;
    written::<D>(call, key, members, Expect::Absent).await.map_err(|it| match it {
        ApiError::Exists { .. } => ApiError::AlreadyExists { noun: D::NOUN, key: key.to_owned() },
        error => error,
    })
}

/// `PUT` of one.
pub(super) async fn replace<D: Definition>(mut call: Call) -> Result<Answer, ApiError> {
    let key = D::key(&call)?;
    let mut members = call.take_object()?;
    sent::take_key(&mut members, Some(&key))?;
    not_declared::<D>(&call, &key)?;
    let expect = call.precondition()?.expect();
    let put = written::<D>(&call, &key, members, expect).await;
    if call.flag("dry_run")? {
        return rehearsed::<D>(&call, &key, put).await;
    }
    answer::<D>(&call, &key, put?).await
}

/// `PATCH` of one: what answers show, with the patch applied to it, is sent back.
pub(super) async fn patch<D: Definition>(mut call: Call) -> Result<Answer, ApiError> {
    let key = D::key(&call)?;
    let patch = call.take_object()?;
    not_declared::<D>(&call, &key)?;
    let asked = call.precondition()?;
    let put = patch::tried(asked, || async {
        let stored = found::<D>(&call, &key).await?;
        let shown = shown::<D>(&call, &stored, true).await?;
        let mut members = patch::applied(shown, &patch, &["credentials", "test_credentials"])?;
        sent::take_key(&mut members, Some(&key))?;
        if stored.version != UNWRITTEN || matches!(asked, Precondition::Version(_)) {
            let expect = patch::expect(asked, stored.version);
            return written::<D>(&call, &key, members, expect).await;
        }
        written::<D>(&call, &key, members, Expect::Absent).await.map_err(|it| match it {
            ApiError::Exists { .. } => ApiError::Stale(Winner::default()),
            error => error,
        })
    });
    let put = put.await;
    if call.flag("dry_run")? {
        return rehearsed::<D>(&call, &key, put).await;
    }
    let mut put = put?;
    // It was there.
    put.written.created = false;
    answer::<D>(&call, &key, put).await
}

/// What would become of an edit, and who uses what is edited.
pub(super) async fn rehearsed<D: Definition>(
    call: &Call,
    key: &str,
    put: Result<Put, ApiError>,
) -> Result<Answer, ApiError> {
    let of_store = |it| ApiError::of_store(it, D::NOUN, key);
    let store = &call.api.store()?.store;
    let uses = match D::find(store, call, key).await.map_err(of_store)? {
        None => Uses::default(),
        Some(stored) => D::uses(store, call, &stored).await.map_err(of_store)?,
    };
    Answer::of(&uses::Change::of(put, uses::Uses::from(&uses))?)
}

/// `DELETE` of one. With `dry_run` it is only told what would be.
pub(super) async fn delete<D: Definition>(call: Call) -> Result<Answer, ApiError> {
    let key = D::key(&call)?;
    not_declared::<D>(&call, &key)?;
    let force = call.flag("force")?;
    let asked = call.precondition()?;
    let of_store = |it| ApiError::of_store(it, D::NOUN, &key);
    let backing = call.api.store()?;
    if call.flag("dry_run")? {
        let stored = found::<D>(&call, &key).await?;
        let uses = D::uses(&backing.store, &call, &stored).await.map_err(of_store)?;
        return Preview::of(&uses, force).answer();
    }
    let deleted = D::delete(&backing.store, &call, &key, force, asked.of_present()).await;
    let revision = deleted.map_err(|it| ApiError::of_present(it, D::NOUN, &key, asked))?;
    call.served(revision).await;
    Ok(Answer::nothing())
}

/// The stored one.
pub(super) async fn found<D: Definition>(
    call: &Call,
    key: &str,
) -> Result<Stored<D::Row>, ApiError> {
    let missing = || ApiError::NotFound { noun: D::NOUN, key: key.to_owned() };
    let found = match call.api.backing() {
        None => None,
        Some(backing) => {
            let found = D::find(&backing.store, call, key).await;
            found.map_err(|it| ApiError::of_store(it, D::NOUN, key))?
        }
    };
    found.or_else(|| D::unwritten(call, key)).ok_or_else(missing)
}

/// Refuses to change what a file declares.
pub(super) fn not_declared<D: Definition>(call: &Call, key: &str) -> Result<(), ApiError> {
    let Some(section) = D::SECTION else { return Ok(()) };
    let snapshot = call.api.live.snapshot_full();
    match snapshot.declared().find(section, key) {
        None => Ok(()),
        Some(declared) => {
            let (file, line) = place(declared);
            Err(ApiError::DeclaredInFile { noun: D::NOUN, key: key.to_owned(), file, line })
        }
    }
}

async fn written<D: Definition>(
    call: &Call,
    key: &str,
    members: Members,
    expect: Expect,
) -> Result<Put, ApiError> {
    let members = own_members::<D>(members)?;
    let put = D::put(call, key, members, expect).await?;
    call.served(put.written.revision).await;
    Ok(put)
}

/// Less what answers add and what is null.
pub(super) fn own_members<D: Definition>(mut members: Members) -> Result<Members, ApiError> {
    sent::without(&mut members, SHOWN);
    sent::without(&mut members, D::READ_ONLY);
    let mut members = Value::Object(members);
    drop_nulls(&mut members);
    sent::check_texts(&members)?;
    let Value::Object(members) = members else { return Err(ApiError::Internal) };
    Ok(members)
}

pub(super) async fn answer<D: Definition>(
    call: &Call,
    key: &str,
    put: Put,
) -> Result<Answer, ApiError> {
    let Put { written, once, view } = put;
    let (mut view, version) = match view {
        Some(view) => {
            let Written { revision, created_at_ms, updated_at_ms, .. } = written;
            (framed(key, view, revision, [created_at_ms, updated_at_ms]), revision)
        }
        None => {
            let stored = found::<D>(call, key).await?;
            (shown::<D>(call, &stored, true).await?, stored.version)
        }
    };
    view.extend(once);
    let (version, body) = (Some(version), Value::Object(view));
    if !written.created {
        return Ok(Answer { version, ..Answer::ok(body) });
    }
    let location = Some(format!("{}/{}", D::PATH, escaped(key)));
    Ok(Answer { status: StatusCode::CREATED, version, location, ..Answer::ok(body) })
}

async fn shown<D: Definition>(
    call: &Call,
    stored: &Stored<D::Row>,
    alone: bool,
) -> Result<Members, ApiError> {
    let view = D::view(call, stored, alone).await?;
    Ok(framed(&stored.key, view, stored.version, [stored.created_at_ms, stored.updated_at_ms]))
}

/// The views of a page; rows that can't be shown are named.
async fn all_shown<D: Definition>(
    call: &Call,
    rows: &[Stored<D::Row>],
    unreadable: &mut Vec<Unreadable>,
) -> Result<Vec<(String, Members)>, ApiError> {
    let mut items = Vec::with_capacity(rows.len());
    for (stored, view) in rows.iter().zip(D::views(call, rows).await?) {
        match view {
            Ok(view) => {
                let dates = [stored.created_at_ms, stored.updated_at_ms];
                let view = framed(&stored.key, view, stored.version, dates);
                items.push((stored.key.clone(), view));
            }
            Err(error) => unreadable.push(Unreadable::of(&stored.key, error)?),
        }
    }
    Ok(items)
}

/// A view with what all of them have. `dates`: of its creation, of its last change; what is not known is left out.
fn framed(key: &str, own: Members, version: i64, dates: [i64; 2]) -> Members {
    let mut view = Members::new();
    view.insert("key".to_owned(), key.into());
    view.extend(own);
    if version != UNWRITTEN {
        view.insert("version".to_owned(), version.into());
    }
    for (member, at_ms) in [("created_at", dates[0]), ("updated_at", dates[1])] {
        if at_ms > 0 {
            view.insert(member.to_owned(), time::shown(at_ms).into());
        }
    }
    view
}

/// Whether a file declares it.
pub(super) fn is_declared<D: Definition>(call: &Call, key: &str) -> bool {
    let snapshot = call.api.live.snapshot_full();
    D::SECTION.is_some_and(|it| snapshot.declared().find(it, key).is_some())
}

/// What a file declares, as it is shown.
pub(super) async fn declared<D: Definition>(
    call: &Call,
    key: &str,
) -> Result<Option<Members>, ApiError> {
    let Some(section) = D::SECTION else { return Ok(None) };
    let snapshot = call.api.live.snapshot_full();
    let Some(declared) = snapshot.declared().find(section, key) else { return Ok(None) };
    let mut view = as_declared(key, declared);
    D::declared(call, key, &mut view, true).await?;
    Ok(Some(view))
}

fn as_declared(key: &str, declared: &Declared) -> Members {
    let mut view = Members::new();
    view.insert("key".to_owned(), key.into());
    if let Value::Object(members) = declared.definition() {
        view.extend(members);
    }
    let (file, line) = place(declared);
    view.insert("source".to_owned(), json!({ "file": file, "line": line }));
    view
}

fn place(declared: &Declared) -> (String, u32) {
    declared.line.as_ref().map_or((String::new(), 0), |it| (it.file.to_string(), it.line))
}
