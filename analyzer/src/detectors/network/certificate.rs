//! Certificates that are not valid now, signed by themselves, or odd.

use std::sync::Arc;

use fansipan_model::{EntityKind, Value, fields, time};
use serde::{Deserialize, Serialize};

use super::{
    Fact, Finding, Losses, Sight, Watcher,
    parameters::{Certificate as Limits, Parameters, nanos},
    sight::moment,
};

const DAY: i64 = 86_400;

pub(super) struct Certificate(pub(super) Arc<Parameters>);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    count: u64,
}

/// What is wrong, the gravest first: which finding, and why.
fn problems(sight: &Sight<'_>, p: &Limits) -> Vec<(&'static str, String)> {
    let (event, at) = (sight.event, sight.event.timestamp());
    let when = |field| event.get(field).and_then(moment);
    let (before, after) = (when(fields::TLS_SERVER_NOT_BEFORE), when(fields::TLS_SERVER_NOT_AFTER));
    let mut all = Vec::new();
    if after.is_some_and(|t| t < at) {
        all.push(("certificate_expired", format!("expired on {}", day(after))));
    }
    if before.is_some_and(|t| t > at) {
        all.push(("certificate_expired", format!("valid only from {}", day(before))));
    }
    let own = event.get_by_name("tls.server.self_signed") == Some(Value::Bool(true));
    if own && !sight.destination_inside {
        all.push(("certificate_self_signed", "signed by itself".to_owned()));
    }
    let years = after.zip(before).map_or(0, |(a, b)| a.saturating_sub(b) / nanos(365 * DAY));
    // within the network, devices sign for themselves and for decades
    if years > p.years && !(own && sight.destination_inside) {
        all.push(("certificate_odd", format!("valid for {years} years (> {})", p.years)));
    }
    let algorithm = sight.named_text("tls.server.x509.public_key_algorithm").unwrap_or_default().to_lowercase();
    let bits = sight.named("tls.server.x509.public_key_size") as i64;
    if algorithm.contains("rsa") && bits > 0 && bits < p.bits {
        all.push(("certificate_odd", format!("RSA key of {bits} bits (< {})", p.bits)));
    }
    let signature = sight.named_text("tls.server.x509.signature_algorithm").unwrap_or_default().to_lowercase();
    if p.weak.iter().any(|w| signature.contains(w.as_str())) && !own {
        all.push(("certificate_odd", format!("signed with {signature}")));
    }
    let named = !sight.text(fields::TLS_SERVER_X509_SUBJECT_COMMON_NAME).is_empty()
        || event.get(fields::TLS_SERVER_X509_ALTERNATIVE_NAMES).is_some();
    if !named {
        all.push(("certificate_odd", "names nobody".to_owned()));
    }
    all
}

fn day(at: Option<i64>) -> String {
    time::to_rfc3339(at.unwrap_or_default()).chars().take(10).collect()
}

impl Watcher for Certificate {
    const NAME: &'static str = "certificate";
    const FINDINGS: &'static [&'static str] = &["certificate_expired", "certificate_self_signed", "certificate_odd"];
    type State = Seen;

    fn look(&self, sight: &Sight<'_>, out: &mut Vec<Fact>) {
        let hash = sight.text(fields::TLS_SERVER_HASH_SHA256);
        if sight.dataset != "tls" || hash.is_empty() {
            return;
        }
        let found = problems(sight, &self.0.certificate);
        let Some((gravest, _)) = found.first() else { return };
        let all: Vec<&str> = found.iter().map(|(_, why)| why.as_str()).collect();
        let place = Self::FINDINGS.iter().position(|f| f == gravest).unwrap_or_default();
        let words = vec![
            all.join("; "),
            sight.text(fields::TLS_SERVER_SUBJECT),
            sight.text(fields::TLS_SERVER_ISSUER),
            sight.text(fields::TLS_CLIENT_SERVER_NAME),
            sight.source.to_string(),
        ];
        let (address, port) = (sight.destination.to_string(), sight.destination_port.to_string());
        out.push(sight.fact(Self::NAME, &[&address, &port, &hash], words, vec![place as i64]));
    }

    fn take(&self, state: &mut Seen, fact: &Fact, out: &mut Vec<Finding>, _losses: &mut Losses) {
        state.count += 1;
        let Some(name) = usize::try_from(fact.number(0)).ok().and_then(|place| Self::FINDINGS.get(place)) else { return };
        let figures = vec![
            ("server".to_owned(), format!("{}:{}", fact.key(1), fact.key(2))),
            ("problems".to_owned(), fact.word(0).to_owned()),
            ("tls.server.subject".to_owned(), fact.word(1).to_owned()),
            ("tls.server.issuer".to_owned(), fact.word(2).to_owned()),
            ("tls.server.hash.sha256".to_owned(), fact.key(3).to_owned()),
        ];
        let about = vec![
            (EntityKind::Address, "destination.ip", fact.key(1).to_owned()),
            (EntityKind::Address, "source.ip", fact.word(4).to_owned()),
            (EntityKind::Domain, "tls.client.server_name", fact.word(3).to_owned()),
        ];
        let period = nanos(self.0.certificate.days.saturating_mul(DAY));
        out.push(Finding { name, period, since: fact.at, count: state.count, figures, about, ..Finding::default() });
    }

    fn life(&self) -> i64 {
        nanos(self.0.certificate.days.saturating_mul(2 * DAY))
    }

    fn weight(&self, _state: &Seen) -> usize {
        0
    }
}
