//! Which resources of a bundle are stored already as they are to be: of these nothing is drafted, opened or written.
//!
//! It is told by comparing what would be stored with what is. Where that can't be told here it is not so, and the
//! resource goes the way of any other, at whose end it may turn out that nothing of it changes.
use super::bundle::Item;
use super::bundle::Part;
use super::callers;
use super::connections::METHOD;
use super::secrets;
use super::standing::Standing;
use crate::admin::activations;
use crate::admin::call::Call;
use crate::admin::callers::Callers;
use crate::admin::connections;
use crate::admin::connections::Connections;
use crate::admin::connectors;
use crate::admin::connectors::Connectors;
use crate::admin::credential_fields;
use crate::admin::definition;
use crate::admin::definition::Definition;
use crate::admin::environments;
use crate::admin::environments::Environments;
use crate::admin::integrations;
use crate::admin::integrations::Integrations;
use crate::admin::issued;
use crate::admin::sent;
use crate::admin::sent::Members;
use crate::admin::tenants;
use crate::admin::tenants::Tenants;
use crate::catalog::RawAuthMethod;
use crate::catalog::RawConnection;
use crate::catalog::RawGrants;
use crate::catalog::Section;
use crate::catalog::Snapshot;
use crate::model::Key;
use crate::seal::Sealer;
use crate::store::ConnectionRow;
use crate::store::SealedCredential;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::HashSet;

/// Comparisons after which others get their turn.
const BATCH: usize = 64;

/// What is to be compared with.
struct Comparison<'a> {
    call: &'a Call,
    sealer: &'a Sealer,
    snapshot: &'a Snapshot,
    /// What of the store is not served, or not whole.
    skipped: &'a BTreeMap<(Section, Key), String>,
    standing: &'a Standing,
}

/// Their pointers.
pub(super) async fn of(
    call: &Call,
    standing: &Standing,
    skipped: &BTreeMap<(Section, Key), String>,
    items: &[Item],
) -> HashSet<String> {
    let mut same = HashSet::new();
    let Some(backing) = call.api.backing() else { return same };
    let (sealer, snapshot) = (&*backing.sealer, call.api.live.snapshot_full());
    let with = Comparison { call, sealer, snapshot: &snapshot, skipped, standing };
    for batch in items.chunks(BATCH) {
        let as_stored = batch.iter().filter(|it| with.is_as_stored(it).unwrap_or_default());
        same.extend(as_stored.map(|it| it.at.clone()));
        tokio::task::yield_now().await;
    }
    same
}

