//! Tables `positions`, `prices` and `position_risks` → an open position as it is told: what it is worth at the mark, and
//! how far that is from its liquidation. What moves with every mark is computed here and stored nowhere.

use schemas::{Amount, Message, Position, PositionRisk, Topic};
use serde::Serialize;
use sqlx::FromRow;

use crate::filter::SIDES;
use crate::openapi::form::{Form, Object};
use crate::query::Query;
use crate::stored::{Decimal, MaybeDecimal};

pub(crate) const DEFINITION: &str = "perpetuals; size and entry_px as source has told them last: fill, each of which tells \
     what was held before it, or account, the exchange's word on it where no fill was seen or one was missed; notional, \
     unrealised_pnl and distance_pct at mark_px; realised_pnl of the side that is held since opened_at, fees taken off; \
     liquidation_px stands on liquidation_basis: account follows the exchange's formula on the account as it was told \
     within the hour, carried the same as fills have changed it since, without what funding has cost, exchange is its own \
     price of an account whose margin is pooled; assumed is an estimate: of a known account of which money, blocks or the \
     margin of a new position were not told since, by the formula, of any other as if half of the highest leverage had \
     been chosen with a margin of its own";

pub(crate) const DEFINITION_AS_IT_WAS: &str = "perpetuals, computed once more; size and entry_px as fills had told them by as_of, each \
     of which tells what was held before it; notional and unrealised_pnl at mark_px, the mark that there was; realised_pnl \
     of the side that was held since opened_at, fees taken off; leverage and liquidation prices of then are not told";

/// What a position is made of, but for the mark.
pub(crate) const TOPICS: [&Topic; 2] = [Position::TOPIC, PositionRisk::TOPIC];

pub(crate) static POSITION: Object = Object {
    name: "valued-position",
    fields: &[
        ("coin", Form::Text),
        ("wallet", Form::Wallet),
        ("side", Form::Words(&SIDES)),
        ("source", Form::Words(&["fill", "account"])),
        ("size", Form::Decimal),
        ("opened_at", Form::Integer),
        ("changed_at", Form::Integer),
        ("entry_px", Form::Decimal),
        ("realised_pnl", Form::Decimal),
        ("last_px", Form::Decimal),
        ("mark_px", Form::Decimal),
        ("mark_time", Form::Integer),
        ("notional", Form::Decimal),
        ("unrealised_pnl", Form::Decimal),
        ("leverage", Form::Integer),
        ("isolated", Form::Boolean),
        ("liquidation_px", Form::Decimal),
        ("liquidation_basis", Form::Text),
        ("distance_pct", Form::Decimal),
        ("block", Form::Integer),
        ("index", Form::Integer),
        ("clock", Form::Integer),
        ("reason", Form::Text),
    ],
    optional: &[],
};

