//! Who asks and with which key; jobs to their ends; what cannot be meant.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::keys;

struct Served {
    runtime: Runtime,
    address: std::net::SocketAddr,
    admin: String,
    reader: String,
    _server: Server,
    _folder: tempfile::TempDir,
}

fn serve(answers: Answers) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let [admin, reader] = [Scope::Admin, Scope::Read].map(|scope| keys::make(&path, "a test's", vec![scope]).unwrap());
    let runtime = crate::run::up::runtime().unwrap();
    let (listener, address) = server::listen("127.0.0.1:0".parse().unwrap(), &runtime, "--admin").unwrap();
    let keys = Arc::new(KeysFile::open(&path).unwrap());
    let server = Server::start(listener, app(answers, keys), MOST, &Stop::new(), &runtime);
    let _ = rustls::crypto::ring::default_provider().install_default();
    Served { runtime, address, admin, reader, _server: server, _folder: folder }
}

impl Served {
    fn ask(&self, verb: &str, what: &str, token: &str, body: &str) -> (u16, Value) {
        let url = format!("http://{}/admin/v1/{what}", self.address);
        let request = reqwest::Client::new().request(verb.parse().unwrap(), url);
        self.runtime.block_on(async {
            let reply = request.header("x-api-key", token).body(body.to_owned()).send().await.unwrap();
            (reply.status().as_u16(), serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap())
        })
    }

    fn admin(&self, verb: &str, what: &str, body: &str) -> (u16, Value) {
        self.ask(verb, what, &self.admin, body)
    }

    /// As it is when it is so.
    fn job(&self, id: u64, is_so: impl Fn(&Value) -> bool) -> Value {
        let began = std::time::Instant::now();
        loop {
            let job = self.admin("GET", &format!("jobs/{id}"), "").1["data"].take();
            if is_so(&job) {
                return job;
            }
            assert!(began.elapsed().as_secs() < 20, "{job}");
        }
    }
}

#[test]
fn only_a_key_of_its_scope_opens_it() {
    let served = serve(Arc::new(|question, each| each(json!({ "asked": format!("{question:?}") }))));
    for (verb, what) in [
        ("GET", "status"),
        ("GET", "topics"),
        ("GET", "lag"),
        ("GET", "dead-letters"),
        ("POST", "dead-letters/redrive"),
        ("POST", "replay"),
        ("GET", "rebuild"),
        ("POST", "rebuild"),
        ("POST", "rebuild/2/tell"),
        ("POST", "rebuild/2/drop"),
        ("GET", "jobs"),
        ("GET", "keys"),
        ("GET", "elsewhere"),
    ] {
        let (status, said) = served.ask(verb, what, "fathom_guessed", "");
        assert_eq!((status, &said["error"]["code"]), (401, &json!("NO_KEY")), "{what}");
        let (status, said) = served.ask(verb, what, &served.reader, "");
        assert_eq!((status, &said["error"]["code"]), (403, &json!("SCOPE_MISSING")), "{what}");
        let status = served.admin(verb, what, "").0;
        assert_eq!(status, if what == "elsewhere" { 404 } else { 200 }, "{what}");
    }
    assert_eq!(served.admin("GET", "lag", "").1["data"]["asked"], "Lag");
    assert!(served.admin("GET", "dead-letters?limit=7", "").1.to_string().contains("limit: Some(7)"));
    let told = served.admin("GET", "keys", "").1.to_string();
    assert!(told.contains("a test's") && !told.contains("sha256") && !told.contains(&served.admin), "{told}");
}

