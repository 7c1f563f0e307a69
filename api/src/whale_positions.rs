//! `/whales/positions`: the largest positions of all coins, at the marks.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use schemas::Amount;

use crate::channel::Key;
use crate::database::Moment;
use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::filter::SIDES;
use crate::openapi::form::Form;
use crate::openapi::parameter::Parameter;
use crate::parameters::Parameters;
use crate::query::Query;
use crate::reply::{Meta, Reply};
use crate::valued_position::{self, ValuedPosition};
use crate::{Context, coin, cursor, prices, standing};

pub(crate) fn endpoint() -> Endpoint {
    let mut parameters = vec![
        Parameter::coin(),
        Parameter::words("side", &SIDES),
        Parameter::decimal_or("min_notional", LEAST),
        Parameter::words_or("sort", &SORTS.map(|(name, _)| name), SORTS[0].0),
        Parameter::words("order", &["asc", "desc"]),
    ];
    parameters.extend(Parameter::limit_and_cursor());
    let operation = Operation {
        summary: "The largest positions of all coins",
        description: format!("{}; {DEFINITION}", valued_position::DEFINITION),
        parameters,
        answer: Answer::Rows(Form::Object(&valued_position::POSITION)),
        examples: &["?sort=distance&limit=3", "?coin=BTC&min_usd=20000&order=asc"],
    };
    Endpoint::new("/api/v1/whales/positions", get(list), operation)
}

/// From here on a position is a whale's, in USDC, where nothing else is said.
const LEAST: &str = "1000000";

/// What is smaller is too many to be valued at once: of all coins, and of one.
const FLOORS: [i64; 2] = [100_000, 10_000];

const DEFINITION: &str = "from min_notional on (100000 or more, or 10000 of one coin), by notional or by pnl the largest first, by distance the nearest to its liquidation; what is not \
     known comes last; marks move from page to page, and with them who is on which";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Notional,
    Pnl,
    Distance,
}

const SORTS: [(&str, Sort); 3] = [("notional", Sort::Notional), ("pnl", Sort::Pnl), ("distance", Sort::Distance)];

/// What rows are chosen by, and where they begin.
struct Asked {
    coin: Option<String>,
    side: Option<&'static str>,
    least: Amount,
    sort: Sort,
    ascends: bool,
    after: Option<Place>,
    limit: usize,
}

/// By what it is sorted, coin and wallet.
type Place = (Option<Amount>, String, String);

async fn list(
    State(context): State<Arc<Context>>,
    mut parameters: Parameters,
) -> Result<Reply<Vec<ValuedPosition>>, ApiError> {
    let mut asked = Asked::read(&context, &mut parameters)?;
    let cursor = parameters.text("cursor")?;
    parameters.nothing_else()?;
    asked.after = cursor.map(|cursor| cursor::read(context.generation, &asked.list(), &cursor)).transpose()?;

    let sizes = asked.least_sizes(&context);
    let mut moment = context.database.one_moment().await?;
    let standing = standing::of(&mut moment, context.generation, &valued_position::TOPICS).await?;
    let mut rows = asked.rows(&mut moment, context.generation, &sizes).await?;

    let mut meta = Meta::new(&context, &standing, "valued-position/1");
    meta.definition = Some(valued_position::DEFINITION);
    if rows.len() > asked.limit {
        rows.truncate(asked.limit);
        meta.complete = false;
        meta.next_cursor = rows.last().map(|last| cursor::write(context.generation, &asked.list(), asked.place(last)));
    }
    let none = if sizes.is_empty() { "no_price_yet" } else { "none_is_so_large" };
    meta.reason = if rows.is_empty() { standing.reason_for_nothing().or(Some(none)) } else { None };
    meta.as_of = rows.iter().map(|row| row.clock).max();
    Ok(Reply { data: rows, meta })
}

impl Asked {
    fn read(context: &Context, parameters: &mut Parameters) -> Result<Self, ApiError> {
        let coin = parameters.text("coin")?;
        context.live.known_present()?;
        let coin = coin::at_present_if_asked(&context.live, coin.as_deref())?;
        let side = parameters.word("side", "INVALID_SIDE", &[("long", "long"), ("short", "short")])?;
        let least = least(parameters, coin.is_some())?;
        let sort = parameters.word("sort", "INVALID_SORT", &SORTS)?.unwrap_or(Sort::Notional);
        let ascends = parameters.word("order", "INVALID_ORDER", &[("asc", true), ("desc", false)])?;
        Ok(Self {
            coin,
            side,
            least,
            sort,
            ascends: ascends.unwrap_or(sort == Sort::Distance),
            limit: parameters.limit()?,
            after: None,
        })
    }

