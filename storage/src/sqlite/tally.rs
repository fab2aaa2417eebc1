//! Counts that are kept beside the alerts: how many stand where, and what people judged the alerts of each rule to be.
//!
//! Every change of an alert's status, and of whether it is superseded or held back, passes here; a test compares with counting anew.

use std::collections::BTreeMap;

use fansipan_model::AlertId;
use rusqlite::{Row, Transaction, params};

use crate::error::{Result, StoreError};

const WHAT: &str = "counting alerts";

/// Where an alert stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) agency: String,
    pub(super) rule: String,
    pub(super) level: i64,
    pub(super) status: i64,
    /// Superseded or held back: counted nowhere.
    pub(super) left_out: bool,
}

impl Place {
    /// What [`Place::read`] reads.
    pub(super) const COLUMNS: &str = "agency, rule_id, level, status, (superseded IS NOT NULL OR suppressed IS NOT NULL)";

    /// Reads [`Place::COLUMNS`] from a column on.
    pub(super) fn read(row: &Row<'_>, from: usize) -> rusqlite::Result<Place> {
        Ok(Place {
            agency: row.get(from)?,
            rule: row.get(from + 1)?,
            level: row.get(from + 2)?,
            status: row.get(from + 3)?,
            left_out: row.get(from + 4)?,
        })
    }

    /// Of an alert that exists.
    pub(super) fn of(t: &Transaction<'_>, id: AlertId) -> Result<Place> {
        t.prepare_cached(&format!("SELECT {} FROM alerts WHERE id = ?1", Place::COLUMNS))
            .and_then(|mut s| s.query_row([id.0], |row| Place::read(row, 0)))
            .map_err(StoreError::state(WHAT))
    }
}

/// An alert left one place for another; `None`: it is counted there no more, or was not before.
pub(super) fn moved(t: &Transaction<'_>, from: Option<&Place>, to: Option<&Place>) -> Result<()> {
    let mut sums = Sums::default();
    from.into_iter().for_each(|place| sums.add(place, -1));
    to.into_iter().for_each(|place| sums.add(place, 1));
    sums.write(t)
}

/// Changes of many alerts, written at once.
#[derive(Default)]
pub(super) struct Sums {
    places: BTreeMap<(String, i64, i64), i64>,
    verdicts: BTreeMap<(String, i64), i64>,
}

impl Sums {
    /// So many more alerts in a place.
    pub(super) fn add(&mut self, place: &Place, by: i64) {
        self.add_parts(&place.agency, &place.rule, (place.level, place.status), by);
    }

    /// As [`Sums::add`], without a [`Place`] to build; `stand`: level and status.
    pub(super) fn add_parts(&mut self, agency: &str, rule: &str, stand: (i64, i64), by: i64) {
        let (level, status) = stand;
        *self.places.entry((agency.to_owned(), level, status)).or_default() += by;
        if status > 1 {
            *self.verdicts.entry((rule.to_owned(), status)).or_default() += by;
        }
    }

    /// Adds them to what is kept.
    pub(super) fn write(&self, t: &Transaction<'_>) -> Result<()> {
        for ((agency, level, status), by) in self.places.iter().filter(|(_, by)| **by != 0) {
            t.prepare_cached(
                "INSERT INTO alert_tallies (agency, level, status, alerts) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET alerts = alerts + excluded.alerts",
            )
            .and_then(|mut s| s.execute(params![agency, level, status, by]))
            .map_err(StoreError::state(WHAT))?;
        }
        for ((rule, status), by) in self.verdicts.iter().filter(|(_, by)| **by != 0) {
            t.prepare_cached(
                "INSERT INTO rule_verdicts (rule, status, alerts) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET alerts = alerts + excluded.alerts",
            )
            .and_then(|mut s| s.execute(params![rule, status, by]))
            .map_err(StoreError::state(WHAT))?;
        }
        Ok(())
    }
}
