//! What files declare that can be served only where there is a store.
use crate::catalog::connection::Connection;
use crate::catalog::connection::Kind;
use crate::catalog::holder::Holder;
use crate::catalog::holder::Ready;
use crate::catalog::problem::At;
use crate::catalog::problem::Problem;
use crate::catalog::snapshot::Snapshot;

impl Snapshot {
    /// Holders whose tokens have to be kept, as problems of a configuration that has no store, in the order of
    /// their connections.
    pub fn unstored(&self) -> Vec<Problem> {
        let mut connections: Vec<_> = self.connections().collect();
        connections.sort_by(|a, b| a.key.cmp(&b.key));
        connections.into_iter().flat_map(|it| problems(it)).collect()
    }
}

fn problems(connection: &Connection) -> Vec<Problem> {
    let section = At::section("connections");
    let at = section.key(connection.key.as_str());
    let told = |holder: &Holder, at: At<'_>, whose: &str| {
        let Ready::Token(holder) = &holder.ready else { return None };
        let (problem, hint) = holder.method.unstored(&holder.credential)?;
        Some(at.problem(format!("{whose}{problem}"), hint))
    };
    match &connection.kind {
        Kind::Standard(holder) => told(holder, at.key("credentials"), "").into_iter().collect(),
        Kind::Embedded { activations, test, .. } => {
            let test = test.iter().filter_map(|it| told(it, at.key("test_credentials"), ""));
            let mut tenants: Vec<_> = activations.values().collect();
            tenants.sort_by(|a, b| a.tenant.cmp(&b.tenant));
            let tenants = tenants.into_iter().filter_map(|it| {
                told(&it.holder, at, &format!("the activation of `{}`: ", it.tenant))
            });
            test.chain(tenants).collect()
        }
    }
}