    /// A cursor of other positions, or of another order, says nothing.
    fn list(&self) -> String {
        let Self { coin, side, least, ascends, .. } = self;
        let sort = SORTS.iter().find(|(_, sort)| *sort == self.sort).map_or("", |(name, _)| name);
        format!("whales/positions/{sort}/{ascends}&{coin:?}&{side:?}&{}", least.shortest())
    }

    /// Of each coin that has a mark the size from which on a position is large enough.
    fn least_sizes(&self, context: &Context) -> Vec<(String, Amount)> {
        let key = self.coin.clone().map_or(Key::All, Key::Coin);
        let marks = prices::prices(context, key).into_iter().filter_map(|price| {
            let mark = price.amount("mark_px").filter(|mark| mark.sign() > 0)?;
            Some((price.text("coin")?.to_owned(), self.least.over(mark).ok()?))
        });
        marks.collect()
    }

    /// All that are behind the place where somebody stands, in their order: one more than the page holds and no more.
    async fn rows(
        &self,
        moment: &mut Moment,
        generation: u32,
        sizes: &[(String, Amount)],
    ) -> Result<Vec<ValuedPosition>, ApiError> {
        if sizes.is_empty() {
            return Ok(Vec::new());
        }
        let found: Vec<ValuedPosition> = moment.all(query(generation, self.side, sizes)).await?;
        let valued = found.into_iter().map(ValuedPosition::valued);
        let mut rows: Vec<ValuedPosition> = valued.filter(|row| self.is_large(row) && self.is_behind(row)).collect();
        rows.sort_by(|one, other| self.compare(&self.place(one), &self.place(other)));
        rows.truncate(self.limit + 1);
        Ok(rows)
    }

    /// What is too large to be told is large.
    fn is_large(&self, row: &ValuedPosition) -> bool {
        row.notional.is_none_or(|notional| notional >= self.least)
    }

    fn is_behind(&self, row: &ValuedPosition) -> bool {
        self.after.as_ref().is_none_or(|after| self.compare(&self.place(row), after) == Ordering::Greater)
    }

    fn place(&self, row: &ValuedPosition) -> Place {
        let value = match self.sort {
            Sort::Notional => row.notional,
            Sort::Pnl => row.unrealised_pnl,
            Sort::Distance => row.distance_pct,
        };
        (value, row.coin.clone(), row.wallet.clone())
    }

    /// What is not known comes last, in either order.
    fn compare(&self, one: &Place, other: &Place) -> Ordering {
        let by_value = match (one.0, other.0) {
            (Some(one), Some(other)) if self.ascends => one.cmp(&other),
            (Some(one), Some(other)) => other.cmp(&one),
            (one, other) => one.is_none().cmp(&other.is_none()),
        };
        by_value.then_with(|| (&one.1, &one.2).cmp(&(&other.1, &other.2)))
    }
}

fn least(parameters: &mut Parameters, is_of_one_coin: bool) -> Result<Amount, ApiError> {
    let given = parameters.amount("min_notional", "INVALID_NOTIONAL")?;
    let least = given.or_else(|| LEAST.parse().ok()).unwrap_or_default();
    let [of_all, of_one] = FLOORS;
    if least >= Amount::from(if is_of_one_coin { of_one } else { of_all }) {
        return Ok(least);
    }
    let message =
        format!("min_notional is {}; it is {of_all} or more, or {of_one} where a coin is given", least.shortest());
    Err(ApiError::parameter("INVALID_NOTIONAL", "min_notional", message))
}

/// Of each coin those from this size on, by the marks of a moment ago.
pub(crate) fn query(generation: u32, side: Option<&str>, sizes: &[(String, Amount)]) -> Query {
    valued_position::select(generation, None, |query| {
        if let Some(side) = side {
            query.push(" AND side = ").push_bind(side);
        }
        // SQLite looks up what one SELECT names; what two of them name together it compares with every position.
        query.push(" AND (coin, wallet) IN (SELECT coin, wallet FROM (");
        for (place, (beyond, is_long)) in [(">=", true), ("<=", false)].into_iter().enumerate() {
            query.push(if place == 0 { "" } else { " UNION ALL " });
            query.push("SELECT large.coin, large.wallet FROM (VALUES ");
            for (place, (coin, size)) in sizes.iter().enumerate() {
                query.push(if place == 0 { "(" } else { ", (" }).push_bind(coin.as_str()).push(", ");
                query.push_decimal(Some(if is_long { *size } else { size.negated() })).push(")");
            }
            query.push(") AS bound JOIN position_risks AS large ON large.generation = ").push_bind(generation);
            query.push(" AND large.coin = bound.column1 AND ").push_sorted("large.size");
            query.push(format_args!(" {beyond} bound.column2"));
        }
        query.push(") AS of_size)");
    })
}
