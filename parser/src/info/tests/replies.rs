//! Replies in, facts out: what is written, in which form, and what becomes of bytes that are not what they should be.

use schemas::{GENERATION, LedgerUpdate, Outbox, Wallet, topics};
use serde_json::{Value, json};

use super::super::job::Job;
use super::super::polls::{Answer, Polls};
use super::super::schedule::Next;
use super::super::spending::SpendingRecord;
use super::super::state::entry;
use super::{Log, NOTHING_HELD, NOW, account, update, wallet};
use crate::InfoError;

/// What is asked, and the log it is committed to.
struct World {
    polls: Polls,
    log: Log,
    now: i64,
}

impl World {
    fn new() -> Self {
        Self::behind(Log::default(), NOW)
    }

    fn behind(log: Log, now: i64) -> Self {
        let entries = log.state.iter().map(|(key, value)| entry(key, value).unwrap()).collect();
        let (_, polls) = Polls::open(entries, GENERATION.number, now).unwrap();
        Self { polls, log, now }
    }

    fn follow(&mut self, number: u8) {
        assert!(self.polls.follow(wallet(number), 1_000.into(), false, self.now));
    }

    /// Another process, which knows what was committed.
    fn restart(self) -> Self {
        Self::behind(self.log, self.now)
    }

    fn answer(&mut self, job: &Job, reply: Result<String, InfoError>) {
        let (question, _) = self.polls.question(job, self.now).unwrap();
        self.polls.begin(job);
        let (job, begun, received) = (job.clone(), self.now, self.now + 100);
        let mut out = Outbox::new(GENERATION);
        self.now = received;
        self.polls.take(&Answer { job, question, begun, received, reply: reply.map(String::into_bytes) }, &mut out);
        self.polls.write_state(SpendingRecord::default(), received, &mut out);
        self.log.commit(&mut out);
    }

    fn answered(&mut self, job: &Job, reply: impl Into<String>) {
        self.answer(job, Ok(reply.into()));
    }

    /// What is due, in its order, each answered with nothing.
    fn due(&mut self) -> Vec<Job> {
        let mut due = Vec::new();
        while let Next::Now(job) = self.polls.next(self.now) {
            self.polls.begin(&job);
            due.push(job);
        }
        due
    }
}

fn main_account(number: u8) -> Job {
    Job::Account(wallet(number), String::new())
}

#[test]
fn an_account_goes_on_with_every_field_it_came_with() {
    let (mut world, reply) = (World::new(), account(NOW, "75.652", "7.525754"));
    world.follow(0x11);
    world.answered(&main_account(0x11), &*reply);
    let fields = reply.strip_prefix('{').unwrap();
    let user = "0x1111111111111111111111111111111111111111";
    assert_eq!(world.log.accounts, [format!(r#"{{"user":"{user}","dex":"",{fields}"#)]);
    assert_eq!(world.log.raw, [reply]);
    world.now += 120_000;
    world.answered(&main_account(0x11), account(NOW + 1, "75.652", "7.525754"));
    assert_eq!(world.log.accounts.len(), 2, "also when only the time is new");
}

#[test]
fn records_carry_what_the_contract_says() {
    let (mut polls, mut out) = (World::new(), Outbox::new(GENERATION));
    polls.follow(1);
    let job = main_account(1);
    let (question, _) = polls.polls.question(&job, NOW).unwrap();
    let reply = Ok(NOTHING_HELD.to_owned().into_bytes());
    polls.polls.take(&Answer { job, question: question.clone(), begun: NOW, received: NOW + 100, reply }, &mut out);
    let headers = |topic: &str| {
        let (.., batch) = out.filled().find(|(other, ..)| other.name == topic).unwrap();
        let record = batch.records().next().unwrap();
        let headers: Vec<_> =
            record.headers.iter().map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value))).collect();
        (String::from_utf8(record.key.to_vec()).unwrap(), record.time, headers)
    };
    let (key, time, fields) = headers("account-states");
    assert_eq!((key, time), (format!("{}|", wallet(1)), 1_765_661_071_083));
    let source = format!("source={}", question.request());
    assert_eq!(fields, [format!("received={}", NOW + 100), "schema=account-state/1".to_owned(), source]);
    assert_eq!(headers("raw.info"), (question.request(), NOW + 100, vec![format!("received={}", NOW + 100)]));
}

