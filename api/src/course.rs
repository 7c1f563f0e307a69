//! Results that are kept by interval and bucket, each coin's or the whole market's, as they are declared -> their routes:
//! the latest bucket, and pages of those before.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use schemas::Interval;

use crate::channel::{Key, Subject};
use crate::coin::{self, AskedCoin};
use crate::database::Moment;
use crate::endpoint::Endpoint;
use crate::error::ApiError;
use crate::export::{self, Accepted, FORMATS, Format};
use crate::openapi::declared;
use crate::parameters::{Parameters, TimeRange};
use crate::query::Query;
use crate::ratio_series::Series;
use crate::reply::{Meta, Reply};
use crate::row::{Shape, Told};
use crate::standing::{self, Standing};
use crate::{Context, as_it_was, cursor, page};

/// Of a table with a column for coins each coin has its own; of one with a column for kinds there are several.
pub(crate) struct Course {
    /// In paths and cursors.
    pub(crate) name: &'static str,
    /// What the latest bucket is of, and those before, in a few words.
    pub(crate) summaries: [&'static str; 2],
    pub(crate) shape: &'static Shape,
    pub(crate) schema: &'static str,
    pub(crate) definition: fn(Series) -> &'static str,
    /// Why a coin may have no bucket although everything is in.
    pub(crate) reason_for_none: fn(Series) -> &'static str,
    /// The one interval that there is, where there are no others.
    pub(crate) only: Option<Interval>,
    /// A page holds no more, whatever limit is asked for.
    pub(crate) rows_of_a_page: usize,
    /// Also as it was at any moment.
    pub(crate) is_told_as_it_was: bool,
}

pub(crate) fn endpoints(course: &'static Course) -> Vec<Endpoint> {
    let (path, row) = (format!("/api/v1/{}", course.name), declared::row_of(course));
    let (latest, history) = (declared::latest_of(course, row), declared::history_of(course, row));
    if course.is_by_coin() {
        let path = format!("{path}/{{coin}}");
        let answer_latest =
            move |State(context): State<Arc<Context>>, AskedCoin(coin): AskedCoin, asked: Parameters| async move {
                course.latest(&context, Some(&coin), asked).await
            };
        let answer_history =
            move |State(context): State<Arc<Context>>,
                  AskedCoin(coin): AskedCoin,
                  Accepted(format): Accepted,
                  asked: Parameters| async move { course.history(context, format, Some(&coin), asked).await };
        let before = Endpoint::new(format!("{path}/history"), get(answer_history), history);
        return vec![Endpoint::new(path, get(answer_latest), latest), before];
    }
    let answer_latest = move |State(context): State<Arc<Context>>, asked: Parameters| async move {
        course.latest(&context, None, asked).await
    };
    let answer_history = move |State(context): State<Arc<Context>>, Accepted(format): Accepted, asked: Parameters| async move {
        course.history(context, format, None, asked).await
    };
    let before = Endpoint::new(format!("{path}/history"), get(answer_history), history);
    vec![Endpoint::new(path, get(answer_latest), latest), before]
}

impl Course {
    /// The latest bucket of the coin, or of the whole market.
    pub(crate) async fn latest(
        &'static self,
        context: &Context,
        asked: Option<&str>,
        mut parameters: Parameters,
    ) -> Result<Reply<Option<Told>>, ApiError> {
        let interval = self.interval(&mut parameters)?;
        let series = self.series(&mut parameters)?;
        let as_of = if self.is_told_as_it_was { parameters.time("as_of")? } else { None };
        parameters.nothing_else()?;

        context.live.known_present()?;
        if let (Some(time), Some(coin)) = (as_of, asked) {
            return self.as_it_was(context, coin, (interval, series), time).await;
        }
        let key = match asked {
            Some(coin) => Key::Coin(coin::at_present(&context.live, coin)?),
            None => Key::All,
        };
        let standing = context.live.standing(&[self.shape.of.topic]);
        let subject = Subject { channel: self.name, key, interval: Some(interval), series };
        let row = context.live.rows(self.shape, &subject).pop();

        let mut meta = self.meta(context, &standing, series, row.as_slice());
        if row.is_none() {
            meta.reason = standing.reason_for_nothing().or(Some((self.reason_for_none)(series)));
        }
        Ok(Reply { data: row, meta })
    }

    /// The bucket that was the latest one then, as far as it had come.
    async fn as_it_was(
        &'static self,
        context: &Context,
        asked: &str,
        (interval, series): (Interval, Series),
        time: i64,
    ) -> Result<Reply<Option<Told>>, ApiError> {
        let coin = coin::at_present(&context.live, asked)?;
        let was = as_it_was::ask(context, self.shape.of.topic, &coin, time).await?;
        let rows = was.values.iter().filter_map(|value| self.shape.live(value).ok());
        let is_it = |row: &Told| {
            row.text("interval") == Some(interval.name())
                && (!self.is_by_kind()
                    || row.text("kind") == Some(series.kind.name())
                        && row.text("cohort").unwrap_or_default() == series.cohort_name().unwrap_or_default())
        };
        let row = rows.filter(is_it).max_by_key(|row| row.integer("time"));
        let mut meta = Meta::as_it_was(context, &was, self.schema);
        meta.complete = row.as_ref().is_none_or(|row| row.is_true("complete"));
        meta.definition = Some((self.definition)(series));
        meta.reason = row.is_none().then(|| (self.reason_for_none)(series));
        Ok(Reply { data: row, meta })
    }

