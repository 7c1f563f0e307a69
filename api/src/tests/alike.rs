//! Every list, by each of its filters, in each of its sorts and both ways: chosen and sorted by value, all pages together
//! what is told at once, also while rows are written, and the same from both databases.

use std::cmp::Ordering;

use schemas::{Amount, Fill, LiquidationCascade, LiquidationEpisode, LiquidationOrder, Position, WhaleActivity};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::fixture::{Served, position, serve, wallet};
use super::place::{on_both, on_postgres};
use crate::filter::Filter;
use crate::liquidations::METHODS;
use crate::list::{LISTS, List};

on_both! {
    rows_are_chosen_and_sorted_by_value,
    pages_are_the_whole_while_rows_are_written,
}

const ROWS: u32 = 120;
const ALL: &str = "limit=1000";

/// Sizes of every scale and length, some alike, some too large to be told.
fn notional(n: u32) -> Option<String> {
    match n % 9 {
        0 => None,
        1 => Some(format!("{n}.50")),
        2 => Some(format!("{}.5", n - 1)),
        3 => Some("0.0".to_owned()),
        4 => Some(format!("0.000{n}")),
        5 => Some(format!("{n}000000000.000001")),
        6 => Some(format!("{}", n * 100)),
        7 => Some("100.00".to_owned()),
        _ => Some(format!("99.9{n}")),
    }
}

fn side(n: u32) -> &'static str {
    if n.is_multiple_of(2) { "long" } else { "short" }
}

fn coin(n: u32) -> &'static str {
    ["BTC", "ETH", "kPEPE"][n as usize % 3]
}

fn made<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn fill(n: u32) -> Fill {
    made(json!({
        "block": 100 + n / 3, "index": n % 3, "user": wallet(n % 7), "coin": coin(n), "px": notional(n).unwrap_or("7".to_owned()),
        "sz": "1.0", "side": if n.is_multiple_of(2) { "B" } else { "A" }, "time": n / 3 * 10, "startPosition": "-1.0",
        "dir": "Open Long", "hash": format!("0x{:064x}", n / 5), "oid": 1000 + n / 5, "crossed": true,
    }))
}

fn order(n: u32) -> LiquidationOrder {
    made(json!({
        "coin": coin(n), "wallet": wallet(n % 7), "side": side(n), "method": METHODS[n as usize % 3],
        "block": n, "time": n / 4 * 10, "fills": 2, "size": "1.50", "notional": notional(n), "mark_px": "67.0",
        "closed_pnl": "-3", "remaining": "0.0",
    }))
}

fn episode(n: u32) -> LiquidationEpisode {
    made(json!({
        "coin": coin(n), "wallet": wallet(n % 7), "side": side(n), "first_block": n, "last_block": n + 3,
        "first_time": n / 4 * 10, "last_time": n * 10, "orders": 2, "fills": 4, "size": "3.0", "notional": notional(n),
        "adl_size": "0", "closed_pnl": "-6", "remaining": "0.0", "complete": true, "final": n.is_multiple_of(2), "clock": 900,
    }))
}

fn cascade(n: u32) -> LiquidationCascade {
    made(json!({
        "coin": coin(n), "side": side(n), "first_block": n, "last_block": n + 3, "first_time": n / 4 * 10, "last_time": n * 10,
        "orders": 7, "accounts": 5, "notional": notional(n), "peak_time": n, "first_mark_px": "1", "last_mark_px": "2",
        "complete": true, "final": true, "clock": 900,
    }))
}

fn whale(n: u32) -> WhaleActivity {
    made(json!({
        "wallet": wallet(n % 7), "id": format!("{n}|0|{}", coin(n)), "action": if n.is_multiple_of(2) { "open" } else { "close" }, "time": n / 4 * 10,
        "notional": notional(n), "threshold": "1", "rule": { "floor": "1", "share_of_volume": "0.1" }, "order": {
            "coin": coin(n), "oid": 7, "block": n, "index": 0, "fills": 2, "side": side(n), "size": "1.50", "taker_size": "0.5",
            "before": "0.0", "after": "1.50",
        },
    }))
}

fn change(n: u32) -> Position {
    let size = if n.is_multiple_of(2) { "1.5" } else { "-1" };
    Position { changed_at: i64::from(n / 4 * 10), block: n.into(), ..position(coin(n), n % 7, size) }
}

async fn add(served: &mut Served, numbers: impl Iterator<Item = u32> + Clone) {
    served.add_facts(numbers.clone().map(fill)).await;
    served.add(numbers.clone().map(order)).await;
    served.add(numbers.clone().map(episode)).await;
    served.add(numbers.clone().map(cascade)).await;
    served.add(numbers.clone().map(whale)).await;
    served.add(numbers.map(change)).await;
}

/// Nothing, and each filter with a value that some rows have.
fn choices(list: &'static List) -> Vec<(Option<&'static Filter>, String)> {
    let chosen = |filter: &'static Filter| match filter {
        Filter::Coin => vec!["ETH".to_owned()],
        Filter::Wallet => vec![wallet(3).to_string()],
        Filter::Hash => vec![format!("0x{:064x}", 2)],
        Filter::Count { .. } => vec!["1003".to_owned()],
        Filter::Word { words, .. } | Filter::About { words, .. } => words.iter().map(|&word| word.to_owned()).collect(),
        Filter::AtLeast { .. } => ["0", "100", "99.95", "28.5", "0.0004"].map(str::to_owned).into(),
    };
    let all = list.filters.iter().flat_map(|filter| chosen(filter).into_iter().map(move |value| (Some(filter), value)));
    std::iter::once((None, String::new())).chain(all).collect()
}

