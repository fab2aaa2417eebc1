//! The appliance itself: what is wrong with it and what to do about it, as `fansipan doctor` says, then its figures.

use fansipan_cli::verbs::{BEHIND, ENOUGH};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Kind, Screen, topic};
use crate::{
    data::{Lag, List, Ring, Source},
    doc::{Doc, Tone},
    message::{Ask, Command, Failure},
    state::State,
    text,
    update::read,
    words::{Language, fill, words},
};

words! {
    title: "Hệ thống", "Appliance";
    well: "Không có gì hỏng", "Nothing is wrong";
    wrong: "{} điều cần xem", "{} things to look at";
    checks: "Kiểm tra", "Checks";
    figures: "Số liệu", "Figures";
    version: "Phiên bản", "Version";
    role: "Vai trò", "Role";
    uptime: "Chạy liên tục", "Up for";
    rate: "Tốc độ", "Rate";
    bus: "Hàng ghi bền vững", "Durable log";
    bus_size: "{} bản ghi · {}", "{} records · {}";
    no_alarm: "không có báo động", "no alarm";
    reader: "Bên đọc: {}", "Reader: {}";
    analyzer: "phân tích", "detection";
    indexer: "lập chỉ mục", "indexing";
    caught_up: "đã kịp", "has caught up";
    behind: "còn chờ {} bản ghi", "{} records behind";
    behind_much: "còn chờ {} bản ghi: xem CPU và đĩa, hoặc chia việc ra nhiều máy", "{} records behind: look at CPU and disk, or share the work among machines";
    delay: "Trễ", "Delay";
    store: "Kho sự kiện", "Event store";
    store_size: "{} sự kiện · {} · {} chỉ mục", "{} events · {} · {} indexes";
    quarantined: "Chỉ mục hỏng", "Damaged indexes";
    quarantined_some: "{} để riêng: xem nhật ký của dịch vụ, kiểm tra đĩa", "{} set aside: read the service's log, check the disk";
    rules: "Luật", "Rules";
    rules_ok: "{} luật đang chạy", "{} in force";
    rules_failed: "{} luật đang chạy, {} hỏng: xem fansipan rules list", "{} in force, {} refused: see fansipan rules list";
    detection: "Bộ nhớ phát hiện", "Detection's memory";
    detection_ok: "{}: {} nhóm", "{}: {} groups";
    detection_lost: "{}: quên {} nhóm và {} giá trị vì hết chỗ, {} đến quá muộn: tăng correlation_groups của [rules] hoặc groups, values của [detectors]", "{}: forgot {} groups and {} values for want of room, {} came too late: raise correlation_groups of [rules] or groups and values of [detectors]";
    disk: "Đĩa", "Disk";
    disk_free: "còn trống {} ({}) trên {}", "{} free ({}) of {}";
    disk_low: "còn trống {} ({}) trên {}: giảm thời gian lưu hoặc thêm đĩa", "{} free ({}) of {}: shorten retention or add space";
    sensor: "Cảm biến {}", "Sensor {}";
    sensor_ok: "đọc được {} gói tin", "{} of its packets read";
    sensor_lossy: "chỉ đọc được {} gói tin: tăng buffer_mib hoặc threads trong [[sources.tap]]", "only {} of its packets read: raise buffer_mib or threads in [[sources.tap]]";
    sensor_down: "card mạng MẤT KẾT NỐI, không thấy gì: xem ip link", "the interface is DOWN and nothing is seen: see ip link";
    ring: "Vòng ghi gói tin {}", "Packet ring {}";
    ring_ok: "giữ {}", "holds {}";
    ring_since: "giữ {}, từ {}", "holds {}, since {}";
    ring_trouble: "{}: giải phóng đĩa hoặc giảm max_mib", "{}: make room on the disk or lower max_mib";
    ring_lost: "{} gói không ghi được: dùng đĩa nhanh hơn, giảm flow_mib hoặc lọc bớt", "{} packets were not recorded: use a faster disk, lower flow_mib or narrow its filter";
    stale: "Không rõ: số liệu đã cũ, máy chủ không trả lời", "Not known: these figures are old, the server does not answer";
    sources_unseen: "không đọc được danh sách nguồn", "the list of sources could not be read";
    sources: "Nguồn log", "Log sources";
    sources_ok: "đủ {} nguồn đang gửi", "all {} send";
    sources_none: "chưa có nguồn nào", "none yet";
    silent: "{}/{} im lặng: bấm g r rồi s", "{} of {} silent: press g r, then s";
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Consumer {
    name: String,
    lag: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Bus {
    head: u64,
    bytes: u64,
    consumers: Vec<Consumer>,
    alarm: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Store {
    events: u64,
    bytes: u64,
    indexes: u64,
    quarantined: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rules {
    loaded: u64,
    failed: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Disk {
    free: u64,
    total: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detection {
    name: String,
    groups: u64,
    evicted: u64,
    cut: u64,
    late: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    version: String,
    role: String,
    bus: Bus,
    store: Store,
    rules: Rules,
    disk: Disk,
    per_second: f64,
    lag: Lag,
    detection: Vec<Detection>,
    uptime_s: i64,
}

/// What the screen knows.
#[derive(Debug, Default)]
pub(crate) struct Known {
    report: Option<(Report, Timestamp)>,
    sources: Option<(Vec<Source>, Timestamp)>,
    /// Whether the last answer about sources was none.
    unseen: bool,
}

/// One check: its name, whether it is well, what is the case and what to do.
struct Check {
    name: String,
    ok: bool,
    text: String,
}

/// The screen.
pub(super) struct Status;

impl Screen for Status {
    fn keys(&self) -> &'static str {
        "g i"
    }

    fn name(&self, language: Language) -> &'static str {
        Words::of(language).title
    }

    fn load(&self, _: &mut State, out: &mut Vec<Command>) {
        out.push(Ask::get(topic(Kind::Status, "report"), "/status", Vec::new()));
        out.push(Ask::get(topic(Kind::Status, "sources"), "/sources", Vec::new()));
    }

    fn live(&self) -> bool {
        true
    }

    fn answer(&self, state: &mut State, about: &str, result: Result<Value, Failure>, _: &mut Vec<Command>) {
        if about == "report" {
            if let Some(report) = read(state, result) {
                state.screens.status.report = Some((report, state.now));
            }
            return;
        }
        let listed: Option<List<Source>> = result.ok().and_then(|v| serde_json::from_value(v).ok());
        // whoever may not see sources sees the rest, and is told so
        state.screens.status.unseen = listed.is_none();
        if let Some(List { items }) = listed {
            state.screens.status.sources = Some((items, state.now));
        }
    }

    fn key(&self, _: &mut State, _: &str, _: &mut Vec<Command>) -> bool {
        false
    }

    fn typed(&self, _: &mut State, _: &str, _: &str, _: &mut Vec<Command>) {}

    fn hints(&self, state: &State) -> Vec<(&'static str, &'static str)> {
        vec![("j k", state.words().key_down)]
    }

    fn lines(&self, doc: &mut Doc<'_>) {
        let state = doc.state;
        let w = Words::of(state.language);
        let known = &state.screens.status;
        let Some((report, at)) = &known.report else { return doc.text(Tone::Dim, state.words().loading) };
        let mut checks = appliance(state, report);
        match &known.sources {
            None if !known.unseen => {}
            Some((sources, at)) if !known.unseen && !old(state, *at) => checks.extend(senders(state, sources)),
            _ => checks.push(Check { name: w.sources.to_owned(), ok: false, text: w.sources_unseen.to_owned() }),
        }
        let wrong = checks.iter().filter(|c| !c.ok).count();
        let age = format!(" · {}", text::ago(*at, state.now, state.words()));
        let (tone, told) = if old(state, *at) {
            (Tone::Bad, w.stale.to_owned())
        } else if wrong == 0 {
            (Tone::Good, w.well.to_owned())
        } else {
            (Tone::Bad, fill(w.wrong, &[&wrong.to_string()]))
        };
        doc.push(vec![(tone, format!("● {told}")), (Tone::Dim, age)], None);
        doc.head(w.checks);
        doc.set_label(checks.iter().map(|c| text::width(&c.name) + 2).max().unwrap_or(0));
        // what is wrong comes first
        for check in checks.iter().filter(|c| !c.ok).chain(checks.iter().filter(|c| c.ok)) {
            let (tone, mark) = if check.ok { (Tone::Plain, "✓") } else { (Tone::Bad, "✗") };
            doc.pair(&format!("{mark} {}", check.name), tone, &check.text, None);
        }
        figures(doc, report);
    }
}

fn figures(doc: &mut Doc<'_>, r: &Report) {
    let state = doc.state;
    let (w, all) = (Words::of(state.language), state.words());
    let number = |n: u64| text::number(n, state.language);
    doc.head(w.figures);
    doc.pair(w.version, Tone::Plain, &r.version, None);
    doc.pair(w.role, Tone::Plain, &r.role, None);
    doc.pair(w.uptime, Tone::Plain, &text::span(r.uptime_s, all), None);
    doc.pair(w.rate, Tone::Plain, &fill(all.per_second, &[&text::rate(r.per_second)]), None);
    doc.pair(w.delay, Tone::Plain, &text::span(r.lag.seconds as i64, all), None);
    doc.pair(w.bus, Tone::Plain, &fill(w.bus_size, &[&number(r.bus.head), &text::bytes(r.bus.bytes)]), None);
    let store = [number(r.store.events), text::bytes(r.store.bytes), number(r.store.indexes)];
    doc.pair(w.store, Tone::Plain, &fill(w.store_size, &[&store[0], &store[1], &store[2]]), None);
    for d in &r.detection {
        doc.pair(w.detection, Tone::Plain, &fill(w.detection_ok, &[&d.name, &number(d.groups)]), None);
    }
}

fn appliance(state: &State, r: &Report) -> Vec<Check> {
    let w = Words::of(state.language);
    let number = |n: u64| text::number(n, state.language);
    let check = |name: &str, ok: bool, text: String| Check { name: name.to_owned(), ok, text };
    let mut checks = vec![check(w.bus, r.bus.alarm.is_none(), r.bus.alarm.clone().unwrap_or_else(|| w.no_alarm.to_owned()))];
    for reader in &r.bus.consumers {
        let name = match reader.name.as_str() {
            "analyzer" => w.analyzer,
            "indexer" => w.indexer,
            other => other,
        };
        let text = match reader.lag {
            0 => w.caught_up.to_owned(),
            n if n < BEHIND => fill(w.behind, &[&number(n)]),
            n => fill(w.behind_much, &[&number(n)]),
        };
        checks.push(check(&fill(w.reader, &[name]), reader.lag < BEHIND, text));
    }
    let rules = match r.rules.failed {
        0 => fill(w.rules_ok, &[&number(r.rules.loaded)]),
        n => fill(w.rules_failed, &[&number(r.rules.loaded), &number(n)]),
    };
    checks.push(check(w.rules, r.rules.failed == 0, rules));
    for d in r.detection.iter().filter(|d| d.evicted + d.cut > 0) {
        checks.push(check(w.detection, false, fill(w.detection_lost, &[&d.name, &number(d.evicted), &number(d.cut), &number(d.late)])));
    }
    if r.store.quarantined > 0 {
        checks.push(check(w.quarantined, false, fill(w.quarantined_some, &[&number(r.store.quarantined)])));
    }
    if r.disk.total > 0 {
        let share = r.disk.free as f64 / r.disk.total as f64;
        let told = [text::percent(share), text::bytes(r.disk.free), text::bytes(r.disk.total)];
        let words = if share >= 0.1 { w.disk_free } else { w.disk_low };
        checks.push(check(w.disk, share >= 0.1, fill(words, &[&told[0], &told[1], &told[2]])));
    }
    checks
}

/// Asked for every five seconds; what is older than this is not believed.
const FRESH: i64 = 20;

fn old(state: &State, at: Timestamp) -> bool {
    state.now.as_second() - at.as_second() > FRESH
}

/// Whether those who send do, and whether the network sensor sees what passes.
fn senders(state: &State, sources: &[Source]) -> Vec<Check> {
    let w = Words::of(state.language);
    let number = |n: usize| text::number(n as u64, state.language);
    let silent = sources.iter().filter(|s| !s.active).count();
    let told = match (sources.len(), silent) {
        (0, _) => w.sources_none.to_owned(),
        (all, 0) => fill(w.sources_ok, &[&number(all)]),
        (all, silent) => fill(w.silent, &[&number(silent), &number(all)]),
    };
    let mut checks = vec![Check { name: w.sources.to_owned(), ok: silent == 0 && !sources.is_empty(), text: told }];
    for (source, packets) in sources.iter().filter_map(|s| s.packets.as_ref().map(|p| (s, p))) {
        let share = format!("{:.3} %", (packets.coverage * 100_000.0).floor() / 1000.0);
        let ok = !packets.down() && packets.coverage >= ENOUGH;
        let told = match (packets.down(), ok) {
            (true, _) => w.sensor_down,
            (false, true) => w.sensor_ok,
            (false, false) => w.sensor_lossy,
        };
        checks.push(Check { name: fill(w.sensor, &[&source.id]), ok, text: fill(told, &[&share]) });
        checks.extend(packets.ring.as_ref().map(|ring| recorder(state, &source.id, ring)));
    }
    checks
}

/// Whether the packet ring of an interface keeps what it should.
fn recorder(state: &State, source: &str, ring: &Ring) -> Check {
    let w = Words::of(state.language);
    let lost = ring.dropped.saturating_add(ring.unwritten);
    let text = match (&ring.trouble, lost, ring.oldest) {
        (Some(trouble), ..) => fill(w.ring_trouble, &[trouble]),
        (None, 1.., _) => fill(w.ring_lost, &[&text::number(lost, state.language)]),
        (None, 0, Some(oldest)) => fill(w.ring_since, &[&text::bytes(ring.bytes), &text::full_instant(oldest, &state.zone)]),
        (None, 0, None) => fill(w.ring_ok, &[&text::bytes(ring.bytes)]),
    };
    Check { name: fill(w.ring, &[source]), ok: ring.trouble.is_none() && lost == 0, text }
}
