//! `origins`: where what is sealed under an owner may go. It goes nowhere else unless somebody says so.
use super::Kind;
use super::Store;
use super::StoreError;
use super::audit::Act;
use super::audit::Object;
use super::engine::Row;
use super::engine::Tx;
use super::engine::Unreadable;
use super::engine::Value;
use super::record::checksum;
use super::record::texts;
use super::salvage::Column;
use super::salvage::Source;
use super::salvage::sorted_out;
use super::several;
use super::write::Told;
use super::write::Write;
use crate::catalog::Reach;
use crate::model::Scope;
use crate::seal::Slot;

/// What credentials were entered for.
#[derive(Clone, Copy, Debug)]
pub struct Origins<'s>(pub(super) &'s Store);

/// What the credentials of one owner were entered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// A stored connection's id, or `file:` and the key of one that a file declares.
    pub owner: String,
    /// The connection's key.
    pub connection: String,
    pub reach: Reach,
}

/// Where the credentials of an owner are to go after a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// What it is to be. The owner of a connection that is to be created is not known yet.
    pub to: Entered,
    /// What is sealed already may go there, wherever it was entered for.
    pub confirmed: bool,
    /// Whether fewer origins than it was entered for are all from now on. False for a write that is not about
    /// the connection: it leaves what covers it as it is.
    pub narrows: bool,
    /// What the write itself enters or deletes: tenant and slot.
    pub brings: Vec<(String, Slot)>,
}

/// Where what is sealed under an owner may go now, and where it might before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rebound {
    was: Option<Reach>,
    became: Reach,
    /// There is something sealed that was not entered for it, and somebody has said that it may.
    pub(super) confirmed: bool,
}

/// Credentials that would go elsewhere than where they were entered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub connection: String,
    pub from: Reach,
    pub to: Reach,
    /// Whether there are some of the connection's own.
    pub own: bool,
    /// Whether there are test credentials.
    pub test: bool,
    /// Of how many tenants there are some.
    pub activations: i64,
}

const SELECT: &str = "SELECT owner, connection, reach, checksum FROM origins";

const ALL: Source = Source {
    table: "origins",
    select: SELECT,
    condition: "",
    of_keys: "",
    key: &[Column::Text("owner")],
};

/// Those of whom something is sealed and nobody knows what for, of all connections: it goes nowhere. Owners are
/// found one after another by the index, however much is sealed for each.
const LOST: &str = "WITH RECURSIVE owners (owner) AS (SELECT MIN(owner) FROM credentials UNION ALL \
                    SELECT (SELECT MIN(c.owner) FROM credentials c WHERE c.owner > owners.owner) \
                    FROM owners WHERE owners.owner IS NOT NULL) \
                    SELECT owners.owner, COALESCE(connections.key, SUBSTR(owners.owner, 6)) \
                    FROM owners LEFT JOIN connections ON connections.id = owners.owner \
                    WHERE (connections.key IS NOT NULL OR owners.owner LIKE 'file:%') AND NOT EXISTS \
                    (SELECT 1 FROM origins WHERE origins.owner = owners.owner)";

