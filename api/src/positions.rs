//! `/positions` and the live channel `positions`: what each wallet holds in each coin. The channel tells changes as fills
//! told them, without what moves with the marks and without the account's word, which corrects what is listed.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use schemas::{Message, Position, PositionSide, Record};
use serde::Serialize;

use crate::Context;
use crate::channel::{ALL_THERE_IS, Channel, Kept, Key, LiveRow, NarrowedBy, Tells, Value};
use crate::endpoint::{Answer, Endpoint, Operation};
use crate::error::ApiError;
use crate::filter::SIDES;
use crate::openapi::form::{Form, Object};
use crate::openapi::parameter::Parameter;
use crate::parameters::Parameters;
use crate::query::Query;
use crate::ratio_series::Series;
use crate::reply::{Meta, Reply};
use crate::valued_position::{self, ValuedPosition};
use crate::{as_it_was, coin, cursor, standing};

pub(crate) fn endpoint() -> Endpoint {
    let mut parameters = vec![Parameter::coin(), Parameter::wallet("wallet"), Parameter::words("side", &SIDES)];
    parameters.extend(Parameter::limit_and_cursor());
    parameters.push(Parameter::as_of());
    let operation = Operation {
        summary: "Who holds what, at the marks",
        description: valued_position::DEFINITION.to_owned(),
        parameters,
        answer: Answer::Rows(Form::Object(&valued_position::POSITION)),
        examples: &["?coin=BTC&side=short&limit=5"],
    };
    Endpoint::new("/api/v1/positions", get(list), operation)
}

pub(crate) static CHANNEL: Channel = Channel {
    name: "positions",
    alias: None,
    topic: Position::TOPIC,
    kind: Position::KIND,
    by_wallet: true,
    by_name: false,
    by_interval: false,
    by_kind: false,
    tells: Tells::State(keep),
    reaches_back: ALL_THERE_IS,
    filters: &["side", "wallet"],
    row: Form::Object(&POSITION_ROW),
    live: |value| {
        let position: Position = serde_json::from_slice(value)?;
        let row = PositionRow::from(position).explained();
        let keys = vec![Key::All, Key::Coin(row.coin.clone()), Key::Wallet(row.wallet.clone())];
        let narrowed_by = NarrowedBy { side: Some(row.side.clone()), ..NarrowedBy::default() };
        let data = serde_json::value::to_raw_value(&row)?;
        Ok(LiveRow { keys, interval: None, series: Series::default(), narrowed_by, data })
    },
};

/// There may be a million: they are kept as what they mean.
fn keep(record: &Record<'_>) -> serde_json::Result<Kept> {
    let position: Position = serde_json::from_slice(record.value.unwrap_or_default())?;
    let is_the_end = position.side == PositionSide::Flat;
    Ok(Kept { group: record.key.to_vec(), rank: 0, value: Value::Position(Box::new(position)), is_the_end })
}

static POSITION_ROW: Object = Object {
    name: "live-position",
    fields: &[
        ("coin", Form::Text),
        ("wallet", Form::Wallet),
        ("side", Form::Words(&["long", "short", "flat"])),
        ("size", Form::Decimal),
        ("opened_at", Form::Integer),
        ("changed_at", Form::Integer),
        ("entry_px", Form::Decimal),
        ("realised_pnl", Form::Decimal),
        ("last_px", Form::Decimal),
        ("block", Form::Integer),
        ("index", Form::Integer),
        ("clock", Form::Integer),
        ("reason", Form::Text),
    ],
    optional: &[],
};

/// A position as it is told; a live one may be flat.
#[derive(Serialize)]
struct PositionRow {
    coin: String,
    wallet: String,
    side: String,
    size: String,
    opened_at: Option<i64>,
    changed_at: i64,
    entry_px: Option<String>,
    realised_pnl: Option<String>,
    last_px: String,
    block: i64,
    index: i64,
    clock: i64,
    /// Why something is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl PositionRow {
    fn explained(self) -> Self {
        let reason = self.opened_at.is_none().then_some("opened_before_anything_was_seen");
        Self { reason, ..self }
    }
}

impl From<Position> for PositionRow {
    fn from(position: Position) -> Self {
        Self {
            coin: position.coin.to_string(),
            wallet: position.wallet.to_string(),
            side: position.side.name().to_owned(),
            size: position.size.to_string(),
            opened_at: position.opened_at,
            changed_at: position.changed_at,
            entry_px: position.entry_px.map(|it| it.to_string()),
            realised_pnl: position.realised_pnl.map(|it| it.to_string()),
            last_px: position.last_px.to_string(),
            block: position.block.cast_signed(),
            index: position.index.into(),
            clock: position.clock,
            reason: None,
        }
    }
}

/// What a page is chosen by, and where it begins.
struct Asked {
    coin: Option<String>,
    wallet: Option<String>,
    side: Option<&'static str>,
    after: Option<(String, String)>,
    limit: usize,
}

