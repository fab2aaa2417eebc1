//! `fansipan rules explain`: why a rule did or did not match an event.

use std::{io::Read as _, path::Path};

use anyhow::{Context as _, Result};
use fansipan_model::{Event, Said, json, said};
use fansipan_rules::{Explanation, RuleIndex, RuleSet, Taxonomy};

use super::super::{client, evidence};
use crate::{Fault, Outcome, args::Cli, output};

pub(super) async fn explain(cli: &Cli, rule: &str, event: &str, record: u64) -> Result<Outcome> {
    let taxonomy = Taxonomy::builtin().context(Fault::BrokenSources)?;
    let set = named(cli, rule, &taxonomy)?;
    let event = find(cli, event, record).await?;
    let mut matched = true;
    for i in 0..set.len() as u32 {
        let Some(told) = set.explain(RuleIndex(i), &event, &taxonomy) else { continue };
        matched &= told.matched;
        if cli.json {
            output::json(&serde_json::to_value(&told)?)?;
        } else {
            tell(cli, super::title(cli, &set.rule(RuleIndex(i)).reference), &told)?;
        }
    }
    Ok(if matched { Outcome::Done } else { Outcome::Negative })
}

/// The rules of a file, or the shipped rule with this id.
fn named(cli: &Cli, rule: &str, taxonomy: &Taxonomy) -> Result<RuleSet> {
    if Path::new(rule).exists() {
        let loaded = super::load(cli, &[rule.into()], |_| true)?;
        super::report(cli, &loaded, fansipan_rules::Severity::Error);
        anyhow::ensure!(!loaded.set.is_empty(), Fault::NoRule { place: rule.to_owned() });
        return Ok(loaded.set);
    }
    let shipped = fansipan_rules::packs::SHIPPED.iter().flat_map(|(file, text)| fansipan_rules::parse(text, file).0);
    let rules: Vec<_> = shipped.filter(|r| r.meta.id == rule).collect();
    anyhow::ensure!(!rules.is_empty(), Fault::UnknownRule { rule: rule.to_owned() });
    Ok(RuleSet::compile(rules, taxonomy).0)
}

/// The event: a record of a file or of standard input, or one that the appliance has stored.
async fn find(cli: &Cli, event: &str, record: u64) -> Result<Event> {
    if event != "-" && !Path::new(event).exists() {
        let stored = client(cli)?.get(&format!("/events/{}", output::escape(event)), &[]).await?;
        return json::read(&stored.to_string()).context(Fault::StoredEvent);
    }
    let copy;
    let path = if event == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context(Fault::ReadingStopped)?;
        copy = tempfile::NamedTempFile::new().context(Fault::NoTemporary)?;
        std::fs::write(copy.path(), bytes).context(Fault::NoTemporary)?;
        copy.path()
    } else {
        Path::new(event)
    };
    let (mut found, mut place) = (None, 0);
    evidence::each_event(path, &evidence::normalizer()?, |_, event| {
        place += 1;
        if place == record {
            found = Some(event.clone());
        }
        Ok(())
    })?;
    found.with_context(|| Fault::NoRecord { place: event.to_owned(), records: place, record })
}

fn tell(cli: &Cli, title: &str, told: &Explanation) -> std::io::Result<()> {
    let yes = |holds: bool| if holds { said!("yes", "có   ") } else { said!("no ", "không") };
    output::line(&output::harmless(&format!("{title} ({})", told.rule)))?;
    let (matched, source) = (yes(told.matched), yes(told.source));
    output::say(cli, &said!("  {matched} matches", "  {matched:#} khớp"))?;
    output::say(cli, &said!("  {source} event of its log source", "  {source:#} thuộc nguồn log của luật"))?;
    for selection in &told.selections {
        let (holds, name) = (yes(selection.holds), &selection.name);
        let wanted = if selection.wanted { Said::default() } else { said!(" (must not hold)", " (phải không đúng)") };
        output::say(cli, &said!("  {holds} {name}{wanted}", "  {holds:#} {name}{wanted:#}"))?;
        for test in &selection.tests {
            let place = match (&test.field, test.fields.is_empty()) {
                (Some(field), _) => Said::same(field),
                (None, true) => said!("any field", "trường bất kỳ"),
                (None, false) => {
                    let (either, either_vi) = (test.fields.join(" or "), test.fields.join(" hoặc "));
                    said!("{either} (absent)", "{either_vi} (không có)")
                }
            };
            let values = if test.values.is_empty() { String::new() } else { format!(": {}", test.values.join(", ")) };
            let (holds, asked, asked_vi) = (yes(test.holds), &test.test, &test.test_vi);
            output::say(cli, &said!("      {holds} {place} {asked}{values}", "      {holds:#} {place:#} {asked_vi}{values}"))?;
        }
    }
    Ok(())
}
