//! Page after page of rows → all of them, as lines of JSON or as a table of commas, while they are read: a list of any
//! length takes no more room than a page.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt};
use schemas::table::Value;

use crate::Context;
use crate::error::ApiError;
use crate::row::{Shape, Told};

/// The form in which somebody wants to have a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A page, with what it stands on.
    Json,
    /// Everything, a row a line.
    Ndjson,
    Csv,
}

/// How the parameter `format` says it.
pub(crate) const FORMATS: [(&str, Format); 3] =
    [("json", Format::Json), ("ndjson", Format::Ndjson), ("csv", Format::Csv)];

/// So many rows are read at once.
pub(crate) const AT_ONCE: usize = 2_000;

/// What the header `Accept` asks for.
pub(crate) struct Accepted(pub(crate) Format);

impl<S: Sync> FromRequestParts<S> for Accepted {
    type Rejection = Infallible;

    /// The first form that is known; whoever names none takes JSON.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let said = parts.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut names = said.flat_map(|value| value.split(',')).map(|name| name.split(';').next().unwrap_or_default());
        let known = names.find_map(|name| match name.trim() {
            "application/json" | "*/*" => Some(Format::Json),
            "application/x-ndjson" | "application/ndjson" => Some(Format::Ndjson),
            "text/csv" => Some(Format::Csv),
            _ => None,
        });
        Ok(Self(known.unwrap_or(Format::Json)))
    }
}

/// The rows of all pages. Where one cannot be read the reply ends without its last chunk, which clients take for broken.
pub(crate) fn reply(
    context: &Context,
    name: &str,
    shape: &'static Shape,
    format: Format,
    pages: impl Stream<Item = Result<Vec<Told>, ApiError>> + Send + 'static,
) -> Response {
    let (kind, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Json | Format::Ndjson => ("application/x-ndjson", "ndjson"),
    };
    let head = (format == Format::Csv).then(|| Ok(csv_line(shape.names().map(str::to_owned))));
    let lines = pages.map(move |page| {
        let page = page.inspect_err(|error| tracing::warn!(%error, "a list was not told to its end"))?;
        Ok::<_, ApiError>(page.iter().map(|row| line(row, shape, format)).collect::<String>())
    });
    let file = format!("attachment; filename=\"{}.{ending}\"", name.replace('/', "-"));
    let simulated = if context.simulated { "true" } else { "false" };
    let headers = [
        (CONTENT_TYPE.as_str(), kind.to_owned()),
        (CONTENT_DISPOSITION.as_str(), file),
        ("x-fathom-simulated", simulated.to_owned()),
    ];
    (headers, Body::from_stream(stream::iter(head).chain(lines))).into_response()
}

fn line(row: &Told, shape: &Shape, format: Format) -> String {
    if format != Format::Csv {
        // A row of texts and numbers can always be written.
        return serde_json::to_string(row).unwrap_or_default() + "\n";
    }
    let mut fields: Vec<(&str, String)> = row.fields().map(|(name, _, value)| (name, shown(&value))).collect();
    let mut cell = |name: &str| {
        let place = fields.iter().position(|(its, _)| *its == name);
        place.map(|place| fields.swap_remove(place).1).unwrap_or_default()
    };
    csv_line(shape.names().map(&mut cell))
}

/// What is null is empty.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text.clone(),
    }
}

/// As RFC 4180 wants it.
fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let quoted = |cell: String| {
        let is_plain = !cell.contains(['"', ',', '\n', '\r']);
        if is_plain { cell } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
    };
    cells.map(quoted).collect::<Vec<_>>().join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_with_what_parts_cells_is_quoted() {
        let cells = ["BTC", "", "a,b", "say \"no\"", "two\nlines"].map(str::to_owned);
        assert_eq!(csv_line(cells.into_iter()), "BTC,,\"a,b\",\"say \"\"no\"\"\",\"two\nlines\"\r\n");
    }
}
