//! Who hears again what was told → whether one more may: so many at once of one caller, and so many of all. Each of them
//! keeps the log read for as long as it lasts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::ApiError;
use crate::gate::Caller;
use crate::measure::Counted;

/// The replays that go on, of each caller.
#[derive(Debug, Default)]
pub struct Replays {
    of: Mutex<HashMap<Caller, usize>>,
}

pub(crate) const OF_A_CALLER: usize = 2;
const OF_ALL: usize = 16;

/// Of one replay; given back when nobody holds it any more.
pub(crate) struct Place {
    replays: Arc<Replays>,
    caller: Caller,
    _counted: Counted,
}

impl Replays {
    pub(crate) fn take(self: &Arc<Self>, caller: &Caller) -> Result<Place, ApiError> {
        let mut of = self.of();
        if of.get(caller).is_some_and(|taken| *taken >= OF_A_CALLER) {
            return Err(ApiError::TooManyReplays { of_the_caller: true });
        }
        if of.values().sum::<usize>() >= OF_ALL {
            return Err(ApiError::TooManyReplays { of_the_caller: false });
        }
        *of.entry(caller.clone()).or_default() += 1;
        Ok(Place { replays: Arc::clone(self), caller: caller.clone(), _counted: Counted::replay() })
    }

    /// Nothing can fail half-way while it is held.
    fn of(&self) -> MutexGuard<'_, HashMap<Caller, usize>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut of = self.replays.of();
        if let Some(taken) = of.get_mut(&self.caller) {
            *taken -= 1;
        }
        of.retain(|_, taken| *taken > 0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn there_are_so_many_places_of_one_and_of_all_and_they_are_given_back() {
        let replays = Arc::new(Replays::default());
        let caller = |number: usize| Caller::Key(number.to_string());
        let mut places: Vec<Place> = (0..OF_ALL).map(|n| replays.take(&caller(n / OF_A_CALLER)).unwrap()).collect();
        let refused = |number| replays.take(&caller(number)).err().unwrap().to_string();
        assert!(refused(0).contains("you have 2 replays"), "{}", refused(0));
        assert!(refused(OF_ALL).contains("as many replays"), "{}", refused(OF_ALL));
        places.pop();
        drop(replays.take(&caller(OF_ALL)).unwrap());
        places.clear();
        assert!(replays.of().is_empty(), "who has none is forgotten");
    }
}
