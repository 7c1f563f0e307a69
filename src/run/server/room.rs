//! How many connections there are, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::NoRoom;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many there may be.
#[derive(Debug, Clone)]
pub struct Most {
    pub in_all: u32,
    pub from_one_address: u32,
    /// Who stands for many: bounded only as all are together.
    pub proxies: Vec<IpAddr>,
}

pub struct Room {
    most: Most,
    places: Arc<Semaphore>,
    guests: Arc<Mutex<Guests>>,
}

type Guests = HashMap<IpAddr, u32>;

/// A place that is taken, as long as this is held.
pub struct Guest {
    address: IpAddr,
    guests: Arc<Mutex<Guests>>,
    _place: OwnedSemaphorePermit,
}

impl Room {
    pub fn new(most: Most) -> Self {
        let places = Arc::new(Semaphore::new(most.in_all as usize));
        Self { most, places, guests: Arc::default() }
    }

    pub fn enter(&self, address: IpAddr) -> Result<Guest, NoRoom> {
        let address = address.to_canonical();
        let mut guests = lock(&self.guests);
        let of_the_address = guests.get(&address).copied().unwrap_or_default();
        if !self.most.proxies.contains(&address) && of_the_address >= self.most.from_one_address {
            return Err(NoRoom::ForTheAddress);
        }
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| NoRoom::ForAnyone)?;
        guests.insert(address, of_the_address + 1);
        Ok(Guest { address, guests: Arc::clone(&self.guests), _place: place })
    }

    /// Comes back when everybody has gone; nobody comes in after that.
    pub async fn is_empty(&self) {
        if let Ok(all) = self.places.acquire_many(self.most.in_all).await {
            all.forget();
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut guests = lock(&self.guests);
        match guests.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(guests.remove(&self.address)),
        }
    }
}

/// Nothing can fail half-way while it is held.
fn lock(guests: &Mutex<Guests>) -> MutexGuard<'_, Guests> {
    guests.lock().unwrap_or_else(PoisonError::into_inner)
}
