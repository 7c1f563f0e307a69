//! A request's way through `/info`: it is weighed, answered, weighed again with what the answer is made of, and refused
//! when that is more than its address has left.

use std::net::IpAddr;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::answer;
use super::questions::{Question, USUAL_WEIGHT};
use crate::feed::Feed;
use crate::visitors::Visitors;

#[derive(Clone)]
pub(crate) struct Page {
    feed: Feed,
    visitors: Visitors,
}

const NOT_A_QUESTION: &str = "Failed to deserialize the JSON body into the target type";

impl Page {
    pub(crate) fn new(feed: Feed, visitors: Visitors) -> Self {
        Self { feed, visitors }
    }

    pub(crate) fn reply(&self, from: IpAddr, body: &[u8]) -> Response {
        let question: Option<Question> = serde_json::from_slice(body).ok();
        let least = question.as_ref().map_or(USUAL_WEIGHT, Question::weight);
        if !self.visitors.may_ask(from, least) {
            return too_many();
        }
        let (weight, reply) = match question {
            Some(question) => self.answer(&question),
            None => (USUAL_WEIGHT, (StatusCode::UNPROCESSABLE_ENTITY, NOT_A_QUESTION).into_response()),
        };
        if self.visitors.may_hear(from, weight) { reply } else { too_many() }
    }

    /// And what it weighs.
    fn answer(&self, question: &Question) -> (u32, Response) {
        match answer(question, &self.feed.now()) {
            Some(answer) => (question.weight_of(answer.items), json(StatusCode::OK, answer.json)),
            None => (question.weight(), json(StatusCode::INTERNAL_SERVER_ERROR, "null".to_owned())),
        }
    }
}

fn too_many() -> Response {
    json(StatusCode::TOO_MANY_REQUESTS, "null".to_owned())
}

fn json(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
