//! Maps against an oracle that knows only the list of what was told: whole numbers, one obvious sum per figure.

use alloc::collections::BTreeMap;
use alloc::vec;

use proptest::prelude::*;
use schemas::{Amount, Binned, Generation, Held, LiquidationMap, MAP_INTERVAL, MapBin, MapSide, PriceRange};

use super::*;

const ONE: Generation = Generation { number: 1, facts: 1, partitions: 1 };
const START: i64 = 1_782_636_000_000;
const COINS: [&str; 2] = ["BTC", "kPEPE"];
pub(super) const BASES: [Option<&str>; 5] = [Some("account"), Some("carried"), Some("exchange"), Some("assumed"), None];

#[derive(Debug, Clone)]
struct Step {
    wait: i64,
    coin: usize,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    /// Size in tenths, liquidation price in hundredths.
    Risk { wallet: u8, size: i128, px: Option<i128>, basis: usize, leverage: Option<u32> },
    /// Mark in hundredths, open interest in tenths; received so long before.
    Context { mark: i128, open_interest: i128, ago: i64 },
}

/// What is known of a position: size, liquidation price, basis, leverage.
pub(super) type Known = (i128, Option<i128>, usize, Option<u32>);

#[derive(Default)]
struct Oracle {
    positions: BTreeMap<(usize, u8), Known>,
    /// Coin, time of receipt, mark and open interest, as they came.
    contexts: Vec<(usize, i64, i128, i128)>,
    /// How many of them are a second old, and all before them.
    known: usize,
}

fn step() -> impl Strategy<Value = Step> {
    let px = prop_oneof![Just(None), (100_i128..40_000).prop_map(Some), (9_000_i128..11_000).prop_map(Some)];
    let risk = (0_u8..8, -3_000_i128..3_000, px, 0_usize..5, proptest::option::of(1_u32..50)).prop_map(
        |(wallet, size, px, basis, leverage)| What::Risk {
            wallet,
            size: if size % 5 == 0 { 0 } else { size },
            px: px.filter(|_| basis < 4),
            basis,
            leverage,
        },
    );
    let mark = prop_oneof![Just(10_000_i128), 8_000_i128..12_000, 1_i128..1_000_000];
    let context = (mark, prop_oneof![Just(500_i128), 0_i128..9_000], 0_i64..1_500)
        .prop_map(|(mark, open_interest, ago)| What::Context { mark, open_interest, ago });
    let what = prop_oneof![4 => risk, 1 => context];
    (0_i64..4_000, 0_usize..2, what).prop_map(|(wait, coin, what)| Step { wait, coin, what })
}

proptest! {
    #[test]
    fn each_map_is_what_a_recount_gives(steps in proptest::collection::vec(step(), 1..120)) {
        check(&steps);
    }
}

fn check(steps: &[Step]) {
    let (mut stage, mut out) = (crate::MARKET.task(ONE, 0), Outbox::new(ONE));
    let (mut oracle, mut told): (_, BTreeMap<usize, Value>) = (Oracle::default(), BTreeMap::new());
    let (mut time, mut before) = (START, 0_i64);
    for (at, step) in steps.iter().enumerate() {
        time += step.wait;
        let offset = at as u64 * 2;
        oracle.note(step, time);
        match &step.what {
            What::Risk { .. } => {
                give(&mut stage, 0, offset, None, &oracle.risk(step, time), &mut out);
            }
            What::Context { mark, open_interest, ago } => {
                let value = context(COINS[step.coin], time - ago, *mark, *open_interest);
                give(&mut stage, 1, offset, Some("context"), &value, &mut out);
            }
        }
        let clock = json!({ "time": time, "block": at + 1 }).to_string();
        give(&mut stage, 0, offset + 1, Some("clock"), &clock, &mut out);
        go_on_with_what_there_is(&mut stage, &mut out);
        let mut maps: BTreeMap<String, LiquidationMap> = BTreeMap::new();
        for record in
            said(&mut out).iter().filter(|record| record["topic"] == "liquidation-map" && record["key"] != "clock")
        {
            let map: LiquidationMap = serde_json::from_value(record["value"].clone()).unwrap();
            assert_eq!((map.clock, map.time, map.complete), (time, MAP_INTERVAL.bucket(time), true));
            maps.insert(map.coin.to_string(), map);
        }
        let is_due = time.div_euclid(10_000) > before.div_euclid(10_000);
        before = time;
        for (coin, name) in COINS.iter().enumerate() {
            let expected = oracle.map(coin).filter(|_| is_due);
            let map = maps.remove(*name).map(|map| shown(&map));
            let Some(expected) = expected else {
                assert_eq!(map, None, "nothing to tell of {name}");
                continue;
            };
            let is_news = told.get(&coin) != Some(&expected);
            match map {
                Some(map) => assert_eq!(map, expected),
                None => {
                    assert!(!is_news || is_empty(&expected) && told.get(&coin).is_none_or(is_empty), "{name} has news")
                }
            }
            told.insert(coin, expected);
        }
    }
    assert!(stage.set_aside().is_empty());
}

