//! Random tapes of everything that the wallet stage reads.

use alloc::collections::BTreeMap;

use proptest::prelude::*;
use schemas::{AccountState, LedgerUpdate, MarketState, WhaleWatch};

use super::liquidations::{START, wallet};
use super::*;

pub(super) const COINS: [&str; 2] = ["BTC", "xyz:CRWV"];
/// Of the wallets the last one is known to everybody.
pub(super) const HLP: &str = "0xdfc24b077bc1425ad1dea75bcb6f8158e10df303";
pub(super) const LIQUIDATOR: &str = "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14";
const DAY: i64 = 86_400_000;

/// One block, and what was written beside it at its time.
pub(super) struct Told {
    pub time: i64,
    pub number: u64,
    pub changes: Vec<PositionChange>,
    pub market: Option<MarketState>,
    pub account: Option<AccountState>,
    pub watch: Option<WhaleWatch>,
    pub flow: Option<LedgerUpdate>,
}

#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Time since the block before.
    after: i64,
    orders: Vec<Ordered>,
    /// The orders are filled by turns.
    interleaved: bool,
    market: Option<(usize, Option<&'static str>, Option<&'static str>)>,
    account: Option<Account>,
    watch: Option<(u64, Option<&'static str>, &'static str, bool)>,
    flow: Option<(u64, usize, &'static str)>,
}

#[derive(Debug, Clone)]
struct Ordered {
    wallet: u64,
    coin: usize,
    buys: bool,
    dir: &'static str,
    liquidated: bool,
    fills: Vec<Filled>,
}

#[derive(Debug, Clone)]
struct Filled {
    px: &'static str,
    sz: i64,
    crossed: bool,
    /// What the fill says of costs and fees.
    cost: Option<u32>,
    closed_pnl: Option<&'static str>,
    fee: Option<&'static str>,
    fee_token: Option<&'static str>,
}

#[derive(Debug, Clone)]
struct Account {
    wallet: u64,
    coin: usize,
    earlier: i64,
    holds: bool,
    size: i64,
}

fn filled() -> impl Strategy<Value = Filled> {
    let px = prop_oneof![Just("100"), Just("99.5"), Just("250.125")];
    let sz = prop_oneof![3 => Just(100), 2 => Just(400), 2 => Just(500), 1 => Just(1_000), 1 => Just(2_000)];
    let cost = prop::option::weighted(0.8, 1..9_u32);
    let closed_pnl = prop::option::weighted(0.9, prop_oneof![Just("0.0"), Just("-12.5"), Just("1.25")]);
    let fee = prop::option::weighted(0.9, prop_oneof![Just("0.1"), Just("-0.02")]);
    let fee_token = prop_oneof![6 => Just(None), 1 => Just(Some("USDH"))];
    (px, sz, any::<bool>(), (cost, closed_pnl, fee, fee_token)).prop_map(|(px, sz, crossed, more)| {
        let (cost, closed_pnl, fee, fee_token) = more;
        Filled { px, sz, crossed, cost, closed_pnl, fee, fee_token }
    })
}

fn ordered() -> impl Strategy<Value = Ordered> {
    let dir = prop_oneof![8 => Just(""), 1 => Just("Auto-Deleveraging"), 1 => Just("Settlement"), 1 => Just("Net Child Vaults")];
    let fills = prop::collection::vec(filled(), 1..4);
    (0..3_u64, 0..2_usize, any::<bool>(), dir, prop::bool::weighted(0.1), fills)
        .prop_map(|(wallet, coin, buys, dir, liquidated, fills)| Ordered { wallet, coin, buys, dir, liquidated, fills })
}

pub(super) fn block() -> impl Strategy<Value = Block> {
    let after = prop_oneof![
        4 => Just(70), 2 => Just(999), 2 => Just(1_000), 2 => Just(5_000), 1 => Just(3_599_000), 1 => Just(DAY - 3_600_000),
        1 => Just(DAY),
    ];
    let volume = prop_oneof![Just(None), Just(Some("0.0")), Just(Some("1000000000")), Just(Some("2000000000.5"))];
    let open_interest = prop_oneof![Just(None), Just(Some("0.0")), Just(Some("30000"))];
    let account = (0..3_u64, 0..2_usize, prop_oneof![Just(0), Just(4_000)], any::<bool>(), -3..4_i64)
        .prop_map(|(wallet, coin, earlier, holds, size)| Account { wallet, coin, earlier, holds, size: size * 100 });
    let least = prop_oneof![Just(None), Just(Some("40000")), Just(Some("150000"))];
    let watch = (0..3_u64, least, prop_oneof![Just("the fund"), Just("")], prop::bool::weighted(0.3));
    let usd = prop_oneof![Just("99999.99"), Just("100000.0"), Just("40000"), Just("1")];
    let beside = (
        prop::option::of((0..2_usize, volume, open_interest)),
        prop::option::of(account),
        prop::option::of(watch),
        prop::option::of((0..3_u64, 0..FLOWS.len(), usd)),
    );
    (after, prop::collection::vec(ordered(), 0..4), any::<bool>(), beside).prop_map(
        |(after, orders, interleaved, (market, account, watch, flow))| Block {
            after,
            orders,
            interleaved,
            market,
            account,
            watch,
            flow,
        },
    )
}