/// What a list can be asked by one filter, and the path with a parameter for it.
struct Question {
    list: &'static List,
    chosen: Option<(&'static Filter, String)>,
    sort: Option<&'static str>,
    ascends: bool,
    path: String,
}

/// Every one there is.
fn questions() -> Vec<Question> {
    let mut questions = Vec::new();
    for list in LISTS {
        for (filter, value) in choices(list) {
            for sort in std::iter::once(None).chain(list.sorts.iter().copied().map(Some)) {
                for ascends in [true, false] {
                    let given = filter.map(|it| format!("&{}={value}", it.name())).unwrap_or_default();
                    let (sort_name, way) = (sort.unwrap_or("time"), if ascends { "asc" } else { "desc" });
                    let path = format!("/api/v1/{}?sort={sort_name}&order={way}{given}", list.name);
                    let chosen = filter.map(|it| (it, value.clone()));
                    questions.push(Question { list, chosen, sort, ascends, path });
                }
            }
        }
    }
    questions
}

fn rows(reply: &Value) -> Vec<Value> {
    reply["data"].as_array().unwrap().clone()
}

async fn rows_are_chosen_and_sorted_by_value(url: String) {
    let mut served = serve(&url).await;
    add(&mut served, 0..ROWS).await;
    for Question { list, chosen, sort, ascends, path } in questions() {
        let told = rows(&served.good(&format!("{path}&{ALL}")).await);
        assert!(!told.is_empty() || chosen.is_some(), "{path}");
        let in_order = told.windows(2).all(|two| {
            let order = compare(list, sort, &two[0], &two[1]);
            order == if ascends { Ordering::Less } else { Ordering::Greater }
        });
        assert!(in_order, "{path}: {told:#?}");
        let everything = rows(&served.good(&format!("/api/v1/{}?{ALL}", list.name)).await);
        if let Some((filter, value)) = chosen
            && let Some(fits) = fits(filter, &value)
        {
            let count = everything.iter().filter(|row| fits(row)).count();
            assert_eq!((told.len(), told.iter().all(fits)), (count, true), "{path}");
        }
    }
}

/// Decimals by value, what is not known behind all; then what the list goes by.
fn compare(list: &List, sort: Option<&str>, one: &Value, other: &Value) -> Ordering {
    let amount = |row: &Value, name: &str| row[name].as_str().map(|text| text.parse::<Amount>().unwrap());
    let by_sort = sort.map_or(Ordering::Equal, |name| match (amount(one, name), amount(other, name)) {
        (Some(one), Some(other)) => one.cmp(&other),
        (one, other) => one.is_none().cmp(&other.is_none()),
    });
    list.order.iter().fold(by_sort, |order, column| {
        let name = if *column == "idx" { "index" } else { column };
        order.then_with(|| match (&one[name], &other[name]) {
            (Value::Number(one), Value::Number(other)) => one.as_i64().cmp(&other.as_i64()),
            (one, other) => one.as_str().cmp(&other.as_str()),
        })
    })
}

type Fits<'a> = Box<dyn Fn(&Value) -> bool + 'a>;

/// Whether a row is one of the chosen, where that can be seen in it.
fn fits<'a>(filter: &'a Filter, value: &'a str) -> Option<Fits<'a>> {
    match filter {
        Filter::About { .. } => None,
        Filter::AtLeast { column, .. } => {
            let least: Amount = value.parse().unwrap();
            Some(Box::new(move |row| row[*column].as_str().is_none_or(|told| told.parse::<Amount>().unwrap() >= least)))
        }
        Filter::Count { name, .. } => Some(Box::new(move |row| row[*name] == value.parse::<i64>().unwrap())),
        named => Some(Box::new(move |row| row[named.name()] == value)),
    }
}

async fn pages_are_the_whole_while_rows_are_written(url: String) {
    let mut served = serve(&url).await;
    // Those that come meanwhile lie among these.
    add(&mut served, (0..ROWS).filter(|n| !n.is_multiple_of(5))).await;
    let mut coming = (0..ROWS).filter(|n| n.is_multiple_of(5)).cycle();
    for Question { path, .. } in questions() {
        let before = rows(&served.good(&format!("{path}&{ALL}")).await);
        let (mut told, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = served.good(&format!("{path}&limit=29{cursor}")).await;
            told.extend(rows(&page));
            let n = coming.next().unwrap();
            add(&mut served, n..=n).await;
            match page["meta"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        for (place, row) in told.iter().enumerate() {
            assert!(!told[..place].contains(row), "{path}: twice: {row}");
        }
        let kept: Vec<&Value> = told.iter().filter(|row| before.contains(row)).collect();
        assert_eq!(kept, before.iter().collect::<Vec<_>>(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "FATHOM_POSTGRES is to be the address of a server"]
async fn both_databases_answer_alike() {
    on_postgres(alike).await;
}

async fn alike(postgres: String) {
    let folder = TempDir::new().unwrap();
    let mut both =
        [serve(&postgres).await, serve(&format!("sqlite://{}/fathom.sqlite", folder.path().display())).await];
    for served in &mut both {
        add(served, 0..ROWS).await;
    }
    for Question { path, .. } in questions() {
        for limit in ["limit=1000", "limit=11"] {
            let path = format!("{path}&{limit}");
            let (one, other) = (both[0].good(&path).await, both[1].good(&path).await);
            assert_eq!(one["data"], other["data"], "{path}");
            assert_eq!(one["meta"]["next_cursor"], other["meta"]["next_cursor"], "{path}");
        }
    }
}