impl Comparison<'_> {
    /// None where it can't be told.
    fn is_as_stored(&self, item: &Item) -> Option<bool> {
        match item.part {
            Part::Connectors => self.connector(item),
            Part::Tenants => self.tenant(item),
            Part::Connections => self.connection(item),
            Part::Integrations => self.integration(item),
            Part::Environments => self.environment(item),
            Part::Callers => self.caller(item),
            Part::Activations => self.activation(item),
            // There are few.
            Part::EventSubscriptions => None,
        }
    }

    /// What is its own of what was sent, where it is served of the store and sound.
    fn own<D: Definition>(&self, item: &Item) -> Option<Members> {
        if let Some(section) = D::SECTION {
            let key = Key::try_from(&*item.key).ok()?;
            if self.skipped.contains_key(&(section, key)) {
                return None;
            }
        }
        if definition::is_declared::<D>(self.call, &item.key) {
            return None;
        }
        definition::own_members::<D>(item.members.clone()).ok()
    }

    fn connector(&self, item: &Item) -> Option<bool> {
        let mut members = self.own::<Connectors>(item)?;
        let stored = self.standing.connectors.get(&item.key)?;
        let raw = connectors::completed(&mut members).ok()?;
        let (definition, methods) = connectors::texts(&raw);
        let numbers = &stored.value.methods;
        let is_method = |(method, text): (&String, &String)| {
            let number = numbers.get(method).copied()?;
            Some(self.settings(&item.key, method, number)? == text)
        };
        let are_methods = methods.iter().all(|it| is_method(it).unwrap_or_default());
        let is_all = numbers.len() == methods.len() && are_methods;
        Some(is_all && definition == stored.value.definition)
    }

    fn settings(&self, connector: &str, method: &str, revision: i64) -> Option<&String> {
        let place = (connector.to_owned(), method.to_owned(), revision);
        self.standing.methods.get(&place)
    }

    fn tenant(&self, item: &Item) -> Option<bool> {
        let members = self.own::<Tenants>(item)?;
        let stored = self.standing.tenants.get(&item.key)?;
        Some(tenants::row(&members).ok()? == stored.value)
    }

    fn connection(&self, item: &Item) -> Option<bool> {
        let stored = self.standing.connections.get(&item.key)?;
        let row = &stored.value;
        let mut sent = item.members.clone();
        let wanted = sent.shift_remove(METHOD).filter(|it| !it.is_null());
        for at in connections::places(&row.id) {
            let sealed = self.standing.sealed.get(&(row.id.clone(), at.slot));
            if !self.keeps(sent.shift_remove(at.member).as_ref(), sealed) {
                return Some(false);
            }
        }
        let item = Item { members: sent, ..item.clone() };
        let members = self.own::<Connections>(&item)?;
        let raw: RawConnection = sent::read(&members).ok()?;
        let pinned = self.settings(&row.connector, &row.method, row.revision)?;
        let is_pinned = match wanted {
            Some(Value::Object(mut wanted)) => {
                sent::without(&mut wanted, &[credential_fields::MEMBER]);
                let wanted: RawAuthMethod = sent::read(&wanted).ok()?;
                sent::method_text(&wanted) == *pinned
            }
            Some(_) => return None,
            // Those of files are not known here.
            None => {
                let connector = self.standing.connectors.get(&row.connector)?;
                let current = connector.value.methods.get(&row.method).copied()?;
                self.settings(&row.connector, &row.method, current)? == pinned
            }
        };
        let served = self.snapshot.connection(&item.key)?;
        let is_bound = self.snapshot.elsewhere(&served.key).is_none();
        let would_be = ConnectionRow { id: row.id.clone(), ..connections::row(&raw, row.revision) };
        Some(is_pinned && is_bound && would_be == *row)
    }

    fn integration(&self, item: &Item) -> Option<bool> {
        let members = self.own::<Integrations>(item)?;
        let stored = self.standing.integrations.get(&item.key)?;
        Some(integrations::row(&sent::read(&members).ok()?) == stored.value)
    }

    fn environment(&self, item: &Item) -> Option<bool> {
        let members = self.own::<Environments>(item)?;
        let stored = self.standing.environments.get(&item.key)?;
        Some(environments::row(sent::read(&members).ok()?) == stored.value)
    }

    fn caller(&self, item: &Item) -> Option<bool> {
        let mut members = self.own::<Callers>(item)?;
        let stored = self.standing.callers.get(&item.key)?;
        let given = callers::given(&mut members).ok()?;
        members.shift_remove("expires_at");
        let raw: RawGrants = sent::read(&members).ok()?;
        let keys = self.standing.keys.get(&item.key);
        let is_good = given.is_none_or(|text| {
            let hash = issued::sha256(&text);
            let mut keys = keys.into_iter().flatten();
            keys.any(|it| it.hash == hash && it.expires_at_ms.is_none())
        });
        Some(is_good && sent::text(&raw) == stored.value.definition)
    }

    fn activation(&self, item: &Item) -> Option<bool> {
        let place = (item.key.clone(), item.tenant.clone());
        let (stored, sealed) = self.standing.activations.get(&place)?;
        let served = self.snapshot.connection(&item.key)?;
        if self.snapshot.elsewhere(&served.key).is_some() {
            return None;
        }
        let mut members = item.members.clone();
        let [own, _] = connections::places("");
        let is_kept = self.keeps(members.shift_remove(own.member).as_ref(), sealed.as_ref());
        Some(is_kept && activations::is_as_sent(&stored.value, members))
    }

    /// Whether what was sent of a credential is what is sealed, field for field.
    fn keeps(&self, sent: Option<&Value>, sealed: Option<&SealedCredential>) -> bool {
        let sent = match sent {
            None | Some(Value::Null) => return true,
            Some(Value::Object(sent)) => sent,
            Some(_) => return false,
        };
        let fields = sealed.map(|it| &it.sealed.fields);
        let is_kept = |(name, value): (&String, &Value)| {
            let shown = &fields?.get(name)?.fingerprint;
            if secrets::unset(value).is_some() {
                return Some(true);
            }
            Some(self.sealer.fingerprint(&secrets::values(value)?) == *shown)
        };
        let count = fields.map_or(0, |it| it.len());
        sent.len() == count && sent.iter().all(|it| is_kept(it).unwrap_or_default())
    }
}