fn context(coin: &str, time: i64, mark: i128, open_interest: i128) -> String {
    let context = json!({
        "coin": coin, "time": time, "markPx": decimal(mark, 2), "oraclePx": "2", "midPx": null, "funding": "0.0",
        "openInterest": decimal(open_interest, 1), "prevDayPx": "1", "dayNtlVlm": "0.0",
    });
    context.to_string()
}

fn decimal(value: i128, places: usize) -> String {
    let (sign, digits) = (if value < 0 { "-" } else { "" }, format!("{:0>1$}", value.abs(), places + 1));
    let (whole, part) = digits.split_at(digits.len() - places);
    format!("{sign}{whole}.{part}")
}

/// Decimals of prices, of sizes and of money in whole numbers.
pub(super) const PX_PLACES: usize = 18;
pub(super) const SIZE_PLACES: usize = 8;
const USD_PLACES: usize = 6;
/// The parts of hundredths and of tenths in which prices and sizes are random.
const OF_HUNDREDTH: i128 = 10_i128.pow(PX_PLACES as u32 - 2);
const OF_TENTH: i128 = 10_i128.pow(SIZE_PLACES as u32 - 1);

impl Oracle {
    fn note(&mut self, step: &Step, time: i64) {
        match step.what {
            What::Risk { wallet, size: 0, .. } => {
                self.positions.remove(&(step.coin, wallet));
            }
            What::Risk { wallet, size, px, basis, leverage } => {
                self.positions.insert((step.coin, wallet), (size, px, basis, leverage));
            }
            What::Context { mark, open_interest, ago } => {
                self.contexts.push((step.coin, time - ago, mark, open_interest));
            }
        }
        let is_known = |context: &&(usize, i64, i128, i128)| context.1 <= time - crate::BESIDE_MS;
        self.known += self.contexts[self.known..].iter().take_while(is_known).count();
    }

    fn risk(&self, step: &Step, clock: i64) -> String {
        let What::Risk { wallet, size, px, basis, leverage } = step.what else { unreachable!() };
        let side = ["short", "flat", "long"][(size.signum() + 1) as usize];
        let mut risk = json!({
            "coin": COINS[step.coin], "wallet": format!("0x{wallet:040x}"), "side": side, "size": decimal(size, 1),
            "source": "fill", "clock": clock,
        });
        let told = [("basis", json!(BASES[basis])), ("leverage", json!(leverage))];
        for (name, value) in told.into_iter().chain([("liquidation_px", json!(px.map(|px| decimal(px, 2))))]) {
            if !value.is_null() {
                risk[name] = value;
            }
        }
        risk.to_string()
    }

    fn map(&self, coin: usize) -> Option<Value> {
        let contexts = self.contexts[..self.known].iter().filter(|context| context.0 == coin);
        let &(_, _, mark, open_interest) = contexts.max_by_key(|context| context.1)?;
        let of_coin = self.positions.iter().filter(|((its, _), _)| *its == coin);
        let positions: Vec<Known> = of_coin
            .map(|(_, &(size, px, basis, leverage))| (size * OF_TENTH, px.map(|px| px * OF_HUNDREDTH), basis, leverage))
            .collect();
        Some(recounted(positions, mark * OF_HUNDREDTH, open_interest * OF_TENTH))
    }
}

