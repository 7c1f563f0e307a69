//! What a list of liquidations is chosen by, whether of orders or of episodes → the query for one page of it.

use schemas::Amount;

use crate::database::Moment;
use crate::error::ApiError;
use crate::parameters::{Parameters, TimeRange};
use crate::query::Query;
use crate::{coin, cursor};

/// One of the lists.
pub(crate) struct List {
    pub(crate) name: &'static str,
    pub(crate) select: &'static str,
    /// The column that a range of times is about.
    pub(crate) time: &'static str,
    /// The columns that make the order of the list, and a place in it.
    pub(crate) order: [&'static str; 5],
    pub(crate) push_method: fn(&mut Query, &str),
}

pub(crate) struct Asked {
    coin: Option<String>,
    wallet: Option<String>,
    side: Option<&'static str>,
    method: Option<&'static str>,
    pub(crate) only_final: bool,
    min_notional: Option<Amount>,
    range: TimeRange,
    after: Option<Place<String>>,
    limit: usize,
}

/// The values of the columns that make the order.
pub(crate) type Place<T> = (i64, T, T, i64, T);

impl Asked {
    pub(crate) fn read(list: &List, generation: u32, parameters: &mut Parameters) -> Result<Self, ApiError> {
        let coin = parameters.text(&["coin"])?;
        let wallet = parameters.wallet()?.map(|wallet| wallet.to_string());
        let side = parameters.word("side", "INVALID_SIDE", &[("long", "long"), ("short", "short")])?;
        let methods = ["market", "backstop", "adl"].map(|method| (method, method));
        let method = parameters.word("method", "INVALID_METHOD", &methods)?;
        let min_notional = parameters.amount("min_notional", "INVALID_NOTIONAL")?;
        let range = parameters.time_range()?;
        let limit = parameters.limit()?;
        let after = match parameters.text(&["cursor"])? {
            Some(cursor) => Some(cursor::read(generation, &list.of(&range), &cursor)?),
            None => None,
        };
        Ok(Self { coin, wallet, side, method, only_final: false, min_notional, range, after, limit })
    }

    /// From the coin as it was written to the coin as its market is called.
    pub(crate) async fn know_the_coin(&mut self, moment: &mut Moment, generation: u32) -> Result<(), ApiError> {
        if let Some(coin) = &mut self.coin {
            *coin = coin::known(moment, generation, coin).await?;
        }
        Ok(())
    }

    /// One row more than the page holds: whether there is a next page.
    pub(crate) fn page(&self, list: &List, generation: u32) -> Query {
        let mut query = Query::new(list.select);
        query.push_bind(generation);
        for (column, value) in [("coin", self.coin.as_deref()), ("wallet", self.wallet.as_deref()), ("side", self.side)]
        {
            if let Some(value) = value {
                query.push(format_args!(" AND {column} = ")).push_bind(value);
            }
        }
        if let Some(method) = self.method {
            (list.push_method)(&mut query, method);
        }
        if self.only_final {
            query.push(" AND final = ").push_bind(true);
        }
        if let Some(least) = self.min_notional {
            // What is too large to be told is larger than anything that can be asked.
            query.push(" AND (notional IS NULL OR ").push_at_least("notional", least).push(")");
        }
        self.range.push(&mut query, list.time);
        self.push_place(&mut query, list);
        query.push(" LIMIT ").push_bind(self.limit as i64 + 1);
        query
    }

    fn push_place(&self, query: &mut Query, list: &List) {
        if let Some((time, coin, wallet, block, last)) = &self.after {
            let beyond = if self.range.oldest_first { ">" } else { "<" };
            query.push(format_args!(" AND ({}) {beyond} (", list.order.join(", "))).push_bind(*time).push(", ");
            query.push_bind(coin.as_str()).push(", ").push_bind(wallet.as_str()).push(", ");
            query.push_bind(*block).push(", ").push_bind(last.as_str()).push(")");
        }
        let way = if self.range.oldest_first { "" } else { " DESC" };
        let order = list.order.map(|column| format!("{column}{way}"));
        query.push(" ORDER BY ").push(order.join(", "));
    }

    /// Cuts the rows to the page, and gives the cursor of the next one when there is one.
    pub(crate) fn cut<T>(
        &self,
        list: &List,
        generation: u32,
        rows: &mut Vec<T>,
        place: fn(&T) -> Place<&String>,
    ) -> Option<String> {
        if rows.len() <= self.limit {
            return None;
        }
        rows.truncate(self.limit);
        rows.last().map(|last| cursor::write(generation, &list.of(&self.range), place(last)))
    }
}

impl List {
    /// A cursor of one direction says nothing in the other.
    fn of(&self, range: &TimeRange) -> String {
        format!("{}/{}", self.name, if range.oldest_first { "asc" } else { "desc" })
    }
}
