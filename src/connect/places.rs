//! How many visits are answered at the same time: so that neither one link nor one provider that hangs is in the way
//! of all other customers.
use super::route::Route;
use hashbrown::HashMap;
use http::Method;
use std::sync::Mutex;
use std::sync::PoisonError;

/// Of all that only look.
const LOOKS_MAX: u16 = 256;

/// Of all that act, which may wait for a provider.
const ACTS_MAX: u16 = 512;

/// Of those to one connection.
const OF_CONNECTION_MAX: u16 = 64;

/// Of those by one link.
const OF_LINK_MAX: u16 = 4;

/// Whoever is being answered, by what they may be too many of. Never more keys than visits.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<HashMap<String, u16>>);

/// Room for one visit, until dropped.
#[derive(Debug)]
pub(super) struct Place<'p> {
    places: &'p Places,
    taken: Vec<String>,
}

impl Places {
    /// None where it would be one too many.
    pub(super) fn enter(&self, route: &Route<'_>, method: &Method) -> Option<Place<'_>> {
        let is_look = *method != Method::POST && *route != Route::Callback;
        let all = if is_look { ("look", LOOKS_MAX) } else { ("act", ACTS_MAX) };
        let mut wanted = vec![(all.0.to_owned(), all.1)];
        if !route.token().is_empty() {
            wanted.push((format!("link {}", route.token()), OF_LINK_MAX));
        }
        if let Route::Begin { connection, .. } = route {
            wanted.push((format!("connection {connection}"), OF_CONNECTION_MAX));
        }
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = |(key, most): &(String, u16)| counts.get(key).is_none_or(|it| it < most);
        if !wanted.iter().all(has_room) {
            return None;
        }
        let taken: Vec<String> = wanted.into_iter().map(|it| it.0).collect();
        for key in &taken {
            *counts.entry_ref(key.as_str()).or_insert(0) += 1;
        }
        Some(Place { places: self, taken })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut counts = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.taken {
            if let Some(count) = counts.get_mut(key) {
                *count -= 1;
            }
            if counts.get(key) == Some(&0) {
                counts.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_places() {
        let places = Places::default();
        let token = |it: usize| format!("{it:043}");
        let begin = |token: &str, connection: &str| {
            let route = Route::Begin { token, connection: connection.to_owned() };
            places.enter(&route, &Method::POST)
        };
        let of_link: Vec<_> = (0..10).filter_map(|_| begin(&token(0), "crm")).collect();
        assert_eq!(of_link.len(), 4);
        let of_connection: Vec<_> = (1..100).filter_map(|it| begin(&token(it), "crm")).collect();
        assert_eq!(of_connection.len(), 60);
        assert!(begin(&token(200), "mail").is_some(), "another connection");
        let one = token(0);
        assert!(places.enter(&Route::Link { token: &one }, &Method::GET).is_none());
        drop(of_link);
        assert!(places.enter(&Route::Link { token: &one }, &Method::GET).is_some());
        let looks: Vec<_> = (0..1000)
            .filter_map(|it| places.enter(&Route::Link { token: &token(it) }, &Method::GET))
            .collect();
        assert_eq!(looks.len(), 256);
        assert!(places.enter(&Route::Callback, &Method::GET).is_some());
        drop((looks, of_connection));
        assert!(places.0.lock().unwrap().is_empty());
    }
}
