//! `fathom bench import`: files of a simulated archive into a fresh log, as `fathom import` does it, beside what it takes
//! to decode the same bytes and do nothing with them.

use std::collections::BTreeSet;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use schemas::{Amount, Coin, GENERATION, Hash, Liquidation, Side, Text, Wallet};
use serde::Deserialize;
use serde_json::json;

use crate::args::BenchImport;
use crate::failure::Failure;
use crate::log::embedded::Embedded;
use crate::run::{Shared, alone, import as role};
use crate::stop::Stop;

const START: i64 = 1_782_633_600_000;
const RATE: u32 = 2_000;
const WALLETS: u32 = 10_000;

pub fn import(args: &BenchImport) -> Result<(), Failure> {
    let folder = super::folder()?;
    let files = write(&folder.path().join("archive"), args.fills)
        .map_err(|cause| Failure::because("could not write an archive", cause))?;
    let bytes: u64 = files.iter().filter_map(|path| fs::metadata(path).ok()).map(|metadata| metadata.len()).sum();
    let (decoded, decoding) = decode(&files)?;
    let stop = Stop::new();
    let shared = match args.kafka.settings()? {
        Some(settings) => alone::open(settings, stop, true)?,
        None => {
            let log = Arc::new(Embedded::open(&folder.path().join("log"), GENERATION)?);
            Shared::new(log, stop, true)
        }
    };
    let began = Instant::now();
    let contents = parser::look_into(&files)?;
    let work = role::Work { contents, writes_tape: true, is_followed: false, keeps_raw: false };
    let summary = role::into_the_log(&shared, &work)?;
    let importing = began.elapsed();
    let per_second = |fills: u64, took: Duration| (fills as f64 / took.as_secs_f64()).round();
    let (imported, plain) = (per_second(decoded, importing), per_second(decoded, decoding));
    println!(
        "{decoded} fills ({} MB) imported at {imported} fills/s; decoded and dropped at {plain} fills/s; ratio {:.2}; at most {} MB of memory",
        bytes / 1_000_000,
        imported / plain,
        super::most_memory() / 1_000_000,
    );
    if args.json {
        let object = json!({
            "fills": decoded, "bytes": bytes, "import_fills_per_second": imported, "decode_fills_per_second": plain,
            "ratio": (imported / plain * 100.0).round() / 100.0, "most_memory_bytes": super::most_memory(), "summary": summary.counts,
        });
        println!("{object}");
    }
    Ok(())
}

/// Hours of by-block files, as an archive has them.
pub(super) fn write(folder: &Path, fills: u64) -> std::io::Result<BTreeSet<PathBuf>> {
    let mut market = simulator::Engine::new(1, WALLETS, RATE, START);
    let (mut line, mut files, mut written) = (Vec::new(), BTreeSet::new(), 0);
    for hour in 0.. {
        let path = folder.join("node_fills_by_block/hourly/20260628").join(hour.to_string());
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        let mut file = BufWriter::new(fs::File::create(&path)?);
        files.insert(path);
        // A quarter of an hour at that rate.
        let until = written + u64::from(RATE) * 900;
        while written < until.min(fills) {
            written += market.next_block(&mut line) as u64;
            file.write_all(&line)?;
            file.write_all(b"\n")?;
        }
        file.flush()?;
        if written >= fills {
            break;
        }
    }
    Ok(files)
}

#[derive(Deserialize)]
struct Block {
    events: Vec<(Wallet, Leg)>,
}

/// A fill without what is put in front of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoded, and nothing else")]
struct Leg {
    coin: Coin,
    px: Amount,
    sz: Amount,
    side: Side,
    time: i64,
    start_position: Amount,
    dir: Text,
    closed_pnl: Amount,
    hash: Hash,
    oid: u64,
    crossed: bool,
    fee: Amount,
    tid: u64,
    fee_token: Text,
    liquidation: Option<Liquidation>,
}

fn decode(files: &BTreeSet<PathBuf>) -> Result<(u64, Duration), Failure> {
    let failed = |cause| Failure::because("could not read the archive", cause);
    let began = Instant::now();
    let mut fills = 0;
    for path in files {
        let mut reader = BufReader::with_capacity(1024 * 1024, fs::File::open(path).map_err(failed)?);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).map_err(failed)? > 0 {
            let block: Block = serde_json::from_slice(&line).map_err(|cause| Failure::because("not a block", cause))?;
            fills += black_box(block).events.len() as u64;
            line.clear();
        }
    }
    Ok((fills, began.elapsed()))
}
