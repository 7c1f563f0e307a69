//! The largest positions say which wallets are followed → `account-states`, `ledger-updates`, `raw.info`, `feed-status`,
//! `dead-letters`, and the state behind them, in one commit; and, of wallets that were named, `fills-history`; and, of the
//! busiest markets, `exchange-candles`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::parser::{InfoClient, InfoSource, InfoStatus, Progress, RunRecord};
use metrics::{counter, gauge};
use schemas::{Amount, Coin, MarketKind, Outbox, Position, Wallet, topics};

use super::info::STAGE;
use super::tasks::{self, Lease};
use super::{CHUNK_BYTES, PATIENCE, Shared, now_ms};
use super::{generations, import, parser};
use crate::failure::Failure;
use crate::log::{Log, Reader, Start};
use crate::stats;

const NAME: &str = "info";
/// So many are asked about every few minutes within the budget of one address.
const LARGEST: usize = 1_000;
const CHOOSE_EVERY: Duration = Duration::from_secs(10);

/// Whose accounts are followed.
#[derive(Debug)]
pub struct Accounts {
    /// The endpoint, as it is told of.
    pub url: String,
    pub named: Vec<Wallet>,
    /// A node's events tell what accounts move and pay.
    pub has_node: bool,
    /// A node or a stream tells everybody's fills.
    pub has_fills: bool,
}

pub async fn follow(shared: &Shared, client: InfoClient, wanted: &Accounts, lease: &Lease) -> Result<(), Failure> {
    let Shared { log, stop, .. } = shared;
    // First the writer: when it has begun, nobody else can change the state that is read next.
    let mut writer = Arc::clone(log).writer(&format!("{STAGE}.0"))?;
    let mut state = Vec::new();
    log.last_values(&topics::STATE_PARSER_INFO, 0, &mut |key, value| state.push((key.to_vec(), value.to_vec())))?;
    let generation = log.generation();
    let mut source = InfoSource::open(client, state, generation.number, now_ms)?;
    source.poll_candles();
    if wanted.has_node {
        source.leave_lists();
    }
    if !wanted.has_fills {
        source.follow_fills(&wanted.named);
    }
    show(&source.status());
    let mut holders = Holders::begin(shared)?;
    let (mut out, mut chosen_at) = (Outbox::new(generation), None::<Instant>);
    let mut run = RunRecord::begin(NAME, &wanted.url, now_ms());
    while !stop.asked() && !lease.is_over() {
        holders.read()?;
        if chosen_at.is_none_or(|at| at.elapsed() > CHOOSE_EVERY) {
            chosen_at = Some(Instant::now());
            holders.follow_who_is_told(shared)?;
            choose(&mut source, &holders, &wanted.named);
            if !wanted.has_fills && !wanted.named.is_empty() {
                source.leave_fills(covered(log.as_ref())?);
            }
        }
        let before = source.status().counts();
        let taken = tokio::select! {
            taken = source.read(&mut out) => taken?,
            () = tokio::time::sleep(PATIENCE) => continue,
        };
        let (status, now) = (source.status(), now_ms());
        run.count(taken.lines, taken.bytes, &before, &status.counts(), now);
        run.say(format!("{} accounts", status.followed), now, &mut out);
        if out.records() > 0 {
            writer.commit(&out)?;
            stats::committed(NAME, &out);
            out.clear();
        }
        show(&status);
    }
    run.end(format!("{} accounts", source.status().followed), now_ms(), &mut out);
    tasks::say_last(writer.as_mut(), &out)
}

/// Those that were named, and the largest; whoever is neither any more is left.
fn choose(source: &mut InfoSource, holders: &Holders, named: &[Wallet]) {
    let mut chosen: BTreeSet<Wallet> = named.iter().copied().collect();
    for wallet in named {
        source.follow(*wallet, holders.notional(*wallet), true);
    }
    for (wallet, notional) in holders.largest() {
        if chosen.insert(wallet) {
            source.follow(wallet, notional, false);
        }
        for dex in holders.dexes(wallet) {
            source.holds(wallet, dex);
        }
    }
    let left: Vec<Wallet> = source.followed().filter(|wallet| !chosen.contains(wallet)).collect();
    left.into_iter().for_each(|wallet| source.unfollow(wallet));
}

