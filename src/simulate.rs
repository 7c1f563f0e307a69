//! `fathom simulate`: the market alone, for as long as it is wanted.

use std::net::SocketAddr;

use simulator::{Options, Simulator};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tracing::info;

use crate::args::Simulate;
use crate::failure::Failure;
use crate::stop::Stop;

pub fn simulate(args: Simulate) -> Result<(), Failure> {
    let stop = Stop::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::because("could not start the runtime", cause))?;
    runtime.spawn(stop.clone().listen());
    let Simulate { out, seed, rate, wallets, speed, start, blocks, layouts, second_node, faults, listen, json } = args;
    let (keep_hours, folder) = (None, out.clone());
    let options = Options { out, seed, rate, wallets, start, speed, blocks, keep_hours, layouts, second_node, faults };
    let failed = |error: simulator::SimulatorError| Failure::because(error.to_string(), error);
    let mut market = Simulator::open(options).map_err(failed)?;
    if let Some(address) = listen {
        serve(&mut market, address, &stop, &runtime)?;
    }
    info!("a market in {}, after block {}", folder.display(), market.last_block());
    let summary = market.run(stop.flag()).map_err(failed)?;
    println!("{} blocks, {} fills; the last block is {}", summary.blocks, summary.fills, summary.last_block);
    if json {
        let object = serde_json::json!({
            "blocks": summary.blocks, "fills": summary.fills, "last_block": summary.last_block, "last_time": summary.last_time,
        });
        println!("{object}");
    }
    Ok(())
}

fn serve(market: &mut Simulator, address: SocketAddr, stop: &Stop, runtime: &Runtime) -> Result<(), Failure> {
    let listener = runtime.block_on(TcpListener::bind(address)).map_err(|cause| {
        let what = format!("cannot listen on {address}: stop what does, or choose another address with --listen");
        Failure::because(what, cause)
    })?;
    let bound = listener.local_addr().map_err(|cause| Failure::because("could not tell the address", cause))?;
    let (feed, ended) = (market.feed(), stop.clone());
    runtime.spawn(simulator::serve(listener, feed, async move { ended.wait().await }));
    info!("POST http://{bound}/info, ws://{bound}/ws and ws://{bound}/stream answer");
    Ok(())
}
