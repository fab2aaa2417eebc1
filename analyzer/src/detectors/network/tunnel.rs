//! DNS tunnels: many different long names below one domain, asked by one computer. Names that do not exist (generated domains) are a
//! rule, `rules/packs/correlation/generated_names.yml`.

use std::sync::Arc;

use fansipan_model::{EntityKind, fields};
use serde::{Deserialize, Serialize};

use super::{
    Fact, Finding, Losses, Sight, Watcher,
    generations::{Generations, number},
    groups::against,
    parameters::{Parameters, nanos},
};

/// Names remembered of a group.
const MOST: usize = 2048;
/// One alert for so long.
const PERIOD: i64 = 3600;

pub(super) struct Tunnel(pub(super) Arc<Parameters>);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Domain {
    names: Generations,
    /// Bytes of names asked since the window before began.
    bytes: u64,
    asked: u64,
    generation: i64,
    before: [u64; 2],
}

impl Tunnel {
    /// What a name says below its domain, and the domain.
    fn split<'n>(&self, name: &'n str) -> Option<(&'n str, &'n str)> {
        let name = name.trim_end_matches('.');
        let mut dots = name.rmatch_indices('.').map(|(at, _)| at);
        let (top, second) = (dots.next()?, dots.next()?);
        let (country, below) = (name.get(top + 1..)?, name.get(second + 1..top)?);
        let registry = country.len() == 2 && self.0.tunnel.registries.iter().any(|r| r == below);
        let cut = if registry { dots.next()? } else { second };
        Some((name.get(..cut)?, name.get(cut + 1..)?))
    }
}

impl Watcher for Tunnel {
    const NAME: &'static str = "tunnel";
    const FINDINGS: &'static [&'static str] = &["tunnel"];
    type State = Domain;

    fn look(&self, sight: &Sight<'_>, out: &mut Vec<Fact>) {
        if sight.dataset != "dns" {
            return;
        }
        let Some(name) = sight.event.str(fields::DNS_QUESTION_NAME) else { return };
        let name = name.to_lowercase();
        let Some((own, domain)) = self.split(&name) else { return };
        let known = |k: &String| domain == k || name.strip_suffix(k.as_str()).is_some_and(|rest| rest.ends_with('.'));
        if self.0.tunnel.known.iter().any(known) {
            return;
        }
        let numbers = vec![own.len() as i64];
        out.push(sight.fact(Self::NAME, &[&sight.source.to_string(), domain], vec![name.clone()], numbers));
    }

    fn take(&self, state: &mut Domain, fact: &Fact, out: &mut Vec<Finding>, losses: &mut Losses) {
        let p = &self.0.tunnel;
        let window = nanos(p.window);
        let generation = fact.at.div_euclid(window.max(1));
        if generation > state.generation {
            state.before = if generation == state.generation + 1 { [state.bytes, state.asked] } else { [0, 0] };
            (state.bytes, state.asked, state.generation) = (0, 0, generation);
        }
        losses.cut += u64::from(!state.names.see(fact.at, window, number(&[fact.word(0)]), MOST));
        state.bytes += fact.count(0);
        state.asked += 1;
        let (bytes, asked) = (state.bytes + state.before[0], (state.asked + state.before[1]).max(1));
        let names = state.names.different();
        let (length, different) = (bytes / asked, 100 * names as u64 / asked);
        // beyond what is remembered, names cannot be told apart any more
        if names < p.names || length < p.length || different < p.different && names < MOST {
            return;
        }
        let figures = vec![
            ("source.ip".to_owned(), fact.key(1).to_owned()),
            ("domain".to_owned(), fact.key(2).to_owned()),
            ("different names".to_owned(), against(names, p.names)),
            ("mean length below the domain".to_owned(), against(length, p.length)),
            ("bytes in names".to_owned(), bytes.to_string()),
            ("window".to_owned(), format!("{}–{} s", p.window, 2 * p.window)),
        ];
        let about = vec![
            (EntityKind::Address, "source.ip", fact.key(1).to_owned()),
            (EntityKind::Domain, "dns.question.name", fact.key(2).to_owned()),
        ];
        out.push(Finding { name: "tunnel", period: nanos(PERIOD), since: fact.at, count: asked, figures, about, ..Finding::default() });
    }

    fn life(&self) -> i64 {
        nanos(self.0.tunnel.window).saturating_mul(3)
    }

    fn weight(&self, state: &Domain) -> usize {
        state.names.weight()
    }
}
