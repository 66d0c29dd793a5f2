//! The operations of a document, each once: of its paths, and of what those refer to.
use super::reference::RefError;
use super::reference::References;
use super::tree::METHODS;
use super::tree::Pointer;
use serde_json::Value;

/// Most path items and operations that are looked at. References make them cheap to write: a hundred bytes of paths that
/// lead to one item are nine operations each.
pub(super) const LOOKED_AT_MAX: usize = 30_000;

/// All that a document has.
pub(super) struct Operations<'v> {
    pub(super) root: &'v Value,
    references: References<'v>,
}

/// An operation, and what of its path item counts for it.
pub(super) struct Operation<'v> {
    pub(super) path: &'v str,
    pub(super) method: &'static str,
    pub(super) value: &'v Value,
    pub(super) at: Pointer,
    /// Its own servers, else its path item's.
    pub(super) servers: Option<&'v Value>,
}

/// What a look at the paths comes upon.
pub(super) enum Found<'v> {
    Operation(Operation<'v>),
    /// What this place refers to is not there.
    Broken(Pointer, RefError),
    /// There is more than [`LOOKED_AT_MAX`].
    Beyond,
}

impl<'v> Operations<'v> {
    pub(super) fn of(root: &'v Value) -> Self {
        Self { root, references: References::of(root) }
    }

    /// All of them, in the order in which they stand.
    ///
    /// What stands beside a path item's `$ref` counts before what it refers to: OpenAPI 3.1.0 §4.8.9 lets readers choose.
    pub(super) fn each(&self, mut visit: impl FnMut(Found<'v>)) {
        let at_paths = Pointer::root().child("paths");
        let mut looked_at = 0_usize;
        for (path, item) in super::members(self.root, "paths") {
            looked_at += 1;
            if looked_at > LOOKED_AT_MAX {
                return visit(Found::Beyond);
            }
            let (items, broken) = self.references.chain(item, &at_paths.child(path));
            let of_item = items.iter().find_map(|it| it.0.get("servers"));
            for method in METHODS {
                let found = items.iter().find_map(|it| Some((it.0.get(method)?, &it.1)));
                let Some((operation, at)) = found else { continue };
                looked_at += 1;
                if looked_at > LOOKED_AT_MAX {
                    return visit(Found::Beyond);
                }
                visit(match self.references.followed(operation, &at.child(method)) {
                    Ok((value, at)) => {
                        let (servers, at) = (value.get("servers").or(of_item), (*at).clone());
                        Found::Operation(Operation { path, method, value, at, servers })
                    }
                    Err(error) => Found::Broken(at.child(method), error),
                });
            }
            if let Some(error) = broken {
                visit(Found::Broken(at_paths.child(path), error));
            }
        }
    }
}