impl Origins<'_> {
    /// All of them, and those that are lost: of these nothing is covered. Those that do not read are named by
    /// their owners beside them: what is sealed under such an owner may go nowhere.
    pub async fn all(self, scope: &Scope) -> Result<(Vec<Entered>, Vec<StoreError>), StoreError> {
        if !scope.sees_everything() {
            return Ok((Vec::new(), Vec::new()));
        }
        let engine = &self.0.engine;
        let (mut all, mut unreadable) = ALL.all(engine, read).await?;
        match engine.rows(LOST, &[]).await {
            Err(error @ StoreError::Corrupt { .. }) => unreadable.push(error),
            rows => {
                let (lost, broken) = sorted_out(&rows?, lost);
                all.extend(lost);
                unreadable.extend(broken);
            }
        }
        Ok((all, unreadable))
    }

    /// Those of what is, or was, under this connection's key or of this owner, the lost ones too, and those that
    /// do not read: round a damaged page of whatever connection.
    pub async fn of_connection(
        self,
        scope: &Scope,
        connection: &str,
        owner: &str,
    ) -> Result<(Vec<Entered>, Vec<StoreError>), StoreError> {
        if !scope.sees_everything() {
            return Ok((Vec::new(), Vec::new()));
        }
        let sql = format!("{SELECT} WHERE connection = $1 OR owner = $2");
        match self.0.engine.rows(&sql, &[Value::Text(connection), Value::Text(owner)]).await {
            Err(StoreError::Corrupt { .. }) => {
                let (mut all, unreadable) = self.all(scope).await?;
                all.retain(|it| it.connection == connection || it.owner == owner);
                Ok((all, unreadable))
            }
            rows => {
                let (mut all, unreadable) = sorted_out(&rows?, read);
                all.extend(self.lost(&[connection]).await?);
                Ok((all, unreadable))
            }
        }
    }

    /// Those of what is, or was, under these connections' keys, and of these owners; an error where one does not
    /// read.
    pub async fn of_several(
        self,
        scope: &Scope,
        connections: &[&str],
        owners: &[&str],
    ) -> Result<Vec<Entered>, StoreError> {
        let mut all = Vec::new();
        if !scope.sees_everything() {
            return Ok(all);
        }
        for (column, texts) in [("connection", connections), ("owner", owners)] {
            for part in several::texts(texts) {
                let sql = format!("{SELECT} WHERE {column} IN (VALUES {})", part.places);
                let rows = self.0.engine.rows(&sql, &part.values).await?;
                all.extend(rows.iter().map(read).collect::<Result<Vec<_>, _>>()?);
            }
        }
        all.extend(self.lost(connections).await?);
        Ok(all)
    }

    /// What is lost of those under these connections' keys.
    async fn lost(self, connections: &[&str]) -> Result<Vec<Entered>, StoreError> {
        let mut all = Vec::new();
        for part in several::texts(connections) {
            let keys = &part.places;
            let sql = format!(
                "SELECT owners.owner, owners.connection FROM \
                 (SELECT id AS owner, key AS connection FROM connections WHERE key IN (VALUES {keys}) \
                 UNION ALL SELECT 'file:' || column1, column1 FROM (VALUES {keys}) AS declared) AS owners \
                 WHERE NOT EXISTS (SELECT 1 FROM origins WHERE origins.owner = owners.owner) \
                 AND EXISTS (SELECT 1 FROM credentials WHERE credentials.owner = owners.owner)"
            );
            let rows = self.0.engine.rows(&sql, &part.values).await?;
            all.extend(rows.iter().map(lost).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(all)
    }

    /// What is sealed under the owner may go there from now on. The revision.
    pub async fn confirm(self, scope: &Scope, to: &Entered) -> Result<i64, StoreError> {
        super::only_whoever_sees_everything(scope)?;
        let mut write = self.0.write(scope).await?;
        let rebound = write.enter(to, true).await?;
        write.told_confirmed(&to.connection, &rebound).await?;
        write.commit().await
    }
}

impl Write<'_> {
    /// Has all of these go where they are to go, or says what may not. In their order, what that is for each; none
    /// where it is nothing new.
    pub(super) async fn bind(&mut self, all: &[Bind]) -> Result<Vec<Option<Rebound>>, StoreError> {
        let (mut news, mut moves) = (Vec::with_capacity(all.len()), Vec::new());
        for bind in all {
            let entered = self.entered(&bind.to.owner).await?;
            let covers = entered.as_ref().is_some_and(|it| it.covers(&bind.to.reach));
            if entered.as_ref() == Some(&bind.to.reach) || (covers && !bind.narrows) {
                news.push(None);
                continue;
            }
            let moved = match covers {
                true => None,
                false => self.held(bind, entered.unwrap_or_default()).await?,
            };
            let holds = moved.is_some();
            match moved {
                Some(moved) if !bind.confirmed => moves.push(moved),
                _ => news.push(Some(self.enter(&bind.to, holds).await?)),
            }
        }
        if moves.is_empty() { Ok(news) } else { Err(StoreError::Elsewhere { moves }) }
    }

    /// Refuses that what stays of the own credentials of `owner` goes where they were not entered for: with a
    /// write that gives them another owner, and takes all else that is sealed for this one away.
    pub(super) async fn refuse_to_move(
        &mut self,
        owner: &str,
        binds: &[Bind],
    ) -> Result<(), StoreError> {
        let entered = self.entered(owner).await?.unwrap_or_default();
        let mut moves = Vec::new();
        for bind in binds.iter().filter(|it| !it.confirmed && !entered.covers(&it.to.reach)) {
            let to = Entered { owner: owner.to_owned(), ..bind.to.clone() };
            let held = self.held(&Bind { to, ..bind.clone() }, entered.clone()).await?;
            let held = held.map(|it| Moved { activations: 0, ..it });
            moves.extend(held.filter(|it| it.own || it.test));
        }
        if moves.is_empty() { Ok(()) } else { Err(StoreError::Elsewhere { moves }) }
    }

    /// What is sealed under the owner was entered for; none where nobody has said.
    async fn entered(&mut self, owner: &str) -> Result<Option<Reach>, StoreError> {
        let sql = format!("{SELECT} WHERE owner = $1");
        let rows = self.tx.rows(&sql, &[Value::Text(owner)]).await?;
        // What does not read covers nothing.
        Ok(rows.first().map(|it| read(it).map_or_else(|_| Reach::default(), |it| it.reach)))
    }

    /// What is sealed under the owner and does not come with the write.
    async fn held(&mut self, bind: &Bind, from: Reach) -> Result<Option<Moved>, StoreError> {
        let Entered { owner, connection, reach } = &bind.to;
        let mut moved = Moved {
            connection: connection.clone(),
            from,
            to: reach.clone(),
            own: false,
            test: false,
            activations: 0,
        };
        let sql = "SELECT slot, COUNT(*) FROM credentials WHERE owner = $1 GROUP BY slot";
        let corrupt = |_: Unreadable| StoreError::Corrupt { table: "credentials", key: None };
        for row in &self.tx.rows(sql, &[Value::Text(owner)]).await? {
            let slot = Slot::parse(&row.text(0).map_err(corrupt)?);
            let mut count = row.integer(1).map_err(corrupt)?;
            for (tenant, brought) in bind.brings.iter().filter(|it| Some(it.1) == slot) {
                let sql =
                    "SELECT 1 FROM credentials WHERE owner = $1 AND tenant = $2 AND slot = $3";
                let place =
                    [Value::Text(owner), Value::Text(tenant), Value::Text(brought.as_str())];
                count -= i64::from(!self.tx.rows(sql, &place).await?.is_empty());
            }
            match slot {
                Some(Slot::Own) => moved.own = count > 0,
                Some(Slot::Test) => moved.test = count > 0,
                Some(Slot::Activation) => moved.activations = count,
                Some(Slot::Reply | Slot::Subscription | Slot::Deployment | Slot::Authorization)
                | None => {}
                // Part of one of the others, or had with it, and that is counted.
                Some(Slot::Learned) => {}
                Some(Slot::Grant | Slot::GrantAnswer | Slot::TestGrant | Slot::TestGrantAnswer) => {
                }
            }
        }
        let is_any = moved.own || moved.test || moved.activations > 0;
        Ok(is_any.then_some(moved))
    }

    /// Says that credentials may go elsewhere now. Where several writes are one that is no confirmation yet: what
    /// moves shows in the end.
    pub(super) async fn told_confirmed(
        &mut self,
        connection: &str,
        rebound: &Rebound,
    ) -> Result<(), StoreError> {
        let is_confirmed = rebound.confirmed && self.store.gathered.is_none();
        let act = if is_confirmed { Act::Confirmed } else { Act::Bound };
        self.told_reach(connection, act, rebound.was.as_ref(), &rebound.became).await
    }

    /// Says where the credentials of a connection go from now on.
    pub(super) async fn told_reach(
        &mut self,
        connection: &str,
        act: Act,
        was: Option<&Reach>,
        became: &Reach,
    ) -> Result<(), StoreError> {
        let told = Told { kind: Kind::Connection, key: connection, tenant: "" };
        let (was, became) = (was.map(reaching), reaching(became));
        self.change(told, act, was, Some(became)).await.map(drop)
    }

    async fn enter(&mut self, to: &Entered, confirmed: bool) -> Result<Rebound, StoreError> {
        let was = self.entered(&to.owner).await?;
        self.has_bound = true;
        let rebound = Rebound { was, became: to.reach.clone(), confirmed };
        let text = serde_json::to_string(&to.reach)
            .map_err(|_| StoreError::Corrupt { table: "origins", key: None })?;
        let sql = "INSERT INTO origins (owner, connection, reach, checksum) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (owner) DO UPDATE SET connection = excluded.connection, \
                   reach = excluded.reach, checksum = excluded.checksum";
        let checksum = checksum_of(&to.owner, &to.connection, &text);
        let values = [
            Value::Text(&to.owner),
            Value::Text(&to.connection),
            Value::Text(&text),
            Value::Text(&checksum),
        ];
        self.tx.run(sql, &values).await?;
        Ok(rebound)
    }
}

