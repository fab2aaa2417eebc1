//! One computer that speaks to many others inside over a way of administration: SMB, RDP, WinRM, remote procedure calls.

use std::sync::Arc;

use fansipan_model::EntityKind;

use super::{
    Fact, Finding, Losses, Sight, Watcher,
    generations::{Generations, number},
    groups::against,
    parameters::{Parameters, nanos},
};

/// Computers remembered of a group.
const MOST: usize = 4096;
/// One alert for so long.
const PERIOD: i64 = 3600;

pub(super) struct Lateral(pub(super) Arc<Parameters>);

impl Watcher for Lateral {
    const NAME: &'static str = "lateral";
    const FINDINGS: &'static [&'static str] = &["lateral"];
    type State = Generations;

    fn look(&self, sight: &Sight<'_>, out: &mut Vec<Fact>) {
        let (asked, answered) = sight.payload();
        if sight.dataset != "flow" || sight.transport != "tcp" || asked == 0 || answered == 0 {
            return;
        }
        if !sight.source_inside || !sight.destination_inside || sight.is_cast() {
            return;
        }
        let way = self.0.lateral.ports.iter().find(|(_, ports)| ports.contains(&sight.destination_port));
        if let Some((way, _)) = way {
            out.push(sight.fact(Self::NAME, &[&sight.source.to_string(), way], vec![sight.destination.to_string()], Vec::new()));
        }
    }

    fn take(&self, state: &mut Generations, fact: &Fact, out: &mut Vec<Finding>, losses: &mut Losses) {
        let p = &self.0.lateral;
        losses.cut += u64::from(!state.see(fact.at, nanos(p.window), number(&[fact.word(0)]), MOST));
        let computers = state.different();
        if computers < p.computers {
            return;
        }
        let figures = vec![
            ("source.ip".to_owned(), fact.key(1).to_owned()),
            ("way".to_owned(), fact.key(2).to_owned()),
            ("different destination.ip".to_owned(), against(computers, p.computers)),
            ("window".to_owned(), format!("{}–{} s", p.window, 2 * p.window)),
        ];
        let about = vec![
            (EntityKind::Address, "source.ip", fact.key(1).to_owned()),
            (EntityKind::Address, "destination.ip", fact.word(0).to_owned()),
        ];
        out.push(Finding {
            name: "lateral",
            period: nanos(PERIOD),
            since: fact.at,
            count: state.events(),
            figures,
            about,
            ..Finding::default()
        });
    }

    fn life(&self) -> i64 {
        nanos(self.0.lateral.window).saturating_mul(3)
    }

    fn weight(&self, state: &Generations) -> usize {
        state.weight()
    }
}
