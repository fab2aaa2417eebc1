//! Log sources and field names as data: which events belong to a Sigma log source, and where its fields are in them.
//!
//! A table `[[source]]` names some of product, category, service. A rule takes the conditions of the tables that name
//! only what it names, and the most of it: a rule of windows/process_creation takes that table's condition and not
//! those of windows alone. Several equally specific tables must all agree. Fields are looked up from the most specific
//! table to the least; the first that knows the field decides.
//! A name in a rule's log source that no table covers must stand in the event as module, dataset, product or vendor.

use std::collections::{BTreeMap, BTreeSet};

use fansipan_model::{FieldId, Op, Pattern, Predicate, Target, Test, fields};
use serde::Deserialize;
use smallvec::SmallVec;
use thiserror::Error;

use crate::ast::LogSource;

/// A field of a rule as event fields: the first that the event has.
pub type Candidates = SmallVec<[FieldId; 2]>;

/// The data of a taxonomy is unusable.
#[derive(Debug, Error)]
pub enum TaxonomyError {
    /// Not TOML of the expected shape.
    #[error("FSP-R080 taxonomy {name} cannot be read: {reason}; correct the file or remove it")]
    Syntax {
        /// Which file.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A table refers to a field map that no file defines.
    #[error("FSP-R081 taxonomy: a source uses the field map `{0}`, which no file defines; define `[fields.{0}]`")]
    UnknownMap(String),
    /// Too many field names in use.
    #[error("FSP-R071 taxonomy: more than 60,000 field names are in use; remove field maps")]
    TooManyFields,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    source: Vec<SourceTable>,
    #[serde(default)]
    fields: BTreeMap<String, BTreeMap<String, OneOrMany>>,
    #[serde(default)]
    placeholders: BTreeMap<String, OneOrMany>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceTable {
    product: Option<String>,
    category: Option<String>,
    service: Option<String>,
    /// Any of these; absent: every event.
    #[serde(default)]
    when: Vec<Conjunction>,
    /// Names of field maps, most specific first.
    #[serde(default)]
    fields: Vec<String>,
}

/// All of these fields hold one of these values; none of `not` does.
#[derive(Deserialize)]
struct Conjunction {
    #[serde(default)]
    not: BTreeMap<String, Wanted>,
    #[serde(flatten)]
    all: BTreeMap<String, Wanted>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Wanted {
    Exists(bool),
    Values(OneOrMany),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn into_vec(self) -> Vec<String> {
        match self {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        }
    }
}

/// One `[[source]]`.
#[derive(Debug)]
struct Source {
    names: LogSource,
    condition: Predicate,
    fields: Vec<String>,
}

/// Everything known about log sources. Immutable; cheap to share.
#[derive(Debug, Default)]
pub struct Taxonomy {
    sources: Vec<Source>,
    fields: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    placeholders: BTreeMap<String, Vec<String>>,
}

/// What a rule's log source means.
#[derive(Debug)]
pub struct Route<'t> {
    /// Holds for the events of the log source.
    pub condition: Predicate,
    /// Whether the taxonomy has a table for it.
    pub known: bool,
    maps: Vec<&'t BTreeMap<String, Vec<String>>>,
}

/// The key of a field map under which the form of unlisted fields stands; `{}` is the field's name.
const DEFAULT: &str = "*";

impl Taxonomy {
    /// The taxonomy shipped with the product.
    pub fn builtin() -> Result<Self, TaxonomyError> {
        Self::parse(&[
            ("windows", include_str!("../taxonomy/windows.toml")),
            ("unix", include_str!("../taxonomy/unix.toml")),
            ("network", include_str!("../taxonomy/network.toml")),
            ("web", include_str!("../taxonomy/web.toml")),
            ("cloud", include_str!("../taxonomy/cloud.toml")),
        ])
    }

    /// Reads taxonomy files, given as name and text. Later files add to earlier ones; a field map that stands in several
    /// files has the entries of all, the last deciding.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, TaxonomyError> {
        let mut taxonomy = Taxonomy::default();
        for (name, text) in files {
            let file: File = toml::from_str(text).map_err(|e| TaxonomyError::Syntax { name: (*name).to_owned(), reason: e.to_string() })?;
            taxonomy.add(file)?;
        }
        for source in &taxonomy.sources {
            if let Some(missing) = source.fields.iter().find(|f| !taxonomy.fields.contains_key(*f)) {
                return Err(TaxonomyError::UnknownMap(missing.clone()));
            }
        }
        Ok(taxonomy)
    }

    fn add(&mut self, file: File) -> Result<(), TaxonomyError> {
        for table in file.source {
            let condition = condition(table.when)?;
            let lower = |s: Option<String>| s.map(|s| s.to_lowercase());
            let names = LogSource { product: lower(table.product), category: lower(table.category), service: lower(table.service) };
            self.sources.push(Source { names, condition, fields: table.fields });
        }
        for (name, map) in file.fields {
            let known = self.fields.entry(name).or_default();
            known.extend(map.into_iter().map(|(field, to)| (field, to.into_vec())));
        }
        self.placeholders.extend(file.placeholders.into_iter().map(|(name, values)| (name, values.into_vec())));
        Ok(())
    }

    /// The values of a placeholder.
    pub fn placeholder(&self, name: &str) -> Option<&[String]> {
        self.placeholders.get(name).map(Vec::as_slice)
    }

    /// What a log source means. `None` if too many field names are in use.
    pub fn route(&self, source: &LogSource) -> Option<Route<'_>> {
        let mut covering: Vec<&Source> = self.sources.iter().filter(|s| covers(&s.names, source)).collect();
        covering.sort_by_key(|s| std::cmp::Reverse(names(&s.names).count()));
        let widest: Vec<&&Source> =
            covering.iter().filter(|s| !covering.iter().any(|t| t.names != s.names && covers(&s.names, &t.names))).collect();
        let mut conditions: Vec<Predicate> = widest.iter().map(|s| s.condition.clone()).filter(|c| *c != Predicate::True).collect();
        let named: BTreeSet<(u8, &str)> = widest.iter().flat_map(|s| names(&s.names)).collect();
        let mut known = true;
        for (kind, name) in names(source) {
            if !named.contains(&(kind, name)) {
                known = false;
                conditions.push(bears_name(name)?);
            }
        }
        let condition = match conditions.len() {
            0 => Predicate::True,
            1 => conditions.remove(0),
            _ => Predicate::And(conditions),
        };
        let maps = covering.iter().flat_map(|s| &s.fields).filter_map(|name| self.fields.get(name)).collect();
        Some(Route { condition, known, maps })
    }
}

