//! HTTP of a running pipeline, or of a simulated exchange.

use std::path::Path;

use serde_json::Value;

use crate::process::{ask, path};

pub struct Web {
    http: String,
    runtime: tokio::runtime::Runtime,
}

impl Web {
    pub fn of(data: &Path) -> Self {
        Self::at(ask(&["status", "--data", path(data), "--json"])["http"].as_str().unwrap())
    }

    pub fn at(address: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { http: address.to_owned(), runtime }
    }

    pub fn address(&self) -> &str {
        &self.http
    }

    pub fn get(&self, what: &str) -> Value {
        serde_json::from_str(&self.text(what)).unwrap()
    }

    pub fn text(&self, what: &str) -> String {
        let url = format!("http://{}{what}", self.http);
        self.runtime.block_on(async { reqwest::get(url).await.unwrap().text().await.unwrap() })
    }

    /// Status, kind and body.
    pub fn reply(&self, what: &str) -> (u16, String, String) {
        let url = format!("http://{}{what}", self.http);
        self.runtime.block_on(async {
            let reply = reqwest::get(url).await.unwrap();
            let kind = reply.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
            let kind = kind.unwrap_or_default().split(';').next().unwrap().to_owned();
            (reply.status().as_u16(), kind, reply.text().await.unwrap())
        })
    }

    /// The JSON of the answer; null, when it is none.
    pub fn post(&self, what: &str, body: &Value) -> Value {
        let url = format!("http://{}{what}", self.http);
        let request =
            reqwest::Client::new().post(url).header("content-type", "application/json").body(body.to_string());
        let text = self.runtime.block_on(async { request.send().await.unwrap().text().await.unwrap() });
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub fn delete(&self, what: &str) -> u16 {
        let request = reqwest::Client::new().delete(format!("http://{}{what}", self.http));
        self.runtime.block_on(async { request.send().await.unwrap().status().as_u16() })
    }

    pub fn status(&self, what: &str) -> u16 {
        let url = format!("http://{}{what}", self.http);
        self.runtime.block_on(async { reqwest::get(url).await.unwrap().status().as_u16() })
    }
}
