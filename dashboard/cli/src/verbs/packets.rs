//! `fansipan packets`: packets of an event or alert out of the packet ring, as a pcapng file with its SHA-256.
//!
//! Usually the appliance is asked. With `--flow` the rings below `--data` are read on this host: there the collector's role keeps them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use fansipan_collector::tap::ring::{FlowName, Limits, Place, Wanted, find, folder};
use fansipan_evidence::PacketFigures;
use fansipan_model::{AnswerOutcome, CollectorAnswer, Said, Word, said, time};
use serde::{Deserialize, Serialize};

use super::{
    client,
    download::{as_json, draft, ended, fetch, hashing, keep},
};
use crate::{
    Fault, Outcome,
    args::{Cli, PacketsArgs},
    client::Client,
    output,
};

/// What one file holds at the most.
const LIMITS: Limits = Limits { bytes: 1 << 30, packets: 8_000_000 };
const MINUTE: i64 = 60 * time::SECOND;

/// Writes the packets to a file and says what is in it.
pub(super) async fn packets(cli: &Cli, args: &PacketsArgs) -> Result<Outcome> {
    let (figures, path) = match (&args.id, &args.flow) {
        (Some(id), _) => of_event(cli, args, id).await?,
        (None, Some(flow)) => of_flow(cli, args, flow)?,
        (None, None) => bail!(Fault::NoPackets),
    };
    tell(cli, &figures, &path)?;
    if let Some(incident) = &args.incident {
        let name = path.file_name().map_or_else(|| "packets.pcapng".into(), |n| n.to_string_lossy().into_owned());
        let comment = format!("{} packets of {}", figures.packets, args.id.as_deref().or(args.flow.as_deref()).unwrap_or_default());
        let made = client(cli)?.upload(&format!("/incidents/{incident}/evidence"), &[("name", name), ("comment", comment)], &path).await?;
        ensure!(output::cell(&made, "body/sha256") == figures.sha256, Fault::OtherEvidence { path: path.display().to_string() });
        if !cli.json {
            let id = output::cell(&made, "id");
            output::say(cli, &said!("evidence of incident {incident}: {id}", "chứng cứ của sự cố {incident}: {id}"))?;
        }
    }
    Ok(Outcome::Done)
}

fn target(args: &PacketsArgs, name: &str) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_=".contains(c) { c } else { '_' };
    args.output.clone().unwrap_or_else(|| PathBuf::from(name.chars().map(plain).collect::<String>() + ".pcapng"))
}

/// Asks the appliance.
async fn of_event(cli: &Cli, args: &PacketsArgs, id: &str) -> Result<(PacketFigures, PathBuf)> {
    let path = target(args, id);
    let parameters: Vec<_> = args.minutes.map(|m| ("minutes", m.to_string())).into_iter().collect();
    let from = format!("/packets/{}", output::escape(id));
    let figures = fetch(&client(cli)?, &from, &parameters, "x-fansipan-packets", &path, |f: &PacketFigures| &f.sha256).await?;
    Ok((figures, path))
}

/// A file of packets on this computer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPackets {
    /// Where it lies.
    pub file: String,
    /// What the appliance says of it.
    #[serde(flatten)]
    pub figures: PacketFigures,
}

/// Fetches the packets that an API path names into a file.
///
/// # Errors
/// An [`ApiError`](crate::client::ApiError) where the appliance refuses; otherwise what is wrong with the file.
pub async fn keep_packets(api: &Client, from: &str, to: &Path) -> Result<KeptPackets> {
    let figures = fetch(api, from, &[], "x-fansipan-packets", to, |f: &PacketFigures| &f.sha256).await?;
    let place = to.canonicalize().unwrap_or_else(|_| to.to_owned());
    Ok(KeptPackets { file: place.display().to_string(), figures })
}

