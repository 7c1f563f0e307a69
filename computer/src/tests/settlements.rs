//! A market that is delisted: every position of it is closed against the exchange itself, which nobody takes for a wallet.

use schemas::Wallet;

use super::liquidations::{Fact, START, clock, wallet};
use super::*;

/// Two legs of wallets and what they held before, the buyer first.
fn legs(block: u64, dir: &str, [buyer, seller]: [(&str, &str); 2]) -> [Fact; 2] {
    let leg = |index: u32, side: &str, (user, start): (&str, &str)| {
        let fill = json!({
            "block": block, "index": index, "user": user, "coin": "FTM", "px": "0.5", "sz": "8.0", "side": side,
            "time": START + block as i64, "startPosition": start, "dir": dir, "closedPnl": "0.0",
            "hash": format!("0x{:064x}", 0), "oid": index, "crossed": index.is_multiple_of(2), "fee": "0.0", "tid": block,
        });
        ("fill", fill)
    };
    let first = (block % 10) as u32;
    [leg(first, "B", buyer), leg(first + 1, "A", seller)]
}

/// One bought of another, and both are settled; what the exchange is said to hold in between is its own affair.
fn said_of_a_settlement(exchange_holds: [&str; 2]) -> Vec<Value> {
    let (long, short, exchange) = (wallet(1), wallet(2), Wallet::NOBODY.to_string());
    let mut facts = Vec::from(legs(10, "Open", [(&long, "0.0"), (&short, "0.0")]));
    facts.push(clock(10, START + 10));
    facts.extend(legs(20, "Settlement", [(&short, "-8.0"), (&exchange, exchange_holds[0])]));
    facts.extend(legs(22, "Settlement", [(&exchange, exchange_holds[1]), (&long, "8.0")]));
    facts.extend([clock(22, START + 22), clock(30, START + 70_000)]);
    let (mut stage, mut out) = (Stage::coin(GENERATION, 0), Outbox::new(GENERATION));
    for (offset, (kind, fact)) in facts.iter().enumerate() {
        apply_fact(&mut stage, offset as u64, kind, &fact.to_string(), &mut out);
    }
    said(&mut out)
}

#[test]
fn nobody_holds_anything_of_a_coin_that_was_settled() {
    for exchange_holds in [["0.0", "0.0"], ["0.0", "-8.0"]] {
        let said = said_of_a_settlement(exchange_holds);
        let of = |topic: &str| said.iter().filter(|it| it["topic"] == topic).map(|it| &it["value"]).collect::<Vec<_>>();

        let changes = of("position-changes").into_iter().filter(|change| change["wallet"].is_string());
        let changed: Vec<String> = changes.map(|it| format!("{} {}", it["wallet"], it["after"])).collect();
        let expected = [(1, "8.0"), (1, "0.0"), (2, "-8.0"), (2, "0.0")];
        assert_eq!(changed, expected.map(|(number, size)| format!("{:?} {size:?}", wallet(number))));
        assert!(of("positions").iter().all(|position| position["wallet"] != Wallet::NOBODY.to_string()), "{said:?}");

        let is_final = |row: &&Value| row["interval"] == "1m" && row["final"] == true;
        let ratios = of("long-short-ratios");
        let of_all = ratios.into_iter().filter(is_final).find(|ratio| ratio["kind"] == "accounts").unwrap();
        assert_eq!((&of_all["long_accounts"], &of_all["short_accounts"]), (&json!(0), &json!(0)));
        let candles = of("candles");
        let candle = candles.into_iter().find(is_final).unwrap();
        assert_eq!((&candle["volume"], &candle["trades"]), (&json!("8.0"), &json!(1)));
    }
}