/// Of which stretches of time a tape or imports have brought the fills.
fn covered(log: &dyn Log) -> Result<Vec<(i64, i64)>, Failure> {
    let tape = parser::cursor(log)?;
    let tape = (tape.time > 0).then_some((tape.first_time, tape.time));
    let imports = import::progress(log)?;
    Ok(imports.iter().flat_map(Progress::covered).chain(tape).collect())
}

/// Who holds how much of what, at the price of the last fill.
struct Holders {
    /// The generation whose positions are read.
    told: u32,
    reader: Box<dyn Reader>,
    wallets: HashMap<Wallet, HashMap<Coin, Amount>>,
}

impl Holders {
    fn begin(shared: &Shared) -> Result<Self, Failure> {
        let (log, mut starts) = (generations::told(&shared.log)?, Vec::new());
        let mut holders = HashMap::new();
        for partition in log.partitions(&topics::POSITIONS) {
            let held = log.last_values(&topics::POSITIONS, partition, &mut |_, value| take(&mut holders, value))?;
            starts.push(Start { topic: &topics::POSITIONS, partition, from: Some(held.next) });
        }
        Ok(Self { told: log.generation().number, reader: log.reader(&starts)?, wallets: holders })
    }

    /// Another generation may be told by now: from then on its positions are read.
    fn follow_who_is_told(&mut self, shared: &Shared) -> Result<(), Failure> {
        if generations::known(shared.log.as_ref())?.told != self.told {
            *self = Self::begin(shared)?;
        }
        Ok(())
    }

    fn read(&mut self) -> Result<(), Failure> {
        for slice in self.reader.read(CHUNK_BYTES, Duration::ZERO)? {
            slice.records().filter_map(|(_, record)| record.value).for_each(|value| take(&mut self.wallets, value));
        }
        Ok(())
    }

    fn notional(&self, wallet: Wallet) -> Amount {
        let held = self.wallets.get(&wallet).into_iter().flat_map(HashMap::values);
        held.fold(Amount::ZERO, |sum, notional| sum.plus(*notional).unwrap_or(sum))
    }

    fn largest(&self) -> Vec<(Wallet, Amount)> {
        let mut all: Vec<(Wallet, Amount)> =
            self.wallets.keys().map(|wallet| (*wallet, self.notional(*wallet))).collect();
        all.sort_unstable_by(|one, other| (other.1, one.0).cmp(&(one.1, other.0)));
        all.truncate(LARGEST);
        all
    }

    /// The main dex has no name.
    fn dexes(&self, wallet: Wallet) -> BTreeSet<&str> {
        self.wallets.get(&wallet).into_iter().flat_map(HashMap::keys).map(Coin::dex).collect()
    }
}

fn take(wallets: &mut HashMap<Wallet, HashMap<Coin, Amount>>, value: &[u8]) {
    // Clocks stand among the positions.
    let Ok(position) = serde_json::from_slice::<Position>(value) else { return };
    if position.coin.kind() == MarketKind::Spot {
        return;
    }
    let held = wallets.entry(position.wallet).or_default();
    if position.size.is_zero() {
        held.remove(&position.coin);
        if held.is_empty() {
            wallets.remove(&position.wallet);
        }
        return;
    }
    let notional = position.size.magnitude().times(position.last_px).unwrap_or_default();
    held.insert(position.coin, notional);
}

/// What the source has counted, as metrics.
fn show(status: &InfoStatus) {
    counter!("fathom_info_requests_total", "source" => NAME).absolute(status.requests);
    counter!("fathom_info_failed_total", "source" => NAME).absolute(status.failed);
    counter!("fathom_info_refused_total", "source" => NAME).absolute(status.refused);
    gauge!("fathom_info_weight", "source" => NAME).set(status.weight_in_last_minute);
    gauge!("fathom_info_accounts", "source" => NAME).set(status.followed as f64);
    let oldest = status.oldest_age_ms.unwrap_or_default() as f64 / 1_000.0;
    gauge!("fathom_info_oldest_account_seconds", "source" => NAME).set(oldest);
}