async fn list(
    State(context): State<Arc<Context>>,
    mut parameters: Parameters,
) -> Result<Reply<Vec<ValuedPosition>>, ApiError> {
    let mut asked = Asked {
        coin: parameters.text("coin")?,
        wallet: parameters.wallet()?.map(|wallet| wallet.to_string()),
        side: parameters.word("side", "INVALID_SIDE", &[("long", "long"), ("short", "short")])?,
        limit: parameters.limit()?,
        after: None,
    };
    let cursor = parameters.text("cursor")?;
    let as_of = parameters.time("as_of")?;
    parameters.nothing_else()?;

    if let Some(time) = as_of {
        return as_they_were(&context, asked, cursor, time).await;
    }
    let mut moment = context.database.one_moment().await?;
    if let Some(coin) = &mut asked.coin {
        *coin = coin::known(&mut moment, context.generation, coin).await?;
    }
    // A cursor belongs to the coin as its market is called.
    asked.after = cursor.map(|cursor| cursor::read(context.generation, &asked.list(), &cursor)).transpose()?;
    let standing = standing::of(&mut moment, context.generation, &valued_position::TOPICS).await?;
    let mut rows: Vec<ValuedPosition> = moment.all(page(context.generation, &asked)).await?;

    let mut meta = Meta::new(&context, &standing, "valued-position/1");
    meta.definition = Some(valued_position::DEFINITION);
    if rows.len() > asked.limit {
        rows.truncate(asked.limit);
        meta.complete = false;
        let place = |last: &ValuedPosition| (last.coin.clone(), last.wallet.clone());
        meta.next_cursor = rows.last().map(|last| cursor::write(context.generation, &asked.list(), place(last)));
    }
    meta.reason = if rows.is_empty() { standing.reason_for_nothing() } else { None };
    meta.as_of = rows.iter().map(|row| row.clock).max();
    Ok(Reply { data: rows.into_iter().map(ValuedPosition::valued).collect(), meta })
}

/// As fills had told them then, at the mark that there was; what the exchange had said of accounts is not asked again.
async fn as_they_were(
    context: &Context,
    mut asked: Asked,
    cursor: Option<String>,
    time: i64,
) -> Result<Reply<Vec<ValuedPosition>>, ApiError> {
    let coin = asked.coin.take().ok_or_else(|| {
        let message = "as_of is told of one coin at a time; give coin as well".to_owned();
        ApiError::parameter("MISSING_COIN", "coin", message)
    })?;
    context.live.known_present()?;
    let coin = coin::at_present(&context.live, &coin)?;
    let list = format!("{}&{coin}&{time}", asked.list());
    let after: Option<String> = cursor.map(|cursor| cursor::read(context.generation, &list, &cursor)).transpose()?;
    let was = as_it_was::ask(context, Position::TOPIC, &coin, time).await?;
    let is_asked = |position: &Position| {
        let (wallet, side) = (position.wallet.to_string(), position.side);
        side != PositionSide::Flat
            && asked.wallet.as_ref().is_none_or(|asked| *asked == wallet)
            && asked.side.is_none_or(|asked| asked == side.name())
            && after.as_ref().is_none_or(|after| wallet > *after)
    };
    let positions = was.values.iter().filter_map(|value| serde_json::from_slice(value).ok());
    let mut rows: Vec<Position> = positions.filter(is_asked).take(asked.limit + 1).collect();

    let mut meta = Meta::as_it_was(context, &was, "valued-position/1");
    meta.definition = Some(valued_position::DEFINITION_AS_IT_WAS);
    if rows.len() > asked.limit {
        rows.truncate(asked.limit);
        meta.complete = false;
        meta.next_cursor = rows.last().map(|last| cursor::write(context.generation, &list, last.wallet.to_string()));
    }
    let valued = |position| ValuedPosition::as_it_was(position, was.mark).valued();
    Ok(Reply { data: rows.iter().map(valued).collect(), meta })
}

impl Asked {
    /// A cursor of other positions says nothing.
    fn list(&self) -> String {
        format!("positions&{:?}&{:?}&{:?}", self.coin, self.wallet, self.side)
    }
}

/// One row more than the page holds: whether there is a next page.
fn page(generation: u32, asked: &Asked) -> Query {
    valued_position::select(generation, Some(asked.limit + 1), |query| {
        if let Some(coin) = &asked.coin {
            query.push(" AND coin = ").push_bind(coin.as_str());
        }
        if let Some(wallet) = &asked.wallet {
            query.push(" AND wallet = ").push_bind(wallet.as_str());
        }
        if let Some(side) = asked.side {
            query.push(" AND side = ").push_bind(side);
        }
        if let Some((coin, wallet)) = &asked.after {
            // What is fixed already would only keep the index from being used to its end.
            match (&asked.coin, &asked.wallet) {
                (Some(_), _) => query.push(" AND wallet > ").push_bind(wallet.as_str()),
                (None, Some(_)) => query.push(" AND coin > ").push_bind(coin.as_str()),
                (None, None) => {
                    query.push(" AND (coin, wallet) > (").push_bind(coin.as_str());
                    query.push(", ").push_bind(wallet.as_str()).push(")")
                }
            };
        }
    })
}
