//! Each resource of a bundle, one after another, in one transaction: what is wrong with one keeps no other from being
//! looked at.
use super::Aside;
use super::affected::Served;
use super::bundle::Bundle;
use super::bundle::Item;
use super::bundle::Part;
use super::bundle::newer;
use super::callers;
use super::callers::GivenKeys;
use super::connections;
use super::leaning;
use super::outcome::Outcome;
use super::outcome::Passage;
use super::outcome::passages;
use super::prune;
use super::renumbered;
use super::same;
use super::secrets;
use super::standing::Standing;
use crate::admin::activations::Under;
use crate::admin::api::Api;
use crate::admin::api::Backing;
use crate::admin::call::Call;
use crate::admin::connection_uses;
use crate::admin::connectors::Connectors;
use crate::admin::credentials::Where;
use crate::admin::definition;
use crate::admin::definition::Definition;
use crate::admin::definition::Put;
use crate::admin::environments::Environments;
use crate::admin::error::ApiError;
use crate::admin::error::Fault;
use crate::admin::event_subscriptions::EventSubscriptions;
use crate::admin::farewells::Farewell;
use crate::admin::integrations::Integrations;
use crate::admin::origin::Moved;
use crate::admin::tenants::Tenants;
use crate::admin::uses::Uses;
use crate::model::Key;
use crate::model::TenantId;
use crate::reload::Writes;
use crate::seal::Slot;
use crate::store;
use crate::store::Act;
use crate::store::Done;
use crate::store::Expect;
use crate::store::Kind;
use crate::store::Together;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::sync::Arc;

/// Writes after which what is served aside is brought up to date, at the latest.
const BATCH: usize = 256;

/// What is done, and not kept yet.
pub(super) struct Rehearsal<'c> {
    call: &'c Call,
    together: Together,
    /// On what there would be.
    pub(super) aside: Call,
    unconfirmed: Call,
    served: Served,
    /// What there was of it before.
    standing: Standing,
    /// What is stored already as it is to be, by where it stands in the body.
    same: HashSet<String>,
    /// What is not, so that what refers to it is looked at.
    written: HashSet<(Part, String)>,
    /// Refers to what is not there because it is wrong itself.
    failed: HashSet<(Part, String)>,
    pub(super) faults: Vec<Fault>,
    /// Tenants whose own variables may send elsewhere what is kept of their credentials, with their connections.
    led: Vec<(Key, TenantId)>,
    /// What moves with its connection.
    moved: Vec<store::Moved>,
    pub(super) breaks: BTreeSet<super::Broken>,
    /// Providers are told of what goes, once it is gone.
    pub(super) farewell: Farewell,
    keys: GivenKeys,
    keyless: Vec<String>,
    untold: Vec<String>,
    since_served: usize,
}

impl<'c> Rehearsal<'c> {
    /// From here on nobody else writes.
    pub(super) async fn begin(call: &'c Call) -> Result<Self, ApiError> {
        let backing = call.api.store()?;
        let of_store = |it| ApiError::of_store(it, "bundle", "");
        let together = backing.store.together().await.map_err(of_store)?;
        let away = || {
            ApiError::StoreUnavailable(
                "What is stored can't be followed right now: nothing was done.",
            )
        };
        if !call.api.live.applied(together.began_at()).await {
            return Err(away());
        }
        let live = Arc::clone(&call.api.live);
        let aside = tokio::task::spawn_blocking(move || live.aside()).await;
        let aside = aside.ok().flatten().ok_or_else(away)?;
        let store = together.store().clone();
        let writes = Writes::aside(store.clone(), Arc::clone(&aside));
        let own = Backing {
            store,
            sealer: Arc::clone(&backing.sealer),
            keys: Arc::clone(&backing.keys),
            writes,
            control: backing.control.clone(),
        };
        let api = Api::aside(&call.api, Arc::clone(&aside), own);
        let Aside { confirmed, unconfirmed } = Aside::of(call, &api)?;
        let served = Served::new(Arc::clone(&call.api.live), aside);
        Ok(Self {
            call,
            together,
            aside: confirmed,
            unconfirmed,
            led: Vec::new(),
            moved: Vec::new(),
            served,
            standing: Standing::default(),
            same: HashSet::new(),
            written: HashSet::new(),
            failed: HashSet::new(),
            faults: Vec::new(),
            breaks: BTreeSet::new(),
            keys: GivenKeys::default(),
            keyless: Vec::new(),
            untold: Vec::new(),
            farewell: Farewell::default(),
            since_served: 0,
        })
    }

