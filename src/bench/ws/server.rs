//! `fathom up --demo` as a process of its own → where it listens, what it holds in memory, and what it has worked.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::param::clock_ticks_per_second;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::args::BenchWs;
use crate::bench::bytes_of;
use crate::failure::Failure;

pub struct Server {
    child: Child,
    /// It may say more, and somebody has to be there to hear it.
    _said: BufReader<ChildStdout>,
    pub address: SocketAddr,
}

/// Connections beside those of the clients: of whoever looks on.
const BESIDE: u32 = 100;

impl Server {
    /// Comes back when it answers with data.
    pub fn start(args: &BenchWs, folder: &Path) -> Result<Self, Failure> {
        let failed = |cause| Failure::because("could not start a server", cause);
        let program = std::env::current_exe().map_err(failed)?;
        let mut child = command(&program, args, folder).spawn().map_err(failed)?;
        let mut said = BufReader::new(child.stdout.take().ok_or_else(|| Failure::stop("the server cannot speak"))?);
        let address = said.by_ref().lines().map_while(Result::ok).find_map(|line| address(&line));
        let address = address.ok_or_else(|| Failure::stop("the server ended before it was ready"));
        match address {
            Ok(address) => Ok(Self { child, _said: said, address }),
            Err(failure) => {
                end(&mut child);
                Err(failure)
            }
        }
    }

    /// What it holds at present, in bytes.
    pub fn memory(&self) -> u64 {
        bytes_of(&self.process(), "VmRSS:")
    }

    /// How long it has been working on a core.
    pub fn worked(&self) -> Duration {
        worked(&self.process())
    }

    /// How many clients it has cut off because they read too slowly.
    pub async fn lagged(&self) -> Result<u64, Failure> {
        let failed = |cause| Failure::because("the server does not tell its metrics", cause);
        let mut stream = TcpStream::connect(self.address).await.map_err(failed)?;
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await.map_err(failed)?;
        let mut told = String::new();
        stream.read_to_string(&mut told).await.map_err(failed)?;
        let count = told.lines().find_map(|line| line.strip_prefix("fathom_ws_lagged_total "));
        count.and_then(|count| count.parse().ok()).ok_or_else(|| Failure::stop("the server counts nobody who lagged"))
    }

    fn process(&self) -> String {
        self.child.id().to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// With nothing of the environment: that is set for another server.
fn command(program: &Path, args: &BenchWs, folder: &Path) -> Command {
    let (connections, rate) = ((args.clients + BESIDE).to_string(), args.rate.to_string());
    let mut command = Command::new(program);
    command.args(["up", "--demo", "--http", "127.0.0.1:0", "--rate-limit", "0", "--rate", &rate]);
    command.args(["--connections", &connections, "--connections-per-address", &connections]);
    command.arg("--data").arg(folder.join("data"));
    command.env_clear().env("RUST_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Where it is, when that is what a line says.
fn address(line: &str) -> Option<SocketAddr> {
    line.trim().strip_prefix("http://")?.strip_suffix('/')?.parse().ok()
}

/// Nothing of what it keeps is needed any more.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// How long this process has been working on a core.
pub fn worked_ourselves() -> Duration {
    worked("self")
}

fn worked(process: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Whatever the program is called ends here; its own time and the system's for it are the 14th and 15th field.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_says_where_it_is() {
        assert_eq!(address("  http://127.0.0.1:8080/").map(|address| address.port()), Some(8080));
        assert_eq!(address("  curl -s http://127.0.0.1:8080/api/v1/prices"), None);
    }
}
