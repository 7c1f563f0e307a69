//! A recorded reply → through whatever reads such replies of the real endpoint → its facts.

use std::sync::Arc;

use schemas::{GENERATION, Outbox, Wallet};

use super::super::job::Job;
use super::super::metadata::parse_perp_dexs;
use super::super::polls::{Answer, Polls};
use super::server::{Reply, Server, soon};
use crate::{Budget, InfoClient};

/// An hour after the epoch: nothing that was ever recorded is too old to be told.
const ASKED: i64 = 3_600_000;

/// Of those questions that are asked again and again.
pub(crate) fn poll(question: &str, user: Wallet, dex: &str, reply: &str, out: &mut Outbox) {
    let job = match question {
        "metaAndAssetCtxs" => Job::Contexts(dex.to_owned()),
        "clearinghouseState" => Job::Account(user, dex.to_owned()),
        "userNonFundingLedgerUpdates" => Job::Ledger(user),
        "userFunding" => Job::Funding(user),
        other => panic!("{other} is never asked"),
    };
    let (_, mut polls) = Polls::open(Vec::new(), GENERATION.number, ASKED).unwrap();
    polls.learn_dexes(vec![dex.to_owned()], ASKED);
    polls.poll_contexts(ASKED, ASKED);
    assert!(polls.follow(user, 1_000.into(), false, ASKED));
    let (question, _) = polls.question(&job).unwrap();
    polls.begin(&job);
    let reply = Ok(reply.as_bytes().to_vec());
    polls.take(&Answer { job, question, begun: ASKED, received: ASKED, reply }, out);
}

/// The page of a history that is all of it.
pub(crate) fn history(user: Wallet, reply: &str, out: &mut Outbox) {
    let mut pages = vec!["[]".to_owned(), reply.to_owned()];
    let walk = async {
        let server = Server::start(move |_| Reply::Body(pages.pop().unwrap())).await;
        let client = InfoClient::sharing(server.url(), Arc::new(Budget::unlimited())).unwrap();
        let mut history = client.history(user, 0, i64::MAX);
        while let Some(page) = soon(history.next(ASKED)).await.unwrap() {
            page.set_down(out);
        }
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(walk);
}

/// How many builders' dexs there are.
pub(crate) fn dexs(reply: &str) -> usize {
    parse_perp_dexs(reply.as_bytes()).unwrap().len()
}
