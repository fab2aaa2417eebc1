//! `formats/windows/map.toml`, compiled: which `EventData` item of which event means which ECS field.
//!
//! The file is data of the product; reading it is the only thing that can fail here, and a test reads it.

use std::{collections::BTreeMap, sync::LazyLock};

use fansipan_model::{FieldId, field::FieldType, fields};
use hashbrown::HashMap;
use serde::Deserialize;
use thiserror::Error;

/// The mapping is not usable: a fault of the build, never of a record.
#[derive(Clone, Debug, Error)]
#[error("windows/map.toml: {0}")]
pub struct MapError(String);

static MAP: LazyLock<Result<Map, MapError>> = LazyLock::new(|| Map::parse(include_str!("../../../formats/windows/map.toml")));

/// The shipped mapping.
pub(super) fn shipped() -> Result<&'static Map, MapError> {
    MAP.as_ref().map_err(Clone::clone)
}

/// Number of a known item name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NameIndex(u16);

/// An item name that the registry or the mapping knows.
#[derive(Debug)]
pub(super) struct Known {
    /// As in the event.
    pub(super) bare: &'static str,
    /// `winlog.event_data.<bare>`.
    pub(super) field: FieldId,
}

/// How a value becomes ECS fields.
#[derive(Clone, Debug)]
pub(super) enum Turn {
    /// The value under this field, in the field's type.
    Plain(FieldId),
    /// `{0x…}` in one notation: lower case, in braces.
    Guid(FieldId),
    /// A path of a program: its path and file name.
    Program { executable: FieldId, name: FieldId },
    /// `DOMAIN\user`.
    Account { name: FieldId, domain: FieldId },
    /// A path of a file.
    File,
    /// A path of a library.
    Library,
    /// `HKLM\…\value`: the last part is a value.
    RegistryValue,
    /// `HKLM\…`: all of it is a key.
    RegistryKey,
    /// `SHA1=…,MD5=…`.
    Hashes(Hashes),
    /// Every address of a list (`QueryResults` of Sysmon).
    Addresses(FieldId),
    /// The word for a number, from `[table.…]`.
    Table(FieldId, usize),
}

/// Where the kinds of hash go.
#[derive(Clone, Debug)]
pub(super) struct Hashes {
    pub(super) md5: FieldId,
    pub(super) sha1: FieldId,
    pub(super) sha256: FieldId,
    pub(super) imphash: FieldId,
}

/// What is said of one event id of one provider.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) dataset: Option<Box<str>>,
    pub(super) action: Option<Box<str>>,
    pub(super) category: Vec<Box<str>>,
    pub(super) kinds: Vec<Box<str>>,
    pub(super) outcome: Option<Box<str>>,
    /// By name index: 1 + place in `turns`; 0 for none.
    slots: Box<[u8]>,
    turns: Vec<Vec<Turn>>,
}

impl Plan {
    /// What an item gives besides itself.
    pub(super) fn turns(&self, name: NameIndex) -> &[Turn] {
        let slot = self.slots.get(usize::from(name.0)).copied().unwrap_or(0);
        usize::from(slot).checked_sub(1).and_then(|i| self.turns.get(i)).map_or(&[], Vec::as_slice)
    }
}

#[derive(Debug, Default)]
struct Provider {
    /// For event ids that nothing is said of.
    other: Plan,
    by_code: HashMap<u32, Plan, foldhash::fast::RandomState>,
}