#[test]
fn contexts_go_out_under_their_names_whenever_they_have_changed() {
    let context = |mark: &str| {
        json!({ "funding": "-0.000003688", "openInterest": "22727.78266", "prevDayPx": "69557.0", "dayNtlVlm": "1.0",
            "premium": null, "oraclePx": "66383.0", "markPx": mark, "midPx": null, "impactPxs": null, "new": [1.5] })
    };
    let reply = |marks: [&str; 2]| {
        let universe = json!([{ "szDecimals": 5, "name": "xyz:A" }, { "szDecimals": 5, "name": "xyz:B" }]);
        json!([{ "universe": universe }, marks.map(context)]).to_string()
    };
    let mut world = World::new();
    world.polls.learn_dexes(vec!["xyz".to_owned()], NOW);
    world.polls.poll_contexts(10_000, NOW);
    assert_eq!(world.due(), [Job::Dexs, Job::Contexts(String::new()), Job::Contexts("xyz".to_owned())]);
    let job = Job::Contexts("xyz".to_owned());
    for marks in [["1.50", "2.0"], ["1.50", "2.0"], ["1.50", "2.1"], ["x", "2.1"], ["x", "2.1"]] {
        world.answered(&job, reply(marks));
    }
    let coin = |fact: &String| {
        let read: Value = serde_json::from_str(fact).unwrap();
        assert!(fact.starts_with(&format!(r#"{{"coin":{},"time":{},"#, read["coin"], read["time"])), "{fact}");
        assert_eq!(read["new"], json!([1.5]));
        (read["coin"].as_str().unwrap().to_owned(), read["markPx"].as_str().unwrap().to_owned())
    };
    let told: Vec<_> = world.log.contexts.iter().map(coin).collect();
    let told: Vec<_> = told.iter().map(|(coin, mark)| (coin.as_str(), mark.as_str())).collect();
    assert_eq!(told, [("xyz:A", "1.50"), ("xyz:B", "2.0"), ("xyz:B", "2.1")]);
    assert_eq!(world.log.raw.len(), 2, "of what facts were made of");
    let [letter] = world.log.letters.as_slice() else { panic!("{:?}", world.log.letters) };
    assert_eq!(letter.position, r##"{"type":"metaAndAssetCtxs","dex":"xyz"}#xyz:A"##);
    world.answered(&job, r#"[{"universe":[{"name":"xyz:A"}]},[]]"#);
    assert!(world.log.letters[1].reason.contains("not as many as markets"));
}

#[test]
fn bytes_that_are_no_account_are_set_aside_exactly_and_the_poll_goes_on() {
    let mut world = World::new();
    world.follow(1);
    let request = world.polls.question(&main_account(1), NOW).unwrap().0.request();
    for bytes in ["null", "<html>busy</html>", "[]", r#"{"time":1}"#] {
        world.answered(&main_account(1), bytes);
        let letter = world.log.letters.last().unwrap();
        assert_eq!((letter.source.as_str(), letter.position.as_str()), ("info", request.as_str()));
        assert_eq!(letter.text.as_deref(), Some(bytes));
        world.now += 120_000;
    }
    assert_eq!((world.log.letters.len(), world.polls.counts.failed), (4, 4));
    world.answered(&main_account(1), NOTHING_HELD);
    assert_eq!(world.log.accounts.len(), 1);
}

#[test]
fn changes_come_once_across_restarts_and_what_is_none_is_set_aside_once() {
    let (mut world, job) = (World::new(), Job::Ledger(wallet(1)));
    world.follow(1);
    let start = |world: &World| {
        let request: Value = serde_json::from_str(&world.polls.question(&job, NOW).unwrap().0.request()).unwrap();
        request["startTime"].as_i64().unwrap()
    };
    assert_eq!(start(&world), NOW - 3_600_000, "from an hour before it was followed");
    let bad = r#"{"time":"never"}"#.to_owned();
    let all = [update(NOW, 1), update(NOW, 2), bad.clone(), update(NOW, 3), update(NOW + 1, 4)];
    for upto in [0, 2, 3, 4, 4, 5] {
        world.answered(&job, format!("[{}]", all[..upto].join(",")));
        world = world.restart();
    }
    assert_eq!(start(&world), NOW + 1);
    let updates: Vec<LedgerUpdate> = world.log.updates.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let numbers: Vec<u8> = updates.iter().map(|update| update.hash.0[31]).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert!(updates[0].id.starts_with(&format!("{NOW}-{}-deposit-", wallet(1))), "{}", updates[0].id);
    assert!(world.log.updates[0].ends_with(r#""delta":{"type":"deposit","usdc":"2703997.4500000002","bare":1.50}}"#));
    let [letter] = world.log.letters.as_slice() else { panic!("{:?}", world.log.letters) };
    assert_eq!(letter.text.as_ref(), Some(&bad));
    assert!(letter.position.ends_with("}#2"), "{}", letter.position);
}

#[test]
fn a_page_that_is_full_is_followed_by_the_next_and_a_crowded_millisecond_is_a_gap() {
    let (mut world, job) = (World::new(), Job::Funding(wallet(1)));
    world.follow(1);
    let _ = world.due();
    let page = |time: i64, numbers: std::ops::Range<u64>| {
        let updates: Vec<String> = numbers.map(|number| update(time, number)).collect();
        format!("[{}]", updates.join(","))
    };
    world.answered(&job, page(NOW, 0..500));
    assert_eq!(world.polls.next(world.now), Next::Now(job.clone()), "there may be more");
    world = world.restart();
    world.answered(&job, page(NOW, 0..500));
    let [gap] = world.log.statuses.as_slice() else { panic!("{:?}", world.log.statuses) };
    assert_eq!((gap.from_time, gap.to_time), (Some(NOW), Some(NOW)));
    world.answered(&job, page(NOW + 5, 500..510));
    assert_eq!((world.log.updates.len(), world.polls.counts.gaps), (510, 1));
    let _ = world.due();
    assert_eq!(world.polls.next(world.now), Next::At(world.now + 3_600_000));
}

#[test]
fn a_wallet_is_asked_for_on_every_dex_on_which_it_may_hold_something() {
    let mut world = World::new();
    world.follow(1);
    world.answered(&Job::Dexs, r#"[null,{"name":"xyz"},{"name":"cash"}]"#);
    let on = |dex: &str| Job::Account(wallet(1), dex.to_owned());
    let mut due = world.due();
    due.sort();
    assert_eq!(due, [on(""), on("cash"), on("xyz"), Job::Ledger(wallet(1)), Job::Funding(wallet(1))]);
    world.answered(&on(""), NOTHING_HELD);
    world.answered(&on("cash"), NOTHING_HELD);
    world.answered(&on("xyz"), account(NOW, "75.652", "7.525754"));
    world = world.restart();
    world.now += 5_100;
    assert_eq!(
        world.due(),
        [Job::Dexs, on("xyz"), Job::Ledger(wallet(1)), Job::Funding(wallet(1))],
        "half of its margin is needed"
    );
    world.now += 120_000;
    assert_eq!(world.due(), [on("")]);
    world.polls.holds(wallet(1), "cash", world.now);
    assert_eq!(world.due(), [on("cash")], "it was told");
}

#[test]
fn who_is_not_followed_any_more_is_not_asked_for_and_leaves_nothing_behind() {
    let mut world = World::new();
    world.follow(1);
    world.follow(2);
    let job = main_account(1);
    world.answered(&job, NOTHING_HELD);
    world.polls.unfollow(wallet(1));
    assert!(world.polls.question(&Job::Ledger(wallet(1)), NOW).is_none());
    let question = super::super::question::Question::Account { user: wallet(1), dex: String::new() };
    let reply = Ok(NOTHING_HELD.to_owned().into_bytes());
    let mut out = Outbox::new(GENERATION);
    world.polls.take(&Answer { job, question, begun: NOW, received: NOW, reply }, &mut out);
    assert_eq!(out.records(), 0, "what was under way is nobody's");
    world.polls.write_state(SpendingRecord::default(), NOW, &mut out);
    world.log.commit(&mut out);
    let keys: Vec<String> = world.log.state.keys().map(|key| String::from_utf8(key.clone()).unwrap()).collect();
    let of_two = ["account", "funding", "ledger"].map(|part| format!("{}|{part}", wallet(2)));
    assert_eq!(keys[..3], of_two);
    assert_eq!(keys[3..], ["budget"]);
    assert_eq!(world.due().iter().filter_map(Job::wallet).filter(|followed| *followed == wallet(1)).count(), 0);
}

#[test]
fn where_there_is_no_room_the_least_important_goes_or_does_not_come() {
    let mut world = World::new();
    let numbered = |number: u16| {
        let mut bytes = [0; 20];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        Wallet(bytes)
    };
    for number in 0..10_000 {
        assert!(world.polls.follow(numbered(number), i64::from(1_000 + number).into(), false, NOW));
    }
    assert!(!world.polls.follow(numbered(20_000), 999.into(), false, NOW));
    assert!(world.polls.follow(numbered(20_001), 5_000.into(), false, NOW));
    assert!(world.polls.follow(numbered(20_002), 1.into(), true, NOW), "who is at risk goes before the large");
    let is_followed = |number: u16| world.polls.wallets.get(numbered(number)).is_some();
    assert_eq!([0, 1, 2, 20_000, 20_001, 20_002].map(is_followed), [false, false, true, false, true, true]);
    assert_eq!(world.polls.wallets.iter().count(), 10_000);
}

#[test]
fn what_fails_is_left_alone_for_longer_each_time_and_others_go_on() {
    let mut world = World::new();
    world.follow(1);
    let status = |status| Err(InfoError::Status { url: "u".to_owned(), status });
    let mut pauses = Vec::new();
    for _ in 0..8 {
        world.answer(&main_account(1), status(502));
        // One that was under way at the same time makes no difference.
        world.answer(&main_account(1), status(502));
        let (received, mut pause) = (world.now - 100, 0);
        world.polls.follow(wallet(1), 1_000.into(), true, world.now);
        world.polls.holds(wallet(1), "xyz", world.now);
        while !matches!(world.polls.next(received + pause), Next::Now(Job::Account(..))) {
            if let Next::Now(other) = world.polls.next(received + pause) {
                world.polls.begin(&other);
            } else {
                pause += 1_000;
            }
        }
        pauses.push(pause / 1_000);
        world.now = received + pause;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    world.answered(&main_account(1), NOTHING_HELD);
    world.answer(&Job::Ledger(wallet(1)), status(422));
    assert!(world.polls.setbacks.not_before(Job::Ledger(wallet(1)).kind()) == world.now + 600_000);
    assert_eq!(world.polls.counts.failed, 17);
}

#[test]
fn state_of_another_generation_or_of_nobody_knows_what_is_refused() {
    let open = |key: &str, value: &str| {
        let entries = vec![entry(key.as_bytes(), value.as_bytes())?];
        Polls::open(entries, GENERATION.number, NOW).map(drop)
    };
    assert!(open("budget", r#"{"spent":[[1782636233257,20]]}"#).is_ok());
    assert!(matches!(
        open("budget", r#"{"generation":7,"spent":[]}"#),
        Err(crate::SourceError::Generation { found: 7 })
    ));
    for (key, value) in
        [("budget", "null"), ("cursor", "{}"), ("0x11|ledger", "{}"), (&*format!("{}|else", wallet(1)), "{}")]
    {
        assert!(matches!(open(key, value), Err(crate::SourceError::State { .. })), "{key}");
    }
    for (_, example) in schemas::examples::of(&topics::STATE_PARSER_INFO) {
        open("budget", std::str::from_utf8(&example).unwrap()).unwrap();
    }
}
