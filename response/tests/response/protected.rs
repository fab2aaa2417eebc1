//! Nothing on the protected list can be acted on, however it is written and wherever it is checked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fansipan_model::Scope;
use fansipan_response::{
    ActionState, ResponseError,
    target::{self, Target},
};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;

use crate::kit::{Rig, block, who};

/// Ways to write the protected 192.0.2.7, own 198.51.100.10 and others, and harmless things that must pass.
#[test]
fn odd_notations_never_pass() {
    let rig = Rig::new();
    rig.book.set("web.example", &["192.0.2.80"]);
    rig.book.set("mixed.example", &["203.0.113.5", "::ffff:192.0.2.9"]);
    rig.book.set("fine.example", &["203.0.113.5"]);
    rig.book.set(
        "many.example",
        &(1..=17).map(|n| format!("203.0.113.{n}")).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let desk = rig.desk();
    let refused = [
        "192.0.2.7",
        " 192.0.2.7 ",
        "192.0.2.7/32",
        "192.0.2.7/25",
        "192.0.2.0/23",
        "192.0.0.0/16",
        "0.0.0.0/0",
        "::/0",
        "::ffff:192.0.2.7",
        "::ffff:c000:207",
        "0:0:0:0:0:FFFF:192.0.2.7",
        "::ffff:0:0/96",
        "::ffff:192.0.2.0/120",
        "64:ff9b::192.0.2.7",
        "2002:c000:0207::1",
        "2002:c000:0207::/48",
        "::192.0.2.7",
        "192.0.2.07",
        "0300.0.2.7",
        "0xc0.0.2.7",
        "3221226119",
        "0xc0000207",
        "192.0.519",
        "192.2.7",
        "192.0.2.7/24/1",
        "192.0.2.7/+32",
        "192.0.2.7/032",
        "192.0.2.7/",
        "[2001:db8:53::1]",
        "2001:db8:53::1",
        "2001:DB8:0053:0:0:0:0:1",
        "2001:db8:53::1%eth0",
        "2001:db8::/32",
        "198.51.100.10",
        "198.51.100.1",
        "198.51.100.0/24",
        "203.0.113.99",
        "203.0.113.53",
        "dc01.laichau.example",
        "DC01.LAICHAU.example.",
        "web.example",
        "mixed.example",
        "many.example",
        "127.0.0.1",
        "localhost",
        "0",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.5",
        "fe80::1",
        "ff02::1",
        "::1",
        "::",
        "192。0。2。7",
        "１９２.0.2.7",
        "192.0.2.7\u{0}",
        "",
        "unknown.example",
        "a b",
        "-x",
        "10.0.0.0/8",
        "2600::/16",
        "192.0.2.7:443",
        "http://192.0.2.7/",
        "0x7f.1",
        "127.1",
    ];
    for text in refused {
        assert!(desk.propose(&who("lan"), &block(text), None).is_err(), "{text:?} was let through");
    }
    for text in ["203.0.113.7", "203.0.113.128/27", "fine.example", "2001:db8:99::5", "::ffff:203.0.113.8", "10.20.0.0/16"] {
        let action = desk.propose(&who("lan"), &block(text), None).unwrap_or_else(|e| panic!("{text}: {e}"));
        desk.reject(&Scope::All, &who("lan"), action.id, "test", None).unwrap();
    }
    let accounts = ["root", "ROOT", "LAICHAU\\administrator", "Administrator@laichau.example", "krbtgt", " root ", "-x", "a b", "", "löw"];
    for name in accounts {
        assert!(target::account(name).and_then(|t| rig.protected().check(&t)).is_err(), "{name:?} was let through");
    }
    assert!(target::account("LAICHAU\\lan.pt").and_then(|t| rig.protected().check(&t)).is_ok());
}

#[tokio::test]
async fn what_becomes_protected_later_is_refused_at_approval_and_at_the_act() {
    let mut rig = Rig::new();
    let desk = rig.desk();
    let [a, b] = ["203.0.113.7", "203.0.113.8"].map(|t| desk.propose(&who("lan"), &block(t), None).unwrap().id);
    desk.approve(&Scope::All, &who("binh"), b, None).unwrap();
    // the protected host moves to the first target
    rig.book.set("dc01.laichau.example", &["203.0.113.7", "203.0.113.8"]);
    assert!(matches!(desk.approve(&Scope::All, &who("binh"), a, None), Err(ResponseError::Protected { .. })));
    desk.tick().await.unwrap();
    assert_eq!(desk.action(&Scope::All, b).unwrap().state, ActionState::Failed);
    assert!(rig.device.applied.lock().unwrap().is_empty(), "the device was never told");
    // a protected host that does not resolve: nothing can be cleared
    rig.config.protected.hosts.push("gone.example".into());
    let desk = rig.desk();
    assert!(matches!(desk.propose(&who("lan"), &block("203.0.113.9"), None), Err(ResponseError::Unclear { .. })));
}

#[tokio::test]
async fn what_becomes_protected_while_it_is_blocked_is_let_go() {
    let mut rig = Rig::new();
    let desk = rig.desk();
    let [watched, settled, cut] =
        ["203.0.113.7", "203.0.113.8", "203.0.113.9"].map(|t| desk.propose(&who("lan"), &block(t), None).unwrap().id);
    let in_force = |rig: &Rig| rig.device.in_force.lock().unwrap().values().cloned().collect::<Vec<_>>();
    let state = |desk: &fansipan_response::Desk, id| desk.action(&Scope::All, id).unwrap().state;
    for id in [watched, settled] {
        desk.approve(&Scope::All, &who("binh"), id, None).unwrap();
        desk.tick().await.unwrap();
    }
    // a name of the list moves to a blocked address: it is let go with the next look
    rig.book.set("dc01.laichau.example", &["203.0.113.7"]);
    rig.pass(60);
    desk.tick().await.unwrap();
    assert_eq!((state(&desk, watched), state(&desk, settled)), (ActionState::Undone, ActionState::Done));
    let told = desk.journal(watched).unwrap().into_iter().map(|s| fansipan_response::told(&s.text).vi).collect::<Vec<_>>().join("\n");
    assert!(told.contains("yêu cầu gỡ: FSP-ACT-002 203.0.113.7 được bảo vệ (máy được bảo vệ dc01.laichau.example)"), "{told}");
    // the list grows while nobody watches any more: at the next start it is let go
    rig.pass(3600);
    desk.tick().await.unwrap();
    rig.config.protected.networks.push("203.0.113.8".into());
    let desk = rig.desk();
    desk.release_protected().unwrap();
    desk.tick().await.unwrap();
    assert_eq!(state(&desk, settled), ActionState::Undone);
    // done, and cut off before it was written down; protected by the time it is found in force
    rig.device.breaks_off.store(1, std::sync::atomic::Ordering::SeqCst);
    desk.approve(&Scope::All, &who("binh"), cut, None).unwrap();
    desk.tick().await.unwrap();
    assert_eq!(in_force(&rig), ["203.0.113.9"]);
    rig.config.protected.networks.push("203.0.113.9".into());
    let desk = rig.desk();
    rig.pass(600);
    for _ in 0..4 {
        desk.tick().await.unwrap();
    }
    assert_eq!(state(&desk, cut), ActionState::Undone);
    assert!(in_force(&rig).is_empty(), "nothing protected stays blocked: {:?}", in_force(&rig));
}

fn any4() -> impl Strategy<Value = Ipv4Net> {
    (any::<u32>(), 0u8..=32).prop_map(|(a, l)| Ipv4Net::new(Ipv4Addr::from(a), l).unwrap())
}

/// Networks around the protected ones, as often as anywhere.
fn near() -> impl Strategy<Value = IpNet> {
    let inside = (0u32..=0xff).prop_map(|n| Ipv4Addr::from(0xc000_0200 | n));
    let written = inside.prop_flat_map(|a| {
        let six = move |high: u128, shift: u32| Ipv6Addr::from(high | (u128::from(u32::from(a)) << shift));
        prop_oneof![
            (0u8..=32).prop_map(move |l| IpNet::V4(Ipv4Net::new(a, l).unwrap())),
            (96u8..=128).prop_map(move |l| IpNet::V6(Ipv6Net::new(six(0xffff_0000_0000, 0), l).unwrap())),
            (96u8..=128).prop_map(move |l| IpNet::V6(Ipv6Net::new(six(0x64_ff9b << 96, 0), l).unwrap())),
            (16u8..=128).prop_map(move |l| IpNet::V6(Ipv6Net::new(six(0x2002 << 112, 80), l).unwrap())),
            (0u8..=96).prop_map(move |l| IpNet::V6(Ipv6Net::new(six(0xffff_0000_0000, 0), l).unwrap())),
        ]
    });
    prop_oneof![4 => written, 1 => any4().prop_map(IpNet::V4), 1 => (any::<u128>(), 0u8..=128).prop_map(|(a, l)| IpNet::V6(Ipv6Net::new(Ipv6Addr::from(a), l).unwrap()))]
}

/// The naive meaning: some packet to the target is a packet to a protected address.
fn touches(net: &IpNet, protected: &Ipv4Net) -> bool {
    let reaches = |from: u128, to: u128| match net {
        IpNet::V4(_) => false,
        IpNet::V6(n) => u128::from(n.network()) <= to && from <= u128::from(n.broadcast()),
    };
    let (low, high) = (u128::from(u32::from(protected.network())), u128::from(u32::from(protected.broadcast())));
    match net {
        IpNet::V4(n) => u32::from(n.network()) <= high as u32 && low as u32 <= u32::from(n.broadcast()),
        IpNet::V6(_) => {
            let six_to_four = (0x2002u128 << 112) | (low << 80);
            let end = (0x2002u128 << 112) | (high << 80) | ((1 << 80) - 1);
            reaches(0xffff_0000_0000 | low, 0xffff_0000_0000 | high)
                || reaches((0x64_ff9b << 96) | low, (0x64_ff9b << 96) | high)
                || reaches(low, high)
                || reaches(six_to_four, end)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_touches_a_protected_address_is_refused(net in near(), text in any::<bool>()) {
        let rig = Rig::new();
        let protected = rig.protected();
        let target = if text {
            match target::networks(&net.to_string(), &rig.book) {
                Ok(target) => target,
                Err(_) => return Ok(()), // refused even earlier, as too wide
            }
        } else {
            Target::Networks { given: net.to_string(), networks: vec![net] }
        };
        let verdict = protected.check(&target);
        if touches(&net, &"192.0.2.0/24".parse().unwrap()) || touches(&net, &"127.0.0.0/8".parse().unwrap()) {
            prop_assert!(verdict.is_err(), "{net} was let through");
        }
    }

    #[test]
    fn what_is_far_from_it_passes(n in 1u8..=98) {
        let rig = Rig::new();
        let address = IpAddr::V4(Ipv4Addr::new(203, 0, 114, n));
        prop_assert!(target::networks(&address.to_string(), &rig.book).and_then(|t| rig.protected().check(&t)).is_ok());
    }

    #[test]
    fn no_text_panics_and_none_reads_as_another_address(text in "[0-9a-fx:./%\\[\\] ]{0,24}") {
        let rig = Rig::new();
        if let Ok(Target::Networks { networks, .. }) = target::networks(&text, &rig.book) {
            let strict = text.trim().parse::<IpAddr>().map(IpNet::from).ok().or_else(|| text.trim().parse::<IpNet>().ok());
            prop_assert_eq!(networks, vec![target::canonical(strict.expect("reads as a plain address"))]);
        }
    }
}
