//! `fathom status`, `topics`, `lag`, `replay`, `dead-letters`: asked of the process that owns the data directory, through a
//! socket in it; or, when nobody owns it, read from the directory itself; or, where brokers are named, from Kafka.

mod answer;
pub mod dead_letters;
mod rebuild;
mod replay;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use computer::Rules;
use schemas::GENERATION;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use tokio::runtime::Runtime;

use crate::args::{Ask, Topics};
use crate::data_dir::{self, DataDir};
use crate::failure::Failure;
use crate::log::Log;
use crate::log::embedded::Embedded;
use crate::log::kafka::Kafka;
use crate::run::Shared;
use crate::stop::Stop;
use answer::Known;
pub use answer::moment;
pub use rebuild::rebuild;
pub use replay::replay;

/// Says what is said to a question, line by line, for as long as somebody listens.
pub type Answers =
    Arc<dyn Fn(&Question, &mut dyn FnMut(Value) -> Result<(), Failure>) -> Result<(), Failure> + Send + Sync>;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    Status,
    Topics,
    Lag,
    Redrive { dry_run: bool },
    Records { topic: String, partition: Option<u32>, from: Option<u64>, since: Option<i64>, limit: Option<u64> },
    Replay(crate::replay::Request),
    Rebuild(crate::rebuild::Request),
}

pub fn status(ask: &Ask) -> Result<(), Failure> {
    let answer = last(&Question::Status, ask)?;
    print!("{}", answer::status_in_words(&answer));
    finish(ask, &answer)
}

pub fn lag(ask: &Ask) -> Result<(), Failure> {
    let answer = last(&Question::Lag, ask)?;
    print!("{}", answer::lag_in_words(&answer));
    finish(ask, &answer)
}

pub fn topics(args: &Topics) -> Result<(), Failure> {
    let Some(topic) = &args.topic else {
        let answer = last(&Question::Topics, &args.ask)?;
        print!("{}", answer::topics_in_words(&answer));
        return finish(&args.ask, &answer);
    };
    let question = Question::Records {
        topic: topic.clone(),
        partition: args.partition,
        from: args.from,
        since: args.since,
        limit: args.limit,
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut summary = Value::Null;
    ask_for(&question, &args.ask, |line| {
        if line.get("summary").is_some() {
            summary = line;
            return Ok(());
        }
        writeln!(out, "{line}").map_err(|cause| Failure::because("could not print", cause))
    })?;
    if args.ask.json {
        writeln!(out, "{summary}").map_err(|cause| Failure::because("could not print", cause))?;
    }
    out.flush().map_err(|cause| Failure::because("could not print", cause))
}

fn finish(ask: &Ask, answer: &Value) -> Result<(), Failure> {
    if ask.json {
        println!("{answer}");
    }
    Ok(())
}

fn last(question: &Question, ask: &Ask) -> Result<Value, Failure> {
    let mut answer = Value::Null;
    ask_for(question, ask, |line| {
        answer = line;
        Ok(())
    })?;
    Ok(answer)
}

fn ask_for(question: &Question, ask: &Ask, each: impl FnMut(Value) -> Result<(), Failure>) -> Result<(), Failure> {
    ask_by(&Rules::default(), question, ask, each)
}

/// Hands each line of the answer over: from the owner of the directory when there is one, which knows its rules.
fn ask_by(
    rules: &Rules,
    question: &Question,
    ask: &Ask,
    mut each: impl FnMut(Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if let Some(settings) = ask.kafka.settings()? {
        let log = Arc::new(Kafka::open_to_look(settings, GENERATION, Stop::new())?);
        return Known::on_kafka(log, *rules, ask.kafka.shown())?.answer(question, &mut each);
    }
    let path = &ask.data.path;
    if let Ok(mut owner) = UnixStream::connect(data_dir::socket(path)) {
        let failed = |cause| Failure::because("the process that owns the data directory did not answer", cause);
        writeln!(owner, "{}", serde_json::to_string(question).unwrap_or_default()).map_err(failed)?;
        for line in BufReader::new(owner).lines() {
            let line: Value = serde_json::from_str(&line.map_err(failed)?)
                .map_err(|cause| Failure::because("the answer is not JSON", cause))?;
            match (line.get("error").and_then(Value::as_str), line.get("end")) {
                (Some(error), _) => return Err(Failure::stop(error)),
                (None, Some(_)) => return Ok(()),
                (None, None) => each(line)?,
            }
        }
        return Err(Failure::stop("the process that owns the data directory ended while it answered: ask again"));
    }
    let data = DataDir::take_existing(path)?;
    let log = Arc::new(Embedded::open(&data.log(), GENERATION)?);
    Known::at_rest(log, *rules, &data)?.answer(question, &mut each)
}

const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Answers others as long as it is held.
pub struct Server {
    socket: PathBuf,
}

impl Server {
    pub fn start(data: &DataDir, owner: &Arc<Owner>, runtime: &Runtime) -> Result<Self, Failure> {
        let socket = data_dir::socket(data.path());
        // Whoever left it is gone: the directory is locked by this process.
        let _ = std::fs::remove_file(&socket);
        let guard = runtime.enter();
        let listener = UnixListener::bind(&socket)
            .map_err(|cause| Failure::because(format!("cannot listen on {}", socket.display()), cause))?;
        drop(guard);
        let owner = Arc::clone(owner);
        runtime.spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((client, _)) => drop(tokio::spawn(Arc::clone(&owner).serve(client))),
                    // Too many open files, most likely: some will be closed.
                    Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
                }
            }
        });
        Ok(Self { socket })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// The process that owns the directory, as its answers need it.
