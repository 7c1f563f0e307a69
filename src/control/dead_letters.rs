//! `fathom dead-letters`: records of `dead-letters`, and of the parser's state that remembers what became of them → a
//! table, one letter with its bytes, or what came of giving them to the parser again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use parser::{Became, bytes_of};
use schemas::{DeadLetter, topics};
use serde_json::{Value, json};

use super::{Question, answer::moment, ask_for};
use crate::args::{Ask, LettersLs, LettersRedrive, LettersShow};
use crate::failure::Failure;

pub fn ls(args: &LettersLs) -> Result<(), Failure> {
    let became = became(&args.ask)?;
    let mut reasons = BTreeMap::<String, u64>::new();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if !args.ask.json {
        writeln!(out, "{HEADINGS}").map_err(unprintable)?;
    }
    each_letter(&args.ask, None, |letter| {
        if !is_wanted(&letter.letter, args) {
            return Ok(());
        }
        *reasons.entry(kind_of(&letter.letter.reason)).or_default() += 1;
        let became = became.get(&letter.id);
        let line = if args.ask.json { letter.as_json(became)?.to_string() } else { letter.as_row(became)? };
        writeln!(out, "{line}").map_err(unprintable)
    })?;
    let letters: u64 = reasons.values().sum();
    if args.ask.json {
        writeln!(out, "{}", json!({ "letters": letters, "reasons": reasons })).map_err(unprintable)?;
    } else {
        writeln!(out, "\n{letters} letters").map_err(unprintable)?;
        for (reason, count) in reasons {
            writeln!(out, "{count:>8}  {reason}").map_err(unprintable)?;
        }
    }
    out.flush().map_err(unprintable)
}

pub fn show(args: &LettersShow) -> Result<(), Failure> {
    let mut found = None;
    each_letter(&args.ask, Some(args.id), |letter| {
        found = Some(letter).filter(|letter| letter.id == args.id);
        Ok(())
    })?;
    let id = args.id;
    let letter = found.ok_or_else(|| {
        Failure::stop(format!("there is no letter {id}: `fathom dead-letters ls` lists those that are kept"))
    })?;
    if args.raw {
        return std::io::stdout().write_all(&letter.bytes()?).map_err(unprintable);
    }
    let became = became(&args.ask)?;
    let became = became.get(&id);
    print!("{}", letter.in_words(became)?);
    if args.ask.json {
        println!("{}", letter.as_json(became)?);
    }
    Ok(())
}

pub fn redrive(args: &LettersRedrive) -> Result<(), Failure> {
    let mut summary = Value::Null;
    ask_for(&Question::Redrive { dry_run: args.dry_run }, &args.ask, |line| {
        match line.get("summary") {
            Some(counts) => summary = counts.clone(),
            None if args.ask.json => println!("{line}"),
            None => println!("{}", outcome_in_words(&line)),
        }
        Ok(())
    })?;
    if args.ask.json {
        println!("{summary}");
    } else {
        println!("{}", summary_in_words(&summary));
    }
    Ok(())
}

/// A letter as it lies on its topic.
struct Letter {
    id: u64,
    headers: Value,
    letter: DeadLetter,
}

const HEADINGS: &str = "      id  received                     source       attempt     bytes  became       reason; what the bytes begin with";
/// So many characters of the reason and of the bytes stand in the table.
const REASON: usize = 60;
const BEGINNING: usize = 40;
const HEX_BYTES: usize = 16;

fn each_letter(
    ask: &Ask,
    from: Option<u64>,
    mut each: impl FnMut(Letter) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let limit = from.map(|_| 1);
    let question =
        Question::Records { topic: topics::DEAD_LETTERS.name.to_owned(), partition: None, from, since: None, limit };
    ask_for(&question, ask, |mut line| {
        let Some(id) = line["offset"].as_u64() else { return Ok(()) };
        match serde_json::from_value(line["value"].take()) {
            Ok(letter) => each(Letter { id, headers: line["headers"].take(), letter }),
            Err(cause) => Err(Failure::because(format!("record {id} of `dead-letters` is not a letter"), cause)),
        }
    })
}

/// What became of the letters that were given to the parser again.
fn became(ask: &Ask) -> Result<BTreeMap<u64, Became>, Failure> {
    let mut became = BTreeMap::new();
    let topic = topics::STATE_PARSER_NODE_FILLS.name.to_owned();
    let question = Question::Records { topic, partition: Some(0), from: None, since: None, limit: None };
    ask_for(&question, ask, |line| {
        let key = line["key"].as_str().unwrap_or_default();
        let found = Became::read(key.as_bytes(), line["value"].to_string().as_bytes());
        became.extend(found.map_err(|error| Failure::because(error.to_string(), error))?);
        Ok(())
    })?;
    Ok(became)
}

fn is_wanted(letter: &DeadLetter, args: &LettersLs) -> bool {
    args.reason.as_ref().is_none_or(|text| letter.reason.contains(text))
        && args.source.as_ref().is_none_or(|name| letter.source == *name)
        && args.since.is_none_or(|time| letter.time >= time)
}