/// The map of these positions.
pub(super) fn recounted(positions: Vec<Known>, mark: i128, open_interest: i128) -> Value {
    let (longs, shorts): (Vec<Known>, Vec<Known>) = positions.into_iter().partition(|known| known.0 > 0);
    let step = step_of(mark);
    let (long, short) = (bins(&longs, mark, step), bins(&shorts, mark, step));
    let mut lows: Vec<i128> = long.keys().chain(short.keys()).copied().collect();
    lows.sort_unstable();
    lows.dedup();
    let below: Vec<i128> = long.keys().rev().copied().filter(|low| *low <= mark).collect();
    let above: Vec<i128> = short.keys().copied().filter(|low| low + step > mark).collect();
    let shown = |low: &i128| {
        let told = |bins: &BTreeMap<i128, Vec<Known>>| bins.get(low).map(|those| binned(those, mark));
        json!([amount(*low, PX_PLACES), amount(low + step, PX_PLACES), told(&long), told(&short)])
    };
    json!({
        "mark": amount(mark, PX_PLACES), "open_interest": amount(open_interest, SIZE_PLACES),
        "empty": longs.is_empty() && shorts.is_empty(),
        "long": side(&longs, mark, open_interest, &|px, by| px * 10_000 >= mark * by.0, &below, &long, step),
        "short": side(&shorts, mark, open_interest, &|px, by| px * 10_000 <= mark * by.1, &above, &short, step),
        "bins": lows.iter().map(shown).collect::<Vec<_>>(),
    })
}

/// The largest of 1 and 5 times a power of ten of which there are two hundred.
fn step_of(mark: i128) -> i128 {
    let powers = (0..25).map(|power| 10_i128.pow(power));
    powers.flat_map(|power| [power, 5 * power]).filter(|step| step * 200 <= mark).max().unwrap()
}

fn bins(positions: &[Known], mark: i128, step: i128) -> BTreeMap<i128, Vec<Known>> {
    let mut bins: BTreeMap<i128, Vec<Known>> = BTreeMap::new();
    for known in positions {
        if let Some(px) = known.1.filter(|px| is_in_reach(*px, mark)) {
            bins.entry(px / step * step).or_default().push(*known);
        }
    }
    bins
}

fn is_in_reach(px: i128, mark: i128) -> bool {
    mark <= px * 2 && px * 2 < mark * 3
}

/// In millionths, each rounded for itself, what is halfway to the even one.
fn notional(positions: &[Known], mark: i128) -> i128 {
    let of_one = 10_i128.pow((PX_PLACES + SIZE_PLACES - USD_PLACES) as u32);
    let rounded = |exact: i128| {
        let (whole, twice) = (exact / of_one, exact % of_one * 2);
        whole + i128::from(twice > of_one || twice == of_one && whole % 2 == 1)
    };
    positions.iter().map(|known| rounded(known.0.abs() * mark)).sum()
}

fn binned(positions: &[Known], mark: i128) -> Value {
    let those = |is_one: &dyn Fn(&Known) -> bool| {
        let chosen: Vec<Known> = positions.iter().copied().filter(|known| is_one(known)).collect();
        amount(notional(&chosen, mark), USD_PLACES)
    };
    let band = |from: u32, to: u32| those(&|known| known.3.is_some_and(|leverage| from < leverage && leverage <= to));
    let size =
        |from: i128, to: i128| those(&|known| (from * 1_000_000..to * 1_000_000).contains(&notional(&[*known], mark)));
    json!([
        positions.len(),
        those(&|_| true),
        those(&|known| known.2 < 3),
        [band(0, 5), band(5, 10), band(10, 20), band(20, 1_000)],
        [
            size(0, 1_000),
            size(1_000, 10_000),
            size(10_000, 100_000),
            size(100_000, 1_000_000),
            size(1_000_000, 10_000_000),
            size(10_000_000, 1_000_000_000)
        ],
    ])
}

type Bins = BTreeMap<i128, Vec<Known>>;