pub struct Owner {
    shared: Shared,
    path: PathBuf,
    market: data_dir::Market,
    http: SocketAddr,
    metrics: Option<SocketAddr>,
}

impl Owner {
    pub fn new(data: &DataDir, shared: &Shared, http: SocketAddr, metrics: Option<SocketAddr>) -> Self {
        Self { shared: shared.clone(), path: data.path().to_owned(), market: data.market, http, metrics }
    }

    pub fn answers(self: &Arc<Self>) -> Answers {
        let owner = Arc::clone(self);
        Arc::new(move |question, each| Known::of(&owner)?.answer(question, each))
    }

    async fn serve(self: Arc<Self>, client: tokio::net::UnixStream) {
        let (reader, mut writer) = client.into_split();
        let mut line = String::new();
        let mut reader = tokio::io::BufReader::new(reader);
        if reader.read_line(&mut line).await.is_err() {
            return;
        }
        // A few lines ahead of the client and no more.
        let (sender, mut lines) = tokio::sync::mpsc::channel::<Value>(64);
        let answering = tokio::task::spawn_blocking(move || self.answer(&line, &sender));
        while let Some(line) = lines.recv().await {
            if writer.write_all(format!("{line}\n").as_bytes()).await.is_err() {
                break;
            }
        }
        drop(lines);
        let _ = answering.await;
    }

    fn answer(&self, line: &str, lines: &tokio::sync::mpsc::Sender<Value>) {
        let mut each = |line| lines.blocking_send(line).map_err(|cause| Failure::because("the client has gone", cause));
        let outcome = match serde_json::from_str(line) {
            Ok(question) => Known::of(self).and_then(|known| known.answer(&question, &mut each)),
            Err(cause) => Err(Failure::because("the question is not understood: are both of the same version?", cause)),
        };
        let last = match outcome {
            Ok(()) => serde_json::json!({ "end": true }),
            Err(failure) => serde_json::json!({ "error": failure.chain() }),
        };
        let _ = lines.blocking_send(last);
    }
}

/// Of a process that has no directory.
pub fn answers_on_kafka(shared: &Shared, brokers: String) -> Answers {
    let (log, rules): (Arc<dyn Log>, _) = (Arc::clone(&shared.log), shared.rules);
    Arc::new(move |question, each| Known::on_kafka(Arc::clone(&log), rules, brokers.clone())?.answer(question, each))
}
