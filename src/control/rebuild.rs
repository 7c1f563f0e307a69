//! `fathom rebuild`: what is wanted of generations → what was done, how far it is, and where two of them differ.

use std::io::Write as _;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::{Question, ask_for, moment};
use crate::args::{Ask, Rebuild, RebuildBegin, RebuildCompare, RebuildOne};
use crate::failure::Failure;
use crate::rebuild::Request;
use crate::replay;

pub fn rebuild(args: &Rebuild) -> Result<(), Failure> {
    match args {
        Rebuild::Begin(RebuildBegin { dry_run, rules, ask }) => {
            done(&Request::Begin { rules: rules.clone(), dry_run: *dry_run }, ask)
        }
        Rebuild::Ls(list) => {
            let mut answer = Value::Null;
            ask_for(&Question::Rebuild(Request::List), &list.ask, |line| {
                answer = line;
                Ok(())
            })?;
            print!("{}", in_words(&answer));
            super::finish(&list.ask, &answer)
        }
        Rebuild::Compare(args) => compare(args),
        Rebuild::Tell(RebuildOne { generation, dry_run, ask }) => {
            done(&Request::Tell { generation: *generation, dry_run: *dry_run }, ask)
        }
        Rebuild::Drop(RebuildOne { generation, dry_run, ask }) => {
            done(&Request::Drop { generation: *generation, dry_run: *dry_run }, ask)
        }
    }
}

fn compare(args: &RebuildCompare) -> Result<(), Failure> {
    let with = replay::Request {
        from: args.from.clone(),
        to: args.to.clone(),
        coin: args.coin.clone(),
        processor: args.processor.clone(),
        topic: args.topic.clone(),
        ..replay::Request::default()
    };
    let last = follow(&Request::Compare { generation: args.generation, with }, &args.ask)?;
    let check = &last["summary"]["check"];
    let compared: u64 =
        check["compared"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum();
    eprintln!("{compared} results compared, {} differ", check["differences"]);
    for (topic, count) in check["differing"].as_object().into_iter().flatten() {
        eprintln!("  {topic}: {count} of {}", check["compared"][topic]);
    }
    super::finish(&args.ask, &last)?;
    match check["differences"].as_u64() {
        Some(0) => Ok(()),
        _ => {
            Err(Failure::stop(format!("generation {} does not say the same as the one that is told", args.generation)))
        }
    }
}

fn done(request: &Request, ask: &Ask) -> Result<(), Failure> {
    let last = follow(request, ask)?;
    eprint!("{}", done_in_words(&last));
    super::finish(ask, &last)
}

/// Shows the progress there is; lines that are neither plan nor progress go to standard output. The last of those is given
/// back that say what will be, or was done.
fn follow(request: &Request, ask: &Ask) -> Result<Value, Failure> {
    let mut out = std::io::stdout().lock();
    let (mut bar, mut last): (Option<ProgressBar>, _) = (None, Value::Null);
    ask_for(&Question::Rebuild(request.clone()), ask, |line| {
        if let Some(progress) = line.get("progress") {
            let time = |name: &str| progress[name].as_i64().unwrap_or_default();
            let begins = progress["from"].as_i64().unwrap_or_else(|| time("reached"));
            let bar = bar.get_or_insert_with(|| shown(begins));
            let begun = bar.prefix().parse().unwrap_or(begins);
            bar.set_length((time("to") - begun).max(1).cast_unsigned());
            bar.set_position((time("reached") - begun).max(0).cast_unsigned());
            bar.set_message(moment(&progress["reached"]));
        } else if line.get("plan").is_some() || line.get("summary").is_some() {
            last = line;
        } else {
            writeln!(out, "{line}").map_err(|cause| Failure::because("could not print", cause))?;
        }
        Ok(())
    })?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(last)
}

/// What is done is counted from there.
fn shown(begins: i64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {percent}% {msg}, {eta} left");
    ProgressBar::new(1)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_prefix(begins.to_string())
}

fn done_in_words(last: &Value) -> String {
    let (plan, summary) = (&last["plan"], &last["summary"]);
    if let Some(number) = summary["generation"].as_u64() {
        return match summary["is_made"].as_bool() {
            Some(true) => format!(
                "generation {number} is as far as the one that is told, at {}\nto compare: fathom rebuild compare {number}; to have it told: fathom rebuild tell {number}\n",
                moment(&summary["clock"])
            ),
            _ => format!("generation {number} is begun: {}\n", summary["next"].as_str().unwrap_or_default()),
        };
    }
    if let Some(number) = summary["told"].as_u64() {
        let before = &summary["before"];
        return format!(
            "generation {number} is told from now on\nback again: fathom rebuild tell {before}; for good: fathom rebuild drop {before}\n"
        );
    }
    if let Some(number) = summary["dropped"].as_u64() {
        return format!("generation {number} is dropped: whoever runs removes its topics and rows\n");
    }
    if let Some(number) = plan["generation"].as_u64() {
        return format!(
            "would begin generation {number}: {} fills, and {} that were found later; {} are kept no more\nby {}\n",
            plan["fills"],
            plan["found_later"],
            plan["removed"],
            rules(&plan["rules"])
        );
    }
    format!("would be done: {plan}\n")
}

fn in_words(answer: &Value) -> String {
    let mut words =
        format!("{:<12}{:<8}{:<28}{:<28}{:>12}  by\n", "generation", "told", "begun", "computed up to", "rows behind");
    for one in answer["generations"].as_array().into_iter().flatten() {
        let told = if one["is_told"] == true { "told" } else { "" };
        words += &format!(
            "{:<12}{told:<8}{:<28}{:<28}{:>12}  {}\n",
            one["generation"].to_string(),
            moment(&one["began"]),
            moment(&one["clock"]),
            one["rows_behind"].to_string(),
            rules(&one["rules"])
        );
        if let Some(stretch) = one["stretch"].as_object() {
            let whole = if stretch["is_whole"] == true { "" } else { ", and not whole" };
            let (from, to) = (moment(&stretch["from"]), moment(&stretch["to"]));
            words += &format!("{:<12}of {from} to {to} alone{whole}\n", "");
        }
    }
    words
}

/// As they are given.
fn rules(rules: &Value) -> String {
    if rules.is_null() {
        return "what whoever makes it was told".to_owned();
    }
    let [floor, share, minutes] =
        ["whale_floor", "whale_share", "remember_closed_minutes"].map(|name| rules[name].to_string().replace('"', ""));
    format!("--whale-floor {floor} --whale-share {share} --remember-closed {minutes}")
}
