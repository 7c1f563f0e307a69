//! The reply to a question for a list → its elements, each understood by itself.

use serde_json::value::RawValue;

use super::border::Item;

/// One element: what it is, or why it could not be understood.
#[derive(Debug)]
pub struct Element<'a, T> {
    pub place: usize,
    pub text: &'a str,
    pub read: Result<T, String>,
}

/// `read` gives an element's time, its id among those of the same time, and what it is. One that cannot be understood
/// is taken for as old as the one before it, and known again by its bytes; of a full page something must be
/// understood, or nobody knows where the next one begins.
pub fn elements<'a, T>(
    reply: &'a [u8],
    asked_from: i64,
    full: usize,
    read: impl Fn(&'a str) -> Result<(i64, String, T), String>,
) -> Result<Vec<Item<Element<'a, T>>>, String> {
    let all: Vec<&RawValue> = serde_json::from_slice(reply).map_err(|error| format!("not a list: {error}"))?;
    let mut time = asked_from;
    let item = |(place, element): (usize, &'a RawValue)| {
        let text = element.get();
        let (id, read) = match read(text) {
            Ok((its_time, id, value)) => {
                time = its_time;
                (id, Ok(value))
            }
            Err(reason) => (text.to_owned(), Err(reason)),
        };
        Item { time, id, value: Element { place, text, read } }
    };
    let items: Vec<_> = all.into_iter().enumerate().map(item).collect();
    let is_understood = items.len() < full || items.iter().any(|item| item.value.read.is_ok());
    is_understood.then_some(items).ok_or_else(|| "nothing on a full page can be understood".to_owned())
}