/// A reach as the audit trail has it.
fn reaching(reach: &Reach) -> Object {
    let reach = serde_json::to_value(reach).unwrap_or_default();
    Object::from_iter([("reach".to_owned(), reach)])
}

fn read(row: &Row) -> Result<Entered, StoreError> {
    let whole = || {
        let (owner, connection, text) = (row.text(0)?, row.text(1)?, row.text(2)?);
        if row.text(3)? != checksum_of(&owner, &connection, &text) {
            return Err(Unreadable);
        }
        Ok(Entered { owner, connection, reach: texts(&text)? })
    };
    whole().map_err(|Unreadable| StoreError::Corrupt { table: "origins", key: row.text(0).ok() })
}

/// A row as [`LOST`] has it.
fn lost(row: &Row) -> Result<Entered, StoreError> {
    let whole = || {
        let (owner, connection) = (row.text(0)?, row.text(1)?);
        Ok(Entered { owner, connection, reach: Reach::default() })
    };
    whole().map_err(|Unreadable| StoreError::Corrupt { table: "credentials", key: None })
}

fn checksum_of(owner: &str, connection: &str, reach: &str) -> String {
    checksum("origins", &[owner], &[Value::Text(connection), Value::Text(reach)])
}

/// Gives those of before their checksums.
pub(super) async fn sum_up(tx: &mut Tx) -> Result<(), StoreError> {
    for row in &tx.rows("SELECT owner, connection, reach FROM origins", &[]).await? {
        // One that does not read is left without, and so does not read afterwards either.
        let (Ok(owner), Ok(connection), Ok(reach)) = (row.text(0), row.text(1), row.text(2)) else {
            continue;
        };
        let checksum = checksum_of(&owner, &connection, &reach);
        let sql = "UPDATE origins SET checksum = $1 WHERE owner = $2";
        tx.run(sql, &[Value::Text(&checksum), Value::Text(&owner)]).await?;
    }
    Ok(())
}
