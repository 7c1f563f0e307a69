//! `fathom` as a process: started, waited for, asked, ended and killed.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take before the test says that it never will.
pub const LIMIT: Duration = Duration::from_secs(120);

/// How much of what a process has said is shown when its test fails.
const LAST_WORDS: usize = 60;

pub struct Process {
    /// What it was started with.
    words: Vec<String>,
    child: Child,
    /// Lines of stdout and stderr, as they came.
    lines: Receiver<(Instant, String)>,
    pub seen: Vec<(Instant, String)>,
}

pub fn fathom(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fathom"));
    command.args(args).env_remove("KAFKA_BROKERS").env_remove("DATABASE_URL").env_remove("RUST_LOG");
    command
}

/// Runs to the end; status, stdout and stderr.
pub fn run(args: &[&str]) -> (i32, String, String) {
    let output = fathom(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The JSON object on the last line.
pub fn ask(args: &[&str]) -> Value {
    let (status, out, error) = run(args);
    assert_eq!(status, 0, "{args:?}: {error}");
    serde_json::from_str(out.lines().last().unwrap()).unwrap()
}

pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

impl Process {
    pub fn start(mut command: Command) -> Self {
        let words = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = sync_channel(1_000_000);
        let errors = sender.clone();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            BufReader::new(stdout)
                .lines()
                .map_while(Result::ok)
                .for_each(|line| drop(sender.send((Instant::now(), line))))
        });
        std::thread::spawn(move || {
            BufReader::new(stderr)
                .lines()
                .map_while(Result::ok)
                .for_each(|line| drop(errors.send((Instant::now(), line))))
        });
        Self { words, child, lines, seen: Vec::new() }
    }

    /// Waits for a line that holds this.
    pub fn wait_for(&mut self, what: &str) -> String {
        let until = Instant::now() + LIMIT;
        while let Ok(line) = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.seen.push(line.clone());
            if line.1.contains(what) {
                return line.1;
            }
        }
        panic!("{what:?} was never said, but: {:#?}", self.said());
    }

    fn said(&self) -> Vec<&String> {
        self.seen.iter().map(|(_, line)| line).collect()
    }

    /// What was said up to the end of the process.
    pub fn rest(&mut self) -> &[(Instant, String)] {
        while let Ok(line) = self.lines.recv_timeout(LIMIT) {
            self.seen.push(line);
        }
        &self.seen
    }

    /// The same, when it may have been said before.
    pub fn wait_for_or_seen(&mut self, what: &str) -> String {
        let seen = self.seen.iter().map(|(_, line)| line).find(|line| line.contains(what)).cloned();
        seen.unwrap_or_else(|| self.wait_for(what))
    }

    pub fn interrupt(&self) {
        self.signal("INT");
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    pub fn kill(&mut self) {
        // SIGKILL.
        self.child.kill().unwrap();
    }

    /// The most it has held so far; nothing, when it has ended.
    pub fn peak_memory_mb(&mut self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(peak.trim().strip_suffix(" kB")?.parse::<u64>().ok()? / 1024)
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Interrupts; the process ends cleanly, and before Docker or Kubernetes would kill it.
    pub fn end(&mut self) {
        self.interrupt();
        let asked = Instant::now();
        let status = self.wait();
        self.rest();
        assert!(status.success(), "ended with {status}: {:#?}", self.said());
        assert!(asked.elapsed() < Duration::from_secs(10), "took {:?} to end", asked.elapsed());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            self.seen.extend(std::iter::from_fn(|| self.lines.recv_timeout(Duration::from_secs(1)).ok()));
            let last = self.said().split_off(self.seen.len().saturating_sub(LAST_WORDS));
            println!("a process of the test that failed, {:?}, said at last: {last:#?}", self.words);
        }
    }
}

/// Asks until the answer is as it shall be.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    wait_while_missing(what, || (!is_so()).then_some("so far it is not so"));
}

/// Asks until nothing is missing, and says what it was when it goes on for too long.
pub fn wait_while_missing<M: std::fmt::Display>(what: &str, mut missing: impl FnMut() -> Option<M>) {
    let began = Instant::now();
    while let Some(missing) = missing() {
        assert!(began.elapsed() < LIMIT, "never came: {what}: {missing}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// Waits until a running pipeline has read, computed and stored everything up to a block.
pub fn wait_until_caught_up(data: &Path, block: u64) {
    wait_until(&format!("everything up to block {block} is stored"), || {
        let status = ask(&["status", "--data", path(data), "--json"]);
        let lag = ask(&["lag", "--data", path(data), "--json"]);
        // What is later than the last block waits for the next one.
        let is_idle = |reader: &Value| {
            reader["records"].as_u64().unwrap_or_default() == 0 || reader["waits_for_the_clock"] == true
        };
        let idle = lag["readers"].as_array().unwrap().iter().all(is_idle);
        status["block"].as_u64() == Some(block) && idle
    });
}
