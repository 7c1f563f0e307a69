//! What each type of the ledger moves, as each of the two sees it.

use schemas::{LedgerUpdate, WhaleAction};

use super::liquidations::wallet;
use super::*;

/// The action, the amount and the number of the other wallet.
type Moved = Option<(WhaleAction, &'static str, Option<u64>)>;

fn moved(user: u64, delta: &Value) -> Option<(WhaleAction, String, Option<String>)> {
    let update = json!({ "id": "1", "user": wallet(user), "time": 1, "hash": format!("0x{:064x}", 0), "delta": delta });
    let update: LedgerUpdate = serde_json::from_value(update).unwrap();
    let (action, flow) = crate::whale_flows::of(&update)?;
    assert_eq!(*flow.ledger_type, *delta["type"].as_str().unwrap());
    assert_eq!(*flow.token, *delta["token"].as_str().unwrap_or("USDC"));
    Some((action, flow.amount.to_string(), flow.counterparty.map(|it| it.to_string())))
}

#[test]
fn each_type_of_the_ledger_moves_what_it_says() {
    use WhaleAction::{Deposit, Transfer, Withdraw};
    let (one, two) = (wallet(1), wallet(2));
    let to_two = |kind: &str, field: &str| json!({ "type": kind, "user": one, "destination": two, field: "5.5" });
    let mut spot = to_two("spotTransfer", "usdcValue");
    spot["token"] = json!("HYPE");
    let mut own = to_two("send", "usdcValue");
    own["destination"] = json!(one);
    let sent: [Moved; 3] = [Some((Transfer, "-5.5", Some(2))), Some((Transfer, "5.5", Some(1))), None];
    let deposited = json!({ "type": "vaultDeposit", "vault": two, "usdc": "5.5" });
    let withdrawn =
        json!({ "type": "vaultWithdraw", "vault": two, "user": one, "requestedUsd": "9", "netWithdrawnUsd": "5.5" });
    // As wallets 1, 2 and 3 see it.
    let cases: [(Value, [Moved; 3]); 13] = [
        (json!({ "type": "deposit", "usdc": "5.5" }), [Some((Deposit, "5.5", None)); 3]),
        (json!({ "type": "withdraw", "usdc": "5.5", "nonce": 1, "fee": "1.0" }), [Some((Withdraw, "-5.5", None)); 3]),
        (to_two("internalTransfer", "usdc"), sent),
        (to_two("subAccountTransfer", "usdc"), sent),
        (to_two("send", "usdcValue"), sent),
        (spot, sent),
        (own, [None; 3]),
        (
            deposited,
            [Some((Transfer, "-5.5", Some(2))), Some((Transfer, "5.5", None)), Some((Transfer, "-5.5", Some(2)))],
        ),
        (withdrawn, [Some((Transfer, "5.5", Some(2))), Some((Transfer, "-5.5", Some(1))), None]),
        (
            json!({ "type": "vaultDistribution", "vault": two, "usdc": "5.5" }),
            [Some((Transfer, "5.5", Some(2))), Some((Transfer, "-5.5", None)), Some((Transfer, "5.5", Some(2)))],
        ),
        (json!({ "type": "accountClassTransfer", "usdc": "5.5", "toPerp": true }), [None; 3]),
        (json!({ "type": "cStakingTransfer", "token": "HYPE", "amount": "5.5", "isDeposit": true }), [None; 3]),
        (json!({ "type": "deposit", "usdc": 5.5 }), [None; 3]),
    ];
    for (delta, expected) in cases {
        for (user, expected) in (1..).zip(expected) {
            let expected = expected.map(|(action, amount, other)| (action, amount.into(), other.map(wallet)));
            assert_eq!(moved(user, &delta), expected, "{delta} seen by {user}");
        }
    }
}