/// The compiled mapping.
#[derive(Debug, Default)]
pub(super) struct Map {
    names: HashMap<&'static str, NameIndex, foldhash::fast::RandomState>,
    known: Vec<Known>,
    /// Place in `providers` by provider name, lower case.
    by_name: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
    providers: Vec<Provider>,
    other: Plan,
    tables: Vec<BTreeMap<String, String>>,
    levels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Items of providers nothing is said of.
    fields: BTreeMap<String, Targets>,
    level: BTreeMap<String, String>,
    #[serde(default)]
    table: BTreeMap<String, BTreeMap<String, String>>,
    provider: Vec<ProviderDef>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderDef {
    names: Vec<String>,
    dataset: String,
    #[serde(default)]
    category: Vec<String>,
    #[serde(default, rename = "type")]
    kinds: Vec<String>,
    #[serde(default)]
    fields: BTreeMap<String, Targets>,
    #[serde(default)]
    event: Vec<EventDef>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventDef {
    code: Vec<u32>,
    action: Option<String>,
    category: Option<Vec<String>>,
    #[serde(rename = "type")]
    kinds: Option<Vec<String>>,
    outcome: Option<String>,
    #[serde(default)]
    fields: BTreeMap<String, Targets>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Targets {
    One(String),
    Many(Vec<String>),
}

impl Targets {
    fn iter(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self {
            Targets::One(s) if s.is_empty() => (None, &[][..]),
            Targets::One(s) => (Some(s.as_str()), &[][..]),
            Targets::Many(v) => (None, v.as_slice()),
        };
        one.into_iter().chain(many.iter().map(String::as_str))
    }
}

const PREFIX: &str = "winlog.event_data.";

impl Map {
    /// Reads the mapping.
    pub(super) fn parse(text: &str) -> Result<Map, MapError> {
        let file: File = toml::from_str(text).map_err(|e| MapError(e.to_string()))?;
        let mut map = Map { levels: file.level.clone(), ..Map::default() };
        for field in fields::STATIC.iter().filter_map(|f| f.name.strip_prefix(PREFIX)) {
            map.learn(field)?;
        }
        let named = file.provider.iter().flat_map(|p| p.fields.keys().chain(p.event.iter().flat_map(|e| e.fields.keys())));
        for name in file.fields.keys().chain(named) {
            map.learn(name)?;
        }
        let tables: Vec<&str> = file.table.keys().map(String::as_str).collect();
        map.other = map.plan(&tables, None, None, &[&file.fields])?;
        for def in &file.provider {
            let other = map.plan(&tables, Some(def), None, &[&file.fields, &def.fields])?;
            let mut provider = Provider { other, ..Provider::default() };
            for event in &def.event {
                for &code in &event.code {
                    let plan = map.plan(&tables, Some(def), Some(event), &[&file.fields, &def.fields, &event.fields])?;
                    if provider.by_code.insert(code, plan).is_some() {
                        return Err(MapError(format!("event {code} of {:?} is described twice", def.names)));
                    }
                }
            }
            map.providers.push(provider);
            for name in &def.names {
                if map.by_name.insert(name.to_ascii_lowercase().into(), map.providers.len() - 1).is_some() {
                    return Err(MapError(format!("provider {name} is described twice")));
                }
            }
        }
        map.tables = file.table.into_values().collect();
        Ok(map)
    }

    fn learn(&mut self, bare: &str) -> Result<(), MapError> {
        if self.names.contains_key(bare) {
            return Ok(());
        }
        let field = FieldId::intern(&format!("{PREFIX}{bare}")).ok_or_else(|| MapError("too many field names".into()))?;
        let bare = field.name().strip_prefix(PREFIX).unwrap_or_default();
        let index = u16::try_from(self.known.len()).map_err(|_| MapError("too many item names".into()))?;
        self.known.push(Known { bare, field });
        self.names.insert(bare, NameIndex(index));
        Ok(())
    }

    /// Later `layers` replace what earlier ones say of the same item; an empty target says: no ECS copy.
    fn plan(
        &self,
        tables: &[&str],
        provider: Option<&ProviderDef>,
        event: Option<&EventDef>,
        layers: &[&BTreeMap<String, Targets>],
    ) -> Result<Plan, MapError> {
        let mut merged: BTreeMap<&str, &Targets> = BTreeMap::new();
        for layer in layers {
            merged.extend(layer.iter().map(|(k, v)| (k.as_str(), v)));
        }
        let mut plan = Plan { slots: vec![0; self.known.len()].into(), ..Plan::default() };
        for (name, targets) in merged {
            let turns = targets.iter().map(|t| turn(t, tables)).collect::<Result<Vec<_>, _>>()?;
            let index = self.names.get(name).map_or(0, |i| usize::from(i.0));
            if turns.is_empty() {
                continue;
            }
            plan.turns.push(turns);
            let place = u8::try_from(plan.turns.len()).map_err(|_| MapError("an event maps more than 255 items".into()))?;
            if let Some(slot) = plan.slots.get_mut(index) {
                *slot = place;
            }
        }
        let boxed = |v: &[String]| v.iter().map(|s| s.as_str().into()).collect();
        if let Some(p) = provider {
            plan.dataset = Some(p.dataset.as_str().into());
            (plan.category, plan.kinds) = (boxed(&p.category), boxed(&p.kinds));
        }
        if let Some(e) = event {
            plan.action = e.action.as_deref().map(Into::into);
            plan.outcome = e.outcome.as_deref().map(Into::into);
            plan.category = e.category.as_deref().map_or(plan.category, boxed);
            plan.kinds = e.kinds.as_deref().map_or(plan.kinds, boxed);
        }
        Ok(plan)
    }

    /// The number of an item name.
    pub(super) fn name(&self, bare: &str) -> Option<NameIndex> {
        self.names.get(bare).copied()
    }

    /// The item name of a number.
    pub(super) fn known(&self, index: NameIndex) -> &Known {
        const NONE: Known = Known { bare: "", field: fields::MESSAGE };
        self.known.get(usize::from(index.0)).unwrap_or(&NONE)
    }

    /// What is said of an event.
    pub(super) fn find(&self, provider: &str, code: &str) -> &Plan {
        let mut lower = [0u8; 96];
        let place = match lower.get_mut(..provider.len()) {
            Some(buffer) => {
                buffer.copy_from_slice(provider.as_bytes());
                buffer.make_ascii_lowercase();
                std::str::from_utf8(buffer).ok().and_then(|name| self.by_name.get(name))
            }
            None => None,
        };
        let Some(provider) = place.and_then(|&i| self.providers.get(i)) else { return &self.other };
        code.parse().ok().and_then(|code: u32| provider.by_code.get(&code)).unwrap_or(&provider.other)
    }

    /// A word of a table; the key is tried as it is and without `0x` leading zeros.
    pub(super) fn word(&self, table: usize, key: &str) -> Option<&str> {
        self.tables.get(table)?.get(key.trim()).map(String::as_str)
    }

    /// `log.level` for a level number.
    pub(super) fn level(&self, number: &str) -> Option<&str> {
        self.levels.get(number).map(String::as_str)
    }
}

/// `source.ip`, or `kind(prefix)`.
fn turn(text: &str, tables: &[&str]) -> Result<Turn, MapError> {
    let field = |name: String| FieldId::intern(&name).ok_or_else(|| MapError("too many field names".into()));
    let bad = || MapError(format!("`{text}` is not a target"));
    let Some((kind, rest)) = text.split_once('(') else {
        let id = field(text.to_owned())?;
        return if id.is_static() || text.starts_with("winlog.") {
            Ok(Turn::Plain(id))
        } else {
            Err(MapError(format!("unknown field `{text}`")))
        };
    };
    let inner = rest.strip_suffix(')').ok_or_else(bad)?;
    let under = |leaf: &str| field(format!("{inner}.{leaf}"));
    Ok(match kind {
        "guid" => Turn::Guid(field(inner.to_owned())?),
        "program" => Turn::Program { executable: under("executable")?, name: under("name")? },
        "account" => Turn::Account { name: under("name")?, domain: under("domain")? },
        "file" => Turn::File,
        "library" => Turn::Library,
        "registry_value" => Turn::RegistryValue,
        "registry_key" => Turn::RegistryKey,
        "hashes" => Turn::Hashes(Hashes {
            md5: under("hash.md5")?,
            sha1: under("hash.sha1")?,
            sha256: under("hash.sha256")?,
            imphash: under("hash.imphash")?,
        }),
        "addresses" => Turn::Addresses(field(inner.to_owned())?),
        "table" => {
            let (target, name) = inner.split_once(',').ok_or_else(bad)?;
            let table = tables.iter().position(|t| *t == name.trim()).ok_or_else(|| MapError(format!("no [table.{}]", name.trim())))?;
            Turn::Table(field(target.trim().to_owned())?, table)
        }
        _ => return Err(bad()),
    })
}

/// Whether a field holds addresses.
pub(super) fn is_ip(field: FieldId) -> bool {
    field.kind() == FieldType::Ip
}