    /// A page of the buckets of the coin, or of the whole market; or all of them in another form.
    pub(crate) async fn history(
        &'static self,
        context: Arc<Context>,
        accepted: Format,
        asked_coin: Option<&str>,
        mut parameters: Parameters,
    ) -> Result<Response, ApiError> {
        let format = parameters.word("format", "INVALID_FORMAT", &FORMATS)?.unwrap_or(accepted);
        let mut asked = self.asked(format, &mut parameters)?;
        let cursor = parameters.text("cursor")?;
        parameters.nothing_else()?;

        let mut moment = context.database.one_moment().await?;
        asked.coin = coin::known_if_asked(&mut moment, context.generation, asked_coin).await?;
        let place = |cursor: String| cursor::read(context.generation, &asked.as_asked(), &cursor);
        asked.after = cursor.map(place).transpose()?;
        if format == Format::Json {
            return Ok(self.page(&context, moment, &asked).await?.into_response());
        }
        drop(moment);
        Ok(export::reply(&context, self.name, self.shape, format, page::all(Arc::clone(&context), asked)))
    }

    async fn page(
        &'static self,
        context: &Context,
        mut moment: Moment,
        asked: &Asked,
    ) -> Result<Reply<Vec<Told>>, ApiError> {
        let standing = standing::of(&mut moment, context.generation, &[self.shape.of.topic]).await?;
        // One row more than the page holds: whether there is a next page.
        let mut rows = page::read(&mut moment, context.generation, asked, asked.limit + 1).await?;

        let more = rows.len() > asked.limit;
        rows.truncate(asked.limit);
        let mut meta = self.meta(context, &standing, asked.series, &rows);
        meta.reason = if rows.is_empty() { standing.reason_for_nothing() } else { None };
        if more {
            // Of a page that begins and ends somewhere, final rows are all there will ever be.
            let begins = asked.range.oldest_first || asked.after.is_some();
            meta.is_settled = begins && meta.complete && rows.iter().all(|row| row.is_true("final"));
            meta.complete = false;
            let place = |last: &Told| cursor::write(context.generation, &asked.as_asked(), last.integer("time"));
            meta.next_cursor = rows.last().map(place);
        }
        Ok(Reply { data: rows, meta })
    }

    fn interval(&self, parameters: &mut Parameters) -> Result<Interval, ApiError> {
        let Some(only) = self.only else { return parameters.interval() };
        match parameters.text("interval")? {
            Some(text) if text != only.name() => {
                let message = format!("interval is {text:?}; of {} there is only {only}", self.name);
                Err(ApiError::parameter("INVALID_INTERVAL", "interval", message))
            }
            _ => Ok(only),
        }
    }

    fn series(&self, parameters: &mut Parameters) -> Result<Series, ApiError> {
        if self.is_by_kind() { parameters.series() } else { Ok(Series::default()) }
    }

    fn meta(&self, context: &Context, standing: &Standing, series: Series, rows: &[Told]) -> Meta {
        Meta {
            as_of: rows.iter().filter_map(|row| row.integer("clock")).max(),
            complete: rows.iter().all(|row| row.is_true("complete")),
            definition: Some((self.definition)(series)),
            ..Meta::new(context, standing, self.schema)
        }
    }

    fn is_by_coin(&self) -> bool {
        self.shape.has("coin")
    }

    fn is_by_kind(&self) -> bool {
        self.shape.has("kind")
    }

    fn asked(&'static self, format: Format, parameters: &mut Parameters) -> Result<Asked, ApiError> {
        let interval = self.interval(parameters)?;
        let series = self.series(parameters)?;
        let range = parameters.time_range()?;
        let limit = match format {
            Format::Json => parameters.limit()?.min(self.rows_of_a_page),
            _ => parameters.any_limit()?,
        };
        Ok(Asked { course: self, coin: None, interval, series, range, after: None, limit })
    }
}

/// What a page is chosen by, and where it begins.
struct Asked {
    course: &'static Course,
    coin: Option<String>,
    interval: Interval,
    series: Series,
    range: TimeRange,
    after: Option<i64>,
    limit: usize,
}

impl Asked {
    /// A cursor of one direction, or of other buckets, says nothing in another.
    fn as_asked(&self) -> String {
        let Self { course, coin, interval, series, range, .. } = self;
        let (way, coin) = (if range.oldest_first { "asc" } else { "desc" }, coin.as_deref().unwrap_or("*"));
        let (kind, cohort) = (series.kind.name(), series.cohort_name().unwrap_or_default());
        format!("{}/{way}&{coin}&{interval}&{kind}&{cohort}", course.name)
    }
}

impl page::Asked for Asked {
    fn shape(&self) -> &'static Shape {
        self.course.shape
    }

    fn limit(&self) -> usize {
        self.limit
    }

    fn query(&self, generation: u32, count: usize) -> Query {
        let Self { course, coin, interval, series, range, after, .. } = self;
        let (table, columns) = (course.shape.of.name, course.shape.columns("bucket"));
        let mut query = Query::new(format_args!("SELECT {columns} FROM {table} AS bucket WHERE generation = "));
        query.push_bind(generation);
        if let Some(coin) = coin {
            query.push(" AND coin = ").push_bind(coin.as_str());
        }
        query.push(" AND bucket.interval = ").push_bind(interval.name());
        if course.is_by_kind() {
            query.push(" AND kind = ").push_bind(series.kind.name());
            query.push(" AND cohort = ").push_bind(series.cohort_name().unwrap_or_default());
        }
        range.push(&mut query, "time");
        if let Some(after) = *after {
            query.push(if range.oldest_first { " AND time > " } else { " AND time < " }).push_bind(after);
        }
        query.push(if range.oldest_first { " ORDER BY time" } else { " ORDER BY time DESC" });
        query.push(" LIMIT ").push_bind(count as i64);
        query
    }

    fn has_told(&mut self, count: usize, last: &Told) {
        self.limit -= count;
        self.after = last.integer("time");
    }
}
