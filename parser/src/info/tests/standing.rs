//! How much at risk an account is, and how often it is asked for.

use schemas::{AccountState, Amount};

use super::super::followed::Followed;
use super::super::standing::{at_risk, risk};
use super::{NOTHING_HELD, NOW, account, wallet};

fn state(reply: &str) -> AccountState {
    super::super::account::account(wallet(1), "", reply.as_bytes(), NOW).unwrap().0
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

#[test]
fn risk_is_the_maintenance_margin_in_per_cent_of_what_stands_for_it() {
    assert_eq!(risk(&state(NOTHING_HELD)), Amount::ZERO);
    // At ten times the leverage a twentieth of the notional is needed.
    assert_eq!(risk(&state(&account(1, "100.0", "20.0"))), amount("25"));
    assert_eq!(risk(&state(&account(1, "100.0", "-1.0"))), amount("100"), "nothing stands for it");
    let cross = NOTHING_HELD.replace(r#""crossMaintenanceMarginUsed":"0.0""#, r#""crossMaintenanceMarginUsed":"3.0""#);
    assert_eq!(risk(&state(&cross)), amount("100"));
    let value = r#""crossMarginSummary":{"accountValue":"4.0""#;
    let cross = cross.replace(r#""crossMarginSummary":{"accountValue":"0.0""#, value);
    assert_eq!(risk(&state(&cross)), amount("75"));
}

#[test]
fn the_endangered_are_asked_for_most_often_then_the_largest_and_empty_dexs_seldom() {
    let mut followed = Followed { notional: amount("20000000"), ..Followed::default() };
    assert_eq!((followed.standing("").every, followed.standing("xyz").every), (15_000, 3_600_000));
    followed.at_risk = true;
    assert_eq!(followed.standing("").importance.risk, Some(at_risk()));
    assert_eq!((followed.standing("").every, followed.standing("xyz").every), (5_000, 3_600_000));
    followed.learn("xyz", &state(&account(1, "100.0", "6.25")), NOW);
    assert_eq!(followed.standing("xyz").importance.risk, Some(amount("80")));
    (followed.at_risk, followed.notional) = (false, Amount::ZERO);
    assert_eq!((followed.standing("").every, followed.standing("xyz").every), (120_000, 5_000));
    followed.learn("xyz", &state(NOTHING_HELD), NOW + 1);
    assert_eq!((followed.standing("").every, followed.standing("xyz").every), (120_000, 3_600_000));
    assert_eq!(followed.oldest(), None, "of the main dex nothing is known yet");
}