/// A reason without what is of one letter alone: what follows its colon, and its numbers.
fn kind_of(reason: &str) -> String {
    let kind = reason.split_once(": ").map_or(reason, |(kind, _)| kind);
    kind.split(' ').map(|word| if word.parse::<u64>().is_ok() { "N" } else { word }).collect::<Vec<_>>().join(" ")
}

impl Letter {
    fn bytes(&self) -> Result<std::borrow::Cow<'_, [u8]>, Failure> {
        bytes_of(&self.letter)
            .map_err(|cause| Failure::because(format!("the bytes of letter {} are not whole", self.id), cause))
    }

    fn as_row(&self, became: Option<&Became>) -> Result<String, Failure> {
        let (bytes, letter) = (self.bytes()?, &self.letter);
        let beginning: String = String::from_utf8_lossy(&bytes).escape_debug().take(BEGINNING).collect();
        let reason: String = letter.reason.chars().take(REASON).collect();
        Ok(format!(
            "{:>8}  {:<27}  {:<11}  {:>7}  {:>8}  {:<11}  {reason}; {beginning}",
            self.id,
            moment(&letter.time.into()),
            letter.source,
            letter.attempt,
            bytes.len(),
            became.map_or("–", word_for),
        ))
    }

    fn as_json(&self, became: Option<&Became>) -> Result<Value, Failure> {
        Ok(json!({
            "id": self.id, "bytes": self.bytes()?.len(), "became": became, "headers": self.headers, "letter": self.letter,
        }))
    }

    fn in_words(&self, became: Option<&Became>) -> Result<String, Failure> {
        let (bytes, letter) = (self.bytes()?, &self.letter);
        let mut words = String::new();
        let mut line = |name: &str, value: &str| words.push_str(&format!("{name:<11} {value}\n"));
        line("letter", &self.id.to_string());
        line("received", &moment(&letter.time.into()));
        line("source", &letter.source);
        line("position", &letter.position);
        line("reason", &letter.reason);
        line("attempt", &letter.attempt.to_string());
        line("became", became.map_or("nothing so far: `fathom dead-letters redrive` tries again", word_for));
        for (name, value) in self.headers.as_object().into_iter().flatten() {
            line(name, value.as_str().unwrap_or_default());
        }
        line("bytes", &bytes.len().to_string());
        words.push('\n');
        match std::str::from_utf8(&bytes) {
            Ok(text) if text.chars().all(|character| !character.is_control() || character.is_whitespace()) => {
                words.push_str(text);
                words.push('\n');
            }
            _ => words.push_str(&hex(&bytes)),
        }
        Ok(words)
    }
}

fn word_for(became: &Became) -> &'static str {
    match became {
        Became::Redriven { .. } => "redriven",
        Became::Known => "known",
        Became::FiledAgain => "filed again",
    }
}

/// Place, bytes, and what of them can be read.
fn hex(bytes: &[u8]) -> String {
    let mut lines = String::new();
    for (row, bytes) in bytes.chunks(HEX_BYTES).enumerate() {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x} ")).collect();
        let text =
            bytes.iter().map(|&byte| if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '.' });
        let _ = writeln!(lines, "{:08x}  {hex:<48} {}", row * HEX_BYTES, text.collect::<String>());
    }
    lines
}

fn outcome_in_words(line: &Value) -> String {
    let text = |name: &str| line[name].as_str().unwrap_or_default();
    let what = match line["facts"].as_u64() {
        Some(facts) => format!("{facts} facts"),
        None => text("why").to_owned(),
    };
    format!("{:>8}  {:<11}  {what}", line["id"], text("outcome"))
}

fn summary_in_words(summary: &Value) -> String {
    let of = |name: &str| summary[name].to_string();
    let begin = if summary["dry_run"] == true { "nothing was written; of" } else { "of" };
    format!(
        "{begin} {} letters {} are understood now ({} facts), {} hold what was known already, {} are filed again, {} are left; {} were done before",
        of("letters"),
        of("redriven"),
        of("facts"),
        of("known"),
        of("filed_again"),
        of("left"),
        of("before"),
    )
}

fn unprintable(cause: std::io::Error) -> Failure {
    Failure::because("could not print", cause)
}

#[cfg(test)]
mod tests {
    use super::{hex, kind_of};

    #[test]
    fn reasons_of_one_kind_count_together() {
        assert_eq!(kind_of("not a block: expected value at line 1 column 1"), "not a block");
        assert_eq!(kind_of("the file ends in the middle of a line"), "the file ends in the middle of a line");
        let ahead = "block 7 is further after block 5 than blocks can come in that time";
        assert_eq!(kind_of(ahead), "block N is further after block N than blocks can come in that time");
    }

    #[test]
    fn bytes_that_cannot_be_read_stand_in_rows_of_sixteen() {
        let row = "00 41 20 ff                                     ";
        assert_eq!(hex(b"\x00A \xff"), format!("00000000  {row} .A .\n"));
        assert_eq!(hex(&[7; 17]).lines().nth(1).map(|line| &line[..12]), Some("00000010  07"));
    }
}
