//! Names that have series of their own: first come, first served, up to a bound.
use super::list::NAMES_MAX;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

/// At most [`NAMES_MAX`] names, each with the place of its series. A name stays until the process
/// ends: a counter that vanished and came back would look like a restart.
#[derive(Default)]
pub(super) struct Names(Mutex<Vec<Box<str>>>);

impl Names {
    /// The place of `name`; none where all are taken.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        let mut names = self.lock();
        if let Some(place) = names.iter().position(|it| **it == *name) {
            return Some(place);
        }
        if names.len() == NAMES_MAX {
            return None;
        }
        names.push(name.into());
        Some(names.len() - 1)
    }

    /// All of them, in the order of their places.
    pub(super) fn all(&self) -> Vec<Box<str>> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Box<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One worker's copy of the names that it has met, so that it asks the shared ones once per name.
#[derive(Default)]
pub(super) struct KnownNames {
    places: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
    /// All places are taken and known here: what is not, is over the bound.
    complete: bool,
}

impl KnownNames {
    pub(super) fn place(&mut self, name: &str, shared: &Names) -> Option<usize> {
        if let Some(place) = self.places.get(name) {
            return Some(*place);
        }
        if self.complete { None } else { self.ask(name, shared) }
    }

    #[cold]
    fn ask(&mut self, name: &str, shared: &Names) -> Option<usize> {
        let place = shared.place(name);
        match place {
            Some(place) => {
                self.places.insert(name.into(), place);
            }
            None => {
                self.places = shared.all().into_iter().zip(0..).collect();
                self.complete = true;
            }
        }
        place
    }
}
