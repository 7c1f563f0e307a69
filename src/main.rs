//! The one binary: what can be asked of it, and where each of it is done.

mod args;
mod bench;
mod contract;
mod control;
mod data_dir;
mod failure;
mod keys;
mod log;
mod rebuild;
mod replay;
mod run;
mod schema_page;
mod simulate;
mod stats;
mod stop;
#[cfg(test)]
mod tidy;

use std::process::ExitCode;

use args::{Bench, Cli, Command, DeadLetters, Keys, LogForm};
use clap::Parser as _;
use failure::Failure;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    say_what_happens(cli.log);
    stats::begin();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Up(args) => run::up::up(*args),
        Command::Parser(args) => run::alone::parser(args),
        Command::Computer(args) => run::alone::computer(args),
        Command::Sink(args) => run::alone::sink(args),
        Command::Api(args) => run::alone::api(args),
        Command::Import(args) => run::import::import(args),
        Command::Simulate(args) => simulate::simulate(args),
        Command::Status(ask) => control::status(&ask),
        Command::Topics(topics) => control::topics(&topics),
        Command::Lag(ask) => control::lag(&ask),
        Command::Replay(args) => control::replay(&args),
        Command::Rebuild(args) => control::rebuild(&args),
        Command::DeadLetters(DeadLetters::Ls(args)) => control::dead_letters::ls(&args),
        Command::DeadLetters(DeadLetters::Show(args)) => control::dead_letters::show(&args),
        Command::DeadLetters(DeadLetters::Redrive(args)) => control::dead_letters::redrive(&args),
        Command::Keys(Keys::Add(args)) => keys::add(&args),
        Command::Keys(Keys::List(args)) => keys::list(&args),
        Command::Keys(Keys::Revoke(args)) => keys::revoke(&args),
        Command::Schemas(args) => contract::print(&args),
        Command::Openapi => contract::openapi(),
        Command::Asyncapi => contract::asyncapi(),
        Command::Bench(Bench::Api(args)) => bench::api::api(args),
        Command::Bench(Bench::Computer(args)) => bench::computer::computer(&args),
        Command::Bench(Bench::Import(args)) => bench::import::import(&args),
        Command::Bench(Bench::Latency(args)) => bench::latency::latency(args),
        Command::Bench(Bench::Replay(args)) => bench::replay::run(&args),
        Command::Bench(Bench::Restore(args)) => bench::restore::restore(&args),
        Command::Bench(Bench::Ws(args)) => bench::ws::ws(&args),
    }
}

/// Lines on stderr, as `RUST_LOG` wants them: what an operator should see, by default.
fn say_what_happens(form: LogForm) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("fathom=info,parser=info,sink=info,api=info,simulator=info,warn"));
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match form {
        LogForm::Pretty => lines.with_ansi(terminal).with_target(false).init(),
        LogForm::Json => lines.json().flatten_event(true).init(),
    }
}
