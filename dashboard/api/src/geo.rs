//! Where addresses are, offline: countries that devices name in their events, else a MaxMind database of the operator's own.

use std::{collections::BTreeMap, net::IpAddr, path::Path, sync::Arc};

use fansipan_model::{Predicate, Scope, fields};
use fansipan_storage::{EventStore, StoreError, TimeRange};

use crate::dto::{CountryMap, ValueCount};

/// Addresses looked up for one map.
const ADDRESSES: usize = 5_000;
/// Countries shown.
const COUNTRIES: usize = 250;

/// The database, where one is configured.
#[derive(Clone, Default)]
pub(crate) struct Geo(Option<Arc<maxminddb::Reader<Vec<u8>>>>);

impl Geo {
    /// Reads a database into memory. One that cannot be read is reported, and the map has no source.
    pub(crate) fn open(path: Option<&Path>) -> Geo {
        let Some(path) = path else { return Geo(None) };
        match maxminddb::Reader::open_readfile(path) {
            Ok(reader) => Geo(Some(Arc::new(reader))),
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "FSP-API-100: the address database cannot be read, so the map stays without it; check [console] geo");
                Geo(None)
            }
        }
    }

    /// ISO 3166-1 alpha-2 of an address.
    fn country(&self, ip: IpAddr) -> Option<String> {
        let found = self.0.as_ref()?.lookup(ip).ok()?;
        // databases differ in where they keep it
        let nested = found.decode_path::<String>(&[maxminddb::PathElement::Key("country"), maxminddb::PathElement::Key("iso_code")]);
        let flat = || found.decode_path::<String>(&[maxminddb::PathElement::Key("country_code")]).ok().flatten();
        nested.ok().flatten().or_else(flat)
    }

    /// Events of a range by the country of their source address.
    pub(crate) fn map(&self, events: &dyn EventStore, scope: &Scope, range: TimeRange) -> Result<CountryMap, StoreError> {
        let named = events.facets(scope, &Predicate::True, range, &[fields::SOURCE_GEO_COUNTRY_ISO_CODE], COUNTRIES)?;
        let named: Vec<ValueCount> =
            named.into_iter().flat_map(|f| f.values).map(|v| ValueCount { value: v.value.text(), count: v.count }).collect();
        if self.0.is_none() {
            let source = (!named.is_empty()).then(|| "events".to_owned());
            return Ok(CountryMap { source, countries: named });
        }
        let addresses = events.facets(scope, &Predicate::True, range, &[fields::SOURCE_IP], ADDRESSES)?;
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for seen in addresses.into_iter().flat_map(|f| f.values) {
            if let Some(country) = seen.value.text().parse().ok().and_then(|ip| self.country(ip)) {
                *sums.entry(country).or_default() += seen.count;
            }
        }
        let mut countries: Vec<_> = sums.into_iter().map(|(value, count)| ValueCount { value, count }).collect();
        countries.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        countries.truncate(COUNTRIES);
        Ok(CountryMap { source: Some("database".into()), countries })
    }
}