/// Says a plan, and a step whenever it is let.
fn steps() -> (std::sync::mpsc::SyncSender<()>, Answers) {
    let (step, steps) = std::sync::mpsc::sync_channel(0);
    let steps = std::sync::Mutex::new(steps);
    let answers: Answers = Arc::new(move |question, each| match question {
        Question::Replay(request) if request.coin.as_deref() == Some("NONE") => Err(Failure::stop("there is none")),
        Question::Replay(request) if request.dry_run => each(json!({ "plan": { "records": 7 } })),
        _ => {
            each(json!({ "plan": { "records": 7 } }))?;
            let steps = steps.lock().unwrap();
            for number in 1..=2 {
                steps.recv().unwrap();
                each(json!({ "progress": { "reached": number } }))?;
            }
            each(json!({ "summary": { "differences": 0 } }))
        }
    });
    (step, answers)
}

#[test]
fn a_job_is_followed_to_its_end_or_ended_and_remembered() {
    let (step, answers) = steps();
    let served = serve(answers);
    let (status, planned) = served.admin("POST", "replay", r#"{"from":"-2h"}"#);
    assert_eq!((status, &planned["data"][0]["plan"]["records"]), (200, &json!(7)), "a dry run, when nothing is said");
    assert_eq!(served.admin("GET", "jobs", "").1["data"], json!([]));

    let (status, begun) = served.admin("POST", "replay", r#"{"from":"-2h","dry_run":false}"#);
    assert_eq!((status, &begun["data"]["state"], &begun["data"]["id"]), (202, &json!("running"), &json!(1)));
    assert_eq!(begun["data"]["what"]["replay"]["from"], "-2h");
    for (what, body) in [("replay", r#"{"dry_run":false}"#), ("dead-letters/redrive", r#"{"dry_run":false}"#)] {
        let (status, refused) = served.admin("POST", what, body);
        assert_eq!((status, &refused["error"]["code"]), (409, &json!("JOB_RUNNING")), "{what}");
    }
    step.send(()).unwrap();
    let job = served.job(1, |job| job["progress"]["reached"] == 1);
    assert_eq!((&job["plan"]["records"], &job["ended"]), (&json!(7), &Value::Null));
    step.send(()).unwrap();
    let job = served.job(1, |job| job["state"] == "done");
    assert_eq!(job["summary"]["differences"], 0);
    assert!(job["ended"].as_i64() >= job["began"].as_i64());

    assert_eq!(served.admin("POST", "replay", r#"{"dry_run":false}"#).0, 202);
    assert_eq!(served.admin("DELETE", "jobs/2", "").0, 200);
    step.send(()).unwrap();
    let job = served.job(2, |job| job["state"] != "running");
    assert_eq!((&job["state"], &job["summary"]), (&json!("cancelled"), &Value::Null));

    assert_eq!(served.admin("POST", "replay", r#"{"coin":"NONE","dry_run":false}"#).0, 202);
    assert_eq!(served.job(3, |job| job["state"] == "failed")["failure"], "there is none");
    let ids: Vec<Value> =
        served.admin("GET", "jobs", "").1["data"].as_array().unwrap().iter().map(|job| job["id"].clone()).collect();
    assert_eq!(ids, [json!(3), json!(2), json!(1)]);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let served = serve(steps().1);
    for (verb, what, body, expected) in [
        ("POST", "replay", "[", (400, "BAD_BODY")),
        ("POST", "replay", r#"{"form":"-2h"}"#, (400, "BAD_BODY")),
        ("POST", "replay", r#"{"speed":"2x"}"#, (400, "BAD_BODY")),
        ("POST", "replay", r#"{"coin":"NONE"}"#, (422, "CANNOT_BE_DONE")),
        ("POST", "dead-letters/redrive", r#"{"dry_run":"no"}"#, (400, "BAD_BODY")),
        ("POST", "rebuild", r#"{"whale_flor":"1"}"#, (400, "BAD_BODY")),
        ("POST", "rebuild/two/tell", "", (404, "NOT_FOUND")),
        ("GET", "jobs/7", "", (404, "UNKNOWN_JOB")),
        ("DELETE", "jobs/seven", "", (404, "UNKNOWN_JOB")),
    ] {
        let (status, said) = served.admin(verb, what, body);
        assert_eq!((status, said["error"]["code"].as_str().unwrap()), expected, "{verb} {what} {body}");
    }
}
