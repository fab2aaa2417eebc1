//! Alerts by a part of their texts. What an alert says itself stands in an index of all parts of three letters, or is looked through
//! in the order of alerts; what its rule says is kept once per rule.

use std::collections::BTreeMap;

use fansipan_model::{Alert, RuleRef, text::fold};
use rusqlite::{Transaction, params};

use super::Conditions;
use crate::{
    error::{Result, StoreError},
    state::AlertFilter,
};

/// What more alerts than this hold is common: a page of it is full soon when they are looked through in their order.
const FEW: i64 = 20_000;
/// Letters of the shortest text that the index knows.
const LEAST: usize = 3;

/// How the text of a filter is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// No text is asked for.
    Nothing,
    /// Through `alert_texts`.
    Index(String),
    /// By a look at each alert.
    Look(String),
}

/// Rules that say it.
const OF_RULES: &str = "SELECT rule_id FROM rule_texts WHERE instr(text, ?) > 0";

impl By {
    /// The way that reads least when all alerts are wanted, to change them.
    pub(super) fn all(filter: &AlertFilter) -> By {
        match By::look(filter) {
            // an expression of the index ends at a zero byte
            By::Look(text) if text.chars().count() >= LEAST && !text.contains('\0') => By::Index(text),
            other => other,
        }
    }

    /// The way that reads least when the first of an order are wanted, or are counted up to a bound.
    pub(super) fn first(t: &Transaction<'_>, filter: &AlertFilter) -> Result<By> {
        let by = By::all(filter);
        let By::Index(text) = &by else { return Ok(by) };
        let at_most = FEW + 1;
        let themselves = format!("SELECT count(*) FROM (SELECT 1 FROM alert_texts WHERE alert_texts MATCH ? LIMIT {at_most})");
        let by_rules =
            format!("SELECT count(*) FROM (SELECT 1 FROM alerts INDEXED BY alerts_rule WHERE rule_id IN ({OF_RULES}) LIMIT {at_most})");
        for (sql, argument) in [(&themselves, &expression(text)), (&by_rules, text)] {
            let found: i64 = t
                .prepare_cached(sql)
                .and_then(|mut s| s.query_row([argument], |row| row.get(0)))
                .map_err(StoreError::state("looking for alerts"))?;
            if found > FEW {
                return Ok(By::look(filter));
            }
        }
        Ok(by)
    }

    /// A look at each.
    pub(super) fn look(filter: &AlertFilter) -> By {
        match filter.text.as_deref().filter(|t| !t.is_empty()) {
            Some(text) => By::Look(fold(text).into_owned()),
            None => By::Nothing,
        }
    }

    /// The tables to begin with, where `alerts` alone would be read in this way.
    pub(super) fn tables(&self, alerts: &str) -> String {
        match self {
            By::Nothing => alerts.to_owned(),
            By::Index(_) => "alerts NOT INDEXED".to_owned(), // by their numbers
            By::Look(_) => format!("{alerts} CROSS JOIN alert_bodies USING (n)"),
        }
    }

    /// As [`By::tables`], with the bodies of the alerts.
    pub(super) fn with_bodies(&self, alerts: &str) -> String {
        match self {
            By::Look(_) => self.tables(alerts),
            _ => format!("{} CROSS JOIN alert_bodies USING (n)", self.tables(alerts)),
        }
    }

    /// The condition, over [`By::tables`].
    pub(super) fn condition(&self, c: &mut Conditions) {
        match self {
            By::Nothing => {}
            By::Index(text) => {
                c.sql.push(format!(
                    "alerts.n IN (SELECT rowid FROM alert_texts WHERE alert_texts MATCH ?
                                  UNION ALL SELECT n FROM alerts INDEXED BY alerts_rule WHERE rule_id IN ({OF_RULES}))"
                ));
                c.args.extend([expression(text).into(), text.clone().into()]);
            }
            By::Look(text) => {
                c.sql.push(format!("(rule_id IN ({OF_RULES}) OR instr(search, ?) > 0)"));
                c.args.extend([text.clone().into(), text.clone().into()]);
            }
        }
    }
}

/// A part of a text, in the words of the index.
fn expression(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// What an alert says itself, to be searched.
pub(super) fn own_texts(alert: &Alert) -> String {
    folded(std::iter::once(alert.summary.as_str()).chain(alert.entities.iter().map(|e| e.value.as_str())))
}

/// Each text on a line of its own; one that stands within those before it adds nothing that can be found.
fn folded<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let mut all = String::new();
    for text in texts {
        let text = fold(text);
        if !all.contains(&*text) {
            all.push_str(&text);
            all.push('\n');
        }
    }
    all
}

/// Changes of what is searched, written one after the other: wherever another statement that may fail halfway follows a change,
/// SQLite has the index write what it holds as a part of its own, and parts must be merged.
#[derive(Default)]
pub(super) struct Texts {
    alerts: BTreeMap<i64, Change>,
    /// By id and hash.
    rules: BTreeMap<(String, String), String>,
}

struct Change {
    /// What the index has of the alert.
    known: Option<String>,
    now: String,
}

