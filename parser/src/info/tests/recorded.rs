//! A recorded reply → through whatever reads such replies of the real endpoint → its facts.

use schemas::{GENERATION, Outbox, Wallet};

use super::super::job::Job;
use super::super::metadata::parse_perp_dexs;
use super::super::polls::{Answer, Polls};

/// An hour after the epoch: nothing that was ever recorded is too old to be told.
const ASKED: i64 = 3_600_000;

/// Of those questions that are asked again and again.
pub(crate) fn poll(question: &str, user: Wallet, dex: &str, reply: &str, out: &mut Outbox) {
    let job = match question {
        "metaAndAssetCtxs" => Job::Contexts(dex.to_owned()),
        "clearinghouseState" => Job::Account(user, dex.to_owned()),
        "userNonFundingLedgerUpdates" => Job::Ledger(user),
        "userFunding" => Job::Funding(user),
        "userFills" | "userFillsByTime" => Job::Fills(user),
        other => panic!("{other} is never asked"),
    };
    let (_, mut polls) = Polls::open(Vec::new(), GENERATION.number, ASKED).unwrap();
    polls.learn_dexes(vec![dex.to_owned()], ASKED);
    polls.poll_contexts(ASKED, ASKED);
    assert!(polls.follow(user, 1_000.into(), false, ASKED));
    polls.follow_fills(user, ASKED);
    let (question, _) = polls.question(&job, ASKED).unwrap();
    polls.begin(&job);
    let reply = Ok(reply.as_bytes().to_vec());
    polls.take(&Answer { job, question, begun: ASKED, received: ASKED, reply }, out);
}

/// How many builders' dexs there are.
pub(crate) fn dexs(reply: &str) -> usize {
    parse_perp_dexs(reply.as_bytes()).unwrap().len()
}
