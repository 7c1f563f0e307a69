//! Table `liquidation_map` → where open positions would have been liquidated, as it stood at one time after the other.

use schemas::{Interval, MAP_INTERVAL, MapBin};
use sqlx::FromRow;

use crate::database::Moment;
use crate::heatmap_grid::Lying;
use crate::liquidation_heatmap::Shown;
use crate::query::Query;
use crate::stored::Json;

pub(crate) const DEFINITION: &str = "what would have been liquidated at which price, of the positions that were open at the end of each \
     interval, as its last liquidation map has it; estimates among them are part of it; a cell is [place in times, place in \
     prices, notional of longs, notional of shorts]; prices are the lowest of each step; an interval without a map \
     has no cells";

#[derive(FromRow)]
struct Row {
    time: i64,
    #[sqlx(try_from = "String")]
    bins: Json<Vec<MapBin>>,
    complete: bool,
    clock: i64,
}

/// Of each interval its last map.
pub(crate) async fn read(
    moment: &mut Moment,
    generation: u32,
    coin: &str,
    interval: Interval,
    (start, end): (i64, i64),
) -> Result<Shown, sqlx::Error> {
    let length = interval.length_ms();
    let mut query =
        Query::new("SELECT time, CAST(bins AS TEXT) AS bins, complete, clock FROM liquidation_map WHERE generation = ");
    query.push_bind(generation).push(" AND coin = ").push_bind(coin);
    query.push(" AND interval = ").push_bind(MAP_INTERVAL.name());
    query.push(" AND time IN (SELECT max(time) FROM liquidation_map WHERE generation = ").push_bind(generation);
    query.push(" AND coin = ").push_bind(coin).push(" AND interval = ").push_bind(MAP_INTERVAL.name());
    query.push(" AND time >= ").push_bind(start).push(" AND time < ").push_bind(end);
    query.push(format_args!(" GROUP BY time / {length})"));
    let rows: Vec<Row> = moment.all(query).await?;
    let (complete, clock) = (rows.iter().all(|row| row.complete), rows.iter().map(|row| row.clock).max());
    let of_row = |Row { time, bins: Json(bins), .. }: Row| {
        let time = time - time.rem_euclid(length);
        bins.into_iter().map(move |bin| lying(time, bin))
    };
    Ok(Shown { lying: rows.into_iter().flat_map(of_row).collect(), complete, clock })
}

fn lying(time: i64, bin: MapBin) -> Lying {
    let MapBin { price_low, price_high, long, short } = bin;
    let [long, short] = [long, short].map(|side| Some(side.unwrap_or_default().notional));
    Lying { time, price_low, price_high, long, short }
}
