//! Memory is bounded, and what the bounds cost is counted.

use fansipan_analyzer::{Network, Parameters};
use std::sync::Arc;

use super::kit::cases;

fn own(text: &str) -> Network {
    let own: toml::Table = toml::from_str(text).expect("a table");
    Network::new(Some(Arc::new(Parameters::with(&own).expect("parameters"))))
}

#[test]
fn groups_beyond_the_bound_are_evicted_and_counted() {
    let case = cases().into_iter().find(|c| c.name == "a thousand sources, a port each").expect("the case");
    let mut network = own("groups = 100");
    case.stream.iter().for_each(|e| network.see(e));
    for (name, groups, losses) in network.held() {
        assert!(groups <= 100, "{name} holds {groups} groups");
        if name == "scan" {
            assert_eq!(groups as u64 + losses.evicted, 1000);
        }
    }
}

#[test]
fn values_beyond_the_bound_evict_and_what_one_group_cannot_hold_is_cut() {
    let case = cases().into_iter().find(|c| c.name == "a thousand sources, a port each").expect("the case");
    let mut network = own("values = 400");
    case.stream.iter().for_each(|e| network.see(e));
    let (_, groups, losses) = network.held().into_iter().find(|(name, ..)| *name == "scan").expect("scan");
    assert!(groups <= 101 && groups as u64 + losses.evicted == 1000, "{groups} groups, {losses:?}");

    let case = cases().into_iter().find(|c| c.name == "many ports of one address").expect("the case");
    let mut network = own("[scan]\nmost = 10\nports = 8\n");
    case.stream.iter().for_each(|e| network.see(e));
    let (_, _, losses) = network.held().into_iter().find(|(name, ..)| *name == "scan").expect("scan");
    assert!(losses.cut > 0);
    let mut signals = Vec::new();
    network.tell(&mut signals);
    assert_eq!(signals.len(), 1, "it is still found");
}

#[test]
fn damaged_state_is_refused_and_nothing_is_remembered() {
    let case = cases().into_iter().find(|c| c.name == "many ports of one address").expect("the case");
    let mut network = own("");
    case.stream.iter().for_each(|e| network.see(e));
    let state = network.state();
    for cut in [1, state.len() / 2, state.len() - 1] {
        assert!(network.put_back(&state[..cut]).is_err());
        assert!(network.held().iter().all(|(_, groups, _)| *groups == 0));
    }
    assert!(network.put_back(&state).is_ok());
    assert_eq!(network.state(), state);
    let mut other = own("[scan]\nports = 3\n");
    assert!(other.put_back(&state).is_ok(), "under other parameters it begins anew");
    assert!(other.held().iter().all(|(_, groups, _)| *groups == 0));
}