#[derive(Serialize, FromRow)]
pub(crate) struct ValuedPosition {
    pub(crate) coin: String,
    pub(crate) wallet: String,
    pub(crate) side: String,
    pub(crate) source: String,
    #[sqlx(try_from = "String")]
    size: Decimal,
    opened_at: Option<i64>,
    changed_at: Option<i64>,
    #[sqlx(try_from = "Option<String>")]
    pub(crate) entry_px: MaybeDecimal,
    /// Where there is no entry price.
    #[sqlx(try_from = "Option<String>")]
    #[serde(skip)]
    cost: MaybeDecimal,
    #[sqlx(try_from = "Option<String>")]
    realised_pnl: MaybeDecimal,
    last_px: Option<String>,
    #[sqlx(try_from = "Option<String>")]
    mark_px: MaybeDecimal,
    /// When the mark was received.
    mark_time: Option<i64>,
    #[sqlx(skip)]
    pub(crate) notional: Option<Amount>,
    #[sqlx(skip)]
    pub(crate) unrealised_pnl: Option<Amount>,
    leverage: Option<i64>,
    isolated: Option<bool>,
    #[sqlx(try_from = "Option<String>")]
    liquidation_px: MaybeDecimal,
    liquidation_basis: Option<String>,
    /// Of which size the risk is told.
    #[sqlx(try_from = "Option<String>")]
    #[serde(skip)]
    risk_size: MaybeDecimal,
    /// By how much of itself the mark has to move to get there.
    #[sqlx(skip)]
    pub(crate) distance_pct: Option<Amount>,
    block: Option<i64>,
    index: Option<i64>,
    pub(crate) clock: i64,
    /// Why something is null.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// Of a generation in the order of coins and wallets; `choose` adds by which columns of a position, and how many.
pub(crate) fn select(generation: u32, limit: Option<usize>, choose: impl Fn(&mut Query)) -> Query {
    let first = |query: &mut Query| {
        if let Some(limit) = limit {
            query.push(" ORDER BY coin, wallet LIMIT ").push_bind(limit as i64);
        }
    };
    let mut query = Query::new(COLUMNS);
    for (place, (rows, name)) in [(BY_FILLS, "by_fills"), (BY_ACCOUNTS, "by_accounts")].into_iter().enumerate() {
        // Of each no more than the page can hold: Postgres would find all of them before it sorts them.
        query.push(if place == 0 { " FROM (" } else { " UNION ALL " }).push("SELECT * FROM (SELECT * FROM (");
        query.push(rows).push_bind(generation).push(format_args!(") AS {name} WHERE true"));
        choose(&mut query);
        first(&mut query);
        query.push(format_args!(") AS first_{name}"));
    }
    first(&mut query);
    query.push(AT_THE_MARK);
    query
}

const COLUMNS: &str = "SELECT held.*, CAST(price.mark_px AS TEXT) AS mark_px, price.time AS mark_time, risk.leverage, risk.isolated, \
     CAST(risk.liquidation_px AS TEXT) AS liquidation_px, risk.basis AS liquidation_basis, \
     CAST(risk.size AS TEXT) AS risk_size";

const BY_FILLS: &str = "SELECT generation, coin, wallet, side, 'fill' AS source, CAST(size AS TEXT) AS size, opened_at, changed_at, \
     CAST(entry_px AS TEXT) AS entry_px, CAST(NULL AS TEXT) AS cost, CAST(realised_pnl AS TEXT) AS realised_pnl, \
     CAST(last_px AS TEXT) AS last_px, block, idx AS \"index\", clock FROM positions WHERE NOT EXISTS (SELECT 1 \
     FROM position_risks AS risk WHERE risk.generation = positions.generation AND risk.coin = positions.coin \
     AND risk.wallet = positions.wallet AND risk.source = 'account' AND risk.clock >= positions.clock) AND generation = ";

/// The exchange's word stands over what fills have told, until the next fill.
const BY_ACCOUNTS: &str = "SELECT generation, coin, wallet, CASE WHEN CAST(size AS TEXT) LIKE '-%' THEN 'short' ELSE 'long' END AS side, \
     source, CAST(size AS TEXT) AS size, CAST(NULL AS BIGINT) AS opened_at, CAST(NULL AS BIGINT) AS changed_at, \
     CAST(NULL AS TEXT) AS entry_px, CAST(cost AS TEXT) AS cost, CAST(NULL AS TEXT) AS realised_pnl, \
     CAST(NULL AS TEXT) AS last_px, CAST(NULL AS BIGINT) AS block, CAST(NULL AS BIGINT) AS \"index\", clock \
     FROM position_risks WHERE source = 'account' AND CAST(size AS NUMERIC) <> 0 AND NOT EXISTS (SELECT 1 FROM positions AS filled \
     WHERE filled.generation = position_risks.generation AND filled.coin = position_risks.coin \
     AND filled.wallet = position_risks.wallet AND filled.clock > position_risks.clock) AND generation = ";

const AT_THE_MARK: &str = ") AS held LEFT JOIN prices AS price ON price.generation = held.generation AND price.coin = held.coin \
     LEFT JOIN position_risks AS risk ON risk.generation = held.generation AND risk.coin = held.coin \
     AND risk.wallet = held.wallet ORDER BY held.coin, held.wallet";

impl ValuedPosition {
    /// At the mark that there was, and when that was received.
    pub(crate) fn as_it_was(position: &Position, mark: Option<(Amount, i64)>) -> Self {
        let (mark_px, mark_time) = mark.unzip();
        Self {
            coin: position.coin.to_string(),
            wallet: position.wallet.to_string(),
            side: position.side.name().to_owned(),
            source: "fill".to_owned(),
            size: Decimal(position.size),
            opened_at: position.opened_at,
            changed_at: Some(position.changed_at),
            entry_px: MaybeDecimal(position.entry_px),
            cost: MaybeDecimal::default(),
            realised_pnl: MaybeDecimal(position.realised_pnl),
            last_px: Some(position.last_px.to_string()),
            mark_px: MaybeDecimal(mark_px),
            mark_time,
            notional: None,
            unrealised_pnl: None,
            leverage: None,
            isolated: None,
            liquidation_px: MaybeDecimal::default(),
            liquidation_basis: None,
            risk_size: MaybeDecimal::default(),
            distance_pct: None,
            block: Some(position.block.cast_signed()),
            index: Some(position.index.into()),
            clock: position.clock,
            reason: None,
        }
    }

    pub(crate) fn valued(self) -> Self {
        let is_of_another_size = self.risk_size.0.is_some_and(|size| size != self.size.0);
        if is_of_another_size { self.without_risk().at_the_mark() } else { self.at_the_mark() }
    }

    fn at_the_mark(self) -> Self {
        let (size, mark) = (self.size.0, self.mark_px.0);
        let entry = self.entry_px.0.or_else(|| self.cost.0?.over(size.magnitude()).ok());
        let notional = mark.and_then(|mark| size.magnitude().times(mark).ok());
        let gained = mark.zip(entry).and_then(|(mark, entry)| mark.minus(ten_places(entry)?).ok()?.times(size).ok());
        let distance_pct = mark.zip(self.liquidation_px.0).and_then(|(mark, px)| percent(px.minus(mark).ok()?, mark));
        let reason = match (mark, entry) {
            (None, _) => Some("no_price_yet"),
            (_, None) => Some("opened_before_anything_was_seen"),
            _ if gained.is_none() || notional.is_none() => Some("too_large_to_be_exact"),
            _ if self.source == "account" => Some("told_by_the_account_alone"),
            _ if self.opened_at.is_none() => Some("opened_before_anything_was_seen"),
            _ => None,
        };
        Self { entry_px: MaybeDecimal(entry), notional, unrealised_pnl: gained, distance_pct, reason, ..self }
    }

    /// The risk that there is was told of another size: the one of this size has yet to come.
    fn without_risk(self) -> Self {
        let nothing = MaybeDecimal::default();
        Self { leverage: None, isolated: None, liquidation_px: nothing, liquidation_basis: None, ..self }
    }
}

/// An entry price is a quotient of eighteen places: what it is multiplied with would leave no room for all of them.
fn ten_places(px: Amount) -> Option<Amount> {
    let scale = Amount::power_of_ten(10).ok()?;
    px.times(scale).ok()?.floor().over(scale).ok()
}

/// To two places, unsigned.
pub(crate) fn percent(part: Amount, whole: Amount) -> Option<Amount> {
    let hundredths = part.magnitude().times(Amount::from(10_000)).ok()?.over(whole).ok()?.floor();
    hundredths.over(Amount::from(100)).ok()
}
