//! The large orders, counted anew from the node's files and by nothing of ours: what whales did must say them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemas::{Amount, WhaleRule};
use serde_json::Value;

use crate::compare::assert_same;
use crate::facts::blocks_written;
use crate::place::Place;
use crate::traded::is_booked_only;

/// Wallet, block, coin and order.
type Key = (String, u64, String, u64);

/// Of blocks whose files are still there and that are whole in the rows; how many were compared.
pub fn equal_the_files(place: &Place, market: &Path) -> usize {
    let rows = place.rows("select min(block) from sink_positions where topic = 'whale-activities'");
    let last: u64 = rows[0][0].parse().unwrap_or_default();
    let (orders, blocks) = orders(market, last);
    let thresholds = Thresholds::of(place);
    let told = told(place, &blocks, &thresholds);
    let large = |(key, order): &(&Key, &Order)| order.notional >= thresholds.most(&key.2);
    let expected = orders.iter().filter(large).map(|(key, order)| (key.clone(), order.cells()));
    let expected: BTreeMap<Key, Vec<String>> = expected.collect();
    assert_same("large orders", &expected, &told);
    expected.len()
}

/// What an order of a coin may have to reach: a share of what the coin trades in a day, as the contexts said it, and
/// never less than the floor. Where nobody told any contexts it is the floor.
struct Thresholds {
    floor: Amount,
    most: BTreeMap<String, Amount>,
}

impl Thresholds {
    fn of(place: &Place) -> Self {
        let WhaleRule { floor, share_of_volume } = WhaleRule::default();
        let mut most: BTreeMap<String, Amount> = BTreeMap::new();
        place.each("asset-contexts", |context| {
            let Some(volume) = context["dayNtlVlm"].as_str() else { return };
            let share = volume.parse::<Amount>().unwrap().times(share_of_volume).unwrap();
            let its = most.entry(context["coin"].as_str().unwrap().to_owned()).or_insert(floor);
            *its = share.max(*its);
        });
        Self { floor, most }
    }

    /// Whichever of the contexts was the last one then.
    fn most(&self, coin: &str) -> Amount {
        self.most.get(coin).copied().unwrap_or(self.floor)
    }
}

struct Order {
    fills: u32,
    size: Amount,
    notional: Amount,
    before: Amount,
    after: Amount,
    closed_pnl: Amount,
    closes: bool,
    opens: bool,
    forced: Option<&'static str>,
}

/// And the blocks that the files have.
fn orders(market: &Path, last: u64) -> (BTreeMap<Key, Order>, BTreeSet<u64>) {
    let (mut orders, mut seen) = (BTreeMap::new(), BTreeSet::new());
    for block in blocks_written(market) {
        let number = block["block_number"].as_u64().unwrap();
        if number > last || !seen.insert(number) {
            continue;
        }
        for event in block["events"].as_array().unwrap() {
            let (user, leg) = (event[0].as_str().unwrap(), &event[1]);
            let coin = leg["coin"].as_str().unwrap();
            if !coin.contains(['@', '/', '#']) && !is_booked_only(leg) {
                let key = (user.to_owned(), number, coin.to_owned(), leg["oid"].as_u64().unwrap());
                let order: &mut Order = orders.entry(key).or_insert_with(|| Order::before(leg));
                order.add(user, leg);
            }
        }
    }
    (orders, seen)
}

fn amount(leg: &Value, field: &str) -> Amount {
    leg[field].as_str().unwrap().parse().unwrap()
}

impl Order {
    fn before(leg: &Value) -> Self {
        let (before, zero) = (amount(leg, "startPosition"), Amount::ZERO);
        Self {
            fills: 0,
            size: zero,
            notional: zero,
            before,
            after: before,
            closed_pnl: zero,
            closes: false,
            opens: false,
            forced: None,
        }
    }

    fn add(&mut self, user: &str, leg: &Value) {
        let (before, size) = (amount(leg, "startPosition"), amount(leg, "sz"));
        let moved = if leg["side"] == "B" { size } else { size.negated() };
        self.after = before.plus(moved).unwrap();
        self.closes |= before.sign() * moved.sign() < 0;
        self.opens |= self.after.sign() == moved.sign();
        self.fills += 1;
        self.size = self.size.plus(size).unwrap();
        self.notional = self.notional.plus(amount(leg, "px").times(size).unwrap()).unwrap();
        self.closed_pnl = self.closed_pnl.plus(amount(leg, "closedPnl")).unwrap();
        if leg["liquidation"]["liquidatedUser"] == user {
            self.forced = Some("liquidated");
        } else if leg["dir"] == "Auto-Deleveraging" {
            self.forced = Some("deleveraged");
        }
    }

    fn cells(&self) -> Vec<String> {
        let action = self.forced.unwrap_or(match (self.closes, self.opens) {
            (true, true) => "flip",
            (false, _) if self.before.is_zero() => "open",
            (false, _) => "increase",
            (true, _) if self.after.is_zero() => "close",
            (true, _) => "reduce",
        });
        let amounts = [self.size, self.notional, self.before, self.after, self.closed_pnl];
        let plain = amounts.map(|amount| amount.shortest().to_string());
        [action.to_owned(), self.fills.to_string()].into_iter().chain(plain).collect()
    }
}

/// Of these blocks, those that are large by any context: of a later one some partitions may have told already.
fn told(place: &Place, blocks: &BTreeSet<u64>, thresholds: &Thresholds) -> BTreeMap<Key, Vec<String>> {
    let rows = place.rows(
        "select wallet, block, coin, oid, action, fills, size, notional, before, after, closed_pnl, threshold \
         from whale_activities where coin is not null",
    );
    let mut told = BTreeMap::new();
    for row in rows {
        let block: u64 = row[1].parse().unwrap();
        if !blocks.contains(&block) {
            continue;
        }
        let plain = row[6..11].iter().map(|cell| cell.parse::<Amount>().unwrap().shortest().to_string());
        let cells = row[4..6].iter().cloned().chain(plain).collect();
        let (notional, threshold): (Amount, Amount) = (row[7].parse().unwrap(), row[11].parse().unwrap());
        let (coin, most) = (row[2].clone(), thresholds.most(&row[2]));
        assert!((thresholds.floor..=most).contains(&threshold), "{row:?}: {} to {most}", thresholds.floor);
        if notional >= most {
            told.insert((row[0].clone(), block, coin, row[3].parse().unwrap()), cells);
        }
    }
    told
}