    /// All of it, up to the commit. What is wrong with it, at once.
    /// `asked`: a digest of what was sent.
    pub(super) async fn run(
        &mut self,
        bundle: Bundle,
        prune: bool,
        asked: &[u8; 32],
    ) -> Result<Outcome, ApiError> {
        let Bundle { items, parts, faults } = bundle;
        self.faults = faults;
        self.standing = Standing::read(&self.aside, &items).await?;
        let skipped = self.served.skipped();
        self.same = same::of(&self.aside, &self.standing, &skipped, &items).await;
        for part in Part::ALL {
            for item in items.iter().filter(|it| it.part == part) {
                self.one(item).await?;
            }
            if part == Part::Connectors {
                for item in items.iter().filter(|it| it.part == Part::Connections) {
                    if self.is_there(item) {
                        continue;
                    }
                    let recorded = connections::record(&self.aside, &item.members).await;
                    self.noted(item, recorded)?;
                }
            }
            self.serve().await?;
        }
        if prune {
            prune::prune(self, &items, &parts).await?;
        }
        if !self.faults.is_empty() {
            return Err(ApiError::Invalid(std::mem::take(&mut self.faults)));
        }
        self.outcome(&items, asked).await
    }

    /// The revision that was committed before.
    pub(super) fn began_at(&self) -> i64 {
        self.together.began_at()
    }

    /// Keeps it. The revision of the last change.
    pub(super) async fn commit(self) -> Result<i64, ApiError> {
        let Self { together, farewell, call, .. } = self;
        let revision = together.commit().await;
        let revision = revision.map_err(|it| ApiError::of_store(it, "bundle", ""))?;
        farewell.say(&call.api);
        Ok(revision)
    }

    /// What is about to go, as it is until then; with `dry_run` nothing goes.
    pub(super) async fn goes(&mut self, part: Part, key: &str, tenants: &[(&str, &str)]) {
        if self.call.flag("dry_run").unwrap_or_default() {
            return;
        }
        self.farewell.and(match part {
            Part::Connections => Farewell::of_connection(self.call, key).await,
            Part::Tenants => Farewell::of_tenant(self.call, key).await,
            Part::Activations => Farewell::of_activations(self.call, tenants).await,
            _ => return,
        });
    }

    async fn one(&mut self, item: &Item) -> Result<(), ApiError> {
        if needs(item).into_iter().any(|it| self.failed.contains(&it)) {
            self.failed.insert((item.part, item.key.clone()));
            return Ok(());
        }
        if self.is_there(item) {
            return Ok(());
        }
        self.written.insert((item.part, item.key.clone()));
        let call = if item.part == Part::Activations { &self.unconfirmed } else { &self.aside };
        let put = match put(call, item, &mut self.keys).await {
            Err(ApiError::Elsewhere(_)) => {
                let led = (Key::try_from(&*item.key), TenantId::try_from(&*item.tenant));
                if let (Ok(key), Ok(tenant)) = led {
                    self.led.push((key, tenant));
                }
                put(&self.aside, item, &mut self.keys).await
            }
            put => put,
        };
        match &put {
            Ok(Lack::Key) => self.keyless.push(item.key.clone()),
            Ok(Lack::Word) => self.untold.push(item.key.clone()),
            Ok(Lack::Nothing) | Err(_) => {}
        }
        self.noted(item, put.map(drop))?;
        self.since_served += 1;
        if self.since_served >= BATCH {
            self.serve().await?;
        }
        Ok(())
    }

    /// Whether it is stored already as it is to be, and so is all that it refers to.
    fn is_there(&self, item: &Item) -> bool {
        let is_written = |it: &(Part, String)| self.written.contains(it);
        self.same.contains(&item.at) && !needs(item).iter().any(is_written)
    }

    /// What is wrong with one resource is told with all else; what is not its fault ends it.
    fn noted(&mut self, item: &Item, done: Result<(), ApiError>) -> Result<(), ApiError> {
        let Err(error) = done else { return Ok(()) };
        self.failed.insert((item.part, item.key.clone()));
        let hint = match &error {
            ApiError::Invalid(_) => {
                let ApiError::Invalid(faults) = error.placed(&item.at) else { return Ok(()) };
                for mut fault in faults {
                    if fault.problem.starts_with("unknown field") && fault.hint.is_empty() {
                        fault.hint = newer();
                    }
                    if !self.faults.contains(&fault) {
                        self.faults.push(fault);
                    }
                }
                return Ok(());
            }
            ApiError::DeclaredInFile { .. } => "leave it out here, or out of that file",
            ApiError::Unconfirmed(_) => {
                "`attache connection switch` does it, and says what is lost"
            }
            ApiError::NotFound { .. } => "create it first, or name another",
            ApiError::Damaged { .. } => "restore it from a backup, or delete it",
            ApiError::Exists { .. } | ApiError::AlreadyExists { .. } | ApiError::Stale(_) => "",
            _ => return Err(error),
        };
        let problem = error.to_string().trim_end_matches('.').to_owned();
        self.faults.push(Fault { pointer: item.at.clone(), problem, hint: hint.to_owned() });
        Ok(())
    }

