//! Passwords guessed, by protocol: refused logins where the sensor reads the answer, sessions begun where it is encrypted.

use std::sync::Arc;

use fansipan_model::{EntityKind, Value, fields};
use serde::{Deserialize, Serialize};

use super::{
    Fact, Finding, Losses, Sight, Watcher,
    generations::{Generations, number},
    groups::against,
    parameters::{Parameters, nanos},
};

/// What a fact says.
const REFUSED: i64 = 0;
const ACCEPTED: i64 = 1;
const SESSION: i64 = 2;
/// Different accounts and ports remembered of a group.
const MOST: usize = 1024;
/// One alert for so long.
const PERIOD: i64 = 3600;
/// Kerberos says so to everybody who begins: a password is wanted, the clock is wrong.
const ORDINARY: [&str; 3] = ["25", "37", "52"];

pub(super) struct Logins(pub(super) Arc<Parameters>);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Pair {
    /// Refused; the values are accounts.
    refused: Generations,
    sessions: Generations,
    /// When many accounts were last found tried.
    spray: Option<i64>,
}

impl Logins {
    fn enough(&self, protocol: &str) -> u64 {
        let failures = &self.0.logins.failures;
        failures.get(protocol).or_else(|| failures.get("other")).copied().unwrap_or(u64::MAX)
    }
}

impl Watcher for Logins {
    const NAME: &'static str = "logins";
    const FINDINGS: &'static [&'static str] = &["logins", "logins_spray", "logins_guessed"];
    type State = Pair;

    fn look(&self, sight: &Sight<'_>, out: &mut Vec<Fact>) {
        let authentication = sight.event.values(fields::EVENT_CATEGORY).any(|v| v == Value::Str("authentication"));
        let what = if self.0.logins.sessions.contains_key(sight.dataset) {
            SESSION
        } else if !authentication {
            return;
        } else {
            match sight.event.str(fields::EVENT_OUTCOME) {
                Some("failure") if !ORDINARY.contains(&sight.text(fields::ERROR_CODE).as_str()) || sight.dataset != "kerberos" => REFUSED,
                Some("success") => ACCEPTED,
                _ => return,
            }
        };
        let (source, destination) = (sight.source.to_string(), sight.destination.to_string());
        let words = vec![sight.text(fields::USER_NAME), sight.destination_port.to_string()];
        out.push(sight.fact(Self::NAME, &[sight.dataset, &source, &destination], words, vec![what]));
    }

    fn take(&self, state: &mut Pair, fact: &Fact, out: &mut Vec<Finding>, losses: &mut Losses) {
        let p = &self.0.logins;
        let (window, protocol) = (nanos(p.window), fact.key(1));
        let enough = self.enough(protocol);
        let value = number(&[fact.word(0)]);
        match fact.number(0) {
            REFUSED => losses.cut += u64::from(!state.refused.see(fact.at, window, value, MOST)),
            SESSION => losses.cut += u64::from(!state.sessions.see(fact.at, window, value, MOST)),
            _ if state.refused.is_over(fact.at, window) => return,
            _ => {}
        }
        let (refused, accounts) = (state.refused.events(), state.refused.different());
        let within = ("window".to_owned(), format!("{}–{} s", p.window, 2 * p.window));
        let (name, count, figure) = match fact.number(0) {
            ACCEPTED if refused >= enough => ("logins_guessed", refused + 1, ("refused before", against(refused, enough))),
            REFUSED if accounts >= p.accounts && refused <= 3 * accounts as u64 => {
                state.spray = Some(fact.at);
                ("logins_spray", refused, ("different user.name", against(accounts, p.accounts)))
            }
            REFUSED if refused >= enough && state.spray.is_none_or(|at| fact.at.saturating_sub(at) > nanos(PERIOD)) => {
                ("logins", refused, ("refused", against(refused, enough)))
            }
            SESSION => {
                let enough = p.sessions.get(protocol).copied().unwrap_or(u64::MAX);
                let begun = state.sessions.events();
                if begun < enough {
                    return;
                }
                ("logins", begun, ("sessions begun", against(begun, enough)))
            }
            _ => return,
        };
        let mut figures = vec![
            ("network.protocol".to_owned(), protocol.to_owned()),
            ("source.ip".to_owned(), fact.key(2).to_owned()),
            ("destination.ip".to_owned(), fact.key(3).to_owned()),
            (figure.0.to_owned(), figure.1),
        ];
        if name != "logins_spray" && refused > 0 {
            figures.push(("different user.name".to_owned(), accounts.to_string()));
        }
        figures.push(within);
        let about = vec![
            (EntityKind::Address, "source.ip", fact.key(2).to_owned()),
            (EntityKind::Address, "destination.ip", fact.key(3).to_owned()),
            (EntityKind::User, "user.name", fact.word(0).to_owned()),
        ];
        out.push(Finding { name, period: nanos(PERIOD), since: fact.at, count, figures, about, ..Finding::default() });
    }

    fn life(&self) -> i64 {
        nanos(self.0.logins.window).saturating_mul(3)
    }

    fn weight(&self, state: &Pair) -> usize {
        state.refused.weight() + state.sessions.weight()
    }
}
