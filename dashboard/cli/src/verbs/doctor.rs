//! `fansipan doctor`: what is wrong on this host and with the appliance, and what to do about it.

use std::{
    fs,
    net::{TcpListener, UdpSocket},
    path::Path,
};

use anyhow::Result;
use fansipan_model::{Said, Word, said, told::reader};
use serde_json::{Value, json};

use super::{client, items, sources};
use crate::{Outcome, args::Cli, client::ApiError, output, words};

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub name: Said,
    /// Good or bad.
    pub ok: bool,
    /// What is the case and what to do.
    pub text: Said,
}

/// Records that a reader of the log may be behind.
pub const BEHIND: u64 = 1_000_000;
/// Share of packets below which detection on the network is patchy.
pub const ENOUGH: f64 = 0.999;

struct Check {
    name: Word,
    ok: bool,
    text: Said,
}

const SOURCES: Word = Word::new("sources", "nguồn");
const APPLIANCE: Word = Word::new("appliance", "hệ thống");

impl From<Check> for Finding {
    fn from(check: Check) -> Self {
        Self { name: check.name.into(), ok: check.ok, text: check.text }
    }
}

/// Looks at this host and at the appliance, and says it together with what was `found` elsewhere.
///
/// # Errors
/// Where the answer cannot be written.
pub async fn doctor(cli: &Cli, found: Vec<Finding>) -> Result<Outcome> {
    let mut checks = vec![data_dir(&cli.data)];
    let api = client(cli)?;
    match api.get("/status", &[]).await {
        Ok(status) => {
            checks.extend(appliance(&status));
            match api.get("/sources", &[]).await {
                Ok(sources) => checks.extend(sensors(&sources)),
                Err(error) => checks.push(Check { name: SOURCES, ok: false, text: error.said() }),
            }
        }
        Err(error @ ApiError::Unreachable { .. }) => {
            checks.push(Check { name: APPLIANCE, ok: false, text: error.said() });
            checks.extend(ports());
        }
        Err(error) => checks.push(Check { name: APPLIANCE, ok: false, text: error.said() }),
    }
    let checks: Vec<Finding> = checks.into_iter().map(Finding::from).chain(found).collect();
    let good = checks.iter().all(|c| c.ok);
    if cli.json {
        for c in &checks {
            output::json(&json!({"check": c.name.en, "ok": c.ok, "detail": c.text.en, "detail_vi": c.text.vi}))?;
        }
    } else {
        let verdict = |ok| if ok { Word::new("ok", "tốt") } else { Word::new("FAIL", "LỖI") };
        let heads = [words::CHECK, output::BLANK, words::DETAIL];
        output::table(cli, &heads, checks.iter().map(|c| vec![cli.say(&c.name), cli.say(&verdict(c.ok)), cli.say(&c.text)]))?;
    }
    Ok(if good { Outcome::Done } else { Outcome::Negative })
}

fn data_dir(dir: &Path) -> Check {
    let name = Word::new("data directory", "thư mục dữ liệu");
    let at = dir.display();
    let (ok, text) = match fs::metadata(dir) {
        Ok(meta) if meta.is_dir() => match tempfile_in(dir) {
            Ok(()) => (true, Said::same(at.to_string())),
            Err(e) => {
                let e = reader(e);
                let text = said!(
                    "{at} cannot be written to: {e}. Give it to the service's user.",
                    "Không ghi được vào {at}: {e:#}. Hãy giao thư mục này cho tài khoản của dịch vụ."
                );
                (false, text)
            }
        },
        Ok(_) => (false, said!("{at} is not a directory", "{at} không phải là thư mục")),
        Err(e) => {
            let e = reader(e);
            let text = said!(
                "{at}: {e}. It is made by the first `fansipan run --data …`.",
                "{at}: {e:#}. Lần chạy `fansipan run --data …` đầu tiên sẽ tạo thư mục này."
            );
            (false, text)
        }
    };
    Check { name, ok, text }
}

