//! A request's way through `/info`: it is weighed, refused when its address has asked too much and now and then for
//! nothing, answered, and charged for what the answer is made of.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::answer;
use super::questions::{Question, USUAL_WEIGHT};
use crate::faults::Fault;
use crate::feed::Feed;
use crate::visitors::Visitors;

#[derive(Clone)]
pub(crate) struct Page {
    feed: Feed,
    visitors: Visitors,
    requests: Arc<AtomicU64>,
}

const NOT_A_QUESTION: &str = "Failed to deserialize the JSON body into the target type";
/// Of the refusals that nobody has deserved, so many in a thousand say that it was too much.
const TOO_MANY_PER_MILLE: u64 = 500;

impl Page {
    pub(crate) fn new(feed: Feed, visitors: Visitors) -> Self {
        Self { feed, visitors, requests: Arc::default() }
    }

    pub(crate) fn reply(&self, from: IpAddr, body: &[u8]) -> Response {
        let question: Option<Question> = serde_json::from_slice(body).ok();
        let weight = question.as_ref().map_or(USUAL_WEIGHT, Question::weight);
        if !self.visitors.may_ask(from, weight) {
            return json(StatusCode::TOO_MANY_REQUESTS, "null".to_owned());
        }
        if let Some(refusal) = self.refusal() {
            return refusal;
        }
        match question {
            Some(question) => self.answer(from, &question),
            None => (StatusCode::UNPROCESSABLE_ENTITY, NOT_A_QUESTION).into_response(),
        }
    }

    fn answer(&self, from: IpAddr, question: &Question) -> Response {
        let Some(answer) = answer(question, &self.feed.now()) else {
            return json(StatusCode::INTERNAL_SERVER_ERROR, "null".to_owned());
        };
        let charged = question.items_per_weight().map_or(0, |items| answer.items.div_ceil(items));
        self.visitors.charge(from, charged as u32);
        json(StatusCode::OK, answer.json)
    }

    /// By the number of the request, as the proxies before the exchange write it.
    fn refusal(&self) -> Option<Response> {
        let request = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.feed.hits(Fault::Refusals, request) {
            return None;
        }
        let too_many = self.feed.dice(Fault::Refusals, request).happens(TOO_MANY_PER_MILLE);
        let status = if too_many { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::BAD_GATEWAY };
        let page = format!(
            "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n\
             <hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
        );
        Some((status, Html(page)).into_response())
    }
}

fn json(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