/// Type of the ledger, and what it is for its user.
pub(super) const FLOWS: [(&str, &str, i32); 7] = [
    ("deposit", "deposit", 1),
    ("withdraw", "withdraw", -1),
    ("sent", "transfer", -1),
    ("received", "transfer", 1),
    ("deposited", "transfer", 1),
    ("paid", "transfer", -1),
    ("accountClassTransfer", "", 0),
];

fn who(number: u64) -> String {
    if number == 2 { HLP.into() } else { wallet(number) }
}

pub(super) fn tape_of(blocks: &[Block]) -> Vec<Told> {
    let (mut tape, mut time, mut held) = (Vec::new(), START, BTreeMap::new());
    for (number, block) in (1_u64..).zip(blocks) {
        time += block.after;
        let market = block.market.map(|(coin, volume, open_interest)| {
            json!({ "coin": COINS[coin], "time": time, "day_notional": volume, "open_interest": open_interest,
                "mark_px": format!("{}.5", 95 + time % 11), "margin_tiers": [{ "lower_bound": "0.0", "max_leverage": 20 }] })
        });
        let watch = block.watch.map(|(number, least, label, removed)| {
            json!({ "wallet": who(number), "label": label, "min_notional": least, "time": time, "removed": removed })
        });
        let read = |value: Value| serde_json::from_value(value).unwrap();
        tape.push(Told {
            time,
            number,
            changes: changes(block, number, time, &mut held).into_iter().map(read).collect(),
            market: market.map(|it| serde_json::from_value(it).unwrap()),
            account: block.account.as_ref().map(|it| serde_json::from_value(account(it, time)).unwrap()),
            watch: watch.map(|it| serde_json::from_value(it).unwrap()),
            flow: block.flow.map(|it| serde_json::from_value(flow(it, number, time)).unwrap()),
        });
    }
    tape
}

/// What is held, by coin and wallet.
type Held = BTreeMap<(usize, u64), i64>;

fn changes(block: &Block, number: u64, time: i64, held: &mut Held) -> Vec<Value> {
    let mut turns: Vec<(usize, u64, &Ordered, &Filled)> = Vec::new();
    for (oid, order) in (1..).zip(&block.orders) {
        turns.extend(order.fills.iter().enumerate().map(|(turn, fill)| (turn, oid, order, fill)));
    }
    if block.interleaved {
        turns.sort_by_key(|(turn, ..)| *turn);
    }
    let change = |(index, (_, oid, order, fill)): (usize, (usize, u64, &Ordered, &Filled))| {
        let held = held.entry((order.coin, order.wallet)).or_default();
        let before = *held;
        *held += if order.buys { fill.sz } else { -fill.sz };
        json!({
            "coin": COINS[order.coin], "wallet": who(order.wallet), "time": time, "block": number, "index": index,
            "side": if order.buys { "B" } else { "A" }, "px": fill.px, "sz": format!("{}.0", fill.sz), "dir": order.dir,
            "before": format!("{before}.0"), "after": format!("{held}.0"), "cost": fill.cost.map(|it| format!("{it}00.5")),
            "oid": oid, "crossed": fill.crossed, "closed_pnl": fill.closed_pnl, "fee": fill.fee, "fee_token": fill.fee_token,
            "liquidation": order.liquidated.then_some("market"),
        })
    };
    turns.into_iter().enumerate().map(change).collect()
}

fn account(account: &Account, time: i64) -> Value {
    let summary = json!({ "accountValue": format!("{}", time % 7_919), "totalNtlPos": "1", "totalRawUsd": "1", "totalMarginUsed": "1" });
    let held = json!({ "position": {
        "coin": COINS[account.coin], "szi": format!("{}", account.size), "leverage": { "type": "cross", "value": 1 + time % 20 },
        "positionValue": "1", "unrealizedPnl": "1", "marginUsed": "1", "liquidationPx": "77.5",
    } });
    json!({
        "user": who(account.wallet), "dex": if account.coin == 1 { "xyz" } else { "" }, "time": time - account.earlier,
        "marginSummary": summary, "crossMarginSummary": summary,
        "assetPositions": if account.holds { json!([held]) } else { json!([]) },
    })
}

fn flow((user, kind, usd): (u64, usize, &str), number: u64, time: i64) -> Value {
    flow_of(&who(user), FLOWS[kind].0, usd, (number, time))
}

/// The ids end with what they are of.
pub(super) fn flow_of(me: &str, kind: &str, usd: &str, (number, time): (u64, i64)) -> Value {
    let other = wallet(9);
    let delta = match kind {
        "sent" => json!({ "type": "internalTransfer", "usdc": usd, "user": me, "destination": other }),
        "received" => json!({ "type": "internalTransfer", "usdc": usd, "user": other, "destination": me }),
        "deposited" => json!({ "type": "vaultDeposit", "usdc": usd, "user": other, "vault": me }),
        "paid" => json!({ "type": "vaultDeposit", "usdc": usd, "user": me, "vault": LIQUIDATOR }),
        kind => json!({ "type": kind, "usdc": usd }),
    };
    json!({ "id": format!("flow-{number}-{kind}"), "user": me, "time": time, "hash": format!("0x{:064x}", 0), "delta": delta })
}