fn tempfile_in(dir: &Path) -> std::io::Result<()> {
    let probe = dir.join(format!(".doctor-{}", std::process::id()));
    fs::write(&probe, b"probe")?;
    fs::remove_file(&probe)
}

/// Only asked when no appliance answers: are the default ports free for it?
fn ports() -> Vec<Check> {
    let check = |name, address: &str, tool: &str, bound: std::io::Result<()>| match bound {
        Ok(()) => Check { name, ok: true, text: said!("{address} is free", "{address} đang trống") },
        Err(e) => {
            let e = reader(e);
            let text = said!(
                "{address}: {e}. Another program holds it: find it with `{tool}`, or configure another.",
                "{address}: {e:#}. Chương trình khác đang giữ cổng này: tìm bằng `{tool}`, hoặc cấu hình cổng khác."
            );
            Check { name, ok: false, text }
        }
    };
    let tcp = |name, address: &str| check(name, address, "ss -ltnp", TcpListener::bind(address).map(drop));
    let udp = |name, address: &str| check(name, address, "ss -lunp", UdpSocket::bind(address).map(drop));
    vec![
        tcp(Word::new("syslog tcp port", "cổng syslog tcp"), "127.0.0.1:5514"),
        udp(Word::new("syslog udp port", "cổng syslog udp"), "127.0.0.1:5514"),
        tcp(Word::new("syslog tls port", "cổng syslog tls"), "127.0.0.1:6514"),
        tcp(Word::new("console port", "cổng bảng điều khiển"), "127.0.0.1:8443"),
    ]
}

/// Whether the network sensor sees what passes.
fn sensors(sources: &Value) -> Vec<Check> {
    let taps = items(sources).iter().filter_map(|s| s.get("packets").filter(|p| p.is_object()).map(|p| (s, p)));
    taps.flat_map(|(source, packets)| {
        let up = packets.get("up").and_then(Value::as_bool) == Some(true);
        let share = packets.get("coverage").and_then(Value::as_f64).unwrap_or(0.0);
        let (id, state, read) = (output::cell(source, "id"), sources::state(packets), sources::coverage(packets));
        let next = match (up, share >= ENOUGH) {
            (false, _) => said!(": see `ip link`", ": xem `ip link`"),
            (true, false) => said!(
                ": raise buffer_mib or threads in [[sources.tap]], or narrow its filter",
                ": tăng buffer_mib hoặc threads trong [[sources.tap]], hoặc thu hẹp bộ lọc của nó"
            ),
            (true, true) => Said::default(),
        };
        let text = said!("{id} is {state}, {read} of its packets read{next}", "{id} đang {state}, đọc được {read} số gói tin{next:#}");
        let sensor = Check { name: Word::new("sensor", "cảm biến"), ok: up && share >= ENOUGH, text };
        std::iter::once(sensor).chain(ring(source, packets))
    })
    .collect()
}

/// Whether the packet ring of an interface keeps what it should; nothing where there is none.
fn ring(source: &Value, packets: &Value) -> Option<Check> {
    let lost = sources::ring_lost(packets)?;
    let (id, ring) = (output::cell(source, "id"), packets.get("ring")?);
    let mib = ring.get("bytes").and_then(Value::as_u64).unwrap_or(0) >> 20;
    let oldest = output::cell(ring, "oldest");
    let back = if oldest.is_empty() {
        said!("nothing yet", "chưa có gì")
    } else {
        said!("{mib} MiB, back to {oldest}", "{mib} MiB, từ {oldest}")
    };
    let (trouble, cut) = (output::cell(ring, "trouble"), output::cell(ring, "cut"));
    let next = match (trouble.is_empty(), lost) {
        (false, _) => said!(
            "; {trouble}: make room on the disk, or lower max_mib of its ring",
            "; {trouble}: hãy giải phóng ổ đĩa, hoặc giảm max_mib của kho"
        ),
        (true, 1..) => said!(
            "; {lost} packets were not recorded: give it a faster disk, lower flow_mib, or narrow its filter",
            "; {lost} gói tin không ghi được: dùng ổ đĩa nhanh hơn, giảm flow_mib, hoặc thu hẹp bộ lọc"
        ),
        (true, 0) => Said::default(),
    };
    let text = said!(
        "the packet ring of {id} holds {back}; {cut} packets of long flows left out{next}",
        "kho gói tin của {id} giữ {back:#}; bỏ qua {cut} gói của luồng dài{next:#}"
    );
    Some(Check { name: Word::new("packet ring", "kho gói tin"), ok: trouble.is_empty() && lost == 0, text })
}