impl Route<'_> {
    /// Where a Sigma field is. `None` if too many field names are in use.
    pub fn candidates(&self, field: &str) -> Option<Candidates> {
        if let Some(names) = self.maps.iter().find_map(|m| m.get(field)) {
            return names.iter().map(|n| FieldId::intern(n)).collect();
        }
        if let Some(forms) = self.maps.iter().find_map(|m| m.get(DEFAULT)) {
            return forms.iter().map(|form| FieldId::intern(&form.replace("{}", field))).collect();
        }
        Some(SmallVec::from_slice(&[FieldId::intern(field)?]))
    }
}

fn names(source: &LogSource) -> impl Iterator<Item = (u8, &str)> {
    [&source.product, &source.category, &source.service].into_iter().zip(0u8..).filter_map(|(n, i)| n.as_deref().map(|n| (i, n)))
}

/// Whether everything `table` names is what `source` names.
fn covers(table: &LogSource, source: &LogSource) -> bool {
    let same = |a: &Option<String>, b: &Option<String>| a.is_none() || a == b;
    same(&table.product, &source.product) && same(&table.category, &source.category) && same(&table.service, &source.service)
}

/// The event names this product, category or service of itself.
fn bears_name(name: &str) -> Option<Predicate> {
    let like = |field: FieldId, pattern: &str| Predicate::test(field, Op::Like(Pattern::parse(pattern, false)));
    let name = name.replace(['*', '?', '\\'], "?");
    let mut any: Vec<Predicate> = [
        fields::EVENT_MODULE,
        fields::EVENT_DATASET,
        fields::EVENT_PROVIDER,
        fields::OBSERVER_PRODUCT,
        fields::OBSERVER_VENDOR,
        fields::LOG_SYSLOG_APPNAME,
    ]
    .into_iter()
    .map(|f| like(f, &name))
    .collect();
    any.push(like(fields::EVENT_DATASET, &format!("{name}.*")));
    any.push(like(fields::EVENT_DATASET, &format!("*.{name}")));
    Some(Predicate::Or(any))
}

fn condition(when: Vec<Conjunction>) -> Result<Predicate, TaxonomyError> {
    if when.is_empty() {
        return Ok(Predicate::True);
    }
    let mut any = Vec::with_capacity(when.len());
    for conjunction in when {
        let mut all = Vec::new();
        for (field, wanted) in conjunction.all {
            all.push(wanted_in(&field, wanted)?);
        }
        for (field, wanted) in conjunction.not {
            all.push(Predicate::Not(Box::new(wanted_in(&field, wanted)?)));
        }
        any.push(if all.len() == 1 { all.remove(0) } else { Predicate::And(all) });
    }
    Ok(if any.len() == 1 { any.remove(0) } else { Predicate::Or(any) })
}

fn wanted_in(field: &str, wanted: Wanted) -> Result<Predicate, TaxonomyError> {
    let id = FieldId::intern(field).ok_or(TaxonomyError::TooManyFields)?;
    let test = |op| Predicate::Test(Test { target: Target::Field(SmallVec::from_slice(&[id])), op });
    Ok(match wanted {
        Wanted::Exists(true) => test(Op::Exists),
        Wanted::Exists(false) => test(Op::Absent),
        Wanted::Values(values) => {
            let mut any: Vec<Predicate> = values.into_vec().iter().map(|v| test(Op::Like(Pattern::parse(v, false)))).collect();
            if any.len() == 1 { any.remove(0) } else { Predicate::Or(any) }
        }
    })
}
