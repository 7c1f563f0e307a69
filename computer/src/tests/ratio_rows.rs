//! How a group of accounts stood at each moment of a bucket -> the rows of the ratios that are told of it.

use schemas::{Amount, Interval};

use super::*;

/// Long and short.
pub(super) type Sides = (Amount, Amount);

/// What a bucket is of, beside how a group stood in it.
pub(super) struct Bucket<'a> {
    pub coin: &'a str,
    pub interval: Interval,
    pub start: i64,
    pub members: usize,
    pub of_accounts: usize,
    pub complete: bool,
    pub is_final: bool,
}

impl Bucket<'_> {
    /// Accounts and sizes of a group at all moments of the bucket, as they are told; without the coverage.
    pub fn rows(&self, group: &str, moments: &[(Sides, Sides)]) -> Vec<(String, Value)> {
        let &Self { coin, interval, start, members, of_accounts, complete, is_final } = self;
        let (heads, held): (Vec<Sides>, Vec<Sides>) = moments.iter().copied().unzip();
        let (accounts, sizes) = (heads[heads.len() - 1], held[held.len() - 1]);
        let count = |count: Amount| count.to_string().parse::<u64>().unwrap();
        let mut common = json!({
            "coin": coin, "interval": interval, "time": start, "complete": complete, "final": is_final,
            "long_accounts": count(accounts.0), "short_accounts": count(accounts.1), "accounts": members,
            "of_accounts": of_accounts,
        });
        let kinds: &[&str] = match group {
            "" => &["accounts"],
            "top" => &["top_accounts", "top_positions"],
            _ => &["cohort_accounts", "cohort_positions"],
        };
        let cohort = if kinds[0] == "cohort_accounts" { group } else { "" };
        if group.is_empty() {
            common["accounts"] = json!(count(accounts.0) + count(accounts.1));
            common["of_accounts"] = Value::Null;
        }
        let row = |(kind, moments): (&&str, &Vec<Sides>)| {
            let mut row = common.clone();
            row["kind"] = json!(kind);
            row["cohort"] = if cohort.is_empty() { Value::Null } else { json!(cohort) };
            row.as_object_mut().unwrap().extend(told(moments).as_object().unwrap().clone());
            if kind.ends_with("positions") {
                (row["long_size"], row["short_size"]) = (json!(sizes.0.shortest()), json!(sizes.1.shortest()));
            }
            row.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            (format!("{coin}|{kind}|{cohort}|{interval}|{start}"), row)
        };
        kinds.iter().zip([&heads, &held]).map(row).collect()
    }
}

/// Of what is open on both sides, what is held; in whole hundredths of a per cent.
pub(super) fn coverage_pct(held: Amount, open: Amount) -> Option<String> {
    let parts = |size: Amount| -> i128 {
        size.times(Amount::from(100_000_000)).unwrap().shortest().to_string().parse().unwrap()
    };
    let hundredths = (parts(held) * 10_000).checked_div(parts(open) * 2)?;
    let pct: Amount = format!("{}.{:02}", hundredths / 100, hundredths % 100).parse().unwrap();
    Some(pct.shortest().to_string())
}

fn ratio((long, short): Sides) -> Option<Amount> {
    long.over(short).ok()
}

/// What of a measure is told: its shares at the end, and the ratio at its moments.
pub(super) fn told(moments: &[Sides]) -> Value {
    let (long, short) = moments[moments.len() - 1];
    let all = long.plus(short).unwrap();
    let mut somebody: Vec<Sides> =
        moments.iter().copied().filter(|(long, short)| !(long.is_zero() && short.is_zero())).collect();
    // With nobody short it is above all.
    somebody.sort_by_key(|sides| (sides.1.is_zero(), ratio(*sides)));
    json!({
        "long_ratio": long.over(all).ok(), "short_ratio": short.over(all).ok(), "open": ratio(moments[0]),
        "high": somebody.last().and_then(|sides| ratio(*sides)), "low": somebody.first().and_then(|sides| ratio(*sides)),
        "close": ratio((long, short)),
    })
}
