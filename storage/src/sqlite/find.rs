//! Alerts by a part of their texts: from an index of all parts of three letters, or by looking through them in their order.

use std::collections::BTreeMap;

use fansipan_model::text::fold;
use rusqlite::{Transaction, params};

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
    /// Through `alert_texts`, by this expression.
    Index(String),
    /// By a look at this part in `alert_bodies`.
    Look(String),
}

impl By {
    /// The way that reads least when all alerts are wanted, to count or to change them.
    pub(super) fn all(filter: &AlertFilter) -> By {
        let Some(text) = filter.text.as_deref().filter(|t| !t.is_empty()).map(fold) else { return By::Nothing };
        // an expression ends at a zero byte
        if text.chars().count() < LEAST || text.contains('\0') {
            return By::Look(text.into_owned());
        }
        By::Index(format!("\"{}\"", text.replace('"', "\"\"")))
    }

    /// The way that reads least when the first of an order are wanted.
    pub(super) fn first(t: &Transaction<'_>, filter: &AlertFilter) -> Result<By> {
        let by = By::all(filter);
        let By::Index(expression) = &by else { return Ok(by) };
        let found: i64 = t
            .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM alert_texts WHERE alert_texts MATCH ?1 LIMIT ?2)")
            .and_then(|mut s| s.query_row((expression, FEW + 1), |row| row.get(0)))
            .map_err(StoreError::state("looking for alerts"))?;
        Ok(if found > FEW { By::look(filter) } else { by })
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
            By::Index(_) => "alert_texts CROSS JOIN alerts ON alerts.n = alert_texts.rowid".to_owned(),
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
}

/// Changes of `alert_texts`, written one after the other: wherever another statement that may fail halfway follows a change, SQLite
/// has the index write what it holds as a part of its own, and parts must be merged.
#[derive(Default)]
pub(super) struct Texts(BTreeMap<i64, Change>);

struct Change {
    /// What the index has of the alert.
    known: Option<String>,
    now: String,
}

impl Texts {
    /// An alert that was not there.
    pub(super) fn add(&mut self, n: i64, text: String) {
        self.0.insert(n, Change { known: None, now: text });
    }

    /// An alert with other texts than before.
    pub(super) fn change(&mut self, n: i64, before: String, now: String) {
        if before != now {
            self.0.entry(n).or_insert_with(|| Change { known: Some(before), now: String::new() }).now = now;
        }
    }

    /// Brings the index up to date.
    pub(super) fn write(self, t: &Transaction<'_>) -> Result<()> {
        let mut forget =
            t.prepare_cached("INSERT INTO alert_texts (alert_texts, rowid, text) VALUES ('delete', ?1, ?2)").map_err(failed)?;
        let mut learn = t.prepare_cached("INSERT INTO alert_texts (rowid, text) VALUES (?1, ?2)").map_err(failed)?;
        for (n, Change { known, now }) in self.0 {
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
    use fansipan_model::Scope;
    use proptest::prelude::*;

    use super::{By, Texts};
    use crate::{
        sqlite::{SqliteState, list},
        state::AlertFilter,
    };

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_index_finds_what_a_look_at_each_finds(
            texts in prop::collection::vec("[abé%_\"'*:^ -]{0,9}", 1..20),
            wanted in prop::collection::vec("[abé%_\"'*:^ -]{3,5}", 40),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let store = SqliteState::open(folder.path().join("state.db")).unwrap();
            store
                .change("filling", |t| {
                    let mut index = Texts::default();
                    for (n, text) in (1i64..).zip(&texts) {
                        let alert = "INSERT INTO alerts VALUES (?1, ?2, 'a', 'r', 1, 0, NULL, ?1, 0, 0, 1, 0, 0, NULL, NULL, 1, NULL)";
                        t.execute(alert, (n, n.to_be_bytes())).unwrap();
                        t.execute("INSERT INTO alert_bodies VALUES (?1, '', '', '', '', '', '', ?2)", (n, "before")).unwrap();
                        index.add(n, "before".to_owned());
                    }
                    index.write(t)
                })
                .unwrap();
            store
                .change("changing", |t| {
                    let mut index = Texts::default();
                    for (n, text) in (1i64..).zip(&texts) {
                        index.change(n, "before".to_owned(), "between".to_owned());
                        index.change(n, "between".to_owned(), text.clone());
                        t.execute("UPDATE alert_bodies SET search = ?2 WHERE n = ?1", (n, text)).unwrap();
                    }
                    index.write(t)
                })
                .unwrap();
            store
                .look("finding", |t| {
                    for text in wanted.iter().chain(&texts) {
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
