//! The very questions that are asked: by which way the databases go to the answers.

use schemas::Amount;

use super::place::{on_postgres, on_sqlite};
use crate::database::Moment;
use crate::open_database;
use crate::query::Query;
use crate::{valued_position, whale_positions};

#[tokio::test]
async fn positions_are_found_by_what_is_asked() {
    on_sqlite(positions).await;
}

async fn positions(url: String) {
    let mut moment = moment(&url).await;
    for (chosen, limit, [by_fills, by_accounts]) in [
        (
            " AND wallet = '0x'",
            None,
            [
                "positions USING INDEX positions_by_wallet (generation=? AND wallet=?)",
                "position_risks USING INDEX position_risks_of_accounts_by_wallet (generation=? AND wallet=?)",
            ],
        ),
        (
            " AND wallet = '0x' AND coin > 'A'",
            Some(101),
            [
                "positions USING INDEX positions_by_wallet (generation=? AND wallet=? AND coin>?)",
                "position_risks USING INDEX position_risks_of_accounts_by_wallet (generation=? AND wallet=? AND coin>?)",
            ],
        ),
        (
            " AND coin = 'A' AND side = 'long' AND wallet > '0x'",
            Some(101),
            [
                "positions USING PRIMARY KEY (generation=? AND coin=? AND wallet>?)",
                "position_risks USING INDEX position_risks_of_accounts_by_coin (generation=? AND coin=? AND wallet>?)",
            ],
        ),
        (
            " AND (coin, wallet) > ('A', '0x')",
            Some(101),
            [
                "positions USING PRIMARY KEY (generation=? AND (coin,wallet)>(?,?))",
                "position_risks USING INDEX position_risks_of_accounts_by_coin (generation=? AND (coin,wallet)>(?,?))",
            ],
        ),
        (
            "",
            Some(101),
            [
                "positions USING PRIMARY KEY (generation=?)",
                "position_risks USING INDEX position_risks_of_accounts_by_coin (generation=?)",
            ],
        ),
    ] {
        let query = valued_position::select(1, limit, |query| _ = query.push(chosen));
        let ways = [
            by_fills,
            "risk USING PRIMARY KEY (generation=? AND coin=? AND wallet=?)",
            by_accounts,
            "filled USING PRIMARY KEY (generation=? AND coin=? AND wallet=?)",
            "price USING PRIMARY KEY (generation=? AND coin=?) LEFT-JOIN",
            "risk USING PRIMARY KEY (generation=? AND coin=? AND wallet=?) LEFT-JOIN",
        ];
        assert_eq!(searches(&mut moment, query).await, ways, "{chosen}");
    }
}

#[tokio::test]
async fn the_largest_positions_are_found_by_their_size() {
    on_sqlite(largest).await;
}

async fn largest(url: String) {
    let mut moment = moment(&url).await;
    let sizes = [("A".to_owned(), Amount::from(10)), ("B".to_owned(), Amount::from(20))];
    let ways = searches(&mut moment, whale_positions::query(1, None, &sizes)).await;
    let of_size = "large USING COVERING INDEX position_risks_by_size (generation=? AND coin=? AND size_key";
    for way in [of_size, "positions USING PRIMARY KEY (generation=? AND coin=? AND wallet=?)"] {
        assert!(ways.iter().any(|found| found.starts_with(way)), "{way}: {ways:#?}");
    }
    assert!(!ways.iter().any(|way| way.ends_with("(generation=?)")), "all of them are gone through: {ways:#?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "FATHOM_POSTGRES is to be the address of a server"]
async fn postgres_joins_no_whole_tables() {
    on_postgres(joins).await;
}

/// Whatever it guesses of how many there are: of tables that were never looked at the guess is a wrong one.
async fn joins(url: String) {
    let mut moment = moment(&url).await;
    let sizes = [("A".to_owned(), Amount::from(10)), ("B".to_owned(), Amount::from(20))];
    let page = valued_position::select(1, Some(101), |query| _ = query.push(" AND side = 'long'"));
    for query in [page, whale_positions::query(1, Some("long"), &sizes)] {
        let steps = moment.explain(&query).await.unwrap().steps;
        let is_of_all = |step: &String| ["Seq Scan", "Hash", "Merge Join"].iter().any(|word| step.contains(word));
        assert!(!steps.iter().any(is_of_all), "{steps:#?}");
    }
}

async fn moment(url: &str) -> Moment {
    drop(sink::connect(url).await.unwrap());
    open_database(url).await.unwrap().one_moment().await.unwrap()
}

/// What is looked up, and by what; no table is walked through.
async fn searches(moment: &mut Moment, query: Query) -> Vec<String> {
    let steps = moment.explain(&query).await.unwrap().steps;
    let made_here = ["held", "first_by_fills", "first_by_accounts", "asked", "kept", "wanted", "CONSTANT ROW"];
    let is_made_here = |what: &str| made_here.contains(&what) || what.ends_with("VALUES CLAUSE");
    let is_walk = |step: &&String| step.strip_prefix("SCAN ").is_some_and(|what| !is_made_here(what));
    assert_eq!(steps.iter().find(is_walk), None, "{steps:#?}");
    steps.iter().filter_map(|step| step.strip_prefix("SEARCH ")).map(str::to_owned).collect()
}
