//! Facts in, orders and episodes out: named cases, whose results people read in `liquidations.json`.

use std::fs;
use std::path::Path;

use super::*;

pub(super) type Fact = (&'static str, Value);

pub(super) const START: i64 = 1_782_636_000_000;

pub(super) fn wallet(number: u64) -> String {
    format!("0x{number:040x}")
}

pub(super) fn clock(block: u64, time: i64) -> Fact {
    ("clock", json!({ "time": time, "block": block }))
}

/// A real fill, as it was recorded, with its place put in front.
fn recorded(block: u64, index: u32, user: &str, fill: &str) -> Fact {
    let mut fill: Value = serde_json::from_str(fill).unwrap();
    fill["block"] = json!(block);
    fill["index"] = json!(index);
    fill["user"] = json!(user);
    if fill.get("hash").is_none() {
        fill["hash"] = json!(format!("0x{:064x}", block));
    }
    ("fill", fill)
}

/// A leg, of which the cases change what matters to them.
struct Leg {
    place: (u64, u32),
    user: u64,
    victim: u64,
    trade: (&'static str, &'static str, &'static str),
    start: &'static str,
    dir: &'static str,
    tid: u64,
}

fn leg(leg: &Leg, time: i64) -> Fact {
    let &Leg { place: (block, index), user, victim, trade: (side, px, sz), start, dir, tid } = leg;
    let fill = json!({
        "block": block, "index": index, "user": wallet(user), "coin": "SOL", "px": px, "sz": sz, "side": side,
        "time": time, "startPosition": start, "dir": dir, "closedPnl": (if user == victim { "-1.5" } else { "0.0" }),
        "hash": format!("0x{:064x}", 5), "oid": 1, "crossed": user == victim, "fee": "0.01", "tid": tid,
        "liquidation": { "liquidatedUser": wallet(victim), "markPx": "99.9", "method": "market" },
    });
    ("fill", fill)
}

/// One order of wallet 1: its leg and a maker's.
fn order(block: u64, time: i64, side: &'static str, sz: &'static str, start: &'static str) -> [Fact; 2] {
    let (others, dir) = if side == "A" { ("B", "Close Long") } else { ("A", "Close Short") };
    let victims = Leg { place: (block, 0), user: 1, victim: 1, trade: (side, "100.5", sz), start, dir, tid: block };
    let makers =
        Leg { place: (block, 1), user: 2, trade: (others, "100.5", sz), start: "0.0", dir: "Open Long", ..victims };
    [leg(&victims, time), leg(&makers, time)]
}

fn recorded_cases() -> Vec<(&'static str, Vec<Fact>)> {
    let (victim, maker) = ("0x360878d351f05975e25f1807a27895e1e5e004fb", "0xa775d1bd91ee2cc4cae6113e5fd9c0c17b355277");
    let market_maker = r#"{"coin":"BTC","px":"66653.0","sz":"0.001","side":"A","time":1781528065899,"startPosition":"-0.0213","dir":"Open Short","closedPnl":"0.0","hash":"0xe29fd267b4d2c6f0e41904231bbec90000daea4d4fd5e5c286687dba73d6a0db","oid":55030848197,"crossed":false,"fee":"0.009997","tid":745210434703679,"cloid":"0xe8d5fd7ebbb4c3cff4d1803472a11463","liquidation":{"liquidatedUser":"0x360878d351f05975e25f1807a27895e1e5e004fb","markPx":"66607.0","method":"market"},"feeToken":"USDC","twapId":null}"#;
    let market_victim = r#"{"coin":"BTC","px":"66653.0","sz":"0.001","side":"B","time":1781528065899,"startPosition":"-0.0300","dir":"Close Short","closedPnl":"-1.2","hash":"0xe29fd267b4d2c6f0e41904231bbec90000daea4d4fd5e5c286687dba73d6a0db","oid":55030848196,"crossed":true,"fee":"0.029993","tid":745210434703679,"liquidation":{"liquidatedUser":"0x360878d351f05975e25f1807a27895e1e5e004fb","markPx":"66607.0","method":"market"},"feeToken":"USDC","twapId":null}"#;
    let hip3_maker = r#"{"coin":"xyz:CRWV","px":"116.86","sz":"2.47","side":"A","time":1786628572099,"startPosition":"-143.54","dir":"Open Short","closedPnl":"0.0","hash":"0xe6838c8a3dba3578e7fd044214d3e2020481006fd8bd544a8a4c37dcfcbe0f63","oid":515445455983,"crossed":false,"fee":"0.008659","tid":711626751774561,"liquidation":{"liquidatedUser":"0xbb8b801eeddaa7061ae171041ec77516313f2921","markPx":"116.84","method":"market"},"feeToken":"USDC","twapId":null}"#;
    let backstop_victim = r#"{"coin":"ETH","px":"2316.0","sz":"0.1037","side":"A","time":1750541100096,"dir":"Liquidated Isolated Long","closedPnl":"-9.94483","crossed":false,"fee":"0.0","feeToken":"USDC","oid":104754754832,"tid":361622066638684,"startPosition":"0.1037","liquidation":{"liquidatedUser":"0x4e8ffa69c78d7a067e1795fbe16a5c80c90b6c05","markPx":"2323.3","method":"backstop"}}"#;
    let backstop_vault = r#"{"coin":"ETH","px":"2316.0","sz":"0.1037","side":"B","time":1750541100096,"dir":"Liquidated Isolated Long","closedPnl":"0.0","crossed":true,"fee":"0.0","feeToken":"USDC","oid":104754754833,"tid":361622066638684,"startPosition":"12.5","liquidation":{"liquidatedUser":"0x4e8ffa69c78d7a067e1795fbe16a5c80c90b6c05","markPx":"2323.3","method":"backstop"}}"#;
    let adl_winner = r#"{"coin":"AVAX","px":"22.075","sz":"28.53","side":"B","time":1760130964831,"startPosition":"-28.53","dir":"Auto-Deleveraging","closedPnl":"194.275035","hash":"0x922ada1583e0175a93a4042d3a6101010100f1fb1ee3362c35f3856842e3f145","oid":194018286846,"crossed":true,"fee":"0.0","tid":771334864158847,"liquidation":{"liquidatedUser":"0x2e3d94f0562703b25c83308a05046ddaf9a8dd14","markPx":"22.025","method":"backstop"},"feeToken":"USDC"}"#;
    let adl_loser = r#"{"coin":"AVAX","px":"22.075","sz":"28.53","side":"A","time":1760130964831,"startPosition":"1128.53","dir":"Liquidated Cross Long","closedPnl":"-61.5","hash":"0x922ada1583e0175a93a4042d3a6101010100f1fb1ee3362c35f3856842e3f145","oid":194018286845,"crossed":false,"fee":"0.0","tid":771334864158847,"liquidation":{"liquidatedUser":"0x2e3d94f0562703b25c83308a05046ddaf9a8dd14","markPx":"22.025","method":"backstop"},"feeToken":"USDC"}"#;
    let (isolated, vault) =
        ("0x4e8ffa69c78d7a067e1795fbe16a5c80c90b6c05", "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14");
    let winner = "0xe92d2041199b18f611b137457f3acee8bedb22d3";
    [
        (
            "market: the victim's leg counts, the maker's does not",
            [
                recorded(10, 0, maker, market_maker),
                recorded(10, 1, victim, market_victim),
                clock(10, 1_781_528_065_899),
                clock(11, 1_781_528_125_898),
                clock(12, 1_781_528_125_899),
            ]
            .into(),
        ),
        (
            "a maker's leg without the victim's says nothing",
            [recorded(10, 0, maker, hip3_maker), clock(10, 1_786_628_572_099)].into(),
        ),
        (
            "backstop: the victim is no taker",
            [
                recorded(10, 0, isolated, backstop_victim),
                recorded(10, 1, vault, backstop_vault),
                clock(10, 1_750_541_100_096),
            ]
            .into(),
        ),
        (
            "auto-deleveraging is no liquidation volume",
            [recorded(10, 0, vault, adl_loser), recorded(10, 1, winner, adl_winner), clock(10, 1_760_130_964_831)]
                .into(),
        ),
    ]
    .into()
}

fn made_cases() -> Vec<(&'static str, Vec<Fact>)> {
    let mut pieces = Vec::new();
    for (at, (sz, start)) in [("20.0", "100.0"), ("16.0", "80.0"), ("64.0", "64.0")].into_iter().enumerate() {
        let (block, time) = (20 + 3 * at as u64, START + 15_000 * at as i64);
        pieces.extend(order(block, time, "A", sz, start));
        pieces.push(clock(block, time));
    }
    pieces.extend([clock(50, START + 89_999), clock(51, START + 90_000), clock(52, START + 200_000)]);
    let mut side = Vec::from(order(20, START, "A", "5.0", "5.0"));
    side.push(clock(20, START));
    side.extend(order(21, START + 100, "B", "3.0", "-4.0"));
    side.push(clock(21, START + 100));
    let mut gap = Vec::from(order(20, START, "A", "5.0", "8.0"));
    let hole = json!({ "from_block": 22, "to_block": 29, "from_time": START + 100, "to_time": START + 900 });
    gap.extend([clock(20, START), clock(21, START + 100), ("gap", hole), clock(30, START + 900)]);
    gap.extend(order(31, START + 1_000, "A", "3.0", "3.0"));
    gap.extend([clock(31, START + 1_000), clock(32, START + 61_000)]);
    let mut apart = Vec::from(order(20, START, "A", "5.0", "8.0"));
    apart.push(clock(20, START));
    apart.extend(order(21, START + 60_000, "A", "3.0", "3.0"));
    apart.push(clock(21, START + 60_000));
    [
        ("pieces over several blocks are one episode", pieces),
        ("the other side begins a new episode", side),
        ("a hole in an episode", gap),
        ("a minute between two orders parts them", apart),
        ("two victims under one hash", two_victims(false)),
        ("a victim whose maker is also a victim", two_victims(true)),
        ("dust without a trade id is paired by price and size", without_a_trade_id()),
    ]
    .into()
}

/// Wallet 1 sells to 2, and 3 sells to 4; or 3 also stood in the book when 1 sold.
fn two_victims(each_other: bool) -> Vec<Fact> {
    let first = Leg {
        place: (20, 0),
        user: 1,
        victim: 1,
        trade: ("A", "100.5", "2.0"),
        start: "2.0",
        dir: "Close Long",
        tid: 7,
    };
    let makers = if each_other { 3 } else { 2 };
    let legs = [
        Leg { ..first },
        Leg { place: (20, 1), user: makers, trade: ("B", "100.5", "2.0"), start: "6.0", dir: "Open Long", ..first },
        Leg { place: (20, 2), user: 3, victim: 3, trade: ("A", "100.4", "8.0"), start: "8.0", tid: 8, ..first },
        Leg { place: (20, 3), user: 4, victim: 3, trade: ("B", "100.4", "8.0"), start: "-1.0", tid: 8, ..first },
    ];
    legs.iter().map(|it| leg(it, START)).chain([clock(20, START)]).collect()
}

/// Three trades, two of them alike and one of these deleveraged: the order of the legs tells which.
fn without_a_trade_id() -> Vec<Fact> {
    let victims = |index, sz, start| Leg {
        place: (20, index),
        user: 1,
        victim: 1,
        trade: ("A", "100.5", sz),
        start,
        dir: "Close Long",
        tid: 0,
    };
    let others = |index, px, sz, dir| Leg { user: 2, trade: ("B", px, sz), dir, ..victims(index, sz, "0.0") };
    let legs = [
        victims(0, "2.0", "7.0"),
        victims(1, "3.0", "5.0"),
        victims(2, "2.0", "2.0"),
        others(3, "100.5", "3.0", "Open Long"),
        others(4, "100.50", "2.00", "Auto-Deleveraging"),
        others(5, "100.5", "2.0", "Close Short"),
    ];
    legs.iter().map(|it| leg(it, START)).chain([clock(20, START)]).collect()
}

/// What is said of liquidations after each clock, clocks left out.
pub(super) fn told(facts: &[Fact]) -> Vec<Vec<Value>> {
    let mut stage = Stage::coin(GENERATION, 0);
    let mut out = Outbox::new(GENERATION);
    let mut told = Vec::new();
    for (kind, value) in facts {
        apply(&mut stage, kind, &value.to_string(), &mut out);
        let is_ours = |record: &Value| record["topic"] == "liquidations" && record["key"] != "clock";
        let mut said = said(&mut out);
        said.retain(is_ours);
        assert!(*kind == "clock" || said.is_empty(), "said before the block was whole: {said:?}");
        if *kind == "clock" {
            told.push(said);
        }
    }
    told
}

#[test]
fn the_cases_equal_their_golden() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/liquidations.json");
    let cases: Vec<Value> = recorded_cases()
        .into_iter()
        .chain(made_cases())
        .map(|(case, facts)| {
            let values: Vec<&Value> = facts.iter().map(|(_, value)| value).collect();
            json!({ "case": case, "facts": values, "said_at_each_clock": told(&facts) })
        })
        .collect();
    if std::env::var_os("GOLDEN").is_some_and(|mode| mode == "write") {
        fs::write(&path, serde_json::to_string_pretty(&cases).unwrap() + "\n").unwrap();
    }
    let golden: Vec<Value> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for (case, golden) in cases.iter().zip(&golden) {
        assert_eq!(case, golden);
    }
    assert_eq!(cases.len(), golden.len());
}

#[test]
fn a_leg_that_comes_twice_counts_once() {
    let mut facts = Vec::from(order(20, START, "A", "5.0", "8.0"));
    facts.extend(facts.clone());
    facts.push(clock(20, START));
    let once: Vec<Fact> = order(20, START, "A", "5.0", "8.0").into_iter().chain([clock(20, START)]).collect();
    assert_eq!(told(&facts), told(&once));
}

/// As many legs as the largest cascade had in a coin, not in pairs: half a minute if it were quadratic.
#[test]
fn a_block_of_a_cascade_costs_what_its_legs_cost() {
    let legs = 22_000_u32;
    let mut facts = Vec::new();
    for index in 0..2 * legs {
        let (user, trade, dir) = if index < legs {
            (1, ("A", "100.5", "2.0"), "Liquidated Cross Long")
        } else {
            (u64::from(index), ("B", "100.5", "2.0"), "Auto-Deleveraging")
        };
        let place = (20, index);
        facts.push(leg(
            &Leg { place, user, victim: 1, trade, start: "50000.0", dir, tid: u64::from(1 + index % legs) },
            START,
        ));
    }
    facts.push(clock(20, START));
    let mut stage = Stage::coin(GENERATION, 0);
    let mut out = Outbox::new(GENERATION);
    let began = std::time::Instant::now();
    for (kind, value) in &facts {
        apply(&mut stage, kind, &value.to_string(), &mut out);
    }
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    let said = said(&mut out);
    let order = said.iter().find(|record| record["key"].as_str().unwrap().starts_with("order|")).unwrap();
    assert_eq!((&order["value"]["fills"], &order["value"]["method"]), (&json!(legs), &json!("adl")));
    // The other sides hold positions now, each of which may be in a cohort of its coin; of the liquidation one episode is
    // left, and of the coin what is held of it, twice. Four results are kept by interval, and since when minutes are seen.
    let (held, by_interval) = (1 + legs as usize, 4 * schemas::Interval::ALL.len());
    assert_eq!(stage.entries(), 2 * held + 1 + 2 + by_interval + 1);
}