fn side(
    positions: &[Known],
    mark: i128,
    open_interest: i128,
    is_reached: &dyn Fn(i128, (i128, i128)) -> bool,
    outwards: &[i128],
    bins: &Bins,
    step: i128,
) -> Value {
    let held = |is_one: &dyn Fn(&Known) -> bool| {
        let chosen: Vec<Known> = positions.iter().copied().filter(|known| is_one(known)).collect();
        json!([chosen.len(), amount(notional(&chosen, mark), USD_PLACES)])
    };
    let mut by_basis = serde_json::Map::new();
    for known in positions {
        by_basis.insert(BASES[known.2].unwrap_or("unknown").into(), held(&|other| other.2 == known.2));
    }
    let at_risk = [1, 2, 5, 10]
        .map(|by| held(&|known| known.1.is_some_and(|px| is_reached(px, (10_000 - by * 100, 10_000 + by * 100)))));
    let covered: Vec<Known> = positions.iter().copied().filter(|known| known.2 < 4).collect();
    // Of marks that have as many decimals as sizes.
    let places = 10_i128.pow((PX_PLACES - SIZE_PLACES) as u32);
    let open = open_interest * (mark / places);
    let coverage = (open_interest > 0)
        .then(|| notional(&covered, mark) * 10_i128.pow((2 * SIZE_PLACES - USD_PLACES) as u32 + 4) / open);
    let of = |low: &i128| notional(&bins[low], mark);
    let all: i128 = outwards.iter().map(of).sum();
    let most = outwards.iter().map(of).max();
    let pain = outwards.iter().find(|low| Some(of(low)) == most).map(|low| range(&[*low], step, of(low)));
    let is_heavy = |low: &&i128| of(low) * 20 >= all;
    let first = outwards.iter().position(|low| is_heavy(&low));
    let cluster = first.map(|first| {
        let mut run = vec![outwards[first]];
        for low in outwards[first + 1..].iter().take_while(is_heavy) {
            if (low - run[run.len() - 1]).abs() != step {
                break;
            }
            run.push(*low);
        }
        range(&run, step, run.iter().map(of).sum())
    });
    json!({
        "positions": positions.len(), "size": amount(positions.iter().map(|known| known.0.abs()).sum(), SIZE_PLACES),
        "notional": amount(notional(positions, mark), USD_PLACES), "coverage": coverage.map(|parts| amount(parts, 2)),
        "by_basis": by_basis, "never": held(&|known| known.1.is_none() && known.2 < 4),
        "beyond": held(&|known| known.1.is_some_and(|px| !is_in_reach(px, mark))),
        "at_risk": at_risk, "max_pain": pain, "cluster": cluster,
    })
}

fn range(lows: &[i128], step: i128, notional: i128) -> Value {
    let (low, high) = (lows.iter().min().unwrap(), lows.iter().max().unwrap() + step);
    json!([amount(*low, PX_PLACES), amount(high, PX_PLACES), amount(notional, USD_PLACES)])
}

fn amount(value: i128, places: usize) -> String {
    decimal(value, places).parse::<Amount>().unwrap().shortest().to_string()
}

fn is_empty(map: &Value) -> bool {
    map["empty"] == json!(true)
}

/// A map as the oracle shows it.
pub(super) fn shown(map: &LiquidationMap) -> Value {
    let short = |amount: Amount| amount.shortest().to_string();
    let held = |held: &Held| json!([held.positions, short(held.notional)]);
    let range = |range: &PriceRange| json!([short(range.price_low), short(range.price_high), short(range.notional)]);
    let side = |side: &MapSide| {
        let by_basis = side.by_basis.iter().map(|(basis, those)| (basis.to_string(), held(those)));
        json!({
            "positions": side.positions, "size": short(side.size), "notional": short(side.notional),
            "coverage": side.oi_coverage_pct.map(short), "by_basis": by_basis.collect::<serde_json::Map<_, _>>(),
            "never": held(&side.never), "beyond": held(&side.beyond), "at_risk": side.at_risk.iter().map(held).collect::<Vec<_>>(),
            "max_pain": side.max_pain.as_ref().map(range), "cluster": side.nearest_cluster.as_ref().map(range),
        })
    };
    let binned = |those: &Binned| {
        json!([
            those.positions,
            short(those.notional),
            short(those.exact),
            those.leverage.map(short),
            those.cohorts.map(short)
        ])
    };
    let bin = |bin: &MapBin| {
        json!([
            short(bin.price_low),
            short(bin.price_high),
            bin.long.as_ref().map(binned),
            bin.short.as_ref().map(binned)
        ])
    };
    json!({
        "mark": short(map.mark_px), "open_interest": short(map.open_interest),
        "empty": map.long.positions + map.short.positions == 0, "long": side(&map.long), "short": side(&map.short),
        "bins": map.bins.iter().map(bin).collect::<Vec<_>>(),
    })
}
