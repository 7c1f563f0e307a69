//! What requests are answered from at present → each request as it comes. Another generation of results may take its place,
//! at once: whoever asks from then on is answered from that one, and whoever listens goes on with it.

use std::sync::Arc;

use axum::extract::FromRef;
use tokio::sync::watch;

use crate::Context;

#[derive(Clone)]
pub struct Serving {
    context: Arc<watch::Sender<Arc<Context>>>,
}

impl Serving {
    pub fn of(context: Arc<Context>) -> Self {
        Self { context: Arc::new(watch::Sender::new(context)) }
    }

    pub fn turn_to(&self, context: Arc<Context>) {
        self.context.send_replace(context);
    }

    pub fn now(&self) -> Arc<Context> {
        Arc::clone(&self.context.borrow())
    }

    /// Tells of each that takes the place of the one before.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Context>> {
        self.context.subscribe()
    }
}

impl FromRef<Serving> for Arc<Context> {
    fn from_ref(serving: &Serving) -> Self {
        serving.now()
    }
}