fn appliance(status: &Value) -> Vec<Check> {
    let number = |path: &str| path.split('/').try_fold(status, |v, k| v.get(k)).and_then(Value::as_u64);
    let cell = |path| output::cell(status, path);
    let (version, seconds) = (cell("version"), cell("uptime_s"));
    let text = said!("version {version}, up {seconds} s", "phiên bản {version}, đã chạy {seconds} giây");
    let mut checks = vec![Check { name: APPLIANCE, ok: true, text }, log(status)];
    for consumer in status.pointer("/bus/consumers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice) {
        let (name, lag) = (output::cell(consumer, "name"), consumer.get("lag").and_then(Value::as_u64).unwrap_or(0));
        let text = said!("{name} is {lag} records behind", "{name} còn chậm {lag} bản ghi");
        checks.push(Check { name: Word::new("consumer", "bộ đọc"), ok: lag < BEHIND, text });
    }
    let (loaded, failed) = (cell("rules/loaded"), number("rules/failed").unwrap_or(0));
    let next = if failed == 0 { Said::default() } else { said!(": see `fansipan rules list`", ": xem `fansipan rules list`") };
    let text = said!("{loaded} loaded, {failed} refused{next}", "đã nạp {loaded}, từ chối {failed}{next:#}");
    checks.push(Check { name: Word::new("rules", "luật"), ok: failed == 0, text });
    checks.extend(status.pointer("/detection").and_then(Value::as_array).map_or(&[][..], Vec::as_slice).iter().filter_map(detection));
    if let (Some(free), Some(total)) = (number("disk/free"), number("disk/total")) {
        let (share, gib) = (free.saturating_mul(100).checked_div(total).unwrap_or(0), free >> 30);
        let text = said!(
            "{share} % free ({gib} GiB); below 10 % shorten retention or add space",
            "còn trống {share} % ({gib} GiB); dưới 10 % thì rút ngắn thời gian lưu hoặc thêm dung lượng"
        );
        checks.push(Check { name: Word::new("disk", "ổ đĩa"), ok: share >= 10, text });
    }
    checks
}

fn log(status: &Value) -> Check {
    let [alarm, head, bytes] = ["bus/alarm", "bus/head", "bus/bytes"].map(|path| output::cell(status, path));
    let ok = alarm.is_empty();
    let text = if ok { said!("head {head}, {bytes} bytes", "bản ghi cuối {head}, {bytes} byte") } else { Said::same(alarm) };
    Check { name: Word::new("log", "nhật ký nhận"), ok, text }
}

/// Whether detection of a kind forgot something for want of room.
fn detection(kind: &Value) -> Option<Check> {
    let lost = |key: &str| kind.get(key).and_then(Value::as_u64).unwrap_or(0);
    let (name, evicted, cut, late) = (output::cell(kind, "name"), lost("evicted"), lost("cut"), lost("late"));
    if evicted + cut == 0 {
        return None;
    }
    let text = said!(
        "{name} forgot {evicted} groups and {cut} values for want of room, {late} came too late: raise correlation_groups of [rules] or groups and values of [detectors], if memory allows",
        "{name} quên {evicted} nhóm và {cut} giá trị vì hết chỗ, {late} đến quá muộn: nếu đủ bộ nhớ, tăng correlation_groups của [rules] hoặc groups và values của [detectors]"
    );
    Some(Check { name: Word::new("detection", "phát hiện"), ok: false, text })
}
