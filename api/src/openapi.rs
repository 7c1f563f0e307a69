//! Everything that is served → the OpenAPI document of it. It is put together as JSON: what there is to say comes from
//! declarations that are read when the program runs, so that types of a document would only be filled in and written out.

pub(crate) mod declared;
pub(crate) mod form;
pub(crate) mod meanings;
pub(crate) mod parameter;
mod replies;

use serde_json::{Map, Value, json};

use crate::endpoint::{Answer, Endpoint, Verb};
use form::{Components, Form};

/// OpenAPI 3.1: its schemas are JSON Schema 2020-12.
pub(crate) fn document(endpoints: &[Endpoint]) -> Value {
    let (mut components, mut paths) = (Components::new(), Map::new());
    for endpoint in endpoints {
        let verbs = paths.entry(endpoint.path.clone()).or_insert_with(|| json!({}));
        verbs[endpoint.verb.name()] = operation(endpoint, &mut components);
    }
    replies::describe(&mut components);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Fathom",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
            "description": ABOUT,
        },
        "servers": [{ "url": "/" }],
        "tags": tags(),
        "paths": paths,
        "components": { "schemas": components, "responses": replies::shared() },
    })
}

const ABOUT: &str = "Who is long and who is short on Hyperliquid, who was liquidated and how, at which price everything stands. \
     Decimals are strings, so that no digit is lost; times are milliseconds UTC; what is not known is null, with a reason. \
     A reply is `{data, meta}`, and `meta` says what the data stand on. Lists go on at `meta.next_cursor` and are told whole \
     as NDJSON or CSV. Live results are at `/api/v1/ws`.";

const DASHBOARDS: &str = "The same values, and beside each as a person reads it";

/// By the beginning of the path; the first one that fits.
pub(crate) const TAGS: [(&str, &str, &str); 12] = [
    ("/api/v1/liquidation", "Liquidations", "What was closed by force, and what would be, at which price"),
    ("/api/v1/long-short-ratio", "Ratios", "How many stand on each side, or how much they hold"),
    ("/api/v1/taker-flow", "Ratios of trades", "What takers bought and sold"),
    ("/api/v1/positions", "Positions", "Who holds what"),
    ("/api/v1/wallets", "Wallets", "What wallets have made, paid and traded"),
    ("/api/v1/whales", "Whales", "What large orders and large transfers did"),
    ("/api/v1/data-quality", "Data quality", "Which sources are heard, and what of them is missing"),
    ("/api/v1/market/", "Dashboards", DASHBOARDS),
    ("/api/v1/whale/", "Dashboards", DASHBOARDS),
    ("/api/v1/wallet/", "Dashboards", DASHBOARDS),
    ("/futures/data/", "Binance", "The same ratios with the names, the parameters and the errors of Binance"),
    ("/", "Markets and service", "What is traded, at which price, and how the service is"),
];

fn tags() -> Vec<Value> {
    let mut tags: Vec<Value> =
        TAGS.iter().map(|(_, name, about)| json!({ "name": name, "description": about })).collect();
    tags.dedup();
    tags
}

pub(crate) fn tag(path: &str) -> &'static str {
    TAGS.iter().find(|(beginning, ..)| path.starts_with(beginning)).map_or("", |(_, name, _)| name)
}

fn operation(endpoint: &Endpoint, components: &mut Components) -> Value {
    let operation = &endpoint.operation;
    let mut told = json!({
        "operationId": name(endpoint),
        "tags": [tag(&endpoint.path)],
        "summary": operation.summary,
        "description": sentence(&operation.description),
        "parameters": operation.parameters.iter().map(|it| it.told()).collect::<Vec<_>>(),
        "responses": replies::of(&operation.answer, components),
        "x-requests": endpoint.requests(),
    });
    if let Answer::Made(body, _) = operation.answer {
        let schema = Form::Object(body).schema(components);
        told["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    told
}

/// `/api/v1/prices/{coin}` is `prices_coin`.
fn name(endpoint: &Endpoint) -> String {
    let path = endpoint.path.trim_start_matches("/api/v1");
    let words = path.split(['/', '{', '}', '-', '.', '*']).filter(|word| !word.is_empty());
    let verb = (endpoint.verb != Verb::Get).then(|| endpoint.verb.name());
    let name = verb.into_iter().chain(words).collect::<Vec<_>>().join("_");
    if name.is_empty() { "page".to_owned() } else { name }
}

pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}
