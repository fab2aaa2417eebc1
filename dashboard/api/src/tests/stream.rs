//! Live streams: alerts of one's own agencies, ticks, gaps, and the end with the session.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::harness::{Client, Rig, alert};
use crate::access::Role;

/// A stream as an `EventSource` sees it.
struct Listener {
    body: Body,
    text: String,
}

impl Listener {
    async fn open(client: &Client) -> Listener {
        let mut request = client.request("GET", "/api/v1/stream", None);
        request.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
        let response = client.send(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(!response.headers().contains_key("content-encoding"), "a compressor would hold events back");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Listener { body: response.into_body(), text: String::new() }
    }

    /// The next event; `None`: the stream has ended.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let line = |name: &str| block.lines().find_map(|l| l.strip_prefix(name)).map(|v| v.trim().to_owned());
                match (line("event:"), line("data:")) {
                    (Some(event), Some(data)) => return Some((event, serde_json::from_str(&data).unwrap())),
                    _ => continue,
                }
            }
            let frame = timeout(Duration::from_secs(10), self.body.frame()).await.expect("nothing for 10 s")?.unwrap();
            self.text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
    }

    /// The next event of this name.
    async fn next_of(&mut self, name: &str) -> Option<Value> {
        loop {
            match self.next().await? {
                (event, data) if event == name => return Some(data),
                _ => continue,
            }
        }
    }
}

#[tokio::test]
async fn an_alert_reaches_those_who_may_see_it_at_once() {
    let rig = Rig::new().await;
    let mut all = Listener::open(&rig.token(Role::Viewer, &[])).await;
    let mut health = Listener::open(&rig.token(Role::Viewer, &["health"])).await;
    let started = std::time::Instant::now();
    rig.feed.alert(Arc::new(alert(8, "tax")), Some(700));
    rig.feed.alert(Arc::new(alert(9, "health")), None);
    let seen = all.next_of("alert").await.unwrap();
    assert_eq!((&seen["agency"], &seen["priority"]), (&json!("tax"), &json!(700)), "with its place in the queue");
    assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
    let seen = health.next_of("alert").await.unwrap();
    assert_eq!(seen["id"], json!(alert(9, "health").id.to_string()), "the other agency's alert is not among them");
    assert!(seen["raised"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn ticks_tell_the_main_numbers() {
    let rig = Rig::new().await;
    let mut all = Listener::open(&rig.token(Role::Viewer, &[])).await;
    let tick = all.next_of("tick").await.unwrap();
    assert_eq!((&tick["events_total"], &tick["open_alerts"], &tick["sources_active"]), (&json!(12345), &json!(2), &json!(2)), "{tick}");
    assert_eq!(tick["lag"]["indexer"], 9);
    let mut health = Listener::open(&rig.token(Role::Viewer, &["health"])).await;
    let tick = health.next_of("tick").await.unwrap();
    assert_eq!((&tick["events_total"], &tick["open_alerts"], &tick["sources_active"]), (&json!(9), &json!(1), &json!(1)), "{tick}");
}

#[tokio::test]
async fn a_changed_alert_is_told_to_the_other_consoles() {
    let rig = Rig::new().await;
    let mut wall = Listener::open(&rig.token(Role::Viewer, &[])).await;
    let id = alert(1, "health").id.to_string();
    let lan = rig.token(Role::Analyst, &["health"]);
    let version = lan.get(&format!("/alerts/{id}")).await.json()["version"].clone();
    lan.post(&format!("/alerts/{id}/status"), json!({ "status": "acknowledged", "version": version })).await;
    let seen = wall.next_of("alert").await.unwrap();
    assert_eq!((&seen["id"], &seen["status"]), (&json!(id), &json!("acknowledged")));
}

#[tokio::test]
async fn a_screen_of_the_wall_hears_that_something_happened_and_no_more() {
    let rig = Rig::new().await;
    let mut screen = Listener::open(&rig.screen("w")).await;
    rig.feed.alert(Arc::new(alert(2, "tax")), None);
    let told = screen.next_of("alert").await.unwrap();
    assert!(told["rule"]["title"].is_string() && told["status"].is_string(), "{told}");
    let text = told.to_string();
    for hidden in ["198.51.100.9", "203.0.113.7", "tax-web"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    let data = json!({ "id": "i-1", "what": "decision", "who": "huong", "present": ["huong"] });
    rig.feed.notice(crate::ports::Notice::new("incident", Some("tax".into()), data));
    assert_eq!(screen.next_of("incident").await.unwrap(), json!({ "id": "i-1", "what": "decision" }));
}

#[tokio::test]
async fn a_slow_reader_is_told_what_it_missed_and_holds_up_nobody() {
    let rig = Rig::new().await;
    let mut slow = Listener::open(&rig.token(Role::Viewer, &[])).await;
    for n in 0..5000u32 {
        rig.feed.alert(Arc::new(alert((n % 200) as u8, "tax")), None);
        if n % 500 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let missed = slow.next_of("gap").await.unwrap()["missed"].as_u64().unwrap();
    assert!(missed > 1000, "{missed}");
}

#[tokio::test]
async fn the_stream_ends_with_the_session() {
    let rig = Rig::new().await;
    let boss = rig.person("boss", Role::Administrator, &[]).await;
    for (name, end) in [("lan", "logout"), ("minh", "disable")] {
        let person = rig.person(name, Role::Viewer, &[]).await;
        let mut stream = Listener::open(&person).await;
        stream.next_of("tick").await.unwrap();
        if end == "logout" {
            person.delete("/session").await;
        } else {
            boss.post(&format!("/users/{name}/disable"), json!({})).await;
        }
        assert_eq!(stream.next_of("end").await.unwrap()["reason"], "session");
        assert!(stream.next().await.is_none());
    }
}

#[tokio::test]
async fn an_open_stream_does_not_keep_a_session_alive() {
    let rig = Rig::with(|c| c.idle = Duration::from_secs(1)).await;
    let lan = rig.person("lan", Role::Viewer, &[]).await;
    let mut stream = Listener::open(&lan).await;
    assert!(stream.next_of("end").await.is_some());
    assert_eq!(lan.get("/session").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn one_caller_has_a_bounded_number_of_streams() {
    let rig = Rig::new().await;
    let wall = rig.token(Role::Viewer, &[]);
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(Listener::open(&wall).await);
    }
    assert_eq!(wall.get("/stream").await.problem(), "FSP-API-020");
    drop(open);
    timeout(Duration::from_secs(5), async {
        while wall.send(wall.request("GET", "/api/v1/stream", None)).await.status() != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("closed streams give their places back");
    rig.stop.cancel();
}