    /// What comes next is looked at beside what was done.
    pub(super) async fn serve(&mut self) -> Result<(), ApiError> {
        self.since_served = 0;
        let served = self.aside.api.store()?.writes.are_served(i64::MAX).await;
        let away = "The store can't be read right now: nothing was done.";
        if served { Ok(()) } else { Err(ApiError::StoreUnavailable(away)) }
    }

    async fn outcome(&mut self, items: &[Item], asked: &[u8; 32]) -> Result<Outcome, ApiError> {
        let mut breaks = std::mem::take(&mut self.breaks);
        breaks.extend(self.served.broken(&self.aside).await?);
        let done = self.together.done();
        let mut outcome = Outcome {
            breaks: breaks.into_iter().collect(),
            moves: self.moves(&done).await?,
            keyless: std::mem::take(&mut self.keyless),
            untold: std::mem::take(&mut self.untold),
            ..Outcome::default()
        };
        let passages = renumbered::without(&self.aside, passages(done)).await?;
        for passage in &passages {
            let uses = uses(self.call, passage).await?;
            passage.clone().into_outcome(uses, &mut outcome);
        }
        let named = |it: &'_ Passage| {
            let tenant = it.what.tenant.clone().unwrap_or_default();
            (it.what.kind, it.what.key.clone(), tenant)
        };
        let done: HashSet<(&str, String, String)> = passages.iter().map(named).collect();
        let touched =
            |it: &&Item| done.contains(&(kind(it.part), it.key.clone(), it.tenant.clone()));
        let touched: Vec<&Item> = items.iter().filter(touched).collect();
        outcome.unchanged = items.len() - touched.len();
        let after = self.served.after();
        let leaned = leaning::of(self.call, &self.standing, &after, touched.into_iter()).await?;
        outcome.seal(asked, &passages, &leaned);
        Ok(outcome)
    }
}

impl Rehearsal<'_> {
    /// Whose credentials would go elsewhere in the end.
    async fn moves(&mut self, done: &[Done]) -> Result<Vec<Moved>, ApiError> {
        let bound = done.iter().filter(|it| it.act == Act::Bound);
        let bound: BTreeSet<&str> = bound.map(|it| &*it.key).collect();
        let bound: Vec<&str> = bound.into_iter().collect();
        let moved = self.together.moved(&self.call.scope(), &bound).await;
        self.moved = moved.map_err(|it| ApiError::of_store(it, "bundle", ""))?;
        let mut moves: Vec<Moved> = self.moved.iter().cloned().map(Moved::from).collect();
        for (key, tenant) in std::mem::take(&mut self.led) {
            // With all others of its connection it is counted already.
            if self.moved.iter().any(|it| it.connection == key.as_str() && it.activations > 0) {
                continue;
            }
            let under = Under::named(&self.aside, key.as_str()).await?;
            let Some(led) = under.moved_since(&self.aside, self.call, &tenant).await? else {
                continue;
            };
            let is_like = |it: &&mut Moved| {
                (&it.connection, &it.from, &it.to) == (&led.connection, &led.from, &led.to)
            };
            match moves.iter_mut().find(is_like) {
                Some(like) => like.activations += 1,
                None => moves.push(led),
            }
        }
        Ok(moves)
    }

    /// Enters that what moves may: somebody has said so.
    pub(super) async fn confirm(&self) -> Result<(), ApiError> {
        let confirmed = self.together.confirm(&self.call.scope(), &self.moved).await;
        confirmed.map_err(|it| ApiError::of_store(it, "bundle", ""))
    }
}

fn kind(part: Part) -> &'static str {
    let kind = match part {
        Part::Connectors => Kind::Connector,
        Part::Tenants => Kind::Tenant,
        Part::Connections => Kind::Connection,
        Part::Integrations => Kind::Integration,
        Part::Environments => Kind::Environment,
        Part::Callers => Kind::Caller,
        Part::Activations => Kind::Activation,
        Part::EventSubscriptions => Kind::EventSubscription,
    };
    kind.as_str()
}

/// What something new does without, until somebody sees to it.
enum Lack {
    Nothing,
    /// A caller without a key.
    Key,
    /// An event subscription with a secret that nobody is told.
    Word,
}

