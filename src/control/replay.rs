//! `fathom replay`: what is asked for → lines of what was said once more, or of how everything stood, on standard output; the
//! plan, how far it is and where it parts from what stands on the log, for whoever looks.

use std::io::Write as _;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{Question, ask_by};
use crate::args::Replay;
use crate::failure::Failure;
use crate::replay::{Request, in_words};
use crate::stop::Stop;

pub fn replay(args: &Replay) -> Result<(), Failure> {
    let request = Request {
        from: args.from.clone(),
        to: args.to.clone(),
        at: args.at.clone(),
        coin: args.coin.clone(),
        processor: args.processor.clone(),
        topic: args.topic.clone(),
        speed: args.speed,
        check: args.check,
        keep: args.keep,
        dry_run: args.dry_run,
    };
    let stop = Stop::new();
    // What is printed may end anywhere; what is kept is whole, or dropped.
    let _signals = if args.keep { Some(heard_by(&stop)?) } else { None };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut bar, mut last, mut differences) = (None, Value::Null, 0);
    ask_by(&args.rules.rules(), &Question::Replay(request), &args.ask, |line| {
        if stop.asked() {
            return Err(Failure::stop("it was ended before it was whole: nothing of it is kept"));
        }
        if let Some(plan) = line.get("plan") {
            eprint!("{}", plan_in_words(plan));
            bar = Some(begin(plan));
            last = line;
        } else if let Some(progress) = line.get("progress") {
            let (reached, from) = (&progress["reached"], &progress["from"]);
            let done = reached.as_i64().unwrap_or_default() - from.as_i64().unwrap_or_default();
            if let Some(bar) = &bar {
                bar.set_position(done.max(0).cast_unsigned());
                bar.set_message(in_words(reached.as_i64().unwrap_or_default()));
            }
        } else if line.get("summary").is_some() {
            differences = line["summary"]["check"]["differences"].as_u64().unwrap_or_default();
            last = line;
        } else {
            writeln!(out, "{line}").map_err(|cause| Failure::because("could not print", cause))?;
        }
        Ok(())
    })?;
    out.flush().map_err(|cause| Failure::because("could not print", cause))?;
    drop(out);
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    if let Some(summary) = last.get("summary") {
        eprint!("{}", summary_in_words(summary));
    }
    if args.ask.json {
        println!("{last}");
    }
    if differences > 0 {
        return Err(Failure::stop(format!("{differences} results are not what they were")));
    }
    Ok(())
}

fn heard_by(stop: &Stop) -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::because("could not start the runtime", cause))?;
    runtime.spawn(stop.clone().listen());
    Ok(runtime)
}

fn begin(plan: &Value) -> ProgressBar {
    let length = plan["to"].as_i64().unwrap_or_default() - plan["from"].as_i64().unwrap_or_default();
    let bar = ProgressBar::new(length.max(0).cast_unsigned());
    let style = ProgressStyle::with_template("{bar:40} {percent}% {msg}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn plan_in_words(plan: &Value) -> String {
    let number = |name: &str| plan[name].as_i64().unwrap_or_default();
    let tasks = plan["tasks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let snapshots = tasks.iter().filter_map(|task| task["snapshot"].as_i64());
    let begins = match (snapshots.clone().min(), snapshots.count()) {
        (Some(oldest), all) if all == tasks.len() => format!("snapshots, the oldest of {}", in_words(oldest)),
        (Some(oldest), some) => format!("{some} snapshots, the oldest of {}, and the first records", in_words(oldest)),
        (None, _) => "the first records".to_owned(),
    };
    let bytes = plan["bytes"].as_i64().map_or_else(String::new, |bytes| format!(", {} MB", bytes / 1_000_000));
    format!(
        "from      {}\nto        {}\nbegins    with {begins}\nreads     at most {} records{bytes}, of {} tasks\nremoved   {} records by retention, none that is needed\n",
        in_words(number("from")),
        in_words(number("to")),
        number("records"),
        tasks.len(),
        number("removed"),
    )
}

fn summary_in_words(summary: &Value) -> String {
    let seconds = summary["seconds"].as_f64().unwrap_or_default();
    let read = summary["records_read"].as_u64().unwrap_or_default();
    if !summary["at"].is_null() {
        let (told, at) = (&summary["results"], crate::control::moment(&summary["at"]));
        return format!("{told} as they stood at {at}; {read} records read in {seconds:.1} s\n");
    }
    let rate = read as f64 / seconds.max(0.001);
    let came = match (summary["check"].as_object(), summary["generation"].as_u64()) {
        (Some(check), _) => {
            let compared = check["compared"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64());
            format!("{} results compared, {} differ", compared.sum::<u64>(), check["differences"])
        }
        (None, Some(number)) => format!(
            "{} results are generation {number} (fathom rebuild compare {number}, fathom rebuild drop {number})",
            summary["results"]
        ),
        (None, None) => format!("{} results", summary["results"]),
    };
    format!("{came}; {read} records read in {seconds:.1} s, {rate:.0} a second\n")
}