/// Reads the rings of this host.
fn of_flow(cli: &Cli, args: &PacketsArgs, flow: &str) -> Result<(PacketFigures, PathBuf)> {
    let name = FlowName::parse(flow).with_context(|| Fault::NoFlow { flow: flow.to_owned() })?;
    let at = args.at.as_deref().and_then(time::from_rfc3339).context(Fault::NoTime)?;
    let folders = cli.data.join("packets");
    let failed = || Fault::NoRings { path: folders.display().to_string() };
    let mut rings = Vec::new();
    for entry in std::fs::read_dir(&folders).with_context(failed)? {
        let interface = entry.with_context(failed)?.file_name().to_string_lossy().into_owned();
        rings.push(Place { folder: folder(&cli.data, &interface), interface });
    }
    let path = target(args, flow);
    let draft = draft(&path)?;
    let mut out = hashing(&draft);
    let wanted = Wanted { name, from: at, to: at, around: i64::from(args.minutes.unwrap_or(15)) * MINUTE };
    let found = find(&rings, &[wanted], LIMITS, &mut out).with_context(failed)?;
    let sha256 = ended(out)?;
    let oldest = match found.oldest.map(time::to_rfc3339) {
        Some(oldest) => said!("the oldest packets are of {oldest}", "gói tin cũ nhất là của {oldest}"),
        None => said!("nothing is kept", "kho đang trống"),
    };
    ensure!(found.packets > 0, Fault::PacketsGone { oldest });
    let figures = PacketFigures::new(&found, sha256, Vec::new());
    keep(draft, &path)?;
    Ok((figures, path))
}

fn tell(cli: &Cli, figures: &PacketFigures, path: &Path) -> Result<()> {
    if cli.json {
        return as_json(figures, path);
    }
    let PacketFigures { sha256, packets, bytes, first, last, .. } = figures;
    let whole = said!("{packets} packets, {bytes} bytes, from {first} to {last}", "{packets} gói tin, {bytes} byte, từ {first} đến {last}");
    output::say(cli, &whole)?;
    for (count, what) in [
        (
            figures.cut,
            Word::new("packets are not there: the ring keeps flow_mib of a flow", "gói tin không có: kho chỉ giữ flow_mib của mỗi luồng"),
        ),
        (figures.damaged, Word::new("packets are damaged on disk and left out", "gói tin hỏng trên đĩa nên bị bỏ ra")),
        (
            figures.beyond,
            Word::new(
                "packets are beyond what one file holds: narrow it with --minutes",
                "gói tin vượt sức chứa của một tệp: hãy thu hẹp bằng --minutes",
            ),
        ),
    ] {
        if count > 0 {
            output::say(cli, &said!("{count} {what}", "{count} {what:#}"))?;
        }
    }
    for answer in &figures.collectors {
        let (collector, gave) = (&answer.collector, gave(answer));
        output::say(cli, &said!("collector {collector}: {gave}", "bộ thu thập {collector}: {gave:#}"))?;
    }
    output::line(&format!("sha256 {}", output::harmless(sha256)))?;
    Ok(output::line(&format!("{}", path.display()))?)
}

/// What a collector gave, or why nothing.
fn gave(answer: &CollectorAnswer) -> Said {
    let CollectorAnswer { packets, bytes, sha256, .. } = answer;
    let missing = match answer.outcome {
        AnswerOutcome::Given => {
            return said!("{packets} packets, {bytes} bytes, sha256 {sha256}", "{packets} gói tin, {bytes} byte, sha256 {sha256}");
        }
        AnswerOutcome::Nothing => return said!("has none", "không có gói nào"),
        AnswerOutcome::NoAnswer => said!("did not answer in time", "không trả lời kịp"),
        AnswerOutcome::Failed => said!("could not read its rings", "không đọc được kho gói tin"),
        AnswerOutcome::Damaged => said!("sent what did not arrive whole", "phần của nó về không nguyên vẹn"),
        AnswerOutcome::TooLarge => said!(
            "has more than fits beside the others: narrow it with --minutes",
            "có nhiều hơn chỗ còn lại trong tệp: hãy thu hẹp bằng --minutes"
        ),
        AnswerOutcome::Clock => said!("has a clock that differs by minutes", "đồng hồ lệch nhiều phút"),
    };
    said!("{missing}; what it may have is missing here", "{missing:#}; ở đây thiếu phần nó có thể có")
}