/// Checks and writes one.
async fn put(call: &Call, item: &Item, keys: &mut GivenKeys) -> Result<Lack, ApiError> {
    let (key, members) = (&*item.key, item.members.clone());
    match item.part {
        Part::Connectors => drop(put_definition::<Connectors>(call, item).await?),
        Part::Tenants => drop(put_definition::<Tenants>(call, item).await?),
        Part::Integrations => drop(put_definition::<Integrations>(call, item).await?),
        Part::Environments => drop(put_definition::<Environments>(call, item).await?),
        Part::Connections => connections::put(call, key, members).await?,
        Part::Activations => put_activation(call, item).await?,
        Part::Callers => {
            let is_keyless = callers::put(call, key, members, keys).await?;
            return Ok(if is_keyless { Lack::Key } else { Lack::Nothing });
        }
        Part::EventSubscriptions => {
            let put = put_definition::<EventSubscriptions>(call, item).await?;
            return Ok(if put.written.created { Lack::Word } else { Lack::Nothing });
        }
    }
    Ok(Lack::Nothing)
}

async fn put_definition<D: Definition>(call: &Call, item: &Item) -> Result<Put, ApiError> {
    D::check_key(&item.key)?;
    definition::not_declared::<D>(call, &item.key)?;
    let found = D::find(&call.api.store()?.store, call, &item.key).await;
    let found = found.map_err(|it| ApiError::of_store(it, D::NOUN, &item.key))?;
    let expect = found.map_or(Expect::Absent, |it| Expect::Version(it.version));
    let members = definition::own_members::<D>(item.members.clone())?;
    D::put(call, &item.key, members, expect).await
}

async fn put_activation(call: &Call, item: &Item) -> Result<(), ApiError> {
    let key = Key::try_from(&*item.key)
        .map_err(|it| ApiError::invalid("/connection", it.to_string(), ""))?;
    let tenant = TenantId::try_from(&*item.tenant)
        .map_err(|it| ApiError::invalid("/tenant", it.to_string(), ""))?;
    let under = Under::named(call, key.as_str()).await?;
    let is_there = under.find(call, &tenant).await?.is_some();
    let (owner, slot) = (&*under.owner, Slot::Activation);
    let at = Where { owner, tenant: tenant.as_str(), slot, member: "credentials" };
    let mut members = item.members.clone();
    secrets::settle(call, at, is_there, &mut members).await?;
    under.write(call, &tenant, members, Expect::Anything).await.map(drop)
}

/// What a resource refers to.
pub(super) fn needs(item: &Item) -> Vec<(Part, String)> {
    let text = |name: &str| item.members.get(name).and_then(|it| it.as_str());
    let all =
        |name: &str| item.members.get(name).and_then(|it| it.as_object()).into_iter().flatten();
    let connector = |it: &str| (Part::Connectors, it.to_owned());
    match item.part {
        Part::Connectors | Part::Tenants | Part::Callers | Part::EventSubscriptions => Vec::new(),
        Part::Connections => text("connector").map(connector).into_iter().collect(),
        Part::Integrations => all("connectors")
            .filter_map(|(_, it)| it["connector"].as_str().map(connector))
            .collect(),
        Part::Environments => {
            let integration = text("integration").map(|it| (Part::Integrations, it.to_owned()));
            let assigned = all("assign").filter_map(|(_, it)| it.as_str());
            let assigned = assigned.map(|it| (Part::Connections, it.to_owned()));
            integration.into_iter().chain(assigned).collect()
        }
        Part::Activations => vec![(Part::Connections, item.key.clone())],
    }
}

/// Who uses it as it is now.
async fn uses(call: &Call, passage: &Passage) -> Result<Uses, ApiError> {
    let Some(was) = &passage.was else { return Ok(Uses::default()) };
    let (key, kind) = (&*passage.what.key, passage.what.kind);
    let of_store = |it| ApiError::of_store(it, kind, key);
    let (store, scope) = (&call.api.store()?.store, call.scope());
    let found = if kind == Kind::Connection.as_str() {
        let owner = was.get("id").and_then(|it| it.as_str()).unwrap_or_default();
        return connection_uses::all_uses(call, key, owner).await;
    } else if kind == Kind::Connector.as_str() {
        store.connectors().uses(&scope, key).await
    } else if kind == Kind::Integration.as_str() {
        store.integrations().uses(&scope, key).await
    } else if kind == Kind::Environment.as_str() {
        store.environments().uses(&scope, key).await
    } else if kind == Kind::Tenant.as_str() {
        store.tenants().uses(&scope, key).await
    } else {
        return Ok(Uses::default());
    };
    Ok(Uses::from(&found.map_err(of_store)?))
}