impl Texts {
    /// An alert that was not there.
    pub(super) fn add(&mut self, n: i64, text: String, rule: &RuleRef) {
        self.alerts.insert(n, Change { known: None, now: text });
        self.rule(rule);
    }

    /// An alert with other texts than before.
    pub(super) fn change(&mut self, n: i64, before: String, now: String, rule: &RuleRef) {
        if before != now {
            self.alerts.entry(n).or_insert_with(|| Change { known: Some(before), now: String::new() }).now = now;
            self.rule(rule);
        }
    }

    fn rule(&mut self, rule: &RuleRef) {
        let name = (rule.id.clone(), rule.hash.clone());
        self.rules.entry(name).or_insert_with(|| {
            let titles = [rule.title.as_str(), rule.title_vi.as_deref().unwrap_or(""), &rule.id];
            folded(titles.into_iter().chain(rule.tags.iter().map(String::as_str)))
        });
    }

    /// Brings what is searched up to date.
    pub(super) fn write(self, t: &Transaction<'_>) -> Result<()> {
        let mut rule = t.prepare_cached("INSERT OR IGNORE INTO rule_texts (rule_id, text) VALUES (?1, ?2)").map_err(failed)?;
        for ((id, _), text) in self.rules {
            rule.execute(params![id, text]).map_err(failed)?;
        }
        let mut forget =
            t.prepare_cached("INSERT INTO alert_texts (alert_texts, rowid, text) VALUES ('delete', ?1, ?2)").map_err(failed)?;
        let mut learn = t.prepare_cached("INSERT INTO alert_texts (rowid, text) VALUES (?1, ?2)").map_err(failed)?;
        for (n, Change { known, now }) in self.alerts {
            if let Some(known) = known {
                forget.execute(params![n, known]).map_err(failed)?;
            }
            learn.execute(params![n, now]).map_err(failed)?;
        }
        Ok(())
    }
}

fn failed(error: rusqlite::Error) -> StoreError {
    StoreError::state("keeping the texts of alerts")(error)
}

#[cfg(test)]
mod tests {
    use fansipan_model::{Level, RuleRef, Scope};
    use proptest::prelude::*;

    use super::{By, Texts};
    use crate::{
        sqlite::{SqliteState, list},
        state::AlertFilter,
    };

    fn rule(title: &str) -> RuleRef {
        RuleRef {
            id: title.to_owned(),
            title: title.to_owned(),
            title_vi: None,
            level: Level::Low,
            hash: String::new(),
            tags: Vec::new(),
            advice: None,
            advice_vi: None,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_index_finds_what_a_look_at_each_finds(
            texts in prop::collection::vec("[abé%_\"'*:^ -]{0,9}", 1..20),
            rules in prop::collection::vec("[abé%_\"'*:^ -]{0,9}", 1..4),
            wanted in prop::collection::vec("[abé%_\"'*:^ -]{3,5}", 40),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let store = SqliteState::open(folder.path().join("state.db")).unwrap();
            store
                .change("filling", |t| {
                    let mut index = Texts::default();
                    for n in 1..=texts.len() as i64 {
                        let alert = "INSERT INTO alerts VALUES (?1, ?2, 'a', ?3, 1, 0, NULL, ?1, 0, 0, 1, 0, 0, NULL, NULL, 1, NULL)";
                        t.execute(alert, (n, n.to_be_bytes(), rules[n as usize % rules.len()].as_str())).unwrap();
                        t.execute("INSERT INTO alert_bodies VALUES (?1, '', '', '', '', '', '', ?2)", (n, "before")).unwrap();
                        index.add(n, "before".to_owned(), &rule(&rules[n as usize % rules.len()]));
                    }
                    index.write(t)
                })
                .unwrap();
            store
                .change("changing", |t| {
                    let mut index = Texts::default();
                    for (n, text) in (1i64..).zip(&texts) {
                        let rule = rule(&rules[n as usize % rules.len()]);
                        index.change(n, "before".to_owned(), "between".to_owned(), &rule);
                        index.change(n, "between".to_owned(), text.clone(), &rule);
                        t.execute("UPDATE alert_bodies SET search = ?2 WHERE n = ?1", (n, text)).unwrap();
                    }
                    index.write(t)
                })
                .unwrap();
            store
                .look("finding", |t| {
                    for text in wanted.iter().chain(&texts).chain(&rules) {
                        let filter = AlertFilter { text: Some(text.clone()), ..AlertFilter::default() };
                        let found = [By::all(&filter), By::look(&filter)].map(|by| {
                            let c = list::conditions(&Scope::All, &filter, &by);
                            let sql = format!("SELECT alerts.n FROM {}{} ORDER BY alerts.n", by.tables("alerts"), c.text());
                            let mut statement = t.prepare(&sql).unwrap();
                            let rows = statement.query_map(c.args(), |row| row.get::<_, i64>(0)).unwrap();
                            rows.collect::<Result<Vec<_>, _>>().unwrap()
                        });
                        assert_eq!(found[0], found[1], "{text:?} in {texts:?}");
                    }
                    Ok(())
                })
                .unwrap();
        }
    }
}
