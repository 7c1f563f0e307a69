//! A broker and a database of a test's own: started, killed and started again, gone at its end.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::place::Place;
use crate::process::path;

pub struct Services {
    folder: tempfile::TempDir,
    broker_port: u16,
    database_port: u16,
}

impl Services {
    /// Where they will be; nothing is started yet.
    pub fn planned() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, broker_port: two_free_ports(), database_port: free_port() }
    }

    pub fn started() -> Self {
        let services = Self::planned();
        services.start_broker();
        services.start_database();
        services
    }

    pub fn place(&self) -> Place {
        Place::Services {
            brokers: format!("127.0.0.1:{}", self.broker_port),
            database: format!("postgres://postgres:fathom@127.0.0.1:{}/fathom", self.database_port),
        }
    }

    pub fn start_broker(&self) {
        script("kafka", &["start", path(&self.broker()), &self.broker_port.to_string()]);
    }

    /// One that asks who is there; only `fathom` may do anything.
    pub fn start_guarded_broker(&self) {
        script("kafka", &["start", path(&self.broker()), &self.broker_port.to_string(), "guarded"]);
    }

    pub fn kill_broker(&self) {
        script("kafka", &["kill", path(&self.broker())]);
    }

    pub fn start_database(&self) {
        script("postgres", &["start", path(&self.database()), &self.database_port.to_string()]);
    }

    pub fn kill_database(&self) {
        script("postgres", &["kill", path(&self.database())]);
    }

    fn broker(&self) -> PathBuf {
        self.folder.path().join("kafka")
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("postgres")
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        for (name, folder) in [("kafka", self.broker()), ("postgres", self.database())] {
            if folder.exists() {
                let _ = Command::new("bash").arg(scripts().join(name)).args(["kill", path(&folder)]).output();
            }
        }
    }
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci")
}

fn script(name: &str, args: &[&str]) {
    let output = Command::new("bash").arg(scripts().join(name)).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} {args:?}: {said}");
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// One for clients and the next one for the broker itself.
fn two_free_ports() -> u16 {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if first < u16::MAX && TcpListener::bind(("127.0.0.1", first + 1)).is_ok() {
            return first;
        }
    }
}
