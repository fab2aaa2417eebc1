//! Packets made by hand, a network namespace with a wire in it, and sending them there.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, bail};

/// A network namespace with a wire: what is sent on `t0` arrives on `t1`. Gone when dropped.
pub struct Wire {
    /// Name of the namespace.
    pub namespace: String,
}

fn ip(arguments: &str) -> bool {
    Command::new("ip").args(arguments.split(' ')).output().is_ok_and(|o| o.status.success())
}

impl Wire {
    /// Makes one; `None`, and says why, where that is not permitted.
    pub fn new(name: &str) -> Option<Self> {
        for program in ["tcpreplay", "setpriv"] {
            if Command::new(program).arg("--version").output().is_err() {
                println!("skipped: no {program} (packaging/dev/need test installs it)");
                return None;
            }
        }
        let namespace = format!("fsp-{name}-{}", std::process::id());
        if !ip(&format!("netns add {namespace}")) {
            println!("skipped: network namespaces cannot be made here (`ip netns add` needs root)");
            return None;
        }
        let wire = Self { namespace };
        if !(wire.run("ip link set lo up") && wire.plug()) {
            println!("skipped: veth interfaces cannot be made here");
            return None;
        }
        Some(wire)
    }

    /// Makes the two ends and sets them up, without the neighbour discovery that would add frames of its own.
    pub fn plug(&self) -> bool {
        self.run("ip link add t0 type veth peer name t1")
            && ["t0", "t1"].iter().all(|end| {
                let quiet = format!("/proc/sys/net/ipv6/conf/{end}/disable_ipv6");
                self.run(&format!("sh -c echo\u{a0}1\u{a0}>{quiet}")) && self.run(&format!("ip link set {end} up"))
            })
    }

    /// Puts the end `t1` into the namespace of this process, under a name of its own.
    pub fn bring(&self, name: &str) -> Result<()> {
        let (namespace, process) = (&self.namespace, std::process::id());
        for words in ["link set t1 down", &format!("link set t1 name {name}"), &format!("link set {name} netns {process}")] {
            if !ip(&format!("-n {namespace} {words}")) {
                bail!("{words} failed in {namespace}");
            }
        }
        fs::write(format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"), "1")?;
        if !ip(&format!("link set {name} up")) {
            bail!("{name} cannot be set up");
        }
        Ok(())
    }

    /// Runs a command in the namespace (words separated by blanks; a no-break space stands for one within a word).
    pub fn run(&self, command: &str) -> bool {
        let words = command.split(' ').map(|w| w.replace('\u{a0}', " "));
        let out = Command::new("ip").args(["netns", "exec", &self.namespace]).args(words).output();
        match out {
            Ok(out) if out.status.success() => true,
            Ok(out) => {
                println!("{command}: {}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
                false
            }
            Err(_) => false,
        }
    }

    /// Sends the packets of a capture on `t0`; `pace`: arguments of tcpreplay that say how fast.
    pub fn replay(&self, capture: &Path, pace: &str) -> Result<()> {
        if !self.run(&format!("tcpreplay -q -i t0 {pace} {}", capture.display())) {
            bail!("tcpreplay failed");
        }
        Ok(())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        ip(&format!("netns del {}", self.namespace));
    }
}

/// Writes Ethernet frames as a pcap file.
pub fn write_pcap(path: &Path, frames: &[Vec<u8>]) -> Result<()> {
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        out.extend(word.to_le_bytes());
    }
    for (n, frame) in frames.iter().enumerate() {
        for word in [1_700_000_000 + (n / 1000) as u32, (n % 1000) as u32 * 1000, frame.len() as u32, frame.len() as u32] {
            out.extend(word.to_le_bytes());
        }
        out.extend(frame);
    }
    Ok(fs::write(path, out)?)
}

/// An Ethernet frame with an IPv4 datagram of a protocol.
pub fn ethernet(source: [u8; 4], destination: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    let mut head = vec![0x45, 0];
    head.extend((20 + payload.len() as u16).to_be_bytes());
    head.extend([0, 1, 0, 0, 64, protocol, 0, 0]);
    head.extend(source);
    head.extend(destination);
    let sum: u32 = head.chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]))).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    head[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    frame.extend(head);
    frame.extend(payload);
    frame
}

/// A UDP datagram without a checksum.
pub fn udp(source: ([u8; 4], u16), destination: ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(source.1.to_be_bytes());
    datagram.extend(destination.1.to_be_bytes());
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    ethernet(source.0, destination.0, 17, &datagram)
}

/// A frame as a VXLAN mirror sends it.
pub fn vxlan(frame: &[u8]) -> Vec<u8> {
    let inner = [&[8, 0, 0, 0, 0, 0, 7, 0][..], frame].concat();
    udp(([10, 200, 0, 1], 50_000), ([10, 200, 0, 2], 4789), &inner)
}

/// A frame as a GENEVE mirror sends it.
pub fn geneve(frame: &[u8]) -> Vec<u8> {
    let inner = [&[0, 0, 0x65, 0x58, 0, 0, 7, 0][..], frame].concat();
    udp(([10, 200, 0, 1], 50_001), ([10, 200, 0, 2], 6081), &inner)
}

/// A frame as a switch's ERSPAN session of type II sends it.
pub fn erspan(frame: &[u8], sequence: u32) -> Vec<u8> {
    let inner = [&[0x10, 0, 0x88, 0xbe][..], &sequence.to_be_bytes(), &[0x10, 5, 0, 7, 0, 0, 0, 1], frame].concat();
    ethernet([10, 200, 0, 1], [10, 200, 0, 2], 47, &inner)
}

/// A question for `hNUMBER.tap.example` and its answer, from a port of its own: one flow of two frames.
pub fn dns(number: u32) -> [Vec<u8>; 2] {
    let (client, server) = ([10, 9, (number >> 8) as u8, number as u8], [10, 0, 0, 53]);
    let port = 20_000 + (number % 40_000) as u16;
    let mut question = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    question[0..2].copy_from_slice(&(number as u16).to_be_bytes());
    for label in [format!("h{number}").as_str(), "tap", "example"] {
        question.push(label.len() as u8);
        question.extend(label.as_bytes());
    }
    question.extend([0, 0, 1, 0, 1]);
    let mut answer = question.clone();
    answer[2..4].copy_from_slice(&[0x81, 0x80]);
    answer[7] = 1;
    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
    [udp((client, port), (server, 53), &question), udp((server, 53), (client, port), &answer)]
}
