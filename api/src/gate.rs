//! What every request passes before it comes to a resource, and every reply on its way out: a name of its own, who may
//! read it in a browser, how large and how long it may be, and what is said when something of ours breaks.

mod access;
mod address;
mod keys;
mod limits;
mod origins;
mod rates;
mod request_id;
mod room;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use axum::middleware::{from_fn, from_fn_with_state, map_response_with_state};
use tower_http::compression::CompressionLayer;

pub(crate) use access::Pass;
pub use keys::{Key, Keys, Scope, fingerprint, token};
pub(crate) use rates::Caller;
pub use rates::Rates;
pub use room::NoRoom;

use crate::replay::Replays;
use crate::{Serving, caching, measure, reply};

/// Who may come in, and how.
#[derive(Clone, Default)]
pub struct Gate {
    /// The pages that may read replies in a browser; `*` is all of them. Nobody else's, when there are none.
    pub origins: Vec<HeaderValue>,
    /// Which keys are good now. Without, everybody may ask for everything.
    pub keys: Option<Arc<dyn Fn() -> Arc<Keys> + Send + Sync>>,
    /// How much everybody may ask.
    pub rates: Option<Arc<Rates>>,
    /// Who tells truly whose requests it hands on.
    pub proxies: Vec<IpAddr>,
    /// Who hears once more what was told.
    pub replays: Arc<Replays>,
}

/// Whatever is inside of another one is listed before it.
pub(crate) fn guard(routes: Router<Serving>, serving: &Serving) -> Router<Serving> {
    let context = serving.now();
    let bounded = routes
        .layer(from_fn(limits::bounded))
        .layer(from_fn_with_state(serving.clone(), access::checked))
        .layer(from_fn(room::turn_away))
        .layer(map_response_with_state(serving.clone(), reply::say_errors))
        .layer(from_fn(caching::spare_what_is_known))
        .layer(CompressionLayer::new());
    let read = match context.gate.origins.as_slice() {
        [] => bounded,
        origins => bounded.layer(origins::layer(origins)),
    };
    read.layer(from_fn(measure::request)).layer(from_fn(request_id::named))
}
