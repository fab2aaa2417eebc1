//! However a stream is cut into segments and in whatever order they come, the events are the same.

use proptest::prelude::*;

use crate::kit::{Segment, events, of};

const REQUESTS: &[u8] = b"POST /a?x=1 HTTP/1.1\r\nHost: one.example\r\nUser-Agent: t\r\nContent-Length: 11\r\n\r\nhello=worldGET /b HTTP/1.1\r\nHost: two.example:8080\r\n\r\n";
const RESPONSES: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<html>\r\n7;x=y\r\n</html>\r\n0\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone";

const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;

/// A stream cut at some places.
fn cut(client: bool, bytes: &[u8], cuts: &[usize]) -> Vec<Segment> {
    let mut places: Vec<usize> = cuts.iter().map(|c| c % bytes.len()).chain([0, bytes.len()]).collect();
    places.sort_unstable();
    places.dedup();
    places.windows(2).map(|w| Segment { client, offset: w[0] as u32, flags: ACK, bytes: bytes[w[0]..w[1]].to_vec() }).collect()
}

fn run(mut middle: Vec<Segment>) -> Vec<serde_json::Value> {
    let mut all = vec![
        Segment { client: true, offset: 0, flags: SYN, bytes: Vec::new() },
        Segment { client: false, offset: 0, flags: SYN | ACK, bytes: Vec::new() },
    ];
    all.append(&mut middle);
    all.push(Segment { client: true, offset: REQUESTS.len() as u32, flags: FIN | ACK, bytes: Vec::new() });
    all.push(Segment { client: false, offset: RESPONSES.len() as u32, flags: FIN | ACK, bytes: Vec::new() });
    events(&all.iter().map(Segment::packet).collect::<Vec<_>>())
}

#[test]
fn pipelined_requests_find_their_responses() {
    let mut whole = cut(true, REQUESTS, &[]);
    whole.extend(cut(false, RESPONSES, &[]));
    let all = run(whole);
    let http = of(&all, "network.http");
    assert_eq!(http.len(), 2, "{http:#?}");
    assert_eq!(http[0]["http.request.method"], "POST");
    assert_eq!(http[0]["url.full"], "http://one.example/a?x=1");
    assert_eq!(http[0]["http.request.body.bytes"], 11);
    assert_eq!(http[0]["http.response.status_code"], 200);
    assert_eq!(http[0]["http.response.body.bytes"], 13);
    assert_eq!(http[0]["http.response.mime_type"], "text/html");
    assert_eq!(http[1]["url.full"], "http://two.example:8080/b");
    assert_eq!(http[1]["http.response.status_code"], 404);
    let flow = of(&all, "network.flow");
    assert_eq!(flow.len(), 1);
    assert_eq!(flow[0]["network.connection.state"], "SF");
    assert_eq!(flow[0]["network.protocol"], "http");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("FANSIPAN_SOAK").is_some() { 20_000 } else { 128 }))]

    #[test]
    fn cutting_and_reordering_change_nothing(
        a in prop::collection::vec(0usize..4096, 0..12),
        b in prop::collection::vec(0usize..4096, 0..12),
        order in prop::collection::vec(any::<u32>(), 64),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut whole = cut(true, REQUESTS, &[]);
        whole.extend(cut(false, RESPONSES, &[]));
        let expected = run(whole);
        let mut parts = cut(true, REQUESTS, &a);
        parts.extend(cut(false, RESPONSES, &b));
        for index in again {
            let twice = parts[index.index(parts.len())].clone();
            parts.push(twice);
        }
        let mut keyed: Vec<(u32, Segment)> = parts.into_iter().enumerate().map(|(i, s)| (order[i % order.len()], s)).collect();
        keyed.sort_by_key(|(k, _)| *k);
        let got = run(keyed.into_iter().map(|(_, s)| s).collect());
        prop_assert_eq!(of(&got, "network.http"), of(&expected, "network.http"));
    }

    #[test]
    fn no_packet_is_too_strange(
        packets in prop::collection::vec((0u16..290, prop::collection::vec(any::<u8>(), 0..200)), 1..20),
    ) {
        let mut sensor = fansipan_collector::tap::Sensor::new(fansipan_collector::tap::Settings::default());
        for (link, bytes) in packets {
            let link = fansipan_collector::tap::decode::link::LinkType(link);
            sensor.packet(link, 0, bytes.len() as u32, &bytes);
        }
        sensor.finish();
    }
}
